//! Budgets as people set them, and how far they are used up.

use chrono::{DateTime, NaiveDate, Utc};
use db::TenantTx;
use kernel::{AgentId, BudgetId, Cursor, Page, PageRequest, ProjectId, VirtualKeyId};
use sqlx::types::Uuid;
use tenancy::{Access, Permission};

use super::terms::{Period, Scope, WhenUnavailable};
use crate::Usd;
use crate::error::Error;
use crate::store::{Change, groups_named};

/// The most thresholds that one budget tells of.
pub const MAX_ALERTS: usize = 10;
/// What a budget tells of where nothing else is said.
const ALERTS: [i32; 2] = [80, 100];

#[derive(Clone, Debug)]
pub struct Budget {
    pub id: BudgetId,
    pub scope: Scope,
    pub spec: BudgetSpec,
    pub created_at: DateTime<Utc>,
    /// How far today's or this month's is used up.
    pub spending: Spending,
}

/// What a budget is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSpec {
    pub amount: Usd,
    pub period: Period,
    /// The model group to ask where it is used up; `None`: calls are refused.
    pub fallback: Option<String>,
    pub when_unavailable: WhenUnavailable,
    /// Percents at which people are told.
    pub alerts: Vec<i32>,
}

impl BudgetSpec {
    /// A budget with everything else as it is where nothing is said.
    pub fn of(amount: Usd, period: Period) -> Self {
        Self { amount, period, fallback: None, when_unavailable: WhenUnavailable::default(), alerts: ALERTS.to_vec() }
    }
}

/// A day or month of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    pub begins: NaiveDate,
    pub settled: Usd,
    /// Promised to calls under way, as the nodes last said.
    pub reserved: Usd,
    /// The percents that were reached, and when.
    pub alerted: Vec<(i32, DateTime<Utc>)>,
}

struct Row {
    budget_id: Uuid,
    project_id: Option<Uuid>,
    agent_id: Option<Uuid>,
    key_id: Option<Uuid>,
    period: String,
    amount: i64,
    fallback_group: Option<String>,
    when_unavailable: String,
    alerts: Vec<i32>,
    created_at: DateTime<Utc>,
    begins: NaiveDate,
    settled: i64,
    reserved: i64,
    alerted: Vec<i32>,
    alerted_at: Vec<DateTime<Utc>>,
}

impl TryFrom<Row> for Budget {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.budget_id.into(),
            scope: Scope::of_row(row.project_id, row.agent_id, row.key_id),
            spec: BudgetSpec {
                amount: Usd::from_nanos(row.amount),
                period: row.period.parse()?,
                fallback: row.fallback_group,
                when_unavailable: WhenUnavailable::of_row(&row.when_unavailable),
                alerts: row.alerts,
            },
            created_at: row.created_at,
            spending: Spending {
                begins: row.begins,
                settled: Usd::from_nanos(row.settled),
                reserved: Usd::from_nanos(row.reserved),
                alerted: row.alerted.into_iter().zip(row.alerted_at).collect(),
            },
        })
    }
}

/// The budgets that the caller may see, newest first, with how far they are used up on `today`.
pub async fn list_budgets(
    tx: &mut TenantTx,
    access: &Access,
    today: NaiveDate,
    page: &PageRequest,
) -> Result<Page<Budget>, Error> {
    access.require(Permission::ModelsRead, None).map_err(Error::Access)?;
    let found = read(tx, today, None, page.after, page.fetch()).await?;
    Ok(Page::cut(found, page, |it| Cursor { at: it.created_at, id: it.id.as_uuid() }))
}

pub async fn find_budget(tx: &mut TenantTx, today: NaiveDate, id: BudgetId) -> Result<Budget, Error> {
    read(tx, today, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("budget"))
}

