//! The ledger's rows. Each node's words are taken under the lock of the window that they are about.

use chrono::NaiveDate;
use db::{Db, SystemTx};
use kernel::{BudgetId, NodeId, TenantId};
use sqlx::types::Uuid;

use super::ledger::{Ask, Lease, Others, Purpose, Told, Window};
use crate::error::Error;

/// Which day or month of which budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct WindowKey {
    pub(super) tenant: TenantId,
    pub(super) budget: BudgetId,
    pub(super) begins: NaiveDate,
}

/// Who says what about which window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) window: WindowKey,
    pub(super) holder: Uuid,
    pub(super) ask: Ask,
}

/// A threshold that was passed just now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alert {
    pub(super) window: WindowKey,
    pub(super) percent: i32,
}

/// A window as it was found, and what is to become of it.
struct Found {
    said: Said,
    at: usize,
    window: Window,
    lease: Lease,
    others: Others,
    alerts: Vec<i32>,
}

/// Columns for the statements that are about many windows at once.
#[derive(Default)]
struct Columns {
    tenants: Vec<Uuid>,
    budgets: Vec<Uuid>,
    begins: Vec<NaiveDate>,
}

impl Columns {
    fn of<'a>(keys: impl Iterator<Item = &'a WindowKey>) -> Self {
        let mut columns = Self::default();
        for key in keys {
            columns.tenants.push(key.tenant.as_uuid());
            columns.budgets.push(key.budget.as_uuid());
            columns.begins.push(key.begins);
        }
        columns
    }
}

/// Takes a node's words about windows, each of which is named once, and answers them in their order. `None`: there is
/// no such budget any more.
pub(super) async fn sync(db: &Db, node: NodeId, said: &[Said]) -> Result<(Vec<Option<Told>>, Vec<Alert>), Error> {
    let mut tx = db.system("what calls cost").await?;
    let columns = Columns::of(said.iter().map(|said| &said.window));
    lock(&mut tx, &columns).await?;
    let mut found = read(&mut tx, said, &columns).await?;
    let (mut told, mut alerts) = (vec![None; said.len()], Vec::new());
    for it in &mut found {
        let before = it.window.settled;
        told[it.at] = Some(it.window.sync(&mut it.lease, it.others, &it.said.ask));
        let passed = it.window.passed(before, &it.alerts);
        alerts.extend(passed.map(|percent| Alert { window: it.said.window, percent }));
    }
    write(&mut tx, node, &found).await?;
    let alerts = note(&mut tx, alerts).await?;
    tx.commit().await?;
    Ok((told, alerts))
}

/// Locks the windows in one order, after making those that nobody has spent from yet.
async fn lock(tx: &mut SystemTx, columns: &Columns) -> Result<(), Error> {
    let Columns { tenants, budgets, begins } = columns;
    let lock = async |tx: &mut SystemTx| {
        let locked = sqlx::query!(
            "select 1 as locked from budget_window w
             where (w.tenant_id, w.budget_id, w.begins) in (select * from unnest($1::uuid[], $2::uuid[], $3::date[]))
             order by w.tenant_id, w.budget_id, w.begins for update",
            tenants,
            budgets,
            begins
        );
        Ok::<_, Error>(locked.fetch_all(&mut **tx).await?.len())
    };
    if lock(tx).await? == tenants.len() {
        return Ok(());
    }
    sqlx::query!(
        "insert into budget_window (tenant_id, budget_id, begins)
         select a.tenant_id, a.budget_id, a.begins
         from unnest($1::uuid[], $2::uuid[], $3::date[]) as a (tenant_id, budget_id, begins)
         join budget b on b.tenant_id = a.tenant_id and b.budget_id = a.budget_id
         order by 1, 2, 3 on conflict do nothing",
        tenants,
        budgets,
        begins
    )
    .execute(&mut **tx)
    .await?;
    lock(tx).await.map(drop)
}

