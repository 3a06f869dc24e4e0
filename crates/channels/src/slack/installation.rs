use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use db::{Db, TenantTx};
use infra::{ConfigEpoch, EpochCache, Reach, Sealer};
use kernel::{AgentId, ConnectionId, ProjectId, Secret, TenantId};
use tokio::sync::{Mutex, MutexGuard};

use super::decide::Employee;
use super::envelope::Envelope;
use super::settings::SlackSettings;
use super::verify::{Claimed, SigningKey};
use super::wire::Caller;
use crate::notes::{News, Note, Notes};
use crate::store::route::Candidate;
use crate::store::{channel_app, connection, route};
use crate::{ChannelKind, Error};

pub(crate) const SIGNING_SECRET: &str = "signing_secret";
pub(crate) const BOT_TOKEN: &str = "bot_token";

/// Enough for every workspace and connection of a large installation; each takes about a kilobyte.
const CACHED: usize = 65_536;
const UNKNOWN: usize = 4_096;
const LOADS: usize = 64;
/// How many secrets the handshake of an events URL is tried with.
const HANDSHAKE_SECRETS: i64 = 1000;

/// One Slack connection, ready to be worked for.
pub(crate) struct Installation {
    pub(crate) tenant: TenantId,
    pub(crate) project: ProjectId,
    pub(crate) connection: ConnectionId,
    pub(crate) agent: AgentId,
    pub(crate) agent_name: String,
    pub(crate) language: Option<String>,
    pub(crate) workspace: String,
    pub(crate) app_id: String,
    pub(crate) settings: SlackSettings,
    pub(crate) enabled: bool,
    pub(crate) suspended: bool,
    /// `None`: no bot token is set.
    pub(crate) caller: Option<Caller>,
    key: Option<SigningKey>,
    created_at: DateTime<Utc>,
    /// Its record says that something is wrong.
    troubled: AtomicBool,
    /// The minute in which its last delivery was noted.
    heard: AtomicI64,
}

impl Installation {
    pub(crate) fn employee(&self) -> Employee<'_> {
        Employee {
            name: &self.agent_name,
            bot_user_id: self.settings.bot_user_id.as_deref(),
            bot_id: self.settings.bot_id.as_deref(),
            allowed_bots: &self.settings.allowed_bots,
        }
    }
}

/// The connections a workspace's deliveries may be meant for, by the secret that would verify them.
pub(crate) struct Candidates {
    groups: Vec<Group>,
}

struct Group {
    key: SigningKey,
    /// Of one organisation, oldest first.
    installations: Vec<Arc<Installation>>,
}

impl Candidates {
    /// Those whose secret verifies the delivery. Claims see to it that they are one organisation's.
    pub(crate) fn verified(&self, claimed: &Claimed<'_>, raw: &[u8]) -> Option<&[Arc<Installation>]> {
        self.groups.iter().find(|group| group.key.verifies(claimed, raw)).map(|group| group.installations.as_slice())
    }
}

/// Finds installations, and remembers them until configuration changes.
pub(crate) struct Installations {
    db: Db,
    sealer: Sealer,
    notes: Notes,
    by_workspace: EpochCache<String, Arc<Candidates>>,
    /// Workspaces nobody has connected: apart, so that made-up names do not push the others out.
    unknown: EpochCache<String, ()>,
    /// One load at a time for each workspace or so: a change of configuration does not bring a stampede.
    loading: [Mutex<()>; LOADS],
    by_connection: EpochCache<(TenantId, ConnectionId), Arc<Installation>>,
    handshake: EpochCache<(), Arc<[SigningKey]>>,
}

impl Installations {
    pub(crate) fn new(db: Db, sealer: Sealer, epoch: &ConfigEpoch, notes: Notes) -> Self {
        Self {
            db,
            sealer,
            notes,
            by_workspace: EpochCache::new(epoch.clone(), CACHED),
            unknown: EpochCache::new(epoch.clone(), UNKNOWN),
            loading: std::array::from_fn(|_| Mutex::new(())),
            by_connection: EpochCache::new(epoch.clone(), CACHED),
            handshake: EpochCache::new(epoch.clone(), 1),
        }
    }

