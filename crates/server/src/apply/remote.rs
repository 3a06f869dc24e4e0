//! `konstruct apply --server`: the documents of one organisation, through the API of a running server, with one of the
//! organisation's API keys.

use std::time::Duration;

use anyhow::{Context as _, bail};
use apply::{Change, Document, Line, Report};
use http::{Method, StatusCode};
use infra::{Egress, EgressOptions, Reach, Timeouts, read_limited};
use kernel::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::conclude;
use crate::terminal::say;

/// Longer than the server takes over any request.
const CALL: Timeouts = Timeouts::within(Duration::from_secs(60));
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// What an answer that did not come, or tells of a failure, leaves open: the server may be at it still.
const UNKNOWN: &str = "it is not known whether this was applied; applying it again is safe";

/// Where to apply, and with whose rights.
pub(crate) struct Remote {
    pub server: Url,
    pub key: Secret,
}

impl Remote {
    /// Applies all documents or none, and prints what changed.
    pub(crate) async fn apply(&self, documents: &[Document], prune: bool) -> anyhow::Result<()> {
        infra::install_tls_provider();
        let egress = Egress::new(EgressOptions::default()).context("cannot make outbound connections")?;
        let me = self.call(&egress, Method::GET, "/api/me", None).await?;
        let me = self.accepted(me, documents)?;
        if !me["user"].is_null() {
            bail!("--api-key takes an API key of an organisation, not somebody's access token");
        }
        let organisation = me["organisations"][0]["id"].as_str().context("the API key belongs to no organisation")?;
        let path = format!("/api/organisations/{organisation}/apply");
        let json = documents.iter().map(Document::to_json).collect::<Result<Vec<_>, _>>()?;
        let body = json!({ "documents": json, "prune": prune });
        let answer = self.call(&egress, Method::POST, &path, Some(body)).await.context(UNKNOWN)?;
        let failed = answer.0.is_server_error();
        let applied = self.accepted(answer, documents);
        let applied = if failed { applied.context(UNKNOWN)? } else { applied? };
        let applied: Applied =
            serde_json::from_value(applied).context("the server speaks another version's language")?;
        let report = Report { lines: applied.changes.into_iter().map(Line::from).collect() };
        report.lines.iter().for_each(|line| say(line.to_string()));
        conclude(&report)
    }

    async fn call(
        &self,
        egress: &Egress,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let server = self.address();
        let url = format!("{server}{path}").parse().context("--server takes the address of a server")?;
        // Whoever types the address may reach it.
        let mut call = egress.request(method, &url, Reach::Private)?.bearer(&self.key);
        if let Some(body) = &body {
            call = call.json(body);
        }
        let answer = egress.send(call, CALL).await.with_context(|| format!("no server answers at {server}"))?;
        let status = answer.status();
        let text = read_limited(answer, MAX_ANSWER).await?;
        Ok((status, serde_json::from_slice(&text).unwrap_or_default()))
    }

    /// The answer, where it is one to what was asked.
    fn accepted(&self, (status, answer): (StatusCode, Value), documents: &[Document]) -> anyhow::Result<Value> {
        let server = self.address();
        match (status, answer["detail"].as_str()) {
            (status, _) if status.is_success() => Ok(answer),
            (StatusCode::UNAUTHORIZED, _) => bail!("the server at {server} does not know this API key (any more)"),
            (_, Some(detail)) => bail!("{}", with_place(detail, documents)),
            (status, None) => bail!("{server} answered {status}: is it a Konstruct server that serves its API?"),
        }
    }

    fn address(&self) -> &str {
        self.server.as_str().trim_end_matches('/')
    }
}

/// The server knows documents by number; people know them by file and line.
fn with_place(detail: &str, documents: &[Document]) -> String {
    let numbered = detail.strip_prefix("document ").and_then(|rest| rest.split_once(':'));
    let place = numbered.and_then(|(number, rest)| {
        let document = documents.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(format!("{}:{rest}", document.place()))
    });
    place.unwrap_or_else(|| detail.to_owned())
}

/// The API's answer.
#[derive(Deserialize)]
struct Applied {
    changes: Vec<AppliedChange>,
}

#[derive(Deserialize)]
struct AppliedChange {
    change: ChangeKind,
    what: String,
    #[serde(default)]
    fields: Vec<String>,
    key: Option<Secret>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeKind {
    Created,
    Changed,
    Unchanged,
    Removed,
    Failed,
}

impl From<AppliedChange> for Line {
    fn from(applied: AppliedChange) -> Self {
        let change = match applied.change {
            ChangeKind::Created => applied.key.map_or(Change::Created, Change::CreatedWithKey),
            ChangeKind::Changed => Change::Changed(applied.fields),
            ChangeKind::Unchanged => Change::Unchanged,
            ChangeKind::Removed => Change::Removed,
            ChangeKind::Failed => Change::Failed(applied.reason.unwrap_or_default()),
        };
        Self { change, what: applied.what }
    }
}
