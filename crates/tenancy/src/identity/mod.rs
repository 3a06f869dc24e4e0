//! Who is asking: log-in, sessions, keys, and the way from there to what they may do.
//!
//! Invariant: whatever is revoked is refused from the next request on; every request looks at the session's row.
//! Invariant: a refresh token works once; a second use ends the whole session, whoever holds it.

mod access_token;
mod attempts;
mod me;
mod password;
pub(crate) mod token;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use db::Db;
use infra::Sealer;
use kernel::{Clock, Secret, SessionId, TenantId, UserId};

use crate::access::Rights;
use crate::store::{api_key, login_failure, membership, session, user};
use crate::{Access, Actor, Error, Principal, User, api_keys};
use access_token::AccessTokens;
use attempts::Attempts;
use password::Passwords;

/// How long a session lasts without being used.
const SESSION: TimeDelta = TimeDelta::days(30);
const REFRESH_PREFIX: &str = "kr_";

const WRONG: Error = Error::Unauthenticated("wrong e-mail address or password");
const NOT_SIGNED_IN: Error = Error::Unauthenticated("the session or key is not valid (any more)");

/// Identity. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    clock: Clock,
    access_tokens: AccessTokens,
    attempts: Attempts,
    passwords: Passwords,
}

/// What somebody shows who wants in.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    pub email: &'a str,
    pub password: &'a Secret,
    pub user_agent: &'a str,
    pub address: Option<IpAddr>,
}

/// What a signed-in client holds. The refresh token is for a cookie that scripts cannot read.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub user: User,
    pub session: SessionId,
    pub access_token: Secret,
    pub expires_in: Duration,
    pub refresh_token: Secret,
    pub refresh_expires_in: Duration,
}

/// A user to be, or one that stands already.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    pub email: &'a str,
    /// Left as it is where it is `None`.
    pub display_name: Option<&'a str>,
    /// Left as it is where it is `None`; without any, nobody can log in as this user.
    pub password: Option<&'a Secret>,
}

