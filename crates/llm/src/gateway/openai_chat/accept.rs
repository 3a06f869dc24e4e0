//! A request's settings; its conversation is read in [`super::conversation`].

use serde_json::{Value, json};

use super::super::body::{Field, parse};
use super::super::{Asked, Refusal};
use super::conversation;
use crate::request::{ChatRequest, Effort, OutputFormat, Sampling, Thinking, ToolChoice, ToolSpec};

pub(super) fn accept(body: &[u8]) -> Result<Asked, Refusal> {
    let body = parse(body)?;
    let body = &Field::body(&body);
    refuse_what_only_openai_has(body)?;
    let (system, messages) = conversation::read(&body.need("messages")?)?;
    let (tools, tool_choice) = tools(body)?;
    let limit = match body.optional("max_completion_tokens", Field::positive)? {
        None => body.optional("max_tokens", Field::positive)?,
        limit => limit,
    };
    let user = match body.optional("safety_identifier", Field::text_owned)? {
        None => body.optional("user", Field::text_owned)?,
        user => user,
    };
    let request = ChatRequest {
        system,
        messages,
        tools,
        tool_choice,
        parallel_tools: body.optional("parallel_tool_calls", Field::flag)?,
        output: body.optional("response_format", output)?.unwrap_or_default(),
        max_output_tokens: limit,
        sampling: sampling(body)?,
        thinking: body.optional("reasoning_effort", thinking)?,
        user,
        sources: Vec::new(),
    };
    let stream = body.optional("stream_options", |options| options.optional("include_usage", Field::flag))?;
    Ok(Asked { request, wants_usage: stream.flatten().unwrap_or(false), terms: json!({}) })
}

/// What would change the answer's form, and what no other provider does.
fn refuse_what_only_openai_has(body: &Field<'_>) -> Result<(), Refusal> {
    if let Some(n) = body.get("n")
        && n.positive()? > 1
    {
        return Err(n.wrong("must be 1: the chosen model's provider gives one answer at a time"));
    }
    if let Some(logprobs) = body.get("logprobs")
        && logprobs.flag()?
    {
        return Err(logprobs.untranslatable("logprobs"));
    }
    if let Some(top) = body.get("top_logprobs")
        && top.count()? > 0
    {
        return Err(top.untranslatable("top_logprobs"));
    }
    if let Some(modalities) = body.get("modalities") {
        for modality in modalities.items()? {
            if modality.text()? != "text" {
                return Err(modality.untranslatable(modality.text()?));
            }
        }
    }
    match body.get("web_search_options") {
        Some(search) => Err(search.untranslatable("web_search_options")),
        None => Ok(()),
    }
}

/// `functions` and `function_call` are the older names of `tools` and `tool_choice`.
fn tools(body: &Field<'_>) -> Result<(Vec<ToolSpec>, ToolChoice), Refusal> {
    let mut specs = Vec::new();
    if let Some(tools) = body.get("tools") {
        for tool in tools.items()? {
            match tool.kind()? {
                "function" => specs.push(spec(&tool.need("function")?)?),
                other => return Err(tool.untranslatable(other)),
            }
        }
    } else if let Some(functions) = body.get("functions") {
        specs = functions.items()?.map(|function| spec(&function)).collect::<Result<_, _>>()?;
    }
    let choice = match (body.get("tool_choice"), body.get("function_call")) {
        (Some(choice), _) => chosen(&choice, &mut specs)?,
        (None, Some(call)) => match call.as_text() {
            Some(_) => plain_choice(&call)?,
            None => ToolChoice::Tool(call.need("name")?.name()?),
        },
        (None, None) => ToolChoice::Auto,
    };
    if let ToolChoice::Tool(name) = &choice
        && !specs.iter().any(|spec| spec.name == *name)
    {
        return Err(Refusal::invalid("tool_choice", "`tool_choice` names a function that is not among the tools"));
    }
    Ok((specs, choice))
}

fn spec(function: &Field<'_>) -> Result<ToolSpec, Refusal> {
    let parameters = function.optional("parameters", |schema| schema.object().cloned())?;
    Ok(ToolSpec {
        name: function.need("name")?.name()?,
        description: function.optional("description", Field::text_owned)?.unwrap_or_default(),
        parameters: parameters.unwrap_or_else(|| json!({"type": "object", "properties": {}})),
    })
}

