//! Projects: the parts of an organisation.

use db::{Db, TenantTx};
use kernel::{Cursor, Page, PageRequest, ProjectId};
use serde_json::json;

use crate::store::{erase, project};
use crate::{Access, Error, Permission, Project, audit};

const NO_SUCH: Error = Error::NotFound("project");
const TAKEN: &str = "a project of this name stands already";

/// Makes a project. Takes the organisation's `project.write`.
pub async fn create(tx: &mut TenantTx, access: &Access, name: &str) -> Result<Project, Error> {
    access.require(Permission::ProjectWrite, None)?;
    check_name(name)?;
    let made = project::insert_project(tx, name).await.map_err(|error| error.or_taken(TAKEN))?;
    audit::record(tx, &access.actor, "project.create", &object(made.id), json!({ "name": name })).await?;
    Ok(made)
}

/// The projects the caller may see, newest first.
pub async fn list(tx: &mut TenantTx, access: &Access, page: &PageRequest) -> Result<Page<Project>, Error> {
    let projects = project::list_projects(tx, access.projects().as_deref(), page).await?;
    Ok(Page::cut(projects, page, |project| Cursor { at: project.created_at, id: project.id.as_uuid() }))
}

pub async fn find(tx: &mut TenantTx, access: &Access, id: ProjectId) -> Result<Project, Error> {
    access.require(Permission::ProjectRead, Some(id))?;
    project::find_project(tx, id).await?.ok_or(NO_SUCH)
}

/// The project of this name, for `apply`.
pub async fn find_by_name(tx: &mut TenantTx, name: &str) -> Result<Option<Project>, Error> {
    project::find_project_by_name(tx, name).await
}

pub async fn rename(tx: &mut TenantTx, access: &Access, id: ProjectId, name: &str) -> Result<Project, Error> {
    access.require(Permission::ProjectWrite, Some(id))?;
    check_name(name)?;
    let renamed = project::update_project(tx, id, name).await.map_err(|error| error.or_taken(TAKEN))?;
    let renamed = renamed.ok_or(NO_SUCH)?;
    audit::record(tx, &access.actor, "project.rename", &object(id), json!({ "name": name })).await?;
    Ok(renamed)
}

/// Deletes a project with its agents, connections and conversations. Returns the configuration epoch that stops them.
pub async fn delete(db: &Db, access: &Access, id: ProjectId) -> Result<i64, Error> {
    access.require(Permission::ProjectDelete, Some(id))?;
    let mut tx = db.tenant(access.tenant).await?;
    let lanes = erase::delete_project(&mut tx, id).await?.ok_or(NO_SUCH)?;
    audit::record(&mut tx, &access.actor, "project.delete", &object(id), json!({})).await?;
    let epoch = db::bump_config_epoch(&mut tx).await?;
    tx.commit().await?;
    let mut tx = db.system("the engine's rows of a deleted project").await?;
    erase::delete_lanes(&mut tx, access.tenant.tenant, &lanes).await?;
    tx.commit().await?;
    Ok(epoch)
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.chars().count() > 100 {
        return Err(Error::Invalid("a project's name has 1 to 100 characters"));
    }
    Ok(())
}

fn object(id: ProjectId) -> String {
    format!("project:{id}")
}
