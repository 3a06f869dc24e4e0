//! One conversation that every protocol's tests translate, and a way to read a stream however it is cut.

use serde_json::json;

use crate::draft::Answer;
use crate::fault::Fault;
use crate::model::Wire;
use crate::piece::Piece;
use crate::providers::{Call, Endpoint, HttpCall, Progress, adapter};
use crate::request::{ChatMessage, ChatRequest, ToolCall, ToolSpec};

pub(crate) fn request() -> ChatRequest {
    ChatRequest {
        system: "You are Mara.".into(),
        messages: vec![
            ChatMessage::user("Hello"),
            ChatMessage::assistant("Good day."),
            ChatMessage::user("What time is it, and what is 2+2?"),
            ChatMessage::Assistant {
                thoughts: vec![],
                text: String::new(),
                tool_calls: vec![
                    call("call_1", "date_time", json!({"zone": "UTC"})),
                    call("functions.calculator:1", "calculator", json!({"expression": "2+2"})),
                ],
            },
            ChatMessage::Tool {
                call_id: "call_1".into(),
                name: "date_time".into(),
                content: "09:17".into(),
                is_error: false,
            },
            ChatMessage::Tool {
                call_id: "functions.calculator:1".into(),
                name: "calculator".into(),
                content: "division by zero".into(),
                is_error: true,
            },
        ],
        tools: vec![ToolSpec {
            name: "date_time".into(),
            description: "Tells the time.".into(),
            parameters: json!({"type": "object", "properties": {"zone": {"type": "string"}}}),
        }],
        max_output_tokens: Some(256),
        ..ChatRequest::default()
    }
}

/// Reads `stream` cut into pieces of `piece` bytes, after three messages of a conversation.
pub(crate) fn read_cut(wire: Wire, stream: &[u8], piece: usize) -> (Result<Answer, Fault>, String) {
    let (base, mut shown) = ("http://127.0.0.1".parse().unwrap(), String::new());
    let request = ChatRequest { messages: request().messages[..3].to_vec(), ..ChatRequest::default() };
    let call = adapter(wire).call(&Endpoint { base: &base, key: None, model: "m" }, &request);
    let Ok(Call::Http(HttpCall { mut reader, .. })) = call else { panic!("{wire} makes no call") };
    for bytes in stream.chunks(piece) {
        match reader.feed(bytes, &mut |piece| show(piece, &mut shown)) {
            Ok(Progress::End) => break,
            Ok(_) => {}
            Err(fault) => return (Err(fault), shown),
        }
    }
    let answer = reader.finish(&mut |piece| show(piece, &mut shown));
    (answer, shown)
}

fn show(piece: Piece<'_>, shown: &mut String) {
    if let Piece::Text(text) = piece {
        shown.push_str(text);
    }
}

/// Reads `stream` in one piece and byte by byte, which must come to the same.
pub(crate) fn read(wire: Wire, stream: &str) -> Result<Answer, Fault> {
    let (whole, shown) = read_cut(wire, stream.as_bytes(), usize::MAX);
    assert_eq!((&whole, &shown), (&read_cut(wire, stream.as_bytes(), 1).0, &read_cut(wire, stream.as_bytes(), 7).1));
    if let Ok(answer) = &whole {
        assert_eq!(answer.text, shown);
    }
    whole
}

pub(crate) fn call(id: &str, name: &str, arguments: serde_json::Value) -> ToolCall {
    ToolCall { id: id.into(), name: name.into(), arguments, echo: None, signature: None }
}
