use chrono::{DateTime, Utc};
use llm::Usd;
use llm::usage::{By, Figures, Point, Span, Spent, Sums};
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// From the hour that begins then or after; 30 days ago where left out.
    pub since: Option<DateTime<Utc>>,
    /// Before the hour that begins then.
    pub until: Option<DateTime<Utc>>,
    /// What calls are grouped by.
    #[param(inline)]
    pub by: Option<Grouping>,
    /// How long a step of the series is, in UTC.
    #[param(inline)]
    pub step: Option<Steps>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grouping {
    Model,
    Provider,
    Agent,
    Project,
    Key,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Steps {
    Hour,
    Day,
}

/// What calls came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    #[serde(flatten)]
    pub total: Group,
    /// Promised to calls under way.
    pub reserved_usd: f64,
    /// How many calls this node has left out of the log of calls since it began, because the database did not keep up.
    /// They are in the sums.
    pub unlogged_calls: u64,
    /// The dearest first, 200 at most.
    pub groups: Vec<Group>,
    /// Oldest first: the ten dearest groups, and all others together.
    pub series: Vec<SeriesPoint>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Group {
    /// A model with its provider, a provider's name, or an id; empty for calls of none.
    pub name: String,
    #[serde(flatten)]
    pub sums: Totals,
    pub latency: Option<Latency>,
    pub first_token: Option<Latency>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeriesPoint {
    pub at: DateTime<Utc>,
    /// null: all groups but the dearest.
    pub name: Option<String>,
    #[serde(flatten)]
    pub sums: Totals,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Totals {
    pub requests: u64,
    pub failed: u64,
    /// Not let through by a limit or a budget.
    pub refused: u64,
    /// Whoever called went away.
    pub aborted: u64,
    /// Answered out of the cache.
    pub cached: u64,
    /// Of the requests, those whose cost is not known; it is not in `cost_usd`.
    pub cost_unknown: u64,
    /// All tokens of the prompts, the cache's included.
    pub input_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    pub output_tokens: u64,
    pub reasoning_tokens: u64,
    pub cost_usd: f64,
}

/// Of answered calls, in milliseconds; read off a histogram, so about right.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Latency {
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retention {
    /// null: as long as the installation keeps it.
    pub keep_days: Option<u32>,
    /// What the installation keeps at most.
    pub at_most: u32,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetRetention {
    /// null: as long as the installation keeps it.
    #[schema(minimum = 1, maximum = 3650)]
    pub keep_days: Option<u32>,
}

impl Usage {
    pub(crate) fn new(span: Span, spent: Spent, series: Vec<Point>, reserved: Usd, unlogged_calls: u64) -> Self {
        let point = |point: Point| SeriesPoint { at: point.at, name: point.name, sums: point.sums.into() };
        Self {
            since: span.since,
            until: span.until,
            total: spent.total.into(),
            reserved_usd: usd(reserved),
            unlogged_calls,
            groups: spent.groups.into_iter().map(Group::from).collect(),
            series: series.into_iter().map(point).collect(),
        }
    }
}

impl From<Figures> for Group {
    fn from(found: Figures) -> Self {
        let latency = |found: llm::usage::Latency| Latency { p50: found.p50, p95: found.p95, p99: found.p99 };
        Self {
            name: found.name,
            sums: found.sums.into(),
            latency: found.latency.map(latency),
            first_token: found.first_token.map(latency),
        }
    }
}

impl From<Sums> for Totals {
    fn from(sums: Sums) -> Self {
        Self {
            requests: sums.requests,
            failed: sums.failed,
            refused: sums.refused,
            aborted: sums.aborted,
            cached: sums.cached,
            cost_unknown: sums.cost_unknown,
            input_tokens: sums.input_tokens,
            cache_read_tokens: sums.cache_read_tokens,
            cache_write_tokens: sums.cache_write_tokens,
            output_tokens: sums.output_tokens,
            reasoning_tokens: sums.reasoning_tokens,
            cost_usd: usd(sums.cost),
        }
    }
}

impl From<Grouping> for By {
    fn from(by: Grouping) -> Self {
        match by {
            Grouping::Model => Self::Model,
            Grouping::Provider => Self::Provider,
            Grouping::Agent => Self::Agent,
            Grouping::Project => Self::Project,
            Grouping::Key => Self::Key,
        }
    }
}

pub(super) fn usd(amount: Usd) -> f64 {
    amount.to_decimal().to_f64().unwrap_or_default()
}
