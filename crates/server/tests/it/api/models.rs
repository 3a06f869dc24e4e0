//! How an organisation's models are asked, how they do, and whether their providers can be reached.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::models::Reply;

use crate::desk::Desk;

fn organisation(desk: &Desk) -> &str {
    desk.project.split("/projects/").next().unwrap()
}

/// The address of the one of this name.
async fn one(desk: &Desk, list: &str, name: &str) -> String {
    let list = format!("{}/{list}", organisation(desk));
    let all = desk.owner.get(&list).await;
    let found = all["items"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    format!("{list}/{}", found["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_says_how_its_models_are_asked() {
    let desk = Desk::new("").await;
    let groups = format!("{}/model-groups", organisation(&desk));
    let model = |model: &str| json!({"provider": "scripted", "model": model});
    let new = json!({
        "name": "spread", "models": [{"provider": "scripted", "model": "a", "weight": 9}, model("b")],
        "strategy": "weighted", "retries": 1, "timeouts": {"first_token": 2.5},
        "simple": {"group": "quality", "max_input_tokens": 500},
    });
    let made = desk.owner.send(Method::POST, &groups, &new).await;
    assert_eq!((&made["models"][0]["weight"], &made["models"][1]["weight"]), (&json!(9), &json!(1)));
    assert_eq!((&made["strategy"], &made["retries"]), (&json!("weighted"), &json!(1)));
    assert_eq!(made["timeouts"], json!({"first_token": 2.5, "between_tokens": null, "total": null}));
    assert_eq!(made["simple"], json!({"group": "quality", "max_input_tokens": 500, "tools": false}));

    let spread = format!("{groups}/{}", made["id"].as_str().unwrap());
    let change = json!({"models": [model("b"), model("a"), model("c")], "retries": null, "simple": null});
    let changed = desk.owner.send(Method::PATCH, &spread, &change).await;
    let weights: Vec<&Value> = changed["models"].as_array().unwrap().iter().map(|model| &model["weight"]).collect();
    assert_eq!(weights, [&json!(1), &json!(9), &json!(1)], "who moves a model leaves its weight alone");
    assert_eq!(
        (&changed["strategy"], &changed["retries"], &changed["simple"]),
        (&json!("weighted"), &Value::Null, &Value::Null)
    );

    for (bad, told) in [
        (json!({"retries": 11}), "at most 10 retries"),
        (json!({"timeouts": {"total": 0}}), "a number of seconds between 0.01 and 3600"),
        (json!({"simple": {"group": "none", "max_input_tokens": 1}}), "there is no model group `none`"),
        (json!({"strategy": "fastest"}), "unknown variant `fastest`"),
    ] {
        let answer = desk.owner.request(Method::PATCH, &spread).json(&bad).send().await.unwrap();
        let (status, problem) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert!(status.is_client_error(), "{bad}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{bad}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applied_group_says_the_same_and_applying_it_again_changes_nothing() {
    let desk = Desk::new("").await;
    let spread = "kind: ModelGroup
organisation: acme
name: spread
models:
- {provider: scripted, model: a, weight: 9}
- {provider: scripted, model: b}
fallbacks: [quality]
strategy: least-busy
retries: 0
timeouts: {first_token: 5, between_tokens: 2.5, total: 60}
simple: {group: cheap, max_input_tokens: 500}
---
kind: ModelGroup
organisation: acme
name: cheap
models: [{provider: scripted, model: c}]
";
    assert!(desk.app.apply(spread).await.contains("2 created"), "a group may stand before the one it names");
    assert!(desk.app.apply(spread).await.contains("0 created, 0 changed, 2 unchanged"));
    assert!(desk.app.apply(&spread.replace("retries: 0", "retries: 1")).await.contains("1 changed, 1 unchanged"));
    let groups = desk.owner.get(&format!("{}/model-groups", organisation(&desk))).await;
    let found = groups["items"].as_array().unwrap().iter().find(|group| group["name"] == "spread").unwrap();
    assert_eq!((&found["strategy"], &found["timeouts"]["between_tokens"]), (&json!("least-busy"), &json!(2.5)));
    let gone = one(&desk, "model-groups", "cheap").await;
    let answer = desk.owner.request(Method::DELETE, &gone).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT, "another group leans on it");

    for (bad, told) in [
        (spread.replace("least-busy", "laziest"), "unknown variant `laziest`"),
        (spread.replace("total: 60", "total: 6000"), "a number of seconds between 0.01 and 3600"),
        (spread.replace("total: 60", "connect: 60"), "unknown field `connect`"),
        (spread.replace("weight: 9", "weight: 1001"), "a weight is at most 1000"),
    ] {
        let output = desk.app.try_apply(&bad).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(told), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_the_models_of_a_group_do_can_be_seen() {
    let desk = Desk::new("").await;
    desk.models.next([Reply::status(500)]);
    desk.ask("Are you well?").await;
    let health = desk.owner.get(&format!("{}/health", one(&desk, "model-groups", "quality").await)).await;
    let first = &health["items"][0];
    assert_eq!((&first["provider"], &first["state"]), (&json!("scripted"), &json!("healthy")), "{health}");
    assert_eq!((&first["calls"], &first["failures"], &first["in_flight"]), (&json!(2), &json!(1), &json!(0)));
    assert!(first["first_token_ms"].is_number() && first["last_error_at"].is_string(), "{health}");
    assert!(first["last_error"].as_str().unwrap().starts_with("answered with status 500"), "{health}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_tried_for_real_and_says_what_is_wrong_without_its_key() {
    let desk = Desk::new("").await;
    let test = format!("{}/test", one(&desk, "providers", "scripted").await);
    let tried = desk.owner.send(Method::POST, &test, &Value::Null).await;
    assert_eq!((&tried["ok"], &tried["status"], &tried["error"]), (&json!(true), &json!(200), &Value::Null), "{tried}");
    assert!(!tried["models"].as_array().unwrap().is_empty() && tried["latency_ms"].is_number(), "{tried}");

    desk.models.next([Reply::status(401)]);
    let tried = desk.owner.send(Method::POST, &test, &Value::Null).await;
    assert_eq!((&tried["ok"], &tried["status"]), (&json!(false), &json!(401)), "{tried}");
    let error = tried["error"].as_str().unwrap();
    assert!(error.contains("the fake answers 401 to the key"), "{error}");

    let gone = "kind: Provider
organisation: acme
name: gone
wire: openai-chat
base_url: http://127.0.0.1:9/v1
";
    desk.app.apply(gone).await;
    let test = format!("{}/test", one(&desk, "providers", "gone").await);
    let tried = desk.owner.send(Method::POST, &test, &Value::Null).await;
    assert_eq!((&tried["ok"], &tried["status"]), (&json!(false), &Value::Null), "{tried}");
    assert!(tried["error"].as_str().unwrap().contains("Connection refused"), "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_which_price_holds_for_each_model_that_is_used() {
    let desk = Desk::new("").await;
    let (groups, prices) = (format!("{}/model-groups", organisation(&desk)), format!("{}/prices", organisation(&desk)));
    let model = |model: &str| json!({"provider": "scripted", "model": model});
    let group = json!({"name": "priced", "models": [model("gpt-4o-2024-11-20"), model("home-made")]});
    desk.owner.send(Method::POST, &groups, &group).await;
    let price = json!({"provider": "scripted", "model": "unused", "input_per_million": 1, "output_per_million": 2});
    let set = desk.owner.send(Method::PUT, &prices, &price).await;

    let used = desk.owner.get(&format!("{prices}/in-use")).await;
    let of = |model: &str| used["items"].as_array().unwrap().iter().find(|it| it["model"] == model).unwrap().clone();
    assert_eq!(of("gpt-4o-2024-11-20")["source"], "list");
    assert_eq!(of("gpt-4o-2024-11-20")["id"], Value::Null);
    assert_eq!((&of("home-made")["source"], &of("home-made")["rates"]), (&json!("unknown"), &Value::Null));
    assert_eq!((&of("unused")["source"], &of("unused")["id"]), (&json!("own"), &set["id"]));
    assert_eq!(of("unused")["rates"]["output_per_million"], 2.0);
}
