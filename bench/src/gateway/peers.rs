//! The other gateways, each as its makers start it, on one core, with everything off that can be.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use super::caller::{Door, try_once};
use crate::peers::install;
use crate::pinned;
use crate::process::{self, Memory};

const READY_WITHIN: Duration = Duration::from_secs(120);
const MODEL: &str = "mock-1";
/// LiteLLM refuses weak ones.
const LITELLM_KEY: &str = "sk-7c1f0a52d9e84b6f93ab";

/// A running peer. Dropped: ended.
pub(crate) struct Peer {
    home: TempDir,
    child: Child,
}

/// LiteLLM's proxy, one worker.
pub(crate) async fn litellm(mock_url: &str) -> Result<(Peer, Door)> {
    let program = install::python("litellm")?.join("bin/litellm");
    let port = testkit::free_port();
    let mut command = pinned::on_core(pinned::MEASURED, &program);
    command.arg("--config").arg(install::code("litellm")?.join("config.yaml"));
    command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--num_workers", "1"]);
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("LITELLM_TELEMETRY", "False");
    command.env("LITELLM_MASTER_KEY", LITELLM_KEY).env("MOCK_URL", mock_url);
    let peer = Peer::start(command)?;
    let door = Door {
        port,
        path: "/v1/chat/completions".to_owned(),
        headers: vec![("authorization", format!("Bearer {LITELLM_KEY}"))],
        model: MODEL.to_owned(),
    };
    peer.wait_until_ready(door).await
}

/// TensorZero's server, in a Python process that only starts it.
pub(crate) async fn tensorzero(mock_url: &str) -> Result<(Peer, Door)> {
    let program = install::python("tensorzero")?.join("bin/python");
    let mut command = pinned::on_core(pinned::MEASURED, &program);
    command.arg(install::code("tensorzero")?.join("serve.py")).env("MOCK_URL", mock_url);
    let peer = Peer::start(command)?;
    let port = peer.named_port("listening on http://127.0.0.1:").await?;
    let door = Door {
        port,
        path: "/openai/v1/chat/completions".to_owned(),
        headers: Vec::new(),
        model: format!("tensorzero::model_name::{MODEL}"),
    };
    peer.wait_until_ready(door).await
}

/// Portkey on the machine's Node.
pub(crate) async fn portkey(mock_url: &str) -> Result<(Peer, Door)> {
    let modules = install::node("portkey")?.join("node_modules");
    let node = which("node")?;
    let port = testkit::free_port();
    let mut command = pinned::on_core(pinned::MEASURED, &node);
    command.arg("--require").arg(install::code("portkey")?.join("loopback.cjs"));
    command.arg(modules.join("@portkey-ai/gateway/build/start-server.js"));
    command.args(["--headless", &format!("--port={port}")]).env("NODE_ENV", "production");
    let peer = Peer::start(command)?;
    let door = Door {
        port,
        path: "/v1/chat/completions".to_owned(),
        headers: vec![
            ("authorization", "Bearer sk-of-the-benchmark".to_owned()),
            ("x-portkey-provider", "openai".to_owned()),
            ("x-portkey-custom-host", mock_url.to_owned()),
        ],
        model: MODEL.to_owned(),
    };
    peer.wait_until_ready(door).await
}

impl Peer {
    /// In a directory of its own that goes away with it, and that its log is written to.
    fn start(mut command: Command) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("kbench-peer-").tempdir()?;
        let log = File::create(home.path().join("log"))?;
        command.current_dir(home.path()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { home, child })
    }

    pub(crate) fn cpu_ms(&self) -> f64 {
        process::cpu_ms(self.child.id() as i32, &[])
    }

    pub(crate) fn memory(&self) -> Memory {
        process::memory(self.child.id() as i32, &[])
    }

    /// The port that the peer's log names behind these words.
    async fn named_port(&self, words: &str) -> Result<u16> {
        let begun = Instant::now();
        loop {
            let log = self.log();
            let behind = log.split_once(words).map(|(_, behind)| behind);
            let digits = behind.map(|behind| behind.chars().take_while(char::is_ascii_digit).collect::<String>());
            if let Some(port) = digits.and_then(|digits| digits.parse().ok()) {
                return Ok(port);
            }
            ensure!(begun.elapsed() < READY_WITHIN, "it names no port:\n{log}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn wait_until_ready(mut self, door: Door) -> Result<(Self, Door)> {
        let question = door.question("hello world", false)?;
        let begun = Instant::now();
        while let Err(error) = try_once(door.port, &question).await {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}:\n{}", self.log());
            }
            ensure!(begun.elapsed() < READY_WITHIN, "it does not answer: {error:#}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok((self, door))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().ok();
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(5) && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn which(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|program| program.is_file());
    found.with_context(|| format!("there is no {program}"))
}
