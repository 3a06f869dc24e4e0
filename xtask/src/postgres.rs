//! A PostgreSQL that is thrown away, with the schema of the working tree: what queries are checked against.
//!
//! It is made with PostgreSQL's own programs and not with `db::embedded`, which does not compile while the queries'
//! data is missing.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::command::CommandExt as _;
use crate::machine;
use crate::project::Project;

const READY_WITHIN: Duration = Duration::from_secs(60);

pub(crate) struct Postgres {
    bin: PathBuf,
    home: TempDir,
    server: Child,
}

impl Postgres {
    /// Started and migrated.
    pub(crate) fn with_schema(project: &Project) -> Result<Self> {
        let postgres = Self::start()?;
        postgres.migrate(project)?;
        Ok(postgres)
    }

    /// The superuser's URL.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}&sslmode=disable", self.home.path().display())
    }

    /// One of PostgreSQL's clients, told where the server is.
    pub(crate) fn client(&self, name: &str) -> Command {
        let mut client = Command::new(self.bin.join(name));
        client.arg("--host").arg(self.home.path()).args(["--username", "postgres"]);
        client
    }

    /// The major version: `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` -> `15`.
    pub(crate) fn major(&self) -> Result<String> {
        let version = Command::new(self.bin.join("pg_dump")).arg("--version").output_of()?;
        let number = version.split(' ').nth(2).unwrap_or_default();
        Ok(number.chars().take_while(char::is_ascii_digit).collect())
    }

    fn start() -> Result<Self> {
        let bin = machine::postgres()?;
        // Short, for the socket's sake, and open to whomever root becomes.
        let home = tempfile::Builder::new().prefix("konstruct-gen-").tempdir()?;
        let data = home.path().join("data");
        std::fs::create_dir(&data)?;
        let mut initdb = unprivileged(bin.join("initdb"), &home)?;
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        initdb.arg("--pgdata").arg(&data).output_of()?;
        let mut server = unprivileged(bin.join("postgres"), &home)?;
        server.arg("-D").arg(&data).arg("-k").arg(home.path());
        server.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=100"]);
        let log = File::create(home.path().join("log"))?;
        let server = server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut postgres = Self { bin, home, server };
        let begun = Instant::now();
        while !postgres.client("pg_isready").succeeds() {
            if begun.elapsed() > READY_WITHIN || postgres.server.try_wait()?.is_some() {
                bail!("PostgreSQL does not start: {}", std::fs::read_to_string(postgres.home.path().join("log"))?);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(postgres)
    }

    fn migrate(&self, project: &Project) -> Result<()> {
        let mut migrations: Vec<PathBuf> = std::fs::read_dir(project.path("crates/db/migrations"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<_>>()?;
        migrations.sort();
        self.psql().arg("--file").arg(project.path("crates/db/src/roles.sql")).output_of()?;
        for migration in migrations {
            let mut psql = self.psql();
            psql.args(["--command", "set role konstruct_owner", "--file"]).arg(&migration);
            psql.output_of().with_context(|| format!("migration {}", migration.display()))?;
        }
        Ok(())
    }

    fn psql(&self) -> Command {
        let mut psql = self.client("psql");
        psql.args(["--no-password", "--dbname", "postgres", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]);
        psql
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Nothing of it is kept: no need for an orderly end.
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// PostgreSQL refuses to run as root: root starts it in a user namespace, or as the user `postgres` or `nobody`.
fn unprivileged(program: PathBuf, home: &TempDir) -> Result<Command> {
    let id = |arguments: &[&str]| Command::new("id").args(arguments).output_of().map(|id| id.trim().to_owned());
    if id(&["-u"])? != "0" {
        return Ok(Command::new(program));
    }
    let user = if id(&["-u", "postgres"]).is_ok() { "postgres" } else { "nobody" };
    let (uid, gid) = (id(&["-u", user])?, id(&["-g", user])?);
    let namespace = ["--user", &format!("--map-user={uid}"), &format!("--map-group={gid}"), "--"];
    if Command::new("unshare").args(namespace).arg("true").succeeds() {
        let mut unshare = Command::new("unshare");
        unshare.args(namespace).arg(program);
        return Ok(unshare);
    }
    Command::new("chown").args(["-R", &format!("{uid}:{gid}")]).arg(home.path()).output_of()?;
    let mut setpriv = Command::new("setpriv");
    setpriv.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups", "--"]).arg(program);
    Ok(setpriv)
}
