//! The vendors' own SDKs, Python and Node: straight at the fake models, which every other test relies on and which must
//! be honest; and through the gateway, over upstreams of every wire. The cases are in `tests/sdk`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::TestApp;
use testkit::models::{Call, Ending, FakeModels, Fault, Flaw, Reply, Say};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// A Python with the SDKs, and a directory whose `node_modules` holds them; `cargo xtask test` makes both and names them.
const PYTHON: &str = "KONSTRUCT_TEST_PYTHON";
const NODE_SDKS: &str = "KONSTRUCT_TEST_SDKS";

const KEY: &str = "sk-konstruct-of-the-sdk-tests-0001";
const POOR_KEY: &str = "sk-konstruct-without-any-money-0003";

/// One SDK's script, and its cases.
struct Sdk {
    script: &'static str,
    /// Those that need no gateway.
    cases: &'static [&'static str],
    /// Those about the gateway's own refusals.
    refusals: &'static [&'static str],
    /// Those that upset an upstream, and so come last.
    failures: &'static [&'static str],
}

const OPENAI_PYTHON: Sdk = Sdk {
    script: "openai_python.py",
    cases: &[
        "chat",
        "chat_stream",
        "chat_stream_usage",
        "chat_stream_helper",
        "chat_tool",
        "chat_parallel_tools",
        "chat_parallel_tools_stream",
        "chat_giant_tool_arguments",
        "chat_parse",
        "chat_length",
        "chat_cached_tokens",
        "responses",
        "responses_stream",
        "responses_tool",
        "responses_parse",
        "embeddings",
        "models",
        "abort",
    ],
    refusals: &["wrong_key", "unknown_model", "malformed", "rate_limit", "budget_spent"],
    failures: &["error_400", "error_mid_stream", "responses_error_mid_stream", "error_429", "error_500"],
};

const ANTHROPIC_PYTHON: Sdk = Sdk {
    script: "anthropic_python.py",
    cases: &[
        "messages",
        "stream",
        "stream_order",
        "tool",
        "parallel_tools",
        "thinking_then_tool",
        "parse",
        "max_tokens",
        "cached_tokens",
        "count_tokens",
        "models",
        "abort",
    ],
    refusals: &["wrong_key", "unknown_model", "rate_limit", "budget_spent"],
    failures: &["error_400", "error_mid_stream", "error_429", "error_500", "error_529"],
};

const OPENAI_NODE: Sdk = Sdk {
    script: "openai_node.mjs",
    cases: &[
        "chat",
        "chat_stream",
        "chat_stream_helper",
        "chat_tool",
        "chat_parallel_tools_stream",
        "chat_parse",
        "responses",
        "responses_stream",
        "responses_tool",
        "embeddings",
        "models",
        "abort",
    ],
    refusals: &["wrong_key", "unknown_model", "rate_limit", "budget_spent"],
    failures: &["error_400", "error_mid_stream", "error_429", "error_500"],
};

const ANTHROPIC_NODE: Sdk = Sdk {
    script: "anthropic_node.mjs",
    cases: &["messages", "stream", "tool", "parallel_tools", "thinking_then_tool", "parse", "count_tokens", "abort"],
    refusals: &["wrong_key", "unknown_model", "rate_limit", "budget_spent"],
    failures: &["error_400", "error_mid_stream", "error_429", "error_529"],
};

#[tokio::test]
async fn openai_for_python_finds_the_fake_to_be_openai() {
    straight(&OPENAI_PYTHON).await;
}

#[tokio::test]
async fn openai_for_node_finds_the_fake_to_be_openai() {
    straight(&OPENAI_NODE).await;
}

#[tokio::test]
async fn anthropic_for_python_finds_the_fake_to_be_anthropic() {
    straight(&ANTHROPIC_PYTHON).await;
}

#[tokio::test]
async fn anthropic_for_node_finds_the_fake_to_be_anthropic() {
    straight(&ANTHROPIC_NODE).await;
}

#[tokio::test]
async fn openai_for_python_works_through_the_gateway() {
    through_the_gateway(&OPENAI_PYTHON).await;
}

#[tokio::test]
async fn openai_for_node_works_through_the_gateway() {
    through_the_gateway(&OPENAI_NODE).await;
}

#[tokio::test]
async fn anthropic_for_python_works_through_the_gateway() {
    through_the_gateway(&ANTHROPIC_PYTHON).await;
}

#[tokio::test]
async fn anthropic_for_node_works_through_the_gateway() {
    through_the_gateway(&ANTHROPIC_NODE).await;
}

async fn straight(sdk: &Sdk) {
    let fake = scripted().await;
    let cases: Vec<_> = [sdk.cases, sdk.failures].concat().into_iter().map(|case| (case, "fake-1")).collect();
    let given = json!({
        "openai_url": fake.openai_url(), "anthropic_url": fake.anthropic_url(), "key": KEY, "cases": cases,
        "counts_url": fake.counts_url(),
    });
    run(sdk, given).await;
}

/// A model group, called like the wire, for each wire: all over one fake, but what one suffers no other feels.
async fn through_the_gateway(sdk: &Sdk) {
    let fake = scripted().await;
    let app = TestApp::start(env!("CARGO_BIN_EXE_konstruct")).await;
    app.apply(&installation(&fake)).await;
    let cases = [sdk.cases, sdk.refusals, sdk.failures].concat();
    let over_each =
        |case: &'static str| WIRES.map(|(wire, _)| (case, wire)).into_iter().filter(|(case, wire)| applies(case, wire));
    let cases: Vec<(&str, &str)> = cases.into_iter().flat_map(over_each).collect();
    let slow: serde_json::Map<_, _> =
        WIRES.map(|(wire, _)| (wire.to_owned(), slow_key(wire).into())).into_iter().collect();
    let given = json!({
        "openai_url": app.url("/llm/v1"), "anthropic_url": app.url("/llm"), "key": KEY,
        "keys": {"slow": slow, "poor": POOR_KEY}, "cases": cases, "counts_url": fake.counts_url(),
    });
    run(sdk, given).await;
}

