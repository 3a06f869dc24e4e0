use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Secret;
use sha2::{Digest as _, Sha256};

/// How every key that is made here begins, so that leaked ones are found by scanners.
const PREFIX: &str = "kv_";

/// What is kept of a key, and what it is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct KeyHash([u8; 32]);

impl KeyHash {
    pub(super) fn of(key: &Secret) -> Self {
        Self(Sha256::digest(key.expose()).into())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A key that nobody guesses: 256 random bits.
pub(super) fn random() -> Secret {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes);
    Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}
