use channels::amendment;
use channels::ingress::SlackAnswer;
use kernel::{Clock, ErrorKind, Secret};
use serde_json::json;
use testkit::slack::{Signer, url_verification};

use crate::world::{PATIENCE, SECRET, World, organisation, secrets};

#[tokio::test]
async fn a_mention_is_answered_in_its_thread_under_the_agents_name() {
    let world = World::connected().await;
    let said = world.workspace.mention("C1", "U1", "hello &amp; welcome");
    assert_eq!(world.deliver(&world.workspace.mention_event(&said)).await, Ok(SlackAnswer::Ok));
    let answers = world.answers(&said, 1).await;
    assert_eq!(answers[0].text, "echo: hello &amp; welcome", "decoded for the agent, escaped for Slack");
    assert_eq!(answers[0].username.as_deref(), Some("Mara"));
    assert_eq!(answers[0].updates, 1, "the placeholder became the answer");
    let stored = world.stored().await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].content.text, "hello & welcome");
    assert_eq!(stored[0].metadata.provider_id.as_deref(), Some(said.ts.as_str()));
}

#[tokio::test]
async fn both_events_of_a_text_and_all_their_retries_bring_one_answer_in_either_order() {
    let world = World::connected().await;
    for message_first in [true, false] {
        let said = world.workspace.mention("C1", "U1", "hello");
        let mut events = [world.workspace.message_event(&said), world.workspace.mention_event(&said)];
        if !message_first {
            events.reverse();
        }
        for event in events.iter().chain(&events).chain(&events) {
            assert_eq!(world.deliver(event).await, Ok(SlackAnswer::Ok));
        }
        world.answers(&said, 1).await;
    }
    let said = world.workspace.mention("C2", "U1", "at once");
    let (message, mention) = (world.workspace.message_event(&said), world.workspace.mention_event(&said));
    let all = (0..20).map(|n| world.deliver(if n % 2 == 0 { &message } else { &mention }));
    assert!(futures::future::join_all(all).await.iter().all(Result::is_ok));
    world.quiet().await;
    assert_eq!(world.answers(&said, 1).await.len(), 1);
    assert_eq!(world.stored().await.len(), 3);
}

#[tokio::test]
async fn a_direct_message_is_answered_without_a_mention_and_is_one_conversation() {
    let world = World::connected().await;
    let first = world.workspace.direct("D1", "U1", "hello");
    let second = world.workspace.direct("D1", "U1", "and again");
    for said in [&first, &second] {
        world.deliver(&world.workspace.message_event(said)).await.unwrap();
        world.answers(said, 1).await;
    }
    let stored = world.stored().await;
    assert_eq!(stored[0].conversation, stored[1].conversation);
    assert!(stored[0].context.direct);
}

