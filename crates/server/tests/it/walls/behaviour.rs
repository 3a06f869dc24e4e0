//! What the tenant next door can do with a table: nothing.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use uuid::Uuid;

use super::schema::{Table, tables};
use super::seed::{Row, Seeded, fresh_row, insert, literal, seed};
use super::{migrated, run};

/// `insufficient_privilege`: no grant, or a row that the policy refuses.
const REFUSED: &str = "42501";
const FOREIGN_KEY: &str = "23503";
const UNIQUE: &str = "23505";

/// Two tenants with a row in every table.
pub struct Neighbours {
    pub tables: Vec<Table>,
    pub victim: Seeded,
    pub intruder: Seeded,
}

impl Neighbours {
    pub async fn move_in(admin: &mut PgConnection) -> Self {
        let tables = tables(admin).await;
        let victim = seed(admin, &tables).await;
        let intruder = seed(admin, &tables).await;
        Self { tables, victim, intruder }
    }

    pub fn of_tenants(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|table| table.of_tenant())
    }

    /// Everything the intruder tries on `relation`, which is the table or one of its partitions. Returns what worked.
    /// Runs inside the caller's transaction as `konstruct_app` and leaves nothing behind.
    pub async fn intrude(&self, conn: &mut PgConnection, table: &Table, relation: &str) -> Vec<String> {
        let before = self.fingerprint(conn, relation).await;
        let mut holes = Vec::new();
        holes.extend(self.look(conn, table, relation).await);
        holes.extend(self.change(conn, table, relation).await);
        holes.extend(self.put(conn, table, relation).await);
        holes.extend(look_without_a_tenant(conn, relation).await);
        if self.fingerprint(conn, relation).await != before {
            holes.push("the victim's rows have changed".to_owned());
        }
        holes
    }

    async fn look(&self, conn: &mut PgConnection, table: &Table, relation: &str) -> Vec<String> {
        let victim = self.victim.tenant;
        let key = match_key(table, &self.victim.rows[&table.name]);
        let mut holes = Vec::new();
        for (what, query) in [
            ("reads the victim's rows", format!("select 1 from {relation} where tenant_id = '{victim}'")),
            (
                "reads rows that are not its own",
                format!("select 1 from {relation} where tenant_id <> '{}'", self.intruder.tenant),
            ),
            ("reads a row by its key", format!("select 1 from {relation} where {key}")),
            ("locks a row by its key", format!("select 1 from {relation} where {key} for update")),
        ] {
            match self.attempt(conn, &query).await {
                Ok(0) => {}
                Err(error) if is(&error, REFUSED) => {}
                outcome => holes.push(format!("{what}: {outcome:?}")),
            }
        }
        holes
    }

    async fn change(&self, conn: &mut PgConnection, table: &Table, relation: &str) -> Vec<String> {
        let victim = self.victim.tenant;
        let column = &table.columns.iter().find(|column| column.name != "tenant_id").unwrap_or(&table.columns[0]).name;
        let mut holes = Vec::new();
        for (what, statement) in [
            (
                "updates the victim's rows",
                format!("update {relation} set {column} = {column} where tenant_id = '{victim}'"),
            ),
            ("deletes the victim's rows", format!("delete from {relation} where tenant_id = '{victim}'")),
        ] {
            match self.attempt(conn, &statement).await {
                Ok(0) => {}
                Err(error) if is(&error, REFUSED) => {}
                outcome => holes.push(format!("{what}: {outcome:?}")),
            }
        }
        let give = format!("update {relation} set tenant_id = '{victim}' where tenant_id = '{}'", self.intruder.tenant);
        match self.attempt(conn, &give).await {
            Err(error) if is(&error, REFUSED) => {}
            Ok(0) => {}
            outcome => holes.push(format!("gives its rows to the victim: {outcome:?}")),
        }
        holes
    }

    async fn put(&self, conn: &mut PgConnection, table: &Table, relation: &str) -> Vec<String> {
        let mut holes = Vec::new();
        let planted = fresh_row(table, &self.victim);
        match self.attempt(conn, &insert(relation, &planted, table)).await {
            Err(error) if is(&error, REFUSED) => {}
            outcome => holes.push(format!("plants a row with the victim: {outcome:?}")),
        }
        let standing = &self.victim.rows[&table.name];
        let column = &table.columns.iter().find(|column| column.name != "tenant_id").unwrap_or(&table.columns[0]).name;
        let conflict = table.key.join(", ");
        let upsert = format!(
            "{} on conflict ({conflict}) do update set {column} = excluded.{column}",
            insert(relation, standing, table)
        );
        match self.attempt(conn, &upsert).await {
            Err(error) if is(&error, REFUSED) => {}
            outcome => holes.push(format!("writes over the victim's row: {outcome:?}")),
        }
        for (reference, pairs) in table.referring().filter(|(reference, _)| self.is_of_tenant(&reference.to)) {
            let mut leaning = fresh_row(table, &self.intruder);
            for (own, other) in pairs {
                leaning.insert(own.clone(), self.victim.rows[&reference.to][other].clone());
            }
            let insert = insert(relation, &leaning, table);
            let mut outcome = self.attempt(conn, &insert).await;
            if outcome.as_ref().is_err_and(|error| is(error, UNIQUE)) {
                outcome = self.attempt(conn, &format!("delete from {relation}; {insert}")).await;
            }
            match outcome {
                Err(error) if is(&error, FOREIGN_KEY) || is(&error, REFUSED) => {}
                outcome => holes.push(format!("refers to the victim's {}: {outcome:?}", reference.to)),
            }
        }
        holes
    }

    fn is_of_tenant(&self, name: &str) -> bool {
        self.tables.iter().any(|table| table.name == name && table.of_tenant())
    }

    /// A statement as the intruder, undone at once; what it would have touched.
    async fn attempt(&self, conn: &mut PgConnection, statement: &str) -> Result<u64, sqlx::Error> {
        let tenant = self.intruder.tenant.to_string();
        attempt_with(conn, Some(&tenant), statement).await
    }

    async fn fingerprint(&self, conn: &mut PgConnection, relation: &str) -> Option<String> {
        fingerprint(conn, relation, self.victim.tenant).await
    }
}

