use serde_json::{Value, json};

use super::*;

async fn ask(fake: &FakeModels, path: &str, body: Value) -> reqwest::Response {
    let client = crate::http_client();
    let url = format!("http://{}{path}", fake.address());
    client.post(url).header("authorization", "Bearer k1").body(body.to_string()).send().await.unwrap()
}

fn question(text: &str, stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": text}]})
}

#[tokio::test]
async fn the_queue_is_answered_first_and_everything_is_in_the_ledger() {
    let fake = FakeModels::start().await;
    fake.otherwise(|call| Reply::say(format!("you said {}", call.question())));
    fake.next([Reply::status(500)]);
    assert_eq!(ask(&fake, "/v1/chat/completions", question("a", false)).await.status(), 500);
    let second: Value = ask(&fake, "/v1/chat/completions", question("b", false)).await.json().await.unwrap();
    assert_eq!(second["choices"][0]["message"]["content"], "you said b");
    let calls = fake.calls();
    assert_eq!((calls.len(), fake.count()), (2, 2));
    assert_eq!((calls[1].key(), calls[1].system().as_str(), calls[1].model()), (Some("k1"), "s", "m"));
}

#[tokio::test]
async fn every_protocol_is_streamed_in_its_own_way() {
    let fake = FakeModels::start().await;
    for (path, kind, end) in [
        ("/v1/chat/completions", "text/event-stream", "data: [DONE]\n\n"),
        ("/v1/responses", "text/event-stream", "}\n\n"),
        ("/v1beta/models/m:streamGenerateContent", "text/event-stream", "}\r\n\r\n"),
        ("/v1/messages", "text/event-stream", "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
        ("/api/chat", "application/x-ndjson", "\n"),
    ] {
        fake.next([Reply::call("clock", &json!({"zone": "UTC"}))]);
        let response = ask(&fake, path, question("a", true)).await;
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind));
        let body = response.text().await.unwrap();
        assert!(body.ends_with(end) && body.contains("clock"), "{body}");
    }
}

#[tokio::test]
async fn faults_are_played() {
    let fake = FakeModels::start().await;
    let path = "/v1/chat/completions";
    fake.next([Reply::too_many_requests(Some("7")), Reply::fail(Fault::Html), Reply::flawed("hi", Flaw::Half)]);
    assert_eq!(ask(&fake, path, question("a", true)).await.headers()["retry-after"], "7");
    assert!(ask(&fake, path, question("a", true)).await.text().await.unwrap().starts_with("<!doctype"));
    assert!(ask(&fake, path, question("a", true)).await.text().await.is_err());
    fake.next([Reply::flawed("hi", Flaw::InvalidUtf8)]);
    let spoilt = ask(&fake, path, question("a", true)).await.bytes().await.unwrap();
    assert!(std::str::from_utf8(&spoilt).is_err());
}

#[tokio::test]
async fn a_quick_fake_counts_and_keeps_nothing() {
    let fake = FakeModels::quick("127.0.0.1:0", "done").await;
    let body = ask(&fake, "/v1/messages", question("a", true)).await.text().await.unwrap();
    assert!(body.contains("message_stop") && body.contains("d"));
    assert_eq!((fake.count(), fake.calls().len()), (1, 0));
}

#[tokio::test]
async fn thoughts_come_before_the_answer_in_every_protocol() {
    let fake = FakeModels::start().await;
    let thinking = Say { thinking: "hmm".to_owned(), chunks: 1, ..Say::text("yes") };
    for path in [
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1beta/models/m:streamGenerateContent",
        "/v1beta/models/m:generateContent",
        "/api/chat",
    ] {
        fake.next([thinking.clone().into(), thinking.clone().into()]);
        let whole = ask(&fake, path, question("a", false)).await.text().await.unwrap();
        assert!(whole.contains("hmm") && whole.contains("yes"), "{path}: {whole}");
        let stream = ask(&fake, path, question("a", true)).await.text().await.unwrap();
        let (thought, said) = (stream.find("hmm"), stream.rfind("yes"));
        assert!(
            thought.is_some() && said.is_some() && (thought < said || path.ends_with(":generateContent")),
            "{path}: {stream}"
        );
    }
}

