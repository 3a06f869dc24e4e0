//! Sealing secrets at rest, and the keys that other parts derive from the same root.
//!
//! Invariant: what is sealed under one context opens under no other, so a sealed value moved to another row is garbage.
//! Invariant: the master key never leaves this module; everything else works with keys derived from it (HKDF-SHA-256).

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use aes_gcm::aead::{Aead as _, KeyInit as _, Nonce, Payload};
use aes_gcm::{Aes256Gcm, Key};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use kernel::{ErrorKind, Secret};
use sha2::Sha256;
use zeroize::Zeroizing;

const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;

#[derive(Debug, thiserror::Error)]
pub enum SealerError {
    #[error("the master key file {path} cannot be read or made")]
    File { path: String, source: io::Error },
    #[error("the master key file {path} must hold keys of 64 hexadecimal digits, one a line, the current one first")]
    Malformed { path: String },
    #[error("sealed under master key {key_id}, which is not in the master key file")]
    UnknownKey { key_id: String },
    /// Sealed for another place, or changed since.
    #[error("a sealed value does not open")]
    Broken,
}

impl SealerError {
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }
}

/// A sealed secret, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub key_id: String,
    pub nonce: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// Seals with AES-256-GCM under the current master key, opens under any it knows. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<[MasterKey]>,
}

struct MasterKey {
    id: String,
    root: Hkdf<Sha256>,
    cipher: Aes256Gcm,
}

impl Sealer {
    /// Reads the master key file, or makes it, for the owner's eyes only. Several processes may come at once.
    pub fn load_or_create(path: &Path) -> Result<Self, SealerError> {
        let failed = |source| SealerError::File { path: path.display().to_string(), source };
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(failed)?;
                fs::read_to_string(path)
            }
            read => read,
        };
        let text = Zeroizing::new(text.map_err(failed)?);
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            let mode = format!("{:o}", mode & 0o777);
            tracing::warn!(path = %path.display(), mode, "others can read the master key");
        }
        Self::parse(&text).ok_or_else(|| SealerError::Malformed { path: path.display().to_string() })
    }

    fn parse(text: &str) -> Option<Self> {
        let keys: Option<Arc<[MasterKey]>> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| {
                let mut key = Zeroizing::new([0; KEY_LEN]);
                hex::decode_to_slice(line, key.as_mut_slice()).ok()?;
                Some(MasterKey::new(&key))
            })
            .collect();
        keys.filter(|keys| !keys.is_empty()).map(|keys| Self { keys })
    }

    /// Seals `plain` for one place; `context` names it (tenant, table, row, column).
    pub fn seal(&self, context: &[u8], plain: &Secret) -> Sealed {
        let key = self.current();
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce);
        let payload = Payload { msg: plain.expose().as_bytes(), aad: context };
        let sealed = key.cipher.encrypt(&Nonce::<Aes256Gcm>::from(nonce), payload);
        // It fails on texts past 64 GiB alone, and what it would leave then does not open.
        Sealed { key_id: key.id.clone(), nonce: nonce.to_vec(), sealed: sealed.unwrap_or_default() }
    }

    /// Opens what was sealed for the same context.
    pub fn open(&self, context: &[u8], sealed: &Sealed) -> Result<Secret, SealerError> {
        let key = self
            .keys
            .iter()
            .find(|key| key.id == sealed.key_id)
            .ok_or_else(|| SealerError::UnknownKey { key_id: sealed.key_id.clone() })?;
        let nonce: [u8; NONCE_LEN] = sealed.nonce.as_slice().try_into().map_err(|_| SealerError::Broken)?;
        let payload = Payload { msg: &sealed.sealed, aad: context };
        let plain = key.cipher.decrypt(&Nonce::<Aes256Gcm>::from(nonce), payload).map_err(|_| SealerError::Broken)?;
        let text = String::from_utf8(plain).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            SealerError::Broken
        })?;
        Ok(Secret::new(text))
    }

    /// A key for one purpose, the same on every node and at every start.
    pub fn derive(&self, label: &str) -> [u8; KEY_LEN] {
        self.current().derive(label)
    }

    /// A mark by which equal secrets are found, and which tells nothing about them (HMAC-SHA-256).
    pub fn fingerprint(&self, secret: &Secret) -> Vec<u8> {
        let key = Zeroizing::new(self.derive("fingerprint"));
        // HMAC takes keys of any length.
        Hmac::<Sha256>::new_from_slice(key.as_slice())
            .map(|mac| mac.chain_update(secret.expose()).finalize().into_bytes().to_vec())
            .unwrap_or_default()
    }

    fn current(&self) -> &MasterKey {
        &self.keys[0]
    }
}

