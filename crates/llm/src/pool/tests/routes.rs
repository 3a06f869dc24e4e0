//! Routes whose outcomes are made up, on a clock that stands still unless it is waited for.

use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use infra::Reach;
use kernel::ProviderId;
use tokio::time::Instant;

use super::{options, route_by};
use crate::error::ChatErrorKind;
use crate::fault::{Fault, Verdict};
use crate::group::{Routing, Seconds, Strategy, Timeouts};
use crate::model::Wire;
use crate::pool::health::{BreakerState, Gate};
use crate::pool::{Author, Route, Target, Upstream};

const DEADLINE: Duration = Duration::from_secs(50);

fn target(name: &str, limit: u32) -> Target {
    let upstream = Upstream {
        id: ProviderId::new(),
        name: name.into(),
        wire: Wire::OpenaiChat,
        base: None,
        reach: Reach::Public,
        key: None,
        gate: Arc::new(Gate::new(limit)),
    };
    Target { upstream: Arc::new(upstream), model: "m".into(), price: None }
}

fn two() -> [Target; 2] {
    [target("first", 100), target("second", 100)]
}

fn ordered(targets: &[Target]) -> Route {
    by(Routing::default(), Author::Us, targets)
}

fn by(routing: Routing, author: Author, targets: &[Target]) -> Route {
    route_by(routing, author, &options(), targets, DEADLINE)
}

fn status(status: u16, verdict: Verdict) -> Fault {
    Fault::Status { status, words: "no".into(), verdict, body: Bytes::new() }
}

fn failing() -> Fault {
    status(500, Verdict::Retry { after: None })
}

/// Who is asked in turn where each call fails like this.
async fn asked(mut route: Route, fault: impl Fn() -> Fault) -> (Vec<String>, Route) {
    let mut asked = Vec::new();
    while let Some(turn) = route.next().await {
        asked.push(turn.target().upstream.name.clone());
        route.failed(turn, fault());
    }
    (asked, route)
}

async fn first(targets: &[Target], strategy: Strategy) -> String {
    let mut route = by(Routing { strategy, ..Routing::default() }, Author::Us, targets);
    let turn = route.next().await.unwrap();
    let name = turn.target().upstream.name.clone();
    drop(turn);
    name
}

#[tokio::test(start_paused = true)]
async fn who_keeps_failing_is_left_alone_until_one_probe_succeeds() {
    let targets = [target("only", 100)];
    for _ in 0..3 {
        assert_eq!(asked(ordered(&targets), failing).await.0.len(), 3, "every call has its attempts at first");
    }
    let mut route = ordered(&targets);
    let turn = route.next().await.unwrap();
    route.failed(turn, failing());
    let pulse = targets[0].upstream.gate.pulse(&targets[0].model);
    assert_eq!(pulse.sight().breaker, BreakerState::Open);

    let began = Instant::now();
    let mut other = ordered(&targets);
    let probe = other.next().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(900), "it was waited for: {:?}", began.elapsed());
    assert_eq!(pulse.sight().breaker, BreakerState::HalfOpen);
    probe.began();
    assert_eq!(pulse.sight().breaker, BreakerState::Closed);
    probe.answered();
    assert_eq!((pulse.sight().calls, pulse.sight().failures), (11, 10));
}

#[tokio::test(start_paused = true)]
async fn who_is_left_alone_gives_way_to_the_next_target() {
    let targets = two();
    for _ in 0..4 {
        asked(ordered(&targets[..1]), failing).await;
    }
    let mut route = ordered(&targets);
    assert_eq!(route.next().await.unwrap().target().upstream.name, "second");
}

