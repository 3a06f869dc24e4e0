//! The other end of an invitation: whoever holds its link sees what it offers, and accepts.
//!
//! Invariant: an unknown address sets its password, a known one proves it; a link never replaces one.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use kernel::{ErrorKind, Secret};
use serde_json::json;

use super::{Identity, Shared, Tokens, check_display_name, password, token};
use crate::store::invitation::{self, Found};
use crate::store::{membership, user};
use crate::{
    Access, Actor, Error, Invitation, InvitationState, Lapse, Offer, OrganisationStatus, User, audit, invitations,
    members,
};

const NO_SUCH: Error = Error::NotFound("invitation");
const WRONG: Error =
    Error::Unauthenticated("this address is known here, and that is not its password; use the one you log in with");

/// What somebody shows who joins an organisation.
#[derive(Clone, Debug)]
pub struct Acceptance<'a> {
    /// What the link carries.
    pub token: &'a Secret,
    /// The one the address has already, or the first one of a new user.
    pub password: &'a Secret,
    /// For a new user; one who stands keeps theirs.
    pub display_name: &'a str,
    pub user_agent: &'a str,
    pub address: Option<IpAddr>,
}

impl Identity {
    /// What the holder of a link is offered, and whether it still stands.
    pub async fn offer(&self, token: &Secret) -> Result<Offer, Error> {
        let found = self.find_invitation(token).await?;
        let lapse = match self.host(&found).await {
            Ok(_host) => None,
            Err(Error::Lapsed(lapse)) => Some(lapse),
            Err(error) => return Err(error),
        };
        let Found { invitation, organisation, project, .. } = found;
        Ok(Offer { invitation, organisation, project, lapse })
    }

    /// Makes the holder of a link a member, and signs them in.
    pub async fn accept(&self, acceptance: Acceptance<'_>) -> Result<Tokens, Error> {
        // Before anything is looked at: what is refused for its shape must not tell a known address from another.
        password::check(acceptance.password)?;
        check_display_name(acceptance.display_name)?;
        let found = self.find_invitation(acceptance.token).await?;
        self.host(&found).await?;
        let user = self.prove(&found.invitation.email, &acceptance).await?;
        self.join(acceptance.token, &user).await?;
        self.open(user, acceptance.user_agent).await
    }

    async fn find_invitation(&self, token: &Secret) -> Result<Found, Error> {
        let organisation = invitations::organisation_of(token).ok_or(NO_SUCH)?;
        let mut tx = self.shared.db.tenant(organisation).await?;
        let found = invitation::find_by_token(&mut tx, &token::hash(token)).await?.ok_or(NO_SUCH)?;
        tx.commit().await?;
        Ok(found)
    }

    /// The inviter, who can give the role now as they could then. Fails with the [`Lapse`] where it cannot be accepted.
    async fn host(&self, found: &Found) -> Result<Access, Error> {
        let Found { invitation, tenant, status, .. } = found;
        if let Some(lapse) = lapse(invitation, self.shared.clock.now()) {
            Err(lapse)?;
        }
        if *status == OrganisationStatus::Suspended {
            Err(Lapse::Suspended)?;
        }
        let inviter = invitation.invited_by.ok_or(Lapse::Void)?;
        let host = self.access_of(inviter, tenant.tenant).await?.ok_or(Lapse::Void)?;
        let mut tx = self.shared.db.tenant(*tenant).await?;
        match members::require_may_add(&mut tx, &host, &invitation.role, invitation.project).await {
            Ok(()) => tx.commit().await?,
            Err(Error::Store(error)) => Err(error)?,
            Err(_may_not) => Err(Lapse::Void)?,
        }
        Ok(host)
    }

    /// The user of the address, who has proved their password or set their first one. Takes as long either way.
    async fn prove(&self, email: &str, acceptance: &Acceptance<'_>) -> Result<User, Error> {
        let Shared { db, attempts, passwords, .. } = &*self.shared;
        attempts.admit(db, email, acceptance.address).await?;
        let mut tx = db.system("accepting an invitation").await?;
        let known = user::find_credentials(&mut tx, email).await?;
        tx.commit().await?;
        let known = match known {
            Some(known) => known,
            None => {
                let hash = passwords.hash(acceptance.password).await?;
                let mut tx = db.system("accepting an invitation").await?;
                match user::insert_user(&mut tx, email, acceptance.display_name, Some(&hash)).await {
                    Ok(made) => {
                        tx.commit().await?;
                        return Ok(made);
                    }
                    Err(error) if error.kind() == ErrorKind::Conflict => drop(tx),
                    Err(error) => return Err(error),
                }
                // Somebody of this address was faster, with another link or the same one.
                let mut tx = db.system("accepting an invitation").await?;
                let known = user::find_credentials(&mut tx, email).await?.ok_or(WRONG)?;
                tx.commit().await?;
                known
            }
        };
        let fits = passwords.verify(acceptance.password, known.password_hash.as_deref()).await?;
        if !fits || known.disabled {
            attempts.failed(db, email, acceptance.address).await?;
            return Err(WRONG);
        }
        Ok(known.user)
    }

    /// Takes the invitation and begins the membership, once. Everything is asked again: proving took its time.
    async fn join(&self, token: &Secret, user: &User) -> Result<(), Error> {
        let found = self.find_invitation(token).await?;
        let host = self.host(&found).await?;
        let invitation = &found.invitation;
        let mut tx = self.shared.db.tenant(found.tenant).await?;
        if !invitation::settle(&mut tx, invitation.id, InvitationState::Accepted).await? {
            let settled = invitation::find_by_token(&mut tx, &token::hash(token)).await?.ok_or(NO_SUCH)?;
            Err(lapse(&settled.invitation, self.shared.clock.now()).unwrap_or(Lapse::Accepted))?;
        }
        let made = membership::insert_membership(&mut tx, user.id, &invitation.role, invitation.project).await;
        let made = made.map_err(|error| error.or_taken("you are a member there already; log in"))?;
        let actor = Actor::User { user: user.id };
        let detail = json!({
            "member": made.id, "role": made.role, "project": made.project, "invited_by": host.actor.to_string(),
        });
        audit::record(&mut tx, &actor, "invitation.accept", &format!("invitation:{}", invitation.id), detail).await?;
        Ok(tx.commit().await?)
    }
}

/// Why an invitation cannot be accepted, as far as it tells by itself.
fn lapse(invitation: &Invitation, now: DateTime<Utc>) -> Option<Lapse> {
    match invitation.state {
        InvitationState::Accepted => Some(Lapse::Accepted),
        InvitationState::Revoked => Some(Lapse::Revoked),
        InvitationState::Pending => (invitation.expires_at <= now).then_some(Lapse::Expired),
    }
}
