//! What every provider sends, written in every protocol that clients speak, against golden files.
//!
//! A new client protocol: a line in [`protocols`] and `fixtures/NAME/request.json`. A new wire: a `.stream` in
//! `fixtures/WIRE/` for each of [`STORIES`]. Then `cargo insta test -p llm --accept`, and read what was written.

mod round_trip;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Anthropic, OpenaiChat, OpenaiResponses, Protocol, Refusal, RefusalKind, Reply};
use crate::draft::Answer;
use crate::fault::Fault;
use crate::model::Wire;
use crate::providers::{Call, Endpoint, HttpCall, Progress, Reader, adapter};
use crate::request::{ChatMessage, ChatRequest, Image, Part};

/// What happens in a recorded stream.
const STORIES: [&str; 6] = ["text", "text-and-tool", "parallel-tools", "thinking-then-tool", "error", "broken-off"];

fn protocols() -> [(&'static str, &'static dyn Protocol); 3] {
    [("openai-chat", &OpenaiChat), ("anthropic", &Anthropic), ("openai-responses", &OpenaiResponses)]
}

fn wires() -> impl Iterator<Item = Wire> {
    Wire::ALL.into_iter().filter(|wire| *wire != Wire::Builtin)
}

fn fixture(folder: &str, file: &str) -> Vec<u8> {
    let path = format!("{}/src/gateway/fixtures/{folder}/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn reply() -> Reply {
    Reply {
        id: "7QyG".to_owned(),
        created: 1_763_652_000,
        model: "the-model".to_owned(),
        input_tokens: 90,
        wants_usage: true,
        terms: json!({}),
    }
}

/// Some settings are told to models that are known to take them.
fn model(wire: Wire) -> &'static str {
    match wire {
        Wire::Anthropic => "claude-sonnet-4-5",
        Wire::Gemini => "gemini-3-pro",
        Wire::Ollama => "gpt-oss:20b",
        _ => "the-model",
    }
}

fn call(wire: Wire, request: &ChatRequest) -> Result<HttpCall, Fault> {
    let base = "http://127.0.0.1".parse().unwrap();
    match adapter(wire).call(&Endpoint { base: &base, key: None, model: model(wire) }, request)? {
        Call::Http(call) => Ok(call),
        Call::Here(_) => panic!("{wire} makes no call"),
    }
}

fn reader(wire: Wire) -> Box<dyn Reader> {
    let request = ChatRequest { messages: vec![ChatMessage::user("Hi")], ..ChatRequest::default() };
    call(wire, &request).unwrap_or_else(|fault| panic!("{wire} {fault}")).reader
}

/// What a client sees of a provider's stream that comes in these pieces, and the answer if there is one.
fn translate(protocol: &dyn Protocol, wire: Wire, stream: &[&[u8]]) -> (String, Result<Answer, Fault>) {
    let (mut writer, mut out) = (protocol.writer(reply()), Vec::new());
    let mut reader = reader(wire);
    writer.begin(&mut out);
    let read =
        stream.iter().try_for_each(|bytes| match reader.feed(bytes, &mut |piece| writer.piece(piece, &mut out)) {
            Ok(Progress::End) => Err(None),
            Ok(_) => Ok(()),
            Err(fault) => Err(Some(fault)),
        });
    let answer = match read {
        Err(Some(fault)) => Err(fault),
        Err(None) | Ok(()) => reader.finish(&mut |piece| writer.piece(piece, &mut out)),
    };
    match &answer {
        Ok(answer) => writer.end(answer, &mut out),
        Err(fault) => writer.fail(&Refusal::new(RefusalKind::Upstream, fault.to_string()), &mut out),
    }
    (String::from_utf8(out).unwrap(), answer)
}

fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn pretty(body: &[u8]) -> String {
    serde_json::to_string_pretty(&serde_json::from_slice::<Value>(body).unwrap()).unwrap()
}

#[test]
fn every_providers_stream_is_told_in_every_protocol() {
    for (name, protocol) in protocols() {
        for wire in wires() {
            for story in STORIES {
                let stream = fixture(wire.as_str(), &format!("{story}.stream"));
                let (told, answer) = translate(protocol, wire, &[&stream]);
                assert_eq!(answer.is_err(), matches!(story, "error" | "broken-off"), "{wire} {story}: {answer:?}");
                golden(&format!("{wire}-to-{name}-{story}"), &told);
            }
        }
    }
}

#[test]
fn every_providers_answer_is_told_in_one_piece_in_every_protocol() {
    for (name, protocol) in protocols() {
        for wire in wires() {
            for story in ["text", "text-and-tool", "thinking-then-tool"] {
                let stream = fixture(wire.as_str(), &format!("{story}.stream"));
                let (_, answer) = translate(protocol, wire, &[&stream]);
                golden(
                    &format!("{wire}-to-{name}-whole-{story}"),
                    &pretty(&protocol.whole(&reply(), &answer.unwrap())),
                );
            }
        }
    }
}

