//! The API pass: every documented operation as anonymous, as another organisation's owner, as this one's viewer and as
//! its owner. An operation without a case here fails.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use testkit::Session;
use uuid::Uuid;

use super::schema::mismatches;
use super::world::{House, PASSWORD, World, fill};

const ORGANISATION: &str = "/api/organisations/{organisation}";
const PROJECT: &str = "/api/organisations/{organisation}/projects/{project}";

/// What an operation answers to whom.
struct Case {
    method: &'static str,
    path: String,
    body: Value,
    /// To the right organisation's viewer and owner.
    viewer: u16,
    owner: u16,
    /// Made anew for the owner's call, which takes it away: which id, where it is made, and from what.
    spend: Option<(&'static str, String, Value)>,
}

fn case(method: &'static str, path: impl Into<String>, viewer: u16, owner: u16) -> Case {
    Case { method, path: path.into(), body: Value::Null, viewer, owner, spend: None }
}

impl Case {
    fn with(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    fn spending(mut self, id: &'static str, list: impl Into<String>, body: Value) -> Self {
        self.spend = Some((id, list.into(), body));
        self
    }
}

fn organisation_cases() -> Vec<Case> {
    let under = |rest: &str| format!("{ORGANISATION}{rest}");
    let provider = |name: &str| json!({"name": name, "wire": "builtin"});
    let group = |name: &str| json!({"name": name, "models": [{"provider": "offline", "model": "quotes"}]});
    let price = |model: &str| json!({"provider": "offline", "model": model, "input_per_million": 1, "output_per_million": "2.5"});
    let grant = |user: &str| json!({"user_id": user, "role": "viewer", "project_id": "{project}"});
    let invitation = |email: &str| json!({"email": email, "role": "member"});
    let key = json!({"name": "another", "role": "viewer"});
    vec![
        case("get", ORGANISATION, 200, 200),
        case("patch", ORGANISATION, 403, 200).with(json!({"display_name": "Acme & Sons"})),
        case("post", under("/apply"), 403, 200)
            .with(json!({"documents": [{"kind": "Project", "organisation": "acme", "name": "applied"}]})),
        case("get", under("/projects"), 200, 200),
        case("post", under("/projects"), 403, 201).with(json!({"name": "second"})),
        case("get", PROJECT, 200, 200),
        case("patch", PROJECT, 403, 200).with(json!({"name": "first"})),
        case("delete", PROJECT, 403, 204).spending("project", under("/projects"), json!({"name": "short-lived"})),
        case("get", under("/members"), 200, 200),
        case("delete", under("/members/{member}"), 403, 204).spending("member", under("/members"), grant("{user}")),
        case("patch", under("/members/{member}"), 403, 204).with(json!({"role": "viewer"})).spending(
            "member",
            under("/members"),
            grant("{owner_user}"),
        ),
        case("post", under("/members"), 403, 201).with(grant("{user}")),
        case("get", under("/invitations"), 200, 200),
        case("post", under("/invitations"), 403, 201).with(invitation("new@acme.test")),
        case("delete", under("/invitations/{invitation}"), 403, 204).spending(
            "invitation",
            under("/invitations"),
            invitation("unwanted@acme.test"),
        ),
        case("get", under("/api-keys"), 403, 200),
        case("post", under("/api-keys"), 403, 201).with(key.clone()),
        case("delete", under("/api-keys/{key}"), 403, 204).spending("key", under("/api-keys"), key),
        case("get", under("/audit"), 403, 200),
        case("get", under("/providers"), 403, 200),
        case("post", under("/providers"), 403, 201).with(provider("extra")),
        case("patch", under("/providers/{provider}"), 403, 200).with(json!({"wire": "builtin"})),
        case("delete", under("/providers/{provider}"), 403, 204).spending(
            "provider",
            under("/providers"),
            provider("spare"),
        ),
        case("post", under("/providers/{provider}/test"), 403, 200),
        case("get", under("/model-groups"), 403, 200),
        case("post", under("/model-groups"), 403, 201).with(group("extra")),
        case("patch", under("/model-groups/{group}"), 403, 200).with(json!({"fallbacks": []})),
        case("delete", under("/model-groups/{group}"), 403, 204).spending(
            "group",
            under("/model-groups"),
            group("spare"),
        ),
        case("get", under("/model-groups/{group}/health"), 403, 200),
        case("get", under("/prices"), 403, 200),
        case("get", under("/prices/in-use"), 403, 200),
        case("put", under("/prices"), 403, 200).with(price("paid")),
        case("delete", under("/prices/{price}"), 403, 204),
        case("get", under("/tools"), 200, 200),
    ]
}

fn spending_cases() -> Vec<Case> {
    let under = |rest: &str| format!("{ORGANISATION}{rest}");
    let budget = |agent: &str| json!({"agent_id": agent, "period": "month", "usd": 12.5});
    vec![
        case("get", under("/usage"), 403, 200),
        case("get", under("/usage/retention"), 403, 200),
        case("put", under("/usage/retention"), 403, 200).with(json!({"keep_days": 30})),
        case("get", under("/model-calls"), 403, 200),
        case("get", under("/model-calls/{call}"), 403, 200),
        case("get", under("/virtual-keys"), 403, 200),
        case("post", under("/virtual-keys"), 403, 201).with(json!({"name": "builds"})),
        case("patch", under("/virtual-keys/{virtual_key}"), 403, 200).with(json!({"model_groups": ["quality"]})),
        case("delete", under("/virtual-keys/{virtual_key}"), 403, 204).spending(
            "virtual_key",
            under("/virtual-keys"),
            json!({"name": "spare"}),
        ),
        case("get", under("/budgets"), 403, 200),
        case("post", under("/budgets"), 403, 201).with(budget("{agent}")),
        case("patch", under("/budgets/{budget}"), 403, 200).with(json!({"usd": 0.5, "on_exceeded": "quality"})),
        case("delete", under("/budgets/{budget}"), 403, 204).spending(
            "budget",
            under("/budgets"),
            json!({"project_id": "{project}", "period": "day", "usd": 1}),
        ),
    ]
}

fn project_cases() -> Vec<Case> {
    let under = |rest: &str| format!("{PROJECT}{rest}");
    let agent = |name: &str| json!({"name": name, "config": {"role": "Clerk"}});
    let web = |name: &str| json!({"name": name, "channel": "web", "agent_id": "{agent}"});
    vec![
        case("get", under("/agents"), 403, 200),
        case("post", under("/agents"), 403, 201).with(agent("Alex")),
        case("get", under("/agents/{agent}"), 403, 200),
        case("patch", under("/agents/{agent}"), 403, 200).with(json!({"draft": {"role": "Clerk"}})),
        case("delete", under("/agents/{agent}"), 403, 204).spending("agent", under("/agents"), agent("Ben")),
        case("post", under("/agents/{agent}/publish"), 403, 201),
        case("get", under("/agents/{agent}/versions"), 403, 200),
        case("post", under("/agents/{agent}/rollback"), 403, 201).with(json!({"version": 1})),
        case("post", under("/agents/{agent}/try"), 403, 202).with(json!({"id": Uuid::now_v7(), "text": "hello"})),
        case("get", under("/connections"), 403, 200),
        case("post", under("/connections"), 403, 201).with(web("second chat")),
        case("get", under("/connections/{connection}"), 403, 200),
        case("patch", under("/connections/{connection}"), 403, 200).with(json!({"name": "renamed"})),
        case("delete", under("/connections/{connection}"), 403, 204).spending(
            "connection",
            under("/connections"),
            web("third chat"),
        ),
        case("post", under("/connections/{connection}/check"), 403, 200),
        case("get", under("/conversations"), 200, 200),
        case("get", under("/conversations/{conversation}"), 200, 200),
        case("get", under("/conversations/{conversation}/messages"), 200, 200),
        case("get", under("/conversations/{conversation}/export"), 200, 200),
        case("get", under("/conversations/{conversation}/events"), 200, 200),
        case("get", under("/runs/{run}"), 200, 200),
        case("get", under("/dead-letters"), 200, 200),
        case("post", under("/dead-letters/{letter}/replay"), 403, 202),
        case("delete", under("/dead-letters/{letter}"), 403, 204),
    ]
}

/// Of the installation's operator; here `owner` is the operator and `viewer` an owner of an organisation.
fn operator_cases() -> Vec<Case> {
    let all = "/api/operator/organisations";
    let one = "/api/operator/organisations/{organisation}";
    let new = |name: &str| json!({"name": name, "display_name": name});
    vec![
        case("get", all, 403, 200),
        case("post", all, 403, 201)
            .with(json!({"name": "third", "display_name": "Third", "owner_email": "owner@third.test"})),
        case("get", one, 403, 200),
        case("patch", one, 403, 200).with(json!({"weight": 2, "max_running": null})),
        case("delete", one, 403, 204).spending("organisation", all, new("fourth")),
    ]
}

/// Of web chat; here `owner` is a visitor of it and `viewer` a member of the organisation, who is none.
fn web_cases() -> Vec<Case> {
    let under = |rest: &str| format!("/channels/web/{{web}}{rest}");
    vec![
        case("get", under(""), 200, 200),
        case("post", under("/visitors"), 201, 201),
        case("post", under("/messages"), 401, 202).with(json!({"id": Uuid::now_v7(), "text": "hello"})),
        case("get", under("/messages"), 401, 200),
        case("get", under("/events"), 401, 200),
    ]
}

/// Of whoever asks.
fn own_cases() -> Vec<Case> {
    let log_in = json!({"email": "viewer@acme.test", "password": PASSWORD});
    let delivery = json!({"type": "event_callback", "team_id": "T-acme", "api_app_id": "A-acme", "event_id": "Ev1"});
    vec![
        case("post", "/api/auth/login", 200, 200).with(log_in),
        case("post", "/api/auth/refresh", 401, 401),
        case("post", "/api/auth/logout", 204, 204),
        case("post", "/api/auth/invitation", 200, 200).with(json!({"token": "{invitation_token}"})),
        case("post", "/api/auth/invitation/accept", 200, 200)
            .with(json!({"token": "{invitation_token}", "password": PASSWORD, "display_name": "Guest"})),
        case("post", "/channels/slack/events", 401, 401).with(delivery),
        case("get", "/api/me", 200, 200),
        case("put", "/api/me/password", 400, 204).with(json!({"current": PASSWORD, "new": "another long password"})),
    ]
}

struct Pass<'a> {
    world: &'a World,
    document: Value,
    failures: Vec<String>,
}

#[tokio::test]
async fn every_operation_answers_everybody_as_it_should() {
    let world = World::new().await;
    let document = world.operator.get("/api/openapi.json").await;
    let mut pass = Pass { world: &world, document, failures: Vec::new() };
    let (acme, rival) = (&world.acme, &world.rival);
    let mut seen = Vec::new();
    for case in organisation_cases().into_iter().chain(spending_cases()).chain(project_cases()) {
        pass.refuses_strangers(&case).await;
        pass.expect(&case, &acme.viewer, case.viewer).await;
        pass.spend_and_expect(&case, &acme.owner).await;
        seen.push(operation(&case));
    }
    for case in operator_cases() {
        pass.expect(&case, &world.app.session(""), 401).await;
        pass.expect(&case, &acme.owner, case.viewer).await;
        pass.spend_and_expect(&case, &world.operator).await;
        seen.push(operation(&case));
    }
    for case in web_cases() {
        let open = case.viewer != 401;
        pass.expect(&case, &world.app.session(""), if open { case.owner } else { 401 }).await;
        pass.expect(&case, &rival.visitor, if open { case.owner } else { 401 }).await;
        pass.expect(&case, &acme.viewer, case.viewer).await;
        pass.expect(&case, &acme.visitor, case.owner).await;
        seen.push(operation(&case));
    }
    for case in own_cases() {
        let listed = api::ANONYMOUS.contains(&(case.method, case.path.as_str()));
        pass.expect(&case, &world.app.session(""), if listed { case.owner } else { 401 }).await;
        seen.push(operation(&case));
    }
    pass.lacks_nothing(&seen);
    assert!(pass.failures.is_empty(), "\n{}", pass.failures.join("\n"));
}

impl Pass<'_> {
    /// Nobody; another organisation's owner with our ids; and the same under the other organisation's own name.
    async fn refuses_strangers(&mut self, case: &Case) {
        let (acme, rival) = (&self.world.acme, &self.world.rival);
        self.expect(case, &self.world.app.session(""), 401).await;
        self.expect(case, &rival.owner, 404).await;
        if case.path.ends_with(PROJECT) {
            let path = fill(&case.path, |name| match name {
                "organisation" => rival.id(name).to_owned(),
                _ => acme.id(name).to_owned(),
            });
            self.call(case, &path, &rival.owner, 404).await;
        }
        let things = case.path.matches('{').count() - usize::from(case.path.starts_with(PROJECT)) - 1;
        if things > 0 {
            let path = fill(&case.path, |name| match name {
                "organisation" | "project" => rival.id(name).to_owned(),
                _ => acme.id(name).to_owned(),
            });
            self.call(case, &path, &rival.owner, 404).await;
        }
    }

