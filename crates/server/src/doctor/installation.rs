//! Checks of what all organisations share.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use infra::{Reach, Timeouts};
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;

use super::Report;
use crate::config::Config;
use crate::house::{self, House};
use crate::serve::Running;

/// Below this much free space the next busy day may fill the disk.
const LITTLE_SPACE_MIB: u64 = 1024;
const CLOCKS_AGREE: TimeDelta = TimeDelta::seconds(2);

pub(super) async fn before_database(report: &mut Report, config: &Config) {
    match free_mib(config).await {
        Some(free) if free < LITTLE_SPACE_MIB => report.warn(format!("disk: only {free} MiB are free")),
        Some(free) => report.fine(format!("disk: {} GiB are free", free / 1024)),
        None => report.warn("disk: the free space is not known (`df` said nothing)"),
    }
    let key = config.master_key_file();
    match std::fs::metadata(&key) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            report.warn(format!("master key: others may read {} (chmod 600)", key.display()));
        }
        Ok(_) => report.fine(format!("master key: {}", key.display())),
        Err(_) => report.warn(format!("master key: {} does not exist", key.display())),
    }
}

pub(super) async fn database(report: &mut Report, config: &Config, house: &House) -> anyhow::Result<()> {
    let mut tx = house.db.system("doctor").await?;
    let found = sqlx::query!(
        r#"select current_setting('server_version') as "version!", now() as "now!",
                  pg_database_size(current_database()) as "bytes!""#
    );
    let found = found.fetch_one(&mut *tx).await?;
    tx.commit().await?;
    // Opening the house has refused servers that are too old, roles that are too powerful and schemas that are behind.
    let size = found.bytes / (1024 * 1024);
    report.fine(format!("database: PostgreSQL {}, schema and roles as they should be, {size} MiB", found.version));
    clock(report, house.clock.now(), found.now);
    walls(report, config, house).await
}

fn clock(report: &mut Report, here: DateTime<Utc>, there: DateTime<Utc>) {
    let apart = (here - there).abs();
    if apart > CLOCKS_AGREE {
        let apart = apart.num_milliseconds();
        report.warn(format!("clock: this machine and the database are {apart} ms apart; signatures may be refused"));
    } else {
        report.fine("clock: this machine and the database agree");
    }
}

async fn walls(report: &mut Report, config: &Config, house: &House) -> anyhow::Result<()> {
    let admin = match (&house.embedded, &config.database.admin_url) {
        (Some(embedded), _) => embedded.admin(),
        (None, Some(url)) => house::connect_options("database.admin_url", url)?,
        (None, None) => {
            report.warn("walls: not checked, since database.admin_url is not set");
            return Ok(());
        }
    };
    let mut admin = PgConnection::connect_with(&admin).await?;
    let breaches = db::walls::inspect(&mut admin).await?;
    admin.close().await?;
    if breaches.is_empty() {
        report.fine("walls: every table keeps organisations apart");
    }
    breaches.iter().for_each(|breach| report.broken(format!("walls: {breach}")));
    Ok(())
}

pub(super) async fn server(report: &mut Report, config: &Config, house: &House) -> anyhow::Result<()> {
    let Some(url) = Running::find(config).await? else {
        report.fine("server: none runs on this data directory");
        return Ok(());
    };
    let call = house.egress.request(Method::GET, &format!("{url}/readyz").parse()?, Reach::Private)?;
    match house.egress.send(call, Timeouts::within(Duration::from_secs(5))).await {
        Ok(answer) if answer.status().is_success() => report.fine(format!("server: ready at {url}")),
        Ok(answer) => report.broken(format!("server: {url} is not ready ({})", answer.status())),
        Err(error) => report.broken(format!("server: {url} does not answer: {error}")),
    }
    Ok(())
}

async fn free_mib(config: &Config) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(&config.data_dir).output().await.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let free_kib: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(free_kib / 1024)
}
