//! How people come into an organisation, over HTTP: the link, what it proves and what it does not.

use futures::future::join_all;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use testkit::{Session, TestApp};

const PASSWORD: &str = "correct horse battery";
const GUEST: &str = "guest@else.test";

struct House {
    app: TestApp,
    acme: Place,
    rival: Place,
}

/// An organisation as its owner sees it.
struct Place {
    owner: Session,
    path: String,
}

impl Place {
    async fn of(app: &TestApp, name: &str) -> Self {
        let owner = app.login(&format!("owner@{name}.test"), PASSWORD).await;
        let me = owner.get("/api/me").await;
        let path = format!("/api/organisations/{}", me["organisations"][0]["id"].as_str().unwrap());
        Self { owner, path }
    }

    async fn invite(&self, email: &str, role: &str) -> Value {
        self.owner
            .send(Method::POST, &format!("{}/invitations", self.path), &json!({"email": email, "role": role}))
            .await
    }

    /// What the link for a person carries.
    async fn token(&self, email: &str, role: &str) -> String {
        token(&self.invite(email, role).await)
    }

    async fn pending(&self) -> Vec<Value> {
        self.owner.get(&format!("{}/invitations", self.path)).await["items"].as_array().unwrap().clone()
    }
}

impl House {
    async fn new() -> Self {
        let app = TestApp::start(env!("CARGO_BIN_EXE_konstruct")).await;
        let organisation = |name: &str| {
            format!(
                "kind: Organisation\nname: {name}\n---\nkind: User\nemail: owner@{name}.test\npassword: {PASSWORD}\n\
                 memberships: [{{organisation: {name}, role: owner}}]\n"
            )
        };
        app.apply(&[organisation("acme"), organisation("rival")].join("---\n")).await;
        let (acme, rival) = (Place::of(&app, "acme").await, Place::of(&app, "rival").await);
        Self { app, acme, rival }
    }

    async fn accept(&self, token: &str, password: &str) -> Response {
        let body = json!({"token": token, "password": password, "display_name": "Guest"});
        self.app.request(Method::POST, "/api/auth/invitation/accept").json(&body).send().await.unwrap()
    }

    /// Why a link is worth nothing: the state its page is told, and the words of the refusal.
    async fn refusal(&self, token: &str) -> (String, String) {
        let offer = self.app.session("").send(Method::POST, "/api/auth/invitation", &json!({"token": token})).await;
        let refused = self.accept(token, PASSWORD).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT, "{offer}");
        let refused: Value = refused.json().await.unwrap();
        (offer["state"].as_str().unwrap().to_owned(), refused["detail"].as_str().unwrap().to_owned())
    }

    async fn execute(&self, sql: &'static str) {
        let mut conn = PgConnection::connect_with(&self.app.database().admin()).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    }
}

fn token(invited: &Value) -> String {
    let (page, token) = invited["link"].as_str().unwrap().split_once('#').unwrap();
    assert!(page.ends_with("/invitation"), "the token stands in the fragment alone: {page}");
    token.to_owned()
}

