use std::collections::BTreeMap;
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
use super::misfit::{Allowance, Misfits};
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
/// How many secrets a workspace's deliveries are tried with.
const SECRETS: i64 = 256;
/// How many bytes are hashed for one delivery, whatever many organisations name its workspace...
const HASHED: usize = 16 << 20;
/// ...but however long it is, so many secrets are tried.
const TRIED: usize = 16;
/// How many secrets the handshake of an events URL is tried with.
const HANDSHAKE_SECRETS: i64 = 1000;
/// How many of them may be shared apps'.
const HANDSHAKE_APPS: i64 = 100;

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
    created_at: DateTime<Utc>,
    /// Its record says that something is wrong.
    troubled: AtomicBool,
    /// The minute in which its last delivery was noted.
    heard: AtomicI64,
    /// Its token cannot post under another name (`chat:write.customize`): that is not tried again.
    pub(crate) plain_name: AtomicBool,
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

/// Who may have made a workspace's deliveries: by the secret that would verify them, the likeliest first.
pub(crate) struct Candidates {
    pub(super) workspace: String,
    pub(super) claims: Vec<Claim>,
    /// When a delivery that none of them verifies was last noted.
    pub(super) misfits: Misfits,
}

/// One organisation's secret, and the connections that it speaks for.
pub(crate) struct Claim {
    key: SigningKey,
    pub(super) tenant: TenantId,
    pub(super) connections: Vec<ConnectionId>,
    shared_app: Option<String>,
}

impl Candidates {
    /// The claim whose secret verifies the delivery that `app` made.
    pub(crate) fn verified(&self, app: &str, claimed: &Claimed<'_>, raw: &[u8]) -> Option<&Claim> {
        let tries = (HASHED / raw.len().max(1)).max(TRIED);
        let mut of_app = self.claims.iter().filter(|claim| claim.shared_app.as_deref().is_none_or(|of| of == app));
        let found = of_app.by_ref().take(tries).find(|claim| claim.key.verifies(claimed, raw));
        if found.is_none() && of_app.next().is_some() {
            metrics::counter!("konstruct_slack_secrets_untried_total").increment(1);
            tracing::warn!(workspace = self.workspace, tries, "not every secret for a long delivery could be tried");
        }
        found
    }
}

