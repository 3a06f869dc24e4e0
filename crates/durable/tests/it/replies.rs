use std::sync::atomic::Ordering;
use std::time::Duration;

use durable::{ReplyState, SendError};
use kernel::{LaneId, PageRequest};
use serde_json::json;

use crate::world::{PATIENCE, Post, World};

#[tokio::test]
async fn the_placeholder_stands_while_the_answer_is_being_made() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let lane = LaneId::new();
    world.say(&engine, lane, "hold").await;
    testkit::eventually(PATIENCE, || async { world.channel.texts(lane) == ["..."] }).await;
    let entry = world.transcript(lane).await.remove(0);
    assert_eq!(entry.reply.unwrap().state, ReplyState::Thinking);
    world.program.released.notify_one();
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), ["re: hold"]);
}

#[tokio::test]
async fn a_placeholder_that_a_dead_process_left_is_used_and_not_doubled() {
    let world = World::new().await;
    let lane = LaneId::new();
    // The post takes effect, its answer is lost, and then the process dies before it can look.
    world.channel.faults.lock().push(SendError::Ambiguous { reason: "cut".into() });
    let doomed = world.doomed();
    world.say(&doomed.engine, lane, "hold").await;
    testkit::eventually(PATIENCE, || async { !world.channel.texts(lane).is_empty() }).await;
    doomed.kill();
    let _next = world.engine(true).await;
    testkit::eventually(PATIENCE, || async { world.program.held.load(Ordering::SeqCst) >= 1 }).await;
    testkit::eventually(PATIENCE, || async {
        world.program.released.notify_one();
        world.channel.texts(lane) == ["re: hold"]
    })
    .await;
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), ["re: hold"]);
}

#[tokio::test]
async fn what_a_dead_process_posted_after_the_answer_is_looked_for_and_taken_away() {
    let world = World::new().await;
    let lane = LaneId::new();
    // It dies while it has the reply in hand.
    world.channel.faults.lock().push(SendError::Ambiguous { reason: "cut".into() });
    let doomed = world.doomed();
    world.say(&doomed.engine, lane, "quick").await;
    testkit::eventually(PATIENCE, || async { !world.channel.texts(lane).is_empty() }).await;
    doomed.kill();
    let _next = world.engine(true).await;
    let message = world.settled(lane).await[0].message;
    let late = Post { id: "late".into(), thread: json!(lane), message, text: "...".into() };
    world.channel.posts.lock().insert(0, late);
    assert_eq!(make_due(&world).await, 1, "another look is planned");
    testkit::eventually(PATIENCE, || async { world.channel.texts(lane) == ["re: quick"] }).await;
    assert_eq!(world.settled(lane).await[0].reply.as_ref().unwrap().state, ReplyState::Confirmed);
}

#[tokio::test]
async fn a_limit_on_the_channel_is_waited_for_and_the_order_kept() {
    let world = World::new().await;
    let limit = || SendError::Retry { reason: "ratelimited".into(), after: Some(Duration::from_millis(5)) };
    world.channel.faults.lock().extend((0..10).map(|_| limit()));
    let engine = world.engine(false).await;
    let lane = LaneId::new();
    for n in 0..5 {
        world.say(&engine, lane, &n.to_string()).await;
    }
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), ["re: 0", "re: 1", "re: 2", "re: 3", "re: 4"]);
}

#[tokio::test]
async fn an_answer_that_cannot_be_delivered_is_a_dead_letter_and_can_be_sent_again() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let lane = LaneId::new();
    world.say(&engine, lane, "hold").await;
    testkit::eventually(PATIENCE, || async { world.channel.texts(lane) == ["..."] }).await;
    world.channel.faults.lock().push(SendError::Permanent { reason: "is_archived".into(), revoked: false });
    world.program.released.notify_one();
    let entry = world.settled(lane).await.remove(0);
    assert_eq!(entry.reply.unwrap().state, ReplyState::Failed);
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    let page = durable::list_dead_letters(&mut tx, world.project, &PageRequest::new(None, None)).await.unwrap();
    assert_eq!(page.items[0].reason, "is_archived");
    assert!(durable::replay_dead_letter(&engine, &mut tx, page.items[0].id).await.unwrap());
    tx.commit().await.unwrap();
    testkit::eventually(PATIENCE, || async { world.channel.texts(lane) == ["re: hold"] }).await;
}

#[tokio::test]
async fn a_channel_that_never_recovers_ends_in_a_dead_letter_however_often_the_reply_is_let_go() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let lane = LaneId::new();
    let limited = || SendError::Retry { reason: "limited".into(), after: Some(Duration::from_secs(60)) };
    world.channel.faults.lock().extend(std::iter::repeat_with(limited).take(100));
    world.say(&engine, lane, "quick").await;
    testkit::eventually(PATIENCE, || async {
        make_due(&world).await;
        let entries = world.transcript(lane).await;
        entries.first().and_then(|entry| entry.reply.as_ref()).is_some_and(|reply| reply.state == ReplyState::Failed)
    })
    .await;
    assert!(world.channel.faults.lock().len() > 50, "patience is bounded over all attempts");
}

/// Lets every planned attempt happen now; returns how many were planned.
async fn make_due(world: &World) -> u64 {
    let mut tx = world.db.system("test").await.unwrap();
    let due = sqlx::query("update outbox set next_at = now() where tenant_id = $1 and next_at > now()")
        .bind(world.tenant.as_uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    due.rows_affected()
}

#[tokio::test]
async fn a_reply_taken_over_from_a_dead_process_goes_up_before_a_later_one_of_its_lane() {
    let world = World::new().await;
    let lane = LaneId::new();
    let limit = SendError::Retry { reason: "ratelimited".into(), after: Some(Duration::from_secs(9)) };
    world.channel.faults.lock().push(limit);
    let doomed = world.doomed();
    world.say(&doomed.engine, lane, "first").await;
    testkit::eventually(PATIENCE, || async { world.channel.calls.lock().len() == 1 }).await;
    doomed.kill();
    let next = world.engine(true).await;
    world.say(&next, lane, "second").await;
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), ["re: first", "re: second"]);
}
