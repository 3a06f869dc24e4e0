//! From what a caller shows to what they may do.

use kernel::{Secret, TenantId};

use super::{Identity, SESSION_ENDED, token};
use crate::access::Rights;
use crate::store::{api_key, membership, session, user};
use crate::{Access, Actor, Error, Principal, api_keys};

const KEY_UNKNOWN: Error = Error::Unauthenticated("this API key is not known, was revoked or has expired");

impl Identity {
    /// Who a bearer token or API key speaks for. One statement a call.
    pub async fn authenticate(&self, bearer: &str) -> Result<Principal, Error> {
        if bearer.starts_with(api_keys::PREFIX) {
            let hash = token::hash(&Secret::new(bearer));
            let mut conn = self.shared.db.system_statement().await?;
            let found = api_key::find_alive_key(&mut conn, &hash).await?;
            let (key, tenant) = found.ok_or(KEY_UNKNOWN)?;
            return Ok(Principal::Key { key, tenant });
        }
        let now = self.shared.clock.now();
        let (user, session) = self.shared.access_tokens.verify(bearer, now).ok_or(SESSION_ENDED)?;
        let mut conn = self.shared.db.system_statement().await?;
        let alive = session::find_alive_session(&mut conn, session).await?;
        let alive = alive.filter(|alive| alive.user == user).ok_or(SESSION_ENDED)?;
        Ok(Principal::User { user, session, operator: alive.operator })
    }

    /// What somebody may do in an organisation. [`Error::NotFound`] where nothing is granted to them.
    pub async fn access(&self, principal: &Principal, organisation: TenantId) -> Result<Access, Error> {
        const NO_SUCH: Error = Error::NotFound("organisation");
        let actor = match *principal {
            Principal::User { user, .. } => Actor::User { user },
            Principal::Key { key, tenant } if tenant == organisation => Actor::Key { key },
            Principal::Key { .. } => return Err(NO_SUCH),
        };
        self.access_of(actor, organisation).await?.ok_or(NO_SUCH)
    }

    /// What an actor may do in an organisation at this moment; `None` where it is nothing.
    pub(super) async fn access_of(&self, actor: Actor, organisation: TenantId) -> Result<Option<Access>, Error> {
        let mut tx = self.shared.db.system("what somebody may do").await?;
        let access = match actor {
            Actor::User { user } => {
                let granted = membership::find_granted(&mut tx, organisation, user).await?;
                granted.map(|granted| Access {
                    actor,
                    tenant: organisation.into(),
                    role: granted.role,
                    status: granted.status,
                    rights: granted.rights,
                })
            }
            Actor::Key { key } => match api_key::find_key_grant(&mut tx, key).await? {
                Some(grant) => {
                    let mut rights = grant.rights;
                    if let Some(maker) = grant.created_by {
                        let held = membership::find_granted(&mut tx, organisation, maker).await?;
                        rights = rights.intersection(held.map(|held| held.rights.organisation).unwrap_or_default());
                    }
                    Some(Access {
                        actor,
                        tenant: organisation.into(),
                        role: Some(grant.role),
                        status: grant.status,
                        rights: Rights { organisation: rights, ..Rights::default() },
                    })
                }
                None => None,
            },
            Actor::Operator { user } => {
                let operator = user::find_is_operator(&mut tx, user).await?;
                operator.then(|| Access { actor, ..Access::system(organisation) })
            }
            Actor::System => Some(Access::system(organisation)),
        };
        tx.commit().await?;
        Ok(access)
    }
}
