use std::collections::BTreeMap;

use channels::{Author, ChannelKind, ConnectionChange, ConnectionFilter, NewConnection, connection};
use kernel::{ErrorKind, PageRequest, Secret};
use serde_json::json;

use crate::world::{World, organisation, secrets};

/// As a member may write it.
fn public(mut new: NewConnection) -> NewConnection {
    new.settings["base_url"] = "https://slack.example.com/api/".into();
    new
}

#[tokio::test]
async fn a_workspace_proven_by_one_secret_belongs_to_one_organisation() {
    let world = World::connected().await;
    let rival = organisation(&world.db, "rival").await;
    let stolen = world.slack_connection(&rival, "stolen", rival.mara);
    let refused = world.try_connect(&rival, stolen.clone(), Author::Operator).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let mut hidden = stolen;
    hidden.settings["app_id"] = "A7777".into();
    let refused = world.try_connect(&rival, hidden, Author::Operator).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "another app id is no way around it");

    let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
    let acme = connection::find_by_name(&mut tx, "acme-slack").await.unwrap().unwrap();
    world.channels.delete_connection(&mut tx, acme.id).await.unwrap();
    tx.commit().await.unwrap();
    let moved = world.slack_connection(&rival, "moved", rival.mara);
    world.try_connect(&rival, moved, Author::Operator).await.expect("the claim went with the connection");
}

#[tokio::test]
async fn only_the_operator_connects_a_shared_app_and_points_into_private_networks() {
    let world = World::new().await;
    let shared: BTreeMap<String, Secret> = secrets(&[("signing_secret", "shared")]);
    let mut tx = world.db.system("test").await.unwrap();
    channels::channel_app::put(&mut tx, &world.sealer, (ChannelKind::Slack, "A0001"), &shared).await.unwrap();
    tx.commit().await.unwrap();
    let mut new = world.slack_connection(&world.acme, "shared", world.acme.mara);
    new.secrets.remove("signing_secret");
    let refused = world.try_connect(&world.acme, new.clone(), Author::Member).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "the address is private");
    let refused = world.try_connect(&world.acme, public(new.clone()), Author::Member).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    let made = world.try_connect(&world.acme, new.clone(), Author::Operator).await.unwrap();
    assert!(made.private_allowed);
    assert_eq!(made.app_id, "A0001");

    let said = world.workspace.mention("C1", "U1", "hello");
    let event = world.workspace.mention_event(&said).to_string();
    let signer = testkit::slack::Signer::new("shared");
    world.deliver_signed(&signer, event.as_bytes()).await.unwrap();
    world.answers(&said, 1).await;

    let change = async |settings, by| {
        let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
        let secrets = [("bot_token".to_owned(), Some("xoxb-shared".into()))].into();
        let change = ConnectionChange { settings: Some(settings), secrets, ..ConnectionChange::default() };
        let changed = world.channels.update_connection(&mut tx, made.id, change, by).await;
        tx.commit().await.unwrap();
        changed.map(|changed| changed.private_allowed)
    };
    let mut settings = made.settings.clone();
    settings["engaged_minutes"] = 5.into();
    assert!(change(settings.clone(), Author::Member).await.unwrap(), "the address is still the operator's");
    settings["base_url"] = "http://10.0.0.1/api/".into();
    let refused = change(settings.clone(), Author::Member).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "an address of the member's own is not");
    settings["base_url"] = "https://slack.example/api/".into();
    assert!(!change(settings, Author::Member).await.unwrap());

    let rival = organisation(&world.db, "rival").await;
    new.project = rival.project;
    new.agent = rival.mara;
    let refused = world.try_connect(&rival, new, Author::Operator).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "one workspace of a shared app is one organisation's");
}

