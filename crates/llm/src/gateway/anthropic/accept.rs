//! A request's settings; its conversation is read in [`super::conversation`].

use serde_json::json;

use super::super::body::{Field, parse};
use super::super::{Asked, Refusal};
use super::conversation;
use crate::request::{ChatRequest, Effort, OutputFormat, Sampling, Thinking, ToolChoice, ToolSpec};

/// `cache_control` is passed over: other providers cache prompts by themselves.
pub(super) fn accept(body: &[u8]) -> Result<Asked, Refusal> {
    let body = parse(body)?;
    let body = &Field::body(&body);
    if let Some(servers) = body.get("mcp_servers")
        && servers.items()?.next().is_some()
    {
        return Err(servers.untranslatable("mcp_servers"));
    }
    let (system, messages) = conversation::read(body)?;
    let tools = body.optional("tools", tools)?.unwrap_or_default();
    let choice = body.optional("tool_choice", tool_choice)?.unwrap_or_default();
    if let ToolChoice::Tool(name) = &choice.choice
        && !tools.iter().any(|tool| tool.name == *name)
    {
        return Err(Refusal::invalid("tool_choice.name", "`tool_choice.name` names none of the tools"));
    }
    let user = body.optional("metadata", |metadata| metadata.optional("user_id", Field::text_owned))?;
    let request = ChatRequest {
        system,
        messages,
        tools,
        tool_choice: choice.choice,
        parallel_tools: choice.one_at_a_time.map(|alone| !alone),
        output: output(body)?,
        // Anthropic wants it; a request to count tokens has none.
        max_output_tokens: body.optional("max_tokens", Field::positive)?,
        sampling: sampling(body)?,
        thinking: thinking(body)?,
        user: user.flatten(),
        sources: Vec::new(),
    };
    Ok(Asked { request, wants_usage: true, terms: json!({}) })
}

fn tools(tools: &Field<'_>) -> Result<Vec<ToolSpec>, Refusal> {
    let mut specs = Vec::new();
    for tool in tools.items()? {
        match tool.get("type").map(|_| tool.kind()).transpose()? {
            None | Some("custom") => {}
            // Anthropic carries these out itself, or has taught its models what they are.
            Some(own) => return Err(tool.untranslatable(own)),
        }
        specs.push(ToolSpec {
            name: tool.need("name")?.name()?,
            description: tool.optional("description", Field::text_owned)?.unwrap_or_default(),
            parameters: tool.need("input_schema")?.object()?.clone(),
        });
    }
    Ok(specs)
}

#[derive(Default)]
struct Choice {
    choice: ToolChoice,
    one_at_a_time: Option<bool>,
}

fn tool_choice(field: &Field<'_>) -> Result<Choice, Refusal> {
    let choice = match field.kind()? {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Any,
        "none" => ToolChoice::Never,
        "tool" => ToolChoice::Tool(field.need("name")?.name()?),
        _ => return Err(field.wrong("must be of type `auto`, `any`, `tool` or `none`")),
    };
    Ok(Choice { choice, one_at_a_time: field.optional("disable_parallel_tool_use", Field::flag)? })
}

/// `output_format` is the older place of `output_config.format`.
fn output(body: &Field<'_>) -> Result<OutputFormat, Refusal> {
    let config = body.get("output_config");
    let format = config.as_ref().and_then(|config| config.get("format"));
    let Some(format) = format.or_else(|| body.get("output_format")) else { return Ok(OutputFormat::Text) };
    match format.kind()? {
        "json_schema" => {
            let schema = format.need("schema")?.object()?.clone();
            Ok(OutputFormat::Schema { name: "answer".to_owned(), schema, strict: true })
        }
        other => Err(format.untranslatable(other)),
    }
}

fn sampling(body: &Field<'_>) -> Result<Sampling, Refusal> {
    let number = |name| body.optional(name, |field| field.number(0.0..=1.0));
    let stop = |field: &Field<'_>| field.items()?.map(|text| text.text_owned()).collect::<Result<Vec<_>, _>>();
    Ok(Sampling {
        temperature: number("temperature")?,
        top_p: number("top_p")?,
        top_k: body.optional("top_k", Field::count)?.filter(|k| *k > 0),
        stop: body.optional("stop_sequences", stop)?.unwrap_or_default(),
        ..Sampling::default()
    })
}

/// A model that thinks as it sees fit (`adaptive`) is told its effort beside it, and is used to a high one.
fn thinking(body: &Field<'_>) -> Result<Option<Thinking>, Refusal> {
    let effort = body.optional("output_config", |config| config.optional("effort", effort))?.flatten();
    let Some(thinking) = body.get("thinking") else { return Ok(effort.map(Thinking::Effort)) };
    Ok(Some(match thinking.kind()? {
        "disabled" => Thinking::Off,
        "adaptive" => Thinking::Effort(effort.unwrap_or(Effort::High)),
        "enabled" => Thinking::Tokens(thinking.need("budget_tokens")?.positive()?),
        _ => return Err(thinking.wrong("must be of type `enabled`, `adaptive` or `disabled`")),
    }))
}

