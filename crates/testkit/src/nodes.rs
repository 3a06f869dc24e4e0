use std::path::Path;

use db::embedded::{Cluster, Postmaster};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

use crate::{AppOptions, Database, TestApp, private_cluster};

/// Several servers on one PostgreSQL that fears no power cut. Their fields end in this order.
pub struct Nodes {
    pub apps: Vec<TestApp>,
    pub postgres: Postmaster,
    pub cluster: Cluster,
    pub home: TempDir,
}

impl Nodes {
    /// So many servers, ready, with a directory each and one master key.
    pub async fn start(binary: &Path, count: usize) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (cluster, postgres) = private_cluster(&home.path().join("postgres")).await;
        let mut admin = PgConnection::connect_with(&cluster.connect("postgres", "postgres")).await.unwrap();
        admin.execute("create database konstruct").await.unwrap();
        admin.close().await.unwrap();
        db::migrate(&cluster.connect("postgres", "konstruct")).await.unwrap();
        let mut apps = Vec::new();
        for node in 0..count {
            let options = AppOptions {
                binary: binary.to_owned(),
                database: Database::At(cluster.socket_dir().to_owned(), "konstruct".into()),
                data_dir: Some(home.path().join(format!("node-{node}"))),
                env: vec![
                    ("KONSTRUCT_MASTER_KEY_FILE".into(), home.path().join("master.key").display().to_string()),
                    ("KONSTRUCT_DATABASE__MAX_CONNECTIONS".into(), "10".into()),
                ],
            };
            apps.push(TestApp::start_with(options).await);
        }
        Self { apps, postgres, cluster, home }
    }

    /// Ends all of them, PostgreSQL last.
    pub async fn end(mut self) {
        self.apps.iter_mut().for_each(TestApp::kill);
        self.postgres.stop().await.ok();
    }
}
