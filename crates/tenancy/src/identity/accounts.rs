//! People's accounts, as they and the operator change them.

use kernel::{Secret, SessionId, UserId};

use super::{Identity, SESSION_ENDED, Shared, check_display_name, normalised};
use crate::store::{session, user};
use crate::{Error, User};

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
        let known = user::find_user(&mut tx, user).await?.ok_or(SESSION_ENDED)?;
        let found = user::find_credentials(&mut tx, &known.email).await?.ok_or(SESSION_ENDED)?;
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

    /// The operator's way, and nobody else's: makes the user, or gives them this name and password. Whether anything
    /// changed.
    pub async fn put_user(&self, new: NewUser<'_>) -> Result<(User, bool), Error> {
        let Shared { db, passwords, .. } = &*self.shared;
        let email = normalised(new.email)?;
        new.display_name.map_or(Ok(()), check_display_name)?;
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

    async fn create(&self, email: &str, new: &NewUser<'_>) -> Result<User, Error> {
        let Shared { db, passwords, .. } = &*self.shared;
        let hash = match new.password {
            Some(password) => Some(passwords.hash(password).await?),
            None => None,
        };
        let display_name = new.display_name.unwrap_or_default();
        let mut tx = db.system("making a user").await?;
        let made = user::insert_user(&mut tx, email, display_name, hash.as_deref()).await;
        let made = made.map_err(|error| error.or_taken("a user of this address stands already"))?;
        tx.commit().await?;
        Ok(made)
    }
}
