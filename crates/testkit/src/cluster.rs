//! One throw-away PostgreSQL, shared by all test processes of a checkout, with a database of its own for each test.
//!
//! Whoever comes first starts it and migrates a template; each test copies the template. It ends by itself half a
//! minute after the last test process: a small watcher looks whether anybody still holds `users.lock`.
//! `KONSTRUCT_TEST_HOME` names another directory for it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use db::embedded::{Cluster, Durability, FileLock, Postmaster};
use db::{Db, DbOptions};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(120);

/// Ends the cluster once nobody has held `users.lock` for three looks in a row.
const WATCHER: &str = r"
quiet=0
while sleep 10; do
    if flock -n -x users.lock true; then quiet=$((quiet + 1)); else quiet=0; fi
    [ $quiet -ge 3 ] || continue
    exec 9>start.lock
    flock -x 9
    flock -n -x users.lock true && break
    exec 9>&-
    quiet=0
done
pid=$(head -n 1 cluster/postmaster.pid) && kill -INT $pid
while kill -0 $pid 2>/dev/null; do sleep 0.1; done
rm -rf cluster run log
";

/// A database of one test: migrated, empty, dropped with this value.
pub struct TestDb {
    name: String,
    cluster: Cluster,
    _user: FileLock,
}

impl TestDb {
    /// A copy of the migrated template.
    pub async fn new() -> Self {
        let (cluster, user) = shared_cluster().await;
        let name = format!("t_{}", Uuid::now_v7().simple());
        let create = format!("create database {name} template {}", template());
        run(&cluster, &create).await;
        Self { name, cluster, _user: user }
    }

    /// The superuser's login.
    pub fn admin(&self) -> PgConnectOptions {
        self.cluster.connect("postgres", &self.name)
    }

    /// The login of tenants' work.
    pub fn app(&self) -> PgConnectOptions {
        self.cluster.connect("konstruct_app", &self.name)
    }

    /// The login of routing, the engine and identity.
    pub fn system(&self) -> PgConnectOptions {
        self.cluster.connect("konstruct_system", &self.name)
    }

    /// The product's pools on it.
    pub async fn connect(&self) -> Db {
        self.connect_pools(5).await
    }

    pub async fn connect_pools(&self, max_connections: u32) -> Db {
        let options = DbOptions { app: self.app(), system: self.system(), max_connections };
        Db::connect(options).await.expect("the logins work")
    }

    /// The URL a server is given to log in as `role`.
    pub fn url(&self, role: &str) -> String {
        let sockets = self.cluster.socket_dir().display();
        format!("postgres://{role}@localhost/{}?host={sockets}&sslmode=disable", self.name)
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let (cluster, name) = (self.cluster.clone(), std::mem::take(&mut self.name));
        // A thread of its own: the test's runtime may be ending.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&cluster, &format!("drop database {name} with (force)")));
        });
        dropping.join().ok();
    }
}

/// A cluster of a test's own in `home`, with `fsync` on: to be killed, frozen and started again.
pub async fn private_cluster(home: &Path) -> (Cluster, Postmaster) {
    fs::create_dir_all(home).unwrap();
    let cluster = Cluster::open(home, Durability::Safe).await.expect("PostgreSQL's binaries");
    let postmaster = Postmaster::start_or_adopt(&cluster, PATIENCE).await.expect("PostgreSQL starts");
    (cluster, postmaster)
}

async fn shared_cluster() -> (Cluster, FileLock) {
    let home = home();
    fs::create_dir_all(&home).unwrap();
    let starting = FileLock::exclusive(&home.join("start.lock"), PATIENCE).await.unwrap();
    let user = FileLock::shared(&home.join("users.lock"), PATIENCE).await.unwrap();
    let cluster = Cluster::open(&home, Durability::Careless).await.expect("PostgreSQL's binaries");
    Postmaster::start_or_adopt(&cluster, PATIENCE).await.expect("PostgreSQL starts");
    watch(&home);
    make_template(&cluster).await;
    drop(starting);
    (cluster, user)
}

fn home() -> PathBuf {
    std::env::var_os("KONSTRUCT_TEST_HOME").map_or_else(
        || {
            let mut hasher = DefaultHasher::new();
            env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
            std::env::temp_dir().join(format!("konstruct-test-{:08x}", hasher.finish() as u32))
        },
        PathBuf::from,
    )
}

/// One watcher at most: a second finds `watch.lock` held and leaves.
fn watch(home: &Path) {
    let watcher = Command::new("flock")
        .args(["-n", "watch.lock", "sh", "-c", WATCHER])
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    // Without util-linux the cluster stays until it is ended by hand.
    drop(watcher);
}

fn template() -> String {
    format!("template_{}", db::schema_fingerprint())
}

async fn make_template(cluster: &Cluster) {
    let mut conn = PgConnection::connect_with(&cluster.connect("postgres", "postgres")).await.unwrap();
    let stands: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(template())
        .fetch_one(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    if stands {
        return;
    }
    run(cluster, "drop database if exists template_building with (force)").await;
    run(cluster, "create database template_building").await;
    let login = |role: &str| cluster.connect(role, "template_building");
    db::migrate(&login("postgres")).await.expect("the migrations run");
    let options = DbOptions { app: login("konstruct_app"), system: login("konstruct_system"), max_connections: 1 };
    let db = Db::connect(options).await.unwrap();
    db::keep_partitions(&db, kernel::Clock::system().now().date_naive()).await.expect("partitions are made");
    db.close().await;
    run(cluster, &format!("alter database template_building rename to {}", template())).await;
}

/// A statement of the superuser's on the cluster. The names in it are our own.
async fn run(cluster: &Cluster, statement: &str) {
    let mut conn = PgConnection::connect_with(&cluster.connect("postgres", "postgres")).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut conn).await.expect(statement);
    conn.close().await.unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_tests_have_databases_of_their_own_with_the_schema_and_this_month_s_partitions() {
        let (one, two) = tokio::join!(TestDb::new(), TestDb::new());
        assert_ne!(one.name, two.name);
        for database in [&one, &two] {
            let db = database.connect().await;
            assert_eq!(db::config_epoch(&db).await.unwrap(), 0);
            db.close().await;
        }
        let (db, other) = (one.connect().await, two.connect().await);
        let mut tx = db.system("test").await.unwrap();
        db::bump_config_epoch(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((db::config_epoch(&db).await.unwrap(), db::config_epoch(&other).await.unwrap()), (1, 0));
    }
}
