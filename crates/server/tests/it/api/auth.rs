use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use testkit::TestApp;

use super::world::PASSWORD;

const PEOPLE: &str = "
kind: Organisation
name: acme
---
kind: User
email: owner@acme.test
password: PASSWORD
memberships: [{organisation: acme, role: owner}]
";

async fn app() -> TestApp {
    let app = TestApp::start(env!("CARGO_BIN_EXE_konstruct")).await;
    app.apply(&PEOPLE.replace("PASSWORD", PASSWORD)).await;
    app
}

async fn log_in(app: &TestApp, password: &str) -> Response {
    let body = json!({"email": "owner@acme.test", "password": password});
    app.request(Method::POST, "/api/auth/login").json(&body).send().await.unwrap()
}

async fn refresh(app: &TestApp, cookie: &str) -> Response {
    app.request(Method::POST, "/api/auth/refresh").header(COOKIE, cookie).send().await.unwrap()
}

/// The cookie as a browser sends it back, without its attributes.
fn cookie(answer: &Response) -> String {
    let set = answer.headers()[SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn bearer(answer: Response) -> String {
    let body: Value = answer.json().await.unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn logging_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use() {
    let app = app().await;
    let answer = log_in(&app, PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let set = answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.starts_with("konstruct_refresh=kr_"), "{set}");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(attribute), "{set}");
    }
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["user"]["email"], "owner@acme.test");
    assert_eq!(body["refresh_token"], Value::Null, "the cookie alone holds it");

    let wrong = log_in(&app, "wrong").await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(wrong.headers().get(SET_COOKIE).is_none());
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session() {
    let app = app().await;
    let first = log_in(&app, PASSWORD).await;
    let stolen = cookie(&first);
    let second = refresh(&app, &stolen).await;
    assert_eq!(second.status(), StatusCode::OK);
    let (next, access) = (cookie(&second), bearer(second).await);
    assert_ne!(next, stolen);
    assert_eq!(app.session(&access).status(Method::GET, "/api/me").await, StatusCode::OK);

    assert_eq!(refresh(&app, &stolen).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&app, &next).await.status(), StatusCode::UNAUTHORIZED, "the whole family is revoked");
    assert_eq!(app.session(&access).status(Method::GET, "/api/me").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_wins() {
    let app = app().await;
    let token = cookie(&log_in(&app, PASSWORD).await);
    let (a, b) = tokio::join!(refresh(&app, &token), refresh(&app, &token));
    let won = [a.status(), b.status()].into_iter().filter(|status| *status == StatusCode::OK).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_client_without_cookies_refreshes_through_the_body() {
    let app = app().await;
    let token = cookie(&log_in(&app, PASSWORD).await).split_once('=').unwrap().1.to_owned();
    let body = json!({"refresh_token": token});
    let answer = app.request(Method::POST, "/api/auth/refresh").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = answer.json().await.unwrap();
    assert!(body["refresh_token"].as_str().unwrap().starts_with("kr_"));
}

#[tokio::test]
async fn logging_out_counts_from_the_next_request_on() {
    let app = app().await;
    let answer = log_in(&app, PASSWORD).await;
    let (cookie, session) = (cookie(&answer), app.session(&bearer(answer).await));
    assert_eq!(session.status(Method::GET, "/api/me").await, StatusCode::OK);
    let out = session.request(Method::POST, "/api/auth/logout").send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    assert!(out.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(session.status(Method::GET, "/api/me").await, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&app, &cookie).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session() {
    let app = app().await;
    let here = app.session(&bearer(log_in(&app, PASSWORD).await).await);
    let there = app.session(&bearer(log_in(&app, PASSWORD).await).await);
    let change = |current: &str| json!({"current": current, "new": "quite another passphrase"});
    let wrong = here.request(Method::PUT, "/api/me/password").json(&change("wrong")).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    here.send(Method::PUT, "/api/me/password", &change(PASSWORD)).await;
    assert_eq!(here.status(Method::GET, "/api/me").await, StatusCode::OK);
    assert_eq!(there.status(Method::GET, "/api/me").await, StatusCode::UNAUTHORIZED);
    assert_eq!(log_in(&app, PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(log_in(&app, "quite another passphrase").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let app = app().await;
    let mut last = StatusCode::OK;
    for _ in 0..30 {
        last = log_in(&app, "a guess").await.status();
        if last == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        assert_eq!(last, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn an_api_key_speaks_for_its_organisation_until_it_is_revoked() {
    let app = app().await;
    let owner = app.session(&bearer(log_in(&app, PASSWORD).await).await);
    let me = owner.get("/api/me").await;
    let organisation = me["organisations"][0]["id"].as_str().unwrap();
    let keys = format!("/api/organisations/{organisation}/api-keys");
    let made = owner.send(Method::POST, &keys, &json!({"name": "ci", "role": "viewer"})).await;
    let key = app.session(made["key"].as_str().unwrap());
    let path = format!("/api/organisations/{organisation}");
    assert_eq!(key.status(Method::GET, &path).await, StatusCode::OK);
    assert_eq!(key.status(Method::GET, &keys).await, StatusCode::FORBIDDEN, "a viewer sees no keys");
    assert_eq!(key.get("/api/me").await["user"], Value::Null);
    let listed = owner.get(&keys).await;
    assert!(!listed.to_string().contains(made["key"].as_str().unwrap()), "shown once");
    owner.send(Method::DELETE, &format!("{keys}/{}", made["id"].as_str().unwrap()), &Value::Null).await;
    assert_eq!(key.status(Method::GET, &path).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_suspended_organisation_is_read_and_not_written() {
    let app = app().await;
    super::world::execute(
        &app,
        "insert into operator (user_id) select user_id from users where email = 'owner@acme.test'",
    )
    .await;
    let owner = app.session(&bearer(log_in(&app, PASSWORD).await).await);
    let me = owner.get("/api/me").await;
    let organisation = me["organisations"][0]["id"].as_str().unwrap();
    let operated = format!("/api/operator/organisations/{organisation}");
    owner.send(Method::PATCH, &operated, &json!({"status": "suspended"})).await;
    let projects = format!("/api/organisations/{organisation}/projects");
    assert_eq!(owner.status(Method::GET, &projects).await, StatusCode::OK);
    let written = owner.request(Method::POST, &projects).json(&json!({"name": "new"})).send().await.unwrap();
    assert_eq!(written.status(), StatusCode::FORBIDDEN);
    owner.send(Method::PATCH, &operated, &json!({"status": "active"})).await;
    owner.send(Method::POST, &projects, &json!({"name": "new"})).await;
}
