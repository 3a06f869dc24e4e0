//! What a run has recorded, and what that means for its next step. Pure: no I/O, no clock.

use serde_json::Value;

use crate::Usage;

/// One row of the journal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) seq: i32,
    pub(crate) key: String,
    pub(crate) state: StepState,
    pub(crate) output: Value,
    pub(crate) usage: Usage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepState {
    /// Begun; written only for steps whose effect must not be repeated.
    Started,
    /// Done: the output stands for good.
    Done,
    /// An attempt failed; another may follow.
    Failed,
}

impl StepState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Started, Self::Done, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }
}

/// A run's journal and how far the program has come in it.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    records: Vec<Record>,
    next_seq: i32,
}

/// What the journal says of the step the program asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// Done before: this is its result, and what it used up.
    Done { output: Value, usage: Usage },
    /// Begun before, and nobody knows whether it took effect.
    Interrupted { seq: i32 },
    /// Never done.
    Fresh { seq: i32 },
    /// The program asks for another step than the one recorded here: it is not the program that began this run.
    Foreign { recorded: String },
}

impl Journal {
    pub(crate) fn new(records: Vec<Record>) -> Self {
        Self { records, next_seq: 0 }
    }

    /// The program asks for its next step, `key`.
    pub(crate) fn next(&mut self, key: &str) -> Next {
        let seq = self.next_seq;
        self.next_seq += 1;
        let here = || self.records.iter().filter(|record| record.seq == seq);
        if let Some(other) = here().find(|record| record.key != key) {
            return Next::Foreign { recorded: other.key.clone() };
        }
        if let Some(done) = here().find(|record| record.state == StepState::Done) {
            return Next::Done { output: done.output.clone(), usage: done.usage };
        }
        if here().any(|record| record.state == StepState::Started) {
            return Next::Interrupted { seq };
        }
        Next::Fresh { seq }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record(seq: i32, key: &str, state: StepState) -> Record {
        Record { seq, key: key.into(), state, output: json!(seq), usage: Usage::none() }
    }

    #[test]
    fn a_recorded_step_is_not_done_again() {
        let mut journal = Journal::new(vec![record(0, "think", StepState::Done)]);
        assert_eq!(journal.next("think"), Next::Done { output: json!(0), usage: Usage::none() });
        assert_eq!(journal.next("act"), Next::Fresh { seq: 1 });
    }

    #[test]
    fn a_step_that_began_without_a_result_is_told_apart() {
        let mut journal = Journal::new(vec![record(0, "pay", StepState::Started)]);
        assert_eq!(journal.next("pay"), Next::Interrupted { seq: 0 });
    }

    #[test]
    fn a_failed_attempt_leaves_the_step_to_be_done() {
        let mut journal = Journal::new(vec![record(0, "think", StepState::Failed)]);
        assert_eq!(journal.next("think"), Next::Fresh { seq: 0 });
    }

    #[test]
    fn another_programs_journal_is_refused() {
        let mut journal = Journal::new(vec![record(0, "think", StepState::Done)]);
        assert_eq!(journal.next("act"), Next::Foreign { recorded: "think".into() });
    }

    /// Runs a program of `steps` over the journal until it ends or crashes before recording step number `crash`.
    fn play(records: &mut Vec<Record>, effects: &mut [u32], crash: Option<usize>) -> Option<Vec<Value>> {
        let mut journal = Journal::new(records.clone());
        let mut results = Vec::new();
        for (step, times) in effects.iter_mut().enumerate() {
            match journal.next(&format!("s{step}")) {
                Next::Done { output, .. } => results.push(output),
                Next::Fresh { seq } => {
                    *times += 1;
                    if crash == Some(step) {
                        return None;
                    }
                    // What the outside world answers differs from time to time.
                    let output = json!([step, *times]);
                    records.push(Record {
                        seq,
                        key: format!("s{step}"),
                        state: StepState::Done,
                        output: output.clone(),
                        usage: Usage::none(),
                    });
                    results.push(output);
                }
                Next::Interrupted { .. } | Next::Foreign { .. } => return None,
            }
        }
        Some(results)
    }

    proptest! {
        #[test]
        fn wherever_a_run_crashes_it_ends_with_the_recorded_results_and_repeats_only_the_crashed_steps(
            steps in 1_usize..8,
            crashes in prop::collection::vec(0_usize..8, 0..20),
        ) {
            let (mut records, mut effects) = (Vec::new(), vec![0; steps]);
            for &crash in &crashes {
                play(&mut records, &mut effects, Some(crash));
            }
            let results = play(&mut records, &mut effects, None).unwrap();
            let again = play(&mut records, &mut effects, None).unwrap();
            prop_assert_eq!(&results, &again);
            prop_assert_eq!(results.len(), steps);
            for (step, &times) in effects.iter().enumerate() {
                let crashed = crashes.iter().filter(|&&crash| crash == step).count();
                prop_assert!(times as usize <= crashed + 1, "step {} had its effect {} times", step, times);
            }
        }
    }
}
