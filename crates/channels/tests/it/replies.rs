use channels::ConnectionState;
use durable::ReplyState;
use testkit::slack::{Fault, Said};

use crate::world::{PATIENCE, TOKEN, World};

async fn ask(world: &World, text: &str) -> Said {
    let said = world.workspace.mention("C1", "U1", text);
    world.slack.hear(&said);
    world.deliver(&world.workspace.mention_event(&said)).await.unwrap();
    said
}

#[tokio::test]
async fn whatever_befalls_a_call_there_is_one_answer_and_no_placeholder() {
    let world = World::connected().await;
    for fault in [
        Fault::RateLimited { retry_after: 1 },
        Fault::Refuse("service_unavailable".into()),
        Fault::Refuse("internal_error".into()),
        Fault::Status(500),
        Fault::Html,
        Fault::DropReply,
    ] {
        for method in ["chat.postMessage", "chat.update"] {
            world.slack.fail_next(method, fault.clone());
            let said = ask(&world, &format!("{method} {}", "a".repeat(3))).await;
            let answers = world.answers(&said, 1).await;
            assert!(answers[0].text.starts_with("echo"), "{method} {fault:?}");
        }
    }
    world.quiet().await;
    assert!(world.slack.messages().iter().all(|message| !message.text.contains("thinking")));
}

#[tokio::test]
async fn a_placeholder_that_cannot_be_changed_any_more_is_replaced_by_a_post() {
    let world = World::connected().await;
    for code in ["message_not_found", "cant_update_message", "edit_window_closed"] {
        world.slack.fail_next("chat.update", Fault::Refuse(code.into()));
        let said = ask(&world, code).await;
        testkit::eventually(PATIENCE, || async {
            let replies = world.slack.replies("C1", &said.ts);
            replies.iter().any(|reply| reply.text.starts_with("echo"))
        })
        .await;
    }
}

#[tokio::test]
async fn a_long_answer_comes_in_parts_in_order() {
    let world = World::connected().await;
    let said = ask(&world, "long").await;
    let answers = world.answers(&said, 3).await;
    assert!(answers.iter().all(|answer| answer.text.chars().count() <= 3_900));
    let whole: Vec<String> = answers.iter().map(|answer| answer.text.clone()).collect();
    let lines: Vec<String> = whole.join("\n").lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    assert_eq!(lines.len(), 200);
    assert!(lines.iter().enumerate().all(|(n, line)| line.starts_with(&format!("line {n} "))));
}

#[tokio::test]
async fn silence_takes_the_placeholder_away() {
    let world = World::connected().await;
    let said = ask(&world, "nothing").await;
    world.quiet().await;
    testkit::eventually(PATIENCE, || async { world.slack.replies("C1", &said.ts).is_empty() }).await;
}

#[tokio::test]
async fn a_revoked_token_is_told_in_words_and_a_new_answer_clears_it() {
    let world = World::new().await;
    let connection = world.connect("acme-slack", world.acme.mara).await;
    let state = async || {
        let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
        channels::connection::find(&mut tx, connection.id).await.unwrap().unwrap()
    };
    world.slack.revoke(TOKEN);
    let said = ask(&world, "hello").await;
    let stored = world.stored().await.remove(0);
    testkit::eventually(PATIENCE, || async {
        let entries = world.transcript(stored.conversation).await;
        entries[0].reply.as_ref().is_some_and(|reply| reply.state == ReplyState::Failed)
    })
    .await;
    testkit::eventually(PATIENCE, || async { state().await.state() == ConnectionState::Problem }).await;
    assert!(state().await.problem.unwrap().contains("install the app to the workspace again"));
    let checks = world.channels.check_connection(world.acme.tenant.into(), connection.id).await.unwrap();
    assert!(checks.iter().any(|check| check.name == "bot_token" && !check.ok && check.detail.contains("taken back")));
    assert!(world.slack.replies("C1", &said.ts).is_empty());

    world.slack.restore(TOKEN);
    let said = ask(&world, "again").await;
    world.answers(&said, 1).await;
    testkit::eventually(PATIENCE, || async { state().await.problem.is_none() }).await;
}

#[tokio::test]
async fn a_token_that_may_not_choose_its_name_posts_under_its_own() {
    let world = World::connected().await;
    world.slack.fail_next("chat.postMessage", Fault::Refuse("missing_scope".into()));
    let said = ask(&world, "hello").await;
    assert_eq!(world.answers(&said, 1).await[0].username, None);
    let before = world.slack.calls("chat.postMessage").len();
    let said = ask(&world, "again").await;
    assert_eq!(world.answers(&said, 1).await[0].username, None, "the name is not tried again");
    assert_eq!(world.slack.calls("chat.postMessage").len(), before + 1);
}

#[tokio::test]
async fn a_length_that_slack_refuses_is_cut_and_says_so() {
    let world = World::connected().await;
    world.slack.fail_next("chat.update", Fault::Refuse("msg_too_long".into()));
    let said = ask(&world, &"word ".repeat(600)).await;
    assert!(world.answers(&said, 1).await[0].text.ends_with("_(cut short: Slack refused the length)_"));
}

#[tokio::test]
async fn a_connection_is_checked_for_real() {
    let world = World::new().await;
    let connection = world.connect("acme-slack", world.acme.mara).await;
    let check = async || world.channels.check_connection(world.acme.tenant.into(), connection.id).await.unwrap();
    let ok = |checks: &[channels::Check]| checks.iter().map(|check| (check.name, check.ok)).collect::<Vec<_>>();
    assert_eq!(ok(&check().await), [("bot_token", true), ("workspace", true), ("names", true), ("events", false)]);
    world.slack.register(TOKEN, testkit::slack::Bot { team: "T7".into(), user: "U7".into(), ..Default::default() });
    let checks = check().await;
    let wrong = [("bot_token", true), ("workspace", false), ("bot_user", false), ("names", true), ("events", false)];
    assert_eq!(ok(&checks), wrong);
    assert!(checks[1].detail.contains("T7"));
    world.slack.fail_next("users.info", Fault::Refuse("missing_scope".into()));
    let checks = check().await;
    let names = checks.iter().find(|check| check.name == "names").unwrap();
    assert!(!names.ok && names.detail.contains("users:read"), "{}", names.detail);
}
