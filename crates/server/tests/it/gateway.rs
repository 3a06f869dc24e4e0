//! The gateway as a program without an SDK sees it: bytes, statuses and headers.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use testkit::TestApp;
use testkit::models::{FakeModels, Fault, Flaw, Reply, Say};

use crate::desk::options;

const KEY: &str = "sk-gateway-0123456789-ci";

/// An organisation with one group `quality` on `wires`, in this order, all of them spoken by `fake`.
async fn app(fake: &FakeModels, wires: &[&str]) -> TestApp {
    let app = TestApp::start_with(options().await).await;
    app.apply(&house(fake, wires, "")).await;
    app
}

fn house(fake: &FakeModels, wires: &[&str], more: &str) -> String {
    let url = |wire: &str| match wire {
        "openai-chat" | "openai-responses" => fake.openai_url(),
        "gemini" => fake.gemini_url(),
        _ => fake.anthropic_url(),
    };
    let providers = wires.iter().map(|wire| {
        format!(
            "---\nkind: Provider\norganisation: acme\nname: {wire}\nwire: {wire}\nbase_url: {}\napi_key: sk-upstream-012345\n",
            url(wire)
        )
    });
    let models =
        wires.iter().map(|wire| format!("{{provider: {wire}, model: scripted-1}}")).collect::<Vec<_>>().join(", ");
    format!(
        "kind: Organisation\nname: acme\n{}---\nkind: ModelGroup\norganisation: acme\nname: quality\nmodels: [{models}]\n\
         ---\nkind: VirtualKey\norganisation: acme\nname: ci\nkey: {KEY}\nmodel_groups: [quality]\n{more}",
        providers.collect::<String>()
    )
}

fn post(app: &TestApp, path: &str, body: &Value) -> RequestBuilder {
    app.request(reqwest::Method::POST, path).bearer_auth(KEY).json(body)
}

async fn chat(app: &TestApp, stream: bool) -> Response {
    let body = json!({"model": "quality", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]});
    post(app, "/llm/v1/chat/completions", &body).send().await.unwrap()
}

async fn message(app: &TestApp, stream: bool) -> Response {
    let body = json!({"model": "quality", "max_tokens": 100, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]});
    post(app, "/llm/v1/messages", &body).send().await.unwrap()
}