#[tokio::test]
async fn vectors_and_rankings_follow_the_texts() {
    let fake = FakeModels::start().await;
    let asked = |path: &'static str, body: Value| {
        let fake = &fake;
        async move { ask(fake, path, body).await.json::<Value>().await.unwrap() }
    };
    let openai = asked("/v1/embeddings", json!({"model": "m", "input": ["a", "bcd"], "dimensions": 3})).await;
    assert_eq!((openai["data"].as_array().unwrap().len(), openai["data"][1]["embedding"][2].is_f64()), (2, true));
    let base64 = asked("/v1/embeddings", json!({"model": "m", "input": "a", "encoding_format": "base64"})).await;
    assert_eq!(base64["data"][0]["embedding"].as_str().unwrap().len(), 44);
    let ollama = asked("/api/embed", json!({"model": "m", "input": ["a", "bcd"], "dimensions": 3})).await;
    assert_eq!(ollama["embeddings"][1], openai["data"][1]["embedding"]);
    let content = |text: &str| json!({"content": {"parts": [{ "text": text }]}, "outputDimensionality": 3});
    let requests = json!({"requests": [content("a"), content("bcd")]});
    let gemini = asked("/v1beta/models/m:batchEmbedContents", requests).await;
    assert_eq!(gemini["embeddings"][1]["values"], openai["data"][1]["embedding"]);
    let documents = ["of cats", "of dogs and cats", "of birds"];
    let ranked = asked("/v2/rerank", json!({"query": "cats and dogs", "documents": documents, "top_n": 2})).await;
    let order: Vec<u64> =
        ranked["results"].as_array().unwrap().iter().map(|one| one["index"].as_u64().unwrap()).collect();
    assert_eq!(order, [1, 0]);
}

#[tokio::test]
async fn a_call_is_read_alike_in_every_protocol() {
    let fake = FakeModels::start().await;
    let schema = json!({"type": "object"});
    for (path, body) in [
        (
            "/v1/responses",
            json!({"model": "m", "instructions": "s", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "q"}]},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "found"}],
            "tools": [{"type": "function", "name": "f"}], "text": {"format": {"type": "json_schema", "schema": schema}}}),
        ),
        (
            "/v1beta/models/m:generateContent",
            json!({"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [
            {"role": "user", "parts": [{"text": "q"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "found"}}}]}],
            "tools": [{"functionDeclarations": [{"name": "f"}]}], "generationConfig": {"responseJsonSchema": schema}}),
        ),
        (
            "/v1/messages",
            json!({"model": "m", "system": "s", "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "found"}]}],
            "tools": [{"name": "f"}], "output_config": {"format": {"type": "json_schema", "schema": schema}}}),
        ),
    ] {
        ask(&fake, path, body).await;
        let call = fake.calls().pop().unwrap();
        assert_eq!((call.model(), call.system().as_str(), call.question().as_str()), ("m", "s", "q"), "{path}");
        assert_eq!((call.tools(), call.schema()), (vec!["f"], Some(&schema)), "{path}");
        assert!(call.tool_results().concat().contains("found"), "{path}");
    }
}

#[tokio::test]
async fn whoever_leaves_before_the_end_is_counted() {
    let fake = FakeModels::start().await;
    let path = "/v1/chat/completions";
    fake.next([Reply::flawed("a", Flaw::TruncatedEvent), Reply::flawed("b", Flaw::Stall)]);
    let cut = ask(&fake, path, question("a", true)).await.text().await.unwrap();
    assert!(!cut.ends_with("\n\n") && fake.abandoned() == 0, "{cut}");
    let mut stalled = ask(&fake, path, question("a", true)).await;
    stalled.chunk().await.unwrap();
    drop(stalled);
    crate::eventually(std::time::Duration::from_secs(10), || std::future::ready(fake.abandoned() == 1)).await;
}
