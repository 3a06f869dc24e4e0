//! Breaks each wall in turn: the passes must notice every time, or they prove nothing.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::behaviour::Neighbours;
use super::{migrated, run};

/// What is done to every table and partition, and whether the neighbour can use it.
const MUTANTS: [(&str, bool); 9] = [
    ("alter table {} no force row level security", false),
    ("alter table {} disable row level security", true),
    ("drop policy tenant on {}", false),
    ("alter policy tenant on {} using (true)", true),
    ("alter policy tenant on {} with check (true)", true),
    ("alter policy tenant on {} to public", false),
    ("create policy more on {} for select to konstruct_app using (true)", true),
    ("create policy more on {} for insert to konstruct_app with check (true)", true),
    (
        "alter policy tenant on {} using (tenant_id::text = coalesce(nullif(current_setting('app.tenant_id', true), ''), tenant_id::text))",
        true,
    ),
];

async fn breaches(conn: &mut PgConnection) -> Vec<String> {
    db::walls::inspect(conn).await.unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn the_catalogue_pass_notices_every_broken_wall() {
    let (_database, mut admin) = migrated().await;
    let neighbours = Neighbours::move_in(&mut admin).await;
    for table in neighbours.of_tenants() {
        for relation in std::iter::once(&table.name).chain(&table.partitions) {
            for (mutant, _) in MUTANTS {
                let mut tx = admin.begin().await.unwrap();
                run(&mut tx, mutant.replace("{}", relation)).await.unwrap();
                let found = breaches(&mut tx).await;
                assert!(
                    found.iter().any(|breach| breach.starts_with(&format!("{relation}:"))),
                    "{relation}: {mutant}: {found:?}"
                );
                tx.rollback().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn the_behaviour_pass_notices_every_broken_wall_one_can_climb_through() {
    let (_database, mut admin) = migrated().await;
    let neighbours = Neighbours::move_in(&mut admin).await;
    let mut tx = admin.begin().await.unwrap();
    run(&mut tx, "grant select, insert, update, delete on all tables in schema public to konstruct_app").await.unwrap();
    for table in neighbours.of_tenants() {
        for (mutant, _) in MUTANTS.iter().filter(|(_, climbable)| *climbable) {
            let mut broken = tx.begin().await.unwrap();
            run(&mut broken, mutant.replace("{}", &table.name)).await.unwrap();
            let holes = neighbours.intrude(&mut broken, table, &table.name).await;
            assert!(!holes.is_empty(), "{}: {mutant}", table.name);
            broken.rollback().await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_catalogue_pass_notices_everything_else_that_opens_a_way() {
    let (_database, mut admin) = migrated().await;
    for mutant in [
        "create table stray (id uuid primary key)",
        "create table stray (tenant_id uuid not null, id uuid, primary key (tenant_id, id))",
        "create table stray (tenant_id uuid, id uuid primary key)",
        "create view peek as select * from conversation",
        "create materialized view peek as select * from conversation",
        "create sequence ticket",
        "create rule shadow as on insert to conversation do also nothing",
        "create schema side",
        "create function peek() returns bigint language sql security definer set search_path = public, pg_temp as 'select count(*) from lane'",
        "create function peek() returns bigint language sql as 'select 1::bigint'",
        "alter function make_partition reset search_path",
        "grant execute on function make_partition to konstruct_app",
        "grant truncate on conversation to konstruct_app",
        "grant references on conversation to konstruct_app",
        "grant select on conversation to public",
        "grant select on users to konstruct_app",
        "grant select (email) on users to konstruct_app",
        "grant select (text) on inbox to konstruct_system",
        "grant select on outbox to konstruct_system",
        "grant select on inbox_dedup_default to konstruct_app",
        "grant create on schema public to konstruct_app",
        "alter default privileges in schema public grant select on tables to konstruct_app",
        "call admit_system('conversation')",
        "drop policy system on lane",
        "alter table contact add constraint stray unique (contact_id)",
        "create unique index stray on conversation (connection_id)",
        "create table stray (tenant_id uuid, id uuid, lane_id uuid, primary key (tenant_id, id)); call protect('stray'); \
         alter table lane add unique (lane_id); \
         alter table stray add foreign key (lane_id) references lane (lane_id)",
        "alter table conversation drop constraint conversation_tenant_id_agent_id_fkey; \
         alter table conversation add foreign key (tenant_id, agent_id) references agent on delete set null",
        "alter table conversation add foreign key (contact_id) references users",
        "alter table node add tenant uuid; alter table node add foreign key (tenant) references organisation",
        "alter role konstruct_app bypassrls",
        "alter role konstruct_app superuser",
        "alter role konstruct_system createrole",
        "alter role konstruct_owner login",
        "grant konstruct_owner to konstruct_app",
        "grant pg_read_all_data to konstruct_system",
        "alter table contact owner to konstruct_app",
        "alter role konstruct_app set app.tenant_id = '00000000-0000-0000-0000-000000000000'",
        "alter role konstruct_app set row_security = off",
    ] {
        let mut tx = admin.begin().await.unwrap();
        run(&mut tx, mutant).await.unwrap_or_else(|error| panic!("{mutant}: {error}"));
        assert!(!breaches(&mut tx).await.is_empty(), "{mutant}");
        tx.rollback().await.unwrap();
    }
    assert_eq!(breaches(&mut admin).await, Vec::<String>::new());
}
