//! What must be true afterwards, judged from outside: what was acknowledged against what stands on the channel.

use std::collections::HashMap;

use serde::Serialize;

/// A message whose delivery got a 2xx.
#[derive(Clone, Debug)]
pub struct Acked {
    /// Which organisation it was sent to.
    pub tenant: usize,
    pub channel: String,
    pub thread: String,
    /// A word that is in the message, in its answer and nowhere else.
    pub marker: String,
    /// Its place in its thread.
    pub place: usize,
}

/// A message of ours that stands on the channel.
#[derive(Clone, Debug)]
pub struct Standing {
    pub channel: String,
    pub thread: String,
    pub ts: String,
    pub text: String,
}

/// What was found. All but `answered` must be zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub acked: usize,
    pub answered: usize,
    /// Acknowledged, and no answer stands in its thread.
    pub lost: usize,
    /// More than one answer stands.
    pub doubled: usize,
    /// Something of ours stands that answers nothing: a placeholder left behind, a notice.
    pub left_behind: usize,
    /// An answer stands before that of an earlier message of its thread.
    pub out_of_order: usize,
    /// An answer stands in another organisation's channel.
    pub crossed: usize,
    /// The first few findings, for whoever has to mend it.
    pub examples: Vec<String>,
    /// The markers of the first few messages with more than one answer.
    #[serde(skip)]
    pub suspects: Vec<String>,
}

impl Verdict {
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.left_behind + self.out_of_order + self.crossed == 0
    }

    fn find(&mut self, what: &str, of: &str) {
        if self.examples.len() < 20 {
            self.examples.push(format!("{what}: {of}"));
        }
    }
}

/// Compares what was acknowledged with what stands.
pub fn judge(acked: &[Acked], standing: &[Standing]) -> Verdict {
    let mut verdict = Verdict { acked: acked.len(), ..Verdict::default() };
    let by_marker: HashMap<&str, &Acked> = acked.iter().map(|message| (message.marker.as_str(), message)).collect();
    let mut answers: HashMap<&str, Vec<&Standing>> = HashMap::new();
    for post in standing {
        let Some(message) = marker_of(&post.text).and_then(|marker| by_marker.get(marker)) else {
            verdict.left_behind += 1;
            verdict.find("left behind", &format!("{} {} {:?}", post.channel, post.ts, post.text));
            continue;
        };
        if message.channel == post.channel && message.thread == post.thread {
            answers.entry(&message.marker).or_default().push(post);
        } else {
            verdict.crossed += 1;
            verdict.find("in a foreign place", &format!("{} in {} {}", message.marker, post.channel, post.thread));
        }
    }
    let mut threads: HashMap<(&str, &str), Vec<(usize, &str)>> = HashMap::new();
    for message in acked {
        match answers.get(message.marker.as_str()).map(Vec::as_slice) {
            None => {
                verdict.lost += 1;
                verdict.find("lost", &format!("{} of {} {}", message.marker, message.channel, message.thread));
            }
            Some([answer]) => {
                verdict.answered += 1;
                let thread = threads.entry((&message.channel, &message.thread)).or_default();
                thread.push((message.place, &answer.ts));
            }
            Some(several) => {
                verdict.doubled += 1;
                if verdict.suspects.len() < 5 {
                    verdict.suspects.push(message.marker.clone());
                }
                verdict.find("doubled", &format!("{} stands {} times", message.marker, several.len()));
            }
        }
    }
    for ((channel, thread), mut places) in threads {
        places.sort_unstable();
        let inversions = places.windows(2).filter(|pair| pair[0].1 > pair[1].1).count();
        if inversions > 0 {
            verdict.out_of_order += inversions;
            verdict.find("out of order", &format!("{channel} {thread}"));
        }
    }
    verdict
}

/// The marker of an answer `re m-…`.
fn marker_of(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| word.starts_with("m-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(n: usize) -> Acked {
        Acked { tenant: 0, channel: "C1".into(), thread: "1.0".into(), marker: format!("m-{n}"), place: n }
    }

    fn answer(n: usize, ts: &str) -> Standing {
        Standing { channel: "C1".into(), thread: "1.0".into(), ts: ts.into(), text: format!("re m-{n}") }
    }

    #[test]
    fn a_clean_thread_is_clean() {
        let verdict = judge(&[message(1), message(2)], &[answer(1, "1.1"), answer(2, "1.2")]);
        assert!(verdict.is_clean());
        assert_eq!(verdict.answered, 2);
    }

    #[test]
    fn every_kind_of_fault_is_seen() {
        let placeholder = Standing { text: "_thinking…_".into(), ..answer(0, "1.9") };
        let foreign = Standing { channel: "C2".into(), ..answer(1, "1.1") };
        let judged = [
            judge(&[message(1)], &[]),
            judge(&[message(1)], &[answer(1, "1.1"), answer(1, "1.2")]),
            judge(&[message(1)], &[answer(1, "1.1"), placeholder]),
            judge(&[message(1), message(2)], &[answer(1, "1.2"), answer(2, "1.1")]),
            judge(&[message(1)], &[answer(1, "1.1"), foreign]),
        ];
        let seen = |verdict: &Verdict| {
            [verdict.lost, verdict.doubled, verdict.left_behind, verdict.out_of_order, verdict.crossed]
        };
        let faults: Vec<_> = judged.iter().map(seen).collect();
        assert_eq!(faults, [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]);
    }
}