async fn read(
    tx: &mut TenantTx,
    today: NaiveDate,
    id: Option<BudgetId>,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Budget>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select b.budget_id, b.project_id, b.agent_id, b.key_id, b.period, b.amount, b.fallback_group,
                  b.when_unavailable, b.alerts, b.created_at, d.begins as "begins!",
                  coalesce(w.settled, 0) as "settled!",
                  (select coalesce(sum(l.reserved), 0)::bigint from budget_lease l
                   where l.tenant_id = b.tenant_id and l.budget_id = b.budget_id and l.begins = d.begins) as "reserved!",
                  array(select a.percent from budget_alert a
                        where a.tenant_id = b.tenant_id and a.budget_id = b.budget_id and a.begins = d.begins
                        order by a.percent) as "alerted!",
                  array(select a.at from budget_alert a
                        where a.tenant_id = b.tenant_id and a.budget_id = b.budget_id and a.begins = d.begins
                        order by a.percent) as "alerted_at!"
           from budget b
           cross join lateral (
               select case b.period when 'day' then $1::date else date_trunc('month', $1::date)::date end as begins) d
           left join budget_window w on w.tenant_id = b.tenant_id and w.budget_id = b.budget_id and w.begins = d.begins
           where ($2::uuid is null or b.budget_id = $2)
             and ($3::timestamptz is null or (b.created_at, b.budget_id) < ($3, $4))
           order by b.created_at desc, b.budget_id desc limit $5"#,
        today,
        id.map(BudgetId::as_uuid),
        after.map(|after| after.at),
        after.map(|after| after.id),
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(Budget::try_from).collect()
}

/// Makes a budget. Answers it with the configuration epoch to wait for.
pub async fn insert_budget(
    tx: &mut TenantTx,
    access: &Access,
    scope: Scope,
    spec: &BudgetSpec,
) -> Result<(BudgetId, i64), Error> {
    permit(tx, access, scope).await?;
    check(tx, spec).await?;
    let id = BudgetId::new();
    let (project, agent, key) = columns(scope);
    let inserted = sqlx::query!(
        "insert into budget (tenant_id, budget_id, project_id, agent_id, key_id, period, amount, fallback_group,
                             when_unavailable, alerts)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (tenant_id, project_id, agent_id, key_id, period) do nothing",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        project,
        agent,
        key,
        spec.period.name(),
        spec.amount.nanos(),
        spec.fallback,
        spec.when_unavailable.name(),
        &spec.alerts
    )
    .execute(&mut **tx)
    .await?;
    match inserted.rows_affected() {
        0 => Err(Error::Stands("a budget for the same, by the same period")),
        _ => Ok((id, db::bump_config_epoch(tx).await?)),
    }
}

/// Makes this budget what `spec` says; its period stays. `None`: it was so already.
pub async fn update_budget(
    tx: &mut TenantTx,
    access: &Access,
    old: &Budget,
    spec: &BudgetSpec,
) -> Result<Option<i64>, Error> {
    permit(tx, access, old.scope).await?;
    if old.spec == *spec {
        return Ok(None);
    }
    check(tx, spec).await?;
    sqlx::query!(
        "update budget set amount = $2, fallback_group = $3, when_unavailable = $4, alerts = $5 where budget_id = $1",
        old.id.as_uuid(),
        spec.amount.nanos(),
        spec.fallback,
        spec.when_unavailable.name(),
        &spec.alerts
    )
    .execute(&mut **tx)
    .await?;
    Ok(Some(db::bump_config_epoch(tx).await?))
}

/// Answers the configuration epoch to wait for.
pub async fn delete_budget(tx: &mut TenantTx, access: &Access, budget: &Budget) -> Result<i64, Error> {
    permit(tx, access, budget.scope).await?;
    sqlx::query!("delete from budget where budget_id = $1", budget.id.as_uuid()).execute(&mut **tx).await?;
    Ok(db::bump_config_epoch(tx).await?)
}

