//! The product under measurement: the released binary with a PostgreSQL of its own, on a data directory that goes away.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tempfile::TempDir;

use crate::events::{APP, BOT_USER, SIGNING_SECRET, TEAM};
use crate::load::Wire;
use crate::process::Memory;
use crate::{pinned, process, statements};

const READY_WITHIN: Duration = Duration::from_secs(120);
const STOPS_WITHIN: Duration = Duration::from_secs(60);

pub(crate) const OWNER: &str = "owner@acme.test";
pub(crate) const PASSWORD: &str = "a-password-of-the-benchmark";

/// A running server. Dropped: asked to end, and its PostgreSQL with it.
pub(crate) struct Product {
    binary: PathBuf,
    home: TempDir,
    roles: Option<&'static str>,
    /// Where it runs with its PostgreSQL; anywhere, where none is given.
    core: Option<&'static str>,
    pub(crate) port: u16,
    server: Option<Child>,
}

impl Product {
    /// A server on a fresh data directory, ready. Without `roles` it does everything.
    pub(crate) async fn start(binary: &Path, roles: Option<&'static str>) -> Result<Self> {
        Self::start_on(None, binary, roles).await
    }

    /// The same on one core alone.
    pub(crate) async fn start_on(
        core: Option<&'static str>,
        binary: &Path,
        roles: Option<&'static str>,
    ) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("kbench-").tempdir()?;
        let port = testkit::free_port();
        let mut product = Self { binary: binary.to_owned(), home, roles, core, port, server: None };
        product.begin().await?;
        Ok(product)
    }

    /// Has PostgreSQL count its statements from now on; the server is started anew for it.
    pub(crate) async fn count_statements(&mut self) -> Result<()> {
        self.end()?;
        let file = self.home.path().join("data/postgres/cluster/postgresql.conf");
        let settings = fs::read_to_string(&file)? + "\nshared_preload_libraries = 'pg_stat_statements'\n";
        fs::write(&file, settings + "pg_stat_statements.track_planning = on\n")?;
        self.begin().await?;
        statements::reset(self).await
    }

    /// Starts the server on what stands, and says how long it took until `/readyz` was 200.
    pub(crate) async fn begin(&mut self) -> Result<Duration> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let begun = Instant::now();
        let mut serve = self.command("serve");
        serve.args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        if let Some(roles) = self.roles {
            serve.args(["--roles", roles]);
        }
        self.server = Some(serve.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?);
        while !self.is_ready().await {
            if let Some(status) = self.server.as_mut().and_then(|server| server.try_wait().ok().flatten()) {
                bail!("the server ended with {status}:\n{}", fs::read_to_string(self.log())?);
            }
            if begun.elapsed() > READY_WITHIN {
                bail!("the server is not ready after {READY_WITHIN:?}:\n{}", fs::read_to_string(self.log())?);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(begun.elapsed())
    }

    /// Ends the server in the orderly way; the data stay.
    pub(crate) fn end(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        Command::new("kill").args(["-TERM", &server.id().to_string()]).status()?;
        let asked = Instant::now();
        while server.try_wait()?.is_none() {
            if asked.elapsed() > STOPS_WITHIN {
                server.kill()?;
                server.wait()?;
                bail!("the server did not end");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// An organisation with an agent on the workspace of the events; model and Slack are at these addresses.
    pub(crate) fn furnish(&self, model_url: &str, slack_url: &str) -> Result<()> {
        self.apply(&installation(model_url, slack_url))
    }

    /// `konstruct apply` of this text.
    pub(crate) fn apply(&self, yaml: &str) -> Result<()> {
        let file = self.home.path().join("bench.yaml");
        fs::write(&file, yaml)?;
        let applied = self.command("apply").arg("-f").arg(&file).output()?;
        if !applied.status.success() {
            bail!("apply: {}{}", String::from_utf8_lossy(&applied.stdout), String::from_utf8_lossy(&applied.stderr));
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> i32 {
        self.server.as_ref().map_or(0, |server| server.id() as i32)
    }

    /// The postmaster's process id.
    pub(crate) fn postgres(&self) -> Result<i32> {
        let file = self.home.path().join("data/postgres/cluster/postmaster.pid");
        let text = fs::read_to_string(file)?;
        text.lines().next().and_then(|line| line.trim().parse().ok()).context("a pid file without a pid")
    }

    /// Milliseconds of CPU so far: the server's, and PostgreSQL's.
    pub(crate) fn cpu_ms(&self) -> Result<(f64, f64)> {
        let postgres = self.postgres()?;
        Ok((process::cpu_ms(self.pid(), &[postgres]), process::cpu_ms(postgres, &[])))
    }

    /// The server's, and PostgreSQL's.
    pub(crate) fn memory(&self) -> Result<(Memory, Memory)> {
        let postgres = self.postgres()?;
        Ok((process::memory(self.pid(), &[postgres]), process::memory(postgres, &[])))
    }

    /// A login of the private PostgreSQL.
    pub(crate) fn database(&self, role: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("localhost")
            .port(5432)
            .socket(self.home.path().join("data/postgres/run"))
            .username(role)
            .database("konstruct")
            .ssl_mode(PgSslMode::Disable)
    }

    /// What the server has said.
    pub(crate) fn log(&self) -> PathBuf {
        self.home.path().join("server.log")
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut wire) = Wire::connect(self.port).await else { return false };
        let asked = wire.ask(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").await;
        asked.is_ok_and(|answer| answer.status() == 200)
    }

    fn command(&self, name: &str) -> Command {
        let on = |core| pinned::on_core(core, &self.binary);
        let mut command = self.core.map_or_else(|| Command::new(&self.binary), on);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KONSTRUCT_") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        command.current_dir(self.home.path()).arg(name).arg("--data-dir").arg(self.home.path().join("data"));
        command
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.end().ok();
        // A server that was killed leaves its PostgreSQL running.
        if let Ok(postgres) = self.postgres() {
            Command::new("kill").args(["-INT", &postgres.to_string()]).stderr(Stdio::null()).status().ok();
        }
    }
}

fn installation(model_url: &str, slack_url: &str) -> String {
    format!(
        "kind: Organisation
name: acme
---
kind: User
email: {OWNER}
password: {PASSWORD}
memberships: [{{organisation: acme, role: owner}}]
---
kind: Provider
organisation: acme
name: scripted
wire: openai-chat
base_url: {model_url}
api_key: sk-of-the-benchmark
---
kind: ModelGroup
organisation: acme
name: quality
models: [{{provider: scripted, model: scripted-1}}]
---
kind: Agent
organisation: acme
project: default
name: Mara
role: Support specialist
persona: Friendly, precise.
system_prompt: Answer in one sentence.
model_group: quality
tools: [date_time, calculator]
---
kind: Connection
organisation: acme
project: default
name: acme-slack
channel: slack
agent: Mara
external_id: {TEAM}
settings: {{base_url: \"{slack_url}\", app_id: {APP}, bot_user_id: {BOT_USER}}}
secrets: {{signing_secret: {SIGNING_SECRET}, bot_token: xoxb-of-the-benchmark}}
"
    )
}
