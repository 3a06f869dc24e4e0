//! From a fresh checkout to a running product, with one real round trip to show for it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::{CommandExt as _, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::command::CommandExt as _;
use crate::project::Project;
use crate::stage::{Stages, say};
use crate::{machine, portal};

const READY_WITHIN: Duration = Duration::from_secs(120);
const PORTS: std::ops::Range<u16> = 8080..8100;

/// `cargo xtask run`: this very process becomes the server at the end, so that every signal reaches it.
pub(crate) fn run(project: &Project, arguments: &[&str]) -> Result<()> {
    let options = Options::parse(project, arguments)?;
    let mut stages = Stages::new();
    stages.stage("PostgreSQL", || machine::postgres().map(drop))?;
    stages.stage("the portal's packages", || portal::install(project))?;
    stages.stage("the portal", || portal::script(project, "build"))?;
    let binary = stages.stage("the server", || release_binary(project))?;
    say(&format!("\n{}\n\n== starting on http://{}", stages.summary(), options.listen));
    let listen = options.listen.as_str();
    // Hears what the server says, waits until it is ready and shows a round trip through it.
    let mut announce = Command::new(std::env::current_exe()?);
    announce.args(["announce", listen]).arg(&binary).arg(&options.data_dir).stdin(Stdio::piped());
    let heard = announce.spawn()?.stdin.take().context("nobody hears the server")?;
    let mut server = Command::new(binary);
    server.args(["serve", "--listen", listen, "--data-dir"]).arg(&options.data_dir).env_remove("DATABASE_URL");
    server.stdout(heard);
    Err(server.exec()).context("the server does not start")
}

/// What `run` leaves behind to speak once the server is ready. A round trip that fails ends the server.
pub(crate) fn announce(project: &Project, arguments: &[&str]) -> Result<()> {
    let [listen, binary, data_dir] = arguments else { bail!("announce is a part of `run`") };
    let server = parent_id();
    let said = pass_on();
    let begun = Instant::now();
    while !is_ready(listen) {
        // Orphaned: the server has ended and has said why.
        if parent_id() != server {
            return Ok(());
        }
        if begun.elapsed() > READY_WITHIN {
            bail!("the server is not ready after {} s", READY_WITHIN.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let ready = begun.elapsed();
    say(&format!("\n== a signed Slack event through http://{listen} and back"));
    let url = format!("http://{listen}");
    let mut round_trip = Command::new(binary);
    round_trip.args(["round-trip", "--data-dir", data_dir, "--server", &url]).current_dir(&project.root);
    if let Err(error) = round_trip.run() {
        Command::new("kill").args(["-TERM", &server.to_string()]).run()?;
        return Err(error);
    }
    say(&format!(
        "\nKonstruct is ready, {:.1} s after its start. Ctrl-C ends it; its data stays in {data_dir}.\n",
        ready.as_secs_f64()
    ));
    let reset = format!("{binary} user reset-password");
    let last = said.lock().map(|said| way_in(&said, &url, &format!("{reset} EMAIL --data-dir {data_dir}")));
    say(&last.unwrap_or_default());
    // As long as it runs, it may have something to say.
    while parent_id() == server {
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// Passes on what the server says, and keeps it.
fn pass_on() -> Arc<Mutex<Vec<String>>> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&said);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            say(&line);
            if let Ok(mut kept) = kept.lock() {
                kept.push(line);
            }
        }
    });
    said
}

/// Where to log in, as whom, and with what: from what the server said at its start.
fn way_in(said: &[String], url: &str, reset: &str) -> String {
    let after = |label: &str| said.iter().find_map(|line| line.trim().strip_prefix(label)).map(str::trim);
    let known = after("Log in as").and_then(|rest| rest.split(';').next());
    let (email, password) = match (after("e-mail"), known, after("password  ")) {
        (Some(email), _, Some(password)) => (email, password.to_owned()),
        (_, Some(email), _) => (email, format!("the one you have; a new one: {}", reset.replace("EMAIL", email))),
        _ => ("of an operator", format!("a new one: {reset}")),
    };
    format!("  portal    {url}\n  e-mail    {email}\n  password  {password}")
}

/// `cargo xtask bench NAME`: a benchmark in `bench/`, with the released server beside it.
pub(crate) fn bench(project: &Project, name: &str, arguments: &[&str]) -> Result<()> {
    machine::postgres()?;
    let binary = release_binary(project)?;
    let mut bench = project.cargo(&["run", "--release", "--package", "bench", "--bin", "bench", "--", name]);
    bench.args(arguments).env("KONSTRUCT_TEST_BINARY", binary).run()
}

/// `cargo xtask faults`: the kill harness, which builds itself a server with failpoints.
pub(crate) fn faults(project: &Project, arguments: &[&str]) -> Result<()> {
    machine::postgres()?;
    project.cargo(&["run", "--release", "--package", "bench", "--bin", "faults", "--"]).args(arguments).run()
}

struct Options {
    data_dir: PathBuf,
    listen: String,
}

impl Options {
    fn parse(project: &Project, arguments: &[&str]) -> Result<Self> {
        let mut options = Self { data_dir: project.path("data"), listen: String::new() };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("{word} needs a value"))?;
            match *word {
                "--data-dir" => options.data_dir = std::path::absolute(value)?,
                "--listen" => options.listen = (*value).to_owned(),
                _ => bail!("run knows no {word}"),
            }
        }
        if options.listen.is_empty() {
            options.listen = free_address()?;
        }
        Ok(options)
    }
}

/// The first free port from the usual one on.
fn free_address() -> Result<String> {
    let free = PORTS.into_iter().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    Ok(format!("127.0.0.1:{}", free.context("no free port from 8080 to 8099; give one: --listen 127.0.0.1:PORT")?))
}

/// Builds the server; it lies in `target/release` of the checkout even where cargo builds elsewhere.
fn release_binary(project: &Project) -> Result<PathBuf> {
    project.cargo(&["build", "--release", "--locked", "--package", "server"]).run()?;
    let built = project.target_dir()?.join("release/konstruct");
    let here = project.path("target/release/konstruct");
    if !same_file(&built, &here) {
        fs::create_dir_all(project.path("target/release"))?;
        // Beside it and renamed: a server that runs from it keeps its own file.
        let fresh = project.path("target/release/.konstruct.new");
        fs::remove_file(&fresh).ok();
        fs::hard_link(&built, &fresh).or_else(|_| fs::copy(&built, &fresh).map(drop))?;
        fs::rename(&fresh, &here)?;
    }
    Ok(here)
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn is_ready(listen: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(listen)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(&head == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(said: &str) -> String {
        let said: Vec<String> = said.lines().map(str::to_owned).collect();
        way_in(&said, "http://127.0.0.1:8080", "konstruct user reset-password EMAIL")
    }

    #[test]
    fn the_last_lines_tell_where_to_log_in_and_how() {
        let first = "\n  Log in at http://127.0.0.1:8080\n    e-mail    owner@localhost\n    password  abcd-efgh\n\n  \
            The password is shown this once.";
        let expected = "  portal    http://127.0.0.1:8080\n  e-mail    owner@localhost\n  password  abcd-efgh";
        assert_eq!(way(first), expected);
        let later =
            way("Log in as ada@acme.test; `konstruct user reset-password ada@acme.test` makes another password.");
        assert!(later.contains("  e-mail    ada@acme.test\n"), "{later}");
        assert!(later.ends_with("a new one: konstruct user reset-password ada@acme.test"), "{later}");
        assert!(way("").ends_with("a new one: konstruct user reset-password EMAIL"));
    }
}
