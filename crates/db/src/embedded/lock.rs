use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind::AlreadyExists;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Error;

const RETRY_EVERY: Duration = Duration::from_millis(20);
/// A server that was just killed may take a moment to be gone.
const SERVE_PATIENCE: Duration = Duration::from_secs(2);

/// An advisory lock on a file (`flock`): the kernel frees it when the holder dies, however it dies.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits up to `patience` for the lock that one process alone may hold.
    pub async fn exclusive(path: &Path, patience: Duration) -> Result<Self, Error> {
        Self::wait(path, patience, File::try_lock).await
    }

    /// Waits up to `patience` for the lock that any number may hold while nobody holds it alone.
    pub async fn shared(path: &Path, patience: Duration) -> Result<Self, Error> {
        Self::wait(path, patience, File::try_lock_shared).await
    }

    /// The exclusive lock, or `None` where somebody else holds the file.
    pub fn try_exclusive(path: &Path) -> Result<Option<Self>, Error> {
        Self::attempt(path, File::try_lock)
    }

    async fn wait(path: &Path, patience: Duration, lock: fn(&File) -> Result<(), TryLockError>) -> Result<Self, Error> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(held) = Self::attempt(path, lock)? {
                return Ok(held);
            }
            if Instant::now() >= deadline {
                return Err(Error::LockHeld { path: path.to_owned(), waited_s: patience.as_secs() });
            }
            sleep(RETRY_EVERY).await;
        }
    }

    fn attempt(path: &Path, lock: fn(&File) -> Result<(), TryLockError>) -> Result<Option<Self>, Error> {
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|source| Error::file(path, source))?;
        match lock(&file) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::file(path, source)),
        }
    }
}

/// What the one server of a data directory holds; free again when it is dropped.
#[derive(Debug)]
pub struct DataDirLock {
    _lock: FileLock,
}

impl DataDirLock {
    /// Takes the directory for this server, making it where it is missing.
    pub async fn take(data_dir: &Path) -> Result<Self, Error> {
        create_private_dir(data_dir)?;
        match FileLock::exclusive(&data_dir.join("serve.lock"), SERVE_PATIENCE).await {
            Ok(lock) => Ok(Self { _lock: lock }),
            Err(Error::LockHeld { .. }) => Err(Error::AlreadyServed { data_dir: PathBuf::from(data_dir) }),
            Err(error) => Err(error),
        }
    }

    /// Whether a server serves the directory now; nothing is made.
    pub fn is_held(data_dir: &Path) -> Result<bool, Error> {
        let path = data_dir.join("serve.lock");
        Ok(path.exists() && FileLock::try_exclusive(&path)?.is_none())
    }
}

/// Makes `dir`, and what is missing above it, for its owner alone; a directory that stands is left as it is.
pub(super) fn create_private_dir(dir: &Path) -> Result<(), Error> {
    match DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        Err(source) if source.kind() != AlreadyExists => Err(Error::file(dir, source)),
        _ => Ok(()),
    }
}
