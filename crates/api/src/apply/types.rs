use apply::{Change, Line, Report};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Apply {
    /// As in the files of `konstruct apply`, in JSON; nothing is filled in for `${NAME}`.
    #[schema(value_type = Vec<Object>)]
    pub documents: Vec<Value>,
    /// Removes what the documents do not name, of the kinds that they do name.
    #[serde(default)]
    pub prune: bool,
}

/// What became of each document, and what was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Applied {
    pub changes: Vec<AppliedChange>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppliedChange {
    pub change: ChangeKind,
    /// The kind and the names of the thing: `Agent acme/default/Mara`.
    pub what: String,
    /// The fields that differed, where they are known.
    pub fields: Vec<String>,
    /// A virtual key that was made up: shown here and never again.
    pub key: Option<String>,
    /// Why it was not done; null unless it failed.
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangeKind {
    Created,
    Changed,
    Unchanged,
    Removed,
    /// A project that `prune` should have removed still stands; everything else was done.
    Failed,
}

impl From<Report> for Applied {
    fn from(report: Report) -> Self {
        Self { changes: report.lines.into_iter().map(AppliedChange::from).collect() }
    }
}

impl From<Line> for AppliedChange {
    fn from(line: Line) -> Self {
        let plain = |change| Self { change, what: line.what, fields: Vec::new(), key: None, reason: None };
        match line.change {
            Change::Created => plain(ChangeKind::Created),
            Change::CreatedWithKey(key) => Self { key: Some(key.expose().to_owned()), ..plain(ChangeKind::Created) },
            Change::Changed(fields) => Self { fields, ..plain(ChangeKind::Changed) },
            Change::Unchanged => plain(ChangeKind::Unchanged),
            Change::Removed => plain(ChangeKind::Removed),
            Change::Failed(reason) => Self { reason: Some(reason), ..plain(ChangeKind::Failed) },
        }
    }
}
