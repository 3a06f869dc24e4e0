//! Budgets over a real PostgreSQL: two ledgers on one bus are two nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use infra::Bus;
use kernel::{Clock, ErrorKind, NodeId, TenantId, VirtualKeyId};
use llm::budgets::{
    Budget, BudgetSpec, Period, Scope, WhenUnavailable, delete_budget, find_budget, insert_budget, list_budgets,
    set_budget, update_budget,
};
use llm::keys::{KeySpec, KeyText, upsert_key};
use llm::store::Change;
use llm::{Account, BudgetRefused, Budgets, Exceeded, Limits, Reservation, Usd};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tenancy::Access;
use testkit::eventually;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::House;

const DOLLAR: Usd = Usd::from_nanos(1_000_000_000);
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A house with budgets in it, and a clock that is moved by hand.
struct Till {
    house: House,
    bus: Bus,
    clock: Clock,
    tenant: TenantId,
    admin: PgConnection,
    shutdown: CancellationToken,
}

impl Drop for Till {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

const fn cents(cents: i64) -> Usd {
    Usd::from_nanos(cents * 10_000_000)
}

fn start() -> DateTime<Utc> {
    "2026-01-30T22:00:00Z".parse().unwrap()
}

impl Till {
    async fn new() -> Self {
        let house = House::new().await;
        let tenant = house.organisation("acme").await;
        let admin = PgConnection::connect_with(&house.database.admin()).await.unwrap();
        let clock = Clock::manual(start());
        Self { house, bus: Bus::in_process(), clock, tenant, admin, shutdown: CancellationToken::new() }
    }

    fn today(&self) -> NaiveDate {
        self.clock.now().date_naive()
    }

    fn account(&self) -> Account {
        Account::of(self.tenant)
    }

    async fn budget(&self, scope: Scope, spec: BudgetSpec) -> Budget {
        let mut tx = self.house.tx(self.tenant).await;
        let (id, epoch) = insert_budget(&mut tx, &Access::system(self.tenant), scope, &spec).await.unwrap();
        let budget = find_budget(&mut tx, self.today(), id).await.unwrap();
        self.house.commit(tx, Some(epoch)).await;
        budget
    }

    async fn find(&self, budget: &Budget) -> Budget {
        find_budget(&mut self.house.tx(self.tenant).await, self.today(), budget.id).await.unwrap()
    }

    /// A ledger, not tended.
    fn ledger(&self) -> Budgets {
        Budgets::new(self.house.db.clone(), self.bus.clone(), self.house.epoch.clone(), self.clock.clone())
    }

    /// Another node, tended until it is killed.
    async fn node(&mut self) -> (Budgets, AbortHandle) {
        let (budgets, node) = (self.ledger(), NodeId::new());
        sqlx::query("insert into node (node_id, version, lease_until) values ($1, 'test', 'infinity')")
            .bind(node.as_uuid())
            .execute(&mut self.admin)
            .await
            .unwrap();
        let tending = tokio::spawn(budgets.clone().tend(move || node, self.shutdown.child_token()));
        (budgets, tending.abort_handle())
    }

    async fn key(&self, name: &str) -> VirtualKeyId {
        let mut tx = self.house.tx(self.tenant).await;
        let spec = KeySpec {
            name: name.into(),
            project: None,
            model_groups: vec![],
            limits: Limits::default(),
            disabled: false,
            key: KeyText::Keep,
        };
        let (written, _) = upsert_key(&mut tx, &Access::system(self.tenant), &spec).await.unwrap();
        self.house.commit(tx, written.epoch).await;
        written.id
    }

    /// Makes the database unreachable for everybody.
    async fn database_goes(&self) {
        self.reachable(false).await;
    }

    async fn database_comes_back(&self) {
        self.reachable(true).await;
    }

