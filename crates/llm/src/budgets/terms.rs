//! What budgets say, and which of them cover a call.

use std::str::FromStr;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, Utc};
use db::TenantTx;
use kernel::{AgentId, BudgetId, ProjectId, TenantId, VirtualKeyId};
use serde::{Deserialize, Serialize};
use sqlx::types::Uuid;

use crate::error::Error;
use crate::{Account, Usd};

/// After what a budget begins anew, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Day,
    Month,
}

impl Period {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// When the one that `day` lies in began.
    pub fn begins(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// When the one that began then is over.
    pub fn ends(self, begins: NaiveDate) -> DateTime<Utc> {
        let next = match self {
            Self::Day => begins.checked_add_days(Days::new(1)),
            Self::Month => begins.checked_add_months(Months::new(1)),
        };
        next.unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN).and_utc()
    }
}

impl FromStr for Period {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = [Self::Day, Self::Month].into_iter().find(|period| period.name() == name);
        known.ok_or_else(|| Error::Invalid(format!("a budget's period is `day` or `month`, not `{name}`")))
    }
}

/// What becomes of calls while the database is away and nothing is left of what the node had been granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenUnavailable {
    #[default]
    Refuse,
    Allow,
}

impl WhenUnavailable {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Allow => "allow",
        }
    }

    pub(super) fn of_row(name: &str) -> Self {
        if name == Self::Allow.name() { Self::Allow } else { Self::Refuse }
    }
}

/// Whose calls a budget covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Key(VirtualKeyId),
    Agent(AgentId),
    Project(ProjectId),
    Organisation,
}

impl Scope {
    pub(super) fn of_row(project: Option<Uuid>, agent: Option<Uuid>, key: Option<Uuid>) -> Self {
        match (key, agent, project) {
            (Some(key), ..) => Self::Key(key.into()),
            (None, Some(agent), _) => Self::Agent(agent.into()),
            (None, None, Some(project)) => Self::Project(project.into()),
            (None, None, None) => Self::Organisation,
        }
    }
}

/// A budget, as a call needs it.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) tenant: TenantId,
    pub(super) id: BudgetId,
    pub(super) scope: Scope,
    pub(super) period: Period,
    pub(super) amount: Usd,
    pub(super) fallback: Option<String>,
    pub(super) when_unavailable: WhenUnavailable,
}

/// An organisation's budgets that cover a call, the narrowest first.
pub(super) async fn load(tx: &mut TenantTx, account: &Account) -> Result<Vec<Terms>, Error> {
    let rows = sqlx::query!(
        "select budget_id, project_id, agent_id, key_id, period, amount, fallback_group, when_unavailable from budget
         where (project_id is null or project_id = $1) and (agent_id is null or agent_id = $2)
           and (key_id is null or key_id = $3)",
        account.project.map(ProjectId::as_uuid),
        account.agent.map(AgentId::as_uuid),
        account.key.map(VirtualKeyId::as_uuid)
    )
    .fetch_all(&mut **tx)
    .await?;
    let terms = rows.into_iter().map(|row| {
        Ok(Terms {
            tenant: tx.tenant(),
            id: row.budget_id.into(),
            scope: Scope::of_row(row.project_id, row.agent_id, row.key_id),
            period: row.period.parse()?,
            amount: Usd::from_nanos(row.amount),
            fallback: row.fallback_group,
            when_unavailable: WhenUnavailable::of_row(&row.when_unavailable),
        })
    });
    let mut terms = terms.collect::<Result<Vec<_>, Error>>()?;
    terms.sort_by_key(|terms| (terms.scope, terms.period));
    Ok(terms)
}
