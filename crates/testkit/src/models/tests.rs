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
