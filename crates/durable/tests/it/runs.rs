use std::collections::HashMap;
use std::sync::atomic::Ordering;

use durable::{DeadLetter, ReplyState, RunStatus};
use kernel::{LaneId, PageRequest};

use crate::world::{PATIENCE, World, organisation};

#[tokio::test]
async fn a_lane_s_messages_are_run_one_at_a_time_and_in_order_over_two_nodes() {
    let world = World::new().await;
    let (one, two) = (world.engine(false).await, world.engine(false).await);
    let lanes: Vec<LaneId> = (0..10).map(|_| LaneId::new()).collect();
    for n in 0..20 {
        for lane in &lanes {
            world.say(if n % 2 == 0 { &one } else { &two }, *lane, &n.to_string()).await;
        }
    }
    for lane in &lanes {
        world.settled(*lane).await;
        assert_eq!(world.channel.texts(*lane), (0..20).map(|n| format!("re: {n}")).collect::<Vec<_>>());
    }
    let log = world.program.log.lock().clone();
    for lane in lanes {
        let of_lane: Vec<_> =
            log.iter().filter(|(other, ..)| *other == lane).map(|(_, seq, what)| (*seq, *what)).collect();
        let in_order: Vec<_> = (1..=20).flat_map(|seq| [(seq, "begin"), (seq, "end")]).collect();
        assert_eq!(of_lane, in_order);
    }
}

#[tokio::test]
async fn a_run_whose_process_dies_goes_on_from_its_journal() {
    let world = World::new().await;
    let lane = LaneId::new();
    let doomed = world.doomed();
    world.say(&doomed.engine, lane, "hold").await;
    testkit::eventually(PATIENCE, || async { world.program.held.load(Ordering::SeqCst) == 1 }).await;
    doomed.kill();
    let _next = world.engine(true).await;
    testkit::eventually(PATIENCE, || async { world.program.held.load(Ordering::SeqCst) == 2 }).await;
    world.program.released.notify_one();
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), ["re: hold"]);
    assert_eq!(world.program.effects_of("first hold"), 1, "the recorded step was not done again");
}

#[tokio::test]
async fn an_effect_that_must_not_be_repeated_is_not_even_after_a_crash_in_its_middle() {
    let world = World::new().await;
    let lane = LaneId::new();
    let doomed = world.doomed();
    world.say(&doomed.engine, lane, "once").await;
    testkit::eventually(PATIENCE, || async { world.program.held.load(Ordering::SeqCst) == 1 }).await;
    doomed.kill();
    let _next = world.engine(true).await;
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), ["not sure"]);
    assert_eq!(world.program.effects_of("pay"), 1);
}

#[tokio::test]
async fn a_run_that_fails_is_taken_up_again_and_the_next_message_waits_for_it() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let lane = LaneId::new();
    world.say(&engine, lane, "retry:2").await;
    world.say(&engine, lane, "after").await;
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), ["re: retry:2", "re: after"]);
}

#[tokio::test]
async fn poison_ends_in_an_honest_notice_and_a_dead_letter_and_holds_nobody_up() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    for poison in ["panic", "fatal", "retry:99"] {
        let lane = LaneId::new();
        world.say(&engine, lane, poison).await;
        world.say(&engine, lane, "after").await;
        let entries = world.settled(lane).await;
        assert_eq!(world.channel.texts(lane), ["sorry", "re: after"], "{poison}");
        let mut tx = world.db.tenant(world.tenant).await.unwrap();
        let run = entries[0].reply.as_ref().unwrap().run.unwrap();
        let run = durable::find_run(&mut tx, run).await.unwrap().unwrap();
        assert_eq!(run.status, RunStatus::Failed);
        assert!(run.error.is_some());
        let letters = dead_letters(&world).await;
        assert_eq!(letters[0].lane, lane);
    }
}

#[tokio::test]
async fn a_dead_letter_is_replayed_once_however_often_it_is_asked_for() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let lane = LaneId::new();
    world.say(&engine, lane, "fatal").await;
    world.settled(lane).await;
    let letter = dead_letters(&world).await.remove(0);
    let mut replays = Vec::new();
    for _ in 0..2 {
        let mut tx = world.db.tenant(world.tenant).await.unwrap();
        replays.push(durable::replay_dead_letter(&engine, &mut tx, letter.id).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(replays, [true, false]);
    let entries = world.settled(lane).await;
    assert_eq!(entries.len(), 2);
    assert_eq!(world.channel.texts(lane), ["sorry", "sorry"]);
}

#[tokio::test]
async fn a_run_with_nothing_to_say_leaves_nothing_behind() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let lane = LaneId::new();
    world.say(&engine, lane, "silence").await;
    let entries = world.settled(lane).await;
    assert_eq!(entries[0].reply.as_ref().unwrap().state, ReplyState::Dropped);
    assert!(world.channel.texts(lane).is_empty());
}