/// What stands in `relation` for a tenant, as one hash.
pub async fn fingerprint(conn: &mut PgConnection, relation: &str, tenant: Uuid) -> Option<String> {
    let query =
        format!("select md5(string_agg(t::text, ',' order by t::text)) from {relation} t where tenant_id = '{tenant}'");
    sqlx::query(AssertSqlSafe(query)).fetch_one(conn).await.unwrap().get(0)
}

async fn look_without_a_tenant(conn: &mut PgConnection, relation: &str) -> Vec<String> {
    let mut holes = Vec::new();
    for (what, tenant) in [("no", None), ("an empty", Some("")), ("a garbled", Some("x'; --"))] {
        match attempt_with(conn, tenant, &format!("select 1 from {relation}")).await {
            Err(_) | Ok(0) => {}
            Ok(rows) => holes.push(format!("reads {rows} rows with {what} tenant")),
        }
    }
    holes
}

async fn attempt_with(conn: &mut PgConnection, tenant: Option<&str>, statement: &str) -> Result<u64, sqlx::Error> {
    let mut attempt = conn.begin().await.unwrap();
    run(&mut attempt, "set local role konstruct_app").await.unwrap();
    if let Some(tenant) = tenant {
        let set = format!("set local app.tenant_id = {}", literal(Some(tenant), "text").trim_end_matches("::text"));
        run(&mut attempt, set).await.unwrap();
    }
    let outcome = run(&mut attempt, statement).await;
    attempt.rollback().await.unwrap();
    outcome
}

fn match_key(table: &Table, row: &Row) -> String {
    let columns = table.columns.iter().filter(|column| table.key.contains(&column.name));
    columns
        .map(|column| format!("\"{}\" = {}", column.name, literal(row[&column.name].as_deref(), &column.sql_type)))
        .collect::<Vec<_>>()
        .join(" and ")
}

fn is(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|found| found == code)
}

#[tokio::test]
async fn the_tenant_next_door_can_do_nothing_with_what_it_is_granted() {
    let (_database, mut admin) = migrated().await;
    let neighbours = Neighbours::move_in(&mut admin).await;
    let mut tx = admin.begin().await.unwrap();
    for table in neighbours.of_tenants() {
        let holes = neighbours.intrude(&mut tx, table, &table.name).await;
        assert!(holes.is_empty(), "{}: {}", table.name, holes.join("; "));
    }
}

#[tokio::test]
async fn the_tenant_next_door_can_do_nothing_even_with_every_grant_on_tables_and_partitions() {
    let (_database, mut admin) = migrated().await;
    let neighbours = Neighbours::move_in(&mut admin).await;
    let mut tx = admin.begin().await.unwrap();
    run(&mut tx, "grant select, insert, update, delete on all tables in schema public to konstruct_app").await.unwrap();
    for table in neighbours.of_tenants() {
        for relation in std::iter::once(&table.name).chain(&table.partitions) {
            let holes = neighbours.intrude(&mut tx, table, relation).await;
            assert!(holes.is_empty(), "{relation}: {}", holes.join("; "));
        }
    }
}

