//! One run of the postmaster: started by this process, or found running and adopted.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sqlx::{Connection as _, PgConnection};
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use super::Cluster;
use crate::Error;

const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A fast shutdown writes a checkpoint; past this time it is cut short, which costs a recovery at the next start.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// Past this size the log is begun anew at the next start.
const LONGEST_LOG: u64 = 16 << 20;
/// How much of the log's end an error quotes.
const QUOTED: u64 = 2000;

/// A running postmaster. Dropping it leaves it running: only [`Postmaster::stop`] ends it.
#[derive(Debug)]
pub struct Postmaster {
    pid: i32,
    /// `None`: adopted.
    child: Option<Child>,
}

impl Postmaster {
    /// Uses the postmaster that runs on `cluster`, else starts one, and waits until it takes connections.
    /// The caller holds the start lock.
    pub async fn start_or_adopt(cluster: &Cluster, patience: Duration) -> Result<Self, Error> {
        let deadline = Instant::now() + patience;
        loop {
            let mut postmaster = match PidFile::read(cluster).filter(|file| file.runs_on(cluster)) {
                // Somebody's fast shutdown is under way: it is waited for, then one is started.
                Some(file) if file.stopping => {
                    wait_until_gone(cluster, file.pid, deadline).await?;
                    continue;
                }
                Some(file) => Self { pid: file.pid, child: None },
                None => Self::start(cluster)?,
            };
            match postmaster.wait_until_ready(cluster, deadline).await? {
                Ready::Yes => return Ok(postmaster),
                // Backends of one that was killed may outlive it for a moment, and hold its shared memory.
                Ready::Died(_) if Instant::now() < deadline && held_back(cluster) => sleep(10 * LOOK_EVERY).await,
                Ready::Died(_) if postmaster.child.is_none() => {}
                Ready::Died(status) => {
                    let how = status.map_or_else(|| "gone".to_owned(), |status| status.to_string());
                    return Err(Error::Postgres { doing: "start", said: [&how, "\n", &end_of_log(cluster)].concat() });
                }
            }
        }
    }

    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it still runs; collects a child that has ended.
    pub fn is_running(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => is_alive(self.pid),
        }
    }

    /// A fast shutdown: sessions are ended, everything is written, the next start needs no recovery.
    pub async fn stop(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + STOP_PATIENCE;
        let mut signal = Signal::INT;
        while self.is_running() {
            if let Some(pid) = Pid::from_raw(self.pid) {
                kill_process(pid, signal).ok();
            }
            let asked = Instant::now();
            while self.is_running() && asked.elapsed() < STOP_PATIENCE {
                sleep(LOOK_EVERY).await;
            }
            if Instant::now() >= deadline + STOP_PATIENCE {
                return Err(Error::Postgres { doing: "stop", said: "it takes no notice of SIGINT and SIGQUIT".into() });
            }
            signal = Signal::QUIT;
        }
        Ok(())
    }

    fn start(cluster: &Cluster) -> Result<Self, Error> {
        disown_stale_pid(cluster)?;
        let long = fs::metadata(&cluster.log).is_ok_and(|found| found.len() > LONGEST_LOG);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&cluster.log)
            .and_then(|log| if long { log.set_len(0).map(|()| log) } else { Ok(log) })
            .map_err(|source| Error::file(&cluster.log, source))?;
        let copy = log.try_clone().map_err(|source| Error::file(&cluster.log, source))?;
        let program = cluster.bin.program("postgres");
        let mut command = cluster.account.command(&program);
        // A process group of its own: Ctrl-C in the terminal ends the server first, which then stops PostgreSQL.
        command.arg("-D").arg(&cluster.dir).current_dir("/").stdout(log).stderr(copy).process_group(0);
        let child = command.spawn().map_err(|source| Error::file(program, source))?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
        Ok(Self { pid, child: Some(child) })
    }

    async fn wait_until_ready(&mut self, cluster: &Cluster, deadline: Instant) -> Result<Ready, Error> {
        loop {
            if !self.is_running() {
                let status = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
                return Ok(Ready::Died(status));
            }
            if PidFile::read(cluster).is_some_and(|file| file.pid == self.pid && file.ready)
                && let Ok(conn) = PgConnection::connect_with(&cluster.connect("postgres", "postgres")).await
            {
                conn.close().await?;
                return Ok(Ready::Yes);
            }
            if Instant::now() >= deadline {
                return Err(Error::Postgres { doing: "become ready in time", said: end_of_log(cluster) });
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

enum Ready {
    Yes,
    Died(Option<ExitStatus>),
}

/// `postmaster.pid`: the process id in the first line, its state in the eighth.
struct PidFile {
    pid: i32,
    ready: bool,
    stopping: bool,
}

impl PidFile {
    fn read(cluster: &Cluster) -> Option<Self> {
        let text = fs::read_to_string(cluster.dir.join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        let state = lines.nth(6).unwrap_or_default().trim();
        Some(Self { pid, ready: state == "ready", stopping: state == "stopping" })
    }

    /// Whether the process is this cluster's postmaster, and not another that was given the same id since.
    fn runs_on(&self, cluster: &Cluster) -> bool {
        is_alive(self.pid)
            && match fs::read_link(format!("/proc/{}/cwd", self.pid)) {
                Ok(cwd) => cluster.dir.canonicalize().is_ok_and(|dir| dir == cwd),
                Err(_) => !Path::new("/proc/self/cwd").exists(),
            }
    }
}

/// PostgreSQL will not start while the process named in a left-over `postmaster.pid` seems to be alive: after a crash
/// of the machine it may be anybody's, and root may signal everybody's. The rest of the file must stay, for it lets
/// PostgreSQL see whether backends of the old one still live; so the id alone is replaced, by our own, which it passes over.
fn disown_stale_pid(cluster: &Cluster) -> Result<(), Error> {
    let path = cluster.dir.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(()) };
    let Some((_, rest)) = text.split_once('\n') else { return Ok(()) };
    let ours = [&std::process::id().to_string(), "\n", rest].concat();
    fs::write(&path, ours).map_err(|source| Error::file(&path, source))
}

fn is_alive(pid: i32) -> bool {
    let Some(pid) = Pid::from_raw(pid) else { return false };
    let exists = !matches!(test_kill_process(pid), Err(error) if error == rustix::io::Errno::SRCH);
    exists && !is_zombie(pid)
}

/// A dead child of a dead server stays in the process list where nobody collects it.
fn is_zombie(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}

async fn wait_until_gone(cluster: &Cluster, pid: i32, deadline: Instant) -> Result<(), Error> {
    while is_alive(pid) {
        if Instant::now() >= deadline {
            return Err(Error::Postgres { doing: "finish its shutdown", said: end_of_log(cluster) });
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn held_back(cluster: &Cluster) -> bool {
    let log = end_of_log(cluster);
    let last = log.lines().rev().take(3);
    last.into_iter().any(|line| line.contains("still in use") || line.contains("Terminate any old server processes"))
}

fn end_of_log(cluster: &Cluster) -> String {
    let read = || -> std::io::Result<String> {
        let mut log = File::open(&cluster.log)?;
        let from = log.metadata()?.len().saturating_sub(QUOTED);
        log.seek(SeekFrom::Start(from))?;
        let mut end = Vec::new();
        log.read_to_end(&mut end)?;
        Ok(String::from_utf8_lossy(&end).trim().to_owned())
    };
    read().unwrap_or_default()
}
