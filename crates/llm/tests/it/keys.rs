use kernel::{ErrorKind, Secret, TenantId};
use llm::keys::{KeySpec, KeyText, delete_key, find_key_by_name, update_key, upsert_key};
use llm::store::{Change, delete_group, update_group, upsert_group, upsert_provider};
use llm::{KeyRefused, Keys, Limiter, Limits};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tenancy::{Access, organisations, projects};

use crate::{House, group, provider};

const KEY: &str = "a key that was given: no";

fn given(text: &str) -> KeyText {
    KeyText::Set(Secret::from(text.replace(' ', "-")))
}

fn spec(name: &str, key: KeyText) -> KeySpec {
    let limits = Limits { requests_per_minute: Some(60), tokens_per_minute: None };
    KeySpec { name: name.into(), project: None, model_groups: vec![], limits, disabled: false, key }
}

impl House {
    fn keys(&self) -> Keys {
        Keys::new(self.db.clone(), self.epoch.clone())
    }

    /// Makes the key what `spec` says, and does what the engine does when it hears of it.
    async fn key(&self, tenant: TenantId, spec: &KeySpec) -> (Change, Option<Secret>) {
        let mut tx = self.tx(tenant).await;
        let (written, made_up) = upsert_key(&mut tx, &Access::system(tenant), spec).await.unwrap();
        self.commit(tx, written.epoch).await;
        (written.change, made_up)
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_opens_what_it_was_made_for() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let (change, made_up) = house.key(acme, &spec("ci", KeyText::Keep)).await;
    assert_eq!(change, Change::Created);
    let made_up = made_up.unwrap();
    let grant = house.keys().grant(&made_up).await.unwrap();
    assert_eq!((grant.account.tenant, grant.name.as_str(), grant.limits.requests_per_minute), (acme, "ci", Some(60)));
    assert!(grant.may_ask("anything"));
    let (change, shown_again) = house.key(acme, &spec("ci", KeyText::Keep)).await;
    assert_eq!((change, shown_again), (Change::Unchanged, None));
}

#[tokio::test]
async fn what_is_changed_is_in_force_with_the_next_configuration() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let (keys, key) = (house.keys(), Secret::from(KEY.replace(' ', "-")));
    assert!(matches!(keys.grant(&key).await, Err(KeyRefused::Unknown)));
    house.key(acme, &spec("ci", given(KEY))).await;
    assert!(keys.grant(&key).await.is_ok(), "that nobody knew it is forgotten");
    assert_eq!(house.key(acme, &spec("ci", given(KEY))).await.0, Change::Unchanged);

    house.key(acme, &KeySpec { disabled: true, ..spec("ci", given(KEY)) }).await;
    assert!(matches!(keys.grant(&key).await, Err(KeyRefused::Disabled)));
    house.key(acme, &spec("ci", given("another key, as long as the first"))).await;
    assert!(matches!(keys.grant(&key).await, Err(KeyRefused::Unknown)), "it was replaced");

    let mut tx = house.tx(acme).await;
    let id = find_key_by_name(&mut tx, "ci").await.unwrap().unwrap().id;
    let epoch = delete_key(&mut tx, &Access::system(acme), id).await.unwrap();
    house.commit(tx, Some(epoch)).await;
    let other = Secret::from("another-key,-as-long-as-the-first");
    assert!(matches!(keys.grant(&other).await, Err(KeyRefused::Unknown)));
}

#[tokio::test]
async fn a_keys_limit_is_shared_by_the_live_nodes_that_answer_model_calls() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    house.key(acme, &spec("ci", given(KEY))).await;
    let grant = house.keys().grant(&Secret::from(KEY.replace(' ', "-"))).await.unwrap();
    let mut admin = PgConnection::connect_with(&house.database.admin()).await.unwrap();
    admin
        .execute(
            "insert into node (node_id, version, models, lease_until)
             select gen_random_uuid(), 'test', n <= 4, case when n = 4 then '-infinity' else 'infinity' end::timestamptz
             from generate_series(1, 9) n",
        )
        .await
        .unwrap();
    let limiter = Limiter::new();
    limiter.count_nodes(&house.db).await.unwrap();
    let admissions: Vec<_> = (0..60).filter_map(|_| limiter.admit(&grant, 0).ok()).collect();
    assert_eq!(admissions.len(), 20);
}

