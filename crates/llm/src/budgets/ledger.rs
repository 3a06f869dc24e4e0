//! The arithmetic of a budget that several nodes spend: pure, so that it can be tried in every order.
//!
//! A node is granted slices of what is left and reserves from them in memory. What all nodes have been granted never
//! passes the budget, so nothing is over-spent whatever becomes of a node. Before a call is refused, the other nodes
//! are asked to give back what they don't need. The refusal is true of one moment: when the first of them answered,
//! everything was promised or spent, and nobody was granted anything between that moment and the refusal.

/// A node is granted a twentieth of what is left beyond what it needs, and at most five dollars.
const SLICE_OF: i64 = 20;
const LARGEST_SLICE: i64 = 5_000_000_000;

/// One day or month of a budget, as the database has it. In billionths of a dollar, like everything here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) amount: i64,
    pub(super) granted: i64,
    pub(super) settled: i64,
    pub(super) grants: i64,
    pub(super) recalls: i64,
}

/// What one node holds of it, as the database has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) granted: i64,
    pub(super) settled: i64,
    pub(super) reserved: i64,
    pub(super) answered: i64,
}

/// The other nodes that live: how many hold anything unsettled, and how many of those have not followed the round yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Others {
    pub(super) holding: i64,
    pub(super) unanswered: i64,
}

/// What a node says and asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// What its calls have cost since it began, and what is promised to those under way.
    pub(super) settled: i64,
    pub(super) reserved: i64,
    pub(super) purpose: Purpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To write down what was settled.
    Settle,
    /// To have a slice ready before the last one is used up.
    Refill,
    /// To return all that is promised to no call, because another node needs it or because nobody calls here.
    GiveBack,
    /// To let a call through that might cost `needed`, and others that wait behind it: `wanted` in all. `round`: the
    /// others have been asked to give back what they don't need.
    Serve { needed: i64, wanted: i64, round: Option<Round> },
}

/// The other nodes were asked to give back what they don't need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    recall: i64,
    grants: i64,
}

impl Round {
    /// Its number among the window's.
    pub(super) fn recall(self) -> i64 {
        self.recall
    }
}

/// What the database answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) verdict: Verdict,
    pub(super) window: Window,
    /// What the node has been granted since it began.
    pub(super) granted: i64,
    /// What is neither spent nor promised to anybody, nor held by another node.
    pub(super) left: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What was needed is there.
    Done,
    /// The others have been asked, or have not all answered yet.
    Wait(Round),
    /// There is no room for it.
    Short,
}

impl Window {
    /// What one node says is written down, and what it asks for granted where it is there.
    pub(super) fn sync(&mut self, lease: &mut Lease, others: Others, ask: &Ask) -> Told {
        self.settled += ask.settled - lease.settled;
        (lease.settled, lease.reserved) = (ask.settled, ask.reserved);
        let used = ask.settled + ask.reserved;
        let left = self.amount - (self.granted - lease.granted) - used;
        let kept = lease.granted.max(used);
        let (granted, verdict) = match ask.purpose {
            Purpose::Settle => (kept, Verdict::Done),
            Purpose::GiveBack => {
                lease.answered = self.recalls;
                (used, Verdict::Done)
            }
            Purpose::Refill => (kept.max(used + slice(left)), Verdict::Done),
            Purpose::Serve { needed, wanted, .. } if needed <= left => {
                let wanted = wanted.clamp(needed, left);
                (kept.max(used + wanted + slice(left - wanted)), Verdict::Done)
            }
            Purpose::Serve { round, .. } => (kept, self.short(others, round)),
        };
        self.grants += i64::from(granted > lease.granted);
        self.granted += granted - lease.granted;
        lease.granted = granted;
        Told { verdict, window: *self, granted, left }
    }

    /// Whether it is certain that there is no room.
    fn short(&mut self, others: Others, round: Option<Round>) -> Verdict {
        match round {
            _ if others.holding == 0 => Verdict::Short,
            Some(round) if others.unanswered > 0 => Verdict::Wait(round),
            Some(round) if self.grants == round.grants => Verdict::Short,
            // Somebody was granted something meanwhile: what the others said is not of one moment.
            _ => {
                self.recalls += 1;
                Verdict::Wait(Round { recall: self.recalls, grants: self.grants })
            }
        }
    }

    /// Which of these percents were passed since `before` was settled.
    pub(super) fn passed<'a>(&self, before: i64, percents: &'a [i32]) -> impl Iterator<Item = i32> + 'a {
        let (amount, settled) = (i128::from(self.amount), i128::from(self.settled));
        let reached = move |settled: i128, percent: i32| settled * 100 >= amount * i128::from(percent);
        let passed = move |percent: &i32| reached(settled, *percent) && !reached(before.into(), *percent);
        percents.iter().copied().filter(passed)
    }
}

fn slice(left: i64) -> i64 {
    (left / SLICE_OF).clamp(0, LARGEST_SLICE)
}