#[tokio::test(start_paused = true)]
async fn used_up_credit_is_left_alone_for_long_and_told() {
    let targets = two();
    let broke = || status(429, Verdict::OutOfCredit);
    assert_eq!(asked(ordered(&targets[..1]), broke).await.0, ["first"]);

    let (names, route) = asked(ordered(&targets[..1]), broke).await;
    assert!(names.is_empty());
    let error = route.give_up();
    assert_eq!((error.kind, error.calls.len()), (ChatErrorKind::Exhausted, 0));
    assert!(error.message.contains("left alone for 60 s; it last answered with status 429: no"), "{error}");
    assert_eq!(asked(ordered(&targets), failing).await.0, ["second", "second", "second"]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_one_model_is_put_to_the_next_and_what_is_wrong_to_nobody() {
    let targets = two();
    let gateway = || by(Routing::default(), Author::Caller, &targets);
    for verdict in [Verdict::TooLong, Verdict::Declined, Verdict::Refused] {
        assert_eq!(asked(gateway(), || status(400, verdict)).await.0, ["first", "second"], "{verdict:?}");
    }
    let (names, route) = asked(gateway(), || status(400, Verdict::Invalid)).await;
    assert_eq!((names, route.give_up().kind), (vec!["first".to_owned()], ChatErrorKind::Invalid));
    let ours = asked(ordered(&targets), || status(400, Verdict::Invalid)).await.0;
    assert_eq!(ours, ["first", "second"], "our own questions are in order: it is the model's peculiarity");
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_full_is_waited_for_and_then_the_next_is_asked() {
    let targets = [target("first", 1), target("second", 1)];
    let (mut one, mut two, mut three) = (ordered(&targets), ordered(&targets), ordered(&targets));
    let first = one.next().await.unwrap();
    let began = Instant::now();
    let second = two.next().await.unwrap();
    assert_eq!((second.target().upstream.name.as_str(), began.elapsed()), ("second", Duration::from_secs(1)));

    assert!(three.next().await.is_none());
    let error = three.give_up();
    assert_eq!(error.kind, ChatErrorKind::Overloaded, "{error}");
    first.answered();
    assert_eq!(ordered(&targets).next().await.unwrap().target().upstream.name, "first");
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_dropped_gives_its_place_back_and_says_nothing() {
    let targets = [target("only", 1)];
    for _ in 0..50 {
        drop(ordered(&targets).next().await.unwrap());
    }
    let sight = targets[0].upstream.gate.pulse(&targets[0].model).sight();
    assert_eq!((sight.calls, sight.in_flight, sight.breaker), (0, 0, BreakerState::Closed));
    assert_eq!(targets[0].upstream.gate.load(), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn refusals_for_too_many_calls_lower_how_many_are_made_at_once() {
    let targets = [target("only", 1000)];
    let mut routes: Vec<Route> = (0..40).map(|_| ordered(&targets)).collect();
    let mut turns = Vec::new();
    for route in &mut routes {
        turns.push(route.next().await.unwrap());
    }
    tokio::time::advance(Duration::from_millis(5)).await;
    for (route, turn) in routes.iter_mut().zip(turns) {
        route.failed(turn, status(429, Verdict::Retry { after: None }));
    }
    assert_eq!(targets[0].upstream.gate.load(), (0, 28), "once for all that were under way");
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_failures_is_not_multiplied_by_retries() {
    // Separate models, so that no breaker ends the storm.
    let gate = Arc::new(Gate::new(5000));
    let storm = |n: usize| {
        let mut only = target("only", 1);
        Arc::get_mut(&mut only.upstream).unwrap().gate = Arc::clone(&gate);
        only.model = n.to_string();
        only
    };
    for n in 0..100 {
        assert_eq!(asked(ordered(&[storm(n)]), || Fault::Empty).await.0.len(), 3, "low traffic has all its attempts");
    }
    let routes = (0..4000).map(|n| asked(ordered(&[storm(1000 + n)]), || Fault::Empty));
    let calls: usize = join_all(routes).await.iter().map(|(asked, _)| asked.len()).sum();
    assert!(calls < 4000 * 3 / 2, "a storm has not: {calls}");
}

#[tokio::test(start_paused = true)]
async fn strategies_look_at_how_targets_do() {
    let targets = two();
    let mut busy = ordered(&targets);
    let turn = busy.next().await.unwrap();
    assert_eq!(first(&targets, Strategy::LeastBusy).await, "second");
    tokio::time::advance(Duration::from_secs(3)).await;
    turn.answered();
    assert_eq!(first(&targets, Strategy::LeastBusy).await, "first");
    assert_eq!(first(&targets, Strategy::Latency).await, "second", "who was slow is not asked first");
    let mut quick = ordered(&targets[1..]);
    let turn = quick.next().await.unwrap();
    tokio::time::advance(Duration::from_millis(50)).await;
    turn.answered();
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(first(&targets, Strategy::Latency).await, "second");
}

#[tokio::test(start_paused = true)]
async fn a_group_has_retries_and_time_outs_of_its_own() {
    let targets = two();
    let seconds = |seconds: f64| Some(Seconds::try_from(seconds).unwrap());
    let routing = Routing {
        retries: Some(0),
        timeouts: Timeouts { first_token: seconds(2.0), between_tokens: None, total: seconds(9.0) },
        ..Routing::default()
    };
    let (names, _) = asked(by(routing.clone(), Author::Us, &targets), failing).await;
    assert_eq!(names, ["first", "second"]);
    let mut route = by(routing, Author::Us, &targets);
    let turn = route.next().await.unwrap();
    let patience = turn.patience();
    assert_eq!(patience.first_token, Duration::from_secs(2));
    assert_eq!(patience.between_tokens, options().between_tokens);
    assert_eq!(patience.until, Instant::now() + Duration::from_secs(9));
    tokio::time::sleep_until(patience.until).await;
    route.failed(turn, Fault::CutOff);
    assert_eq!(route.last_word().unwrap().0, &Fault::TooSlow(Duration::from_secs(9)));
    assert_eq!(route.next().await.unwrap().target().upstream.name, "second", "which may still be in time");
}

#[tokio::test(start_paused = true)]
async fn beside_a_late_target_another_is_asked_at_once_or_nobody() {
    let targets = two();
    for _ in 0..20 {
        let turn = ordered(&targets).next().await.unwrap();
        tokio::time::advance(Duration::from_millis(40)).await;
        turn.answered();
    }
    let mut route = ordered(&targets);
    let first = route.next().await.unwrap();
    assert_eq!(first.hedge_after(), Some(Duration::from_millis(40)));
    let second = route.beside(&first).await.unwrap();
    assert_eq!((second.target().upstream.name.as_str(), second.hedge_after()), ("second", None));

    let mut alone = ordered(&targets[..1]);
    let only = alone.next().await.unwrap();
    assert!(alone.beside(&only).await.is_none());
    let mut unlike = two();
    unlike[1].model = "another".into();
    let mut unlike = ordered(&unlike);
    let first = unlike.next().await.unwrap();
    assert!(unlike.beside(&first).await.is_none(), "another model's answer is another answer");
    let full = [target("first", 1), target("second", 1)];
    let (mut one, mut other) = (ordered(&full), ordered(&full[1..]));
    let (first, _second) = (one.next().await.unwrap(), other.next().await.unwrap());
    assert!(one.beside(&first).await.is_none(), "nobody waits in line for a second answer");
}