/// Everything that the answers depend on, as it stands under the lock.
async fn read(tx: &mut SystemTx, said: &[Said], columns: &Columns) -> Result<Vec<Found>, Error> {
    let rounds: Vec<_> = said.iter().map(|said| recall(&said.ask)).collect();
    let holders: Vec<_> = said.iter().map(|said| said.holder).collect();
    let rows = sqlx::query!(
        r#"select a.at as "at!", b.amount, b.alerts, w.granted, w.settled, w.grants, w.recalls,
                  coalesce(l.granted, 0) as "own_granted!", coalesce(l.settled, 0) as "own_settled!",
                  coalesce(l.answered, 0) as "own_answered!", o.holding as "holding!", o.unanswered as "unanswered!"
           from unnest($1::uuid[], $2::uuid[], $3::date[], $4::uuid[], $5::bigint[]) with ordinality
                as a (tenant_id, budget_id, begins, holder, recall, at)
           join budget b on b.tenant_id = a.tenant_id and b.budget_id = a.budget_id
           join budget_window w on w.tenant_id = a.tenant_id and w.budget_id = a.budget_id and w.begins = a.begins
           left join budget_lease l on l.tenant_id = a.tenant_id and l.budget_id = a.budget_id
                                   and l.begins = a.begins and l.holder = a.holder
           cross join lateral (
               select count(*) as holding, count(*) filter (where other.answered < a.recall) as unanswered
               from budget_lease other join node n on n.node_id = other.node_id and n.lease_until > now()
               where other.tenant_id = a.tenant_id and other.budget_id = a.budget_id and other.begins = a.begins
                 and other.holder <> a.holder and other.granted > other.settled) o"#,
        &columns.tenants,
        &columns.budgets,
        &columns.begins,
        &holders,
        &rounds
    )
    .fetch_all(&mut **tx)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        let at = usize::try_from(row.at - 1).ok()?;
        Some(Found {
            said: *said.get(at)?,
            at,
            window: Window {
                amount: row.amount,
                granted: row.granted,
                settled: row.settled,
                grants: row.grants,
                recalls: row.recalls,
            },
            lease: Lease {
                granted: row.own_granted,
                settled: row.own_settled,
                reserved: 0,
                answered: row.own_answered,
            },
            others: Others { holding: row.holding, unanswered: row.unanswered },
            alerts: row.alerts,
        })
    });
    Ok(found.collect())
}

fn recall(ask: &Ask) -> i64 {
    match ask.purpose {
        Purpose::Serve { round: Some(round), .. } => round.recall(),
        _ => 0,
    }
}