#[tokio::test]
async fn a_suspended_organisations_keys_open_nothing() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    house.key(acme, &spec("ci", given(KEY))).await;
    let keys = house.keys();
    let mut tx = house.db.system("test").await.unwrap();
    let status = Some(tenancy::OrganisationStatus::Suspended);
    let change = organisations::Change { status, ..organisations::Change::default() };
    organisations::update(&mut tx, &tenancy::Actor::System, acme, change).await.unwrap();
    tx.commit().await.unwrap();
    let refused = keys.grant(&Secret::from(KEY.replace(' ', "-"))).await;
    assert!(matches!(refused, Err(KeyRefused::Suspended)));
}

#[tokio::test]
async fn a_key_belongs_to_one_organisation() {
    let house = House::new().await;
    let (acme, rival) = (house.organisation("acme").await, house.organisation("rival").await);
    house.key(acme, &spec("ci", given(KEY))).await;
    for (tenant, name) in [(rival, "ci"), (acme, "again")] {
        let mut tx = house.tx(tenant).await;
        let refused = upsert_key(&mut tx, &Access::system(tenant), &spec(name, given(KEY))).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(!refused.to_string().contains("acme"));
    }
    house.key(rival, &spec("own", KeyText::Keep)).await;
    let mut tx = house.tx(rival).await;
    let refused = upsert_key(&mut tx, &Access::system(rival), &spec("own", given(KEY))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "nor by changing one");
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_with_the_reason() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let access = Access::system(acme);
    let spaces = KeyText::Set(Secret::from("a key with spaces in it is none"));
    for wrong in [
        spec("ci", given("too short")),
        spec("ci", spaces),
        spec("", KeyText::Keep),
        KeySpec { model_groups: vec!["nobody".into()], ..spec("ci", KeyText::Keep) },
        KeySpec { limits: Limits { tokens_per_minute: Some(0), ..Limits::default() }, ..spec("ci", KeyText::Keep) },
    ] {
        let mut tx = house.tx(acme).await;
        let refused = upsert_key(&mut tx, &access, &wrong).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_key_may_ask_the_groups_that_it_names_and_its_project_goes_with_its_calls() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let mut tx = house.tx(acme).await;
    upsert_provider(&mut tx, &house.sealer, &provider("p", "http://127.0.0.1:1/v1", None)).await.unwrap();
    upsert_group(&mut tx, &group("quality", &["p"], &[])).await.unwrap();
    let project = projects::find_by_name(&mut tx, "default").await.unwrap().unwrap().id;
    tx.commit().await.unwrap();
    let narrow = KeySpec { project: Some(project), model_groups: vec!["quality".into()], ..spec("ci", given(KEY)) };
    house.key(acme, &narrow).await;
    let grant = house.keys().grant(&Secret::from(KEY.replace(' ', "-"))).await.unwrap();
    assert_eq!(grant.account.project, Some(project));
    assert!(grant.may_ask("quality") && !grant.may_ask("fast"));

    let mut tx = house.tx(acme).await;
    let best = upsert_group(&mut tx, &group("quality", &["p"], &[])).await.unwrap().id;
    assert_eq!(delete_group(&mut tx, best).await.unwrap_err().kind(), ErrorKind::Conflict, "the key names it");
    update_group(&mut tx, best, &group("best", &["p"], &[])).await.unwrap();
    let key = find_key_by_name(&mut tx, "ci").await.unwrap().unwrap();
    assert_eq!(key.model_groups, ["best"]);
    let narrow = KeySpec { model_groups: vec!["best".into()], ..narrow };
    let id = key.id;
    let renamed = KeySpec { name: "builds".into(), key: KeyText::Keep, ..narrow };
    assert_eq!(update_key(&mut tx, &Access::system(acme), id, &renamed).await.unwrap().change, Change::Updated);
}

#[tokio::test]
async fn the_use_of_a_key_is_written_down_now_and_then() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    house.key(acme, &spec("ci", given(KEY))).await;
    let keys = house.keys();
    keys.grant(&Secret::from(KEY.replace(' ', "-"))).await.unwrap();
    let last_used = async || find_key_by_name(&mut house.tx(acme).await, "ci").await.unwrap().unwrap().last_used_at;
    assert_eq!(last_used().await, None);
    keys.note_uses_now().await;
    assert!(last_used().await.is_some());
}
