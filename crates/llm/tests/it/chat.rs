use llm::ChatErrorKind;
use llm::store::{Seed, seed_defaults, upsert_group, upsert_price, upsert_provider};
use testkit::models::{FakeModels, Reply};

use crate::{House, group, price, provider};

#[tokio::test]
async fn a_group_is_asked_with_its_providers_key_and_falls_back() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let (first, second) = (FakeModels::start().await, FakeModels::start().await);
    first.otherwise(|_| Reply::status(403));
    second.otherwise(|_| Reply::say("from the second"));

    let mut tx = house.tx(acme).await;
    upsert_provider(&mut tx, &house.sealer, &provider("first", &first.openai_url(), Some("k1"))).await.unwrap();
    upsert_provider(&mut tx, &house.sealer, &provider("second", &second.openai_url(), Some("k2"))).await.unwrap();
    upsert_group(&mut tx, &group("fast", &["second"], &[])).await.unwrap();
    let epoch = upsert_group(&mut tx, &group("quality", &["first"], &["fast"])).await.unwrap().epoch;
    house.commit(tx, epoch).await;

    let answer = house.ask(acme, "quality").await.unwrap();
    assert_eq!((answer.text.as_str(), answer.calls.len()), ("from the second", 2));
    assert_eq!((first.calls()[0].key(), second.calls()[0].key()), (Some("k1"), Some("k2")));
}

#[tokio::test]
async fn a_new_key_is_used_from_the_moment_its_epoch_is_in_force() {
    let house = House::new().await;
    let (acme, fake) = (house.organisation("acme").await, FakeModels::start().await);
    let mut tx = house.tx(acme).await;
    upsert_provider(&mut tx, &house.sealer, &provider("p", &fake.openai_url(), Some("k1"))).await.unwrap();
    let epoch = upsert_group(&mut tx, &group("quality", &["p"], &[])).await.unwrap().epoch;
    house.commit(tx, epoch).await;
    house.ask(acme, "quality").await.unwrap();

    let mut tx = house.tx(acme).await;
    let written =
        upsert_provider(&mut tx, &house.sealer, &provider("p", &fake.openai_url(), Some("k2"))).await.unwrap();
    house.commit(tx, written.epoch).await;
    house.ask(acme, "quality").await.unwrap();
    let keys: Vec<Option<String>> = fake.calls().iter().map(|call| call.key().map(str::to_owned)).collect();
    assert_eq!(keys, [Some("k1".to_owned()), Some("k2".to_owned())]);
}

#[tokio::test]
async fn without_a_key_the_demo_answers_and_a_standard_organisation_says_what_is_missing() {
    let house = House::new().await;
    let (demo, acme) = (house.organisation("demo").await, house.organisation("acme").await);
    for (tenant, seed) in [(demo, Seed::Demo), (acme, Seed::Standard)] {
        let mut tx = house.tx(tenant).await;
        let epoch = seed_defaults(&mut tx, &house.sealer, seed).await.unwrap();
        house.commit(tx, Some(epoch)).await;
    }
    let answer = house.ask(demo, "quality").await.unwrap();
    assert!(answer.text.contains("built-in offline model"), "{}", answer.text);
    assert_eq!((answer.calls.len(), answer.cost_usd), (1, Some(0.into())));

    let error = house.ask(acme, "nowhere").await.unwrap_err();
    assert_eq!((error.kind, error.calls.len()), (ChatErrorKind::Unconfigured, 0));
    assert_eq!(error.message, "there is no model group `nowhere`");
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let mut tx = house.tx(acme).await;
    upsert_provider(&mut tx, &house.sealer, &provider("openai", "", None)).await.unwrap();
    let epoch = upsert_group(&mut tx, &group("quality", &["openai"], &[])).await.unwrap().epoch;
    house.commit(tx, epoch).await;
    let error = house.ask(acme, "quality").await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::Unconfigured);
    assert!(error.message.ends_with("openai/m has no API key yet"), "{error}");
}

#[tokio::test]
async fn what_is_asked_is_logged_with_what_its_attempts_took_and_a_price_of_the_organisations_own() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let (first, second) = (FakeModels::start().await, FakeModels::start().await);
    first.otherwise(|_| Reply::status(403));
    second.otherwise(|_| Reply::say("hello"));
    let mut tx = house.tx(acme).await;
    upsert_provider(&mut tx, &house.sealer, &provider("first", &first.openai_url(), None)).await.unwrap();
    upsert_provider(&mut tx, &house.sealer, &provider("second", &second.openai_url(), None)).await.unwrap();
    upsert_group(&mut tx, &group("quality", &["first", "second"], &[])).await.unwrap();
    let epoch = upsert_price(&mut tx, &price("second", 1000, 1000)).await.unwrap().epoch;
    house.commit(tx, epoch).await;

    let answer = house.ask(acme, "quality").await.unwrap();
    house.ask(acme, "nowhere").await.unwrap_err();
    let spent = (answer.usage.prompt() + answer.usage.output) * 1_000_000;
    house.usage.flush_now().await.unwrap();
    let mut tx = house.tx(acme).await;
    let logged: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', provider, outcome, attempts, output_tokens, cost_nanos)
         from model_call order by day, call_id",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    assert_eq!(logged, [format!("second answered 2 {} {spent}", answer.usage.output), " failed 0 0".to_owned()]);
}
