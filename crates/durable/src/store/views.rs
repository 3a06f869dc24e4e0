use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::{Cursor, DeadLetterId, LaneId, MessageId, Page, PageRequest, RunId};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use crate::Error;

/// A message of a lane, and what was answered: one entry of a transcript.
#[derive(Clone, Debug)]
pub struct Entry {
    pub seq: i64,
    pub message: MessageId,
    pub text: String,
    pub body: Value,
    pub received_at: DateTime<Utc>,
    pub reply: Option<EntryReply>,
}

/// The reply to a message, as far as it has come.
#[derive(Clone, Debug)]
pub struct EntryReply {
    /// `None` while the answer is being made, and where there was nothing to say.
    pub text: Option<String>,
    pub body: Value,
    pub state: ReplyState,
    pub run: Option<RunId>,
    pub provider_id: Option<String>,
    pub created_at: DateTime<Utc>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

/// How far a reply has come; see the table `outbox`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplyState {
    /// The answer is being made.
    Thinking,
    /// The answer is made and on its way.
    Sent,
    Confirmed,
    Failed,
    Dropped,
}

impl ReplyState {
    fn of(state: &str, ended: bool) -> Self {
        match state {
            "confirmed" => Self::Confirmed,
            "failed" => Self::Failed,
            "dropped" => Self::Dropped,
            _ if ended => Self::Sent,
            _ => Self::Thinking,
        }
    }
}

/// The last `limit` entries of a lane before number `before` (from the end where `None`), oldest first.
pub async fn transcript(tx: &mut TenantTx, lane: LaneId, before: Option<i64>, limit: i64) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query!(
        r#"select i.seq, i.message_id, i.text, i.body as "body: Value", i.received_at,
                  o.text as "reply_text?", o.body as "reply_body?: Value", o.state as "state?", o.ended as "ended?",
                  o.run_id, o.provider_id, o.created_at as "created_at?", o.confirmed_at, o.last_error
           from inbox i
           left join outbox o on o.tenant_id = i.tenant_id and o.message_id = i.message_id and o.day = i.day
           where i.tenant_id = $1 and i.lane_id = $2 and i.seq < $3
           order by i.seq desc
           limit $4"#,
        tx.tenant().as_uuid(),
        lane.as_uuid(),
        before.unwrap_or(i64::MAX),
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    let entries = rows.into_iter().rev().map(|row| Entry {
        seq: row.seq,
        message: row.message_id.into(),
        text: row.text,
        body: row.body,
        received_at: row.received_at,
        reply: row.state.zip(row.created_at).map(|(state, created_at)| EntryReply {
            text: row.reply_text,
            body: row.reply_body.unwrap_or(Value::Null),
            state: ReplyState::of(&state, row.ended.unwrap_or(false)),
            run: row.run_id.map(RunId::from_uuid),
            provider_id: row.provider_id,
            created_at,
            confirmed_at: row.confirmed_at,
            last_error: row.last_error,
        }),
    });
    Ok(entries.collect())
}

/// A run with its steps, for people.
#[derive(Clone, Debug)]
pub struct RunView {
    pub id: RunId,
    pub lane: LaneId,
    pub seq: i64,
    pub program: String,
    pub status: RunStatus,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
    pub input_tokens: i64,
    pub output_tokens: i64,
    /// `None`: the price of a call it made is not known.
    pub cost_usd: Option<Decimal>,
    pub steps: Vec<StepView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    Running,
    /// To be taken up again later.
    Waiting,
    Done,
    Failed,
}

impl RunStatus {
    fn parse(text: &str) -> Self {
        match text {
            "waiting" => Self::Waiting,
            "done" => Self::Done,
            "failed" => Self::Failed,
            _ => Self::Running,
        }
    }
}

#[derive(Clone, Debug)]
pub struct StepView {
    pub seq: i32,
    pub key: String,
    pub kind: String,
    /// `started`, `done` or `failed`.
    pub state: String,
    pub at: DateTime<Utc>,
    pub duration_ms: i32,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost_usd: Option<Decimal>,
    pub output: Value,
}

