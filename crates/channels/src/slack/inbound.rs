//! A delivery's way in: read, routed, verified, decided, normalised - and only then stored.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use durable::{Arrival, DedupKey, Engine, ReplyTo};
use kernel::{LaneId, MessageId};

use super::decide::{Amend, Decision, Employee, decide};
use super::envelope::{Envelope, Event, moment};
use super::installation::Installation;
use super::sender::Target;
use super::text::plain;
use super::verify::{Claimed, SlackHeaders};
use super::{Slack, SlackAnswer};
use crate::store::amendment::{self, Amended, Amendment};
use crate::{Attachment, ChannelKind, ChannelMetadata, Content, Error, Message, MessageContext, MessageSender, TURN};

/// Slack's handshake has under two hundred bytes, and each of many secrets is tried on it: more is somebody making us
/// compute.
const LONGEST_HANDSHAKE: usize = 1 << 10;
/// Deduplication keys are kept for this long from the day of delivery.
const OLDEST: TimeDelta = TimeDelta::days(8);
const NEWEST: TimeDelta = TimeDelta::days(1);

impl Slack {
    /// Takes one delivery. When this returns, what was for an agent is stored.
    pub(crate) async fn deliver(
        &self,
        engine: &Engine,
        headers: SlackHeaders<'_>,
        raw: &[u8],
    ) -> Result<SlackAnswer, Error> {
        let envelope = Envelope::read(raw).ok_or(Error::Malformed("not a delivery of the Events API"))?;
        let now = self.clock.now();
        let claimed = || Claimed::read(headers, now).ok_or(Error::Unverified);
        if envelope.kind.as_deref() == Some("url_verification") {
            return self.shake_hands(&claimed()?, raw, envelope).await;
        }
        if envelope.installations().next().is_none() {
            return Err(Error::Malformed("it names no workspace"));
        }
        let claimed = claimed()?;
        let candidates = self.installations.candidates(&envelope).await?;
        let app = envelope.app();
        let Some(claim) = candidates.verified(app, &claimed, raw) else {
            self.installations.misfit(&candidates, app, now);
            return Err(Error::Unverified);
        };
        let verified = self.installations.of_claim(claim).await?;
        let misfit = candidates.misfits.end();
        let installations = self.listening(&verified, &envelope, now)?;
        for installation in &installations {
            self.installations.heard(installation, now, misfit);
        }
        match envelope.kind.as_deref() {
            Some("event_callback") => self.take(engine, &installations, &envelope).await?,
            Some("app_rate_limited") => {
                for installation in installations {
                    let problem = "Slack withholds events: the workspace made more than 30,000 within an hour";
                    self.installations.problem(installation, now, problem.to_owned());
                }
            }
            _ => {}
        }
        Ok(SlackAnswer::Ok)
    }

    async fn shake_hands(&self, claimed: &Claimed<'_>, raw: &[u8], envelope: Envelope) -> Result<SlackAnswer, Error> {
        let challenge = envelope.challenge.ok_or(Error::Malformed("a handshake without a challenge"))?;
        if raw.len() > LONGEST_HANDSHAKE {
            return Err(Error::Malformed("a handshake of that size"));
        }
        let keys = self.installations.handshake_keys().await?;
        if keys.iter().any(|key| key.verifies(claimed, raw)) {
            Ok(SlackAnswer::Challenge(challenge))
        } else {
            Err(Error::Unverified)
        }
    }