/// May shorten `specs` to those that are allowed.
fn chosen(choice: &Field<'_>, specs: &mut Vec<ToolSpec>) -> Result<ToolChoice, Refusal> {
    if choice.as_text().is_some() {
        return plain_choice(choice);
    }
    match choice.kind()? {
        "function" => Ok(ToolChoice::Tool(choice.need("function")?.need("name")?.name()?)),
        "allowed_tools" => {
            let allowed = choice.need("allowed_tools")?;
            let mut names = Vec::new();
            for tool in allowed.need("tools")?.items()? {
                names.push(tool.need("function")?.need("name")?.name()?);
            }
            specs.retain(|spec| names.contains(&spec.name));
            plain_choice(&allowed.need("mode")?)
        }
        other => Err(choice.untranslatable(other)),
    }
}

fn plain_choice(choice: &Field<'_>) -> Result<ToolChoice, Refusal> {
    match choice.text()? {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::Never),
        "required" => Ok(ToolChoice::Any),
        _ => Err(choice.wrong("must be `auto`, `none`, `required` or name a function")),
    }
}

fn output(format: &Field<'_>) -> Result<OutputFormat, Refusal> {
    match format.kind()? {
        "text" => Ok(OutputFormat::Text),
        "json_object" => Ok(OutputFormat::Json),
        "json_schema" => {
            let described = format.need("json_schema")?;
            Ok(OutputFormat::Schema {
                name: described.need("name")?.name()?,
                schema: described.optional("schema", |schema| schema.object().cloned())?.unwrap_or_else(any_object),
                strict: described.optional("strict", Field::flag)?.unwrap_or(false),
            })
        }
        other => Err(format.untranslatable(other)),
    }
}

fn any_object() -> Value {
    json!({"type": "object"})
}

fn sampling(body: &Field<'_>) -> Result<Sampling, Refusal> {
    let number = |name, range| body.optional(name, |field| field.number(range));
    Ok(Sampling {
        temperature: number("temperature", 0.0..=2.0)?,
        top_p: number("top_p", 0.0..=1.0)?,
        // Not OpenAI's own, but many servers that speak like it take it.
        top_k: body.optional("top_k", Field::count)?.filter(|k| *k > 0),
        stop: body.optional("stop", stop)?.unwrap_or_default(),
        seed: body.optional("seed", Field::integer)?,
        presence_penalty: number("presence_penalty", -2.0..=2.0)?,
        frequency_penalty: number("frequency_penalty", -2.0..=2.0)?,
    })
}

