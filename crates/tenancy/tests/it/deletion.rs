use kernel::{ErrorKind, TenantId};
use tenancy::{Access, Actor, Role, api_keys, organisations};

use crate::House;

/// Puts a row into every table that other domains own, for this project of the organisation.
pub(crate) async fn fill(house: &House, tenant: TenantId, project: &str) {
    let statement = "
        do $$
        declare
            t uuid := 'TENANT';
            p uuid := (select project_id from project where tenant_id = t and name = 'PROJECT');
            a uuid := gen_random_uuid();
            c uuid := gen_random_uuid();
            l uuid := gen_random_uuid();
            m uuid := gen_random_uuid();
            person uuid := gen_random_uuid();
            n uuid := gen_random_uuid();
            k uuid := gen_random_uuid();
            b uuid := gen_random_uuid();
            today date := current_date;
        begin
            insert into invitation (tenant_id, invitation_id, email, role, project_id, invited_by, token_hash, expires_at)
                values (t, gen_random_uuid(), 'guest@else.test', 'viewer', p, 'system', 'PROJECT', now());
            insert into provider (tenant_id, provider_id, name, wire) values (t, gen_random_uuid(), 'PROJECT', 'builtin');
            insert into model_group (tenant_id, group_id, name, models) values (t, gen_random_uuid(), 'PROJECT', '[]');
            insert into price (tenant_id, price_id, provider, model, price)
                values (t, gen_random_uuid(), 'PROJECT', 'm', '{}');
            insert into usage_retention (tenant_id, keep_days) values (t, 30) on conflict do nothing;
            insert into usage_hour values (t, now(), n, p, a, 'PROJECT', 'm', 'answered', 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, '{}', '{}');
            insert into usage_day values (t, now(), n, p, a, 'PROJECT', 'm', 'answered', 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, '{}', '{}');
            insert into model_call values (t, today, gen_random_uuid(), now(), n, p, a, l, 'internal', '', 'PROJECT', 'm',
                'answered', null, 1, 0, 0, 1, 0, 1, 1, 1, 1, true, false);
            insert into agent (tenant_id, project_id, agent_id, name, draft) values (t, p, a, 'Mara', '{}');
            insert into virtual_key (tenant_id, key_id, name, project_id, prefix, key_hash, created_by)
                values (t, k, 'PROJECT', p, 'sk', (t::text || 'PROJECT')::bytea, 'system');
            insert into budget (tenant_id, budget_id, project_id, agent_id, key_id, period, amount)
                values (t, b, p, a, k, 'day', 1);
            insert into budget_window (tenant_id, budget_id, begins) values (t, b, today);
            insert into budget_lease (tenant_id, budget_id, begins, holder, node_id) values (t, b, today, n, n);
            insert into budget_alert (tenant_id, budget_id, begins, percent) values (t, b, today, 80);
            insert into agent_version (tenant_id, agent_id, version, config, published_by) values (t, a, 1, '{}', 'x');
            insert into connection (tenant_id, project_id, connection_id, name, channel, agent_id, external_id)
                values (t, p, c, 'PROJECT', 'web', a, 'PROJECT');
            insert into route_claim (channel, app_id, external_id, secret_fingerprint, tenant_id)
                values ('web', '', 'PROJECT', t::text::bytea, t);
            insert into route (tenant_id, connection_id, channel, app_id, external_id, secret_fingerprint)
                values (t, c, 'web', '', 'PROJECT', t::text::bytea);
            insert into secret (tenant_id, secret_id, owner_id, name, key_id, nonce, sealed)
                values (t, gen_random_uuid(), c, 'token', 'k', '', '');
            insert into contact (tenant_id, contact_id) values (t, person);
            insert into contact_identity (tenant_id, channel, scope, external_id, contact_id)
                values (t, 'web', 'PROJECT', 'u', person);
            insert into lane (tenant_id, lane_id, project_id) values (t, l, p);
            insert into conversation (tenant_id, conversation_id, project_id, connection_id, agent_id, contact_id,
                    channel, thread)
                values (t, l, p, c, a, person, 'web', '{}');
            insert into amendment (tenant_id, conversation_id, message_id) values (t, l, m);
            insert into inbox (tenant_id, lane_id, seq, day, message_id, program, text, body)
                values (t, l, 1, today, m, 'turn', 'hello', '{}');
            insert into inbox_dedup (tenant_id, day, key_hash) values (t, today, 'PROJECT');
            insert into run (tenant_id, run_id, day, lane_id, seq, program) values (t, m, today, l, 1, 'turn');
            insert into step (tenant_id, run_id, seq, state, day, key, kind, output)
                values (t, m, 1, 'done', today, 'k', 'think', '{}');
            insert into outbox (tenant_id, message_id, day, lane_id, seq, channel, connection_id, target)
                values (t, m, today, l, 1, 'web', c, '{}');
            insert into dead_letter (tenant_id, letter_id, source, lane_id, seq, message_id, reason, attempts)
                values (t, gen_random_uuid(), 'run', l, 1, m, 'x', 1);
        end $$";
    house.sql(&statement.replace("TENANT", &tenant.to_string()).replace("PROJECT", project)).await;
}

