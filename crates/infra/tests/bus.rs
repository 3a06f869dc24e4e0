//! The bus between two nodes on one PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use db::Db;
use infra::{Bus, Delivery, Subscription};
use kernel::NodeId;
use testkit::{TestDb, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

/// Announces a node as the engine does.
async fn announce_node(db: &Db) {
    let mut tx = db.system("test").await.unwrap();
    let insert = "insert into node (node_id, version, lease_until) values ($1, 'test', now() + interval '1 hour')";
    sqlx::query(insert).bind(NodeId::new().as_uuid()).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn next(subscription: &mut Subscription) -> Option<Delivery> {
    tokio::time::timeout(PATIENCE, subscription.recv()).await.ok().flatten()
}

/// Publishes until the other side hears: the bridge finds the other node within a second or so.
async fn connected(from: &Bus, to: &mut Subscription) {
    let heard = tokio::sync::Mutex::new(to);
    eventually(PATIENCE, || async {
        from.publish("watched", "hello");
        let wait = Duration::from_millis(50);
        tokio::time::timeout(wait, heard.lock().await.recv()).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn what_one_node_publishes_the_other_hears_whole_and_in_order() {
    let database = TestDb::new().await;
    let db = database.connect().await;
    announce_node(&db).await;
    announce_node(&db).await;
    let (one, two) = (Bus::over_postgres(db.clone()).await.unwrap(), Bus::over_postgres(db).await.unwrap());
    connected(&one, &mut two.subscribe("watched")).await;

    let mut there = two.subscribe("t:-:lane:1");
    let mut here = one.subscribe("t:-:lane:1");
    let long = "ü".repeat(20_000);
    for payload in ["first", &long, "last"] {
        one.publish("t:-:lane:1", payload);
    }
    let mut heard = Vec::new();
    while heard.len() < 3 {
        match next(&mut there).await.unwrap() {
            Delivery::Payload(payload) => heard.push(payload.to_string()),
            Delivery::Lost => {}
        }
    }
    assert_eq!(heard, ["first", long.as_str(), "last"]);
    for expected in ["first", &long, "last"] {
        assert_eq!(next(&mut here).await, Some(Delivery::Payload(expected.into())), "own messages come once");
    }
}

#[tokio::test]
async fn a_subscriber_learns_that_the_line_between_the_nodes_was_cut() {
    let database = TestDb::new().await;
    let db = database.connect().await;
    let bus = Bus::over_postgres(db).await.unwrap();
    let mut watched = bus.subscribe("watched");
    cut_listeners(&database).await;
    assert_eq!(next(&mut watched).await, Some(Delivery::Lost));
}

async fn cut_listeners(database: &TestDb) {
    use sqlx::Connection as _;
    let mut conn = sqlx::PgConnection::connect_with(&database.admin()).await.unwrap();
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and query like 'LISTEN%'";
    sqlx::query(cut).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}
