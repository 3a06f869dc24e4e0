//! Passwords: argon2id, away from the threads that serve requests, and only so many at once.
//!
//! Invariant: an unknown user costs what a wrong password costs.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use kernel::Secret;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::task::spawn_blocking;

use crate::Error;

/// 19 MiB, two passes, one lane: OWASP's cheat sheet for password storage.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SETTINGS: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// A hash with the same settings that no password fits: what an unknown user is measured against.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ibw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const AT_ONCE: usize = 2;
const WAITING: usize = 64;

const SHORTEST: usize = 8;
const LONGEST: usize = 256;

/// The bounded workshop for password hashes.
pub(super) struct Passwords {
    at_once: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { at_once: Arc::new(Semaphore::new(AT_ONCE)), admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)) }
    }
}

impl Passwords {
    /// Hashes a new password, after checking its length.
    pub(super) async fn hash(&self, password: &Secret) -> Result<String, Error> {
        check(password)?;
        let password = password.clone();
        self.run(move || {
            let hash = argon2()?.hash_password(password.expose().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(Error::Hash)
        })
        .await
    }

    /// Whether the password fits; `None` (no such user, or one without a password) takes as long and never fits.
    pub(super) async fn verify(&self, password: &Secret, hash: Option<&str>) -> Result<bool, Error> {
        if password.expose().len() > LONGEST {
            return Ok(false);
        }
        let (password, hash) = (password.clone(), hash.unwrap_or(NOBODY).to_owned());
        self.run(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| Error::Hash(error.into()))?;
            Ok(argon2()?.verify_password(password.expose().as_bytes(), &hash).is_ok())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let busy = |_: TryAcquireError| Error::RateLimited { retry_after: Duration::from_secs(2) };
        let _admitted = self.admitted.try_acquire().map_err(busy)?;
        // The permit goes with the work: a caller that leaves does not let a third in.
        let turn = Arc::clone(&self.at_once).acquire_owned().await;
        spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await?
    }
}

/// Fails where no user has a password of this length.
pub(super) fn check(password: &Secret) -> Result<(), Error> {
    match password.expose().len() {
        SHORTEST..=LONGEST => Ok(()),
        _ => Err(Error::Invalid("a password has 8 to 256 characters")),
    }
}

/// Whether a hash was made with older settings and should be made anew.
pub(super) fn is_outdated(hash: &str) -> bool {
    !hash.starts_with(SETTINGS)
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| Error::Hash(error.into()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let passwords = Passwords::default();
        let hash = passwords.hash(&"correct horse".into()).await.unwrap();
        assert!(!is_outdated(&hash), "{hash}");
        assert!(passwords.verify(&"correct horse".into(), Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&"correct horsf".into(), Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&"correct horse".into(), None).await.unwrap());
        assert_ne!(passwords.hash(&"correct horse".into()).await.unwrap(), hash, "salted");
    }

    #[test]
    fn nobodys_hash_costs_what_everybodys_does() {
        assert!(!is_outdated(NOBODY));
        let hash = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(hash.hash.unwrap().as_bytes().len(), 32);
        assert!(hash.salt.unwrap().as_ref().len() >= 16);
    }

    #[tokio::test]
    async fn passwords_too_short_or_too_long_are_refused_before_any_work() {
        let passwords = Passwords::default();
        for bad in ["", "1234567", &"x".repeat(257)] {
            assert!(matches!(passwords.hash(&bad.into()).await, Err(Error::Invalid(_))));
        }
    }

    #[tokio::test]
    async fn when_too_many_wait_the_next_is_sent_away() {
        let passwords = Passwords::default();
        let waiting = passwords.admitted.try_acquire_many((AT_ONCE + WAITING) as u32).unwrap();
        let refused = passwords.verify(&"correct horse".into(), None).await;
        assert!(matches!(refused, Err(Error::RateLimited { .. })));
        drop(waiting);
        assert!(passwords.verify(&"correct horse".into(), None).await.is_ok());
    }
}
