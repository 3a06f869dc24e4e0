//! The first step: who answers, in which version, and what is remembered.

use std::sync::Arc;

use channels::Message;
use chrono::{DateTime, Utc};
use db::{Db, TenantTx};
use durable::{Done, Failure, Run};
use kernel::AgentId;
use llm::ChatMessage;
use serde::{Deserialize, Serialize};

use crate::memory;
use crate::prompt::{Persona, system_prompt};
use crate::roster::Roster;
use crate::store::{Employed, Which};
use crate::{AgentConfig, Error};

/// What is recorded of the step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Context {
    Ready {
        #[serde(flatten)]
        agent: Pinned,
        /// How many messages of the conversation were remembered.
        remembered: usize,
        /// The draft itself, where the turn works with it: unlike a version it may change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        draft: Option<Box<AgentConfig>>,
    },
    Withdrawn,
    Unavailable {
        reason: String,
    },
}

/// Which agent a turn is pinned to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pinned {
    #[serde(rename = "agent")]
    pub id: AgentId,
    pub name: String,
    /// `None`: its draft.
    pub version: Option<i32>,
}

/// Everything a turn knows when it begins to think.
pub(super) struct Employment {
    pub pinned: Pinned,
    /// In the version that the turn is pinned to.
    pub employed: Arc<Employed>,
    pub prompt: String,
    pub memory: Vec<ChatMessage>,
    pub question: String,
}

pub(super) enum Readiness {
    Ready(Box<Employment>),
    /// The sender took the message back before anybody had begun with it.
    Withdrawn,
    Unavailable {
        reason: String,
    },
}

/// Takes the step, or finds what it recorded.
pub(super) async fn establish(
    (db, roster): (&Db, &Roster),
    run: &mut Run,
    message: &Message,
    received_at: DateTime<Utc>,
) -> Result<Readiness, Failure> {
    let seq = run.claim().seq;
    let loading = Loading { db, roster, message, seq, received_at };
    let mut fresh = None;
    let work = async {
        let found = loading.load(None).await.map_err(retry)?;
        let recorded = recorded(&found, message.draft);
        fresh = Some(found);
        Ok(Done::free(recorded))
    };
    let context = run.step("context", "context", work).await?;
    match (fresh, context) {
        (Some(readiness), _) => Ok(readiness),
        (None, Context::Withdrawn) => Ok(Readiness::Withdrawn),
        (None, Context::Unavailable { reason }) => Ok(Readiness::Unavailable { reason }),
        (None, Context::Ready { agent, draft, .. }) => {
            loading.load(Some((agent, draft.map(|draft| *draft)))).await.map_err(retry)
        }
    }
}

fn recorded(readiness: &Readiness, draft: bool) -> Context {
    match readiness {
        Readiness::Withdrawn => Context::Withdrawn,
        Readiness::Unavailable { reason } => Context::Unavailable { reason: reason.clone() },
        Readiness::Ready(employment) => Context::Ready {
            agent: employment.pinned.clone(),
            remembered: employment.memory.len(),
            draft: draft.then(|| Box::new(employment.employed.config.clone())),
        },
    }
}

struct Loading<'a> {
    db: &'a Db,
    roster: &'a Roster,
    message: &'a Message,
    seq: i64,
    received_at: DateTime<Utc>,
}

impl Loading<'_> {
    /// Reads it all in one transaction; `pinned` is what an earlier attempt recorded. The step's own record, which
    /// follows, makes what is written here durable.
    async fn load(&self, pinned: Option<(Pinned, Option<AgentConfig>)>) -> Result<Readiness, Error> {
        let mut tx = self.db.tenant_unsynced(self.message.tenant).await?;
        let sender = if pinned.is_none() {
            Some(channels::conversation::begin(&mut tx, self.message).await?)
        } else {
            channels::contact::find_sender(&mut tx, self.message).await?
        };
        let speaker = sender.and_then(|contact| contact.name);
        let readiness = self.read(&mut tx, pinned, speaker.as_deref()).await?;
        tx.commit().await?;
        Ok(readiness)
    }

    async fn read(
        &self,
        tx: &mut TenantTx,
        pinned: Option<(Pinned, Option<AgentConfig>)>,
        speaker: Option<&str>,
    ) -> Result<Readiness, Error> {
        let lane = self.message.conversation;
        let amendments = channels::amendment::of(tx, lane).await?;
        let question = match amendments.get(&self.message.id).map(|amendment| &amendment.text) {
            Some(None) if pinned.is_none() => return Ok(Readiness::Withdrawn),
            Some(Some(corrected)) => corrected.clone(),
            _ => question(self.message),
        };
        let Some(employed) = self.roster.find(tx, self.message.agent, self.which(pinned.as_ref())).await? else {
            let reason = "the agent has not been published, or is gone".to_owned();
            return Ok(Readiness::Unavailable { reason });
        };
        let memory = match self.seq {
            1 => Vec::new(),
            seq => {
                let limit = i64::try_from(memory::MAX_MESSAGES).unwrap_or(i64::MAX);
                memory::remember(durable::transcript(tx, lane, Some(seq), limit).await?, &amendments)
            }
        };
        Ok(Readiness::Ready(Box::new(self.employment(employed, pinned, (memory, question), speaker))))
    }

    fn which(&self, pinned: Option<&(Pinned, Option<AgentConfig>)>) -> Which {
        match pinned {
            Some((Pinned { version: Some(version), .. }, _)) => Which::Version(*version),
            _ if self.message.draft => Which::Draft,
            _ => Which::Published,
        }
    }

    fn employment(
        &self,
        employed: Arc<Employed>,
        pinned: Option<(Pinned, Option<AgentConfig>)>,
        (memory, question): (Vec<ChatMessage>, String),
        speaker: Option<&str>,
    ) -> Employment {
        let (pinned, draft) = pinned.unwrap_or_else(|| {
            let version = employed.published_version.filter(|_| !self.message.draft);
            (Pinned { id: self.message.agent, name: employed.name.clone(), version }, None)
        });
        let employed = match draft {
            Some(config) => Arc::new(Employed { config, ..Employed::clone(&employed) }),
            None => employed,
        };
        let prompt = system_prompt(&Persona {
            name: &pinned.name,
            organisation: &employed.organisation,
            config: &employed.config,
            today: self.received_at.date_naive(),
            speaker,
        });
        Employment { pinned, employed, prompt, memory, question }
    }
}

/// The message's words. That there are files is said: they cannot be read yet, and an empty question is no question.
fn question(message: &Message) -> String {
    let content = &message.content;
    if content.attachments.is_empty() {
        return content.text.clone();
    }
    let names: Vec<_> = content.attachments.iter().map(|file| file.name.as_deref().unwrap_or(&file.id)).collect();
    format!("{}\n[attached files, which you cannot open: {}]", content.text, names.join(", ")).trim_start().to_owned()
}

fn retry(error: Error) -> Failure {
    Failure::Retry { reason: error.to_string(), after: None }
}
