use std::sync::Arc;
use std::time::Duration;

use kernel::TenantCtx;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use crate::engine::Inner;
use crate::failpoint;
use crate::journal::{Journal, Next, StepState};
use crate::store::{self, JournalItem};
use crate::{Claim, Error, Failure, Input, Live, Usage};

/// A run under way, as its program sees it.
pub struct Run {
    engine: Arc<Inner>,
    claim: Claim,
    deadline: Instant,
    journal: Journal,
    usage: Usage,
}

/// What a step's work gave, and what it used up.
pub struct Done<T> {
    pub output: T,
    pub usage: Usage,
}

impl<T> Done<T> {
    /// The result of work that costs nothing.
    pub fn free(output: T) -> Self {
        Self { output, usage: Usage::none() }
    }
}

/// What is recorded of a step that did not give a result.
#[derive(Serialize)]
struct Failed<'a> {
    reason: &'a str,
}

impl Run {
    pub(crate) fn new(engine: Arc<Inner>, claim: Claim, deadline: Instant, journal: Journal) -> Self {
        Self { engine, claim, deadline, journal, usage: Usage::none() }
    }

    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    pub fn tenant(&self) -> TenantCtx {
        TenantCtx::new(self.claim.tenant)
    }

    /// How long until whoever waits must have been told something.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// What the steps so far used up, those of earlier attempts included.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Streams the answer's text to whoever watches while it is being made.
    pub fn live(&self) -> Live {
        let attempt = u32::try_from(self.claim.claims + self.claim.failures).unwrap_or(0) * 1000;
        Live::new(self.engine.bus.clone(), self.claim.tenant, self.claim.lane, self.claim.seq, attempt)
    }

    /// The message the run is about.
    pub async fn input(&self) -> Result<Input, Failure> {
        if let Some((text, body)) = self.engine.handover.take(self.claim.message) {
            return Ok(Input { text, body, received_at: self.claim.received_at });
        }
        let mut tx = self.engine.db.tenant(self.claim.tenant).await.map_err(|error| retry(&error.into()))?;
        store::load_input(&mut tx, &self.claim).await.map_err(|error| retry(&error))
    }

    /// Does `work` and records its result; a result that is recorded already is returned instead. After a crash
    /// within the work it is done again, so its effect must bear repetition.
    pub async fn step<T: Serialize + DeserializeOwned>(
        &mut self,
        key: &str,
        kind: &'static str,
        work: impl Future<Output = Result<Done<T>, Failure>> + Send,
    ) -> Result<T, Failure> {
        match self.journal.next(key) {
            Next::Done { output, usage } => self.recall(output, usage),
            Next::Fresh { seq } | Next::Interrupted { seq } => self.perform(seq, key, kind, work).await,
            Next::Foreign { recorded } => Err(foreign(key, &recorded)),
        }
    }

    /// Like [`Run::step`] for an effect that must not be repeated: that it begins is recorded first. `None`: an
    /// earlier attempt began, and nobody knows whether it took effect.
    pub async fn step_once<T: Serialize + DeserializeOwned>(
        &mut self,
        key: &str,
        kind: &'static str,
        work: impl Future<Output = Result<Done<T>, Failure>> + Send,
    ) -> Result<Option<T>, Failure> {
        match self.journal.next(key) {
            Next::Done { output, usage } => self.recall(output, usage).map(Some),
            Next::Interrupted { .. } => Ok(None),
            Next::Foreign { recorded } => Err(foreign(key, &recorded)),
            Next::Fresh { seq } => {
                self.record(seq, StepState::Started, key, kind, &Value::Null, Instant::now(), Usage::none()).await?;
                self.perform(seq, key, kind, work).await.map(Some)
            }
        }
    }

    async fn perform<T: Serialize>(
        &mut self,
        seq: i32,
        key: &str,
        kind: &'static str,
        work: impl Future<Output = Result<Done<T>, Failure>> + Send,
    ) -> Result<T, Failure> {
        failpoint::pass("step.before");
        let began = Instant::now();
        match work.await {
            Ok(done) => {
                failpoint::pass("step.done");
                self.record(seq, StepState::Done, key, kind, &done.output, began, done.usage).await?;
                failpoint::pass("step.recorded");
                self.usage = self.usage.plus(done.usage);
                Ok(done.output)
            }
            Err(failure) => {
                if let Failure::Retry { reason, .. } | Failure::Fatal { reason } = &failure {
                    self.record(seq, StepState::Failed, key, kind, &Failed { reason }, began, Usage::none()).await.ok();
                }
                Err(failure)
            }
        }
    }

    fn recall<T: DeserializeOwned>(&mut self, output: Value, usage: Usage) -> Result<T, Failure> {
        self.usage = self.usage.plus(usage);
        serde_json::from_value(output)
            .map_err(|error| Failure::Fatal { reason: format!("a recorded result cannot be read: {error}") })
    }

    #[expect(clippy::too_many_arguments, reason = "a step's row has so many columns, and this is the one place")]
    async fn record(
        &self,
        seq: i32,
        state: StepState,
        key: &str,
        kind: &'static str,
        output: &impl Serialize,
        began: Instant,
        usage: Usage,
    ) -> Result<(), Failure> {
        let item = JournalItem {
            claim: self.claim.clone(),
            seq,
            state,
            key: key.to_owned(),
            kind,
            output: store::storable_json(output).map_err(|error| Failure::Fatal { reason: error.to_string() })?,
            duration_ms: i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX),
            usage,
        };
        match self.engine.persist(|| self.engine.journal.submit(item.clone())).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::Stopped),
            Err(Error::Refused { reason }) => Err(Failure::Fatal { reason }),
            Err(_) => Err(Failure::Stopped),
        }
    }
}

fn retry(error: &Error) -> Failure {
    Failure::Retry { reason: error.to_string(), after: None }
}

fn foreign(asked: &str, recorded: &str) -> Failure {
    Failure::Fatal {
        reason: format!("the run was begun by another program: it recorded {recorded}, now {asked} is asked"),
    }
}
