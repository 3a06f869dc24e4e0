//! Projects: the parts of an organisation.

use db::{Db, TenantTx};
use kernel::{Cursor, Page, PageRequest, ProjectId};
use serde_json::json;
use uuid::Uuid;

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

/// Deletes a project with its agents, connections and conversations. Nothing new comes in first, then what there is
/// goes, and the project itself last: cut off in the middle, it is called again. Returns the configuration epoch that
/// ends it.
pub async fn delete(db: &Db, access: &Access, id: ProjectId) -> Result<i64, Error> {
    access.require(Permission::ProjectDelete, Some(id))?;
    close(db, access, id).await?;
    loop {
        empty(db, access, id).await?;
        if let Some(epoch) = remove(db, access, id).await? {
            return Ok(epoch);
        }
    }
}

/// Takes a project's connections and agents away, and returns when no node acts upon them any more.
async fn close(db: &Db, access: &Access, id: ProjectId) -> Result<(), Error> {
    let mut tx = db.tenant(access.tenant).await?;
    project::find_project(&mut tx, id).await?.ok_or(NO_SUCH)?;
    erase::delete_entrances(&mut tx, id).await?;
    let epoch = db::bump_config_epoch(&mut tx).await?;
    tx.commit().await?;
    Ok(db::wait_until_in_force(db, epoch).await?)
}

/// Removes a project's lanes with everything that the engine filed for them, some at a time.
async fn empty(db: &Db, access: &Access, id: ProjectId) -> Result<(), Error> {
    let tenant = access.tenant.tenant;
    let mut after = Uuid::nil();
    loop {
        let mut tx = db.system("taking lanes of a project that is deleted").await?;
        let fenced = erase::fence_lanes(&mut tx, tenant, id, after).await?;
        tx.commit().await?;
        let Some(&last) = fenced.lanes.last() else { return Ok(()) };
        erase::wait_for_writers(db).await?;
        let mut tx = db.system("lanes of a project that is deleted").await?;
        erase::delete_lanes(&mut tx, tenant, &fenced).await?;
        tx.commit().await?;
        after = last;
    }
}

/// Deletes the project itself. `None`: a message that was on its way has come in meanwhile, and must go first.
async fn remove(db: &Db, access: &Access, id: ProjectId) -> Result<Option<i64>, Error> {
    let mut tx = db.tenant(access.tenant).await?;
    if !erase::lock_project(&mut tx, id).await? {
        return Err(NO_SUCH);
    }
    if erase::has_lanes(&mut tx, id).await? {
        return Ok(None);
    }
    // Once more: until now the project stood, and somebody may have added to it.
    erase::delete_entrances(&mut tx, id).await?;
    erase::delete_project(&mut tx, id).await?;
    audit::record(&mut tx, &access.actor, "project.delete", &object(id), json!({})).await?;
    let epoch = db::bump_config_epoch(&mut tx).await?;
    tx.commit().await?;
    Ok(Some(epoch))
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