/// What a node knows of its own share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slice {
    granted: i64,
    settled: i64,
    reserved: i64,
    /// How much of what is settled the database knows.
    written: i64,
    /// What was free when it was last granted something: a quarter of it is when to ask for more.
    full: i64,
}

impl Slice {
    pub(super) fn free(&self) -> i64 {
        self.granted - self.settled - self.reserved
    }

    pub(super) fn settled(&self) -> i64 {
        self.settled
    }

    pub(super) fn reserved(&self) -> i64 {
        self.reserved
    }

    /// Whether `bound` fits; it is reserved then.
    pub(super) fn reserve(&mut self, bound: i64) -> bool {
        let fits = bound <= self.free().max(0);
        self.reserved += if fits { bound } else { 0 };
        fits
    }

    /// Reserves what has not been granted: nobody can be asked, and the tenant wants calls let through then.
    pub(super) fn overdraw(&mut self, bound: i64) {
        self.reserved += bound;
    }

    pub(super) fn release(&mut self, bound: i64) {
        self.reserved -= bound;
    }

    pub(super) fn settle(&mut self, bound: i64, cost: i64) {
        self.reserved -= bound;
        self.settled += cost;
    }

    /// Whether it is time to ask for more.
    pub(super) fn is_low(&self) -> bool {
        self.free() < self.full / 4
    }

    pub(super) fn is_written(&self) -> bool {
        self.settled == self.written
    }

    /// Whether nothing would be lost if it were forgotten.
    pub(super) fn is_empty(&self) -> bool {
        self.is_written() && self.reserved == 0 && self.free() <= 0
    }

    /// What to say. Whatever is given back is reserved from no more from here on.
    pub(super) fn ask(&mut self, purpose: Purpose) -> Ask {
        if purpose == Purpose::GiveBack {
            self.granted = self.granted.min(self.settled + self.reserved);
            self.full = 0;
        }
        Ask { settled: self.settled, reserved: self.reserved, purpose }
    }