/// How many rows of this organisation each of its tables has; partitions are counted with their parents.
async fn census(house: &House, tenant: TenantId) -> Vec<(String, i64)> {
    use sqlx::Connection as _;
    let mut conn = sqlx::PgConnection::connect_with(&house.database.admin()).await.unwrap();
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select c.relname::text, a.attname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
           and a.attname in ('tenant_id', 'organisation_id') and not a.attisdropped order by 1",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let mut counts = Vec::new();
    for (table, column) in tables {
        let count = format!("select count(*) from {table} where {column} = $1");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).bind(tenant.as_uuid());
        counts.push((table, query.fetch_one(&mut conn).await.unwrap()));
    }
    conn.close().await.unwrap();
    counts
}

#[tokio::test]
async fn a_deleted_organisation_leaves_nothing_behind_and_its_neighbour_loses_nothing() {
    let house = House::new().await;
    let (acme, other) = (house.organisation("acme").await, house.organisation("other").await);
    for (tenant, email) in [(acme, "a@acme.test"), (other, "o@other.test")] {
        house.member(tenant, email, Role::Owner).await;
        api_keys::create(&house.db, &Access::system(tenant), "ci", "viewer", None).await.unwrap();
        fill(&house, tenant, organisations::FIRST_PROJECT).await;
    }
    let before = census(&house, other).await;
    let empty: Vec<_> = census(&house, acme).await.into_iter().filter(|(_, rows)| *rows == 0).collect();
    assert!(empty.is_empty(), "the test must put a row into each table: {empty:?}");

    organisations::delete(&house.db, &Actor::System, acme).await.unwrap();
    let left: Vec<_> = census(&house, acme).await.into_iter().filter(|(_, rows)| *rows > 0).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(census(&house, other).await, before);
    let again = organisations::delete(&house.db, &Actor::System, acme).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_a_deletion_left_that_was_cut_off_at_its_end_goes_when_it_is_called_again() {
    let house = House::new().await;
    let (acme, other) = (house.organisation("acme").await, house.organisation("other").await);
    fill(&house, other, organisations::FIRST_PROJECT).await;
    let before = census(&house, other).await;
    organisations::delete(&house.db, &Actor::System, acme).await.unwrap();
    let late = "insert into step (tenant_id, run_id, seq, state, day, key, kind, output)
                values ('TENANT', gen_random_uuid(), 1, 'done', current_date, 'late', 'think', '\"words\"')";
    house.sql(&late.replace("TENANT", &acme.to_string())).await;

    let again = organisations::delete(&house.db, &Actor::System, acme).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
    let left: Vec<_> = census(&house, acme).await.into_iter().filter(|(_, rows)| *rows > 0).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(census(&house, other).await, before);
}
