use std::fmt;

use kernel::Secret;

/// What became of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Created,
    /// With a key that was made up: it is shown here and never again.
    CreatedWithKey(Secret),
    /// With the names of the fields that differ, where they are known.
    Changed(Vec<String>),
    Unchanged,
    Removed,
    /// With the reason: it stands as it did, though the rest was done.
    Failed(String),
}

impl Change {
    /// Changed where `fields` names any.
    pub(crate) fn of_fields(fields: Vec<String>) -> Self {
        if fields.is_empty() { Self::Unchanged } else { Self::Changed(fields) }
    }

    /// With what became of the thing's budget.
    pub(crate) fn with_budget(self, budget: llm::store::Change) -> Self {
        match (self, budget) {
            (change, llm::store::Change::Unchanged) => change,
            (Self::Unchanged, _) => Self::Changed(vec!["budget".to_owned()]),
            (Self::Changed(mut fields), _) => {
                fields.push("budget".to_owned());
                Self::Changed(fields)
            }
            (change, _) => change,
        }
    }
}

impl From<llm::store::Change> for Change {
    fn from(change: llm::store::Change) -> Self {
        match change {
            llm::store::Change::Created => Self::Created,
            llm::store::Change::Updated => Self::Changed(Vec::new()),
            llm::store::Change::Unchanged => Self::Unchanged,
        }
    }
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub change: Change,
    /// The kind and the names of the thing.
    pub what: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match &self.change {
            Change::Created => write!(f, "+ {what}"),
            Change::CreatedWithKey(key) => write!(f, "+ {what}: {}", key.expose()),
            Change::Changed(fields) if fields.is_empty() => write!(f, "~ {what}"),
            Change::Changed(fields) => write!(f, "~ {what} ({})", fields.join(", ")),
            Change::Unchanged => write!(f, "= {what}"),
            Change::Removed => write!(f, "- {what}"),
            Change::Failed(reason) => write!(f, "! {what}: {reason}"),
        }
    }
}

/// Everything that was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub lines: Vec<Line>,
}

impl Report {
    pub(crate) fn anything_changed(&self) -> bool {
        self.lines.iter().any(|line| line.change != Change::Unchanged)
    }

    /// Whether all was done that was asked for.
    pub fn complete(&self) -> bool {
        !self.lines.iter().any(|line| matches!(line.change, Change::Failed(_)))
    }
}

/// The report's last line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut created, mut changed, mut unchanged, mut removed, mut failed) = (0, 0, 0, 0, 0);
        for line in &self.lines {
            *match line.change {
                Change::Created | Change::CreatedWithKey(_) => &mut created,
                Change::Changed(_) => &mut changed,
                Change::Unchanged => &mut unchanged,
                Change::Removed => &mut removed,
                Change::Failed(_) => &mut failed,
            } += 1;
        }
        write!(f, "{created} created, {changed} changed, {unchanged} unchanged, {removed} removed")?;
        if failed > 0 {
            write!(f, ", {failed} failed")?;
        }
        Ok(())
    }
}
