use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;

use super::account::Account;
use super::{BinDir, connect_options, lock};
use crate::Error;

/// Only the name of the socket's file: nothing listens on a network.
pub(super) const PORT: u16 = 5432;
/// What `sockaddr_un` holds without its final zero, less the name of the socket's file.
const LONGEST_SOCKET_DIR: usize = 107 - "/.s.PGSQL.5432".len();

/// Whether what is committed must survive the machine's loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// `fsync` on.
    Safe,
    /// For throw-away clusters of tests: `fsync` off, more connections.
    Careless,
}

/// A cluster's place, programs and settings. What it holds on disk is made by [`Cluster::open`].
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(super) dir: PathBuf,
    pub(super) socket_dir: PathBuf,
    pub(super) log: PathBuf,
    pub(super) bin: BinDir,
    pub(super) account: Account,
}

impl Cluster {
    /// The cluster below `home`, made where it is missing, with its settings written anew.
    /// The caller sees to it that nobody else does the same at once.
    pub async fn open(home: &Path, durability: Durability) -> Result<Self, Error> {
        let home = &std::path::absolute(home).map_err(|source| Error::file(home, source))?;
        let dir = home.join("cluster");
        let made_by = fs::read_to_string(dir.join("PG_VERSION")).ok().and_then(|text| text.trim().parse().ok());
        let bin = BinDir::find(made_by)?;
        let account = Account::choose(home, &dir).await?;
        Self::open_as(account, home, bin, durability).await
    }

    async fn open_as(account: Account, home: &Path, bin: BinDir, durability: Durability) -> Result<Self, Error> {
        let dir = home.join("cluster");
        let stands = dir.join("PG_VERSION").exists();
        let cluster = Self { socket_dir: socket_dir(home, account)?, log: home.join("log"), dir, bin, account };
        if !stands {
            cluster.make(home).await?;
        }
        account.give(&cluster.socket_dir)?;
        cluster.write_settings(durability)?;
        Ok(cluster)
    }

    /// A login as `role` into `database`.
    pub fn connect(&self, role: &str, database: &str) -> PgConnectOptions {
        connect_options(&self.socket_dir, role, database)
    }

    /// Where the socket lies.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// Made under another name first: a cluster that stands is a whole one.
    async fn make(&self, home: &Path) -> Result<(), Error> {
        let fresh = home.join("cluster.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(|source| Error::file(&fresh, source))?;
        }
        lock::create_private_dir(&fresh)?;
        self.account.give(&fresh)?;
        let mut initdb = self.account.command(self.bin.program("initdb"));
        initdb.arg("--pgdata").arg(&fresh).current_dir("/");
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        ]);
        let made = initdb.output().await.map_err(|source| Error::file(self.bin.program("initdb"), source))?;
        if !made.status.success() {
            return Err(Error::Postgres {
                doing: "make its cluster",
                said: String::from_utf8_lossy(&made.stderr).trim().to_owned(),
            });
        }
        fs::rename(&fresh, &self.dir).map_err(|source| Error::file(&self.dir, source))
    }

    fn write_settings(&self, durability: Durability) -> Result<(), Error> {
        let write = |name: &str, text: &str| {
            let path = self.dir.join(name);
            if fs::read_to_string(&path).is_ok_and(|stands| stands == text) {
                return Ok(());
            }
            fs::write(&path, text).map_err(|source| Error::file(&path, source))
        };
        write("pg_hba.conf", "# The socket's directory is its owner's alone.\nlocal all all trust\n")?;
        write("konstruct.conf", &self.settings(durability))?;
        let main = self.dir.join("postgresql.conf");
        let text = fs::read_to_string(&main).map_err(|source| Error::file(&main, source))?;
        if text.contains("include 'konstruct.conf'") {
            return Ok(());
        }
        // First, so that what somebody writes below it is in force.
        write("postgresql.conf", &["include 'konstruct.conf'\n", &without_defaults(&text)].concat())
    }

    fn settings(&self, durability: Durability) -> String {
        let sockets = self.socket_dir.display().to_string().replace('\'', "''");
        let (fsync, max_connections) = match durability {
            Durability::Safe => ("on", 60),
            Durability::Careless => ("off", 400),
        };
        format!(
            "# Written by konstruct at every start. Settings of your own belong in postgresql.conf.\n\
             listen_addresses = ''\n\
             port = {PORT}\n\
             unix_socket_directories = '{sockets}'\n\
             unix_socket_permissions = 0700\n\
             max_connections = {max_connections}\n\
             fsync = {fsync}\n\
             synchronous_commit = {fsync}\n\
             full_page_writes = {fsync}\n\
             shared_buffers = 128MB\n\
             huge_pages = off\n\
             wal_compression = on\n\
             min_wal_size = 160MB\n\
             max_wal_size = 2GB\n\
             checkpoint_timeout = 15min\n\
             max_wal_senders = 2\n\
             max_replication_slots = 0\n\
             max_worker_processes = 4\n\
             max_parallel_workers_per_gather = 0\n\
             autovacuum_naptime = 15s\n\
             random_page_cost = 1.1\n\
             jit = off\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             log_line_prefix = '%m [%p] '\n\
             log_checkpoints = off\n\
             log_min_duration_statement = 2s\n\
             log_parameter_max_length = 0\n\
             log_parameter_max_length_on_error = 0\n\
             log_min_error_statement = panic\n\
             idle_in_transaction_session_timeout = 60s\n"
        )
    }
}