/// The run with this id.
pub async fn find_run(tx: &mut TenantTx, id: RunId) -> Result<Option<RunView>, Error> {
    let tenant = tx.tenant().as_uuid();
    let Some(run) = sqlx::query!(
        "select day, lane_id, seq, program, status, started_at, finished_at, error, input_tokens, output_tokens,
                cost_usd
         from run where tenant_id = $1 and run_id = $2",
        tenant,
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    else {
        return Ok(None);
    };
    let steps = sqlx::query_as!(
        StepView,
        "select seq, key, kind, state, at, duration_ms, input_tokens, output_tokens, cost_usd, output
         from step where tenant_id = $1 and run_id = $2 and day = $3 order by seq, at",
        tenant,
        id.as_uuid(),
        run.day
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(Some(RunView {
        id,
        lane: run.lane_id.into(),
        seq: run.seq,
        program: run.program,
        status: RunStatus::parse(&run.status),
        started_at: run.started_at,
        finished_at: run.finished_at,
        error: run.error,
        input_tokens: run.input_tokens,
        output_tokens: run.output_tokens,
        cost_usd: run.cost_usd,
        steps,
    }))
}

/// What could not be done, and why.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    pub id: DeadLetterId,
    /// `run` (no answer could be made) or `reply` (the answer could not be delivered).
    pub source: String,
    pub lane: LaneId,
    pub seq: i64,
    pub message: MessageId,
    pub run: Option<RunId>,
    pub reason: String,
    pub attempts: i32,
    pub at: DateTime<Utc>,
    pub replayed_at: Option<DateTime<Utc>>,
}

/// A page of a project's dead letters, newest first.
pub async fn list_dead_letters(
    tx: &mut TenantTx,
    project: kernel::ProjectId,
    page: &PageRequest,
) -> Result<Page<DeadLetter>, Error> {
    let after = page.after;
    let rows = sqlx::query!(
        "select d.letter_id, d.source, d.lane_id, d.seq, d.message_id, d.run_id, d.reason, d.attempts, d.at,
                d.replayed_at
         from dead_letter d
         join lane l on l.tenant_id = d.tenant_id and l.lane_id = d.lane_id
         where d.tenant_id = $1 and l.project_id = $2
           and ($3::timestamptz is null or (d.at, d.letter_id) < ($3, $4))
         order by d.at desc, d.letter_id desc
         limit $5",
        tx.tenant().as_uuid(),
        project.as_uuid(),
        after.map(|cursor| cursor.at),
        after.map(|cursor| cursor.id),
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    let letters = rows.into_iter().map(|row| DeadLetter {
        id: row.letter_id.into(),
        source: row.source,
        lane: row.lane_id.into(),
        seq: row.seq,
        message: row.message_id.into(),
        run: row.run_id.map(RunId::from_uuid),
        reason: row.reason,
        attempts: row.attempts,
        at: row.at,
        replayed_at: row.replayed_at,
    });
    Ok(Page::cut(letters.collect(), page, |letter| Cursor { at: letter.at, id: letter.id.as_uuid() }))
}

/// Whether the project has this dead letter.
pub async fn has_dead_letter(tx: &mut TenantTx, project: kernel::ProjectId, id: DeadLetterId) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from dead_letter d
               join lane l on l.tenant_id = d.tenant_id and l.lane_id = d.lane_id
               where d.tenant_id = $1 and d.letter_id = $2 and l.project_id = $3
           ) as "found!""#,
        tx.tenant().as_uuid(),
        id.as_uuid(),
        project.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(found)
}

/// Takes a dead letter off the list. `false`: there is none.
pub async fn dismiss_dead_letter(tx: &mut TenantTx, id: DeadLetterId) -> Result<bool, Error> {
    let done = sqlx::query!(
        "delete from dead_letter where tenant_id = $1 and letter_id = $2",
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Has what a dead letter tells of done again: a run as a new message of its lane, a reply by sending it once more.
/// `false`: there is no such letter, or it was replayed before.
pub async fn replay_dead_letter(engine: &crate::Engine, tx: &mut TenantTx, id: DeadLetterId) -> Result<bool, Error> {
    let tenant = tx.tenant();
    let Some(letter) = sqlx::query!(
        "update dead_letter set replayed_at = now() where tenant_id = $1 and letter_id = $2 and replayed_at is null
         returning source, lane_id, message_id",
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    else {
        return Ok(false);
    };
    if letter.source == "reply" {
        engine.resend(tenant, letter.message_id.into()).await?;
        return Ok(true);
    }
    let message = sqlx::query!(
        r#"select l.project_id, i.program, i.text, i.body as "body: Value", o.channel as "channel?", o.connection_id as "connection?",
                  o.target as "target?: Value"
           from inbox i
           join lane l on l.tenant_id = i.tenant_id and l.lane_id = i.lane_id
           left join outbox o on o.tenant_id = i.tenant_id and o.message_id = i.message_id and o.day = i.day
           where i.tenant_id = $1 and i.lane_id = $2 and i.message_id = $3"#,
        tenant.as_uuid(),
        letter.lane_id,
        letter.message_id
    )
    .fetch_one(&mut **tx)
    .await?;
    let reply = message.channel.zip(message.connection).zip(message.target);
    engine
        .accept_again(crate::engine::Again {
            tenant,
            project: message.project_id.into(),
            lane: letter.lane_id.into(),
            program: message.program,
            text: message.text,
            body: message.body,
            reply: reply.map(|((channel, connection), target)| (channel, connection.into(), target)),
            // The same letter replayed twice at once is one message.
            letter: id,
        })
        .await?;
    Ok(true)
}
