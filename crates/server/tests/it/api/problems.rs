use reqwest::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use testkit::TestApp;

async fn app() -> TestApp {
    TestApp::start(env!("CARGO_BIN_EXE_konstruct")).await
}

/// Checks that an answer is a problem with this status and code, and returns it.
async fn problem(answer: Response, status: StatusCode, code: &str) -> Value {
    let id = answer.headers().get("x-request-id").map(|id| id.to_str().unwrap().to_owned());
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], status.as_u16());
    assert_eq!(body["code"], code);
    for field in ["type", "title", "detail", "request_id"] {
        assert!(body[field].is_string(), "{field} in {body}");
    }
    if let Some(id) = id {
        assert_eq!(body["request_id"], id, "the header and the body name the same request");
    }
    body
}

async fn log_in(app: &TestApp, body: impl Into<reqwest::Body>) -> Response {
    let request = app.request(Method::POST, "/api/auth/login").header(CONTENT_TYPE, "application/json");
    request.body(body).send().await.unwrap()
}

#[tokio::test]
async fn every_refusal_has_the_same_shape() {
    let app = app().await;
    let get = |path: &str| app.request(Method::GET, path).send();
    problem(get("/api/nowhere").await.unwrap(), StatusCode::NOT_FOUND, "not_found").await;
    problem(get("/channels/pigeon/events").await.unwrap(), StatusCode::NOT_FOUND, "not_found").await;
    let answer = get("/api/me").await.unwrap();
    assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Bearer");
    problem(answer, StatusCode::UNAUTHORIZED, "unauthenticated").await;
    let answer = get("/api/auth/login").await.unwrap();
    assert_eq!(answer.headers()[ALLOW], "POST");
    problem(answer, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").await;
    problem(get("/channels/slack/events").await.unwrap(), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").await;
    let text = app.request(Method::POST, "/api/auth/login").body("{}").send().await.unwrap();
    problem(text, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type").await;
}

#[tokio::test]
async fn a_refusal_says_which_proof_it_lacks() {
    let app = app().await;
    let detail = async |request: reqwest::RequestBuilder| {
        let refused = problem(request.send().await.unwrap(), StatusCode::UNAUTHORIZED, "unauthenticated").await;
        refused["detail"].as_str().unwrap().to_owned()
    };
    let me = |bearer: &str| app.session(bearer).request(Method::GET, "/api/me");
    let wrong = json!({"email": "nobody@acme.test", "password": "wrong horse"});
    let delivery = json!({"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1"});
    for (request, expected) in [
        (app.request(Method::POST, "/api/auth/login").json(&wrong), "wrong e-mail address or password"),
        (app.request(Method::POST, "/api/auth/refresh"), "there is no session here"),
        (
            app.request(Method::POST, "/api/auth/refresh").json(&json!({"refresh_token": "kr_x"})),
            "the session has ended",
        ),
        (app.request(Method::GET, "/api/me"), "this needs a bearer"),
        (me("a.b.c"), "the session has ended"),
        (me("kk_nonsense"), "this API key is not known"),
        (app.request(Method::POST, "/channels/slack/events").json(&delivery), "the signature is missing"),
    ] {
        let told = detail(request).await;
        assert!(told.starts_with(expected), "{told} instead of {expected}");
    }
}

#[tokio::test]
async fn a_body_is_refused_for_what_is_wrong_with_it() {
    let app = app().await;
    problem(log_in(&app, "{").await, StatusCode::BAD_REQUEST, "invalid").await;
    let unknown = json!({"email": "a@b", "password": "c", "remember": true}).to_string();
    let told = problem(log_in(&app, unknown).await, StatusCode::BAD_REQUEST, "invalid").await;
    assert!(told["detail"].as_str().unwrap().contains("remember"), "{told}");
    let deep = "[".repeat(100_000);
    problem(log_in(&app, deep).await, StatusCode::BAD_REQUEST, "invalid").await;
    let large = vec![b' '; 1024 * 1024 + 1];
    problem(log_in(&app, large).await, StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
}

#[tokio::test]
async fn a_delivery_of_slack_s_is_refused_for_what_is_wrong_with_it() {
    let app = app().await;
    let deliver = |body: Vec<u8>| app.request(Method::POST, "/channels/slack/events").body(body).send();
    let large = deliver(vec![b' '; 10 * 1024 * 1024]).await.unwrap();
    problem(large, StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
    let chunks = futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])));
    let request = app.request(Method::POST, "/channels/slack/events").body(reqwest::Body::wrap_stream(chunks));
    problem(request.send().await.unwrap(), StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
    for garbage in [&b"not json"[..], b"", b"{}", b"\xff\xfe"] {
        let status = deliver(garbage.to_vec()).await.unwrap().status();
        assert!(status.is_client_error(), "{status} for {garbage:?}");
    }
}

#[tokio::test]
async fn every_answer_keeps_browsers_in_bounds() {
    let app = app().await;
    for path in ["/", "/chat/anything", "/api/openapi.json", "/api/nowhere", "/healthz", "/channels/slack/events"] {
        let answer = app.request(Method::GET, path).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn the_portal_answers_for_its_pages_and_for_nothing_else() {
    let app = app().await;
    for path in ["/", "/login", "/o/acme/agents"] {
        let answer = app.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert!(answer.headers()[CONTENT_TYPE].to_str().unwrap().starts_with("text/html"), "{path}");
    }
    for path in ["/assets/none-12345678.js", "/api", "/hooks/x"] {
        let answer = app.request(Method::GET, path).send().await.unwrap();
        problem(answer, StatusCode::NOT_FOUND, "not_found").await;
    }
    let answer = app.request(Method::POST, "/login").send().await.unwrap();
    problem(answer, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").await;
}

#[tokio::test]
async fn the_figures_and_the_health_are_told() {
    let app = app().await;
    let text = async |path: &str| app.request(Method::GET, path).send().await.unwrap().text().await.unwrap();
    assert_eq!(text("/healthz").await, "ok");
    assert_eq!(text("/readyz").await, "ready");
    let figures = text("/metrics").await;
    assert!(figures.contains("konstruct_http_requests_total{"), "{figures}");
}
