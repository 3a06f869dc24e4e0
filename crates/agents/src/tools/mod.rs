//! What agents can do. One folder a tool and one line in [`Tools::builtin`].
//!
//! Invariant: a tool is called with arguments that fit its schema; what does not fit goes back to the model in words.

mod arguments;
mod calculator;
mod date_time;

use std::sync::Arc;

use async_trait::async_trait;
use kernel::Clock;
use serde_json::Value;

/// One thing an agent can do.
#[async_trait]
pub trait Tool: Send + Sync + 'static {
    /// What the model calls it; never changes, since configurations and journals name it.
    fn name(&self) -> &'static str;

    /// What people call it.
    fn title(&self) -> &'static str;

    /// What it does and when to use it, for the model.
    fn description(&self) -> &'static str;

    /// A JSON schema of the arguments: an object whose `properties` have a `type` (or `enum`) and a `description`.
    fn parameters(&self) -> Value;

    fn effect(&self) -> Effect;

    /// Does it. `arguments` fit the schema.
    async fn call(&self, arguments: &Value) -> Result<String, ToolError>;
}

/// What happens when a call is made twice, which is what a crash between the call and its record leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing outside is touched.
    Pure,
    /// The second call leaves things as the first did.
    Repeatable,
    /// It must not happen twice: after a crash in its middle it is not repeated, and the model is told so.
    Once,
}

/// Why a call failed, in words for the model.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    #[error("invalid arguments: {0}")]
    Arguments(String),
    #[error("{0}")]
    Failed(String),
}

/// The catalogue. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    all: Arc<[Arc<dyn Tool>]>,
}

impl Tools {
    /// The tools that come with the product.
    pub fn builtin(clock: Clock) -> Self {
        Self::new(vec![Arc::new(date_time::DateTimeTool::new(clock)), Arc::new(calculator::Calculator)])
    }

    pub fn new(all: Vec<Arc<dyn Tool>>) -> Self {
        Self { all: all.into() }
    }

    pub fn find(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.iter().find(|tool| tool.name() == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Tool>> {
        self.all.iter()
    }
}

/// Says what is wrong with a call's arguments, if anything is.
pub(crate) fn check(tool: &dyn Tool, arguments: &Value) -> Result<(), ToolError> {
    arguments::check(&tool.parameters(), arguments).map_err(ToolError::Arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the portal's forms and the models rely on, tool by tool.
    #[test]
    fn the_catalogue_is_as_it_was() {
        let tools = Tools::builtin(Clock::system());
        let catalogue: Vec<_> = tools
            .iter()
            .map(|tool| {
                serde_json::json!({
                    "name": tool.name(),
                    "title": tool.title(),
                    "description": tool.description(),
                    "parameters": tool.parameters(),
                })
            })
            .collect();
        insta::assert_json_snapshot!(catalogue);
    }
}