fn effort(field: &Field<'_>) -> Result<Effort, Refusal> {
    Ok(match field.text()? {
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" | "max" => Effort::Highest,
        _ => return Err(field.wrong("must be `low`, `medium`, `high`, `xhigh` or `max`")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::request::{ChatMessage, Content, Image, Part, Thought};

    fn accepted(body: &Value) -> ChatRequest {
        accept(body.to_string().as_bytes()).unwrap().request
    }

    /// The field that a body with these members beside a question is refused for.
    fn refused(members: Value) -> String {
        let mut body = json!({"model": "m", "max_tokens": 16, "messages": [{"role": "user", "content": "Hi"}]});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let refusal = accept(body.to_string().as_bytes()).unwrap_err();
        let param = refusal.param.unwrap();
        assert!(refusal.message.contains(&param), "{}", refusal.message);
        param
    }

    fn user(block: Value) -> Value {
        json!({"messages": [{"role": "user", "content": [block]}]})
    }

    #[test]
    fn what_is_wrong_or_nobody_else_can_do_is_refused_by_name() {
        let first = "messages[0].content[0]";
        for (members, param) in [
            (json!({"messages": []}), "messages"),
            (json!({"messages": {}}), "messages"),
            (json!({"messages": [[]]}), "messages[0]"),
            (json!({"messages": [{"role": "tool", "content": "Hi"}]}), "messages[0].role"),
            (json!({"messages": [{"role": "user", "content": null}]}), "messages[0].content"),
            (user(json!({"type": "search_result"})), first),
            (user(json!({"type": "text"})), "messages[0].content[0].text"),
            (user(json!({"type": "tool_result", "tool_use_id": "x"})), "messages[0].content[0].tool_use_id"),
            (
                user(json!({"type": "image", "source": {"type": "file", "file_id": "f"}})),
                "messages[0].content[0].source",
            ),
            (
                user(json!({"type": "image", "source": {"type": "base64", "media_type": "text/html", "data": "aGk="}})),
                "messages[0].content[0].source.data",
            ),
            (
                user(
                    json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}}),
                ),
                "messages[0].content[0].source",
            ),
            (json!({"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]}), first),
            (
                json!({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "{}"}]}]}),
                "messages[0].content[0].input",
            ),
            (json!({"system": [{"type": "image"}]}), "system[0]"),
            (json!({"tools": [{"type": "web_search_20260318", "name": "web_search"}]}), "tools[0]"),
            (json!({"tools": [{"name": "f"}]}), "tools[0].input_schema"),
            (json!({"tool_choice": {"type": "some"}}), "tool_choice"),
            (json!({"tool_choice": {"type": "tool"}}), "tool_choice.name"),
            (json!({"tool_choice": {"type": "tool", "name": "f"}}), "tool_choice.name"),
            (json!({"thinking": {"type": "enabled"}}), "thinking.budget_tokens"),
            (json!({"thinking": {"type": "deep"}}), "thinking"),
            (json!({"output_config": {"effort": "utmost"}}), "output_config.effort"),
            (json!({"output_config": {"format": {"type": "grammar"}}}), "output_config.format"),
            (json!({"max_tokens": 0}), "max_tokens"),
            (json!({"temperature": 1.5}), "temperature"),
            (json!({"stop_sequences": "END"}), "stop_sequences"),
            (json!({"mcp_servers": [{"type": "url"}]}), "mcp_servers"),
        ] {
            assert_eq!(refused(members.clone()), param, "{members}");
        }
    }

    #[test]
    fn results_of_tools_become_messages_of_their_own_where_they_stand() {
        let request = accepted(&json!({"messages": [
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "thinking", "thinking": "Unproven.", "signature": ""},
                {"type": "text", "text": "Let me look.", "cache_control": {"type": "ephemeral"}},
                {"type": "tool_use", "id": "a", "name": "camera", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "is_error": true, "content": [
                    {"type": "text", "text": "Dark."},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                ]},
                {"type": "text", "text": "And now?"},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Notes."}},
            ]},
        ]}));
        let open = |text: &str, signature: Option<&str>| Thought::Open {
            text: text.into(),
            signature: signature.map(str::to_owned),
        };
        let text = |text: &str| Part::Text { text: text.into() };
        let image = Image::Data { media_type: "image/png".into(), base64: "aGk=".into() };
        let want = [
            ChatMessage::Assistant {
                thoughts: vec![
                    open("Hm.", Some("c2ln")),
                    Thought::Sealed { data: "x".into() },
                    open("Unproven.", None),
                ],
                text: "Let me look.".into(),
                tool_calls: vec![crate::golden::call("a", "camera", json!({}))],
            },
            ChatMessage::Tool {
                call_id: "a".into(),
                name: "camera".into(),
                content: Content(vec![text("Dark."), Part::Image { image }]),
                is_error: true,
            },
            ChatMessage::User { content: Content(vec![text("And now?"), text("Notes.")]) },
        ];
        assert_eq!(request.messages, want);
    }

    #[test]
    fn how_much_to_think_is_told_in_every_way() {
        let thinking = |members: Value| {
            let mut body = json!({"messages": [{"role": "user", "content": "Hi"}]});
            body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            accepted(&body).thinking
        };
        assert_eq!(thinking(json!({})), None);
        assert_eq!(thinking(json!({"thinking": {"type": "disabled"}})), Some(Thinking::Off));
        let budget = json!({"thinking": {"type": "enabled", "budget_tokens": 2048}});
        assert_eq!(thinking(budget), Some(Thinking::Tokens(2048)));
        assert_eq!(thinking(json!({"thinking": {"type": "adaptive"}})), Some(Thinking::Effort(Effort::High)));
        let both = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}});
        assert_eq!(thinking(both), Some(Thinking::Effort(Effort::Highest)));
        assert_eq!(thinking(json!({"output_config": {"effort": "low"}})), Some(Thinking::Effort(Effort::Low)));
    }

    #[test]
    fn the_form_of_the_answer_stands_in_either_place() {
        let format = json!({"type": "json_schema", "schema": {"type": "object"}});
        let want = OutputFormat::Schema { name: "answer".into(), schema: json!({"type": "object"}), strict: true };
        for member in [json!({"output_config": {"format": format}}), json!({"output_format": format})] {
            let mut body = json!({"messages": [{"role": "user", "content": "Hi"}]});
            body.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
            assert_eq!(accepted(&body).output, want);
        }
    }
}
