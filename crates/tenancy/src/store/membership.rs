use db::{SystemTx, TenantTx};
use kernel::{MemberId, PageRequest, ProjectId, TenantId, UserId};
use uuid::Uuid;

use crate::access::Rights;
use crate::{Error, OrganisationStatus, PermissionSet, Role};

/// A membership as its organisation knows it: the user is an id, whose name identity knows.
pub(crate) struct Membership {
    pub(crate) id: MemberId,
    pub(crate) user: UserId,
    pub(crate) role: String,
    pub(crate) project: Option<ProjectId>,
    pub(crate) created_at: chrono::DateTime<chrono::Utc>,
}

struct Row {
    membership_id: Uuid,
    user_id: Uuid,
    role: String,
    project_id: Option<Uuid>,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl From<Row> for Membership {
    fn from(row: Row) -> Self {
        Self {
            id: row.membership_id.into(),
            user: row.user_id.into(),
            role: row.role,
            project: row.project_id.map(ProjectId::from),
            created_at: row.created_at,
        }
    }
}

pub(crate) async fn insert_membership(
    tx: &mut TenantTx,
    user: UserId,
    role: &str,
    project: Option<ProjectId>,
) -> Result<Membership, Error> {
    let row = sqlx::query_as!(
        Row,
        "insert into membership (tenant_id, membership_id, user_id, project_id, role) values ($1, $2, $3, $4, $5)
         returning membership_id, user_id, role, project_id, created_at",
        tx.tenant().as_uuid(),
        MemberId::new().as_uuid(),
        user.as_uuid(),
        project.map(ProjectId::as_uuid),
        role
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(row.into())
}

pub(crate) async fn list_memberships(
    tx: &mut TenantTx,
    only: Option<&[ProjectId]>,
    page: &PageRequest,
) -> Result<Vec<Membership>, Error> {
    let only: Option<Vec<_>> = only.map(|only| only.iter().map(|project| project.as_uuid()).collect());
    let rows = sqlx::query_as!(
        Row,
        "select membership_id, user_id, role, project_id, created_at from membership
         where tenant_id = $1 and ($2::uuid[] is null or project_id = any($2))
           and ($3::timestamptz is null or (created_at, membership_id) < ($3, $4))
         order by created_at desc, membership_id desc limit $5",
        tx.tenant().as_uuid(),
        only.as_deref(),
        page.after.map(|after| after.at),
        page.after.map(|after| after.id),
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(Membership::from).collect())
}

pub(crate) async fn lock_membership(tx: &mut TenantTx, id: MemberId) -> Result<Option<Membership>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select membership_id, user_id, role, project_id, created_at from membership
         where tenant_id = $1 and membership_id = $2 for update",
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(Membership::from))
}

/// The grant a user has over just this scope.
pub(crate) async fn find_membership_of(
    tx: &mut TenantTx,
    user: UserId,
    project: Option<ProjectId>,
) -> Result<Option<Membership>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select membership_id, user_id, role, project_id, created_at from membership
         where tenant_id = $1 and user_id = $2 and project_id is not distinct from $3",
        tx.tenant().as_uuid(),
        user.as_uuid(),
        project.map(ProjectId::as_uuid)
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(Membership::from))
}

/// Whether a user has any grant in the organisation, in one of these projects where some are named.
pub(crate) async fn find_belongs(tx: &mut TenantTx, user: UserId, only: Option<&[ProjectId]>) -> Result<bool, Error> {
    let only: Option<Vec<_>> = only.map(|only| only.iter().map(|project| project.as_uuid()).collect());
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from membership
               where tenant_id = $1 and user_id = $2 and ($3::uuid[] is null or project_id = any($3))) as "found!""#,
        tx.tenant().as_uuid(),
        user.as_uuid(),
        only.as_deref()
    );
    Ok(found.fetch_one(&mut **tx).await?)
}

/// Whether the user of an address has a grant over just this scope. One statement, whether there is such a user or not.
pub(crate) async fn find_is_member(
    tx: &mut SystemTx,
    tenant: TenantId,
    email: &str,
    project: Option<ProjectId>,
) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from membership m join users u on u.user_id = m.user_id
               where m.tenant_id = $1 and u.email = $2 and m.project_id is not distinct from $3) as "found!""#,
        tenant.as_uuid(),
        email,
        project.map(ProjectId::as_uuid)
    );
    Ok(found.fetch_one(&mut **tx).await?)
}

