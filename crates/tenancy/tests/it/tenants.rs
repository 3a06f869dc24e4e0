use kernel::{ErrorKind, PageRequest, Secret};
use serde_json::json;
use tenancy::organisations::{self, Change};
use tenancy::{Access, Actor, Error, OrganisationStatus, Permission, Role, audit, projects, secrets};
use uuid::Uuid;

use crate::House;

#[tokio::test]
async fn an_organisation_begins_with_its_roles_and_a_project_and_its_name_is_its_own() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let mut tx = house.db.tenant(acme).await.unwrap();
    let page = PageRequest::new(None, None);
    let found = projects::list(&mut tx, &Access::system(acme), &page).await.unwrap();
    assert_eq!(found.items.iter().map(|project| project.name.as_str()).collect::<Vec<_>>(), ["default"]);
    assert_eq!(organisations::own(&mut tx).await.unwrap().name, "acme");
    assert_eq!(organisations::counts(&mut tx).await.unwrap().projects, 1);
    drop(tx);
    let mut tx = house.db.system("test").await.unwrap();
    let twice = organisations::create(&mut tx, &Actor::System, "acme", "Acme").await;
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_suspended_organisation_is_read_and_not_changed_and_the_change_takes_an_epoch() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let owner = house.member(acme, "owner@acme.test", Role::Owner).await;
    let before = db::config_epoch(&house.db).await.unwrap();
    let mut tx = house.db.system("test").await.unwrap();
    let suspend = Change { status: Some(OrganisationStatus::Suspended), ..Change::default() };
    let (suspended, epoch) = organisations::update(&mut tx, &Actor::System, acme, suspend).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((suspended.status, epoch), (OrganisationStatus::Suspended, before + 1));

    let access = house.access(&owner, acme).await;
    assert!(access.can(Permission::AgentsRead, None));
    let mut tx = house.db.tenant(acme).await.unwrap();
    let refused = projects::create(&mut tx, &access, "more").await.unwrap_err();
    assert!(matches!(refused, Error::Suspended) && refused.kind() == ErrorKind::Forbidden);
}

#[tokio::test]
async fn nonsense_is_refused_when_an_organisation_is_changed() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let mut tx = house.db.system("test").await.unwrap();
    for change in [
        Change { weight: Some(0), ..Change::default() },
        Change { weight: Some(101), ..Change::default() },
        Change { max_running: Some(Some(0)), ..Change::default() },
        Change { display_name: Some(" ".into()), ..Change::default() },
    ] {
        let refused = organisations::update(&mut tx, &Actor::System, acme, change).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
    }
    let unknown = organisations::update(&mut tx, &Actor::System, kernel::TenantId::new(), Change::default()).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_text_the_database_cannot_keep_is_the_senders_mistake() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let system = Access::system(acme);
    let mut tx = house.db.tenant(acme).await.unwrap();
    let refused = projects::create(&mut tx, &system, "nul\0").await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
    drop(tx);
    let mut tx = house.db.tenant(acme).await.unwrap();
    let refused = audit::record(&mut tx, &Actor::System, "a", "b", json!({ "text": "nul\0" })).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn every_change_is_written_down_with_who_made_it_and_read_in_pages() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let owner = house.member(acme, "owner@acme.test", Role::Owner).await;
    let access = house.access(&owner, acme).await;
    let mut tx = house.db.tenant(acme).await.unwrap();
    for name in ["one", "two", "three"] {
        projects::create(&mut tx, &access, name).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    let mut tx = house.db.tenant(acme).await.unwrap();
    loop {
        let page = audit::list(&mut tx, &PageRequest::new(after, Some(1))).await.unwrap();
        seen.extend(page.items);
        let Some(next) = page.next else { break };
        after = kernel::Cursor::decode(&next);
    }
    assert_eq!(seen.len(), 4, "the member and three projects: {seen:?}");
    let by_owner = format!("user:{}", owner.user().id);
    let created: Vec<_> = seen.iter().filter(|entry| entry.action == "project.create").collect();
    assert!(created.len() == 3 && created.iter().all(|entry| entry.actor == by_owner));
}

#[tokio::test]
async fn a_secret_opens_in_its_own_row_alone() {
    let house = House::new().await;
    let (acme, other) = (house.organisation("acme").await, house.organisation("other").await);
    let (owner, elsewhere) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = house.db.tenant(acme).await.unwrap();
    secrets::put(&mut tx, &house.sealer, owner, "bot_token", &"xoxb-1".into()).await.unwrap();
    secrets::put(&mut tx, &house.sealer, owner, "bot_token", &"xoxb-2".into()).await.unwrap();
    secrets::put(&mut tx, &house.sealer, elsewhere, "bot_token", &"xoxb-3".into()).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = house.db.tenant(acme).await.unwrap();
    let opened = secrets::get(&mut tx, &house.sealer, owner, "bot_token").await.unwrap();
    assert_eq!(opened.as_ref().map(Secret::expose), Some("xoxb-2"));
    assert_eq!(secrets::names(&mut tx, &[owner]).await.unwrap()[&owner], ["bot_token"]);
    drop(tx);
    let mut foreign = house.db.tenant(other).await.unwrap();
    assert!(secrets::get(&mut foreign, &house.sealer, owner, "bot_token").await.unwrap().is_none());
    drop(foreign);

    house
        .sql(&format!(
            "update secret a set nonce = b.nonce, sealed = b.sealed from secret b
         where a.owner_id = '{owner}' and b.owner_id = '{elsewhere}'"
        ))
        .await;
    let mut tx = house.db.tenant(acme).await.unwrap();
    let moved = secrets::get(&mut tx, &house.sealer, owner, "bot_token").await;
    assert!(matches!(moved, Err(Error::Sealer(_))), "{moved:?}");
    assert!(secrets::delete(&mut tx, owner, "bot_token").await.unwrap());
    secrets::delete_all_of(&mut tx, elsewhere).await.unwrap();
    assert!(secrets::names(&mut tx, &[owner, elsewhere]).await.unwrap().is_empty());
}