#[tokio::test]
async fn a_tenant_that_deletes_all_it_has_takes_nothing_of_another() {
    let (_database, mut admin) = migrated().await;
    let neighbours = Neighbours::move_in(&mut admin).await;
    let mut tx = admin.begin().await.unwrap();
    let mut before = Vec::new();
    for table in neighbours.of_tenants() {
        before.push(fingerprint(&mut tx, &table.name, neighbours.victim.tenant).await.expect("a row"));
    }
    // What identity alone may touch: keys that carry the tenant's roles.
    for table in neighbours.tables.iter().filter(|table| !table.of_tenant()) {
        if table.references.iter().any(|reference| neighbours.is_of_tenant(&reference.to)) {
            run(&mut tx, format!("delete from {}", table.name)).await.unwrap();
        }
    }
    run(&mut tx, "grant select, insert, update, delete on all tables in schema public to konstruct_app").await.unwrap();
    run(&mut tx, "set local role konstruct_app").await.unwrap();
    run(&mut tx, format!("set local app.tenant_id = '{}'", neighbours.intruder.tenant)).await.unwrap();
    for table in neighbours.tables.iter().rev().filter(|table| table.of_tenant()) {
        run(&mut tx, format!("delete from {}", table.name)).await.unwrap();
    }
    run(&mut tx, "reset role").await.unwrap();
    for (table, before) in neighbours.of_tenants().zip(before) {
        let after = fingerprint(&mut tx, &table.name, neighbours.victim.tenant).await;
        assert_eq!(after.as_deref(), Some(before.as_str()), "{}", table.name);
        let left = fingerprint(&mut tx, &table.name, neighbours.intruder.tenant).await;
        assert_eq!(left, None, "{} keeps rows of the tenant that left", table.name);
    }
}

#[tokio::test]
async fn the_real_logins_see_their_tenant_and_nothing_without_one() {
    let (database, mut admin) = migrated().await;
    let neighbours = Neighbours::move_in(&mut admin).await;
    let mut app = PgConnection::connect_with(&database.app()).await.unwrap();
    for table in neighbours.of_tenants() {
        let count = format!("select 1 from {}", table.name);
        // Nothing was ever set in this session; then a transaction's setting has come and gone.
        assert!(!run(&mut app, count.as_str()).await.is_ok_and(|rows| rows > 0), "{}: without a tenant", table.name);
        let mut tx = app.begin().await.unwrap();
        let set = format!("select set_config('app.tenant_id', '{}', true)", neighbours.intruder.tenant);
        run(&mut tx, set).await.unwrap();
        match run(&mut tx, count.as_str()).await {
            Ok(rows) => assert_eq!(rows, 1, "{}: its own row and no other", table.name),
            Err(error) => assert!(is(&error, REFUSED), "{}: {error}", table.name),
        }
        tx.rollback().await.unwrap();
        assert!(!run(&mut app, count).await.is_ok_and(|rows| rows > 0), "{}: after a tenant", table.name);
    }
}

#[tokio::test]
async fn the_system_login_sees_through_no_wall_but_those_on_the_list() {
    let (database, mut admin) = migrated().await;
    let neighbours = Neighbours::move_in(&mut admin).await;
    let mut system = PgConnection::connect_with(&database.system()).await.unwrap();
    run(&mut admin, "grant select on all tables in schema public to konstruct_system").await.unwrap();
    for table in neighbours.of_tenants() {
        let admitted: bool = sqlx::query_scalar(
            "select exists (select from pg_policy where polrelid = $1::regclass and polname = 'system')",
        )
        .bind(&table.name)
        .fetch_one(&mut admin)
        .await
        .unwrap();
        let seen = run(&mut system, format!("select 1 from {}", table.name)).await.unwrap();
        assert_eq!(seen > 0, admitted, "{}", table.name);
    }
}

#[tokio::test]
async fn what_people_said_is_written_by_the_system_login_and_not_read() {
    let (database, mut admin) = migrated().await;
    Neighbours::move_in(&mut admin).await;
    let mut system = PgConnection::connect_with(&database.system()).await.unwrap();
    for query in [
        "select text from inbox",
        "select body from inbox",
        "select * from inbox",
        "select output from step",
        "select text from outbox",
        "update outbox set text = text",
        "update outbox set state = state returning text",
        "delete from inbox returning text",
    ] {
        let error = run(&mut system, query).await.unwrap_err();
        assert!(is(&error, REFUSED), "{query}: {error}");
    }
}
