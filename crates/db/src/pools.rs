use std::time::Duration;

use kernel::TenantCtx;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use tokio::time::{Instant, sleep, timeout_at};

use crate::error::is_away;
use crate::{Error, SystemTx, TenantTx};

/// What PostgreSQL itself is to end: a statement that hangs, and the session of a node that is gone without a word, whose
/// locks would stop the others.
const BOUNDS: [(&str, &str); 5] = [
    ("statement_timeout", "120s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// How long whoever needs a connection waits for one.
const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(250);
/// A connection that was not used for this long is tried before it is used.
pub const RESTED: Duration = Duration::from_secs(1);

/// How to reach the database. Both logins are unprivileged; see DESIGN "roles of the database".
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// The login `konstruct_app`: tenants' work.
    pub app: PgConnectOptions,
    /// The login `konstruct_system`: routing, committers, dispatch, identity.
    pub system: PgConnectOptions,
    /// The most connections of each pool.
    pub max_connections: u32,
}

/// The database, as two pools. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    app: PgPool,
    system: PgPool,
}

impl Db {
    /// Connects, and refuses logins that could look past row-level security and servers that are too old.
    pub async fn connect(options: DbOptions) -> Result<Self, Error> {
        let pool = |connect: PgConnectOptions| {
            PgPoolOptions::new()
                .max_connections(options.max_connections)
                .min_connections(1)
                .acquire_timeout(PATIENCE)
                .test_before_acquire(false)
                // One that rested may have died with its PostgreSQL; under load none rests, and nothing is asked.
                .before_acquire(|conn, meta| {
                    Box::pin(async move { Ok(meta.idle_for < RESTED || PgConnection::ping(conn).await.is_ok()) })
                })
                .connect_with(connect.application_name("konstruct"))
        };
        // A plan made while a table or a partition is still empty scans all of it, and is kept until the next analysis,
        // which a burst does not wait for; so do the checks of foreign keys. Every query here has an index.
        let app = options.app.options(BOUNDS).options([("enable_seqscan", "off")]);
        // The engine's statements are few, the same for ever, and dear to plan: a claim's plan took longer than the
        // claim. Tenants' queries have optional conditions and are planned for those that they come with.
        let system = options.system.options(BOUNDS);
        let system = system.options([("enable_seqscan", "off"), ("plan_cache_mode", "force_generic_plan")]);
        // A pool would try again for its whole patience and keep the reason to itself.
        for login in [&app, &system] {
            knock(login).await?;
        }
        let db = Self { app: pool(app).await?, system: pool(system).await? };
        for pool in [&db.app, &db.system] {
            refuse_privileged(pool).await?;
        }
        Ok(db)
    }

    /// Opens a transaction that sees this tenant's rows, and no other's.
    pub async fn tenant(&self, ctx: impl Into<TenantCtx>) -> Result<TenantTx, Error> {
        self.begin_tenant(ctx.into(), "").await
    }

    /// Like [`Db::tenant`], but its commit does not wait for the disk: for work that a later commit confirms. The log
    /// is written in order, so what is durable later makes this durable too, and a crash in between undoes both.
    pub async fn tenant_unsynced(&self, ctx: impl Into<TenantCtx>) -> Result<TenantTx, Error> {
        self.begin_tenant(ctx.into(), ", set_config('synchronous_commit', 'off', true)").await
    }

    async fn begin_tenant(&self, ctx: TenantCtx, settings: &'static str) -> Result<TenantTx, Error> {
        let tenant = ctx.tenant;
        // One round trip: the uuid's own digits are all that is put into the text.
        let begin = format!("begin; select set_config('app.tenant_id', '{tenant}', true){settings}");
        Ok(TenantTx::new(self.app.begin_with(AssertSqlSafe(begin)).await?, tenant))
    }

    /// Opens a transaction over all tenants, for routing, the engine and identity. `reason` is for the reader.
    pub async fn system(&self, reason: &'static str) -> Result<SystemTx, Error> {
        tracing::trace!(reason, "system transaction");
        Ok(SystemTx::new(self.system.begin().await?))
    }

    /// A connection of the system login beside the pools, for a task that must never wait for one: a committer's, or
    /// the one that keeps a lease.
    pub async fn own_connection(&self) -> Result<PgConnection, Error> {
        Ok(PgConnection::connect_with(&self.system.connect_options()).await?)
    }

    /// A connection of the system login for a single statement that is a transaction by itself.
    pub async fn system_statement(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, Error> {
        Ok(self.system.acquire().await?)
    }

    /// Listens to notifications on a connection of its own; it reconnects by itself.
    pub async fn listen(&self, channels: &[&str]) -> Result<PgListener, Error> {
        let mut listener = PgListener::connect_with(&self.system).await?;
        listener.listen_all(channels.iter().copied()).await?;
        Ok(listener)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut conn = self.system.acquire().await?;
        PgConnection::ping(&mut conn).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.app.close().await;
        self.system.close().await;
    }
}

/// Connects once; a server that is just starting is waited for.
async fn knock(login: &PgConnectOptions) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let connection = timeout_at(deadline, PgConnection::connect_with(login)).await;
        match connection.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut)) {
            Ok(connection) => return Ok(connection.close().await?),
            Err(source) if is_away(&source) && Instant::now() + AGAIN < deadline => sleep(AGAIN).await,
            Err(source) => {
                let (at, user) =
                    (format!("{}:{}", login.get_host(), login.get_port()), login.get_username().to_owned());
                return Err(Error::NotReached { at, user, source });
            }
        }
    }
}

async fn refuse_privileged(pool: &PgPool) -> Result<(), Error> {
    let found = sqlx::query!(
        r#"select current_user::text as "role!", current_setting('server_version') as "version!",
                  current_setting('server_version_num')::int as "version_num!",
                  r.rolsuper as "superuser!", r.rolbypassrls as "bypass!",
                  exists (select from pg_auth_members m where m.member = r.oid) as "member!",
                  exists (select from pg_class c where c.relowner = r.oid) as "owner!"
           from pg_roles r where r.rolname = current_user"#
    )
    .fetch_one(pool)
    .await?;
    if found.version_num < 150_000 {
        return Err(Error::ServerVersion { found: found.version });
    }
    let why = match found {
        _ if found.superuser => "it is a superuser",
        _ if found.bypass => "it bypasses row-level security",
        _ if found.member => "it is a member of another role",
        _ if found.owner => "it owns tables",
        _ => return Ok(()),
    };
    Err(Error::PrivilegedRole { role: found.role, why })
}
