//! Random tokens that are shown once and kept as hashes: refresh tokens and API keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Secret;
use sha2::{Digest as _, Sha256};

/// A token nobody guesses: 256 random bits after `prefix`.
pub(crate) fn random(prefix: &str) -> Secret {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes);
    Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// What is kept of a token. A plain hash is enough for 256 random bits, and lets the database find it.
pub(crate) fn hash(token: &Secret) -> Vec<u8> {
    Sha256::digest(token.expose()).to_vec()
}
