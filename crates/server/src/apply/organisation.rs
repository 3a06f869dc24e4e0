use anyhow::Context as _;
use tenancy::{Organisation, OrganisationStatus, organisations, projects};

use super::diff::Change;
use super::document::{OrganisationDocument, ProjectDocument, Status};
use super::{ACTOR, Work};

impl Work<'_> {
    pub(super) async fn organisation(&self, wanted: &OrganisationDocument) -> anyhow::Result<Change> {
        let db = &self.house.db;
        let mut tx = db.system("applying an organisation").await?;
        let found = organisations::find_by_name(&mut tx, &wanted.name).await?;
        let (standing, change) = match found {
            Some(standing) => {
                let fields = differences(wanted, &standing);
                (standing, Change::of_fields(fields))
            }
            None => {
                let display_name = wanted.display_name.as_deref().unwrap_or(&wanted.name);
                let made = organisations::create(&mut tx, &ACTOR, &wanted.name, display_name).await?;
                (made, Change::Created)
            }
        };
        if !differences(wanted, &standing).is_empty() {
            let new = organisations::Change {
                display_name: wanted.display_name.clone(),
                status: wanted.status.map(status),
                weight: wanted.weight,
                max_running: wanted.max_running.map(Some),
            };
            organisations::update(&mut tx, &ACTOR, standing.id, new).await?;
        }
        tx.commit().await?;
        if change == Change::Created {
            let mut tx = db.tenant(standing.id).await?;
            llm::store::seed_defaults(&mut tx, &self.house.sealer, self.seed)
                .await
                .context("cannot give it the shipped model groups")?;
            tx.commit().await?;
        }
        Ok(change)
    }

    pub(super) async fn project(&self, wanted: &ProjectDocument) -> anyhow::Result<Change> {
        let access = self.access(&wanted.organisation).await?;
        let mut tx = self.house.db.tenant(access.tenant).await?;
        if projects::find_by_name(&mut tx, &wanted.name).await?.is_some() {
            return Ok(Change::Unchanged);
        }
        projects::create(&mut tx, &access, &wanted.name).await?;
        tx.commit().await?;
        Ok(Change::Created)
    }
}

/// The fields that the document names and that stand otherwise.
fn differences(wanted: &OrganisationDocument, standing: &Organisation) -> Vec<String> {
    let differs = [
        ("display_name", wanted.display_name.as_ref().is_some_and(|name| *name != standing.display_name)),
        ("status", wanted.status.is_some_and(|wanted| status(wanted) != standing.status)),
        ("weight", wanted.weight.is_some_and(|weight| weight != standing.weight)),
        ("max_running", wanted.max_running.is_some_and(|most| Some(most) != standing.max_running)),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field.to_owned()).collect()
}

const fn status(status: Status) -> OrganisationStatus {
    match status {
        Status::Active => OrganisationStatus::Active,
        Status::Suspended => OrganisationStatus::Suspended,
    }
}
