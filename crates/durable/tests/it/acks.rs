use std::time::Duration;

use durable::{Error, Receipt};
use futures::future::join_all;
use kernel::{LaneId, TenantId};

use crate::world::{World, key};

#[tokio::test]
async fn a_thousand_copies_of_one_delivery_on_two_nodes_are_one_message() {
    let world = World::new().await;
    let (one, two) = (world.engine(false).await, world.engine(false).await);
    let lane = LaneId::new();
    let copies = (0..1000).map(|copy| {
        let mut arrival = world.arrival(lane, "hello");
        arrival.dedup = vec![key("event"), key("thread")];
        if copy % 2 == 0 { one.accept(arrival) } else { two.accept(arrival) }
    });
    let receipts = join_all(copies).await;
    let accepted = receipts.iter().filter(|receipt| matches!(receipt, Ok(Receipt::Accepted { .. }))).count();
    assert_eq!(accepted, 1);
    assert!(receipts.iter().all(Result::is_ok));
    assert_eq!(world.settled(lane).await.len(), 1);
    assert_eq!(world.channel.texts(lane), ["re: hello"]);
}

#[tokio::test]
async fn two_kinds_of_delivery_that_share_a_key_are_one_message_in_either_order() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    for (first, second) in [("mention", "message"), ("message", "mention")] {
        let lane = LaneId::new();
        let mut receipts = Vec::new();
        for kind in [first, second] {
            let mut arrival = world.arrival(lane, kind);
            arrival.dedup = vec![key(&format!("{kind} {lane}")), key(&format!("ts {lane}"))];
            receipts.push(engine.accept(arrival).await.unwrap());
        }
        assert_eq!(receipts, [Receipt::Accepted { seq: 1 }, Receipt::Duplicate]);
        world.settled(lane).await;
        assert_eq!(world.channel.texts(lane), [format!("re: {first}")]);
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_stored_takes_no_other_with_it() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let lane = LaneId::new();
    let mut poisoned = world.arrival(LaneId::new(), "of an organisation that was deleted meanwhile");
    poisoned.tenant = TenantId::new();
    let good = world.arrival(lane, "good\0");
    let (poison, good) = tokio::join!(engine.accept(poisoned), engine.accept(good));
    assert!(good.is_ok(), "{good:?}");
    assert!(matches!(poison, Err(Error::Refused { .. })), "{poison:?}");
    assert_eq!(world.settled(lane).await[0].text, "good\u{fffd}");
}

#[tokio::test]
async fn a_lane_is_engaged_for_a_while_after_its_last_message() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let (lane, other) = (LaneId::new(), LaneId::new());
    world.say(&engine, lane, "hello").await;
    let lanes = [lane, other];
    assert_eq!(engine.engaged(world.tenant, &lanes, Duration::from_secs(1800)).await.unwrap(), [lane]);
    world.settled(lane).await;
    assert!(engine.engaged(world.tenant, &lanes, Duration::ZERO).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_engine_that_drains_takes_nothing_new_and_ends_what_it_has() {
    let world = World::new().await;
    let engine = world.engine(false).await;
    let lane = LaneId::new();
    for n in 0..20 {
        world.say(&engine, lane, &n.to_string()).await;
    }
    engine.drain(Duration::from_secs(20)).await;
    assert!(matches!(engine.accept(world.arrival(lane, "late")).await, Err(Error::ShuttingDown)));
    let next = world.engine(false).await;
    world.settled(lane).await;
    assert_eq!(world.channel.texts(lane), (0..20).map(|n| format!("re: {n}")).collect::<Vec<_>>());
    next.drain(Duration::from_secs(5)).await;
}
