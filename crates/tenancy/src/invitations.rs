//! Invitations: how a person becomes a member.
//!
//! Invariant: nobody becomes a member for having an address. Whoever registered one first, in whatever organisation,
//! gains nothing elsewhere: a membership begins when the holder of this organisation's own link accepts it.
//! Invariant: what the inviter is answered does not depend on whether the address has a user already.
//! Invariant: a role is offered, and given, by somebody who has all of its rights at that moment.

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, TenantTx};
use kernel::{Cursor, InvitationId, Page, PageRequest, ProjectId, Secret, TenantId};
use serde_json::json;
use uuid::Uuid;

use crate::identity::{normalised, token};
use crate::store::{invitation, membership, role};
use crate::{Access, Actor, Error, Invitation, InvitationState, Permission, audit, members, projects};

/// How long a link may be used.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);
/// How long it is remembered after that, so that its holder is told what became of it.
pub(crate) const REMEMBERED: TimeDelta = TimeDelta::days(7);

/// How every token begins, so that leaked ones are found by scanners.
const PREFIX: &str = "ki_";

const NO_SUCH: Error = Error::NotFound("invitation");

/// Whom to invite, and as what.
#[derive(Clone, Copy, Debug)]
pub struct NewInvitation<'a> {
    pub email: &'a str,
    pub role: &'a str,
    /// `None`: the whole organisation.
    pub project: Option<ProjectId>,
}

/// Fails where nobody can have this address.
pub fn check_email(email: &str) -> Result<(), Error> {
    normalised(email).map(drop)
}

/// Makes an invitation, and returns it with what its link carries: the only time that is shown. It takes the place of
/// the one that may wait for this address over the same scope.
pub async fn create(
    db: &Db,
    now: DateTime<Utc>,
    access: &Access,
    new: NewInvitation<'_>,
) -> Result<(Invitation, Secret), Error> {
    access.require(Permission::MembersWrite, new.project)?;
    let email = normalised(new.email)?;
    let tenant = access.tenant.tenant;
    let mut system = db.system("whether somebody is a member already").await?;
    let member = membership::find_is_member(&mut system, tenant, &email, new.project).await?;
    system.commit().await?;
    let mut tx = db.tenant(access.tenant).await?;
    if let Some(project) = new.project {
        projects::find(&mut tx, access, project).await?;
    }
    if member {
        return Err(Error::Conflict("this person is a member there already"));
    }
    members::require_may_add(&mut tx, access, new.role, new.project).await?;
    if let Some(standing) = invitation::lock_pending_of(&mut tx, &email, new.project).await? {
        withdraw(&mut tx, access, &standing).await?;
    }
    let token = token::random(&format!("{PREFIX}{}.", tenant.as_uuid().simple()));
    let row = invitation::NewRow {
        email: &email,
        role: new.role,
        project: new.project,
        invited_by: &access.actor,
        token_hash: &token::hash(&token),
        expires_at: now + LIFETIME,
    };
    let made = invitation::insert_invitation(&mut tx, &row).await;
    let made = made.map_err(|error| error.or_taken("this person has just been invited there"))?;
    record(&mut tx, &access.actor, "invitation.create", &made).await?;
    tx.commit().await?;
    Ok((made, token))
}

/// The invitations that wait, expired ones among them, newest first; who has projects only sees those projects'.
pub async fn list(db: &Db, access: &Access, page: &PageRequest) -> Result<Page<Invitation>, Error> {
    let only = members::visible_projects(access)?;
    let mut tx = db.tenant(access.tenant).await?;
    let found = invitation::list_pending(&mut tx, only.as_deref(), page).await?;
    tx.commit().await?;
    Ok(Page::cut(found, page, |one| Cursor { at: one.created_at, id: one.id.as_uuid() }))
}

/// Takes an invitation back: its link is worth nothing from here on.
pub async fn revoke(tx: &mut TenantTx, access: &Access, id: InvitationId) -> Result<(), Error> {
    let standing = invitation::lock_pending(tx, id).await?.ok_or(NO_SUCH)?;
    access.require(Permission::MembersWrite, standing.project)?;
    withdraw(tx, access, &standing).await
}

/// As with a member's role: who has less than it gives does not take it away.
async fn withdraw(tx: &mut TenantTx, access: &Access, standing: &Invitation) -> Result<(), Error> {
    let rights = role::find_role(tx, &standing.role).await?.unwrap_or_default();
    access.require_covers(rights, standing.project)?;
    invitation::settle(tx, standing.id, InvitationState::Revoked).await?;
    record(tx, &access.actor, "invitation.revoke", standing).await
}

pub(crate) async fn record(tx: &mut TenantTx, actor: &Actor, action: &str, about: &Invitation) -> Result<(), Error> {
    let detail = json!({ "email": about.email, "role": about.role, "project": about.project });
    audit::record(tx, actor, action, &format!("invitation:{}", about.id), detail).await
}

/// The organisation that a token says to be of; whether it is, its hash tells. So the invitation is looked for behind
/// that organisation's wall, and no index has to look over all of them.
pub(crate) fn organisation_of(token: &Secret) -> Option<TenantId> {
    let (organisation, _) = token.expose().strip_prefix(PREFIX)?.split_once('.')?;
    Uuid::try_parse(organisation).ok().map(TenantId::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_organisation_and_garbage_names_none() {
        let tenant = TenantId::new();
        let token = token::random(&format!("{PREFIX}{}.", tenant.as_uuid().simple()));
        assert_eq!(organisation_of(&token), Some(tenant));
        for garbage in ["", "ki_", "ki_.x", "kk_nonsense", "ki_nonsense.x", &token.expose()[3..]] {
            assert_eq!(organisation_of(&garbage.into()), None, "{garbage:?}");
        }
    }
}