async fn organisations(session: &Session) -> usize {
    session.get("/api/me").await["organisations"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_person_who_is_new_sets_a_password_joins_and_is_signed_in() {
    let house = House::new().await;
    let token = house.acme.token(GUEST, "admin").await;
    let [pending] = &house.acme.pending().await[..] else { panic!("one invitation waits") };
    assert_eq!((&pending["email"], &pending["role"]), (&json!(GUEST), &json!("admin")));
    assert!(!pending.to_string().contains(&token), "shown once");
    let offer = house.app.session("").send(Method::POST, "/api/auth/invitation", &json!({"token": token})).await;
    assert_eq!((&offer["state"], &offer["email"]), (&json!("open"), &json!(GUEST)));

    let answer = house.accept(&token, PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()[SET_COOKIE].to_str().unwrap().contains("HttpOnly"));
    let answer: Value = answer.json().await.unwrap();
    let guest = house.app.session(answer["access_token"].as_str().unwrap());
    assert_eq!(guest.get("/api/me").await["organisations"][0]["role"], "admin");
    house.app.login(GUEST, PASSWORD).await;
    assert!(house.acme.pending().await.is_empty());
    assert_eq!(house.refusal(&token).await, ("accepted".to_owned(), "this invitation has been used".to_owned()));
}

#[tokio::test]
async fn accepting_ends_the_session_that_the_browser_had_before() {
    let house = House::new().await;
    let token = house.acme.token(GUEST, "viewer").await;
    let shown = json!({"email": "owner@rival.test", "password": PASSWORD});
    let answer = house.app.request(Method::POST, "/api/auth/login").json(&shown).send().await.unwrap();
    let former = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let answer: Value = answer.json().await.unwrap();
    let before = house.app.session(answer["access_token"].as_str().unwrap());
    let accept = async |password: &str| {
        let body = json!({"token": token, "password": password, "display_name": "Guest"});
        let accept = house.app.request(Method::POST, "/api/auth/invitation/accept").header(COOKIE, &former);
        accept.json(&body).send().await.unwrap().status()
    };

    assert_eq!(accept("short").await, StatusCode::BAD_REQUEST);
    before.get("/api/me").await;
    assert_eq!(accept(PASSWORD).await, StatusCode::OK);
    assert_eq!(before.status(Method::GET, "/api/me").await, StatusCode::UNAUTHORIZED);
    let refresh = house.app.request(Method::POST, "/api/auth/refresh").header(COOKIE, &former);
    assert_eq!(refresh.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "nobody could end it any more");
    assert_eq!(organisations(&house.rival.owner).await, 1, "other sessions of that person stay");
}

#[tokio::test]
async fn registering_somebody_s_address_in_one_organisation_opens_no_other() {
    let house = House::new().await;
    let theft = house.rival.token("victim@corp.test", "viewer").await;
    assert_eq!(house.accept(&theft, "chosen by the rival").await.status(), StatusCode::OK);
    let thief = house.app.login("victim@corp.test", "chosen by the rival").await;

    let token = house.acme.token("victim@corp.test", "owner").await;
    assert_eq!(organisations(&thief).await, 1, "the rival's own");
    assert_eq!(thief.status(Method::GET, &house.acme.path).await, StatusCode::NOT_FOUND);
    let victim = house.accept(&token, "chosen by the victim").await;
    assert_eq!(victim.status(), StatusCode::UNAUTHORIZED, "a link is no way around a password either");
    assert_eq!(organisations(&thief).await, 1);
    // The operator's word puts it right.
    house.app.apply("kind: User\nemail: victim@corp.test\npassword: chosen by the victim\n").await;
    assert_eq!(thief.status(Method::GET, "/api/me").await, StatusCode::UNAUTHORIZED);
    assert_eq!(house.accept(&token, "chosen by the victim").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn no_body_of_a_member_or_an_operator_sets_somebody_s_password() {
    let house = House::new().await;
    let (owner, path) = (&house.acme.owner, &house.acme.path);
    let body = json!({"email": GUEST, "role": "viewer", "password": PASSWORD});
    for list in ["members", "invitations"] {
        let refused = owner.request(Method::POST, &format!("{path}/{list}")).json(&body).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{list}");
    }
    house.execute("insert into operator (user_id) select user_id from users where email = 'owner@acme.test'").await;
    let body = json!({"name": "third", "display_name": "Third", "owner_email": "owner@rival.test"});
    let made = owner.send(Method::POST, "/api/operator/organisations", &body).await;
    assert_eq!(organisations(&house.rival.owner).await, 1, "an owner joins by a link too");
    let token = token(&made["owner_invitation"]);
    assert_eq!(house.accept(&token, "some other password").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(house.accept(&token, PASSWORD).await.status(), StatusCode::OK);
    assert_eq!(organisations(&house.rival.owner).await, 2);
}

#[tokio::test]
async fn another_organisation_neither_sees_nor_revokes_nor_redirects_an_invitation() {
    let house = House::new().await;
    let invited = house.acme.invite(GUEST, "viewer").await;
    let rival = &house.rival;
    assert!(rival.pending().await.is_empty());
    assert_eq!(
        rival.owner.status(Method::GET, &format!("{}/invitations", house.acme.path)).await,
        StatusCode::NOT_FOUND
    );
    let id = invited["id"].as_str().unwrap();
    for path in [&house.acme.path, &rival.path] {
        let revoked = rival.owner.status(Method::DELETE, &format!("{path}/invitations/{id}")).await;
        assert_eq!(revoked, StatusCode::NOT_FOUND);
    }
    let simple = |path: &str| path.rsplit('/').next().unwrap().replace('-', "");
    let own = token(&invited);
    let redirected = own.replace(&simple(&house.acme.path), &simple(&rival.path));
    assert_ne!(own, redirected);
    assert_eq!(house.accept(&redirected, PASSWORD).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(house.accept(&own, PASSWORD).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_link_that_is_revoked_expired_or_stands_on_lost_rights_says_so_and_does_nothing() {
    let house = House::new().await;
    let admin = house.acme.token("admin@acme.test", "admin").await;
    let admin: Value = house.accept(&admin, PASSWORD).await.json().await.unwrap();
    let admin = house.app.session(admin["access_token"].as_str().unwrap());
    let invitations = format!("{}/invitations", house.acme.path);
    let above = admin.request(Method::POST, &invitations).json(&json!({"email": GUEST, "role": "owner"}));
    assert_eq!(above.send().await.unwrap().status(), StatusCode::FORBIDDEN, "nobody offers more than they have");
    let invite = json!({"email": GUEST, "role": "admin"});

    let revoked = admin.send(Method::POST, &invitations, &invite).await;
    admin.send(Method::DELETE, &format!("{invitations}/{}", revoked["id"].as_str().unwrap()), &Value::Null).await;
    let waiting = token(&admin.send(Method::POST, &invitations, &invite).await);
    let (state, words) = house.refusal(&token(&revoked)).await;
    assert!(state == "revoked" && words.contains("revoked"), "{state}: {words}");

    for (break_it, mend_it, state, words) in [
        (
            "update membership set role = 'viewer' where role = 'admin'",
            "update membership set role = 'admin' where role = 'viewer'",
            "void",
            "may not give this role any more",
        ),
        (
            "update role set grants = '{billing.write}' where name = 'admin'; \
             update membership set role = 'member' where role = 'admin'",
            "update role set grants = '{}'; update membership set role = 'admin' where role = 'member'",
            "void",
            "may not give this role any more",
        ),
        (
            "update organisation set status = 'suspended' where name = 'acme'",
            "update organisation set status = 'active'",
            "suspended",
            "is suspended",
        ),
        (
            "update invitation set expires_at = now()",
            "update invitation set expires_at = now() + interval '1 hour'",
            "expired",
            "has expired",
        ),
    ] {
        house.execute(break_it).await;
        let (told, detail) = house.refusal(&waiting).await;
        assert!(told == state && detail.contains(words), "{told}: {detail}");
        house.execute(mend_it).await;
    }
    assert_eq!(house.accept(&waiting, PASSWORD).await.status(), StatusCode::OK);
    assert_eq!(house.accept("ki_nonsense", PASSWORD).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn of_acceptances_at_once_one_succeeds() {
    let house = House::new().await;
    let token = house.acme.token(GUEST, "viewer").await;
    let answers = join_all((0..6).map(|_| house.accept(&token, PASSWORD))).await;
    let of = |status| answers.iter().filter(|answer| answer.status() == status).count();
    assert_eq!((of(StatusCode::OK), of(StatusCode::CONFLICT)), (1, 5));
    let guest = house.app.login(GUEST, PASSWORD).await;
    assert_eq!(organisations(&guest).await, 1);
}