/// What initdb wrote, without the settings that would win over ours.
fn without_defaults(text: &str) -> String {
    const OURS: [&str; 5] = ["max_connections", "shared_buffers", "log_timezone", "timezone", "max_wal_size"];
    let ours = |line: &str| line.starts_with("min_wal_size") || OURS.iter().any(|name| line.starts_with(name));
    text.lines().filter(|line| !ours(line)).flat_map(|line| [line, "\n"]).collect()
}

/// Inside `home`, or where the socket's path would be too long in a short directory of this user's own.
fn socket_dir(home: &Path, account: Account) -> Result<PathBuf, Error> {
    let inside = home.join("run");
    if inside.as_os_str().len() <= LONGEST_SOCKET_DIR {
        lock::create_private_dir(&inside)?;
        return Ok(inside);
    }
    let real = home.canonicalize().map_err(|source| Error::file(home, source))?;
    let mut hasher = DefaultHasher::new();
    real.hash(&mut hasher);
    let name = format!("konstruct-{:016x}", hasher.finish());
    let temp = Some(std::env::temp_dir()).filter(|dir| dir.as_os_str().len() + name.len() < LONGEST_SOCKET_DIR);
    let short = temp.unwrap_or_else(|| PathBuf::from("/tmp")).join(name);
    // Anybody may make directories there: what stands must be ours, and no link.
    match fs::DirBuilder::new().mode(0o700).create(&short) {
        Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => return Err(Error::file(&short, source)),
        _ => {}
    }
    let found = fs::symlink_metadata(&short).map_err(|source| Error::file(&short, source))?;
    let ours = found.uid() == rustix::process::geteuid().as_raw() || found.uid() == account.uid();
    if !found.is_dir() || found.mode() & 0o077 != 0 || !ours {
        return Err(Error::Postgres {
            doing: "use its socket's directory",
            said: format!("{} stands already and is not this user's alone", short.display()),
        });
    }
    Ok(short)
}

#[cfg(test)]
mod tests {
    use super::super::Postmaster;
    use super::*;

    #[test]
    fn a_socket_path_that_would_be_too_long_moves_to_a_short_directory_of_its_own() {
        let temp = tempfile::tempdir().unwrap();
        let near = temp.path().join("near");
        let far = temp.path().join("f".repeat(120));
        for home in [&near, &far] {
            fs::create_dir(home).unwrap();
        }
        assert_eq!(socket_dir(&near, Account::Own).unwrap(), near.join("run"));
        let short = socket_dir(&far, Account::Own).unwrap();
        assert!(short.as_os_str().len() <= LONGEST_SOCKET_DIR && !short.starts_with(&far));
        assert_eq!(socket_dir(&far, Account::Own).unwrap(), short, "the same one is found again");
        assert_eq!(fs::metadata(&short).unwrap().mode() & 0o777, 0o700);
        fs::remove_dir(short).unwrap();
    }

    #[test]
    fn a_short_directory_that_others_may_enter_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let far = temp.path().join("g".repeat(120));
        fs::create_dir(&far).unwrap();
        let short = socket_dir(&far, Account::Own).unwrap();
        fs::set_permissions(&short, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert!(socket_dir(&far, Account::Own).is_err());
        fs::remove_dir(short).unwrap();
    }

    #[tokio::test]
    async fn where_root_may_make_no_namespace_another_user_runs_it() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("postgres");
        lock::create_private_dir(&home).unwrap();
        fs::set_permissions(temp.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let (uid, gid) = super::super::account::other_user();
        let account = Account::other(uid, gid, &home).await.unwrap();
        let bin = BinDir::find(None).unwrap();
        let cluster = Cluster::open_as(account, &home, bin, Durability::Careless).await.unwrap();
        assert_eq!(fs::metadata(home.join("cluster")).unwrap().uid(), uid);
        assert_eq!(Account::choose(&home, &cluster.dir).await.unwrap(), account, "the cluster's owner stays");
        let mut postmaster = Postmaster::start_or_adopt(&cluster, std::time::Duration::from_secs(60)).await.unwrap();
        postmaster.stop().await.unwrap();
    }

    #[test]
    fn the_defaults_of_initdb_do_not_win_over_ours() {
        let text = "max_connections = 100\n#fsync = on\ndatestyle = 'iso, mdy'\nshared_buffers = 128MB\n";
        assert_eq!(without_defaults(text), "#fsync = on\ndatestyle = 'iso, mdy'\n");
    }
}
