//! Calculates exactly. Numbers are fractions of big integers, so 0.1 + 0.2 is 0.3 and 1/3*3 is 1; what cannot be
//! written down exactly as a decimal is said to be rounded.

mod number;
mod parse;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Effect, Tool, ToolError};

/// The longest expression that is taken, in characters.
const MAX_EXPRESSION: usize = 1_000;

pub(crate) struct Calculator;

#[async_trait]
impl Tool for Calculator {
    fn name(&self) -> &'static str {
        "calculator"
    }

    fn title(&self) -> &'static str {
        "Calculator"
    }

    fn description(&self) -> &'static str {
        "Calculates an arithmetic expression exactly, with decimals of any length. Operators: + - * / % (remainder) \
         ^ (power) and parentheses. Functions: abs(x), min(x, ...), max(x, ...), sum(x, ...), floor(x), ceil(x), \
         round(x, digits) (halves away from zero), sqrt(x). A result that has no exact decimal form is marked with ≈. \
         Use it for every calculation instead of working it out yourself."
    }

    fn parameters(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "expression": {
                    "type": "string",
                    "description": "The expression, such as (19.99 * 3 + 4.5) * 1.19. No units, no thousands separators.",
                    "minLength": 1,
                    "maxLength": MAX_EXPRESSION,
                },
            },
            "required": ["expression"],
            "additionalProperties": false,
        })
    }

    fn effect(&self) -> Effect {
        Effect::Pure
    }

    async fn call(&self, arguments: &Value) -> Result<String, ToolError> {
        let expression = arguments["expression"].as_str().unwrap_or_default();
        parse::evaluate(expression).map(|number| number.to_string()).map_err(ToolError::Failed)
    }
}