#[tokio::test]
async fn a_crowded_tenant_does_not_keep_another_waiting() {
    let world = World::new().await;
    let (quiet, project) = organisation(&world.db, "quiet").await;
    let engine = world.engine(false).await;
    let crowd = (0..2000).map(|n| {
        let mut arrival = world.arrival(LaneId::new(), &n.to_string());
        arrival.reply = None;
        engine.accept(arrival)
    });
    futures::future::try_join_all(crowd).await.unwrap();
    let mut arrival = world.arrival(LaneId::new(), "quiet");
    (arrival.tenant, arrival.project, arrival.reply) = (quiet, project, None);
    let lane = arrival.lane;
    engine.accept(arrival).await.unwrap();
    let position = testkit::eventually_some(PATIENCE, || async {
        let log = world.program.log.lock();
        log.iter().filter(|(.., what)| *what == "begin").position(|(other, ..)| *other == lane)
    })
    .await;
    let crowd_first: HashMap<LaneId, ()> =
        world.program.log.lock().iter().take(position).map(|(lane, ..)| (*lane, ())).collect();
    assert!(crowd_first.len() < 1900, "it stood behind {} of the crowd", crowd_first.len());
}

#[tokio::test]
async fn a_tenant_whose_turns_hang_leaves_room_for_another() {
    let world = World::new().await;
    let (quiet, project) = organisation(&world.db, "quiet").await;
    let engine = world.engine(false).await;
    for _ in 0..40 {
        world.say(&engine, LaneId::new(), "hold").await;
    }
    // Three quarters of this engine's 32 places.
    testkit::eventually(PATIENCE, || async { world.program.held.load(Ordering::SeqCst) == 24 }).await;
    let mut arrival = world.arrival(LaneId::new(), "quiet");
    (arrival.tenant, arrival.project) = (quiet, project);
    let lane = arrival.lane;
    engine.accept(arrival).await.unwrap();
    testkit::eventually(PATIENCE, || async { world.channel.texts(lane) == ["re: quiet"] }).await;
    assert_eq!(world.program.held.load(Ordering::SeqCst), 24);
}

#[tokio::test]
async fn the_backlog_of_a_suspended_organisation_waits_until_it_may_go_on() {
    let world = World::new().await;
    let (other, project) = organisation(&world.db, "other").await;
    let engine = world.engine(false).await;
    set_status(&world, "suspended").await;
    let lane = LaneId::new();
    world.say(&engine, lane, "waiting").await;
    let mut arrival = world.arrival(LaneId::new(), "meanwhile");
    (arrival.tenant, arrival.project) = (other, project);
    let others = arrival.lane;
    engine.accept(arrival).await.unwrap();
    testkit::eventually(PATIENCE, || async { world.channel.texts(others) == ["re: meanwhile"] }).await;
    assert!(world.program.log.lock().iter().all(|(begun, ..)| *begun != lane));
    set_status(&world, "active").await;
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), ["re: waiting"]);
}

#[tokio::test]
async fn a_run_that_fails_long_after_it_was_begun_is_not_tried_again() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let arrival = world.arrival(LaneId::new(), "retry:1");
    let mut tx = world.db.system("test").await.unwrap();
    sqlx::query(
        "insert into run (tenant_id, run_id, day, lane_id, seq, program, started_at)
         values ($1, $2, (now() at time zone 'utc')::date, $3, 1, 'obedient', now() - interval '1 minute')",
    )
    .bind(world.tenant.as_uuid())
    .bind(arrival.message.as_uuid())
    .bind(arrival.lane.as_uuid())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let lane = arrival.lane;
    engine.accept(arrival).await.unwrap();
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), ["sorry"], "the attempts share the time of one answer");
}

async fn set_status(world: &World, status: &str) {
    let mut tx = world.db.system("test").await.unwrap();
    sqlx::query("update organisation set status = $2 where tenant_id = $1")
        .bind(world.tenant.as_uuid())
        .bind(status)
        .execute(&mut *tx)
        .await
        .unwrap();
    let epoch = db::bump_config_epoch(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    db::wait_until_in_force(&world.db, epoch).await.unwrap();
}

async fn dead_letters(world: &World) -> Vec<DeadLetter> {
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    let page = durable::list_dead_letters(&mut tx, world.project, &PageRequest::new(None, None)).await.unwrap();
    page.items
}