#[tokio::test]
async fn a_thread_is_followed_once_engaged_and_nothing_else_is_stored() {
    let world = World::connected().await;
    let chatter = world.workspace.say("C1", "U1", "good morning");
    world.deliver(&world.workspace.message_event(&chatter)).await.unwrap();
    let aside = world.workspace.reply(&chatter, "U2", "indeed");
    world.deliver(&world.workspace.message_event(&aside)).await.unwrap();
    assert!(world.stored().await.is_empty(), "nobody spoke to an employee");

    let root = world.workspace.mention("C1", "U1", "hello");
    world.deliver(&world.workspace.mention_event(&root)).await.unwrap();
    let follow_up = world.workspace.reply(&root, "U2", "and then?");
    world.deliver(&world.workspace.message_event(&follow_up)).await.unwrap();
    let answers = world.answers(&root, 2).await;
    assert_eq!(answers[1].text, "echo: and then?");

    let mut tx = world.db.system("test").await.unwrap();
    sqlx::query("update lane set touched_at = now() - interval '31 minutes'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let late = world.workspace.reply(&root, "U2", "anybody there?");
    world.deliver(&world.workspace.message_event(&late)).await.unwrap();
    assert_eq!(world.stored().await.len(), 2, "after half an hour the thread is people's again");
}

#[tokio::test]
async fn several_employees_share_a_workspace_and_answer_to_their_names() {
    let world = World::connected().await;
    world.connect("acme-alex", world.acme.alex).await;
    let by_name = world.workspace.say("C1", "U1", "Alex, hello");
    let shared = world.workspace.mention("C1", "U1", "hello");
    let named = world.workspace.mention("C1", "U1", "Alex: hello");
    for (said, event, name) in [
        (&by_name, world.workspace.message_event(&by_name), "Alex"),
        (&shared, world.workspace.mention_event(&shared), "Mara"),
        (&named, world.workspace.mention_event(&named), "Alex"),
    ] {
        world.deliver(&event).await.unwrap();
        assert_eq!(world.answers(said, 1).await[0].username.as_deref(), Some(name), "{}", said.text);
    }
    let more = world.workspace.reply(&by_name, "U1", &format!("<@{}> and more?", world.workspace.bot_user));
    world.deliver(&world.workspace.mention_event(&more)).await.unwrap();
    let answers = world.answers(&by_name, 2).await;
    assert_eq!(answers[1].username.as_deref(), Some("Alex"), "who is engaged goes on");
}

#[tokio::test]
async fn what_bots_say_and_our_own_echoes_are_ignored() {
    let world = World::connected().await;
    let said = world.workspace.direct("D1", "U1", "hello");
    for change in [
        json!({"user": "U0BOT"}),
        json!({"bot_id": "B9", "user": "U9"}),
        json!({"subtype": "bot_message", "bot_id": "B9"}),
    ] {
        let mut event = world.workspace.message_event(&said);
        event["event"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(world.deliver(&event).await, Ok(SlackAnswer::Ok));
    }
    for event in [
        json!({"type": "reaction_added", "user": "U1", "item": {"type": "message"}}),
        json!({"type": "user_change", "user": {"id": "U1"}}),
    ] {
        assert_eq!(world.deliver(&world.workspace.envelope(event)).await, Ok(SlackAnswer::Ok));
    }
    assert!(world.stored().await.is_empty());
}

#[tokio::test]
async fn edits_and_deletions_amend_what_is_in_the_transcript() {
    let world = World::connected().await;
    let said = world.workspace.mention("C1", "U1", "helo");
    world.deliver(&world.workspace.mention_event(&said)).await.unwrap();
    world.answers(&said, 1).await;
    let message = world.stored().await.remove(0);
    let amendments = async || {
        let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
        amendment::of(&mut tx, message.conversation).await.unwrap()
    };
    let edited = world.workspace.edited_event(&said, "<@U0BOT> hello");
    let deleted = world.workspace.deleted_event(&said);
    world.deliver(&edited).await.unwrap();
    assert_eq!(amendments().await[&message.id].text.as_deref(), Some("hello"));
    world.deliver(&deleted).await.unwrap();
    assert_eq!(amendments().await[&message.id].text, None);
    world.deliver(&edited).await.unwrap();
    assert_eq!(amendments().await[&message.id].text, None, "an older edit that comes late changes nothing");
    let unknown = world.workspace.say("C1", "U1", "never told us");
    world.deliver(&world.workspace.edited_event(&unknown, "x")).await.unwrap();
    assert_eq!(amendments().await.len(), 1);
    assert_eq!(world.stored().await.len(), 1, "an amendment is no message");
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_and_nothing_of_it_is_stored() {
    let world = World::connected().await;
    let signer = Signer::new(SECRET);
    let event = world.workspace.mention_event(&world.workspace.mention("C1", "U1", "hello"));
    let body = event.to_string();
    let deep = format!(r#"{{"type":"event_callback","team_id":"T0001","event":{}"#, "[".repeat(100_000));
    for garbage in ["", "{", "null", "[]", "\u{0}", "payload=%7B%7D", "{}", &deep] {
        assert_eq!(world.deliver_signed(&signer, garbage.as_bytes()).await, Err(ErrorKind::Invalid), "{garbage:.40}");
    }
    let closed = format!(
        r#"{{"type":"event_callback","team_id":"T0001","api_app_id":"A0001","event_id":"E","event_time":{},"event":{{"type":"x","deep":{}{}}}}}"#,
        Clock::system().now().timestamp(),
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let answered = world.deliver_signed(&signer, closed.as_bytes()).await;
    assert!(matches!(answered, Ok(SlackAnswer::Ok) | Err(ErrorKind::Invalid)), "{answered:?}");

    let other = Signer::new("another secret");
    assert_eq!(world.deliver_signed(&other, body.as_bytes()).await, Err(ErrorKind::Unauthenticated));
    let now = Clock::system().now().timestamp();
    for offset in [-301 - 60, 301 + 60] {
        let then = now + offset;
        let answer = world.deliver_as(&signer.sign(then, body.as_bytes()), then, body.as_bytes()).await;
        assert_eq!(answer, Err(ErrorKind::Unauthenticated), "{offset}");
    }
    let tampered = body.replace("hello", "hallo");
    let answer = world.deliver_as(&signer.sign(now, body.as_bytes()), now, tampered.as_bytes()).await;
    assert_eq!(answer, Err(ErrorKind::Unauthenticated));

    let mut unknown = event.clone();
    (unknown["team_id"], unknown["authorizations"]) = ("T9999".into(), json!([]));
    assert_eq!(world.deliver(&unknown).await, Err(ErrorKind::NotFound));
    let mut other_app = event.clone();
    other_app["api_app_id"] = "A9999".into();
    assert_eq!(world.deliver(&other_app).await, Err(ErrorKind::NotFound));
    for days in [-9, 2] {
        let mut old = event.clone();
        old["event_time"] = (now + days * 86_400).into();
        assert_eq!(world.deliver(&old).await, Err(ErrorKind::Invalid), "{days} days");
    }
    assert!(world.stored().await.is_empty());
    assert_eq!(world.deliver(&event).await, Ok(SlackAnswer::Ok), "the same event, as it should be");
}

#[tokio::test]
async fn another_organisations_secret_opens_its_own_workspace_alone() {
    let world = World::connected().await;
    let rival = organisation(&world.db, "rival").await;
    let mut squatter = world.slack_connection(&rival, "squatter", rival.mara);
    squatter.secrets = secrets(&[("signing_secret", "the rival's"), ("bot_token", "xoxb-rival")]);
    world.try_connect(&rival, squatter, channels::Author::Operator).await.unwrap();
    let said = world.workspace.mention("C1", "U1", "hello");
    let event = world.workspace.mention_event(&said).to_string();
    world.deliver_signed(&Signer::new("the rival's"), event.as_bytes()).await.unwrap();
    assert!(world.stored().await.is_empty(), "what the rival signs is the rival's own affair");
    world.deliver(&world.workspace.mention_event(&said)).await.unwrap();
    world.answers(&said, 2).await;
    assert_eq!(world.stored().await.len(), 1);
    let mut theirs = world.workspace.mention_event(&said);
    (theirs["team_id"], theirs["authorizations"]) = ("T0002".into(), json!([]));
    let answer = world.deliver_signed(&Signer::new(SECRET), theirs.to_string().as_bytes()).await;
    assert_eq!(answer, Err(ErrorKind::NotFound));
}

#[tokio::test]
async fn the_handshake_is_answered_where_one_of_our_secrets_signed_it() {
    let world = World::connected().await;
    let handshake = url_verification("3eZbrw1a");
    assert_eq!(world.deliver(&handshake).await, Ok(SlackAnswer::Challenge("3eZbrw1a".into())));
    let other = world.deliver_signed(&Signer::new("another"), handshake.to_string().as_bytes()).await;
    assert_eq!(other, Err(ErrorKind::Unauthenticated));
    let shared = [("signing_secret".to_owned(), Secret::new("shared"))].into();
    let mut tx = world.db.system("test").await.unwrap();
    let app = (channels::ChannelKind::Slack, "A0002");
    channels::channel_app::put(&mut tx, &world.sealer, app, &shared).await.unwrap();
    tx.commit().await.unwrap();
    world.in_force().await;
    let shared = world.deliver_signed(&Signer::new("shared"), handshake.to_string().as_bytes()).await;
    assert_eq!(shared, Ok(SlackAnswer::Challenge("3eZbrw1a".into())));
    let long = world.deliver(&url_verification(&"x".repeat(1024))).await;
    assert_eq!(long, Err(ErrorKind::Invalid), "every secret is tried on it: it must be short");
}

#[tokio::test]
async fn a_suspended_organisation_and_a_disabled_connection_take_nothing() {
    let world = World::connected().await;
    let event = world.workspace.mention_event(&world.workspace.mention("C1", "U1", "hello"));
    let set = async |statement: &'static str| {
        let mut tx = world.db.system("test").await.unwrap();
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
        db::bump_config_epoch(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        world.in_force().await;
    };
    set("update organisation set status = 'suspended'").await;
    assert_eq!(world.deliver(&event).await, Err(ErrorKind::Forbidden));
    set("update organisation set status = 'active'").await;
    assert_eq!(world.deliver(&event).await, Ok(SlackAnswer::Ok));
}

#[tokio::test]
async fn a_connection_tells_when_it_was_last_heard_and_that_the_app_was_removed() {
    let world = World::new().await;
    let connection = world.connect("acme-slack", world.acme.mara).await;
    let state = async || {
        let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
        channels::connection::find(&mut tx, connection.id).await.unwrap().unwrap()
    };
    assert_eq!(state().await.state(), channels::ConnectionState::Waiting);
    let chatter = world.workspace.say("C1", "U1", "good morning");
    world.deliver(&world.workspace.message_event(&chatter)).await.unwrap();
    testkit::eventually(PATIENCE, || async { state().await.state() == channels::ConnectionState::Ok }).await;
    world.deliver(&world.workspace.envelope(json!({"type": "app_uninstalled"}))).await.unwrap();
    testkit::eventually(PATIENCE, || async { state().await.state() == channels::ConnectionState::Problem }).await;
    assert!(state().await.problem.unwrap().contains("install it again"));
}

#[tokio::test]
async fn a_wrong_signing_secret_is_hinted_at_until_a_delivery_verifies() {
    let world = World::new().await;
    let connection = world.connect("acme-slack", world.acme.mara).await;
    let mut other_app = world.slack_connection(&world.acme, "another-app", world.acme.alex);
    other_app.settings["app_id"] = "A7777".into();
    let other_app = world.try_connect(&world.acme, other_app, channels::Author::Operator).await.unwrap();
    let find = async |id| {
        let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
        channels::connection::find(&mut tx, id).await.unwrap().unwrap()
    };
    let chatter = || world.workspace.message_event(&world.workspace.say("C1", "U1", "good morning")).to_string();
    let garbage = || async {
        for _ in 0..5 {
            let answer = world.deliver_signed(&Signer::new("mistyped"), chatter().as_bytes()).await;
            assert_eq!(answer, Err(ErrorKind::Unauthenticated));
        }
    };
    garbage().await;
    testkit::eventually(PATIENCE, || async { find(connection.id).await.hint().is_some() }).await;
    let hinted = find(connection.id).await;
    let hint = hinted.hint().unwrap();
    assert!(hint.contains("signing secret") && hint.contains("pretends to be Slack"), "{hint}");
    assert_eq!(hinted.state(), channels::ConnectionState::Waiting, "a hint, and nothing more");
    assert!(hinted.enabled);

    world.deliver_signed(&Signer::new(SECRET), chatter().as_bytes()).await.unwrap();
    testkit::eventually(PATIENCE, || async { find(connection.id).await.state() == channels::ConnectionState::Ok })
        .await;
    assert_eq!(find(connection.id).await.hint(), None);
    assert_eq!(find(other_app.id).await.misfit_at, None, "the deliveries named another app than it does");
}