    /// What was answered. Asks are made and answered one at a time.
    pub(super) fn told(&mut self, ask: &Ask, granted: i64) {
        self.granted = granted;
        self.written = ask.settled;
        if matches!(ask.purpose, Purpose::Refill | Purpose::Serve { .. }) {
            self.full = self.free().max(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AMOUNT: i64 = 10_000;

    /// Nodes on one window. Between what is said, written down and heard anything may happen.
    struct World {
        window: Window,
        nodes: Vec<Node>,
    }

    #[derive(Default)]
    struct Node {
        slice: Slice,
        lease: Lease,
        /// What calls under way have reserved.
        calls: Vec<i64>,
        waiting: Option<Waiting>,
        /// Written down and not heard of yet.
        unheard: Option<(Ask, Told)>,
        dead: bool,
    }

    impl Node {
        fn used(&self) -> i64 {
            let promised = match (&self.unheard, &self.waiting) {
                (
                    Some((Ask { purpose: Purpose::Serve { .. }, .. }, Told { verdict: Verdict::Done, .. })),
                    Some(call),
                ) => call.bound,
                _ => 0,
            };
            if self.dead { self.lease.granted } else { self.slice.settled + self.slice.reserved + promised }
        }
    }

    #[derive(Clone, Copy)]
    struct Waiting {
        bound: i64,
        round: Option<Round>,
        /// The most that was settled and reserved together since it waits.
        most: i64,
    }

    impl World {
        fn new(nodes: usize) -> Self {
            let window = Window { amount: AMOUNT, ..Window::default() };
            Self { window, nodes: (0..nodes).map(|_| Node::default()).collect() }
        }

        /// Settled and reserved over all nodes; all that it had been granted for one that is dead. What was granted to a
        /// call is reserved from then on, though its node has not heard of it yet.
        fn total(&self) -> i64 {
            self.nodes.iter().map(Node::used).sum()
        }

        fn call(&mut self, at: usize, bound: i64) {
            let most = self.total();
            let node = &mut self.nodes[at];
            if node.waiting.is_some() || node.dead {
                return;
            }
            match node.slice.reserve(bound) {
                true => node.calls.push(bound),
                false => node.waiting = Some(Waiting { bound, round: None, most }),
            }
        }

        fn settle(&mut self, at: usize, share: i64) {
            let node = &mut self.nodes[at];
            if node.dead {
                return;
            }
            if let Some(bound) = node.calls.pop() {
                node.slice.settle(bound, bound * share / 100);
            }
        }

        fn say(&mut self, at: usize, purpose: Purpose) {
            if self.nodes[at].unheard.is_some() || self.nodes[at].dead {
                return;
            }
            let round = match purpose {
                Purpose::Serve { round: Some(round), .. } => round.recall(),
                _ => 0,
            };
            let others = self.nodes.iter().enumerate().filter(|(other, node)| *other != at && !node.dead);
            let holding: Vec<_> = others.filter(|(_, node)| node.lease.granted > node.lease.settled).collect();
            let unanswered = holding.iter().filter(|(_, node)| node.lease.answered < round).count();
            let others = Others { holding: holding.len() as i64, unanswered: unanswered as i64 };
            let node = &mut self.nodes[at];
            let ask = node.slice.ask(purpose);
            node.unheard = Some((ask, self.window.sync(&mut node.lease, others, &ask)));
        }

        fn serve(&mut self, at: usize) {
            if let Some(Waiting { bound, round, .. }) = self.nodes[at].waiting {
                self.say(at, Purpose::Serve { needed: bound, wanted: bound, round });
            }
        }

        /// Answers whether a call was refused that there was room for all the time.
        fn hear(&mut self, at: usize) -> bool {
            let node = &mut self.nodes[at];
            let Some((ask, told)) = node.unheard.take() else { return false };
            node.slice.told(&ask, told.granted);
            let (Purpose::Serve { .. }, Some(waiting)) = (ask.purpose, &mut node.waiting) else { return false };
            match told.verdict {
                Verdict::Wait(round) => waiting.round = Some(round),
                Verdict::Done if node.slice.reserve(waiting.bound) => {
                    node.calls.extend(node.waiting.take().map(|it| it.bound))
                }
                Verdict::Done => {}
                Verdict::Short => {
                    let refused = *waiting;
                    node.waiting = None;
                    return refused.most + refused.bound <= AMOUNT;
                }
            }
            false
        }

        fn watch(&mut self) {
            let total = self.total();
            self.nodes.iter_mut().filter_map(|node| node.waiting.as_mut()).for_each(|it| it.most = it.most.max(total));
        }

        fn check(&self) -> Result<(), TestCaseError> {
            prop_assert!(self.total() <= AMOUNT, "over-spent");
            prop_assert!(self.window.granted <= AMOUNT, "too much was granted");
            prop_assert_eq!(self.window.granted, self.nodes.iter().map(|node| node.lease.granted).sum::<i64>());
            prop_assert_eq!(self.window.settled, self.nodes.iter().map(|node| node.lease.settled).sum::<i64>());
            Ok(())
        }

        fn step(&mut self, at: usize, deed: u8, amount: i64) -> Result<(), TestCaseError> {
            let at = at % self.nodes.len();
            let mut lied = false;
            match deed {
                0..=2 => self.call(at, amount),
                3..=4 => self.settle(at, amount % 101),
                5..=6 => self.serve(at),
                7..=9 => lied = self.hear(at),
                10 => self.say(at, Purpose::GiveBack),
                11 => self.say(at, Purpose::Settle),
                _ => self.say(at, Purpose::Refill),
            }
            self.watch();
            prop_assert!(!lied, "refused though there was room");
            self.check()
        }

        /// Lets everybody come to an end.
        fn finish(&mut self) -> Result<(), TestCaseError> {
            for _ in 0..200 {
                for at in 0..self.nodes.len() {
                    for deed in [7, 10, 7, 5, 7] {
                        self.step(at, deed, 0)?;
                    }
                }
            }
            prop_assert!(self.nodes.iter().all(|node| node.waiting.is_none() || node.dead), "somebody waits for ever");
            Ok(())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

        #[test]
        fn whatever_the_order_nothing_is_over_spent_and_nothing_refused_that_there_was_room_for(
            nodes in 2_usize..4,
            steps in prop::collection::vec((0_usize..4, 0_u8..13, 1_i64..4000), 1..150),
        ) {
            let mut world = World::new(nodes);
            for (at, deed, amount) in steps {
                world.step(at, deed, amount)?;
            }
            world.finish()?;
        }

        #[test]
        fn what_a_node_held_when_it_died_stays_charged(
            steps in prop::collection::vec((0_usize..2, 0_u8..13, 1_i64..3000), 1..80),
            rest in prop::collection::vec((0_usize..2, 0_u8..13, 1_i64..3000), 1..80),
        ) {
            let mut world = World::new(2);
            for (at, deed, amount) in steps {
                world.step(at, deed, amount)?;
            }
            world.nodes[1].dead = true;
            world.watch();
            for (at, deed, amount) in rest {
                world.step(at, deed, amount)?;
            }
            world.finish()?;
        }
    }

    #[test]
    fn slices_shrink_with_what_is_left() {
        let (mut window, mut lease) = (Window { amount: AMOUNT, ..Window::default() }, Lease::default());
        let mut granted = Vec::new();
        for _ in 0..3 {
            let used = lease.granted;
            let purpose = Purpose::Serve { needed: 2000, wanted: 2000, round: None };
            window.sync(&mut lease, Others::default(), &Ask { settled: used, reserved: 0, purpose });
            granted.push(lease.granted - used);
        }
        assert_eq!(granted, [2400, 2280, 2166]);
    }

    #[test]
    fn a_threshold_is_passed_once() {
        let window = |settled| Window { amount: 1000, settled, ..Window::default() };
        let passed = |before, after| window(after).passed(before, &[50, 80, 100]).collect::<Vec<_>>();
        assert_eq!(passed(0, 499), [0; 0]);
        assert_eq!(passed(499, 500), [50]);
        assert_eq!(passed(500, 1001), [80, 100]);
        assert_eq!(passed(1001, 1002), [0; 0]);
    }
}
