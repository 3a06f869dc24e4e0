//! Organisations that name somebody else's workspace as theirs, many times over.

use channels::ingress::SlackAnswer;
use kernel::{ConnectionId, ErrorKind, Secret, TenantId};
use sqlx::{Connection as _, PgConnection};
use testkit::slack::Signer;
use uuid::Uuid;

use crate::world::{PATIENCE, SECRET, World, secrets};

/// Organisations whose ids come before everybody else's, each with `each` connections of the workspace and as many
/// signing secrets.
const SQUAT: [&str; 6] = [
    "create temporary table squat as
         select ('00000000-0000-7000-8000-' || lpad(to_hex(o), 12, '0'))::uuid as tenant_id, o,
                ('00000000-0000-7000-8001-' || lpad(to_hex(o * 10000 + n), 12, '0'))::uuid as id, n
         from generate_series(1, $1) o, generate_series(1, $2) n",
    "insert into organisation (tenant_id, name, display_name)
         select tenant_id, 'squatter-' || o, 'squatter' from squat where n = 1",
    "insert into project (tenant_id, project_id, name) select tenant_id, tenant_id, 'default' from squat where n = 1",
    "insert into agent (tenant_id, project_id, agent_id, name, draft)
         select tenant_id, tenant_id, tenant_id, 'Mallory', '{}' from squat where n = 1",
    "insert into connection (tenant_id, project_id, connection_id, name, channel, agent_id, external_id)
         select tenant_id, tenant_id, id, 'squatter-' || n, 'slack', tenant_id, 'T0001' from squat",
    "with claims as (insert into route_claim (channel, app_id, external_id, secret_fingerprint, tenant_id)
                     select 'slack', '', 'T0001', uuid_send(id), tenant_id from squat)
     insert into route (tenant_id, connection_id, channel, app_id, external_id, secret_fingerprint)
         select tenant_id, id, 'slack', '', 'T0001', uuid_send(id) from squat",
];

async fn squat(world: &World, organisations: i32, each: i32) -> Vec<(TenantId, ConnectionId)> {
    let mut admin = PgConnection::connect_with(&world.database.admin()).await.unwrap();
    for (at, statement) in SQUAT.into_iter().enumerate() {
        let query = sqlx::query(statement);
        let query = if at == 0 { query.bind(organisations).bind(each) } else { query };
        query.execute(&mut admin).await.unwrap();
    }
    let made: Vec<(Uuid, Uuid)> =
        sqlx::query_as("select tenant_id, id from squat order by id").fetch_all(&mut admin).await.unwrap();
    for (tenant, id) in &made {
        let mut tx = world.db.tenant(TenantId::from_uuid(*tenant)).await.unwrap();
        let secret = Secret::new(format!("secret of {id}"));
        tenancy::secrets::put(&mut tx, &world.sealer, *id, "signing_secret", &secret).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = world.db.system("test").await.unwrap();
    db::bump_config_epoch(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    world.in_force().await;
    made.into_iter().map(|(tenant, id)| (tenant.into(), id.into())).collect()
}

/// Something nobody has to answer.
fn chatter(world: &World) -> Vec<u8> {
    world.workspace.message_event(&world.workspace.say("C1", "U1", "good morning")).to_string().into_bytes()
}

#[tokio::test]
async fn a_squatter_with_a_thousand_routes_does_not_stop_the_owners_deliveries() {
    let world = World::connected().await;
    let squatted = squat(&world, 1, 1000).await;
    let said = world.workspace.mention("C1", "U1", "hello");
    assert_eq!(world.deliver(&world.workspace.mention_event(&said)).await, Ok(SlackAnswer::Ok));
    world.answers(&said, 1).await;
    let mut tried = 0;
    for (_, id) in &squatted {
        let signer = Signer::new(format!("secret of {id}"));
        tried += usize::from(world.deliver_signed(&signer, &chatter(&world)).await.is_ok());
    }
    assert_eq!(tried, 16, "so many of one organisation's secrets are tried, and no more");
}

#[tokio::test]
async fn whoever_was_verified_before_is_tried_before_any_number_of_squatters() {
    let world = World::connected().await;
    assert_eq!(world.deliver_signed(&Signer::new(SECRET), &chatter(&world)).await, Ok(SlackAnswer::Ok));
    testkit::eventually(PATIENCE, || async {
        let mut tx = world.db.system("test").await.unwrap();
        let verified: i64 = sqlx::query_scalar("select count(*) from route_claim where verified_at is not null")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        verified == 1
    })
    .await;
    let squatted = squat(&world, 300, 1).await;
    assert_eq!(world.deliver_signed(&Signer::new(SECRET), &chatter(&world)).await, Ok(SlackAnswer::Ok));
    let mut tried = 0;
    for (_, id) in &squatted {
        let signer = Signer::new(format!("secret of {id}"));
        tried += usize::from(world.deliver_signed(&signer, &chatter(&world)).await.is_ok());
    }
    assert_eq!(tried, 255, "beside the owner's");
}

#[tokio::test]
async fn an_organisation_gives_so_many_secrets_for_a_workspace_and_makes_so_many_connections_of_it() {
    let world = World::new().await;
    let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
    let make = |name: String, secret: String| {
        let mut new = world.slack_connection(&world.acme, &name, world.acme.mara);
        new.secrets = secrets(&[("signing_secret", &secret)]);
        new
    };
    let by = channels::Author::Operator;
    for n in 0..64 {
        let new = make(format!("mara-{n}"), format!("secret {}", n.min(15)));
        world.channels.create_connection(&mut tx, new, by).await.unwrap();
    }
    let refused = world.channels.create_connection(&mut tx, make("more".into(), "secret 0".into()), by).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.to_string().contains("64 connections"), "{refused}");
    drop(tx);

    let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
    for n in 0..16 {
        world.channels.create_connection(&mut tx, make(format!("mara-{n}"), format!("secret {n}")), by).await.unwrap();
    }
    let refused = world.channels.create_connection(&mut tx, make("more".into(), "another".into()), by).await;
    assert!(refused.unwrap_err().to_string().contains("16 different secrets"));
}

#[tokio::test]
async fn a_changed_name_leaves_the_connections_claim_its_age() {
    let world = World::new().await;
    let made = world.connect("acme-slack", world.acme.mara).await;
    let mut admin = PgConnection::connect_with(&world.database.admin()).await.unwrap();
    sqlx::query("update route_claim set verified_at = now()").execute(&mut admin).await.unwrap();
    let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
    let change = channels::ConnectionChange { name: Some("renamed".into()), ..Default::default() };
    world.channels.update_connection(&mut tx, made.id, change, channels::Author::Member).await.unwrap();
    tx.commit().await.unwrap();
    let verified: bool =
        sqlx::query_scalar("select verified_at is not null from route_claim").fetch_one(&mut admin).await.unwrap();
    assert!(verified);
}
