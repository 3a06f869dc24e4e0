//! What is refused when it is configured, not when it is first used.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::Session;

use crate::desk::{Desk, options};

async fn refused(who: &Session, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = who.request(method, path).json(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

fn organisation(desk: &Desk) -> &str {
    desk.project.split("/projects/").next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_may_name_a_model_group_to_come_and_a_version_may_not() {
    let desk = Desk::new("").await;
    let agents = format!("{}/agents", desk.project);
    let new = json!({"name": "Noor", "config": {"model_group": "qualty"}});
    let made = desk.owner.send(Method::POST, &agents, &new).await;
    let publish = format!("{agents}/{}/publish", made["id"].as_str().unwrap());
    let (status, problem) = refused(&desk.owner, Method::POST, &publish, &Value::Null).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid")));
    assert_eq!(problem["detail"], "model_group: there is no model group \"qualty\"; there are fast, quality");

    let group = json!({"name": "qualty", "models": [{"provider": "scripted", "model": "m"}]});
    let groups = format!("{}/model-groups", organisation(&desk));
    let group = desk.owner.send(Method::POST, &groups, &group).await;
    desk.owner.send(Method::POST, &publish, &Value::Null).await;
    let gone = format!("{groups}/{}", group["id"].as_str().unwrap());
    desk.owner.send(Method::DELETE, &gone, &Value::Null).await;
    let back = publish.replace("/publish", "/rollback");
    let (status, problem) = refused(&desk.owner, Method::POST, &back, &json!({"version": 1})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_no_call_would_reach_is_refused_at_once() {
    let desk = Desk::with(options().await.env("KONSTRUCT_EGRESS__ALLOW_PRIVATE", "false"), "").await;
    let providers = format!("{}/providers", organisation(&desk));
    let private = [
        "http://127.0.0.1:9/v1",
        "http://localhost:9/v1",
        "http://models.localhost./v1",
        "http://169.254.169.254/v1",
        "http://[::1]/v1",
        "https://10.1.2.3/v1",
    ];
    let spec = |base_url: &str| json!({"name": "own", "wire": "openai-chat", "base_url": base_url});
    for base_url in private {
        let (status, problem) = refused(&desk.owner, Method::POST, &providers, &spec(base_url)).await;
        assert_eq!((status.as_u16(), problem["code"].as_str()), (422, Some("refused")), "{base_url}: {problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with("base_url: the address is not"), "{problem}");
    }
    let local = json!({"name": "local", "wire": "ollama"});
    let (status, problem) = refused(&desk.owner, Method::POST, &providers, &local).await;
    assert_eq!(status.as_u16(), 422, "its own address is this machine: {problem}");
    assert!(problem["detail"].as_str().unwrap().contains("`konstruct apply --data-dir`"), "{problem}");

    let made = desk.owner.send(Method::POST, &providers, &spec("https://models.example.org/v1")).await;
    let one = format!("{providers}/{}", made["id"].as_str().unwrap());
    let (status, _) = refused(&desk.owner, Method::PATCH, &one, &json!({"base_url": private[0]})).await;
    assert_eq!(status.as_u16(), 422);
    assert_eq!(desk.owner.get(&providers).await["items"].as_array().unwrap().len(), 5, "nothing was kept of it");

    // What the operator wrote stays the operator's, under another path too.
    let all = desk.owner.get(&providers).await;
    let scripted = all["items"].as_array().unwrap().iter().find(|it| it["name"] == "scripted").unwrap();
    let base_url = scripted["base_url"].as_str().unwrap().replace("/v1", "/v2");
    let one = format!("{providers}/{}", scripted["id"].as_str().unwrap());
    desk.owner.send(Method::PATCH, &one, &json!({"base_url": base_url})).await;

    let agent = desk.owner.get(&format!("{}/agents", desk.project)).await["items"][0]["id"].clone();
    let slack = json!({
        "name": "slack", "channel": "slack", "agent_id": agent, "external_id": "T1",
        "settings": {"base_url": "http://127.0.0.1:9/api/", "app_id": "A1"},
        "secrets": {"signing_secret": "a signing secret", "bot_token": "xoxb-1"},
    });
    let (status, problem) = refused(&desk.owner, Method::POST, &format!("{}/connections", desk.project), &slack).await;
    assert_eq!(status.as_u16(), 422, "{problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with("settings.base_url: "), "{problem}");

    let metadata =
        "kind: Provider\norganisation: acme\nname: m\nwire: openai-chat\nbase_url: http://169.254.169.254/\n";
    let output = desk.app.try_apply(metadata).await;
    assert!(!output.status.success(), "nobody calls the cloud's metadata");
    desk.app.apply(&metadata.replace("169.254.169.254", "10.1.2.3")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_query_says_must_mean_something() {
    let desk = Desk::new("").await;
    let get = async |path: &str| {
        let answer = desk.owner.request(Method::GET, path).send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap()["detail"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let agents = format!("{}/agents", desk.project);
    assert_eq!(get(&format!("{agents}?limit=3")).await.0, 200);
    let told = "there is no query parameter `limt` here; there are after, limit".to_owned();
    assert_eq!(get(&format!("{agents}?limt=3")).await, (400, told));
    let told = "this address takes no query, and `limit` means nothing to it".to_owned();
    assert_eq!(get(&format!("{}/providers?limit=3", organisation(&desk))).await, (400, told));
    assert_eq!(get(&format!("{}/conversations?agnt=1", desk.project)).await.0, 400);
    assert_eq!(
        desk.owner.status(Method::GET, "/readyz?probe=1").await,
        StatusCode::OK,
        "programs outside may add theirs"
    );
}