/// Finds installations, and remembers them until configuration changes.
pub(crate) struct Installations {
    db: Db,
    sealer: Sealer,
    notes: Notes,
    misfits: Allowance,
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
            misfits: Allowance::default(),
            by_workspace: EpochCache::new(epoch.clone(), CACHED),
            unknown: EpochCache::new(epoch.clone(), UNKNOWN),
            loading: std::array::from_fn(|_| Mutex::new(())),
            by_connection: EpochCache::new(epoch.clone(), CACHED),
            handshake: EpochCache::new(epoch.clone(), 1),
        }
    }

    /// Who may have made a delivery, by the workspace it names; nothing is verified yet.
    pub(crate) async fn candidates(&self, envelope: &Envelope) -> Result<Arc<Candidates>, Error> {
        for workspace in envelope.installations() {
            if let Some(found) = self.of_workspace(workspace).await? {
                return Ok(found);
            }
        }
        Err(Error::NotFound)
    }

    async fn of_workspace(&self, workspace: &str) -> Result<Option<Arc<Candidates>>, Error> {
        if let Some(found) = self.by_workspace.get(workspace) {
            return Ok(Some(found));
        }
        if self.unknown.get(workspace).is_some() {
            return Ok(None);
        }
        let _turn = self.turn(&workspace).await;
        let load = || async {
            let found = self.load_candidates(workspace).await?;
            found.map(Arc::new).ok_or(Error::NotFound)
        };
        match self.by_workspace.get_or_load(workspace.to_owned(), load).await {
            Err(Error::NotFound) => {
                self.unknown.get_or_load(workspace.to_owned(), || async { Ok::<_, Error>(()) }).await?;
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    /// The connections that a claim speaks for, oldest first.
    pub(crate) async fn of_claim(&self, claim: &Claim) -> Result<Vec<Arc<Installation>>, Error> {
        let mut installations = Vec::with_capacity(claim.connections.len());
        for connection in &claim.connections {
            match self.find(claim.tenant, *connection).await {
                Ok(found) => installations.push(found),
                // It was removed a moment ago.
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        installations.sort_by_key(|installation| (installation.created_at, installation.connection));
        Ok(installations)
    }

    /// The connection itself, for whoever speaks for it.
    pub(crate) async fn find(&self, tenant: TenantId, id: ConnectionId) -> Result<Arc<Installation>, Error> {
        if let Some(found) = self.by_connection.get(&(tenant, id)) {
            return Ok(found);
        }
        let _turn = self.turn(&id).await;
        let load = || async {
            let mut tx = self.db.tenant(tenant).await?;
            let found = self.load(&mut tx, id).await?;
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
        if let Some(keys) = self.handshake.get(&()) {
            return Ok(keys);
        }
        let _turn = self.turn(&"handshake").await;
        self.handshake.get_or_load((), || self.load_handshake_keys()).await
    }

    /// Takes down that a delivery was verified, at most once a minute; `at_once` where something else was noted since.
    pub(crate) fn heard(&self, installation: &Installation, now: DateTime<Utc>, at_once: bool) {
        let minute = now.timestamp() / 60;
        if installation.heard.swap(minute, Ordering::Relaxed) != minute || at_once {
            self.note((installation.tenant, installation.connection), now, News::Heard);
        }
    }

    /// Takes down that a delivery for the workspace came which none of its secrets verifies: for every connection it
    /// may have been meant for, at most once a minute. Anybody can bring this about, so it is a hint and nothing more.
    pub(crate) fn misfit(&self, candidates: &Candidates, app: &str, now: DateTime<Utc>) {
        if !candidates.misfits.begin(now) {
            return;
        }
        let about = candidates.claims.iter().flat_map(|claim| claim.connections.iter().map(|id| (claim.tenant, *id)));
        for connection in about {
            if !self.misfits.spend(now) {
                return;
            }
            self.note(connection, now, News::Misfit { app: app.to_owned() });
        }
    }

    /// Takes down what is wrong with a connection.
    pub(crate) fn problem(&self, installation: &Installation, now: DateTime<Utc>, problem: String) {
        installation.troubled.store(true, Ordering::Relaxed);
        self.note((installation.tenant, installation.connection), now, News::Problem(problem));
    }

    /// Takes down that the connection works, where something was wrong before.
    pub(crate) fn well(&self, installation: &Installation, now: DateTime<Utc>) {
        if installation.troubled.load(Ordering::Relaxed) && installation.troubled.swap(false, Ordering::Relaxed) {
            self.note((installation.tenant, installation.connection), now, News::Well);
        }
    }

    fn note(&self, (tenant, connection): (TenantId, ConnectionId), at: DateTime<Utc>, news: News) {
        self.notes.take(Note { tenant, connection, at, news });
    }

    /// `None`: nobody has connected the workspace.
    async fn load_candidates(&self, workspace: &str) -> Result<Option<Candidates>, Error> {
        let candidates = route::candidates(&self.db, ChannelKind::Slack, workspace, SECRETS).await?;
        if candidates.is_empty() {
            return Ok(None);
        }
        if candidates.len() as i64 == SECRETS {
            metrics::counter!("konstruct_slack_workspaces_crowded_total").increment(1);
            tracing::warn!(workspace, secrets = SECRETS, "as many secrets name this workspace as are tried, or more");
        }
        let mut shared = BTreeMap::new();
        let mut claims: Vec<(Secret, Claim)> = Vec::new();
        for Candidate { tenant, connections, shared_app } in candidates {
            let secret = match (&shared_app, connections.first()) {
                (Some(app), _) => self.shared_secret(&mut shared, app).await?,
                (None, Some(first)) => self.own_secret(tenant, *first).await?,
                (None, None) => None,
            };
            let Some((key, secret)) = secret.and_then(|secret| Some((SigningKey::new(&secret)?, secret))) else {
                continue;
            };
            // An organisation may have typed a shared app's secret as its own: what it signs is for both.
            match claims.iter_mut().find(|(known, claim)| claim.tenant == tenant && *known == secret) {
                Some((_, claim)) => claim.connections.extend(connections),
                None => claims.push((secret, Claim { key, tenant, connections, shared_app })),
            }
        }
        let claims = claims.into_iter().map(|(_, claim)| claim).collect();
        Ok(Some(Candidates { workspace: workspace.to_owned(), claims, misfits: Misfits::default() }))
    }

    async fn shared_secret(
        &self,
        known: &mut BTreeMap<String, Option<Secret>>,
        app: &str,
    ) -> Result<Option<Secret>, Error> {
        if let Some(secret) = known.get(app) {
            return Ok(secret.clone());
        }
        let secrets = channel_app::find(&self.db, &self.sealer, ChannelKind::Slack, app).await?;
        let secret = secrets.and_then(|mut secrets| secrets.remove(SIGNING_SECRET));
        known.insert(app.to_owned(), secret.clone());
        Ok(secret)
    }

    async fn own_secret(&self, tenant: TenantId, connection: ConnectionId) -> Result<Option<Secret>, Error> {
        let mut tx = self.db.tenant(tenant).await?;
        Ok(tenancy::secrets::get(&mut tx, &self.sealer, connection.as_uuid(), SIGNING_SECRET).await?)
    }

    async fn load(&self, tx: &mut TenantTx, id: ConnectionId) -> Result<Option<Installation>, Error> {
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
            created_at: connection.created_at,
            troubled: AtomicBool::new(connection.problem.is_some()),
            heard: AtomicI64::new(0),
            plain_name: AtomicBool::new(false),
        }))
    }

    async fn load_handshake_keys(&self) -> Result<Arc<[SigningKey]>, Error> {
        let mut keys = Vec::new();
        for app in channel_app::list(&self.db, ChannelKind::Slack, HANDSHAKE_APPS).await? {
            let secrets = channel_app::find(&self.db, &self.sealer, ChannelKind::Slack, &app).await?;
            keys.extend(secrets.as_ref().and_then(|secrets| SigningKey::new(secrets.get(SIGNING_SECRET)?)));
        }
        let own = route::own_secrets(&self.db, ChannelKind::Slack, HANDSHAKE_SECRETS).await?;
        if own.len() as i64 == HANDSHAKE_SECRETS {
            tracing::warn!(secrets = HANDSHAKE_SECRETS, "handshakes are tried with the newest secrets alone");
        }
        for (tenant, connection) in own {
            let secret = self.own_secret(tenant, connection).await?;
            keys.extend(secret.as_ref().and_then(SigningKey::new));
        }
        Ok(keys.into())
    }
}
