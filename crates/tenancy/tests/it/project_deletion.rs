use std::time::Duration;

use kernel::{ErrorKind, ProjectId, TenantId};
use sqlx::{Connection as _, PgConnection};
use tenancy::{Access, Role, organisations, projects};
use testkit::eventually;
use uuid::Uuid;

use crate::deletion::fill;
use crate::{House, Signed};

const PATIENCE: Duration = Duration::from_secs(30);

/// What goes with a project.
const ITS_TABLES: [&str; 16] = [
    "project",
    "invitation",
    "agent",
    "agent_version",
    "connection",
    "route",
    "route_claim",
    "secret",
    "conversation",
    "amendment",
    "lane",
    "inbox",
    "outbox",
    "run",
    "step",
    "dead_letter",
];

/// An organisation with two projects that have a row everywhere: one to be deleted, and its neighbour.
struct Scene {
    house: House,
    tenant: TenantId,
    owner: Signed,
    access: Access,
    project: ProjectId,
    neighbour: Vec<(&'static str, String)>,
}

impl Scene {
    async fn new() -> Self {
        let house = House::new().await;
        let tenant = house.organisation("acme").await;
        let owner = house.member(tenant, "owner@acme.test", Role::Owner).await;
        let access = house.access(&owner, tenant).await;
        fill(&house, tenant, organisations::FIRST_PROJECT).await;
        let neighbour = rows(&house).await;
        let mut tx = house.db.tenant(tenant).await.unwrap();
        let project = projects::create(&mut tx, &access, "doomed").await.unwrap().id;
        tx.commit().await.unwrap();
        fill(&house, tenant, "doomed").await;
        Self { house, tenant, owner, access, project, neighbour }
    }

    async fn delete(&self) -> Result<i64, tenancy::Error> {
        projects::delete(&self.house.db, &self.access, self.project).await
    }

    /// Deletes the project, and goes away as a request does that takes too long, once `reached` holds.
    async fn cut_off(&self, reached: &str) {
        tokio::select! {
            done = self.delete() => panic!("it was not cut off: {done:?}"),
            () = eventually(PATIENCE, || self.holds(reached)) => {}
        }
    }

