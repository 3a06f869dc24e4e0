//! Signing in and out, keys and roles, as clients meet them.

use futures::future::join_all;
use reqwest::header::{COOKIE, RETRY_AFTER, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use testkit::{Session, TestApp};

const PASSWORD: &str = "correct horse battery";

/// A server with two organisations that have an owner each.
async fn house() -> TestApp {
    let app = TestApp::start(env!("CARGO_BIN_EXE_konstruct")).await;
    let organisation = |name: &str| {
        format!(
            "kind: Organisation\nname: {name}\n---\nkind: User\nemail: owner@{name}.test\npassword: {PASSWORD}\n\
             memberships: [{{organisation: {name}, role: owner}}]\n"
        )
    };
    app.apply(&[organisation("acme"), organisation("other")].join("---\n")).await;
    app
}

async fn log_in(app: &TestApp, email: &str, password: &str) -> Response {
    let body = json!({ "email": email, "password": password });
    app.request(Method::POST, "/api/auth/login").json(&body).send().await.unwrap()
}

/// The refresh cookie an answer sets, as a browser would send it back.
fn cookie(answer: &Response) -> String {
    let set = answer.headers()[SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

async fn refresh(app: &TestApp, cookie: &str) -> Response {
    app.request(Method::POST, "/api/auth/refresh").header(COOKIE, cookie).send().await.unwrap()
}

/// The path of the caller's only organisation.
async fn home(session: &Session) -> String {
    let me = session.get("/api/me").await;
    assert_eq!(me["organisations"].as_array().unwrap().len(), 1, "{me}");
    format!("/api/organisations/{}", me["organisations"][0]["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_session_lives_by_its_refresh_cookie_and_dies_of_its_reuse() {
    let app = house().await;
    let answer = log_in(&app, "owner@acme.test", PASSWORD).await;
    let first = cookie(&answer);
    let body: Value = answer.json().await.unwrap();
    assert!(body.get("refresh_token").is_none(), "scripts never see it");
    let me = app.session(body["access_token"].as_str().unwrap()).get("/api/me").await;
    assert_eq!((&me["user"]["email"], &me["operator"]), (&json!("owner@acme.test"), &json!(false)));
    assert_eq!(me["organisations"][0]["role"], "owner");

    let answer = refresh(&app, &first).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let second = cookie(&answer);
    let body: Value = answer.json().await.unwrap();
    let session = app.session(body["access_token"].as_str().unwrap());
    session.get("/api/me").await;

    assert_eq!(refresh(&app, &first).await.status(), StatusCode::UNAUTHORIZED, "used before");
    assert_eq!(refresh(&app, &second).await.status(), StatusCode::UNAUTHORIZED, "the whole session is gone");
    assert_eq!(session.status(Method::GET, "/api/me").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn of_fifty_refreshes_at_once_one_succeeds() {
    let app = house().await;
    let first = cookie(&log_in(&app, "owner@acme.test", PASSWORD).await);
    let answers = join_all((0..50).map(|_| refresh(&app, &first))).await;
    let succeeded = answers.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    let refused = answers.iter().filter(|answer| answer.status() == StatusCode::UNAUTHORIZED).count();
    assert_eq!((succeeded, refused), (1, 49));
}

#[tokio::test]
async fn a_log_out_holds_from_the_next_request_on() {
    let app = house().await;
    let answer = log_in(&app, "owner@acme.test", PASSWORD).await;
    let kept = cookie(&answer);
    let body: Value = answer.json().await.unwrap();
    let session = app.session(body["access_token"].as_str().unwrap());
    session.send(Method::POST, "/api/auth/logout", &Value::Null).await;
    assert_eq!(session.status(Method::GET, "/api/me").await, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&app, &kept).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_is_answered_alike_for_everybody_and_then_slowed_down() {
    let app = house().await;
    let mut details = Vec::new();
    for email in ["owner@acme.test", "nobody@acme.test"] {
        let answer = log_in(&app, email, "wrong horse battery").await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        details.push(answer.json::<Value>().await.unwrap()["detail"].clone());
    }
    assert_eq!(details, ["wrong e-mail address or password"; 2]);
    for _ in 0..9 {
        log_in(&app, "owner@acme.test", "wrong horse battery").await;
    }
    let answer = log_in(&app, "owner@acme.test", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers().contains_key(RETRY_AFTER));
}

#[tokio::test]
async fn a_change_of_role_holds_from_the_next_request_on() {
    let app = house().await;
    let owner = app.login("owner@acme.test", PASSWORD).await;
    let home = home(&owner).await;
    app.apply(&format!(
        "kind: User\nemail: ann@acme.test\npassword: {PASSWORD}\n\
         memberships: [{{organisation: acme, role: admin}}]\n"
    ))
    .await;
    let members = owner.get(&format!("{home}/members")).await;
    let is_ann = |member: &&Value| member["email"] == "ann@acme.test";
    let member = members["items"].as_array().unwrap().iter().find(is_ann).unwrap();
    let ann = app.login("ann@acme.test", PASSWORD).await;
    ann.send(Method::POST, &format!("{home}/projects"), &json!({ "name": "one" })).await;

    let path = format!("{home}/members/{}", member["id"].as_str().unwrap());
    owner.send(Method::PATCH, &path, &json!({ "role": "viewer" })).await;
    let again = ann.request(Method::POST, &format!("{home}/projects")).json(&json!({ "name": "two" }));
    assert_eq!(again.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    owner.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(ann.status(Method::GET, &home).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_organisation_is_not_there_for_anybody_outside_it() {
    let app = house().await;
    let (acme, other) = (app.login("owner@acme.test", PASSWORD).await, app.login("owner@other.test", PASSWORD).await);
    let home = home(&acme).await;
    for path in ["", "/projects", "/members", "/api-keys", "/audit", "/providers", "/model-groups"] {
        let path = format!("{home}{path}");
        assert_eq!(acme.status(Method::GET, &path).await, StatusCode::OK, "{path}");
        assert_eq!(other.status(Method::GET, &path).await, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_speaks_for_its_organisation_until_it_is_revoked() {
    let app = house().await;
    let (acme, other) = (app.login("owner@acme.test", PASSWORD).await, app.login("owner@other.test", PASSWORD).await);
    let (here, there) = (home(&acme).await, home(&other).await);
    let keys = format!("{here}/api-keys");
    let made = acme.send(Method::POST, &keys, &json!({ "name": "ci", "role": "viewer" })).await;
    let shown = made["key"].as_str().unwrap();
    assert!(!acme.get(&keys).await.to_string().contains(shown));
    let key = app.session(shown);
    assert_eq!(key.status(Method::GET, &here).await, StatusCode::OK);
    assert_eq!(key.status(Method::GET, &there).await, StatusCode::NOT_FOUND);
    let refused = key.request(Method::POST, &format!("{here}/projects")).json(&json!({ "name": "p" }));
    assert_eq!(refused.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let path = format!("{keys}/{}", made["id"].as_str().unwrap());
    acme.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(key.status(Method::GET, &here).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn forged_and_broken_bearers_are_refused() {
    let app = house().await;
    let owner = app.login("owner@acme.test", PASSWORD).await;
    let [_, claims, signature]: [&str; 3] = owner.bearer().split('.').collect::<Vec<_>>().try_into().unwrap();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    let kept = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.{signature}");
    for bearer in [none.as_str(), &kept, "", "kk_", "kk_nonsense", "a.b.c", &"x".repeat(7_000)] {
        assert_eq!(app.session(bearer).status(Method::GET, "/api/me").await, StatusCode::UNAUTHORIZED, "{bearer}");
    }
}