    async fn expect(&mut self, case: &Case, who: &Session, status: u16) {
        let path = self.world.acme.path(&case.path);
        self.call(case, &path, who, status).await;
    }

    /// The owner's call, on something made for it where it takes that away.
    async fn spend_and_expect(&mut self, case: &Case, owner: &Session) {
        let acme = &self.world.acme;
        let Some((id, list, new)) = &case.spend else { return self.expect(case, owner, case.owner).await };
        let made = owner.send(Method::POST, &acme.path(list), &with_ids(acme, new)).await;
        let made = made["id"].as_str().unwrap().to_owned();
        let path = fill(&case.path, |name| if name == *id { made.clone() } else { acme.id(name).to_owned() });
        self.call(case, &path, owner, case.owner).await;
    }

    async fn call(&mut self, case: &Case, path: &str, who: &Session, expected: u16) {
        let method = Method::from_bytes(case.method.to_uppercase().as_bytes()).unwrap();
        let mut request = who.request(method, path);
        if !case.body.is_null() {
            request = request.json(&with_ids(&self.world.acme, &case.body));
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let wrong = self.shape(case, answer).await;
        let what = format!("{} {path}", case.method);
        if status != expected {
            self.failures.push(format!("{what}: {status} instead of {expected}"));
        }
        self.failures.extend(wrong.into_iter().map(|wrong| format!("{what} ({status}): {wrong}")));
    }

    /// Holds an answer against the document.
    async fn shape(&self, case: &Case, answer: Response) -> Vec<String> {
        let status = answer.status();
        let path = case.path.replace("{web}", "{connection}");
        let responses = &self.document["paths"][&path][case.method]["responses"];
        let kind =
            answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
        let response = if status.is_success() { &responses[status.as_str()] } else { &responses["default"] };
        if response.is_null() {
            return vec!["the status is not documented".to_owned()];
        }
        let expected = if status.is_success() { "application/json" } else { "application/problem+json" };
        let schema = &response["content"][expected]["schema"];
        if schema.is_null() {
            // No body, a stream or lines.
            return Vec::new();
        }
        if kind != expected {
            return vec![format!("{kind} instead of {expected}")];
        }
        mismatches(&self.document, schema, &answer.json().await.unwrap())
    }

    fn lacks_nothing(&mut self, seen: &[String]) {
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let operation = format!("{method} {path}");
                if !seen.contains(&operation) {
                    self.failures.push(format!("{operation}: no case"));
                }
            }
        }
    }
}

fn operation(case: &Case) -> String {
    format!("{} {}", case.method, case.path.replace("{web}", "{connection}"))
}

/// A body with the organisation's ids in the place of names in braces.
fn with_ids(house: &House, body: &Value) -> Value {
    match body {
        Value::String(text) => Value::String(fill(text, |name| house.id(name).to_owned())),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), with_ids(house, value))).collect(),
        other => other.clone(),
    }
}