fn stop(stop: &Field<'_>) -> Result<Vec<String>, Refusal> {
    match stop.as_text() {
        Some(text) => Ok(vec![text.to_owned()]),
        None => stop.items()?.map(|text| text.text_owned()).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{ChatMessage, Thought};

    fn accepted(body: &Value) -> ChatRequest {
        accept(body.to_string().as_bytes()).unwrap().request
    }

    /// The field that a body with these members beside a question is refused for.
    fn refused(members: Value) -> String {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let refusal = accept(body.to_string().as_bytes()).unwrap_err();
        let param = refusal.param.unwrap();
        assert!(refusal.message.contains(&param), "{}", refusal.message);
        param
    }

    #[test]
    fn what_is_wrong_or_nobody_else_can_do_is_refused_by_name() {
        for (members, param) in [
            (json!({"messages": []}), "messages"),
            (json!({"messages": "Hi"}), "messages"),
            (json!({"messages": ["Hi"]}), "messages[0]"),
            (json!({"messages": [{"role": "nobody", "content": "Hi"}]}), "messages[0].role"),
            (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
            (json!({"messages": [{"role": "user", "content": 7}]}), "messages[0].content"),
            (json!({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}), "messages[0].content[0]"),
            (json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}), "messages[0].content[0].type"),
            (json!({"messages": [{"role": "tool", "tool_call_id": "x", "content": "Hi"}]}), "messages[0]"),
            (json!({"messages": [{"role": "function", "name": "x", "content": "Hi"}]}), "messages[0]"),
            (
                json!({"messages": [{"role": "assistant", "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}}]}]}),
                "messages[0].tool_calls[0].function.arguments",
            ),
            (json!({"tools": [{"type": "custom", "custom": {"name": "x"}}]}), "tools[0]"),
            (json!({"tools": [{"type": "function", "function": {"name": ""}}]}), "tools[0].function.name"),
            (json!({"tool_choice": "never"}), "tool_choice"),
            (json!({"tool_choice": {"type": "function", "function": {"name": "f"}}}), "tool_choice"),
            (json!({"response_format": {"type": "grammar"}}), "response_format"),
            (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema"),
            (json!({"temperature": 3}), "temperature"),
            (json!({"temperature": "1"}), "temperature"),
            (json!({"max_tokens": 0}), "max_tokens"),
            (json!({"max_completion_tokens": -1}), "max_completion_tokens"),
            (json!({"stop": 7}), "stop"),
            (json!({"reasoning_effort": "utmost"}), "reasoning_effort"),
            (json!({"n": 2}), "n"),
            (json!({"logprobs": true}), "logprobs"),
            (json!({"top_logprobs": 3}), "top_logprobs"),
            (json!({"modalities": ["text", "audio"]}), "modalities[1]"),
            (json!({"web_search_options": {}}), "web_search_options"),
        ] {
            assert_eq!(refused(members.clone()), param, "{members}");
        }
    }

    #[test]
    fn what_is_unknown_or_null_is_passed_over() {
        let body = json!({"messages": [{"role": "user", "content": "Hi", "name": null, "mood": 7}], "aurora": {},
            "n": 1, "logprobs": false, "stop": null, "tools": null, "response_format": null, "stream_options": null});
        let request = ChatRequest { messages: vec![ChatMessage::user("Hi")], ..ChatRequest::default() };
        assert_eq!(accepted(&body), request);
    }

    #[test]
    fn usage_is_told_in_a_stream_where_it_is_asked_for() {
        let body = |options: &str| {
            format!(r#"{{"messages": [{{"role": "user", "content": "Hi"}}], "stream_options": {options}}}"#)
        };
        assert!(accept(body(r#"{"include_usage": true}"#).as_bytes()).unwrap().wants_usage);
        assert!(!accept(body("{}").as_bytes()).unwrap().wants_usage);
    }

    #[test]
    fn functions_by_their_older_names_are_tools() {
        let request = accepted(&json!({
            "messages": [
                {"role": "user", "content": "What time is it?"},
                {"role": "assistant", "content": null, "function_call": {"name": "clock", "arguments": "{\"zone\": \"UTC\"}"}},
                {"role": "function", "name": "clock", "content": "09:17"},
            ],
            "functions": [{"name": "clock"}],
            "function_call": {"name": "clock"},
        }));
        let call = crate::golden::call("call_1", "clock", json!({"zone": "UTC"}));
        assert_eq!(
            request.messages[1..],
            [
                ChatMessage::Assistant { thoughts: vec![], text: String::new(), tool_calls: vec![call] },
                ChatMessage::Tool {
                    call_id: "call_1".into(),
                    name: "clock".into(),
                    content: "09:17".into(),
                    is_error: false
                },
            ]
        );
        assert_eq!((request.tools[0].name.as_str(), request.tool_choice), ("clock", ToolChoice::Tool("clock".into())));
    }

    #[test]
    fn only_the_allowed_tools_are_offered() {
        let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
        let request = accepted(&json!({
            "messages": [{"role": "user", "content": "Hi"}],
            "tools": [tool("one"), tool("two")],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [tool("two")]}},
        }));
        let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!((names, request.tool_choice), (vec!["two"], ToolChoice::Any));
    }

    #[test]
    fn system_messages_are_one_text_and_alone_they_are_the_question() {
        let request = accepted(&json!({"messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "kind."}]},
        ]}));
        assert_eq!((request.system.as_str(), request.messages.len()), ("Be brief.\n\nBe kind.", 1));
        let request = accepted(&json!({"messages": [{"role": "system", "content": "Say hello."}]}));
        assert_eq!((request.system.as_str(), request.messages), ("", vec![ChatMessage::user("Say hello.")]));
    }

    #[test]
    fn a_thought_that_comes_back_has_no_proof() {
        let request = accepted(&json!({"messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello", "reasoning_content": "A greeting."},
        ]}));
        let thoughts = vec![Thought::Open { text: "A greeting.".into(), signature: None }];
        assert_eq!(request.messages[1], ChatMessage::Assistant { thoughts, text: "Hello".into(), tool_calls: vec![] });
    }
}
