use kernel::{ErrorKind, ModelGroupId, ProviderId};
use llm::store::{
    Change, GroupSpec, KeyChange, MAX_FALLBACKS, ProviderSpec, Seed, delete_group, delete_provider, find_group,
    find_provider, list_groups, list_prices, list_providers, seed_defaults, update_group, update_provider,
    upsert_group, upsert_price, upsert_provider,
};
use llm::{Routing, Seconds, Simple, Strategy, Timeouts};

use crate::{House, group, price, provider};

#[tokio::test]
async fn writing_the_same_again_changes_nothing_and_anything_else_takes_an_epoch() {
    let house = House::new().await;
    let mut tx = house.tx(house.organisation("acme").await).await;
    let spec = provider("scripted", "http://127.0.0.1:1/v1", Some("k1"));
    let made = upsert_provider(&mut tx, &house.sealer, &spec).await.unwrap();
    assert_eq!((made.change, made.epoch.is_some()), (Change::Created, true));
    let again = upsert_provider(&mut tx, &house.sealer, &spec).await.unwrap();
    assert_eq!((again.id, again.change, again.epoch), (made.id, Change::Unchanged, None));
    let new_key = provider("scripted", "http://127.0.0.1:1/v1", Some("k2"));
    let updated = upsert_provider(&mut tx, &house.sealer, &new_key).await.unwrap();
    assert_eq!(updated.change, Change::Updated);
    assert!(updated.epoch > made.epoch);

    let spec = group("quality", &["scripted"], &[]);
    assert_eq!(upsert_group(&mut tx, &spec).await.unwrap().change, Change::Created);
    assert_eq!(upsert_group(&mut tx, &spec).await.unwrap().change, Change::Unchanged);
}

