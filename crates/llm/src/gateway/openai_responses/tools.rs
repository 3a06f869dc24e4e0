//! Tools. Other providers know functions alone: a tool whose input is free text becomes a function with one string, and a
//! tool of a namespace bears that in its name. On the way back each is what the client knows.

use serde_json::{Value, json};

use super::super::Refusal;
use super::super::body::Field;
use crate::request::{ToolChoice, ToolSpec};

/// What the one argument of a tool with free input is called.
const INPUT: &str = "input";
/// What OpenAI does itself and agents offer as a matter of course. Beside tools of the client's own it is passed over: the
/// model goes without.
const OFFERED: [&str; 4] = ["web_search", "web_search_preview", "image_generation", "tool_search"];

/// A client's tool, by the name that other providers know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    seen: String,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    /// Its input is free text.
    pub(super) free: bool,
}

/// The client's tools of a request that has been accepted.
pub(super) fn known(tools: &Value) -> Vec<Known> {
    let list = |tools: &Value| tools.as_array().cloned().unwrap_or_default();
    let one = |tool: &Value, namespace: Option<&str>| {
        let name = tool["name"].as_str().unwrap_or_default();
        let (name, namespace) = (name.to_owned(), namespace.map(str::to_owned));
        Known { seen: seen(namespace.as_deref(), &name), name, namespace, free: tool["type"] == "custom" }
    };
    let mut known = Vec::new();
    for tool in list(tools) {
        match tool["type"].as_str() {
            Some("function" | "custom") => known.push(one(&tool, None)),
            Some("namespace") => {
                known.extend(list(&tool["tools"]).iter().map(|inner| one(inner, tool["name"].as_str())));
            }
            _ => {}
        }
    }
    known
}

/// The tool that a model called by `name`; a function where it made the name up.
pub(super) fn called(known: &[Known], name: &str) -> Known {
    let unknown = || Known { seen: name.to_owned(), name: name.to_owned(), namespace: None, free: false };
    known.iter().find(|tool| tool.seen == name).cloned().unwrap_or_else(unknown)
}

/// The name that other providers know a tool by.
pub(super) fn seen(namespace: Option<&str>, name: &str) -> String {
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}__{name}"))
}

/// Free input as a function's arguments.
pub(super) fn wrap(input: &str) -> Value {
    json!({ INPUT: input })
}

/// Free input of what a model wrote as arguments. Some models find a name of their own for the one argument, some forget
/// the JSON.
pub(super) fn unwrap(arguments: &str) -> String {
    let parsed: Value = serde_json::from_str(arguments).unwrap_or(Value::Null);
    let only = || parsed.as_object().filter(|members| members.len() == 1)?.values().next()?.as_str();
    match parsed.as_str().or(parsed[INPUT].as_str()).or_else(only) {
        Some(input) => input.to_owned(),
        None if parsed.as_object().is_some_and(serde_json::Map::is_empty) => String::new(),
        None => arguments.to_owned(),
    }
}

/// The tools of a request and which of them is to be called.
pub(super) fn read(body: &Field<'_>) -> Result<(Vec<ToolSpec>, ToolChoice), Refusal> {
    let (mut specs, mut passed_over) = (Vec::new(), None);
    if let Some(tools) = body.get("tools") {
        for (at, tool) in tools.items()?.enumerate() {
            match tool.kind()? {
                "function" | "custom" => specs.push(spec(&tool, None)?),
                "namespace" => {
                    let namespace = tool.need("name")?.name()?;
                    for inner in tool.need("tools")?.items()? {
                        specs.push(spec(&inner, Some(&namespace))?);
                    }
                }
                offer if OFFERED.contains(&offer) => passed_over = passed_over.or(Some(at)),
                other => return Err(tool.untranslatable(other)),
            }
        }
        if specs.is_empty()
            && let Some(tool) = passed_over.and_then(|at| tools.items().ok()?.nth(at))
        {
            return Err(tool.untranslatable(tool.kind()?));
        }
    }
    let choice = body.optional("tool_choice", |choice| chosen(choice, &mut specs))?.unwrap_or_default();
    if let ToolChoice::Tool(name) = &choice
        && !specs.iter().any(|spec| spec.name == *name)
    {
        return Err(Refusal::invalid("tool_choice", "`tool_choice` names none of the tools"));
    }
    Ok((specs, choice))
}

