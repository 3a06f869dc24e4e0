//! A request's settings; its conversation is read in [`super::conversation`], its tools in [`super::tools`].

use serde_json::{Map, Value, json};

use super::super::body::{Field, parse};
use super::super::{Asked, Refusal};
use super::{conversation, tools};
use crate::request::{ChatRequest, Effort, OutputFormat, Sampling, Thinking};

pub(super) fn accept(body: &[u8]) -> Result<Asked, Refusal> {
    let value = parse(body)?;
    let body = &Field::body(&value);
    refuse_what_is_stored(body)?;
    refuse_what_only_openai_has(body)?;
    let (system, messages) = conversation::read(body)?;
    let (tools, tool_choice) = tools::read(body)?;
    let user = match body.optional("safety_identifier", Field::text_owned)? {
        None => body.optional("user", Field::text_owned)?,
        user => user,
    };
    let number = |name, range| body.optional(name, |field| field.number(range));
    let request = ChatRequest {
        system,
        messages,
        tools,
        tool_choice,
        parallel_tools: body.optional("parallel_tool_calls", Field::flag)?,
        output: body.optional("text", |text| text.optional("format", output))?.flatten().unwrap_or_default(),
        max_output_tokens: body.optional("max_output_tokens", Field::positive)?,
        sampling: Sampling {
            temperature: number("temperature", 0.0..=2.0)?,
            top_p: number("top_p", 0.0..=1.0)?,
            ..Sampling::default()
        },
        thinking: body.optional("reasoning", |reasoning| reasoning.optional("effort", thinking))?.flatten(),
        user,
        sources: Vec::new(),
    };
    Ok(Asked { request, wants_usage: true, terms: terms(&value) })
}

fn refuse_what_is_stored(body: &Field<'_>) -> Result<(), Refusal> {
    for name in ["previous_response_id", "conversation", "prompt"] {
        if let Some(stored) = body.get(name) {
            return Err(stored.wrong(
                "refers to what is stored: the gateway stores nothing, send the whole conversation in `input`",
            ));
        }
    }
    match body.get("background") {
        Some(background) if background.flag()? => {
            Err(background.wrong("must be false: the gateway stores no responses to be fetched later"))
        }
        _ => Ok(()),
    }
}

fn refuse_what_only_openai_has(body: &Field<'_>) -> Result<(), Refusal> {
    if let Some(top) = body.get("top_logprobs")
        && top.count()? > 0
    {
        return Err(top.untranslatable("top_logprobs"));
    }
    if let Some(include) = body.get("include") {
        for wanted in include.items()? {
            if wanted.text()? == "message.output_text.logprobs" {
                return Err(wanted.untranslatable("message.output_text.logprobs"));
            }
        }
    }
    Ok(())
}

fn output(format: &Field<'_>) -> Result<OutputFormat, Refusal> {
    match format.kind()? {
        "text" => Ok(OutputFormat::Text),
        "json_object" => Ok(OutputFormat::Json),
        "json_schema" => Ok(OutputFormat::Schema {
            name: format.need("name")?.name()?,
            schema: format.need("schema")?.object()?.clone(),
            strict: format.optional("strict", Field::flag)?.unwrap_or(false),
        }),
        other => Err(format.untranslatable(other)),
    }
}

fn thinking(effort: &Field<'_>) -> Result<Thinking, Refusal> {
    Ok(match effort.text()? {
        "none" => Thinking::Off,
        "minimal" => Thinking::Effort(Effort::Minimal),
        "low" => Thinking::Effort(Effort::Low),
        "medium" => Thinking::Effort(Effort::Medium),
        "high" => Thinking::Effort(Effort::High),
        "xhigh" | "max" => Thinking::Effort(Effort::Highest),
        _ => return Err(effort.wrong("must be `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`")),
    })
}