    /// Those of the verified connections that take deliveries at present, of the app that made this one.
    fn listening<'a>(
        &self,
        verified: &'a [Arc<Installation>],
        envelope: &Envelope,
        now: DateTime<Utc>,
    ) -> Result<Vec<&'a Arc<Installation>>, Error> {
        if verified.iter().any(|installation| installation.suspended) {
            return Err(Error::Refused("the organisation is suspended"));
        }
        let app = envelope.app();
        let (of_app, of_others): (Vec<_>, Vec<_>) = verified
            .iter()
            .partition(|installation| app.is_empty() || installation.app_id.is_empty() || installation.app_id == app);
        if of_app.is_empty() {
            for installation in of_others {
                let problem = format!("events come from app {app}, but this connection names {}", installation.app_id);
                self.installations.problem(installation, now, problem);
            }
            return Err(Error::NotFound);
        }
        let listening: Vec<_> = of_app.into_iter().filter(|installation| installation.enabled).collect();
        if listening.is_empty() { Err(Error::Refused("the connection is disabled")) } else { Ok(listening) }
    }

    async fn take(
        &self,
        engine: &Engine,
        installations: &[&Arc<Installation>],
        envelope: &Envelope,
    ) -> Result<(), Error> {
        let delivery = Delivery::read(envelope, self.clock.now())?;
        let employees: Vec<Employee<'_>> = installations.iter().map(|installation| installation.employee()).collect();
        let chosen = match decide(envelope, &employees) {
            Decision::Ignore => None,
            Decision::For(index) => Some(index),
            Decision::EngagedOrFirst(among) => {
                let first = among.first().copied();
                engaged(engine, installations, delivery.event, among).await?.or(first)
            }
            Decision::IfEngaged(among) => engaged(engine, installations, delivery.event, among).await?,
            Decision::Amend(amend) => {
                self.amend(installations, delivery.event, &amend).await?;
                None
            }
            Decision::Revoked => {
                let now = self.clock.now();
                for installation in installations {
                    let problem = "the app was removed from the workspace, or its token taken back: install it again \
                                   and paste the new bot token";
                    self.installations.problem(installation, now, problem.to_owned());
                }
                None
            }
        };
        if let Some(chosen) = chosen.and_then(|index| installations.get(index)) {
            engine.accept(delivery.arrival(chosen)?).await?;
            if let (Some(user), None) = (&delivery.event.user, &delivery.event.bot_id) {
                self.names.look_up(chosen, user);
            }
        }
        Ok(())
    }

    /// Records an edit or a deletion, where the message is one that we were told of.
    async fn amend(&self, installations: &[&Arc<Installation>], event: &Event, amend: &Amend<'_>) -> Result<(), Error> {
        let Some(first) = installations.first() else { return Ok(()) };
        let lanes: Vec<LaneId> = installations
            .iter()
            .map(|installation| {
                lane(installation, amend.channel, event.is_direct(), amend.thread_ts.unwrap_or(amend.ts))
            })
            .collect();
        let at = event.event_ts.as_deref().or(event.ts.as_deref()).and_then(moment);
        let text = amend.text.map(|text| {
            let bots: Vec<&str> = first.settings.bot_user_id.as_deref().into_iter().collect();
            plain(text, &bots)
        });
        let amendment = Amendment { at: at.unwrap_or_else(|| self.clock.now()), text };
        let mut tx = self.db.tenant(first.tenant).await?;
        amendment::record(&mut tx, &Amended { lanes: &lanes, provider_id: amend.ts, amendment }).await?;
        Ok(tx.commit().await?)
    }
}

/// Which of `among` the conversation is engaged with, if any.
async fn engaged(
    engine: &Engine,
    installations: &[&Arc<Installation>],
    event: &Event,
    among: Vec<usize>,
) -> Result<Option<usize>, Error> {
    let (Some(channel), Some(ts)) = (event.channel.as_deref(), event.ts.as_deref()) else { return Ok(None) };
    let thread = event.thread_ts.as_deref();
    // Nobody is engaged with what has just begun.
    if !event.is_direct() && thread.is_none_or(|thread| thread == ts) {
        return Ok(None);
    }
    let Some(first) = among.first().and_then(|index| installations.get(*index)) else { return Ok(None) };
    let lanes: Vec<LaneId> = among
        .iter()
        .filter_map(|index| installations.get(*index))
        .map(|installation| lane(installation, channel, event.is_direct(), thread.unwrap_or(ts)))
        .collect();
    let idle = Duration::from_secs(u64::from(first.settings.engaged_minutes) * 60);
    let engaged = engine.engaged(first.tenant, &lanes, idle).await?;
    Ok(among.into_iter().zip(&lanes).find(|(_, lane)| engaged.contains(lane)).map(|(index, _)| index))
}

/// The conversation: a thread of a channel, or the whole of a direct message.
fn lane(installation: &Installation, channel: &str, direct: bool, thread: &str) -> LaneId {
    let scope = installation.connection.as_uuid();
    if direct { LaneId::derive(scope, channel) } else { LaneId::derive(scope, &format!("{channel}:{thread}")) }
}

/// An event with the parts it must have.
struct Delivery<'a> {
    envelope: &'a Envelope,
    event: &'a Event,
    event_id: &'a str,
    at: DateTime<Utc>,
}

