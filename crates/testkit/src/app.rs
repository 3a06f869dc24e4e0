//! The real `konstruct serve`, as a child process with a data directory and a database of its own.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{TestDb, eventually, http_client};

/// Generous: the first start of many on a loaded machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPS_WITHIN: Duration = Duration::from_secs(60);
/// How much of the server's log a failed test shows.
const SHOWN_LINES: usize = 120;

/// Where the server finds its database.
#[derive(Clone)]
pub enum Database {
    /// A database of the shared throw-away cluster; several servers may be given the same one.
    Shared(Arc<TestDb>),
    /// The private PostgreSQL inside the data directory.
    Embedded,
    /// A database of the caller's: the directory of its server's socket, and its name.
    At(PathBuf, String),
}

/// How a server is started. `binary` is `env!("CARGO_BIN_EXE_konstruct")` of the test's own crate.
#[derive(Clone)]
pub struct AppOptions {
    pub binary: PathBuf,
    pub database: Database,
    /// Where not given, a temporary directory.
    pub data_dir: Option<PathBuf>,
    /// Further configuration, as environment variables.
    pub env: Vec<(String, String)>,
}

impl AppOptions {
    /// A server on a fresh database of the shared cluster.
    pub async fn new(binary: impl Into<PathBuf>) -> Self {
        let database = Database::Shared(Arc::new(TestDb::new().await));
        Self { binary: binary.into(), database, data_dir: None, env: Vec::new() }
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }
}

/// A running server. Dropped: killed; its log is shown where the test failed.
pub struct TestApp {
    options: AppOptions,
    data_dir: PathBuf,
    port: u16,
    child: Child,
    http: reqwest::Client,
    _temp: Option<TempDir>,
}

impl TestApp {
    /// A server on a fresh database, ready.
    pub async fn start(binary: impl Into<PathBuf>) -> Self {
        Self::start_with(AppOptions::new(binary).await).await
    }

    /// A server as `options` say, ready.
    pub async fn start_with(options: AppOptions) -> Self {
        let temp = options.data_dir.is_none().then(|| tempfile::tempdir().unwrap());
        let data_dir = options.data_dir.clone().unwrap_or_else(|| temp.as_ref().unwrap().path().join("data"));
        fs::create_dir_all(&data_dir).unwrap();
        let port = free_port();
        let child = spawn(&options, &data_dir, port);
        let mut app = Self { options, data_dir, port, child, http: http_client(), _temp: temp };
        app.wait_until_ready().await;
        app
    }

    /// The absolute URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The database it works on.
    ///
    /// # Panics
    /// Where the server runs a PostgreSQL of its own.
    pub fn database(&self) -> &TestDb {
        match &self.options.database {
            Database::Shared(database) => database,
            Database::Embedded | Database::At(..) => panic!("the server has a database of its own"),
        }
    }

    /// What the server has said so far, on both streams.
    pub fn log(&self) -> String {
        fs::read_to_string(log_path(&self.data_dir)).unwrap_or_default()
    }

    /// A request without credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// `konstruct apply` of this text against the data directory; panics with what it said where it fails.
    pub async fn apply(&self, yaml: &str) -> String {
        let output = self.try_apply(yaml).await;
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert!(output.status.success(), "apply failed: {said}");
        said
    }

    /// `konstruct apply` of this text, however it ends.
    pub async fn try_apply(&self, yaml: &str) -> Output {
        let file = self.data_dir.join("apply.yaml");
        fs::write(&file, yaml).unwrap();
        let mut command = command(&self.options, &self.data_dir);
        command.arg("apply").arg("-f").arg(&file).arg("--data-dir").arg(&self.data_dir);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Another command of the binary on the same data directory and database, not yet run.
    pub fn command(&self, name: &str) -> Command {
        let mut command = command(&self.options, &self.data_dir);
        command.arg(name).arg("--data-dir").arg(&self.data_dir);
        command
    }

    /// Logs in; panics where it is refused.
    pub async fn login(&self, email: &str, password: &str) -> Session {
        let body = json!({"email": email, "password": password});
        let answer = self.request(Method::POST, "/api/auth/login").json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{text}");
        let tokens: Value = serde_json::from_str(&text).unwrap();
        self.session(tokens["access_token"].as_str().expect("an access token"))
    }

    /// Requests with a bearer token or an API key.
    pub fn session(&self, bearer: &str) -> Session {
        Session { base: self.url(""), bearer: bearer.to_owned(), http: self.http.clone() }
    }

    /// SIGKILL; the process is gone when it returns.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGSTOP: the process is frozen, its connections stay.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// SIGTERM, and how the server ends.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.ask_to_end();
        self.wait_until_ended().await
    }

    /// SIGTERM.
    pub fn ask_to_end(&self) {
        self.signal("-TERM");
    }

