//! What a node of each role answers.

use reqwest::{Method, StatusCode};
use testkit::{TestApp, free_port};

use crate::desk::options;

async fn statuses(app: &TestApp, asked: &[(Method, &str)]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for (method, path) in asked {
        statuses.push(app.request(method.clone(), path).send().await.unwrap().status().as_u16());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_answers_for_its_roles_and_tells_its_health_always() {
    let web = "/channels/web/0192f0c1-2345-7000-8000-000000000000";
    let portal = [(Method::GET, "/"), (Method::GET, "/api/me"), (Method::GET, "/api/openapi.json")];
    let channels = [(Method::POST, "/channels/slack/events"), (Method::GET, web)];
    let health = [(Method::GET, "/healthz"), (Method::GET, "/readyz"), (Method::GET, "/metrics")];

    let mut app = TestApp::start_with(options().await.env("KONSTRUCT_ROLES", "gateway")).await;
    assert_eq!(statuses(&app, &portal).await, [404, 404, 404]);
    assert_eq!(statuses(&app, &channels).await, [400, 404]);
    assert_eq!(statuses(&app, &health).await, [200, 200, 200]);
    let answer = app.request(Method::GET, web).send().await.unwrap().text().await.unwrap();
    assert!(!answer.contains("no role of this node"), "it answers, and knows no such chat: {answer}");

    app.terminate().await;
    app.set_env("KONSTRUCT_ROLES", Some("api"));
    app.restart().await;
    assert_eq!(statuses(&app, &portal).await, [200, 401, 200]);
    assert_eq!(statuses(&app, &channels).await, [404, 404]);
    assert_eq!(statuses(&app, &health).await, [200, 200, 200]);

    app.terminate().await;
    app.set_env("KONSTRUCT_ROLES", Some("worker"));
    app.restart().await;
    assert_eq!(statuses(&app, &portal).await, [404, 404, 404]);
    assert_eq!(statuses(&app, &channels).await, [404, 404]);
    assert_eq!(statuses(&app, &health).await, [200, 200, 200]);

    app.terminate().await;
    app.set_env("KONSTRUCT_ROLES", Some("llm"));
    app.restart().await;
    let models = [(Method::GET, "/llm/v1/models")];
    assert_eq!(statuses(&app, &models).await, [401]);
    assert_eq!(statuses(&app, &portal).await, [404, 404, 404]);

    app.terminate().await;
    app.set_env("KONSTRUCT_ROLES", Some("sleeper"));
    app.spawn_again();
    assert_eq!(app.wait_until_ended().await.code(), Some(2), "a role that does not exist is refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_can_have_an_address_of_their_own() {
    let own = format!("127.0.0.1:{}", free_port());
    let app = TestApp::start_with(options().await.env("KONSTRUCT_METRICS__LISTEN", own.clone())).await;
    assert_eq!(statuses(&app, &[(Method::GET, "/metrics"), (Method::GET, "/readyz")]).await, [404, 200]);
    let get = async |path: &str| testkit::http_client().get(format!("http://{own}{path}")).send().await.unwrap();
    assert!(get("/metrics").await.text().await.unwrap().contains("konstruct_"));
    assert_eq!(get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(get("/api/me").await.status(), StatusCode::NOT_FOUND);
}