fn spec(tool: &Field<'_>, namespace: Option<&str>) -> Result<ToolSpec, Refusal> {
    let name = seen(namespace, &tool.need("name")?.name()?);
    let description = tool.optional("description", Field::text_owned)?.unwrap_or_default();
    match tool.kind()? {
        "function" => {
            let parameters = tool.optional("parameters", |schema| schema.object().cloned())?;
            let parameters = parameters.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
            Ok(ToolSpec { name, description, parameters })
        }
        "custom" => {
            let form = tool.optional("format", form)?.flatten();
            let input =
                json!({"type": "string", "description": form.unwrap_or("The tool's input, as it is.".to_owned())});
            let parameters = json!({"type": "object", "properties": {INPUT: input}, "required": [INPUT], "additionalProperties": false});
            Ok(ToolSpec { name, description, parameters })
        }
        other => Err(tool.untranslatable(other)),
    }
}

/// In words: other providers cannot hold their models to a grammar.
fn form(format: &Field<'_>) -> Result<Option<String>, Refusal> {
    match format.kind()? {
        "text" => Ok(None),
        "grammar" => {
            let syntax = format.need("syntax")?.text()?;
            let definition = format.need("definition")?.text()?;
            Ok(Some(format!("The tool's input, as it is. It must follow this grammar ({syntax}):\n{definition}")))
        }
        other => Err(format.untranslatable(other)),
    }
}

/// May shorten `specs` to those that are allowed.
fn chosen(choice: &Field<'_>, specs: &mut Vec<ToolSpec>) -> Result<ToolChoice, Refusal> {
    if choice.as_text().is_some() {
        return mode(choice);
    }
    match choice.kind()? {
        "function" | "custom" => Ok(ToolChoice::Tool(name(choice)?)),
        "allowed_tools" => {
            let mut names = Vec::new();
            for tool in choice.need("tools")?.items()? {
                match tool.kind()? {
                    "function" | "custom" => names.push(name(&tool)?),
                    other => return Err(tool.untranslatable(other)),
                }
            }
            specs.retain(|spec| names.contains(&spec.name));
            mode(&choice.need("mode")?)
        }
        other => Err(choice.untranslatable(other)),
    }
}

fn name(tool: &Field<'_>) -> Result<String, Refusal> {
    let namespace = tool.optional("namespace", Field::name)?;
    Ok(seen(namespace.as_deref(), &tool.need("name")?.name()?))
}

fn mode(choice: &Field<'_>) -> Result<ToolChoice, Refusal> {
    match choice.text()? {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::Never),
        "required" => Ok(ToolChoice::Any),
        _ => Err(choice.wrong("must be `auto`, `none`, `required` or name a tool")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_input_comes_back_however_the_model_wrote_it() {
        for (arguments, input) in [
            (wrap("*** Begin \"Patch\"").to_string().as_str(), "*** Begin \"Patch\""),
            ("{\"patch\": \"x\"}", "x"),
            ("\"x\"", "x"),
            ("*** Begin", "*** Begin"),
            ("{\"input\": {\"a\": 1}}", "{\"input\": {\"a\": 1}}"),
            ("{}", ""),
            ("", ""),
        ] {
            assert_eq!(unwrap(arguments), input, "{arguments}");
        }
    }

    #[test]
    fn a_tool_of_a_namespace_is_known_by_both_names() {
        let tools = json!([{"type": "function", "name": "shell"}, {"type": "custom", "name": "apply_patch"},
            {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "spawn"}]}, {"type": "web_search"}]);
        let known = known(&tools);
        let spawn = called(&known, "agents__spawn");
        assert_eq!((spawn.name.as_str(), spawn.namespace.as_deref(), spawn.free), ("spawn", Some("agents"), false));
        assert!(called(&known, "apply_patch").free);
        assert_eq!(called(&known, "made_up").name, "made_up");
    }
}