#[tokio::test]
async fn a_key_is_not_taken_along_to_another_host() {
    let house = House::new().await;
    let mut tx = house.tx(house.organisation("acme").await).await;
    let made =
        upsert_provider(&mut tx, &house.sealer, &provider("p", "https://a.example/v1", Some("k"))).await.unwrap();
    let moved = |api_key| ProviderSpec { api_key, ..provider("p", "https://b.example/v1", None) };
    let refused = update_provider(&mut tx, &house.sealer, made.id, &moved(KeyChange::Keep)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    update_provider(&mut tx, &house.sealer, made.id, &moved(KeyChange::Set("k2".into()))).await.unwrap();
    assert!(find_provider(&mut tx, made.id).await.unwrap().has_key);
    update_provider(&mut tx, &house.sealer, made.id, &moved(KeyChange::Remove)).await.unwrap();
    assert!(!find_provider(&mut tx, made.id).await.unwrap().has_key);
}

#[tokio::test]
async fn the_freedom_to_be_private_ends_when_somebody_else_moves_the_address() {
    let house = House::new().await;
    let mut tx = house.tx(house.organisation("acme").await).await;
    let made = upsert_provider(&mut tx, &house.sealer, &provider("p", "http://10.0.0.1/v1", None)).await.unwrap();
    let member = |url: &str| ProviderSpec { private_allowed: false, ..provider("p", url, None) };
    let same = update_provider(&mut tx, &house.sealer, made.id, &member("http://10.0.0.1/v1")).await.unwrap();
    assert_eq!(same.change, Change::Unchanged);
    assert!(find_provider(&mut tx, made.id).await.unwrap().private_allowed);
    update_provider(&mut tx, &house.sealer, made.id, &member("http://10.0.0.2/v1")).await.unwrap();
    assert!(!find_provider(&mut tx, made.id).await.unwrap().private_allowed);
}

#[tokio::test]
async fn names_are_followed_and_what_is_used_is_not_deleted() {
    let house = House::new().await;
    let mut tx = house.tx(house.organisation("acme").await).await;
    let old =
        upsert_provider(&mut tx, &house.sealer, &provider("old", "http://127.0.0.1:1/v1", Some("k"))).await.unwrap();
    let fast = upsert_group(&mut tx, &group("fast", &["old"], &[])).await.unwrap().id;
    let quality = upsert_group(&mut tx, &group("quality", &["old"], &["fast"])).await.unwrap().id;

    update_provider(&mut tx, &house.sealer, old.id, &provider("new", "http://127.0.0.1:1/v1", None)).await.unwrap();
    update_group(&mut tx, fast, &group("quick", &["new"], &[])).await.unwrap();
    let found = find_group(&mut tx, quality).await.unwrap();
    assert_eq!((found.models[0].model.provider.as_str(), found.fallbacks), ("new", vec!["quick".to_owned()]));
    assert!(find_provider(&mut tx, old.id).await.unwrap().has_key, "the key stays with its host");

    assert_eq!(delete_provider(&mut tx, old.id).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(delete_group(&mut tx, fast).await.unwrap_err().kind(), ErrorKind::Conflict);
    delete_group(&mut tx, quality).await.unwrap();
    delete_group(&mut tx, fast).await.unwrap();
    delete_provider(&mut tx, old.id).await.unwrap();
    assert!(list_providers(&mut tx).await.unwrap().is_empty() && list_groups(&mut tx).await.unwrap().is_empty());
}

#[tokio::test]
async fn groups_name_what_exists() {
    let house = House::new().await;
    let mut tx = house.tx(house.organisation("acme").await).await;
    upsert_provider(&mut tx, &house.sealer, &provider("p", "", Some("k"))).await.unwrap();
    upsert_group(&mut tx, &group("h", &["p"], &[])).await.unwrap();
    upsert_group(&mut tx, &group("f", &["p"], &["h"; MAX_FALLBACKS])).await.unwrap();
    for bad in [
        group("g", &["gone"], &[]),
        group("g", &["p"], &["gone"]),
        group("g", &["p"], &["g"]),
        group("g", &[], &[]),
        group("a/b", &["p"], &[]),
        group("g", &["p"], &["h"; MAX_FALLBACKS + 1]),
    ] {
        assert_eq!(upsert_group(&mut tx, &bad).await.unwrap_err().kind(), ErrorKind::Invalid, "{bad:?}");
    }
}

#[tokio::test]
async fn another_organisation_sees_nothing_of_it() {
    let house = House::new().await;
    let (acme, other) = (house.organisation("acme").await, house.organisation("other").await);
    let mut tx = house.tx(acme).await;
    let made = upsert_provider(&mut tx, &house.sealer, &provider("p", "", Some("k"))).await.unwrap().id;
    let made_group = upsert_group(&mut tx, &group("g", &["p"], &[])).await.unwrap().id;
    tx.commit().await.unwrap();

    let mut tx = house.tx(other).await;
    assert!(list_providers(&mut tx).await.unwrap().is_empty() && list_groups(&mut tx).await.unwrap().is_empty());
    let spec = provider("p", "", None);
    assert_eq!(update_provider(&mut tx, &house.sealer, made, &spec).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(delete_provider(&mut tx, made).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(delete_group(&mut tx, made_group).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(find_provider(&mut tx, ProviderId::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(find_group(&mut tx, ModelGroupId::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_new_organisation_is_given_the_shipped_groups_and_its_keys_survive_another_time() {
    let house = House::new().await;
    let mut tx = house.tx(house.organisation("acme").await).await;
    seed_defaults(&mut tx, &house.sealer, Seed::Standard).await.unwrap();
    let names: Vec<String> = list_providers(&mut tx).await.unwrap().into_iter().map(|found| found.name).collect();
    assert_eq!(names, ["anthropic", "ollama", "openai"]);
    let groups = list_groups(&mut tx).await.unwrap();
    assert_eq!((groups[0].name.as_str(), groups[1].name.as_str()), ("fast", "quality"));
    assert_eq!(groups[1].fallbacks, ["fast"]);

    let openai = list_providers(&mut tx).await.unwrap().into_iter().find(|found| found.name == "openai").unwrap();
    let keyed = ProviderSpec { private_allowed: false, ..provider("openai", "", Some("sk-1")) };
    update_provider(&mut tx, &house.sealer, openai.id, &keyed).await.unwrap();
    seed_defaults(&mut tx, &house.sealer, Seed::Demo).await.unwrap();
    assert!(find_provider(&mut tx, openai.id).await.unwrap().has_key);
}

#[tokio::test]
async fn a_price_is_set_once_follows_its_providers_name_and_goes_with_it() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let mut tx = house.tx(acme).await;
    let refused = upsert_price(&mut tx, &price("vllm", 1, 2)).await.unwrap_err();
    assert!(refused.to_string().starts_with("there is no provider `vllm`"), "{refused}");

    let made = upsert_provider(&mut tx, &house.sealer, &provider("vllm", "", None)).await.unwrap();
    let first = upsert_price(&mut tx, &price("vllm", 1, 2)).await.unwrap();
    let again = upsert_price(&mut tx, &price("vllm", 1, 2)).await.unwrap();
    let other = upsert_price(&mut tx, &price("vllm", 1, 3)).await.unwrap();
    assert_eq!([first.change, again.change, other.change], [Change::Created, Change::Unchanged, Change::Updated]);
    assert_eq!((again.id, again.epoch), (first.id, None));

    update_provider(&mut tx, &house.sealer, made.id, &provider("gpu", "", None)).await.unwrap();
    assert_eq!(list_prices(&mut tx).await.unwrap()[0].provider, "gpu");
    delete_provider(&mut tx, made.id).await.unwrap();
    assert!(list_prices(&mut tx).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_group_keeps_how_its_models_are_asked_and_follows_the_names_of_those_it_leans_on() {
    let house = House::new().await;
    let mut tx = house.tx(house.organisation("acme").await).await;
    upsert_provider(&mut tx, &house.sealer, &provider("p", "", Some("k"))).await.unwrap();
    let fast = upsert_group(&mut tx, &group("fast", &["p"], &[])).await.unwrap().id;
    let simple = Simple { group: "fast".into(), max_input_tokens: 500, tools: false };
    let timeouts = Timeouts { total: Some(Seconds::try_from(60.0).unwrap()), ..Timeouts::default() };
    let routing = Routing {
        strategy: Strategy::Weighted,
        retries: Some(0),
        timeouts,
        simple: Some(simple),
        cache_seconds: Some(60),
    };
    let mut spec = GroupSpec { routing, ..group("quality", &["p"], &[]) };
    spec.models[0].weight = 7;
    let written = upsert_group(&mut tx, &spec).await.unwrap();
    assert_eq!(find_group(&mut tx, written.id).await.unwrap().spec(), spec);
    assert_eq!(upsert_group(&mut tx, &spec).await.unwrap().change, Change::Unchanged);

    update_group(&mut tx, fast, &group("quick", &["p"], &[])).await.unwrap();
    let renamed = find_group(&mut tx, written.id).await.unwrap();
    assert_eq!(renamed.spec().leans_on().collect::<Vec<_>>(), ["quick"]);
    assert_eq!(delete_group(&mut tx, fast).await.unwrap_err().kind(), ErrorKind::Conflict);

    spec.routing.simple = Some(Simple { group: "quality".into(), max_input_tokens: 1, tools: true });
    assert_eq!(upsert_group(&mut tx, &spec).await.unwrap_err().kind(), ErrorKind::Invalid, "it cannot lean on itself");
}
