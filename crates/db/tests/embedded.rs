//! The private PostgreSQL through its real binaries: started, shared, adopted, killed and stopped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use db::embedded::{DataDirLock, Embedded};
use db::{Db, Error};
use sqlx::{Connection as _, PgConnection};
use tokio_util::sync::CancellationToken;

async fn answers(embedded: &Embedded) -> bool {
    match PgConnection::connect_with(&embedded.admin()).await {
        Ok(mut conn) => sqlx::raw_sql("select 1").execute(&mut conn).await.is_ok(),
        Err(_) => false,
    }
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut probe: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !probe().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn kill(pid: i32, signal: &str) {
    assert!(std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

fn runs(data_dir: &Path) -> bool {
    data_dir.join("postgres/cluster/postmaster.pid").exists()
}

#[tokio::test]
async fn an_empty_directory_becomes_a_database_that_can_be_migrated_and_served_from() {
    let data = tempfile::tempdir().unwrap();
    let embedded = Embedded::start_or_adopt(data.path()).await.unwrap();
    db::migrate(&embedded.admin()).await.unwrap();
    db::migrate(&embedded.admin()).await.expect("migrating twice changes nothing");
    let db = Db::connect(embedded.options(2)).await.unwrap();
    db::keep_partitions(&db, "2026-11-20".parse().unwrap()).await.unwrap();
    db.close().await;
    embedded.stop().await.unwrap();
    assert!(!runs(data.path()), "the last user stops it");
    let again = Embedded::start_or_adopt(data.path()).await.unwrap();
    db::migrate(&again.admin()).await.unwrap();
    again.stop().await.unwrap();
}

#[tokio::test]
async fn many_that_start_at_once_share_one_postmaster_and_the_last_to_leave_stops_it() {
    let data = tempfile::tempdir().unwrap();
    let starts = (0..4).map(|_| Embedded::start_or_adopt(data.path()));
    let users: Vec<Embedded> = futures::future::try_join_all(starts).await.unwrap();
    let pid = users[0].pid().await;
    for user in &users {
        assert_eq!(user.pid().await, pid);
    }
    for user in &users[1..] {
        user.stop().await.unwrap();
        assert!(answers(&users[0]).await, "somebody still uses it");
    }
    users[0].stop().await.unwrap();
    assert!(!runs(data.path()));
}

#[tokio::test]
async fn a_postmaster_that_a_killed_server_left_is_adopted() {
    let data = tempfile::tempdir().unwrap();
    let killed = Embedded::start_or_adopt(data.path()).await.unwrap();
    let pid = killed.pid().await;
    drop(killed);
    let next = Embedded::start_or_adopt(data.path()).await.unwrap();
    assert_eq!(next.pid().await, pid);
    assert!(answers(&next).await);
    next.stop().await.unwrap();
    assert!(!runs(data.path()));
}

#[tokio::test]
async fn a_postmaster_that_dies_is_started_again_started_or_adopted() {
    let data = tempfile::tempdir().unwrap();
    let first = Embedded::start_or_adopt(data.path()).await.unwrap();
    let adopted = Embedded::start_or_adopt(data.path()).await.unwrap();
    drop(first);
    let embedded = Arc::new(adopted);
    let stop = CancellationToken::new();
    let supervisor = tokio::spawn({
        let (embedded, stop) = (embedded.clone(), stop.clone());
        async move { embedded.supervise(stop).await }
    });
    for _ in 0..2 {
        let pid = embedded.pid().await;
        kill(pid, "-KILL");
        eventually("it is back", || async { embedded.pid().await != pid && answers(&embedded).await }).await;
    }
    stop.cancel();
    supervisor.await.unwrap();
    embedded.stop().await.unwrap();
    assert!(!runs(data.path()));
}

#[tokio::test]
async fn a_left_over_process_id_that_belongs_to_somebody_else_by_now_does_not_keep_it_from_starting() {
    let data = tempfile::tempdir().unwrap();
    let embedded = Embedded::start_or_adopt(data.path()).await.unwrap();
    let file = data.path().join("postgres/cluster/postmaster.pid");
    let text = fs::read_to_string(&file).unwrap();
    embedded.stop().await.unwrap();
    let mut stranger = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&file, format!("{}\n{rest}", stranger.id())).unwrap();
    let again = Embedded::start_or_adopt(data.path()).await.unwrap();
    assert!(answers(&again).await);
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger is left in peace");
    again.stop().await.unwrap();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn a_data_directory_with_a_long_path_works() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("d".repeat(100)).join("konstruct");
    let embedded = Embedded::start_or_adopt(&data).await.unwrap();
    assert!(answers(&embedded).await);
    let socket = embedded.admin().get_socket().unwrap().clone();
    assert!(!socket.starts_with(&data));
    embedded.stop().await.unwrap();
    fs::remove_dir(socket).unwrap();
}

#[tokio::test]
async fn a_data_directory_is_served_once() {
    let data = tempfile::tempdir().unwrap();
    let held = DataDirLock::take(data.path()).await.unwrap();
    assert!(matches!(DataDirLock::take(data.path()).await, Err(Error::AlreadyServed { .. })));
    drop(held);
    DataDirLock::take(data.path()).await.unwrap();
}