/// Makes this the only budget of `scope`; `None`: there is to be none. What else one that stands says is kept.
pub async fn set_budget(
    tx: &mut TenantTx,
    access: &Access,
    scope: Scope,
    wanted: Option<(Usd, Period)>,
) -> Result<Change, Error> {
    let mut change = Change::Unchanged;
    let mut stands = false;
    for id in of_scope(tx, scope).await? {
        // What is spent of it doesn't matter here.
        let old = find_budget(tx, NaiveDate::default(), id).await?;
        match wanted {
            Some((amount, period)) if period == old.spec.period => {
                stands = true;
                if update_budget(tx, access, &old, &BudgetSpec { amount, ..old.spec.clone() }).await?.is_some() {
                    change = Change::Updated;
                }
            }
            _ => {
                delete_budget(tx, access, &old).await?;
                change = Change::Updated;
            }
        }
    }
    if let Some((amount, period)) = wanted.filter(|_| !stands) {
        insert_budget(tx, access, scope, &BudgetSpec::of(amount, period)).await?;
        change = Change::Updated;
    }
    Ok(change)
}

/// Budgets follow the new name of a model group.
pub(crate) async fn rename_group(tx: &mut TenantTx, old: &str, new: &str) -> Result<(), Error> {
    sqlx::query!("update budget set fallback_group = $2 where fallback_group = $1", old, new)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whether a budget names this model group.
pub(crate) async fn is_fallback(tx: &mut TenantTx, group: &str) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(r#"select exists (select from budget where fallback_group = $1) as "is!""#, group);
    Ok(found.fetch_one(&mut **tx).await?)
}

async fn of_scope(tx: &mut TenantTx, scope: Scope) -> Result<Vec<BudgetId>, Error> {
    let (project, agent, key) = columns(scope);
    let ids = sqlx::query_scalar!(
        "select budget_id from budget where project_id is not distinct from $1 and agent_id is not distinct from $2
                                        and key_id is not distinct from $3",
        project,
        agent,
        key
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids.into_iter().map(BudgetId::from).collect())
}

/// An organisation's and a project's budget are set for the whole organisation, so that nobody raises their own; an
/// agent's and a key's where they belong.
async fn permit(tx: &mut TenantTx, access: &Access, scope: Scope) -> Result<(), Error> {
    let project = match scope {
        Scope::Organisation => None,
        Scope::Project(project) => {
            let found = sqlx::query_scalar!("select project_id from project where project_id = $1", project.as_uuid());
            found.fetch_optional(&mut **tx).await?.ok_or(Error::NotFound("project"))?;
            None
        }
        Scope::Agent(agent) => {
            let found = sqlx::query_scalar!("select project_id from agent where agent_id = $1", agent.as_uuid());
            Some(found.fetch_optional(&mut **tx).await?.ok_or(Error::NotFound("agent"))?)
        }
        Scope::Key(key) => {
            let found = sqlx::query_scalar!("select project_id from virtual_key where key_id = $1", key.as_uuid());
            found.fetch_optional(&mut **tx).await?.ok_or(Error::NotFound("virtual key"))?
        }
    };
    access.require(Permission::ModelsWrite, project.map(ProjectId::from)).map_err(Error::Access)
}

async fn check(tx: &mut TenantTx, spec: &BudgetSpec) -> Result<(), Error> {
    if spec.amount < Usd::ZERO {
        return Err(Error::Invalid("a budget is at least 0 USD".to_owned()));
    }
    if spec.alerts.len() > MAX_ALERTS || spec.alerts.iter().any(|percent| !(1..=100).contains(percent)) {
        return Err(Error::Invalid(format!("a budget tells at up to {MAX_ALERTS} percents between 1 and 100")));
    }
    let Some(name) = &spec.fallback else { return Ok(()) };
    match groups_named(tx, std::slice::from_ref(name)).await?.is_empty() {
        true => Err(Error::Invalid(format!("there is no model group `{name}`"))),
        false => Ok(()),
    }
}

fn columns(scope: Scope) -> (Option<Uuid>, Option<Uuid>, Option<Uuid>) {
    match scope {
        Scope::Organisation => (None, None, None),
        Scope::Project(project) => (Some(ProjectId::as_uuid(project)), None, None),
        Scope::Agent(agent) => (None, Some(AgentId::as_uuid(agent)), None),
        Scope::Key(key) => (None, None, Some(VirtualKeyId::as_uuid(key))),
    }
}
