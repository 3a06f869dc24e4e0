use db::TenantTx;
use llm::budgets::Scope;
use llm::store::Seed;
use tenancy::{Access, Actor, Organisation, OrganisationStatus, Permission, organisations, projects};

use crate::document::{OrganisationDocument, ProjectDocument, Status};
use crate::report::Change;
use crate::{Error, Workshop};

/// Who does it, in the audit's words.
const OPERATOR: Actor = Actor::System;

impl Workshop {
    pub(crate) async fn organisation(&self, wanted: &OrganisationDocument, seed: Seed) -> Result<Change, Error> {
        let db = &self.db;
        let mut tx = db.system("applying an organisation").await?;
        let found = organisations::find_by_name(&mut tx, &wanted.name).await?;
        let new = found.is_none();
        let standing = match found {
            Some(standing) => standing,
            None => {
                let display_name = wanted.display_name.as_deref().unwrap_or(&wanted.name);
                organisations::create(&mut tx, &OPERATOR, &wanted.name, display_name).await?
            }
        };
        let mut fields = differences(wanted, &standing);
        if !fields.is_empty() {
            let change = organisations::Change {
                display_name: wanted.display_name.clone(),
                status: wanted.status.map(status),
                weight: wanted.weight,
                max_running: wanted.max_running.map(Some),
            };
            organisations::update(&mut tx, &OPERATOR, standing.id, change).await?;
        }
        tx.commit().await?;
        // In a transaction of its own, as the organisation's: one that was cut off between the two gets it now.
        let mut tx = db.tenant(standing.id).await?;
        if llm::store::seed_where_bare(&mut tx, &self.sealer, seed).await? {
            fields.push("model_groups".to_owned());
        }
        let access = Access::system(standing.id);
        let budget = self.budget(&mut tx, &access, Scope::Organisation, wanted.budget.as_ref()).await?;
        tx.commit().await?;
        Ok(if new { Change::Created } else { Change::of_fields(fields).with_budget(budget) })
    }

    pub(crate) async fn project(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &ProjectDocument,
    ) -> Result<Change, Error> {
        access.require(Permission::ProjectWrite, None)?;
        let (project, change) = match projects::find_by_name(tx, &wanted.name).await? {
            Some(standing) => (standing, Change::Unchanged),
            None => (projects::create(tx, access, &wanted.name).await?, Change::Created),
        };
        let budget = self.budget(tx, access, Scope::Project(project.id), wanted.budget.as_ref()).await?;
        Ok(change.with_budget(budget))
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
