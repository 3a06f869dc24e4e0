//! FastAPI, Celery and Redis: the design this product descends from. Its code is in `bench/peers/celery`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::install;
use crate::events::SIGNING_SECRET;
use crate::load::Wire;
use crate::outside::Outside;
use crate::process;

const READY_WITHIN: Duration = Duration::from_secs(60);

/// Whether Redis writes what it acknowledges.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aof {
    /// `appendfsync always`: on the disk before it is acknowledged.
    Always,
    /// In memory alone: a crash of Redis loses what is queued.
    Off,
}

/// Redis, the web server and the workers. Dropped: ended.
pub(crate) struct Celery {
    pub(crate) port: u16,
    /// In the order they were started in.
    processes: Vec<(&'static str, Child)>,
    home: TempDir,
}

/// Where its programs are.
pub(crate) struct Environment {
    bin: PathBuf,
    code: PathBuf,
}

impl Environment {
    /// Installs what is missing: Redis from the system's packages, Python's packages into an environment of their own.
    pub(crate) fn prepare() -> Result<Self> {
        if version("redis-server").is_err() {
            let installed = Command::new("apt-get").args(["install", "-y", "redis-server"]).status();
            ensure!(installed.is_ok_and(|status| status.success()), "install it first: apt-get install redis-server");
        }
        let code = Path::new("bench/peers/celery").canonicalize()?;
        let home = install::python("celery")?;
        Ok(Self { bin: home.join("bin"), code })
    }

    /// The versions of what is compared with.
    pub(crate) fn versions(&self) -> Result<Value> {
        let packages = std::fs::read_to_string(self.code.join("requirements.txt"))?;
        Ok(json!({
            "python": version(self.bin.join("python"))?, "redis": version("redis-server")?,
            "packages": packages.split_whitespace().collect::<Vec<_>>(),
        }))
    }
}

impl Celery {
    /// Starts all three; the workers ask this model and post to this Slack.
    pub(crate) async fn start(environment: &Environment, outside: &Outside, aof: Aof, workers: u64) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("kbench-celery-").tempdir()?;
        let (redis_port, port) = (testkit::free_port(), testkit::free_port());
        let mut celery = Self { port, processes: Vec::new(), home };
        let mut redis = Command::new("redis-server");
        redis.args(["--port", &redis_port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        match aof {
            Aof::Always => redis.args(["--appendonly", "yes", "--appendfsync", "always"]),
            Aof::Off => redis.args(["--appendonly", "no"]),
        };
        celery.spawn("redis", &mut redis)?;
        celery.wait_for(redis_port).await?;

        let configure = |command: &mut Command| {
            command
                .env("REDIS_URL", format!("redis://127.0.0.1:{redis_port}/0"))
                .env("MODEL_URL", outside.model_url())
                .env("SLACK_URL", outside.slack_url())
                .env("SLACK_SIGNING_SECRET", SIGNING_SECRET)
                .env("PYTHONPATH", &environment.code)
                .env("PYTHONDONTWRITEBYTECODE", "1");
        };
        let mut worker = Command::new(environment.bin.join("celery"));
        worker.args(["--app", "worker", "worker", "--pool", "prefork", "--concurrency", &workers.to_string()]);
        worker.args(["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"]);
        configure(&mut worker);
        celery.spawn("workers", &mut worker)?;
        let mut web = Command::new(environment.bin.join("uvicorn"));
        web.args(["app:app", "--port", &port.to_string(), "--loop", "uvloop", "--http", "httptools"]);
        web.args(["--no-access-log", "--log-level", "warning"]);
        configure(&mut web);
        celery.spawn("web", &mut web)?;
        celery.wait_for(port).await?;
        Ok(celery)
    }

    /// Milliseconds of CPU so far, of each part.
    pub(crate) fn cpu_ms(&self) -> Vec<(&'static str, f64)> {
        let of = |(name, child): &(&'static str, Child)| (*name, process::cpu_ms(child.id() as i32, &[]));
        self.processes.iter().map(of).collect()
    }

    /// Each process writes to a log of its own in the directory that goes away.
    fn spawn(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
        let log = File::create(self.log(name))?;
        command.current_dir(self.home.path()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        self.processes.push((name, child));
        Ok(())
    }

    fn log(&self, name: &str) -> PathBuf {
        self.home.path().join(format!("{name}.log"))
    }

    async fn wait_for(&mut self, port: u16) -> Result<()> {
        let begun = Instant::now();
        while Wire::connect(port).await.is_err() {
            for index in 0..self.processes.len() {
                let (name, child) = &mut self.processes[index];
                let name = *name;
                if let Some(status) = child.try_wait()? {
                    bail!("{name} ended with {status}:\n{}", std::fs::read_to_string(self.log(name))?);
                }
            }
            ensure!(begun.elapsed() < READY_WITHIN, "nothing listens on port {port}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl Drop for Celery {
    fn drop(&mut self) {
        // Redis, which came first, last.
        for (_, child) in self.processes.iter_mut().rev() {
            Command::new("kill").args(["-TERM", &child.id().to_string()]).status().ok();
            let asked = Instant::now();
            while asked.elapsed() < Duration::from_secs(10) && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(50));
            }
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn version(program: impl AsRef<std::ffi::OsStr>) -> Result<String> {
    let output = Command::new(program).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