#[tokio::test]
async fn what_cannot_be_a_connection_is_refused_with_a_reason() {
    let world = World::connected().await;
    let whole = || public(world.slack_connection(&world.acme, "second", world.acme.mara));
    let rival = organisation(&world.db, "rival").await;
    let cases: Vec<(NewConnection, ErrorKind, &str)> = vec![
        (NewConnection { name: "acme-slack".into(), ..whole() }, ErrorKind::Conflict, "name already"),
        (NewConnection { name: " ".into(), ..whole() }, ErrorKind::Invalid, "name"),
        (NewConnection { external_id: String::new(), ..whole() }, ErrorKind::Invalid, "external_id"),
        (NewConnection { agent: rival.mara, ..whole() }, ErrorKind::Invalid, "no such agent"),
        (NewConnection { settings: json!({"colour": "red"}), ..whole() }, ErrorKind::Invalid, "colour"),
        (NewConnection { secrets: BTreeMap::new(), ..whole() }, ErrorKind::Invalid, "signing_secret"),
        (NewConnection { secrets: secrets(&[("password", "x")]), ..whole() }, ErrorKind::Invalid, "password"),
        (NewConnection { secrets: secrets(&[("signing_secret", "")]), ..whole() }, ErrorKind::Invalid, "empty"),
    ];
    for (new, kind, word) in cases {
        let refused = world.try_connect(&world.acme, new, Author::Member).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{refused}");
        assert!(refused.to_string().contains(word), "{refused} should speak of {word}");
    }
}

#[tokio::test]
async fn connections_are_listed_changed_and_removed() {
    let world = World::connected().await;
    world.connect("acme-alex", world.acme.alex).await;
    let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
    let page = PageRequest::new(None, Some(1));
    let filter = ConnectionFilter::default();
    let first = connection::list(&mut tx, world.acme.project, filter, &page).await.unwrap();
    assert_eq!(first.items[0].name, "acme-alex");
    assert_eq!(first.items[0].secrets, ["bot_token", "signing_secret"]);
    let after = first.next.as_deref().and_then(kernel::Cursor::decode);
    let page = PageRequest::new(after, Some(1));
    let second = connection::list(&mut tx, world.acme.project, filter, &page).await.unwrap();
    assert_eq!((second.items[0].name.as_str(), second.next), ("acme-slack", None));
    let of_alex = ConnectionFilter { agent: Some(world.acme.alex), ..filter };
    let page = PageRequest::new(None, None);
    assert_eq!(connection::list(&mut tx, world.acme.project, of_alex, &page).await.unwrap().items.len(), 1);

    let change = ConnectionChange {
        name: Some("renamed".into()),
        enabled: Some(false),
        secrets: [("signing_secret".to_owned(), Some(Secret::new("rotated")))].into(),
        ..ConnectionChange::default()
    };
    let id = second.items[0].id;
    let changed = world.channels.update_connection(&mut tx, id, change, Author::Member).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.enabled), ("renamed", false));
    world.channels.delete_connection(&mut tx, id).await.unwrap();
    assert_eq!(connection::find(&mut tx, id).await.unwrap(), None);
    let again = world.channels.delete_connection(&mut tx, id).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_changed_secret_is_in_force_with_the_next_delivery() {
    let world = World::new().await;
    let made = world.connect("acme-slack", world.acme.mara).await;
    let event = |text| world.workspace.mention_event(&world.workspace.mention("C1", "U1", text));
    world.deliver(&event("one")).await.unwrap();
    let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
    let change = ConnectionChange {
        secrets: [("signing_secret".to_owned(), Some(Secret::new("rotated")))].into(),
        ..ConnectionChange::default()
    };
    world.channels.update_connection(&mut tx, made.id, change, Author::Member).await.unwrap();
    tx.commit().await.unwrap();
    world.in_force().await;
    assert_eq!(world.deliver(&event("two")).await, Err(ErrorKind::Unauthenticated));
    let signer = testkit::slack::Signer::new("rotated");
    world.deliver_signed(&signer, event("three").to_string().as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_stored_token_goes_to_no_address_but_the_one_it_was_given_for() {
    let world = World::new().await;
    let new = public(world.slack_connection(&world.acme, "second", world.acme.mara));
    let made = world.try_connect(&world.acme, new, Author::Member).await.unwrap();
    let mut settings = made.settings.clone();
    settings["base_url"] = "https://elsewhere.example/api/".into();
    let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
    let change = ConnectionChange { settings: Some(settings), ..ConnectionChange::default() };
    let refused = world.channels.update_connection(&mut tx, made.id, change, Author::Member).await;
    assert!(refused.unwrap_err().to_string().contains("bot_token"));
}