/// Where the fake speaks a wire.
type Address = fn(&FakeModels) -> String;

const WIRES: [(&str, Address); 5] = [
    ("openai-chat", FakeModels::openai_url),
    ("openai-responses", FakeModels::responses_url),
    ("anthropic", FakeModels::anthropic_url),
    ("gemini", FakeModels::gemini_url),
    ("ollama", FakeModels::ollama_url),
];

/// Whether an upstream of this wire can do what the case is about.
fn applies(case: &str, wire: &str) -> bool {
    match case {
        "embeddings" => wire != "anthropic",
        "chat_cached_tokens" | "cached_tokens" => wire != "ollama",
        // Within OpenAI's chat the upstream is the judge, and the fake judges nobody.
        "malformed" => wire != "openai-chat",
        "error_529" => wire == "anthropic",
        _ => true,
    }
}

/// One call a minute, for each wire.
fn slow_key(wire: &str) -> String {
    format!("sk-konstruct-one-call-a-minute-{wire}")
}

/// What is counted are the SDKs' retries: the gateway makes none of its own.
fn installation(fake: &FakeModels) -> String {
    let key = |name: &str, key: &str, rest: &str| {
        let groups = WIRES.map(|(wire, _)| wire).join(", ");
        format!(
            "---\nkind: VirtualKey\norganisation: acme\nname: {name}\nkey: {key}\nmodel_groups: [{groups}]\n{rest}\n"
        )
    };
    let upstream = |(wire, url): (&str, fn(&FakeModels) -> String)| {
        format!(
            "---
kind: Provider
organisation: acme
name: {wire}
wire: {wire}
base_url: {}
api_key: sk-of-the-upstream
---
kind: ModelGroup
organisation: acme
name: {wire}
models: [{{provider: {wire}, model: fake-1}}]
retries: 0
---
kind: Price
organisation: acme
provider: {wire}
model: fake-1
input_per_million: 1000
output_per_million: 1000
{}",
            url(fake),
            key(&format!("slow-{wire}"), &slow_key(wire), "limits: {requests_per_minute: 1}")
        )
    };
    let keys = [key("main", KEY, ""), key("poor", POOR_KEY, "budget: {usd: 0.0001, period: day}")];
    format!("kind: Organisation\nname: acme\n{}{}", WIRES.map(upstream).concat(), keys.concat())
}

async fn scripted() -> FakeModels {
    let fake = FakeModels::start().await;
    fake.otherwise(scene);
    fake
}

/// What the model says, by the words it is asked with.
fn scene(call: &Call) -> Reply {
    let told = call.tool_results();
    if !told.is_empty() {
        return Reply::say(format!("The tools say: {}", told.join(", ")));
    }
    let [paris, oslo] = ["Paris", "Oslo"].map(|city| json!({ "city": city }));
    let hello = Say::text("Hello there, dear world.");
    match call.question().as_str() {
        "one tool" => Reply::call("weather", &paris),
        "two tools" => Reply::calls([("weather", &paris), ("weather", &oslo)]),
        "giant tool" => Reply::giant_call("weather", 200_000),
        "think" => match Reply::call("weather", &paris) {
            Reply::Say(say) => Say { thinking: "Let me think about it.".to_owned(), reasoning_tokens: 3, ..say }.into(),
            fail @ Reply::Fail(_) => fail,
        },
        "structured" => Reply::say(json!({"city": "Paris", "degrees": 21}).to_string()),
        "length" => Say { ending: Ending::Length, ..hello }.into(),
        "cached" => Say { cached_tokens: 5, ..hello }.into(),
        "too many" => Reply::too_many_requests(Some("0")),
        "breaks" => Reply::flawed("Hello there, dear world.", Flaw::ErrorInStream),
        "endless" => {
            let flaw = Some(Flaw::Endless);
            Say { chunks: 8, pace: Duration::from_millis(2), flaw, ..hello }.into()
        }
        question => match question.strip_prefix("fail ").and_then(|status| status.parse().ok()) {
            Some(status) => Reply::fail(Fault::Status(status)),
            None => hello.into(),
        },
    }
}

#[expect(clippy::print_stderr, reason = "for whoever wonders why it was quick")]
fn skip() {
    eprintln!("skipped: {PYTHON} and {NODE_SDKS} do not name the vendors' SDKs; `cargo xtask test` does");
}

/// Runs the script, whose every case is to be `ok`.
async fn run(sdk: &Sdk, mut given: Value) {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(python), Some(sdks)) = (variable(PYTHON), variable(NODE_SDKS)) else {
        return skip();
    };
    given["node_modules"] = json!(sdks.join("node_modules"));
    let runtime = if sdk.script.ends_with(".py") { python } else { PathBuf::from("node") };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(sdk.script);
    let mut child = Command::new(runtime)
        .arg(script)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let [said, complained] = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream));
    let ok = said.lines().filter(|line| line.starts_with("ok ")).count();
    let all = output.status.success() && ok == given["cases"].as_array().unwrap().len();
    assert!(all, "{}:\n{said}\n{complained}", sdk.script);
}
