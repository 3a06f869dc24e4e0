//! Who is asking: log-in, sessions, keys, and the way from there to what they may do.
//!
//! Invariant: whatever is revoked is refused from the next request on; every request looks at the session's row.
//! Invariant: a refresh token works once; a second use ends the whole session, whoever holds it.
//! Invariant: nobody but the operator sets somebody else's password.

mod acceptance;
mod access_token;
mod accounts;
mod attempts;
mod me;
mod password;
mod sessions;
mod standing;
pub(crate) mod token;

use std::sync::Arc;

use db::Db;
use infra::Sealer;
use kernel::Clock;

use crate::store::{invitation, login_failure, session};
use crate::{Error, invitations};
use access_token::AccessTokens;
use attempts::Attempts;
use password::Passwords;

pub use acceptance::Acceptance;
pub use accounts::NewUser;
pub use sessions::{Login, Tokens};

const SESSION_ENDED: Error = Error::Unauthenticated("the session has ended, or there never was one; log in");

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

impl Identity {
    pub fn new(db: Db, sealer: &Sealer, clock: Clock) -> Self {
        let access_tokens = AccessTokens::new(&sealer.derive("access-token"));
        let attempts = Attempts::new(sealer.derive("login-failure"));
        let shared = Shared { db, clock, access_tokens, attempts, passwords: Passwords::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Forgets ended sessions, old failures and expired invitations. To be called now and then.
    pub async fn sweep(&self) -> Result<(), Error> {
        let mut tx = self.shared.db.system("forgetting what has ended").await?;
        session::delete_ended_sessions(&mut tx).await?;
        login_failure::delete_old_failures(&mut tx).await?;
        invitation::delete_expired(&mut tx, self.shared.clock.now() - invitations::REMEMBERED).await?;
        Ok(tx.commit().await?)
    }
}

/// An e-mail address as it is stored: lower case, nothing around it.
pub(crate) fn normalised(email: &str) -> Result<String, Error> {
    let email = email.trim().to_lowercase();
    let well_formed = email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !well_formed || email.len() > 254 || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::Invalid("this is not an e-mail address"));
    }
    Ok(email)
}

fn check_display_name(name: &str) -> Result<(), Error> {
    if name.chars().count() > 200 {
        return Err(Error::Invalid("a user's display name has at most 200 characters"));
    }
    Ok(())
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
