//! How one reply gets onto its channel: which call comes next, given what is known. Pure: no I/O, no clock.
//!
//! Invariant: nothing is posted while something of this reply may already stand unseen.
//! Invariant: after [`Action::Confirm`], [`Action::Checked`], [`Action::Drop`] or [`Action::GiveUp`] there is no further
//! call.

use std::time::Duration;

use crate::sender::{Part, SendError};

/// How often a reply's calls may fail before it is given up. With the back-off below this takes about an hour.
const MAX_FAILURES: u32 = 20;
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(300);
/// After a post of which nobody knows whether it stands, the channel is given this long before it is asked: what a
/// channel shows of its conversations lags behind what it has taken, and a look that comes too early finds nothing and
/// leads to a second post.
const AFTER_DOUBT: Duration = Duration::from_millis(1500);

/// What is known of a reply on its way.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// What of it stands on the channel: by part, the channel's id.
    standing: Vec<Option<String>>,
    /// What stands there once too often.
    surplus: Vec<String>,
    /// Whether all that stands is known.
    certain: bool,
    /// Whether the placeholder was tried for, successfully or not.
    opened: bool,
    end: End,
    /// How many parts say what they should.
    said: usize,
    failures: u32,
}

/// How the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has not.
    Open,
    /// With an answer of so many parts.
    Answer { parts: usize },
    /// With nothing to say.
    Silence,
    /// All was said before, but somebody else was at work on it too: what they may have left is looked for.
    Said,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Look on the channel for what stands.
    Find,
    /// Put the placeholder up.
    Open,
    /// Nothing, until the run has ended; the placeholder, if any, stands under the id.
    Wait {
        standing: Option<String>,
    },
    /// Say part `part`, in the place of what stands under the id.
    Say {
        part: usize,
        standing: Option<String>,
    },
    Retract {
        provider_id: String,
    },
    /// All is said; the first part stands under the id.
    Confirm {
        provider_id: String,
    },
    /// What was confirmed before stands alone.
    Checked,
    /// Nothing is to be said, and nothing stands.
    Drop,
    /// A call failed; go on after a while.
    Delay {
        after: Duration,
        reason: String,
    },
    GiveUp {
        reason: String,
        revoked: bool,
    },
}

impl Delivery {
    /// A reply nothing is known of but what its row says.
    pub(crate) fn new(provider_id: Option<String>, certain: bool, end: End) -> Self {
        Self {
            opened: provider_id.is_some(),
            standing: provider_id.into_iter().map(Some).collect(),
            surplus: Vec::new(),
            certain,
            end,
            said: 0,
            failures: 0,
        }
    }