#[test]
fn an_answer_that_the_limit_cut_off_before_its_first_word_is_told_as_such() {
    let chunk = |delta: Value, end: Value| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}))
    };
    let stream = chunk(json!({"reasoning_content": "Hm"}), json!(null)) + &chunk(json!({}), json!("length"));
    for (name, protocol) in protocols() {
        let (told, answer) = translate(protocol, Wire::OpenaiChat, &[stream.as_bytes()]);
        assert!(
            ["\"length\"", "\"max_tokens\"", "\"max_output_tokens\""].iter().any(|stop| told.contains(stop)),
            "{name}: {told}"
        );
        protocol.whole(&reply(), &answer.unwrap());
    }
}

#[test]
fn a_turn_that_ends_without_a_word_is_an_answer_in_every_protocol() {
    let event = |kind: &str, mut value: Value| {
        value["type"] = kind.into();
        format!("event: {kind}\ndata: {value}\n\n")
    };
    let usage = json!({"input_tokens": 9, "output_tokens": 2});
    let start = event("message_start", json!({"message": {"id": "msg_1", "content": [], "usage": usage}}));
    let thought = event("content_block_start", json!({"index": 0, "content_block": {"type": "thinking"}}))
        + &event("content_block_delta", json!({"index": 0, "delta": {"type": "thinking_delta", "thinking": "Done."}}))
        + &event("content_block_stop", json!({"index": 0}));
    let end = event("message_delta", json!({"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}))
        + &event("message_stop", json!({}));
    for (name, protocol) in protocols() {
        for stream in [format!("{start}{end}"), format!("{start}{thought}{end}")] {
            let (told, answer) = translate(protocol, Wire::Anthropic, &[stream.as_bytes()]);
            assert!(
                ["\"stop\"", "\"end_turn\"", "response.completed"].iter().any(|end| told.contains(end)),
                "{name}: {told}"
            );
            protocol.whole(&reply(), &answer.unwrap());
        }
    }
}

#[test]
fn every_protocols_request_is_put_to_every_provider() {
    for (name, protocol) in protocols() {
        let asked = protocol.accept(&fixture(name, "request.json")).unwrap();
        golden(&format!("{name}-request"), &serde_json::to_string_pretty(&asked.request).unwrap());
        for wire in wires() {
            let body = |request: &ChatRequest| call(wire, request).map(|call| pretty(&call.body));
            let put = body(&asked.request).unwrap_or_else(|fault| {
                let rest = body(&without_addresses(asked.request.clone())).unwrap();
                format!("It {fault}. Without images by address:\n{rest}")
            });
            golden(&format!("{name}-request-to-{wire}"), &put);
        }
    }
}

fn without_addresses(mut request: ChatRequest) -> ChatRequest {
    for message in &mut request.messages {
        if let ChatMessage::User { content } = message {
            content.0.retain(|part| !matches!(part, Part::Image { image: Image::Url { .. } }));
        }
    }
    request
}

proptest! {
    #[test]
    fn however_a_stream_is_cut_the_same_is_told(
        protocol in 0..protocols().len(),
        wire in prop::sample::select(wires().collect::<Vec<_>>()),
        story in prop::sample::select(STORIES.to_vec()),
        cuts in prop::collection::vec(0..3000_usize, 0..20),
    ) {
        let stream = fixture(wire.as_str(), &format!("{story}.stream"));
        let (_, protocol) = protocols()[protocol];
        let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(translate(protocol, wire, &pieces).0, translate(protocol, wire, &[&stream]).0);
    }

    #[test]
    fn no_bytes_upset_a_protocol(
        protocol in 0..protocols().len(),
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        cut in 0..4000_usize,
    ) {
        let (name, protocol) = protocols()[protocol];
        let whole = fixture(name, "request.json");
        let begun = &whole[..cut.min(whole.len() - 2)];
        for body in [bytes.as_slice(), begun, &[begun, bytes.as_slice()].concat()] {
            let refused = protocol.accept(body).err();
            prop_assert_eq!(refused.map(|refusal| refusal.kind), Some(RefusalKind::Invalid));
        }
    }

    #[test]
    fn no_body_upsets_a_protocol(
        protocol in 0..protocols().len(),
        place in any::<prop::sample::Index>(),
        odd in prop::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(1e300), json!(""), json!("\u{0}"), json!([]), json!({}), json!([[]]),
            json!([{}]), json!({"type": "text"}), json!({"type": "image"}), json!({"type": 7}), json!([null]),
        ]),
    ) {
        let (name, protocol) = protocols()[protocol];
        let mut body: Value = serde_json::from_slice(&fixture(name, "request.json")).unwrap();
        let mut paths = Vec::new();
        places(&body, String::new(), &mut paths);
        *body.pointer_mut(&paths[place.index(paths.len())]).unwrap() = odd;
        // Accepted or refused, whatever stands in whichever place; and what is accepted can be asked.
        match protocol.accept(body.to_string().as_bytes()) {
            Ok(asked) => wires().for_each(|wire| drop(call(wire, &asked.request))),
            Err(refusal) => prop_assert_eq!(refusal.kind, RefusalKind::Invalid),
        }
    }
}

/// The JSON pointer of every value within `value`.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(item, format!("{at}/{n}"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| places(member, format!("{at}/{name}"), found))
        }
        _ => {}
    }
    found.push(at);
}
