use chrono::{DateTime, Utc};
use kernel::{AgentId, BudgetId, ProjectId, VirtualKeyId};
use llm::Usd;
use llm::budgets::{self, BudgetSpec, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::present;
use crate::problem::Problem;

/// What calls of models may cost in a day or a month.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Budget {
    #[schema(value_type = Uuid)]
    pub id: BudgetId,
    /// Whose calls it covers: one of these, or all of the organisation's where all are null.
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
    #[schema(value_type = Option<Uuid>)]
    pub agent_id: Option<AgentId>,
    #[schema(value_type = Option<Uuid>)]
    pub virtual_key_id: Option<VirtualKeyId>,
    pub period: Period,
    pub usd: f64,
    /// The model group that is asked where it is used up; null: calls are refused.
    pub on_exceeded: Option<String>,
    pub when_unavailable: WhenUnavailable,
    /// Percents at which people are told.
    pub alerts: Vec<i32>,
    pub created_at: DateTime<Utc>,
    pub current: CurrentSpending,
}

/// Today's or this month's, in UTC.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CurrentSpending {
    pub begins: DateTime<Utc>,
    pub ends: DateTime<Utc>,
    pub spent_usd: f64,
    /// Promised to calls under way.
    pub reserved_usd: f64,
    pub alerts: Vec<ReachedAlert>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReachedAlert {
    pub percent: i32,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Period {
    Day,
    Month,
}

/// What becomes of calls while the database is away and the part that the node holds is used up.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhenUnavailable {
    #[default]
    Refuse,
    Allow,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBudget {
    /// At most one of these; the organisation's where all are left out.
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
    #[schema(value_type = Option<Uuid>)]
    pub agent_id: Option<AgentId>,
    #[schema(value_type = Option<Uuid>)]
    pub virtual_key_id: Option<VirtualKeyId>,
    pub period: Period,
    #[schema(value_type = f64)]
    pub usd: Usd,
    pub on_exceeded: Option<String>,
    #[serde(default)]
    pub when_unavailable: WhenUnavailable,
    /// 80 and 100 where they are left out.
    pub alerts: Option<Vec<i32>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBudget {
    #[schema(value_type = Option<f64>)]
    pub usd: Option<Usd>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub on_exceeded: Option<Option<String>>,
    pub when_unavailable: Option<WhenUnavailable>,
    pub alerts: Option<Vec<i32>>,
}

impl CreateBudget {
    pub(crate) fn scope(&self) -> Result<Scope, Problem> {
        match (self.project_id, self.agent_id, self.virtual_key_id) {
            (None, None, None) => Ok(Scope::Organisation),
            (Some(project), None, None) => Ok(Scope::Project(project)),
            (None, Some(agent), None) => Ok(Scope::Agent(agent)),
            (None, None, Some(key)) => Ok(Scope::Key(key)),
            _ => Err(Problem::invalid("a budget is for one project, one agent, one key or the whole organisation")),
        }
    }

    pub(crate) fn spec(self) -> BudgetSpec {
        let standard = BudgetSpec::of(self.usd, self.period.into());
        BudgetSpec {
            fallback: self.on_exceeded,
            when_unavailable: self.when_unavailable.into(),
            alerts: self.alerts.map_or(standard.alerts, in_order),
            ..standard
        }
    }
}

impl ChangeBudget {
    /// What the budget is to be, given what it is.
    pub(crate) fn onto(self, old: &budgets::Budget) -> BudgetSpec {
        let old = old.spec.clone();
        BudgetSpec {
            amount: self.usd.unwrap_or(old.amount),
            period: old.period,
            fallback: self.on_exceeded.unwrap_or(old.fallback),
            when_unavailable: self.when_unavailable.map_or(old.when_unavailable, WhenUnavailable::into),
            alerts: self.alerts.map_or(old.alerts, in_order),
        }
    }
}

fn in_order(mut percents: Vec<i32>) -> Vec<i32> {
    percents.sort_unstable();
    percents.dedup();
    percents
}

impl From<budgets::Budget> for Budget {
    fn from(found: budgets::Budget) -> Self {
        let (project_id, agent_id, virtual_key_id) = match found.scope {
            Scope::Organisation => (None, None, None),
            Scope::Project(project) => (Some(project), None, None),
            Scope::Agent(agent) => (None, Some(agent), None),
            Scope::Key(key) => (None, None, Some(key)),
        };
        let (spending, period) = (found.spending, found.spec.period);
        let reached = spending.alerted.into_iter().map(|(percent, at)| ReachedAlert { percent, at });
        Self {
            id: found.id,
            project_id,
            agent_id,
            virtual_key_id,
            period: period.into(),
            usd: dollars(found.spec.amount),
            on_exceeded: found.spec.fallback,
            when_unavailable: found.spec.when_unavailable.into(),
            alerts: found.spec.alerts,
            created_at: found.created_at,
            current: CurrentSpending {
                begins: spending.begins.and_time(chrono::NaiveTime::MIN).and_utc(),
                ends: period.ends(spending.begins),
                spent_usd: dollars(spending.settled),
                reserved_usd: dollars(spending.reserved),
                alerts: reached.collect(),
            },
        }
    }
}

/// For people: whole billionths of a dollar are more than a number of JSON tells where there are many of them.
fn dollars(amount: Usd) -> f64 {
    amount.nanos() as f64 / 1e9
}

impl From<Period> for budgets::Period {
    fn from(period: Period) -> Self {
        match period {
            Period::Day => Self::Day,
            Period::Month => Self::Month,
        }
    }
}

impl From<budgets::Period> for Period {
    fn from(period: budgets::Period) -> Self {
        match period {
            budgets::Period::Day => Self::Day,
            budgets::Period::Month => Self::Month,
        }
    }
}

impl From<WhenUnavailable> for budgets::WhenUnavailable {
    fn from(choice: WhenUnavailable) -> Self {
        match choice {
            WhenUnavailable::Refuse => Self::Refuse,
            WhenUnavailable::Allow => Self::Allow,
        }
    }
}

impl From<budgets::WhenUnavailable> for WhenUnavailable {
    fn from(choice: budgets::WhenUnavailable) -> Self {
        match choice {
            budgets::WhenUnavailable::Refuse => Self::Refuse,
            budgets::WhenUnavailable::Allow => Self::Allow,
        }
    }
}