async fn response(app: &TestApp, stream: bool) -> Response {
    let body = json!({"model": "quality", "stream": stream, "input": "Hi", "temperature": 0.5});
    post(app, "/llm/v1/responses", &body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_within_a_protocol_passes_byte_for_byte() {
    let fake = FakeModels::start().await;
    let app = app(&fake, &["openai-chat"]).await;
    for stream in [false, true] {
        let body = json!({"model": "scripted-1", "stream": stream, "stream_options": stream.then(|| json!({"include_usage": true})),
            "messages": [{"role": "user", "content": "Hi"}], "logit_bias": {"7": -100}});
        fake.otherwise(|_| Reply::say("Grüß Gott 🦀"));
        let direct = testkit::http_client()
            .post(format!("{}/chat/completions", fake.openai_url()))
            .json(&body)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let mut asked = body.clone();
        asked["model"] = "quality".into();
        let through = post(&app, "/llm/v1/chat/completions", &asked).send().await.unwrap();
        assert_eq!(through.headers()["x-konstruct-model"], "openai-chat/scripted-1");
        assert_eq!(through.text().await.unwrap(), direct);
        let calls = fake.calls();
        let seen = |n: usize| &calls[calls.len() - n].body;
        assert_eq!(seen(1), seen(2), "the provider is asked in the client's words");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_told_in_a_stream_only_where_it_was_asked_for() {
    let fake = FakeModels::start().await;
    let app = app(&fake, &["openai-chat"]).await;
    let text = chat(&app, true).await.text().await.unwrap();
    assert!(!text.contains("prompt_tokens") && text.ends_with("data: [DONE]\n\n"), "{text}");
    assert_eq!(fake.calls()[0].body["stream_options"]["include_usage"], true, "the gateway asks for itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_is_answered_by_every_provider() {
    for wire in ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"] {
        let fake = FakeModels::start().await;
        fake.otherwise(|_| Reply::say("Grüß Gott 🦀"));
        let app = app(&fake, &[wire]).await;
        let answer: Value = chat(&app, false).await.json().await.unwrap();
        assert_eq!(answer["choices"][0]["message"]["content"], "Grüß Gott 🦀", "{wire}: {answer}");
        let answer: Value = message(&app, false).await.json().await.unwrap();
        assert_eq!(answer["content"][0]["text"], "Grüß Gott 🦀", "{wire}: {answer}");
        let events = message(&app, true).await.text().await.unwrap();
        assert!(
            events.starts_with("event: message_start\n") && events.contains("event: message_stop\n"),
            "{wire}: {events}"
        );
        let events = chat(&app, true).await.text().await.unwrap();
        assert!(events.ends_with("data: [DONE]\n\n"), "{wire}: {events}");
        let answer: Value = response(&app, false).await.json().await.unwrap();
        assert_eq!(answer["output"][0]["content"][0]["text"], "Grüß Gott 🦀", "{wire}: {answer}");
        assert_eq!((&answer["object"], &answer["status"]), (&json!("response"), &json!("completed")));
        let events = response(&app, true).await.text().await.unwrap();
        assert!(
            events.starts_with("event: response.created\n") && events.contains("\n\nevent: response.completed\n"),
            "{wire}: {events}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_in_the_clients_protocol() {
    let fake = FakeModels::start().await;
    let app = app(&fake, &["openai-chat", "anthropic"]).await;
    let told = async |path: &str, key: &str, body: &str| {
        let request = app.request(reqwest::Method::POST, path).bearer_auth(key).body(body.to_owned());
        let answer = request.send().await.unwrap();
        let (status, retry) =
            (answer.status().as_u16(), answer.headers()["x-should-retry"].to_str().unwrap().to_owned());
        (status, retry, answer.json::<Value>().await.unwrap())
    };
    let hello = r#"{"model":"quality","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;
    let (status, retry, body) = told("/llm/v1/chat/completions", "sk-wrong-0123456789-0123", hello).await;
    assert_eq!((status, retry.as_str(), &body["error"]["code"]), (401, "false", &json!("invalid_api_key")), "{body}");
    let (status, _, body) = told("/llm/v1/messages", "sk-wrong-0123456789-0123", hello).await;
    assert_eq!((status, &body["type"], &body["error"]["type"]), (401, &json!("error"), &json!("authentication_error")));

    let elsewhere = hello.replace("quality", "anthropic/scripted-1");
    let (status, _, body) = told("/llm/v1/chat/completions", KEY, &elsewhere).await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("permission_denied")), "the key may ask for one group");
    for name in ["nowhere", "nobody/scripted-1"] {
        let nowhere = hello.replace("quality", name);
        let (status, _, body) = told("/llm/v1/chat/completions", KEY, &nowhere).await;
        assert_eq!((status, &body["error"]["code"]), (404, &json!("model_not_found")), "{body}");
        let (status, _, body) = told("/llm/v1/messages", KEY, &nowhere).await;
        assert_eq!((status, &body["error"]["type"]), (404, &json!("not_found_error")), "{body}");
    }
    let (status, _, body) = told("/llm/v1/chat/completions", KEY, "{").await;
    assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(fake.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_never_ends_silently() {
    for (wires, flaw) in [
        (["openai-chat"], Flaw::Half),
        (["openai-chat"], Flaw::TruncatedEvent),
        (["openai-chat"], Flaw::ErrorInStream),
        (["anthropic"], Flaw::Half),
        (["anthropic"], Flaw::ErrorInStream),
        (["openai-responses"], Flaw::Half),
        (["openai-responses"], Flaw::ErrorInStream),
        (["gemini"], Flaw::Half),
        (["gemini"], Flaw::ErrorInStream),
    ] {
        let fake = FakeModels::start().await;
        let app = app(&fake, &wires).await;
        fake.otherwise(move |_| {
            Say { flaw: Some(flaw), ..Say::text("half of it is here and half of it is not") }.into()
        });
        let told = chat(&app, true).await.text().await.unwrap();
        let last = told.trim_end().rsplit("\n\n").next().unwrap();
        assert!(last.starts_with("data: {\"error\":{"), "{wires:?}, {flaw:?}: {told}");
        let told = message(&app, true).await.text().await.unwrap();
        let last = told.trim_end().rsplit("\n\n").next().unwrap();
        assert!(last.starts_with("event: error\n"), "{wires:?}, {flaw:?}: {told}");
        let told = response(&app, true).await.text().await.unwrap();
        assert!(told.contains("\n\nevent: error\n"), "{wires:?}, {flaw:?}: {told}");
        assert!(!told.contains("event: response.completed\n"), "{wires:?}, {flaw:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_answers_where_the_first_fails_before_a_byte_was_sent() {
    let fake = FakeModels::start().await;
    let app = app(&fake, &["openai-chat", "anthropic"]).await;
    for stream in [false, true] {
        fake.next([Reply::status(403), Reply::say("from the second")]);
        let answer = chat(&app, stream).await;
        assert_eq!(answer.headers()["x-konstruct-model"], "anthropic/scripted-1");
        assert!(!answer.text().await.unwrap().contains("error"));
    }
    fake.next([Reply::fail(Fault::Quota), Reply::say("from the second")]);
    assert_eq!(chat(&app, false).await.headers()["x-konstruct-model"], "anthropic/scripted-1");
    let answer = chat(&app, false).await;
    assert_eq!(answer.headers()["x-konstruct-model"], "anthropic/scripted-1", "who has no credit left is left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_takes_its_call_with_it() {
    let fake = FakeModels::start().await;
    let app = app(&fake, &["openai-chat"]).await;
    fake.otherwise(|_| Reply::flawed("and so on ", Flaw::Endless));
    let mut answer = chat(&app, true).await;
    answer.chunk().await.unwrap().unwrap();
    assert_eq!(fake.abandoned(), 0);
    drop(answer);
    testkit::eventually(std::time::Duration::from_secs(20), || async { fake.abandoned() == 1 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_of_a_request_reaches_clients_of_its_protocol_as_it_came() {
    let fake = FakeModels::start().await;
    let app = app(&fake, &["openai-chat"]).await;
    let said = br#"{"error":{"message":"Invalid 'messages[0]'.","type":"invalid_request_error","param":"messages[0]","code":"bad"}}"#;
    fake.otherwise(move |_| Reply::fail(Fault::Refusal(400, said.to_vec())));
    let answer = chat(&app, false).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-should-retry"]), (400, &"false".parse().unwrap()));
    assert_eq!(answer.bytes().await.unwrap(), said.as_slice());
    let answer: Value = message(&app, false).await.json().await.unwrap();
    assert_eq!(answer["error"]["type"], "invalid_request_error", "in the client's own protocol: {answer}");
    assert_eq!(fake.count(), 2, "nobody else takes it either");

    fake.otherwise(|_| Reply::status(401));
    let answer = chat(&app, false).await;
    assert_eq!(answer.status(), 502, "that our key is wrong is no fault of the client's");
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_and_rankings_come_through() {
    for wire in ["openai-chat", "ollama", "gemini"] {
        let fake = FakeModels::start().await;
        let app = app(&fake, &[wire]).await;
        let body = json!({"model": "quality", "input": ["one", "two"]});
        let answer: Value = post(&app, "/llm/v1/embeddings", &body).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["data"].as_array().unwrap().len(), 2, "{wire}: {answer}");
        assert!(answer["data"][0]["embedding"][0].is_number() && answer["usage"]["prompt_tokens"].is_u64(), "{answer}");
    }
    let fake = FakeModels::start().await;
    let app = app(&fake, &["openai-chat"]).await;
    let body = json!({"model": "quality", "query": "q", "documents": ["a", "b"]});
    let answer: Value = post(&app, "/llm/v2/rerank", &body).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["results"].as_array().unwrap().len(), 2, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_that_are_late_are_asked_for_elsewhere_and_whoever_is_too_late_is_cancelled() {
    let (first, second) = (FakeModels::start().await, FakeModels::start().await);
    let app = TestApp::start_with(options().await).await;
    let provider = |name: &str, fake: &FakeModels| {
        format!(
            "kind: Provider\norganisation: acme\nname: {name}\nwire: openai-chat\nbase_url: {}\napi_key: sk-upstream-012345\n---\n",
            fake.openai_url()
        )
    };
    let documents = format!(
        "kind: Organisation\nname: acme\n---\n{}{}kind: ModelGroup\norganisation: acme\nname: quality\n\
         models: [{{provider: one, model: scripted-1}}, {{provider: two, model: scripted-1}}]\n\
         ---\nkind: VirtualKey\norganisation: acme\nname: ci\nkey: {KEY}\nmodel_groups: [quality]\n",
        provider("one", &first),
        provider("two", &second)
    );
    app.apply(&documents).await;
    let body = json!({"model": "quality", "input": ["one"]});
    let ask = async || post(&app, "/llm/v1/embeddings", &body).send().await.unwrap();
    for _ in 0..20 {
        assert_eq!(ask().await.headers()["x-konstruct-model"], "one/scripted-1", "what is usual is not known yet");
    }
    first.otherwise(|_| Reply::fail(Fault::Hang));
    let answer = ask().await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-konstruct-model"]),
        (200, &"two/scripted-1".parse().unwrap())
    );
    assert_eq!(second.count(), 1);
    testkit::eventually(std::time::Duration::from_secs(20), || async { first.abandoned() == 1 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_keeps_to_its_keys_budget_and_is_in_the_usage() {
    let fake = FakeModels::start().await;
    fake.otherwise(|_| Say { input_tokens: 50, output_tokens: 200, ..Say::text("a quarter of a dollar") }.into());
    let app = TestApp::start_with(options().await).await;
    let more = "limits: {requests_per_minute: 1000, tokens_per_minute: 1000000}\nbudget: {usd: 1.00, period: day}\n\
                ---\nkind: Price\norganisation: acme\nprovider: openai-chat\nmodel: scripted-1\n\
                input_per_million: 1000\noutput_per_million: 1000\n";
    app.apply(&house(&fake, &["openai-chat"], more)).await;
    for _ in 0..4 {
        let answer = chat(&app, false).await;
        let (status, told) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{told}");
    }
    let limits: Vec<u64> = fake.calls().iter().map(|call| call.body["max_tokens"].as_u64().unwrap()).collect();
    assert!(
        limits.is_sorted_by(|a, b| a >= b) && limits[0] < 1_000,
        "each is given what the budget affords: {limits:?}"
    );
    let refused = chat(&app, false).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["x-should-retry"]), (429, &"false".parse().unwrap()));
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "insufficient_quota", "{body}");

    let mut command = app.command("usage");
    command.args(["--organisation", "acme", "--json"]);
    let said = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let usage: Value = serde_json::from_slice(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(usage["output_tokens"], 800, "{usage}");
    assert_eq!(usage["cost_usd"].to_string().trim_matches('"').parse::<f64>().unwrap(), 1.0, "{usage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_is_answered_from_the_cache_for_nothing_in_either_form() {
    for wire in ["openai-chat", "anthropic"] {
        let fake = FakeModels::start().await;
        let app = app(&fake, &[wire]).await;
        app.apply(&format!(
            "kind: ModelGroup\norganisation: acme\nname: quality\nmodels: [{{provider: {wire}, model: scripted-1}}]\ncache_seconds: 600\n"
        ))
        .await;
        fake.otherwise(|_| Reply::say("Grüß Gott 🦀"));
        let streamed = chat(&app, true).await;
        assert!(!streamed.headers().contains_key("x-konstruct-cache"));
        streamed.bytes().await.unwrap();

        let whole = chat(&app, false).await;
        assert_eq!(whole.headers()["x-konstruct-cache"], "hit", "{wire}");
        let whole: Value = whole.json().await.unwrap();
        assert_eq!(whole["choices"][0]["message"]["content"], "Grüß Gott 🦀", "{wire}: {whole}");
        let streamed = chat(&app, true).await;
        assert_eq!(streamed.headers()["x-konstruct-cache"], "hit", "{wire}");
        assert!(streamed.text().await.unwrap().ends_with("data: [DONE]\n\n"));
        assert_eq!(fake.count(), 1, "{wire}");

        assert_eq!(message(&app, false).await.status(), 200);
        assert_eq!(fake.count(), 2, "another protocol is another question");
        let again = message(&app, true).await;
        assert_eq!(again.headers()["x-konstruct-cache"], "hit", "what came in one piece is kept too: {wire}");
    }
}
