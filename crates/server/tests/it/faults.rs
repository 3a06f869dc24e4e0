//! The small run of the kill harness; `cargo xtask faults` is the full one.

use testkit::harness::{FAILPOINTS, Plan, run};

#[test]
fn the_harness_knows_every_place_where_a_server_can_be_made_to_die() {
    assert_eq!(FAILPOINTS, durable::FAILPOINTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_doubled_or_misplaced_while_servers_and_database_are_killed() {
    let plan =
        Plan { binary: env!("CARGO_BIN_EXE_konstruct").into(), seed: 20_261_120, kills: 25, events: 500, senders: 12 };
    let outcome = run(&plan, |_| {}).await;
    assert!(outcome.verdict.is_clean(), "{outcome:#?}");
    assert_eq!(outcome.verdict.answered, outcome.verdict.acked);
    assert!(outcome.kills.failpoint > 0 && outcome.kills.postgres > 0 && outcome.kills.frozen > 0, "{outcome:#?}");
}