async fn write(tx: &mut SystemTx, node: NodeId, found: &[Found]) -> Result<(), Error> {
    let Columns { tenants, budgets, begins } = &Columns::of(found.iter().map(|it| &it.said.window));
    let holders: Vec<_> = found.iter().map(|it| it.said.holder).collect();
    let of_window = |field: fn(&Window) -> i64| found.iter().map(|it| field(&it.window)).collect::<Vec<_>>();
    let of_lease = |field: fn(&Lease) -> i64| found.iter().map(|it| field(&it.lease)).collect::<Vec<_>>();
    sqlx::query!(
        "with said as (
             select * from unnest($1::uuid[], $2::uuid[], $3::date[], $4::bigint[], $5::bigint[], $6::bigint[],
                                  $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::uuid[])
                 as said (tenant_id, budget_id, begins, granted, settled, grants, recalls,
                          own_granted, own_settled, own_reserved, own_answered, holder)
         ), windows as (
             update budget_window w
             set granted = said.granted, settled = said.settled, grants = said.grants, recalls = said.recalls
             from said
             where w.tenant_id = said.tenant_id and w.budget_id = said.budget_id and w.begins = said.begins
         )
         insert into budget_lease as l (tenant_id, budget_id, begins, holder, node_id, granted, settled, reserved, answered)
         select tenant_id, budget_id, begins, holder, $13, own_granted, own_settled, own_reserved, own_answered from said
         on conflict (tenant_id, budget_id, begins, holder) do update
         set node_id = excluded.node_id, granted = excluded.granted, settled = excluded.settled,
             reserved = excluded.reserved, answered = excluded.answered",
        tenants,
        budgets,
        begins,
        &of_window(|it| it.granted),
        &of_window(|it| it.settled),
        &of_window(|it| it.grants),
        &of_window(|it| it.recalls),
        &of_lease(|it| it.granted),
        &of_lease(|it| it.settled),
        &of_lease(|it| it.reserved),
        &of_lease(|it| it.answered),
        &holders,
        node.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes thresholds down, each once a window; answers those that are new.
async fn note(tx: &mut SystemTx, alerts: Vec<Alert>) -> Result<Vec<Alert>, Error> {
    let mut new = Vec::new();
    for alert in alerts {
        let WindowKey { tenant, budget, begins } = alert.window;
        let noted = sqlx::query!(
            "insert into budget_alert (tenant_id, budget_id, begins, percent) values ($1, $2, $3, $4)
             on conflict do nothing",
            tenant.as_uuid(),
            budget.as_uuid(),
            begins,
            alert.percent
        )
        .execute(&mut **tx)
        .await?;
        new.extend((noted.rows_affected() > 0).then_some(alert));
    }
    Ok(new)
}

/// Forgets windows that began before `day`, with all that was noted about them.
pub(super) async fn forget_before(db: &Db, day: NaiveDate) -> Result<(), Error> {
    let mut conn = db.system_statement().await?;
    sqlx::query!("delete from budget_window where begins < $1", day).execute(&mut *conn).await?;
    Ok(())
}

/// Forgets holders that hold nothing and will never say anything again.
pub(super) async fn forget_holders(db: &Db, rows: &[(WindowKey, Uuid)]) -> Result<(), Error> {
    let Columns { tenants, budgets, begins } = &Columns::of(rows.iter().map(|(key, _)| key));
    let holders: Vec<_> = rows.iter().map(|(_, holder)| *holder).collect();
    let mut conn = db.system_statement().await?;
    sqlx::query!(
        "delete from budget_lease l
         using unnest($1::uuid[], $2::uuid[], $3::date[], $4::uuid[]) as gone (tenant_id, budget_id, begins, holder)
         where l.tenant_id = gone.tenant_id and l.budget_id = gone.budget_id and l.begins = gone.begins
           and l.holder = gone.holder and l.granted = l.settled",
        tenants,
        budgets,
        begins,
        &holders
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}

/// Shows as settled what nodes that are gone had been granted: it stays charged. One that was only silent for a while
/// tells the truth with its next words. Answers in how many windows there was any.
pub(super) async fn charge_the_dead(db: &Db) -> Result<usize, Error> {
    let mut tx = db.system("what nodes that are gone held of budgets").await?;
    let dead = sqlx::query!(
        "select distinct tenant_id, budget_id, begins from budget_lease l
         where granted > settled
           and not exists (select from node n where n.node_id = l.node_id and n.lease_until > now())
         limit 500"
    )
    .fetch_all(&mut *tx)
    .await?;
    let keys: Vec<_> = dead
        .into_iter()
        .map(|row| WindowKey { tenant: row.tenant_id.into(), budget: row.budget_id.into(), begins: row.begins })
        .collect();
    if keys.is_empty() {
        return Ok(0);
    }
    let columns = Columns::of(keys.iter());
    lock(&mut tx, &columns).await?;
    sqlx::query!(
        "with dead as (
             select l.tenant_id, l.budget_id, l.begins, l.holder, l.granted - l.settled as rest from budget_lease l
             where (l.tenant_id, l.budget_id, l.begins) in (select * from unnest($1::uuid[], $2::uuid[], $3::date[]))
               and l.granted > l.settled
               and not exists (select from node n where n.node_id = l.node_id and n.lease_until > now())
         ), charged as (
             update budget_lease l set settled = l.granted, reserved = 0 from dead
             where l.tenant_id = dead.tenant_id and l.budget_id = dead.budget_id and l.begins = dead.begins
               and l.holder = dead.holder
         ), rests as (
             select tenant_id, budget_id, begins, sum(rest)::bigint as rest from dead group by 1, 2, 3
         )
         update budget_window w set settled = w.settled + rests.rest from rests
         where w.tenant_id = rests.tenant_id and w.budget_id = rests.budget_id and w.begins = rests.begins",
        &columns.tenants,
        &columns.budgets,
        &columns.begins
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(keys.len())
}