/// Locks the owners, in the order of their ids, so that two changes at once cannot both count on the other's owner.
pub(crate) async fn lock_owners(tx: &mut TenantTx) -> Result<Vec<MemberId>, Error> {
    let owners = sqlx::query_scalar!(
        "select membership_id from membership where tenant_id = $1 and role = $2 and project_id is null
         order by membership_id for update",
        tx.tenant().as_uuid(),
        Role::Owner.name()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(owners.into_iter().map(MemberId::from).collect())
}

pub(crate) async fn update_membership(tx: &mut TenantTx, id: MemberId, role: &str) -> Result<(), Error> {
    sqlx::query!(
        "update membership set role = $3 where tenant_id = $1 and membership_id = $2",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        role
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn delete_membership(tx: &mut TenantTx, id: MemberId) -> Result<(), Error> {
    sqlx::query!(
        "delete from membership where tenant_id = $1 and membership_id = $2",
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a user is granted in one organisation.
pub(crate) struct Granted {
    pub(crate) status: OrganisationStatus,
    pub(crate) role: Option<String>,
    pub(crate) rights: Rights,
}

/// What a user is granted in an organisation, in one statement; `None` where it is nothing, or the user is disabled.
pub(crate) async fn find_granted(tx: &mut SystemTx, tenant: TenantId, user: UserId) -> Result<Option<Granted>, Error> {
    let rows = sqlx::query!(
        r#"with recursive granted as (
               select m.project_id, m.role, r.name, r.inherits, r.grants, 0 as depth
               from membership m
               join users u on u.user_id = m.user_id and u.disabled_at is null
               join role r on r.tenant_id = m.tenant_id and r.name = m.role
               where m.tenant_id = $1 and m.user_id = $2
               union all
               select g.project_id, g.role, r.name, r.inherits, r.grants, g.depth + 1
               from granted g join role r on r.tenant_id = $1 and r.name = g.inherits where g.depth < 8)
           select o.status, g.project_id, g.role as "role!", g.name as "name!", g.grants as "grants!"
           from organisation o, granted g where o.tenant_id = $1"#,
        tenant.as_uuid(),
        user.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut granted = Granted {
        status: first.status.parse().unwrap_or(OrganisationStatus::Suspended),
        role: rows.iter().find(|row| row.project_id.is_none()).map(|row| row.role.clone()),
        rights: Rights::default(),
    };
    for row in &rows {
        let project = row.project_id.map(ProjectId::from);
        granted.rights.add(project, PermissionSet::of_row(&row.name, &row.grants));
    }
    Ok(Some(granted))
}

/// One line of what a user belongs to: an organisation, and the project where the grant is for one.
pub(crate) struct Belonging {
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) status: OrganisationStatus,
    pub(crate) project: Option<ProjectId>,
    pub(crate) role: String,
}

pub(crate) async fn list_belongings(tx: &mut SystemTx, user: UserId) -> Result<Vec<Belonging>, Error> {
    let rows = sqlx::query!(
        "select o.tenant_id, o.name, o.display_name, o.status, m.project_id, m.role
         from membership m join organisation o on o.tenant_id = m.tenant_id
         where m.user_id = $1 order by o.display_name, o.tenant_id",
        user.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    let belonging = rows.into_iter().map(|row| Belonging {
        tenant: row.tenant_id.into(),
        name: row.name,
        display_name: row.display_name,
        status: row.status.parse().unwrap_or(OrganisationStatus::Suspended),
        project: row.project_id.map(ProjectId::from),
        role: row.role,
    });
    Ok(belonging.collect())
}

/// The projects of some organisations, by name.
pub(crate) async fn list_projects_of(
    tx: &mut SystemTx,
    tenants: &[Uuid],
) -> Result<Vec<(TenantId, ProjectId, String)>, Error> {
    let rows = sqlx::query!(
        "select tenant_id, project_id, name from project where tenant_id = any($1) order by name, project_id",
        tenants
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id.into(), row.project_id.into(), row.name)).collect())
}
