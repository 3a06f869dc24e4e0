use chrono::{DateTime, Utc};
use db::{SystemTx, TenantTx};
use kernel::{InvitationId, PageRequest, ProjectId, TenantCtx};
use uuid::Uuid;

use crate::{Actor, Error, Invitation, InvitationState, OrganisationStatus};

/// An invitation about to be stored.
pub(crate) struct NewRow<'a> {
    pub(crate) email: &'a str,
    pub(crate) role: &'a str,
    pub(crate) project: Option<ProjectId>,
    pub(crate) invited_by: &'a Actor,
    pub(crate) token_hash: &'a [u8],
    pub(crate) expires_at: DateTime<Utc>,
}

/// The columns as they come. A state this binary does not know counts as revoked, an unknown inviter as gone.
struct Row {
    invitation_id: Uuid,
    email: String,
    role: String,
    project_id: Option<Uuid>,
    invited_by: String,
    state: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl From<Row> for Invitation {
    fn from(row: Row) -> Self {
        Self {
            id: row.invitation_id.into(),
            email: row.email,
            role: row.role,
            project: row.project_id.map(ProjectId::from),
            invited_by: row.invited_by.parse().ok(),
            state: row.state.parse().unwrap_or(InvitationState::Revoked),
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

pub(crate) async fn insert_invitation(tx: &mut TenantTx, new: &NewRow<'_>) -> Result<Invitation, Error> {
    let row = sqlx::query_as!(
        Row,
        "insert into invitation
             (tenant_id, invitation_id, email, role, project_id, invited_by, token_hash, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         returning invitation_id, email, role, project_id, invited_by, state, created_at, expires_at",
        tx.tenant().as_uuid(),
        InvitationId::new().as_uuid(),
        new.email,
        new.role,
        new.project.map(ProjectId::as_uuid),
        new.invited_by.to_string(),
        new.token_hash,
        new.expires_at
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(row.into())
}

/// Those that were neither accepted nor revoked, of these projects alone where some are named.
pub(crate) async fn list_pending(
    tx: &mut TenantTx,
    only: Option<&[ProjectId]>,
    page: &PageRequest,
) -> Result<Vec<Invitation>, Error> {
    let only: Option<Vec<_>> = only.map(|only| only.iter().map(|project| project.as_uuid()).collect());
    let rows = sqlx::query_as!(
        Row,
        "select invitation_id, email, role, project_id, invited_by, state, created_at, expires_at from invitation
         where tenant_id = $1 and state = 'pending' and ($2::uuid[] is null or project_id = any($2))
           and ($3::timestamptz is null or (created_at, invitation_id) < ($3, $4))
         order by created_at desc, invitation_id desc limit $5",
        tx.tenant().as_uuid(),
        only.as_deref(),
        page.after.map(|after| after.at),
        page.after.map(|after| after.id),
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(Invitation::from).collect())
}

pub(crate) async fn lock_pending(tx: &mut TenantTx, id: InvitationId) -> Result<Option<Invitation>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select invitation_id, email, role, project_id, invited_by, state, created_at, expires_at from invitation
         where tenant_id = $1 and invitation_id = $2 and state = 'pending' for update",
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(Invitation::from))
}

/// The one that waits for this address over just this scope.
pub(crate) async fn lock_pending_of(
    tx: &mut TenantTx,
    email: &str,
    project: Option<ProjectId>,
) -> Result<Option<Invitation>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select invitation_id, email, role, project_id, invited_by, state, created_at, expires_at from invitation
         where tenant_id = $1 and email = $2 and project_id is not distinct from $3 and state = 'pending' for update",
        tx.tenant().as_uuid(),
        email,
        project.map(ProjectId::as_uuid)
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(Invitation::from))
}

/// Settles an invitation that is pending. Of many at once one succeeds; the others wait and are told no.
pub(crate) async fn settle(tx: &mut TenantTx, id: InvitationId, state: InvitationState) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update invitation set state = $3 where tenant_id = $1 and invitation_id = $2 and state = 'pending'",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        state.name()
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What a link leads to.
pub(crate) struct Found {
    pub(crate) tenant: TenantCtx,
    pub(crate) invitation: Invitation,
    pub(crate) organisation: String,
    pub(crate) status: OrganisationStatus,
    pub(crate) project: Option<String>,
}

/// The invitation behind a hash, whatever has become of it.
pub(crate) async fn find_by_token(tx: &mut TenantTx, hash: &[u8]) -> Result<Option<Found>, Error> {
    let tenant = tx.tenant().into();
    let row = sqlx::query!(
        r#"select i.invitation_id, i.email, i.role, i.project_id, i.invited_by, i.state, i.created_at, i.expires_at,
                  o.display_name as organisation, o.status, p.name as "project?"
           from invitation i
           join organisation o on o.tenant_id = i.tenant_id
           left join project p on p.tenant_id = i.tenant_id and p.project_id = i.project_id
           where i.tenant_id = $1 and i.token_hash = $2"#,
        tx.tenant().as_uuid(),
        hash
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Found {
        tenant,
        organisation: row.organisation,
        status: row.status.parse().unwrap_or(OrganisationStatus::Suspended),
        project: row.project,
        invitation: Row {
            invitation_id: row.invitation_id,
            email: row.email,
            role: row.role,
            project_id: row.project_id,
            invited_by: row.invited_by,
            state: row.state,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
        .into(),
    }))
}

/// Forgets those of every organisation that expired before a moment.
pub(crate) async fn delete_expired(tx: &mut SystemTx, before: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!("delete from invitation where expires_at < $1", before).execute(&mut **tx).await?;
    Ok(())
}