    async fn reachable(&self, reachable: bool) {
        let login = self.house.database.admin();
        let name = login.get_database().unwrap().to_owned();
        let mut beside = PgConnection::connect_with(&login.database("postgres")).await.unwrap();
        let open = format!("alter database {name} with allow_connections {reachable}");
        beside.execute(AssertSqlSafe(open)).await.unwrap();
        if !reachable {
            let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
            beside.execute(AssertSqlSafe(end)).await.unwrap();
        }
    }
}

fn exceeded(outcome: Result<Reservation, BudgetRefused>) -> Exceeded {
    let exceeded = outcome.err().and_then(|refused| match refused {
        BudgetRefused::Exceeded(exceeded) => Some(*exceeded),
        BudgetRefused::Unavailable => None,
    });
    exceeded.unwrap()
}

/// What happened to one call, in ticks of one counter over both nodes.
struct Fared {
    began: u64,
    ended: u64,
    bound: i64,
    /// `None`: it was refused when it ended.
    cost: Option<i64>,
    granted: u64,
}

/// A refusal is a lie where there was room all the time, however the calls beside it are thought to have stood.
fn lies(fared: &[Fared], budget: i64) -> usize {
    let at_most = |now: u64| -> i64 {
        let taken = fared.iter().filter_map(|call| Some((call, call.cost?)));
        let stood = taken.filter(|(call, _)| call.began <= now);
        stood.map(|(call, cost)| if now <= call.ended { call.bound } else { cost }).sum()
    };
    let refused = fared.iter().filter(|call| call.cost.is_none());
    refused.filter(|call| (call.began..=call.ended).all(|now| at_most(now) + call.bound <= budget)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_on_two_nodes_over_spend_nothing_and_are_refused_only_where_there_is_no_room() {
    let mut till = Till::new().await;
    let budget = till.budget(Scope::Organisation, BudgetSpec::of(DOLLAR, Period::Day)).await;
    let nodes = [till.node().await.0, till.node().await.0];
    let (ticks, under_way) = (Arc::new(AtomicU64::new(1)), Arc::new(Semaphore::new(150)));
    let mut calls = JoinSet::new();
    for n in 0..1000_usize {
        let (budgets, account) = (nodes[n % 2].clone(), till.account());
        let (ticks, under_way) = (Arc::clone(&ticks), Arc::clone(&under_way));
        let bound = rand::random_range(100_000..6_000_000_i64);
        let (cost, turns) = (rand::random_range(0..=bound), rand::random_range(0..40));
        calls.spawn(async move {
            let _permit = under_way.acquire().await.unwrap();
            let tick = || ticks.fetch_add(1, Ordering::SeqCst);
            let began = tick();
            let reserved = budgets.reserve(&account, Usd::from_nanos(bound)).await;
            let granted = tick();
            let Ok(reservation) = reserved else {
                let refused = exceeded(reserved);
                assert!(refused.settled + refused.reserved + refused.bound > refused.limit, "{refused}");
                return Fared { began, ended: granted, bound, cost: None, granted };
            };
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            reservation.settle(Usd::from_nanos(cost));
            Fared { began, ended: tick(), bound, cost: Some(cost), granted }
        });
    }
    let fared = calls.join_all().await;
    for budgets in &nodes {
        budgets.flush().await;
    }
    let spent: i64 = fared.iter().filter_map(|call| call.cost).sum();
    let refused = fared.iter().filter(|call| call.cost.is_none()).count();
    assert!(spent <= DOLLAR.nanos(), "over-spent: {spent}");
    assert!(refused > 0 && refused < 1000 && fared.iter().all(|call| call.granted > call.began));
    assert_eq!(lies(&fared, DOLLAR.nanos()), 0, "{refused} refused");
    eventually(PATIENCE, async || till.find(&budget).await.spending.settled == Usd::from_nanos(spent)).await;
    let smallest = fared.iter().filter(|call| call.cost.is_none()).map(|call| call.bound).max().unwrap();
    assert!(spent + smallest > DOLLAR.nanos() / 2, "what was given back can be used");
}

#[tokio::test]
async fn a_call_is_refused_by_the_narrowest_budget_and_holds_nothing_of_the_others() {
    let mut till = Till::new().await;
    let key = till.key("ci").await;
    let whole = till.budget(Scope::Organisation, BudgetSpec::of(DOLLAR, Period::Month)).await;
    let own = till.budget(Scope::Key(key), BudgetSpec::of(cents(10), Period::Day)).await;
    let (budgets, _) = till.node().await;
    let account = Account { key: Some(key), ..till.account() };
    budgets.reserve(&account, cents(6)).await.unwrap().settle(cents(6));
    let refused = exceeded(budgets.reserve(&account, cents(5)).await);
    assert_eq!((refused.budget, refused.limit, refused.room), (own.id, cents(10), cents(4)));
    assert_eq!(refused.begins_anew, "2026-01-31T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
    let refused = exceeded(budgets.reserve(&till.account(), cents(95)).await);
    assert_eq!((refused.budget, refused.settled, refused.reserved), (whole.id, cents(6), Usd::ZERO));
    budgets.reserve(&till.account(), cents(94)).await.unwrap().settle(cents(1));
}

#[tokio::test]
async fn whom_no_budget_covers_is_let_through() {
    let mut till = Till::new().await;
    let (budgets, _) = till.node().await;
    let reservation = budgets.reserve(&till.account(), Usd::MAX).await.unwrap();
    assert!(!reservation.is_covered());
    reservation.settle(Usd::MAX);
    assert!(!budgets.covers(&till.account()).await.unwrap());
}

#[tokio::test]
async fn whether_a_budget_covers_a_call_is_not_asked_for_once_it_is_known() {
    let mut till = Till::new().await;
    till.budget(Scope::Organisation, BudgetSpec::of(DOLLAR, Period::Day)).await;
    let (budgets, _) = till.node().await;
    assert!(budgets.covers(&till.account()).await.unwrap());
    till.database_goes().await;
    assert!(budgets.covers(&till.account()).await.unwrap());
    till.database_comes_back().await;
}

#[tokio::test]
async fn a_reservation_that_is_dropped_is_settled_at_its_bound() {
    let mut till = Till::new().await;
    let budget = till.budget(Scope::Organisation, BudgetSpec::of(DOLLAR, Period::Day)).await;
    let (budgets, _) = till.node().await;
    drop(budgets.reserve(&till.account(), cents(7)).await.unwrap());
    budgets.flush().await;
    assert_eq!(till.find(&budget).await.spending.settled, cents(7));
}

#[tokio::test]
async fn a_node_gives_back_what_another_one_needs() {
    let mut till = Till::new().await;
    till.budget(Scope::Organisation, BudgetSpec::of(DOLLAR, Period::Day)).await;
    let ((one, _), (two, _)) = (till.node().await, till.node().await);
    one.reserve(&till.account(), cents(90)).await.unwrap().settle(cents(1));
    two.reserve(&till.account(), cents(99)).await.unwrap().settle(cents(99));
    assert_eq!(exceeded(one.reserve(&till.account(), cents(1)).await).room, Usd::ZERO);
}

#[tokio::test]
async fn what_a_killed_node_held_is_charged_and_the_rest_can_be_spent() {
    let mut till = Till::new().await;
    let budget = till.budget(Scope::Organisation, BudgetSpec::of(DOLLAR, Period::Day)).await;
    let (killed, tending) = till.node().await;
    let lost = killed.reserve(&till.account(), cents(20)).await.unwrap();
    tending.abort();
    // Nothing of this is ever written down.
    till.admin.execute("delete from node").await.unwrap();
    let (alive, _) = till.node().await;
    alive.reserve(&till.account(), cents(70)).await.unwrap().settle(cents(70));
    let refused = exceeded(alive.reserve(&till.account(), cents(20)).await);
    assert!(refused.room < cents(10), "{refused}");
    alive.charge_the_dead().await.unwrap();
    alive.flush().await;
    let settled = till.find(&budget).await.spending.settled;
    assert!(settled >= cents(90) && settled <= DOLLAR, "{settled}");
    lost.settle(cents(20));
}

#[tokio::test]
async fn a_node_that_was_only_silent_takes_back_what_it_was_charged_and_others_hear_of_it() {
    let mut till = Till::new().await;
    till.budget(Scope::Organisation, BudgetSpec::of(DOLLAR, Period::Day)).await;
    let (silent, _) = till.node().await;
    let dear = silent.reserve(&till.account(), cents(90)).await.unwrap();
    till.admin.execute("update node set lease_until = '-infinity'").await.unwrap();
    let (other, _) = till.node().await;
    other.charge_the_dead().await.unwrap();
    assert!(exceeded(other.reserve(&till.account(), cents(50)).await).settled >= cents(90));
    till.admin.execute("update node set lease_until = 'infinity'").await.unwrap();
    dear.settle(cents(1));
    silent.flush().await;
    eventually(PATIENCE, async || other.reserve(&till.account(), cents(50)).await.is_ok()).await;
}

#[tokio::test]
async fn what_is_refused_at_once_is_told_what_this_node_has_promised_meanwhile() {
    let mut till = Till::new().await;
    till.budget(Scope::Organisation, BudgetSpec::of(DOLLAR, Period::Day)).await;
    let (budgets, _) = till.node().await;
    let promised = budgets.reserve(&till.account(), cents(60)).await.unwrap();
    let refused = exceeded(budgets.reserve(&till.account(), DOLLAR + cents(1)).await);
    assert_eq!((refused.settled, refused.reserved, refused.room), (Usd::ZERO, cents(60), cents(40)));
    promised.settle(cents(60));
    let refused = exceeded(budgets.reserve(&till.account(), DOLLAR + cents(1)).await);
    assert_eq!((refused.settled, refused.reserved, refused.room), (cents(60), Usd::ZERO, cents(40)));
}

#[tokio::test]
async fn settlements_are_kept_while_the_database_is_away_and_the_tenant_says_what_becomes_of_calls() {
    let mut till = Till::new().await;
    let (careful, easy) = (till.key("careful").await, till.key("easy").await);
    let spec = BudgetSpec::of(DOLLAR, Period::Day);
    let refusing = till.budget(Scope::Key(careful), spec.clone()).await;
    let allow = BudgetSpec { when_unavailable: WhenUnavailable::Allow, ..spec };
    let allowing = till.budget(Scope::Key(easy), allow).await;
    let (budgets, _) = till.node().await;
    let account = |key| Account { key: Some(key), ..till.account() };
    let (careful, easy) = (account(careful), account(easy));
    let (one, two) = (budgets.reserve(&careful, cents(10)).await, budgets.reserve(&easy, cents(10)).await);
    till.database_goes().await;
    one.unwrap().settle(cents(3));
    two.unwrap().settle(cents(3));
    budgets.reserve(&careful, cents(7)).await.unwrap().settle(cents(7));
    let refused = budgets.reserve(&careful, cents(60)).await;
    assert!(matches!(refused, Err(BudgetRefused::Unavailable)));
    budgets.reserve(&easy, cents(60)).await.unwrap().settle(cents(50));
    budgets.flush().await;
    till.database_comes_back().await;
    let spent = async |budget: &Budget| {
        let mut tx = till.house.db.tenant(till.tenant).await.ok()?;
        Some(find_budget(&mut tx, till.today(), budget.id).await.ok()?.spending.settled)
    };
    eventually(PATIENCE, async || spent(&refusing).await == Some(cents(10))).await;
    eventually(PATIENCE, async || spent(&allowing).await == Some(cents(53))).await;
}

#[tokio::test]
async fn a_day_and_a_month_begin_anew_in_utc_and_a_call_belongs_to_when_it_began() {
    let mut till = Till::new().await;
    let day = till.budget(Scope::Organisation, BudgetSpec::of(cents(10), Period::Day)).await;
    let month = till.budget(Scope::Organisation, BudgetSpec::of(cents(25), Period::Month)).await;
    let (budgets, _) = till.node().await;
    let late = budgets.reserve(&till.account(), cents(10)).await.unwrap();
    assert_eq!(exceeded(budgets.reserve(&till.account(), cents(1)).await).budget, day.id);
    till.clock.advance(TimeDelta::hours(3));
    budgets.reserve(&till.account(), cents(10)).await.unwrap().settle(cents(10));
    late.settle(cents(9));
    till.clock.advance(TimeDelta::hours(22));
    assert_eq!(till.today().to_string(), "2026-01-31");
    budgets.flush().await;
    assert_eq!(till.find(&day).await.spending.settled, cents(10));
    assert_eq!(till.find(&month).await.spending.settled, cents(19));
    till.clock.advance(TimeDelta::hours(2));
    budgets.reserve(&till.account(), cents(10)).await.unwrap().settle(cents(10));
    budgets.flush().await;
    assert_eq!(till.find(&month).await.spending.settled, cents(10), "it is February");
}

#[tokio::test]
async fn a_changed_budget_is_in_force_with_the_next_configuration() {
    let mut till = Till::new().await;
    let access = Access::system(till.tenant);
    let budget = till.budget(Scope::Organisation, BudgetSpec::of(cents(10), Period::Day)).await;
    let (budgets, _) = till.node().await;
    budgets.reserve(&till.account(), cents(10)).await.unwrap().settle(cents(10));
    exceeded(budgets.reserve(&till.account(), cents(1)).await);
    let mut tx = till.house.tx(till.tenant).await;
    let more = BudgetSpec { amount: cents(20), ..budget.spec.clone() };
    let epoch = update_budget(&mut tx, &access, &budget, &more).await.unwrap();
    till.house.commit(tx, epoch).await;
    budgets.reserve(&till.account(), cents(5)).await.unwrap().settle(cents(5));
    let mut tx = till.house.tx(till.tenant).await;
    let epoch = delete_budget(&mut tx, &access, &budget).await.unwrap();
    till.house.commit(tx, Some(epoch)).await;
    budgets.reserve(&till.account(), DOLLAR).await.unwrap().settle(DOLLAR);
}

#[tokio::test]
async fn thresholds_are_noted_once() {
    let mut till = Till::new().await;
    let spec = BudgetSpec { alerts: vec![50, 80, 100], ..BudgetSpec::of(DOLLAR, Period::Day) };
    let budget = till.budget(Scope::Organisation, spec).await;
    let (budgets, _) = till.node().await;
    for _ in 0..3 {
        budgets.reserve(&till.account(), cents(30)).await.unwrap().settle(cents(30));
        budgets.flush().await;
    }
    let alerted = till.find(&budget).await.spending.alerted;
    assert_eq!(alerted.iter().map(|(percent, _)| *percent).collect::<Vec<_>>(), [50, 80]);
}

#[tokio::test]
async fn what_cannot_be_a_budget_is_refused_and_what_documents_say_is_the_only_one() {
    let till = Till::new().await;
    let (access, today) = (Access::system(till.tenant), till.today());
    let mut tx = till.house.tx(till.tenant).await;
    let good = BudgetSpec::of(DOLLAR, Period::Day);
    for wrong in [
        BudgetSpec { amount: cents(-1), ..good.clone() },
        BudgetSpec { alerts: vec![0], ..good.clone() },
        BudgetSpec { fallback: Some("nobody".into()), ..good.clone() },
    ] {
        let refused = insert_budget(&mut tx, &access, Scope::Organisation, &wrong).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
    }
    let nobody = insert_budget(&mut tx, &access, Scope::Key(VirtualKeyId::new()), &good).await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
    insert_budget(&mut tx, &access, Scope::Organisation, &good).await.unwrap();
    let twice = insert_budget(&mut tx, &access, Scope::Organisation, &good).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Conflict);

    let mut set = async |wanted| set_budget(&mut tx, &access, Scope::Organisation, wanted).await.unwrap();
    assert_eq!(set(Some((DOLLAR, Period::Day))).await, Change::Unchanged);
    assert_eq!(set(Some((cents(5), Period::Month))).await, Change::Updated);
    assert_eq!(set(Some((cents(5), Period::Month))).await, Change::Unchanged);
    let page = kernel::PageRequest::new(None, None);
    let standing = list_budgets(&mut tx, &access, today, &page).await.unwrap().items;
    assert_eq!(standing.iter().map(|budget| budget.spec.amount).collect::<Vec<_>>(), [cents(5)]);
}
