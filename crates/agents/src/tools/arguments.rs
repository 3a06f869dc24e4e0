//! Checks a call's arguments against its tool's schema: the part of JSON Schema that tools use, with messages that let
//! a model mend its call.

use serde_json::{Map, Value};

/// Says what is wrong with `arguments`; a schema's unknown words are ignored.
pub(crate) fn check(schema: &Value, arguments: &Value) -> Result<(), String> {
    check_value("arguments", schema, arguments)
}

fn check_value(path: &str, schema: &Value, value: &Value) -> Result<(), String> {
    check_type(path, schema, value)?;
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let allowed: Vec<_> = allowed.iter().map(Value::to_string).collect();
        return Err(format!("{path} must be one of {}", allowed.join(", ")));
    }
    match value {
        Value::Object(fields) => check_object(path, schema, fields),
        Value::Array(items) => check_array(path, schema, items),
        Value::String(text) => check_text(path, schema, text),
        Value::Number(_) => check_number(path, schema, value.as_f64().unwrap_or(f64::NAN)),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn check_type(path: &str, schema: &Value, value: &Value) -> Result<(), String> {
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if allowed.iter().any(|wanted| is_type(value, wanted)) {
        return Ok(());
    }
    Err(format!("{path} must be of type {}, not {}", allowed.join(" or "), type_of(value)))
}

fn check_object(path: &str, schema: &Value, fields: &Map<String, Value>) -> Result<(), String> {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            return Err(format!("{path} lacks \"{name}\""));
        }
    }
    let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
    for (name, value) in fields {
        match properties.get(name) {
            Some(property) => check_value(name, property, value)?,
            None if schema["additionalProperties"] == Value::Bool(false) => {
                let known: Vec<_> = properties.keys().map(String::as_str).collect();
                return Err(format!("{path} has no \"{name}\"; it takes {}", known.join(", ")));
            }
            None => {}
        }
    }
    Ok(())
}

fn check_array(path: &str, schema: &Value, items: &[Value]) -> Result<(), String> {
    if let Some(most) = schema["maxItems"].as_u64()
        && items.len() as u64 > most
    {
        return Err(format!("{path} may have at most {most} items"));
    }
    items.iter().enumerate().try_for_each(|(at, item)| check_value(&format!("{path}[{at}]"), &schema["items"], item))
}

fn check_text(path: &str, schema: &Value, text: &str) -> Result<(), String> {
    let length = text.chars().count() as u64;
    match (schema["minLength"].as_u64(), schema["maxLength"].as_u64()) {
        (Some(least), _) if length < least => Err(format!("{path} must have at least {least} characters")),
        (_, Some(most)) if length > most => Err(format!("{path} may have at most {most} characters")),
        _ => Ok(()),
    }
}

fn check_number(path: &str, schema: &Value, number: f64) -> Result<(), String> {
    match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        (Some(least), _) if number < least => Err(format!("{path} must be at least {least}")),
        (_, Some(most)) if number > most => Err(format!("{path} must be at most {most}")),
        _ => Ok(()),
    }
}

fn is_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "integer" => {
            value.as_i64().is_some() || value.as_u64().is_some() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        wanted => type_of(value) == wanted,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_misfit_is_explained() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string", "minLength": 1, "maxLength": 5},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
                "unit": {"enum": ["c", "f"]},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            },
            "required": ["city"],
            "additionalProperties": false,
        });
        for (arguments, expected) in [
            (json!({"city": "Oslo", "days": 3, "unit": "c", "tags": ["a"]}), "fine"),
            (json!("Oslo"), "arguments must be of type object, not string"),
            (json!({}), "arguments lacks \"city\""),
            (json!({"city": 3}), "city must be of type string, not number"),
            (json!({"city": ""}), "city must have at least 1 characters"),
            (json!({"city": "London"}), "city may have at most 5 characters"),
            (json!({"city": "Oslo", "town": 1}), "arguments has no \"town\"; it takes city, days, tags, unit"),
            (json!({"city": "Oslo", "days": 1.5}), "days must be of type integer, not number"),
            (json!({"city": "Oslo", "days": 8}), "days must be at most 7"),
            (json!({"city": "Oslo", "unit": "k"}), "unit must be one of \"c\", \"f\""),
            (json!({"city": "Oslo", "tags": ["a", 1]}), "tags[1] must be of type string, not number"),
            (json!({"city": "Oslo", "tags": ["a", "b", "c"]}), "tags may have at most 2 items"),
        ] {
            let found = check(&schema, &arguments).err().unwrap_or_else(|| "fine".to_owned());
            assert_eq!(found, expected, "{arguments}");
        }
    }
}