impl<'a> Delivery<'a> {
    fn read(envelope: &'a Envelope, now: DateTime<Utc>) -> Result<Self, Error> {
        let (Some(event), Some(event_id), Some(event_time)) =
            (&envelope.event, envelope.event_id.as_deref(), envelope.event_time)
        else {
            return Err(Error::Malformed("an event without its id, time or contents"));
        };
        let at = DateTime::from_timestamp(event_time, 0).ok_or(Error::Malformed("the event's time is none"))?;
        // Beyond this, nobody knows any more whether it was seen before.
        if at < now - OLDEST || at > now + NEWEST {
            return Err(Error::Malformed("the event is too old, or from the future"));
        }
        Ok(Self { envelope, event, event_id, at })
    }

    fn arrival(&self, installation: &Installation) -> Result<Arrival, Error> {
        let Self { envelope, event, .. } = self;
        let (Some(channel), Some(ts)) = (event.channel.as_deref(), event.ts.as_deref()) else {
            return Err(Error::Malformed("a message without channel or ts"));
        };
        let said_at = moment(ts).ok_or(Error::Malformed("a message's ts is none"))?;
        let thread = event.thread_ts.as_deref().unwrap_or(ts);
        let lane = lane(installation, channel, event.is_direct(), thread);
        let message = MessageId::new();
        let bots: Vec<&str> =
            installation.settings.bot_user_id.as_deref().or_else(|| envelope.authorised_bot()).into_iter().collect();
        let content = content(event, &bots, &installation.agent_name);
        let normalised = Message {
            id: message,
            tenant: installation.tenant,
            project: installation.project,
            agent: installation.agent,
            connection: Some(installation.connection),
            conversation: lane,
            channel: ChannelKind::Slack,
            metadata: ChannelMetadata {
                workspace: Some(installation.workspace.clone()),
                app: envelope.api_app_id.clone(),
                room: Some(channel.to_owned()),
                provider_id: Some(ts.to_owned()),
            },
            sender: MessageSender {
                id: event.user.clone().or_else(|| event.bot_id.clone()).unwrap_or_default(),
                display_name: None,
                is_bot: event.bot_id.is_some(),
            },
            content,
            at: said_at,
            thread: Some(thread.to_owned()),
            reply_to: event.thread_ts.clone().filter(|thread| thread != ts),
            context: MessageContext { direct: event.is_direct() },
            draft: false,
        };
        let target = Target { channel: channel.to_owned(), thread_ts: thread.to_owned(), ts: ts.to_owned() };
        Ok(Arrival {
            tenant: installation.tenant,
            project: installation.project,
            lane,
            message,
            program: TURN,
            dedup: self.dedup(installation, channel, (ts, said_at)),
            text: normalised.content.text.clone(),
            body: serde_json::to_value(&normalised).map_err(|_| Error::Malformed("it cannot be stored"))?,
            reply: Some(ReplyTo {
                channel: ChannelKind::Slack.as_str(),
                connection: installation.connection,
                target: target.into_value(),
            }),
        })
    }

    /// One mark for the delivery's retries, one for the second event that Slack makes of the same text. Both belong
    /// to the workspace and app, so that they are the same whichever employee an event was decided for.
    fn dedup(&self, installation: &Installation, channel: &str, said: (&str, DateTime<Utc>)) -> Vec<DedupKey> {
        let scope = installation.tenant.as_uuid();
        let (workspace, app) = (&installation.workspace, self.envelope.app());
        vec![
            DedupKey::new(scope, &format!("slack event {workspace} {app} {}", self.event_id), self.at),
            // A message may be older than its delivery, never younger: a made-up day is filed under the first of all.
            DedupKey::new(
                scope,
                &format!("slack message {workspace} {app} {channel} {}", said.0),
                if said.1 > self.at + NEWEST { DateTime::UNIX_EPOCH } else { said.1 },
            ),
        ]
    }
}

fn content(event: &Event, bots: &[&str], agent: &str) -> Content {
    let files = event.files.as_deref().unwrap_or_default();
    let attachments: Vec<Attachment> = files
        .iter()
        .filter_map(|file| {
            Some(Attachment {
                id: file.id.clone()?,
                name: file.name.clone(),
                media_type: file.mimetype.clone(),
                size: file.size,
                url: file.url_private_download.clone(),
            })
        })
        .collect();
    let mut text = plain(event.text.as_deref().unwrap_or_default(), bots);
    if text.is_empty() {
        // A bare mention is a call by name; a bare file speaks by its own.
        let names: Vec<&str> = attachments.iter().filter_map(|file| file.name.as_deref()).collect();
        text = if names.is_empty() { format!("@{agent}") } else { names.join(", ") };
    }
    Content { text, attachments }
}
