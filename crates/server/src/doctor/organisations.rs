//! Checks of each organisation: secrets, providers, connections, what could not be done.

use std::time::Duration;

use channels::connection::{self, ConnectionFilter};
use db::TenantTx;
use futures::future::join_all;
use http::Method;
use infra::{Egress, Reach, Timeouts};
use kernel::{PageRequest, TenantId};
use llm::store::Provider;
use tenancy::{Access, Organisation, organisations, projects, secrets};
use url::Url;

use super::Report;
use crate::house::House;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn check_all(report: &mut Report, house: &House) -> anyhow::Result<()> {
    let mut page = PageRequest::new(None, Some(PageRequest::MAX_LIMIT));
    loop {
        let mut tx = house.db.system("doctor").await?;
        let found = organisations::list(&mut tx, &page).await?;
        tx.commit().await?;
        for organisation in &found.items {
            check(report, house, organisation).await?;
        }
        match found.next.as_deref().and_then(kernel::Cursor::decode) {
            Some(after) => page = PageRequest::new(Some(after), Some(PageRequest::MAX_LIMIT)),
            None => return Ok(()),
        }
    }
}

async fn check(report: &mut Report, house: &House, organisation: &Organisation) -> anyhow::Result<()> {
    let name = &organisation.name;
    let before = (report.warnings, report.broken);
    let mut tx = house.db.tenant(organisation.id).await?;
    check_secrets(report, house, name, &mut tx).await?;
    check_connections(report, name, organisation.id, &mut tx).await?;
    let letters = sqlx::query_scalar!(
        r#"select count(*) as "count!" from dead_letter where tenant_id = $1 and replayed_at is null"#,
        organisation.id.as_uuid()
    );
    let letters = letters.fetch_one(&mut *tx).await?;
    if letters > 0 {
        report.warn(format!("{name}: {letters} messages or replies could not be dealt with; see its dead letters"));
    }
    let providers = llm::store::list_providers(&mut tx).await?;
    tx.commit().await?;
    check_providers(report, house, name, &providers).await;
    if before == (report.warnings, report.broken) {
        report.fine(format!("{name}: secrets, connections and model providers"));
    }
    Ok(())
}

/// A canary for each key that sealed something: whether the master key file still opens it.
async fn check_secrets(report: &mut Report, house: &House, name: &str, tx: &mut TenantTx) -> anyhow::Result<()> {
    let sealed = sqlx::query!(
        "select distinct on (key_id) owner_id, name from secret where tenant_id = $1 order by key_id",
        tx.tenant().as_uuid()
    );
    for secret in sealed.fetch_all(&mut **tx).await? {
        if let Err(error) = secrets::get(tx, &house.sealer, secret.owner_id, &secret.name).await {
            report.broken(format!(
                "{name}: the master key does not open its secrets ({error}); restore the old key file"
            ));
        }
    }
    Ok(())
}

async fn check_connections(report: &mut Report, name: &str, tenant: TenantId, tx: &mut TenantTx) -> anyhow::Result<()> {
    let page = PageRequest::new(None, Some(PageRequest::MAX_LIMIT));
    for project in projects::list(tx, &Access::system(tenant), &page).await?.items {
        for found in connection::list(tx, project.id, ConnectionFilter::default(), &page).await?.items {
            if let Some(problem) = found.problem.filter(|_| found.enabled) {
                report.broken(format!("{name}: connection {}: {problem}", found.name));
            }
        }
    }
    Ok(())
}

/// Whether each provider that an organisation has set up can be reached. Whatever it answers, it is there.
async fn check_providers(report: &mut Report, house: &House, name: &str, providers: &[Provider]) {
    let reached = providers.iter().filter(|provider| !provider.base_url.is_empty()).map(async |provider| {
        let reach = if provider.private_allowed { Reach::Private } else { Reach::Public };
        (provider, knock(&house.egress, &provider.base_url, reach).await)
    });
    for (provider, reached) in join_all(reached).await {
        if let Err(error) = reached {
            report.broken(format!("{name}: provider {} ({}): {error:#}", provider.name, provider.base_url));
        }
    }
}

async fn knock(egress: &Egress, base_url: &str, reach: Reach) -> anyhow::Result<()> {
    let call = egress.request(Method::GET, &base_url.parse::<Url>()?, reach)?;
    egress.send(call, Timeouts::within(PATIENCE)).await?;
    Ok(())
}