    /// How the server ends that ends by itself.
    pub async fn wait_until_ended(&mut self) -> ExitStatus {
        crate::eventually_some(STOPS_WITHIN, || {
            let ended = self.child.try_wait().unwrap();
            async move { ended }
        })
        .await
    }

    /// Sets or removes a variable of the environment of the next start.
    pub fn set_env(&mut self, name: &str, value: Option<&str>) {
        self.options.env.retain(|(other, _)| other != name);
        self.options.env.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }

    /// Whether the server ends by itself within `patience`.
    pub async fn ends_within(&mut self, patience: Duration) -> bool {
        let until = tokio::time::Instant::now() + patience;
        while tokio::time::Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Starts a server that has ended again, on the same port, and waits until it is ready.
    pub async fn restart(&mut self) {
        self.spawn_again();
        self.wait_until_ready().await;
    }

    /// Starts a server that has ended again, without waiting.
    pub fn spawn_again(&mut self) {
        assert!(self.child.try_wait().unwrap().is_some(), "it still runs");
        self.child = spawn(&self.options, &self.data_dir, self.port);
    }

    /// Waits for 200 at `/readyz`.
    pub async fn wait_until_ready(&mut self) {
        let (http, url) = (self.http.clone(), self.url("/readyz"));
        let Self { child, data_dir, .. } = self;
        eventually(READY_WITHIN, || {
            if let Some(status) = child.try_wait().unwrap() {
                show_log(data_dir);
                panic!("the server ended with {status} before it was ready");
            }
            let request = http.get(&url).timeout(Duration::from_secs(2)).send();
            async { request.await.is_ok_and(|answer| answer.status() == StatusCode::OK) }
        })
        .await;
    }

    /// Prints the end of the server's log.
    pub fn show_log(&self) {
        show_log(&self.data_dir);
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if std::thread::panicking() {
            show_log(&self.data_dir);
        }
        // An embedded PostgreSQL is stopped by the server, so that server is asked, not killed.
        if matches!(self.options.database, Database::Embedded) && matches!(self.child.try_wait(), Ok(None)) {
            self.thaw();
            self.signal("-TERM");
            for _ in 0..200 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A caller's credentials.
#[derive(Clone)]
pub struct Session {
    base: String,
    bearer: String,
    http: reqwest::Client,
}

impl Session {
    pub fn bearer(&self) -> &str {
        &self.bearer
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, [self.base.as_str(), path].concat()).bearer_auth(&self.bearer)
    }

    /// The JSON at `path`; panics where the status is not 2xx.
    pub async fn get(&self, path: &str) -> Value {
        json_of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Sends JSON and takes JSON (null for an empty answer); panics where the status is not 2xx.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Value {
        json_of(self.request(method, path).json(body).send().await.unwrap()).await
    }

    /// The status alone.
    pub async fn status(&self, method: Method, path: &str) -> StatusCode {
        self.request(method, path).send().await.unwrap().status()
    }
}

/// A TCP port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

async fn json_of(answer: Response) -> Value {
    let (status, url) = (answer.status(), answer.url().clone());
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{url}: {status}: {text}");
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

fn spawn(options: &AppOptions, data_dir: &Path, port: u16) -> Child {
    let log = OpenOptions::new().create(true).append(true).open(log_path(data_dir)).unwrap();
    let copy = log.try_clone().unwrap();
    let mut command = command(options, data_dir);
    command.arg("serve").arg("--data-dir").arg(data_dir).arg("--listen").arg(format!("127.0.0.1:{port}"));
    command.stdin(Stdio::null()).stdout(log).stderr(copy).spawn().expect("the binary starts")
}

/// The binary with this server's configuration, and nothing of the configuration of whoever runs the tests.
fn command(options: &AppOptions, data_dir: &Path) -> Command {
    let mut command = Command::new(&options.binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KONSTRUCT_") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command.current_dir(data_dir).env("KONSTRUCT_EGRESS__ALLOW_PRIVATE", "true").env("RUST_BACKTRACE", "1");
    let logins = [("URL", "konstruct_app"), ("SYSTEM_URL", "konstruct_system"), ("ADMIN_URL", "postgres")];
    for (key, role) in logins {
        let url = match &options.database {
            Database::Shared(database) => database.url(role),
            Database::At(sockets, name) => {
                format!("postgres://{role}@localhost/{name}?host={}&sslmode=disable", sockets.display())
            }
            Database::Embedded => continue,
        };
        command.env(format!("KONSTRUCT_DATABASE__{key}"), url);
    }
    command.envs(options.env.iter().map(|(name, value)| (name, value)));
    command
}

fn log_path(data_dir: &Path) -> PathBuf {
    data_dir.join("server.log")
}

#[expect(clippy::print_stderr, reason = "for whoever reads why the test failed")]
fn show_log(data_dir: &Path) {
    if File::open(log_path(data_dir)).is_err() {
        return;
    }
    let log = fs::read_to_string(log_path(data_dir)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    eprintln!("--- the server's log, its end ---\n{}", lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n"));
}