    /// The same after `failures` on the way so far: patience is not begun anew by whoever takes it up.
    pub(crate) fn after(self, failures: u32) -> Self {
        Self { failures, ..self }
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn end(&mut self, end: End) {
        self.end = end;
    }

    /// Whether all is said, and nobody waits for what is still to be done.
    pub(crate) fn is_said(&self) -> bool {
        self.end == End::Said
    }

    /// Whether its place among the lane's replies is taken: it stands, or there is nothing to stand.
    pub(crate) fn is_settled(&self) -> bool {
        self.certain && (self.standing.first().is_some_and(Option::is_some) || self.end == End::Silence)
    }

    pub(crate) fn next(&self) -> Action {
        if !self.certain {
            return Action::Find;
        }
        if let Some(provider_id) = self.surplus.last() {
            return Action::Retract { provider_id: provider_id.clone() };
        }
        match self.end {
            End::Open if self.opened => Action::Wait { standing: self.standing.first().cloned().flatten() },
            End::Open => Action::Open,
            End::Silence => match self.standing.iter().flatten().next() {
                Some(provider_id) => Action::Retract { provider_id: provider_id.clone() },
                None => Action::Drop,
            },
            End::Said => Action::Checked,
            End::Answer { parts } if self.said < parts => {
                Action::Say { part: self.said, standing: self.standing.get(self.said).cloned().flatten() }
            }
            End::Answer { .. } => {
                Action::Confirm { provider_id: self.standing.first().cloned().flatten().unwrap_or_default() }
            }
        }
    }

    pub(crate) fn found(&mut self, parts: Vec<Part>) {
        self.certain = true;
        if self.end != End::Said {
            self.standing.clear();
        }
        for part in parts {
            if self.standing.len() <= part.index {
                self.standing.resize(part.index + 1, None);
            }
            match &mut self.standing[part.index] {
                Some(standing) if *standing == part.provider_id => {}
                Some(_) => self.surplus.push(part.provider_id),
                empty => *empty = Some(part.provider_id),
            }
        }
        self.opened |= self.standing.first().is_some_and(Option::is_some);
    }

    pub(crate) fn opened(&mut self, provider_id: Option<String>) {
        self.opened = true;
        if let Some(provider_id) = provider_id {
            self.stands(0, provider_id);
        }
    }

    pub(crate) fn said(&mut self, part: usize, provider_id: String) {
        self.stands(part, provider_id);
        self.said = part + 1;
    }

    pub(crate) fn retracted(&mut self, provider_id: &str) {
        self.surplus.retain(|other| other != provider_id);
        for place in &mut self.standing {
            place.take_if(|standing| standing == provider_id);
        }
    }

    /// What the failure of `action` means.
    pub(crate) fn failed(&mut self, action: &Action, error: SendError) -> Action {
        self.failures += 1;
        let doubled = FIRST_DELAY.saturating_mul(1 << self.failures.min(12).saturating_sub(1)).min(LONGEST_DELAY);
        let (reason, after) = match error {
            SendError::Permanent { reason, revoked } => {
                return match action {
                    Action::Retract { provider_id } => {
                        self.retracted(provider_id);
                        self.next()
                    }
                    // There is no placeholder then, and the answer is tried when it is there.
                    Action::Open | Action::Find if self.end == End::Open => Action::Wait { standing: None },
                    Action::Find if self.end == End::Said => Action::Checked,
                    _ => Action::GiveUp { reason, revoked },
                };
            }
            SendError::Gone { reason } => {
                if let Action::Say { standing: Some(provider_id), .. } | Action::Retract { provider_id } = action {
                    self.retracted(&provider_id.clone());
                }
                (reason, Duration::ZERO)
            }
            SendError::Ambiguous { reason } => {
                self.certain = false;
                (reason, doubled.max(AFTER_DOUBT))
            }
            SendError::Retry { reason, after } => (reason, after.unwrap_or(doubled)),
        };
        if self.failures >= MAX_FAILURES && self.end == End::Said {
            return Action::Checked;
        }
        if self.failures >= MAX_FAILURES {
            return Action::GiveUp { reason, revoked: false };
        }
        Action::Delay { after, reason }
    }

    fn stands(&mut self, part: usize, provider_id: String) {
        if self.standing.len() <= part {
            self.standing.resize(part + 1, None);
        }
        self.standing[part] = Some(provider_id);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reply_opens_waits_says_and_confirms() {
        let mut reply = Delivery::new(None, true, End::Open);
        assert_eq!(reply.next(), Action::Open);
        reply.opened(Some("p".into()));
        assert_eq!(reply.next(), Action::Wait { standing: Some("p".into()) });
        reply.end(End::Answer { parts: 2 });
        assert_eq!(reply.next(), Action::Say { part: 0, standing: Some("p".into()) });
        reply.said(0, "p".into());
        assert_eq!(reply.next(), Action::Say { part: 1, standing: None });
        reply.said(1, "q".into());
        assert_eq!(reply.next(), Action::Confirm { provider_id: "p".into() });
    }

    #[test]
    fn after_an_interruption_it_looks_before_it_posts() {
        let mut reply = Delivery::new(None, false, End::Open);
        assert_eq!(reply.next(), Action::Find);
        let part = |id: &str| Part { index: 0, provider_id: id.into() };
        reply.found(vec![part("a"), part("b")]);
        assert_eq!(reply.next(), Action::Retract { provider_id: "b".into() });
        reply.retracted("b");
        assert_eq!(reply.next(), Action::Wait { standing: Some("a".into()) }, "what was found is used");
    }

    #[test]
    fn after_a_doubtful_post_the_channel_is_given_time_to_show_it() {
        let mut reply = Delivery::new(None, true, End::Open);
        let open = reply.next();
        let delay = |action| match action {
            Action::Delay { after, .. } => after,
            other => panic!("{other:?}"),
        };
        let refused = SendError::Retry { reason: "503".into(), after: None };
        assert_eq!(delay(reply.failed(&open, refused)), FIRST_DELAY, "nothing stands: it may be tried again soon");
        assert_eq!(reply.next(), Action::Open);
        let doubtful = |n: u32| SendError::Ambiguous { reason: format!("time-out {n}") };
        assert_eq!(delay(reply.failed(&open, doubtful(1))), AFTER_DOUBT);
        assert_eq!(reply.next(), Action::Find);
        reply.found(Vec::new());
        let delays: Vec<Duration> = (2..6).map(|n| delay(reply.failed(&open, doubtful(n)))).collect();
        assert!(delays.is_sorted() && delays[3] > AFTER_DOUBT, "it still backs off: {delays:?}");
    }

    #[test]
    fn a_later_look_takes_away_what_somebody_else_left_and_touches_nothing_else() {
        let part = |index, id: &str| Part { index, provider_id: id.into() };
        let mut reply = Delivery::new(Some("b".into()), false, End::Said);
        assert_eq!(reply.next(), Action::Find);
        reply.found(vec![part(0, "a"), part(0, "b"), part(1, "c")]);
        assert_eq!(reply.next(), Action::Retract { provider_id: "a".into() }, "although it stands first");
        reply.retracted("a");
        assert_eq!(reply.next(), Action::Checked);

        let mut closed = Delivery::new(Some("b".into()), false, End::Said);
        let gone = SendError::Permanent { reason: "channel_not_found".into(), revoked: false };
        assert_eq!(closed.failed(&Action::Find, gone), Action::Checked, "it was said: that is no failure");
    }

    #[test]
    fn silence_takes_the_placeholder_away() {
        let mut reply = Delivery::new(Some("p".into()), true, End::Silence);
        assert_eq!(reply.next(), Action::Retract { provider_id: "p".into() });
        reply.retracted("p");
        assert_eq!(reply.next(), Action::Drop);
    }

    #[test]
    fn an_answer_whose_placeholder_is_gone_is_posted_anew() {
        let mut reply = Delivery::new(Some("p".into()), true, End::Answer { parts: 1 });
        let say = reply.next();
        reply.failed(&say, SendError::Gone { reason: "message_not_found".into() });
        assert_eq!(reply.next(), Action::Say { part: 0, standing: None });
    }

    #[test]
    fn a_reply_that_keeps_failing_is_given_up() {
        let mut reply = Delivery::new(Some("p".into()), true, End::Answer { parts: 1 });
        let failing = || SendError::Retry { reason: "503".into(), after: None };
        let say = reply.next();
        let last = (0..MAX_FAILURES).map(|_| reply.failed(&say, failing())).last();
        assert_eq!(last, Some(Action::GiveUp { reason: "503".into(), revoked: false }));
    }

    /// A channel that loses calls, answers late or not at all, and remembers what it was told.
    #[derive(Default)]
    struct Channel {
        posts: Vec<(usize, String, bool)>,
        next_id: u32,
    }

    impl Channel {
        fn post(&mut self, part: usize, answer: bool) -> String {
            self.next_id += 1;
            let id = self.next_id.to_string();
            self.posts.push((part, id.clone(), answer));
            id
        }

        fn parts(&self) -> Vec<Part> {
            self.posts.iter().map(|(index, id, _)| Part { index: *index, provider_id: id.clone() }).collect()
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Fate {
        Works,
        /// The call had its effect, the answer was lost.
        EffectUnknown,
        /// The call never arrived, and nobody knows.
        LostUnknown,
        /// A clean refusal.
        Refused,
        /// The process dies right after the call's effect.
        Crash,
    }

    fn fates() -> impl Strategy<Value = Vec<Fate>> {
        prop::collection::vec(
            prop_oneof![
                Just(Fate::Works),
                Just(Fate::EffectUnknown),
                Just(Fate::LostUnknown),
                Just(Fate::Refused),
                Just(Fate::Crash)
            ],
            0..12,
        )
    }

    /// Does one call; `None` where the process died.
    fn call(channel: &mut Channel, reply: &mut Delivery, action: &Action, fate: Fate) -> Option<()> {
        if matches!(fate, Fate::Refused) {
            reply.failed(action, SendError::Retry { reason: String::new(), after: None });
            return Some(());
        }
        let arrives = !matches!(fate, Fate::LostUnknown);
        let known = matches!(fate, Fate::Works);
        match action {
            Action::Find if known => reply.found(channel.parts()),
            Action::Open if arrives => {
                let id = channel.post(0, false);
                if known {
                    reply.opened(Some(id));
                }
            }
            Action::Say { part, standing } if arrives => {
                let id = match standing {
                    Some(id) => {
                        channel.posts.iter_mut().filter(|(_, other, _)| other == id).for_each(|post| post.2 = true);
                        id.clone()
                    }
                    None => channel.post(*part, true),
                };
                if known {
                    reply.said(*part, id);
                }
            }
            Action::Retract { provider_id } if arrives => {
                channel.posts.retain(|(_, id, _)| id != provider_id);
                if known {
                    reply.retracted(provider_id);
                }
            }
            _ => {}
        }
        if matches!(fate, Fate::Crash) {
            return None;
        }
        if !known {
            reply.failed(action, SendError::Ambiguous { reason: String::new() });
        }
        Some(())
    }

    proptest! {
        #[test]
        fn whatever_happens_on_the_way_each_part_of_the_answer_stands_exactly_once(fates in fates(), parts in 1_usize..4) {
            let (mut channel, mut fates) = (Channel::default(), fates.into_iter());
            let mut reply = Delivery::new(None, true, End::Open);
            let mut ended = false;
            for _ in 0..100 {
                match reply.next() {
                    Action::Wait { .. } => {
                        ended = true;
                        reply.end(End::Answer { parts });
                    }
                    Action::Confirm { .. } => break,
                    action => {
                        let fate = fates.next().unwrap_or(Fate::Works);
                        if call(&mut channel, &mut reply, &action, fate).is_none() {
                            // Another process takes it up and knows what the row says: nothing for certain.
                            let end = if ended { End::Answer { parts } } else { End::Open };
                            reply = Delivery::new(None, false, end);
                        }
                    }
                }
            }
            let mut stands: Vec<(usize, bool)> = channel.posts.iter().map(|(part, _, answer)| (*part, *answer)).collect();
            stands.sort_unstable();
            prop_assert_eq!(stands, (0..parts).map(|part| (part, true)).collect::<Vec<_>>());
        }
    }
}
