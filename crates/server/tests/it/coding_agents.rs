//! Claude Code and Codex, as they come from npm, do a small task through the gateway, over upstreams of every wire.
//!
//! They are large, so the everyday tests go without them: `cargo xtask coding-agents` fetches them and runs this.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use testkit::TestApp;
use testkit::models::{Call, FakeModels, Reply, Say};
use tokio::process::Command;

/// A directory whose `node_modules` holds them.
const AGENTS: &str = "KONSTRUCT_TEST_AGENTS";
const KEY: &str = "sk-konstruct-of-the-coding-agents-01";
const TASK: &str = "Write a greeting into greeting.txt.";
const GREETING: &str = "Grüß Gott, 'world'.\n";
const DONE: &str = "The greeting is written.";

/// A wire, and where the fake speaks it.
type Upstream = (&'static str, fn(&FakeModels) -> String);

const UPSTREAMS: [Upstream; 5] = [
    ("openai-chat", FakeModels::openai_url),
    ("openai-responses", FakeModels::responses_url),
    ("anthropic", FakeModels::anthropic_url),
    ("gemini", FakeModels::gemini_url),
    ("ollama", FakeModels::ollama_url),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`cargo xtask coding-agents` runs it"]
async fn claude_code_finishes_its_task_over_every_wire() {
    finishes(claude_code, |file| Reply::call("Write", &json!({"file_path": file, "content": GREETING}))).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`cargo xtask coding-agents` runs it"]
async fn codex_finishes_its_task_over_every_wire() {
    let written = format!("cat > greeting.txt <<'END'\n{GREETING}END");
    finishes(codex, move |_| Reply::call("exec_command", &json!({"cmd": written, "login": false}))).await;
}

async fn finishes(agent: fn(&Desk) -> Command, writes: impl Fn(&Path) -> Reply + Clone + Send + Sync + 'static) {
    for upstream in UPSTREAMS {
        let desk = Desk::new(upstream, writes.clone()).await;
        let output = agent(&desk).stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
        desk.check(upstream.0, &output);
    }
}

/// A gateway over one fake, and an agent's own place: it sees nothing of its user's.
struct Desk {
    fake: FakeModels,
    app: TestApp,
    dir: tempfile::TempDir,
}

impl Desk {
    async fn new((wire, url): Upstream, writes: impl Fn(&Path) -> Reply + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for place in ["home", "work"] {
            std::fs::create_dir(dir.path().join(place)).unwrap();
        }
        let fake = FakeModels::start().await;
        let file = dir.path().join("work/greeting.txt");
        fake.otherwise(move |call| scene(call, writes(&file)));
        let app = TestApp::start(env!("CARGO_BIN_EXE_konstruct")).await;
        app.apply(&installation(wire, &url(&fake))).await;
        Self { fake, app, dir }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// The program of this name, in an environment of its own.
    fn program(&self, name: &str) -> Command {
        let agents = std::env::var_os(AGENTS).map(PathBuf::from);
        let agents = agents.unwrap_or_else(|| panic!("{AGENTS} names no agents: `cargo xtask coding-agents` does"));
        let mut program = Command::new(agents.join("node_modules/.bin").join(name));
        program.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        program.env("HOME", self.home()).current_dir(self.dir.path().join("work"));
        program
    }

    fn check(&self, wire: &str, output: &Output) {
        let [said, complained] = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream));
        let told = || format!("over {wire}: {}\n{said}\n{complained}", output.status);
        assert!(output.status.success() && said.contains(DONE), "{}", told());
        let written = std::fs::read_to_string(self.dir.path().join("work/greeting.txt"));
        assert_eq!(written.ok().as_deref(), Some(GREETING), "{}", told());
        let heard = self.fake.calls().iter().any(|call| !call.tool_results().is_empty());
        assert!(heard, "the model hears what its tool did, {}", told());
    }
}

/// What the model does: it thinks and calls the tool, and says so once that has answered.
fn scene(call: &Call, writes: Reply) -> Reply {
    match writes {
        // What an agent asks beside its task, such as a title, goes without tools.
        _ if call.tools().is_empty() => Reply::say("A greeting"),
        _ if !call.tool_results().is_empty() => Reply::say(DONE),
        Reply::Say(say) => Say { thinking: "It wants a file.".to_owned(), reasoning_tokens: 3, ..say }.into(),
        fail @ Reply::Fail(_) => fail,
    }
}

fn claude_code(desk: &Desk) -> Command {
    let mut claude = desk.program("claude");
    claude
        .env("ANTHROPIC_BASE_URL", desk.app.url("/llm"))
        .env("ANTHROPIC_AUTH_TOKEN", KEY)
        .env("ANTHROPIC_MODEL", "quality")
        .env("ANTHROPIC_SMALL_FAST_MODEL", "quality")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .args(["--print", "--permission-mode", "acceptEdits", TASK]);
    claude
}

fn codex(desk: &Desk) -> Command {
    let settings = format!(
        "model = \"quality\"
model_provider = \"konstruct\"

[model_providers.konstruct]
name = \"Konstruct\"
base_url = \"{}\"
env_key = \"KONSTRUCT_KEY\"
wire_api = \"responses\"
",
        desk.app.url("/llm/v1")
    );
    let home = desk.home().join(".codex");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("config.toml"), settings).unwrap();
    let mut codex = desk.program("codex");
    // Its sandbox needs rights that a container seldom gives, and the task is ours.
    codex.env("KONSTRUCT_KEY", KEY).args(["exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", TASK]);
    codex
}

fn installation(wire: &str, url: &str) -> String {
    let documents = [
        json!({"kind": "Organisation", "name": "acme"}),
        json!({"kind": "Provider", "organisation": "acme", "name": "upstream", "wire": wire, "base_url": url,
            "api_key": "sk-of-the-upstream"}),
        json!({"kind": "ModelGroup", "organisation": "acme", "name": "quality",
            "models": [{"provider": "upstream", "model": "fake-1"}]}),
        json!({"kind": "VirtualKey", "organisation": "acme", "name": "coding", "key": KEY, "model_groups": ["quality"]}),
    ];
    documents.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n")
}
