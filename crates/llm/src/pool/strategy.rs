//! In which order a group's models are asked: pure, so that every strategy can be tried by itself.
//!
//! Invariant: whatever the strategy, the order holds each target once, and those that are left alone come last.

use crate::group::Strategy;
use crate::usd::Usd;

/// What a strategy looks at in a target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) weight: u32,
    /// It keeps failing, and is left alone at the moment.
    pub(super) left_alone: bool,
    /// Calls under way.
    pub(super) in_flight: u32,
    /// How long its answers take to begin, in seconds, as far as that is still known; 0 where it is not: who is not
    /// known gets a chance to be.
    pub(super) latency: f64,
    /// What such a call may cost.
    pub(super) price: Option<Usd>,
}

/// The places of `targets` in the order in which they are asked. `chance` gives numbers of 0 to below 1.
pub(super) fn order(strategy: Strategy, targets: &[Standing], chance: &mut dyn FnMut() -> f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..targets.len()).collect();
    if targets.len() > 1 {
        match strategy {
            Strategy::Ordered => {}
            Strategy::Weighted => by_weight(&mut order, targets, chance),
            Strategy::Latency => by_latency(&mut order, targets, chance),
            // Among equals the one that is listed first: these sorts keep the order otherwise.
            Strategy::Cost => order.sort_by_key(|n| (targets[*n].price.is_none(), targets[*n].price)),
            Strategy::LeastBusy => order.sort_by_key(|n| targets[*n].in_flight),
        }
        order.sort_by_key(|n| targets[*n].left_alone);
    }
    order
}

/// Draws one after the other, each with the chance that its weight gives it among those that are left (Efraimidis and
/// Spirakis: the order of `u^(1/w)`). Those without a weight follow as they are listed.
fn by_weight(order: &mut [usize], targets: &[Standing], chance: &mut dyn FnMut() -> f64) {
    let mut draw = |weight: u32| match weight {
        0 => f64::NEG_INFINITY,
        // The logarithm keeps the order, and tells heavy weights apart longer than the power does.
        weight => (1.0 - chance()).ln() / f64::from(weight),
    };
    let draws: Vec<f64> = targets.iter().map(|target| draw(target.weight)).collect();
    order.sort_by(|a, b| draws[*b].total_cmp(&draws[*a]));
}

/// The power of two choices: of two taken by chance the better goes first, and so on with the rest. To take the best of
/// all would send everybody to the same target at once until its latency tells.
fn by_latency(order: &mut [usize], targets: &[Standing], chance: &mut dyn FnMut() -> f64) {
    // Those left alone play no part, or they would win with latencies from before.
    order.sort_by_key(|n| targets[*n].left_alone);
    let healthy = targets.iter().filter(|target| !target.left_alone).count();
    let load = |n: usize| targets[n].latency * f64::from(targets[n].in_flight.saturating_add(1));
    for place in 0..healthy.saturating_sub(1) {
        let left = healthy - place;
        let one = place + pick(chance(), left);
        let mut other = place + pick(chance(), left - 1);
        if other >= one {
            other += 1;
        }
        let best = if load(order[other]) < load(order[one]) { other } else { one };
        order.swap(place, best);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and `count`")]
fn pick(chance: f64, count: usize) -> usize {
    ((chance * count as f64) as usize).min(count - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert, proptest};
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    const PLAIN: Standing = Standing { weight: 1, left_alone: false, in_flight: 0, latency: 1.0, price: None };

    fn ordered(strategy: Strategy, targets: &[Standing]) -> Vec<usize> {
        let mut dice = StdRng::seed_from_u64(7);
        order(strategy, targets, &mut || dice.random())
    }

    /// How often each target is asked first, in 10,000 calls.
    fn first(strategy: Strategy, targets: &[Standing]) -> Vec<u32> {
        let (mut dice, mut firsts) = (StdRng::seed_from_u64(7), vec![0; targets.len()]);
        for _ in 0..10_000 {
            firsts[order(strategy, targets, &mut || dice.random())[0]] += 1;
        }
        firsts
    }

    #[test]
    fn weights_are_shares_of_the_calls() {
        let weighing = |weight| Standing { weight, ..PLAIN };
        let firsts = first(Strategy::Weighted, &[weighing(7), weighing(2), weighing(1), weighing(0)]);
        assert!((6_800..7_200).contains(&firsts[0]) && (1_800..2_200).contains(&firsts[1]), "{firsts:?}");
        assert_eq!(firsts[3], 0);
        assert_eq!(ordered(Strategy::Weighted, &[weighing(0), weighing(1), weighing(0)]), [1, 0, 2]);
    }

    #[test]
    fn the_cheapest_is_asked_first_and_the_unknown_last() {
        let costing = |price: Option<i64>| Standing { price: price.map(Usd::from_nanos), ..PLAIN };
        let targets = [costing(None), costing(Some(5)), costing(Some(0)), costing(Some(5))];
        assert_eq!(ordered(Strategy::Cost, &targets), [2, 1, 3, 0]);
    }

    #[test]
    fn the_least_busy_is_asked_first_and_among_equals_the_one_listed_first() {
        let busy = |in_flight| Standing { in_flight, ..PLAIN };
        assert_eq!(ordered(Strategy::LeastBusy, &[busy(2), busy(0), busy(1), busy(0)]), [1, 3, 2, 0]);
    }

    #[test]
    fn the_slower_of_two_is_not_asked_first() {
        let slow = |latency, in_flight| Standing { latency, in_flight, ..PLAIN };
        assert_eq!(first(Strategy::Latency, &[slow(0.4, 0), slow(0.5, 0)]), [10_000, 0]);
        assert_eq!(first(Strategy::Latency, &[slow(0.4, 1), slow(0.5, 0)]), [0, 10_000], "calls under way count");
        assert_eq!(first(Strategy::Latency, &[slow(9.0, 0), slow(0.0, 9)]), [0, 10_000], "the unknown is tried");
        let three = first(Strategy::Latency, &[slow(1.0, 0), slow(2.0, 0), slow(3.0, 0)]);
        assert!(three[0] > 6_000 && three[1] > 2_000 && three[2] == 0, "{three:?}");
    }

    proptest! {
        #[test]
        fn every_target_stands_in_the_order_once_and_those_left_alone_last(
            strategy in prop::sample::select(Strategy::ALL.to_vec()),
            targets in prop::collection::vec(
                (0..5_u32, any::<bool>(), 0..9_u32, 0.0..9.0_f64, prop::option::of(0..9_i64)), 0..9,
            ),
            seed in any::<u64>(),
        ) {
            let targets: Vec<Standing> = targets.into_iter().map(|(weight, left_alone, in_flight, latency, price)| {
                Standing { weight, left_alone, in_flight, latency, price: price.map(Usd::from_nanos) }
            }).collect();
            let mut dice = StdRng::seed_from_u64(seed);
            let order = order(strategy, &targets, &mut || dice.random());
            prop_assert!(order.is_sorted_by_key(|n| targets[*n].left_alone));
            let mut places = order;
            places.sort_unstable();
            prop_assert!(places.into_iter().eq(0..targets.len()));
        }
    }
}