impl MasterKey {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        let root = Hkdf::<Sha256>::new(Some(b"konstruct"), key);
        let sealing = Zeroizing::new(expand(&root, "seal"));
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*sealing));
        Self { id: hex::encode(&expand(&root, "key-id")[..8]), root, cipher }
    }

    fn derive(&self, label: &str) -> [u8; KEY_LEN] {
        expand(&self.root, &format!("derive:{label}"))
    }
}

fn expand(root: &Hkdf<Sha256>, label: &str) -> [u8; KEY_LEN] {
    let mut key = [0; KEY_LEN];
    // It fails for outputs past 255 hashes alone; ours is one.
    let done = root.expand(label.as_bytes(), &mut key);
    debug_assert!(done.is_ok());
    key
}

/// Makes the file as a whole or not at all; who comes second finds the first one's.
fn create(path: &Path) -> io::Result<()> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    rand::fill(key.as_mut_slice());
    let line = Zeroizing::new(format!("{}\n", hex::encode(key.as_slice())));
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(seed: u8) -> Sealer {
        Sealer::parse(&hex::encode([seed; KEY_LEN])).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_alone() {
        let secret = Secret::new("xoxb-1");
        let sealed = sealer(1).seal(b"here", &secret);
        assert_eq!(sealer(1).open(b"here", &sealed).unwrap(), secret);
        assert!(matches!(sealer(1).open(b"there", &sealed), Err(SealerError::Broken)));
        assert!(matches!(sealer(2).open(b"here", &sealed), Err(SealerError::UnknownKey { .. })));
        let mut changed = sealed.clone();
        changed.sealed[0] ^= 1;
        assert!(matches!(sealer(1).open(b"here", &changed), Err(SealerError::Broken)));
        assert_ne!(sealer(1).seal(b"here", &secret), sealed, "the nonce is fresh each time");
    }

    #[test]
    fn an_older_key_still_opens_and_the_first_one_seals() {
        let old = sealer(1).seal(b"c", &Secret::new("x"));
        let both = Sealer::parse(&format!("{}\n{}\n", hex::encode([2; 32]), hex::encode([1; 32]))).unwrap();
        assert_eq!(both.open(b"c", &old).unwrap().expose(), "x");
        assert_ne!(both.seal(b"c", &Secret::new("x")).key_id, old.key_id);
    }

    #[test]
    fn derived_keys_differ_by_label_and_fingerprints_by_secret() {
        let one = sealer(1);
        assert_eq!(one.derive("a"), sealer(1).derive("a"));
        assert_ne!(one.derive("a"), one.derive("b"));
        assert_eq!(one.fingerprint(&"s".into()), sealer(1).fingerprint(&"s".into()));
        assert_ne!(one.fingerprint(&"s".into()), one.fingerprint(&"t".into()));
        assert_ne!(one.fingerprint(&"s".into()), sealer(2).fingerprint(&"s".into()));
    }

    #[test]
    fn the_key_file_is_made_once_for_its_owner_alone_and_garbage_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        let sealed = Sealer::load_or_create(&path).unwrap().seal(b"c", &Secret::new("x"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Sealer::load_or_create(&path).unwrap().open(b"c", &sealed).unwrap().expose(), "x");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
        for garbage in ["", "abc", &"0".repeat(63), "zz"] {
            fs::write(&path, garbage).unwrap();
            assert!(matches!(Sealer::load_or_create(&path), Err(SealerError::Malformed { .. })), "{garbage:?}");
        }
    }
}