/// What a response repeats of its request, with the protocol's word for what was left open.
fn terms(body: &Value) -> Value {
    let open = [
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("max_tool_calls", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("prompt_cache_key", Value::Null),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("safety_identifier", Value::Null),
        ("temperature", Value::Null),
        ("text", json!({"format": {"type": "text"}})),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_p", Value::Null),
        ("user", Value::Null),
    ];
    let said = |name: &str| body.get(name).filter(|value| !value.is_null()).cloned();
    let mut terms: Map<String, Value> =
        open.into_iter().map(|(name, open)| (name.to_owned(), said(name).unwrap_or(open))).collect();
    if let Some(text) = terms.get_mut("text").and_then(Value::as_object_mut) {
        text.entry("format").or_insert_with(|| json!({"type": "text"}));
    }
    // Whatever was asked for.
    let fixed = [
        ("background", json!(false)),
        ("previous_response_id", Value::Null),
        ("service_tier", json!("default")),
        ("store", json!(false)),
        ("top_logprobs", json!(0)),
        ("truncation", json!("disabled")),
    ];
    terms.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(terms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::call;
    use crate::request::{ChatMessage, Thought, ToolChoice};

    fn accepted(body: &Value) -> ChatRequest {
        accept(body.to_string().as_bytes()).unwrap().request
    }

    /// The field that a body with these members is refused for.
    fn refused(members: &Value) -> (String, String) {
        let mut body = json!({"model": "m", "input": "Hi"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let refusal = accept(body.to_string().as_bytes()).unwrap_err();
        let param = refusal.param.unwrap();
        assert!(refusal.message.contains(&param), "{}", refusal.message);
        (param, refusal.message)
    }

    #[test]
    fn what_is_wrong_or_nobody_else_can_do_is_refused_by_name() {
        for (members, param) in [
            (json!({"input": null}), "input"),
            (json!({"input": []}), "input"),
            (json!({"input": 7}), "input"),
            (json!({"input": ["Hi"]}), "input[0]"),
            (json!({"input": [{"role": "nobody", "content": "Hi"}]}), "input[0].role"),
            (json!({"input": [{"role": "user"}]}), "input[0].content"),
            (
                json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}),
                "input[0].content[0]",
            ),
            (
                json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}),
                "input[0].content[0].file_id",
            ),
            (json!({"input": [{"type": "function_call_output", "call_id": "x", "output": "Hi"}]}), "input[0].call_id"),
            (
                json!({"input": [{"type": "function_call", "call_id": "x", "name": "f", "arguments": "{"}]}),
                "input[0].arguments",
            ),
            (json!({"input": [{"type": "mcp_call", "id": "x"}]}), "input[0]"),
            (json!({"tools": [{"type": "web_search"}]}), "tools[0]"),
            (json!({"tools": [{"type": "file_search", "vector_store_ids": []}]}), "tools[0]"),
            (json!({"tools": [{"type": "function", "name": ""}]}), "tools[0].name"),
            (
                json!({"tools": [{"type": "custom", "name": "x", "format": {"type": "grammar"}}]}),
                "tools[0].format.syntax",
            ),
            (json!({"tool_choice": "never"}), "tool_choice"),
            (json!({"tool_choice": {"type": "web_search"}}), "tool_choice"),
            (json!({"tool_choice": {"type": "function", "name": "f"}}), "tool_choice"),
            (json!({"text": {"format": {"type": "json_schema", "name": "x"}}}), "text.format.schema"),
            (json!({"temperature": 3}), "temperature"),
            (json!({"max_output_tokens": 0}), "max_output_tokens"),
            (json!({"reasoning": {"effort": "utmost"}}), "reasoning.effort"),
            (json!({"top_logprobs": 3}), "top_logprobs"),
            (json!({"include": ["message.output_text.logprobs"]}), "include[0]"),
        ] {
            assert_eq!(refused(&members).0, param, "{members}");
        }
    }

    #[test]
    fn what_the_gateway_would_have_to_store_is_refused_with_what_to_do_instead() {
        for (members, param) in [
            (json!({"previous_response_id": "resp_1"}), "previous_response_id"),
            (json!({"conversation": {"id": "c"}}), "conversation"),
            (json!({"prompt": {"id": "p"}}), "prompt"),
            (json!({"background": true}), "background"),
            (json!({"input": [{"type": "item_reference", "id": "msg_1"}]}), "input[0]"),
        ] {
            let (place, message) = refused(&members);
            assert!(place == param && message.contains("stores n"), "{message}");
        }
        accepted(&json!({"input": "Hi", "store": true, "previous_response_id": null, "background": false}));
    }

    #[test]
    fn an_agents_tools_are_functions_and_what_openai_would_do_is_passed_over() {
        let grammar = json!({"type": "grammar", "syntax": "lark", "definition": "start: \"x\""});
        let request = accepted(&json!({
            "input": "Hi",
            "tools": [
                {"type": "function", "name": "exec_command", "description": "Runs.", "strict": false, "parameters": {"type": "object"}},
                {"type": "custom", "name": "apply_patch", "description": "Patches.", "format": grammar},
                {"type": "namespace", "name": "agents", "description": "", "tools": [{"type": "function", "name": "spawn"}]},
                {"type": "web_search", "external_web_access": true},
            ],
            "tool_choice": {"type": "custom", "name": "apply_patch"},
        }));
        let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["exec_command", "apply_patch", "agents__spawn"]);
        let input = &request.tools[1].parameters["properties"]["input"];
        assert!(input["description"].as_str().unwrap().ends_with("(lark):\nstart: \"x\""), "{input}");
        assert_eq!(request.tool_choice, ToolChoice::Tool("apply_patch".into()));
    }

    #[test]
    fn items_of_one_answer_are_one_message() {
        let request = accepted(&json!({"instructions": "Be brief.", "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]},
            {"role": "user", "content": "Patch it."},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "konstruct.signature:c2ln"},
            {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I will."}]},
            {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": "*** x"},
            {"type": "function_call", "call_id": "b", "name": "spawn", "namespace": "agents", "arguments": ""},
            {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"},
            {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "ok"}]},
        ]}));
        let thoughts = vec![
            Thought::Open { text: "Hm.".into(), signature: Some("c2ln".into()) },
            Thought::Sealed { data: "openai:gAAAA".into() },
        ];
        let calls = vec![call("a", "apply_patch", json!({"input": "*** x"})), call("b", "agents__spawn", json!({}))];
        let result = |id: &str, name: &str| ChatMessage::Tool {
            call_id: id.into(),
            name: name.into(),
            content: "ok".into(),
            is_error: false,
        };
        assert_eq!(request.system, "Be brief.\n\nBe kind.");
        assert_eq!(
            request.messages,
            [
                ChatMessage::user("Patch it."),
                ChatMessage::Assistant { thoughts, text: "I will.".into(), tool_calls: calls },
                result("a", "apply_patch"),
                result("b", "agents__spawn"),
            ]
        );
    }

    #[test]
    fn a_response_repeats_its_requests_terms() {
        let body = json!({"input": "Hi", "temperature": 0.5, "text": {"verbosity": "low"}, "metadata": {"a": "b"},
            "store": true, "reasoning": {"summary": "auto"}, "truncation": "auto"});
        let terms = accept(body.to_string().as_bytes()).unwrap().terms;
        assert_eq!((&terms["temperature"], &terms["metadata"]), (&json!(0.5), &json!({"a": "b"})));
        assert_eq!(terms["text"], json!({"verbosity": "low", "format": {"type": "text"}}));
        assert_eq!((&terms["store"], &terms["truncation"]), (&json!(false), &json!("disabled")));
        assert_eq!((&terms["tool_choice"], &terms["parallel_tool_calls"]), (&json!("auto"), &json!(true)));
    }
}