    /// Whom a delivery may be meant for, by the workspace it names; nothing is verified yet.
    pub(crate) async fn candidates(&self, envelope: &Envelope) -> Result<Arc<Candidates>, Error> {
        let app = envelope.api_app_id.as_deref().unwrap_or_default();
        for workspace in envelope.installations() {
            if let Some(found) = self.of_workspace(workspace, app).await? {
                return Ok(found);
            }
        }
        Err(Error::NotFound)
    }

    async fn of_workspace(&self, workspace: &str, app: &str) -> Result<Option<Arc<Candidates>>, Error> {
        let key = format!("{workspace} {app}");
        if let Some(found) = self.by_workspace.get(&key) {
            return Ok(Some(found));
        }
        if self.unknown.get(&key).is_some() {
            return Ok(None);
        }
        let _turn = self.turn(&key).await;
        let load = || async {
            let found = self.load_candidates(workspace, app).await?;
            found.map(Arc::new).ok_or(Error::NotFound)
        };
        match self.by_workspace.get_or_load(key.clone(), load).await {
            Err(Error::NotFound) => {
                self.unknown.get_or_load(key, || async { Ok::<_, Error>(()) }).await?;
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    /// The connection itself, for whoever speaks for it.
    pub(crate) async fn find(&self, tenant: TenantId, id: ConnectionId) -> Result<Arc<Installation>, Error> {
        if let Some(found) = self.by_connection.get(&(tenant, id)) {
            return Ok(found);
        }
        let _turn = self.turn(&id).await;
        let load = || async {
            let mut tx = self.db.tenant(tenant).await?;
            let found = self.load(&mut tx, id, None).await?;
            found.map(Arc::new).ok_or(Error::NotFound)
        };
        self.by_connection.get_or_load((tenant, id), load).await
    }

    async fn turn(&self, of: &impl Hash) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        self.loading[hasher.finish() as usize % LOADS].lock().await
    }

    /// Every distinct secret that a handshake may be signed with, up to a bound.
    pub(crate) async fn handshake_keys(&self) -> Result<Arc<[SigningKey]>, Error> {
        self.handshake.get_or_load((), || self.load_handshake_keys()).await
    }

    /// Takes down that a delivery was verified, at most once a minute.
    pub(crate) fn heard(&self, installation: &Installation, now: DateTime<Utc>) {
        let minute = now.timestamp() / 60;
        if installation.heard.swap(minute, Ordering::Relaxed) != minute {
            self.note(installation, now, News::Heard);
        }
    }

    /// Takes down what is wrong with a connection.
    pub(crate) fn problem(&self, installation: &Installation, now: DateTime<Utc>, problem: String) {
        installation.troubled.store(true, Ordering::Relaxed);
        self.note(installation, now, News::Problem(problem));
    }

    /// Takes down that the connection works, where something was wrong before.
    pub(crate) fn well(&self, installation: &Installation, now: DateTime<Utc>) {
        if installation.troubled.load(Ordering::Relaxed) && installation.troubled.swap(false, Ordering::Relaxed) {
            self.note(installation, now, News::Well);
        }
    }

    fn note(&self, installation: &Installation, at: DateTime<Utc>, news: News) {
        let (tenant, connection) = (installation.tenant, installation.connection);
        self.notes.take(Note { tenant, connection, at, news });
    }

    /// `None`: nobody has connected the workspace.
    async fn load_candidates(&self, workspace: &str, app: &str) -> Result<Option<Candidates>, Error> {
        let candidates = route::candidates(&self.db, ChannelKind::Slack, workspace, app).await?;
        if candidates.is_empty() {
            return Ok(None);
        }
        let shared = if candidates.iter().any(|candidate| candidate.shared) {
            channel_app::find(&self.db, &self.sealer, ChannelKind::Slack, app).await?
        } else {
            None
        };
        let shared = shared.and_then(|mut secrets| secrets.remove(SIGNING_SECRET));
        let mut groups: Vec<(Secret, Group)> = Vec::new();
        for candidate in candidates {
            let Some((installation, secret)) = self.load_signed(candidate, shared.as_ref()).await? else { continue };
            let Some(key) = installation.key.clone() else { continue };
            let installation = Arc::new(installation);
            match groups.iter_mut().find(|(known, group)| {
                *known == secret && group.installations.iter().all(|other| other.tenant == installation.tenant)
            }) {
                Some((_, group)) => group.installations.push(installation),
                None => groups.push((secret, Group { key, installations: vec![installation] })),
            }
        }
        let mut groups: Vec<Group> = groups.into_iter().map(|(_, group)| group).collect();
        for group in &mut groups {
            group.installations.sort_by_key(|installation| (installation.created_at, installation.connection));
        }
        Ok(Some(Candidates { groups }))
    }

    async fn load_signed(
        &self,
        candidate: Candidate,
        shared: Option<&Secret>,
    ) -> Result<Option<(Installation, Secret)>, Error> {
        let Candidate { tenant, connection: id, .. } = candidate;
        let mut tx = self.db.tenant(tenant).await?;
        let secret = if candidate.shared {
            shared.cloned()
        } else {
            tenancy::secrets::get(&mut tx, &self.sealer, id.as_uuid(), SIGNING_SECRET).await?
        };
        let Some(secret) = secret else { return Ok(None) };
        let installation = self.load(&mut tx, id, SigningKey::new(&secret)).await?;
        Ok(installation.map(|installation| (installation, secret)))
    }

    async fn load(
        &self,
        tx: &mut TenantTx,
        id: ConnectionId,
        key: Option<SigningKey>,
    ) -> Result<Option<Installation>, Error> {
        let Some(standing) = connection::find_standing(tx, id).await? else { return Ok(None) };
        let token = tenancy::secrets::get(tx, &self.sealer, id.as_uuid(), BOT_TOKEN).await?;
        let connection = standing.connection;
        let settings = SlackSettings::read(&connection.settings)?;
        let reach = if connection.private_allowed { Reach::Private } else { Reach::Public };
        Ok(Some(Installation {
            tenant: tx.tenant(),
            project: connection.project,
            connection: id,
            agent: connection.agent,
            agent_name: standing.profile.name,
            language: standing.profile.language,
            workspace: connection.external_id,
            app_id: connection.app_id,
            enabled: connection.enabled,
            suspended: standing.suspended,
            caller: token.map(|token| Caller { connection: id, base_url: settings.base_url.clone(), token, reach }),
            settings,
            key,
            created_at: connection.created_at,
            troubled: AtomicBool::new(connection.problem.is_some()),
            heard: AtomicI64::new(0),
        }))
    }

    async fn load_handshake_keys(&self) -> Result<Arc<[SigningKey]>, Error> {
        let mut keys = Vec::new();
        for app in channel_app::list(&self.db, ChannelKind::Slack, HANDSHAKE_SECRETS).await? {
            let secrets = channel_app::find(&self.db, &self.sealer, ChannelKind::Slack, &app).await?;
            keys.extend(secrets.as_ref().and_then(|secrets| SigningKey::new(secrets.get(SIGNING_SECRET)?)));
        }
        for candidate in route::own_secrets(&self.db, ChannelKind::Slack, HANDSHAKE_SECRETS).await? {
            let mut tx = self.db.tenant(candidate.tenant).await?;
            let owner = candidate.connection.as_uuid();
            let secret = tenancy::secrets::get(&mut tx, &self.sealer, owner, SIGNING_SECRET).await?;
            keys.extend(secret.as_ref().and_then(SigningKey::new));
        }
        Ok(keys.into())
    }
}
