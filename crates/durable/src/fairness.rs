//! Whose turn it is: stride scheduling over the tenants that have something to run. Pure: no I/O, no clock.
//!
//! Each tenant has a virtual time that moves on by `1 / weight` with every place it takes; the one furthest behind is
//! next. A tenant with a hundred thousand messages waiting gets its share and no more; one that just arrived stands
//! beside whoever is furthest behind. (Waldspurger and Weihl, "Stride scheduling", 1995.)
//!
//! Turns can be slow, so fair turns alone would let one tenant's hanging models take every place in time. What a tenant
//! holds is bound by what is still free: the more it holds, the more must be left for those who come. (Choudhury and
//! Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998.)

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

/// One place at weight 1, in virtual time; divisible by every weight up to ten.
const STRIDE: u64 = 2520;
/// How many places a tenant may hold for each that is free: a lone one gets three quarters of all.
const HELD_PER_FREE: usize = 3;

/// What a tenant may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// Its part of the turns relative to the others' (1 to 100).
    pub(crate) weight: u32,
    /// How many of its runs may be under way on this node; 0 where it is suspended.
    pub(crate) at_most: usize,
}

/// The tenants that may have something to run.
#[derive(Debug)]
pub(crate) struct Turns<T> {
    tenants: HashMap<T, Tenant>,
    /// The virtual time of whoever was served last.
    now: u64,
}

#[derive(Debug, Default)]
struct Tenant {
    /// Whether it may have something to run that was not claimed yet.
    waiting: bool,
    running: usize,
    time: u64,
}

impl<T: Copy + Eq + Ord + Hash> Turns<T> {
    pub(crate) fn new() -> Self {
        Self { tenants: HashMap::new(), now: 0 }
    }

    /// `tenant` may have something to run.
    pub(crate) fn wake(&mut self, tenant: T) {
        let state = self.tenants.entry(tenant).or_default();
        if !std::mem::replace(&mut state.waiting, true) {
            // Who did not wait has no claim on turns of the past.
            state.time = state.time.max(self.now);
        }
    }

    /// Deals out up to `places` of the `free` ones: how many each tenant may claim now.
    pub(crate) fn deal(&mut self, places: usize, free: usize, share: impl Fn(&T) -> Share) -> HashMap<T, usize> {
        let mut dealt: HashMap<T, usize> = HashMap::new();
        let waiting = self.tenants.iter().filter(|(_, state)| state.waiting);
        let mut line: BinaryHeap<Reverse<(u64, T)>> =
            waiting.map(|(tenant, state)| Reverse((state.time, *tenant))).collect();
        let (mut left, mut free) = (places.min(free), free);
        while left > 0
            && let Some(Reverse((time, tenant))) = line.pop()
        {
            let Some(state) = self.tenants.get_mut(&tenant) else { continue };
            let Share { weight, at_most } = share(&tenant);
            let taken = dealt.get(&tenant).copied().unwrap_or(0);
            if state.running + taken >= at_most.min(free.saturating_mul(HELD_PER_FREE)) {
                continue;
            }
            dealt.insert(tenant, taken + 1);
            left -= 1;
            free -= 1;
            self.now = self.now.max(time);
            state.time = time + STRIDE / u64::from(weight.max(1));
            line.push(Reverse((state.time, tenant)));
        }
        dealt
    }

    /// `tenant` was dealt `dealt` places and found `claimed` lanes: with fewer, it has nothing more for now.
    pub(crate) fn claimed(&mut self, tenant: T, dealt: usize, claimed: usize) {
        let Some(state) = self.tenants.get_mut(&tenant) else { return };
        state.running += claimed;
        state.waiting &= claimed == dealt;
        self.forget_if_idle(tenant);
    }

    /// One of `tenant`'s runs ended.
    pub(crate) fn ended(&mut self, tenant: T) {
        if let Some(state) = self.tenants.get_mut(&tenant) {
            state.running = state.running.saturating_sub(1);
            self.forget_if_idle(tenant);
        }
    }

    fn forget_if_idle(&mut self, tenant: T) {
        if self.tenants.get(&tenant).is_some_and(|state| !state.waiting && state.running == 0) {
            self.tenants.remove(&tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EQUAL: Share = Share { weight: 1, at_most: usize::MAX };

    fn dealt<const N: usize>(places: [(u8, usize); N]) -> HashMap<u8, usize> {
        HashMap::from(places)
    }

    #[test]
    fn a_lone_tenant_gets_three_quarters_and_leaves_room_for_whoever_comes() {
        let mut turns = Turns::new();
        turns.wake(1_u8);
        assert_eq!(turns.deal(100, 100, |_| EQUAL), dealt([(1, 75)]));
        turns.claimed(1, 75, 75);
        turns.wake(1);
        turns.wake(2);
        assert_eq!(turns.deal(25, 25, |_| EQUAL), dealt([(2, 19)]));
    }

    #[test]
    fn whoever_holds_nothing_gets_the_last_place() {
        let mut turns = Turns::new();
        turns.wake(1_u8);
        assert_eq!(turns.deal(1, 1, |_| EQUAL), dealt([(1, 1)]));
    }

    #[test]
    fn a_crowd_does_not_keep_a_newcomer_waiting() {
        let mut turns = Turns::new();
        turns.wake(1_u8);
        turns.deal(10, 100, |_| EQUAL);
        turns.wake(2);
        assert_eq!(turns.deal(1, 90, |_| EQUAL), dealt([(2, 1)]), "who was served stands behind");
    }

    #[test]
    fn a_tenant_at_its_bound_takes_no_place() {
        let mut turns = Turns::new();
        turns.wake(1_u8);
        turns.claimed(1, 2, 2);
        assert_eq!(turns.deal(10, 100, |_| Share { weight: 1, at_most: 2 }), dealt([]));
        turns.ended(1);
        assert_eq!(turns.deal(10, 100, |_| Share { weight: 1, at_most: 2 }), dealt([(1, 1)]));
    }

    #[test]
    fn a_tenant_that_found_nothing_is_not_asked_again_until_it_wakes() {
        let mut turns = Turns::new();
        turns.wake(1_u8);
        turns.claimed(1, 3, 0);
        assert_eq!(turns.deal(1, 100, |_| EQUAL), dealt([]));
        turns.wake(1);
        assert_eq!(turns.deal(1, 100, |_| EQUAL), dealt([(1, 1)]));
    }

    proptest! {
        #[test]
        fn places_are_neither_wasted_nor_dealt_twice_and_weights_are_kept(
            weights in prop::collection::vec(1_u32..10, 1..8),
            free in 1_usize..200,
        ) {
            let mut turns = Turns::new();
            for tenant in 0..weights.len() {
                turns.wake(tenant as u8);
            }
            let share = |tenant: &u8| Share { weight: weights[usize::from(*tenant)], at_most: usize::MAX };
            let mut got = vec![0_usize; weights.len()];
            for _ in 0..100 {
                let dealt = turns.deal(free, 1000, share);
                prop_assert_eq!(dealt.values().sum::<usize>(), free);
                for (tenant, places) in dealt {
                    got[usize::from(tenant)] += places;
                }
            }
            let sum: u32 = weights.iter().sum();
            for (tenant, places) in got.iter().enumerate() {
                let fair = (free * 100) as f64 * f64::from(weights[tenant]) / f64::from(sum);
                prop_assert!((*places as f64 - fair).abs() <= fair * 0.01 + 10.0, "{} of fair {}", places, fair);
            }
        }
    }
}
