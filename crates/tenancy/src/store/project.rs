use db::{SystemTx, TenantTx};
use kernel::{PageRequest, ProjectId, TenantId};

use crate::{Error, Project};

/// Makes the first project of a new organisation, whose own transaction cannot exist yet.
pub(crate) async fn insert_first_project(tx: &mut SystemTx, tenant: TenantId, name: &str) -> Result<ProjectId, Error> {
    let id = ProjectId::new();
    sqlx::query!(
        "insert into project (tenant_id, project_id, name) values ($1, $2, $3)",
        tenant.as_uuid(),
        id.as_uuid(),
        name
    )
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

pub(crate) async fn insert_project(tx: &mut TenantTx, name: &str) -> Result<Project, Error> {
    let project = sqlx::query_as!(
        Project,
        r#"insert into project (tenant_id, project_id, name) values ($1, $2, $3)
           returning project_id as id, name, created_at"#,
        tx.tenant().as_uuid(),
        ProjectId::new().as_uuid(),
        name
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(project)
}

pub(crate) async fn find_project(tx: &mut TenantTx, id: ProjectId) -> Result<Option<Project>, Error> {
    let project = sqlx::query_as!(
        Project,
        "select project_id as id, name, created_at from project where tenant_id = $1 and project_id = $2",
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(project)
}

pub(crate) async fn find_project_by_name(tx: &mut TenantTx, name: &str) -> Result<Option<Project>, Error> {
    let project = sqlx::query_as!(
        Project,
        "select project_id as id, name, created_at from project where tenant_id = $1 and name = $2",
        tx.tenant().as_uuid(),
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(project)
}

/// A page of the projects; of those in `only`, where it is given.
pub(crate) async fn list_projects(
    tx: &mut TenantTx,
    only: Option<&[ProjectId]>,
    page: &PageRequest,
) -> Result<Vec<Project>, Error> {
    let only: Option<Vec<_>> = only.map(|only| only.iter().map(|project| project.as_uuid()).collect());
    let projects = sqlx::query_as!(
        Project,
        "select project_id as id, name, created_at from project
         where tenant_id = $1 and ($2::uuid[] is null or project_id = any($2))
           and ($3::timestamptz is null or (created_at, project_id) < ($3, $4))
         order by created_at desc, project_id desc limit $5",
        tx.tenant().as_uuid(),
        only.as_deref(),
        page.after.map(|after| after.at),
        page.after.map(|after| after.id),
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(projects)
}

pub(crate) async fn update_project(tx: &mut TenantTx, id: ProjectId, name: &str) -> Result<Option<Project>, Error> {
    let project = sqlx::query_as!(
        Project,
        "update project set name = $3 where tenant_id = $1 and project_id = $2
         returning project_id as id, name, created_at",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(project)
}