impl Identity {
    pub fn new(db: Db, sealer: &Sealer, clock: Clock) -> Self {
        let access_tokens = AccessTokens::new(&sealer.derive("access-token"));
        let attempts = Attempts::new(sealer.derive("login-failure"));
        let shared = Shared { db, clock, access_tokens, attempts, passwords: Passwords::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Opens a session. Fails alike, and as slowly, for unknown users, wrong passwords and disabled accounts.
    pub async fn login(&self, login: Login<'_>) -> Result<Tokens, Error> {
        let Shared { db, attempts, passwords, .. } = &*self.shared;
        let email = normalised(login.email).unwrap_or_default();
        attempts.admit(db, &email, login.address).await?;
        let mut tx = db.system("log-in").await?;
        let found = user::find_credentials(&mut tx, &email).await?;
        tx.commit().await?;
        let hash = found.as_ref().and_then(|found| found.password_hash.as_deref());
        let fits = passwords.verify(login.password, hash).await?;
        let Some(found) = found.filter(|found| fits && !found.disabled) else {
            attempts.failed(db, &email, login.address).await?;
            return Err(WRONG);
        };
        let outdated = found.password_hash.as_deref().is_some_and(password::is_outdated);
        let renewed = if outdated { Some(passwords.hash(login.password).await?) } else { None };
        let agent: String = login.user_agent.chars().filter(|c| !c.is_control()).take(300).collect();
        let mut tx = db.system("log-in").await?;
        attempts.succeeded(&mut tx, &email).await?;
        if let Some(hash) = renewed {
            user::update_password_hash(&mut tx, found.user.id, &hash).await?;
        }
        let session = session::insert_session(&mut tx, found.user.id, &agent, SESSION).await?;
        let refresh = token::random(REFRESH_PREFIX);
        session::insert_refresh_token(&mut tx, &token::hash(&refresh), session).await?;
        tx.commit().await?;
        self.tokens(found.user, session, refresh)
    }

    /// Takes a refresh token and gives the next. A token that was used before ends the session: one of the two who
    /// hold it is a thief.
    pub async fn refresh(&self, refresh: &Secret) -> Result<Tokens, Error> {
        let hash = token::hash(refresh);
        let mut tx = self.shared.db.system("refreshing a session").await?;
        let Some(session) = session::use_refresh_token(&mut tx, &hash).await? else {
            if let Some(session) = session::find_session_of_token(&mut tx, &hash).await? {
                tracing::warn!(%session, "a refresh token was used twice; the session is revoked");
                session::revoke_session(&mut tx, session, "a refresh token was used twice").await?;
                tx.commit().await?;
            }
            return Err(NOT_SIGNED_IN);
        };
        let alive = session::find_alive_session(&mut tx, session).await?.ok_or(NOT_SIGNED_IN)?;
        let user = user::find_user(&mut tx, alive.user).await?.ok_or(NOT_SIGNED_IN)?;
        let next = token::random(REFRESH_PREFIX);
        session::insert_refresh_token(&mut tx, &token::hash(&next), session).await?;
        session::update_session_used(&mut tx, session, SESSION).await?;
        tx.commit().await?;
        self.tokens(user, session, next)
    }

    /// Ends a session.
    pub async fn logout(&self, session: SessionId) -> Result<(), Error> {
        let mut tx = self.shared.db.system("log-out").await?;
        session::revoke_session(&mut tx, session, "logged out").await?;
        Ok(tx.commit().await?)
    }

    /// Ends the session that a refresh token belongs to; for a client whose access token has run out.
    pub async fn logout_by_refresh_token(&self, refresh: &Secret) -> Result<(), Error> {
        let mut tx = self.shared.db.system("log-out").await?;
        if let Some(session) = session::find_session_of_token(&mut tx, &token::hash(refresh)).await? {
            session::revoke_session(&mut tx, session, "logged out").await?;
        }
        Ok(tx.commit().await?)
    }

    /// Who a bearer token or API key speaks for. One statement a call.
    pub async fn authenticate(&self, bearer: &str) -> Result<Principal, Error> {
        if bearer.starts_with(api_keys::PREFIX) {
            let hash = token::hash(&Secret::new(bearer));
            let mut conn = self.shared.db.system_statement().await?;
            let found = api_key::find_alive_key(&mut conn, &hash).await?;
            let (key, tenant) = found.ok_or(NOT_SIGNED_IN)?;
            return Ok(Principal::Key { key, tenant });
        }
        let now = self.shared.clock.now();
        let (user, session) = self.shared.access_tokens.verify(bearer, now).ok_or(NOT_SIGNED_IN)?;
        let mut conn = self.shared.db.system_statement().await?;
        let alive = session::find_alive_session(&mut conn, session).await?;
        let alive = alive.filter(|alive| alive.user == user).ok_or(NOT_SIGNED_IN)?;
        Ok(Principal::User { user, session, operator: alive.operator })
    }

    /// What somebody may do in an organisation. [`Error::NotFound`] where nothing is granted to them.
    pub async fn access(&self, principal: &Principal, organisation: TenantId) -> Result<Access, Error> {
        const NO_SUCH: Error = Error::NotFound("organisation");
        let mut tx = self.shared.db.system("what somebody may do").await?;
        let access = match *principal {
            Principal::User { user, session, .. } => {
                let granted = membership::find_granted(&mut tx, organisation, user).await?.ok_or(NO_SUCH)?;
                Access {
                    actor: Actor::User { user, session },
                    tenant: organisation.into(),
                    role: granted.role,
                    status: granted.status,
                    rights: granted.rights,
                }
            }
            Principal::Key { key, tenant } if tenant == organisation => {
                let grant = api_key::find_key_grant(&mut tx, key).await?.ok_or(NO_SUCH)?;
                let mut rights = grant.rights;
                if let Some(maker) = grant.created_by {
                    let held = membership::find_granted(&mut tx, organisation, maker).await?;
                    rights = rights.intersection(held.map(|held| held.rights.organisation).unwrap_or_default());
                }
                Access {
                    actor: Actor::Key { key },
                    tenant: organisation.into(),
                    role: Some(grant.role),
                    status: grant.status,
                    rights: Rights { organisation: rights, ..Rights::default() },
                }
            }
            Principal::Key { .. } => return Err(NO_SUCH),
        };
        tx.commit().await?;
        Ok(access)
    }

    /// Changes a user's own password, and ends their other sessions.
    pub async fn change_password(
        &self,
        user: UserId,
        keep: SessionId,
        current: &Secret,
        new: &Secret,
    ) -> Result<(), Error> {
        let Shared { db, attempts, passwords, .. } = &*self.shared;
        let mut tx = db.system("changing a password").await?;
        let known = user::find_user(&mut tx, user).await?.ok_or(NOT_SIGNED_IN)?;
        let found = user::find_credentials(&mut tx, &known.email).await?.ok_or(NOT_SIGNED_IN)?;
        tx.commit().await?;
        attempts.admit(db, &known.email, None).await?;
        if !passwords.verify(current, found.password_hash.as_deref()).await? {
            attempts.failed(db, &known.email, None).await?;
            return Err(Error::Invalid("the current password is wrong"));
        }
        let hash = passwords.hash(new).await?;
        let mut tx = db.system("changing a password").await?;
        user::update_password_hash(&mut tx, user, &hash).await?;
        session::revoke_sessions_of(&mut tx, user, Some(keep), "the password was changed").await?;
        Ok(tx.commit().await?)
    }

    /// The user of this address, made where there is none. An existing user is left as they are: who may invite
    /// somebody may not set their password.
    pub async fn invite(&self, new: NewUser<'_>) -> Result<User, Error> {
        let email = check(&new)?;
        let mut tx = self.shared.db.system("inviting a user").await?;
        let found = user::find_credentials(&mut tx, &email).await?;
        tx.commit().await?;
        match found {
            Some(found) => Ok(found.user),
            None => self.create(&email, &new).await,
        }
    }

    /// The operator's way: makes the user, or gives them this name and password. Whether anything changed.
    pub async fn put_user(&self, new: NewUser<'_>) -> Result<(User, bool), Error> {
        let Shared { db, passwords, .. } = &*self.shared;
        let email = check(&new)?;
        let mut tx = db.system("a user as the operator wants them").await?;
        let found = user::find_credentials(&mut tx, &email).await?;
        tx.commit().await?;
        let Some(mut found) = found else { return Ok((self.create(&email, &new).await?, true)) };
        let mut changed = false;
        if let Some(name) = new.display_name.filter(|name| *name != found.user.display_name) {
            let mut tx = db.system("a user as the operator wants them").await?;
            user::update_display_name(&mut tx, found.user.id, name).await?;
            tx.commit().await?;
            found.user.display_name = name.to_owned();
            changed = true;
        }
        if let Some(password) = new.password
            && !passwords.verify(password, found.password_hash.as_deref()).await?
        {
            let hash = passwords.hash(password).await?;
            let mut tx = db.system("a user as the operator wants them").await?;
            user::update_password_hash(&mut tx, found.user.id, &hash).await?;
            session::revoke_sessions_of(&mut tx, found.user.id, None, "the password was set anew").await?;
            tx.commit().await?;
            changed = true;
        }
        Ok((found.user, changed))
    }

    /// The user of this address, for the command line.
    pub async fn find(&self, email: &str) -> Result<Option<User>, Error> {
        let mut tx = self.shared.db.system("a user by their address").await?;
        let found = user::find_credentials(&mut tx, &normalised(email)?).await?;
        tx.commit().await?;
        Ok(found.map(|found| found.user))
    }

    pub async fn is_operator(&self, user: UserId) -> Result<bool, Error> {
        let mut tx = self.shared.db.system("whether somebody is an operator").await?;
        let found = user::find_is_operator(&mut tx, user).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Makes a user an operator of the installation.
    pub async fn make_operator(&self, user: UserId) -> Result<(), Error> {
        let mut tx = self.shared.db.system("making an operator").await?;
        user::insert_operator(&mut tx, user).await?;
        Ok(tx.commit().await?)
    }

    /// The first operator of the installation: `None` before the first run has made one.
    pub async fn first_operator(&self) -> Result<Option<User>, Error> {
        let mut tx = self.shared.db.system("looking for an operator").await?;
        let operator = match user::find_any_operator(&mut tx).await? {
            Some(id) => user::find_user(&mut tx, id).await?,
            None => None,
        };
        tx.commit().await?;
        Ok(operator)
    }

    /// Forgets ended sessions and old failures. To be called now and then.
    pub async fn sweep(&self) -> Result<(), Error> {
        let mut tx = self.shared.db.system("forgetting ended sessions").await?;
        session::delete_ended_sessions(&mut tx).await?;
        login_failure::delete_old_failures(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    async fn create(&self, email: &str, new: &NewUser<'_>) -> Result<User, Error> {
        let Shared { db, passwords, .. } = &*self.shared;
        let hash = match new.password {
            Some(password) => Some(passwords.hash(password).await?),
            None => None,
        };
        let display_name = new.display_name.unwrap_or_default();
        let mut tx = db.system("making a user").await?;
        let made = user::insert_user(&mut tx, email, display_name, hash.as_deref()).await;
        let id = made.map_err(|error| error.or_taken("a user of this address stands already"))?;
        tx.commit().await?;
        Ok(User { id, email: email.to_owned(), display_name: display_name.to_owned() })
    }

    fn tokens(&self, user: User, session: SessionId, refresh_token: Secret) -> Result<Tokens, Error> {
        let access_token = self.shared.access_tokens.issue(user.id, session, self.shared.clock.now())?;
        Ok(Tokens {
            user,
            session,
            access_token,
            expires_in: access_token::LIFETIME.to_std().unwrap_or_default(),
            refresh_token,
            refresh_expires_in: SESSION.to_std().unwrap_or_default(),
        })
    }
}

/// The address of a user to be, with everything else in order.
fn check(new: &NewUser<'_>) -> Result<String, Error> {
    if new.display_name.is_some_and(|name| name.chars().count() > 200) {
        return Err(Error::Invalid("a user's display name has at most 200 characters"));
    }
    normalised(new.email)
}

/// An e-mail address as it is stored: lower case, nothing around it.
fn normalised(email: &str) -> Result<String, Error> {
    let email = email.trim().to_lowercase();
    let well_formed = email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !well_formed || email.len() > 254 || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::Invalid("this is not an e-mail address"));
    }
    Ok(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_lower_case_and_without_what_surrounds_them() {
        assert_eq!(normalised(" Owner@Acme.Test ").unwrap(), "owner@acme.test");
        for bad in ["", "a", "@b", "a@", "a b@c", "a@b\u{0}", &format!("{}@b", "x".repeat(260))] {
            assert!(normalised(bad).is_err(), "{bad:?}");
        }
    }
}
