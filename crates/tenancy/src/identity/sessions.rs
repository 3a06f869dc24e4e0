//! Signing in and out.

use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;
use kernel::{Secret, SessionId};

use super::{Identity, SESSION_ENDED, Shared, access_token, normalised, password, token};
use crate::store::{session, user};
use crate::{Error, User};

/// How long a session lasts without being used.
const SESSION: TimeDelta = TimeDelta::days(30);
const REFRESH_PREFIX: &str = "kr_";

const WRONG: Error = Error::Unauthenticated("wrong e-mail address or password");

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

impl Identity {
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
        if found.password_hash.as_deref().is_some_and(password::is_outdated) {
            let hash = passwords.hash(login.password).await?;
            let mut tx = db.system("a password's hash with newer settings").await?;
            user::update_password_hash(&mut tx, found.user.id, &hash).await?;
            tx.commit().await?;
        }
        self.open(found.user, login.user_agent).await
    }

    /// Opens a session for somebody who has proved who they are.
    pub(super) async fn open(&self, user: User, user_agent: &str) -> Result<Tokens, Error> {
        let Shared { db, attempts, .. } = &*self.shared;
        let agent: String = user_agent.chars().filter(|c| !c.is_control()).take(300).collect();
        let mut tx = db.system("log-in").await?;
        attempts.succeeded(&mut tx, &user.email).await?;
        let session = session::insert_session(&mut tx, user.id, &agent, SESSION).await?;
        let refresh = token::random(REFRESH_PREFIX);
        session::insert_refresh_token(&mut tx, &token::hash(&refresh), session).await?;
        tx.commit().await?;
        self.tokens(user, session, refresh)
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
            return Err(SESSION_ENDED);
        };
        let alive = session::find_alive_session(&mut tx, session).await?.ok_or(SESSION_ENDED)?;
        let user = user::find_user(&mut tx, alive.user).await?.ok_or(SESSION_ENDED)?;
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