    async fn holds(&self, condition: &str) -> bool {
        let condition = condition.replace("DOOMED", &format!("'{}'", self.project));
        let mut conn = admin(&self.house).await;
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select {condition}")));
        let holds = query.fetch_one(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        holds
    }

    /// What a second call must come to, wherever the first was cut off.
    async fn finish(&self) {
        self.delete().await.unwrap();
        self.nothing_is_left().await;
        assert_eq!(self.delete().await.unwrap_err().kind(), ErrorKind::NotFound);
    }

    async fn nothing_is_left(&self) {
        for (now, before) in rows(&self.house).await.into_iter().zip(&self.neighbour) {
            assert_eq!(&now, before, "what the neighbour had before");
        }
    }
}

async fn admin(house: &House) -> PgConnection {
    PgConnection::connect_with(&house.database.admin()).await.unwrap()
}

/// All rows of a project's tables, as text.
async fn rows(house: &House) -> Vec<(&'static str, String)> {
    let mut conn = admin(house).await;
    let mut all = Vec::new();
    for table in ITS_TABLES {
        let select = format!("select coalesce(string_agg(t::text, e'\\n' order by t::text), '') from {table} t");
        let found = sqlx::query_scalar(sqlx::AssertSqlSafe(select)).fetch_one(&mut conn).await.unwrap();
        all.push((table, found));
    }
    conn.close().await.unwrap();
    all
}

const A_LOCK_IS_WAITED_FOR: &str = "exists (select from pg_locks l join pg_stat_activity a using (pid) where not l.granted \
     and a.datname = current_database())";

#[tokio::test]
async fn a_deleted_project_takes_its_agents_connections_and_conversations_along_and_nobody_else_s() {
    let scene = Scene::new().await;
    let admin = scene.house.member(scene.tenant, "admin@acme.test", Role::Admin).await;
    let admin = scene.house.access(&admin, scene.tenant).await;
    let refused = projects::delete(&scene.house.db, &admin, scene.project).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Forbidden);
    scene.finish().await;
    let unknown = projects::delete(&scene.house.db, &scene.access, Uuid::now_v7().into()).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(scene.owner.user().email, "owner@acme.test");
}

#[tokio::test]
async fn a_deletion_cut_off_before_its_connections_are_gone_everywhere_is_called_again() {
    let scene = Scene::new().await;
    scene
        .house
        .sql(
            "insert into node (node_id, version, lease_until) values (gen_random_uuid(), '', now() + interval '1 day')",
        )
        .await;
    scene.cut_off("not exists (select from connection where project_id = DOOMED)").await;
    assert!(scene.holds("exists (select from lane where project_id = DOOMED)").await, "nothing else goes before");
    scene.house.sql("delete from node").await;
    scene.finish().await;
}

#[tokio::test]
async fn a_deletion_cut_off_among_the_conversations_is_called_again() {
    let scene = Scene::new().await;
    let many = "
        with l as (
            insert into lane (tenant_id, lane_id, project_id)
            select p.tenant_id, gen_random_uuid(), p.project_id from project p, generate_series(1, 700)
            where p.name = 'doomed' returning tenant_id, lane_id
        )
        insert into inbox (tenant_id, lane_id, seq, day, message_id, program, text, body)
        select tenant_id, lane_id, 1, current_date, lane_id, 'turn', 'hello', '{}' from l";
    scene.house.sql(many).await;
    let mut conn = admin(&scene.house).await;
    let mut held = conn.begin().await.unwrap();
    let last = "select from lane where project_id = $1 order by lane_id desc limit 1 for update";
    sqlx::query(last).bind(scene.project.as_uuid()).execute(&mut *held).await.unwrap();
    scene.cut_off("(select count(*) from lane where project_id = DOOMED) between 1 and 600").await;
    held.rollback().await.unwrap();
    scene.finish().await;
}

#[tokio::test]
async fn a_deletion_cut_off_before_the_project_itself_goes_is_called_again() {
    let scene = Scene::new().await;
    let mut conn = admin(&scene.house).await;
    let mut held = conn.begin().await.unwrap();
    let hold = "select from project where project_id = $1 for key share";
    sqlx::query(hold).bind(scene.project.as_uuid()).execute(&mut *held).await.unwrap();
    scene.cut_off(A_LOCK_IS_WAITED_FOR).await;
    assert!(scene.holds("not exists (select from lane where project_id = DOOMED)").await);
    assert!(scene.holds("exists (select from project where project_id = DOOMED)").await);
    held.rollback().await.unwrap();
    scene.finish().await;
}

#[tokio::test]
async fn a_message_that_is_acknowledged_while_its_project_is_deleted_goes_too() {
    let scene = Scene::new().await;
    let mut conn = admin(&scene.house).await;
    let mut arriving = conn.begin().await.unwrap();
    for insert in [
        "insert into lane (tenant_id, lane_id, project_id) values ($1, $2, $2)",
        "insert into inbox (tenant_id, lane_id, seq, day, message_id, program, text, body)
         values ($1, $2, 1, current_date, $2, 'turn', 'hello', '{}')",
    ] {
        let (tenant, id) = (scene.tenant.as_uuid(), scene.project.as_uuid());
        sqlx::query(insert).bind(tenant).bind(id).execute(&mut *arriving).await.unwrap();
    }
    let arrives = async {
        eventually(PATIENCE, || scene.holds(A_LOCK_IS_WAITED_FOR)).await;
        arriving.commit().await.unwrap();
    };
    let (deleted, ()) = tokio::join!(scene.delete(), arrives);
    deleted.unwrap();
    scene.nothing_is_left().await;
}

#[tokio::test]
async fn a_step_that_was_being_recorded_while_its_project_is_deleted_goes_too() {
    let scene = Scene::new().await;
    let mut journal = scene.house.db.system("test").await.unwrap();
    let record = "insert into step (tenant_id, run_id, seq, state, day, key, kind, output)
                  select r.tenant_id, r.run_id, 2, 'done', r.day, 'late', 'think', '\"words\"'
                  from run r join lane l using (tenant_id, lane_id) where l.project_id = $1";
    let recorded = sqlx::query(record).bind(scene.project.as_uuid()).execute(&mut *journal).await.unwrap();
    assert_eq!(recorded.rows_affected(), 1);
    // A deletion that does not wait for it gets through to the end of the lane.
    let waits = "exists (select from pg_stat_activity where datname = current_database() and state = 'idle'
                         and query like '%pg_backend_pid()%xact_start <=%')";
    let lost = "not exists (select from lane where project_id = DOOMED)";
    let commits = async {
        eventually(PATIENCE, || async { scene.holds(waits).await || scene.holds(lost).await }).await;
        journal.commit().await.unwrap();
    };
    let (deleted, ()) = tokio::join!(scene.delete(), commits);
    deleted.unwrap();
    scene.nothing_is_left().await;
}
