//! What somebody is told about themselves: the organisations and projects they can choose from.

use std::collections::HashMap;

use kernel::{ProjectId, TenantId};

use super::{Identity, SESSION_ENDED};
use crate::store::membership::{Belonging, list_belongings, list_projects_of};
use crate::store::{api_key, organisation, user};
use crate::{Error, Me, MyOrganisation, MyProject, Organisation, PermissionSet, Principal};

impl Identity {
    pub async fn me(&self, principal: &Principal) -> Result<Me, Error> {
        let mut tx = self.shared.db.system("who somebody is").await?;
        let (user, operator, mut organisations) = match *principal {
            Principal::User { user, operator, .. } => {
                let known = user::find_user(&mut tx, user).await?.ok_or(SESSION_ENDED)?;
                (Some(known), operator, gather(list_belongings(&mut tx, user).await?))
            }
            Principal::Key { key, tenant } => {
                let grant = api_key::find_key_grant(&mut tx, key).await?.ok_or(SESSION_ENDED)?;
                let own = organisation::find_organisation(&mut tx, tenant).await?.ok_or(SESSION_ENDED)?;
                (None, false, vec![Gathered::over_all(own, grant.role)])
            }
        };
        let tenants: Vec<_> = organisations.iter().map(|one| one.organisation.id.as_uuid()).collect();
        for (tenant, project, name) in list_projects_of(&mut tx, &tenants).await? {
            if let Some(one) = organisations.iter_mut().find(|one| one.organisation.id == tenant) {
                one.offer(project, name);
            }
        }
        tx.commit().await?;
        Ok(Me { user, operator, organisations: organisations.into_iter().map(|one| one.organisation).collect() })
    }
}

/// An organisation with the roles that single projects give.
struct Gathered {
    organisation: MyOrganisation,
    by_project: HashMap<ProjectId, String>,
}

impl Gathered {
    fn over_all(own: Organisation, role: String) -> Self {
        let organisation = MyOrganisation {
            id: own.id,
            name: own.name,
            display_name: own.display_name,
            status: own.status,
            role: Some(role),
            projects: Vec::new(),
        };
        Self { organisation, by_project: HashMap::new() }
    }

    /// Lists a project where there is any role in it; the one that gives more.
    fn offer(&mut self, id: ProjectId, name: String) {
        let rights = |role: &String| PermissionSet::of_row(role, &[]);
        let own = self.by_project.remove(&id);
        let role = match (own, self.organisation.role.clone()) {
            (Some(own), Some(all)) if rights(&all).covers(rights(&own)) => all,
            (Some(own), _) => own,
            (None, Some(all)) => all,
            (None, None) => return,
        };
        self.organisation.projects.push(MyProject { id, name, role });
    }
}

/// Puts the grants of one organisation together; they come sorted by organisation.
fn gather(belongings: Vec<Belonging>) -> Vec<Gathered> {
    let mut gathered: Vec<Gathered> = Vec::new();
    for one in belongings {
        let same = |id: TenantId| move |last: &&mut Gathered| last.organisation.id == id;
        if gathered.last_mut().filter(same(one.tenant)).is_none() {
            let organisation = MyOrganisation {
                id: one.tenant,
                name: one.name,
                display_name: one.display_name,
                status: one.status,
                role: None,
                projects: Vec::new(),
            };
            gathered.push(Gathered { organisation, by_project: HashMap::new() });
        }
        let Some(last) = gathered.last_mut() else { continue };
        match one.project {
            Some(project) => drop(last.by_project.insert(project, one.role)),
            None => last.organisation.role = Some(one.role),
        }
    }
    gathered
}
