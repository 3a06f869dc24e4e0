//! Whether an answer is what the document says: a small validator for the part of JSON Schema that it uses.

use serde_json::{Map, Value};

/// What is wrong with `value`, by path; nothing where it fits. Undocumented fields are wrong too.
pub fn mismatches(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Checker { document, found: &mut found }.check(schema, value, "$");
    found
}

struct Checker<'a> {
    document: &'a Value,
    found: &'a mut Vec<String>,
}

impl Checker<'_> {
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        let schema = self.resolve(schema).clone();
        if let Some(options) = schema["oneOf"].as_array() {
            if !options.iter().any(|option| mismatches(self.document, option, value).is_empty()) {
                self.found.push(format!("{at}: fits none of its options: {value}"));
            }
            return;
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            self.found.push(format!("{at}: {value} is not among {allowed:?}"));
        }
        if !admits(&schema["type"], value) {
            self.found.push(format!("{at}: {value} is not {}", schema["type"]));
            return;
        }
        match value {
            Value::Array(items) if schema["items"].is_object() => {
                for (n, item) in items.iter().enumerate() {
                    self.check(&schema["items"], item, &format!("{at}[{n}]"));
                }
            }
            Value::Object(fields) => self.check_object(&schema, fields, at),
            _ => {}
        }
    }

    fn check_object(&mut self, schema: &Value, fields: &Map<String, Value>, at: &str) {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        self.gather(schema, &mut properties, &mut required);
        for name in required.iter().filter(|name| !fields.contains_key(*name)) {
            self.found.push(format!("{at}: {name} is missing"));
        }
        for (name, value) in fields {
            match (properties.get(name), &schema["additionalProperties"]) {
                (Some(schema), _) => self.check(schema, value, &format!("{at}.{name}")),
                (None, open @ Value::Object(_)) => self.check(open, value, &format!("{at}.{name}")),
                (None, _) if properties.is_empty() => {}
                (None, _) => self.found.push(format!("{at}: {name} is not documented")),
            }
        }
    }

    /// The fields of an object schema and of all it is composed of.
    fn gather(&self, schema: &Value, properties: &mut Map<String, Value>, required: &mut Vec<String>) {
        let schema = self.resolve(schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.gather(part, properties, required);
        }
        if let Some(own) = schema["properties"].as_object() {
            properties.extend(own.clone());
        }
        required
            .extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    }

    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).expect(reference),
            None => schema,
        }
    }
}

fn admits(kind: &Value, value: &Value) -> bool {
    match kind {
        Value::String(kind) => match kind.as_str() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => false,
        },
        Value::Array(kinds) => kinds.iter().any(|kind| admits(kind, value)),
        _ => true,
    }
}
