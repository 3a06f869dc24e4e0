//! Whom PostgreSQL runs as. It refuses to run as root, so root starts it in a user namespace in which root's files
//! belong to somebody else; only where the kernel forbids that does it become another user.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::Error;

/// Debian's and most others' `nobody`.
const NOBODY: u32 = 65534;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Whoever runs the server: not root.
    Own,
    /// Root, seen as another user inside a user namespace; files stay root's. `initdb` wants the user to have a name.
    Namespace { uid: u32, gid: u32 },
    /// Another user, who must own the cluster and reach it.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The account for a cluster in `home`, which may stand already as `cluster`.
    pub(super) async fn choose(home: &Path, cluster: &Path) -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let owner = std::fs::metadata(cluster).ok().map(|found| (found.uid(), found.gid()));
        let (uid, gid) = other_user();
        let mapped = Self::Namespace { uid, gid };
        match owner {
            Some((uid, gid)) if uid != 0 => Self::other(uid, gid, home).await,
            _ if mapped.works().await => Ok(mapped),
            _ => Self::other(uid, gid, home).await,
        }
    }

    /// Another user, for whom the directories of our own making are opened so far that they can be passed through.
    pub(super) async fn other(uid: u32, gid: u32, home: &Path) -> Result<Self, Error> {
        for dir in [home.parent(), Some(home)].into_iter().flatten() {
            let found = std::fs::metadata(dir).map_err(|source| Error::file(dir, source))?;
            if found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o001 == 0 {
                let passable = Permissions::from_mode(found.mode() | 0o011);
                std::fs::set_permissions(dir, passable).map_err(|source| Error::file(dir, source))?;
            }
        }
        let account = Self::Other { uid, gid };
        account.must_reach(home).await?;
        Ok(account)
    }

    /// A command that runs `program` under this account with a clean environment: no setting and no secret of the
    /// server's reaches PostgreSQL.
    pub(super) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match self {
            Self::Own => Command::new(program),
            Self::Namespace { uid, gid } => {
                let mut command = Command::new("unshare");
                command.arg("--user").arg(format!("--map-user={uid}")).arg(format!("--map-group={gid}"));
                command.arg("--").arg(program);
                command
            }
            Self::Other { uid, gid } => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--clear-groups");
                command.arg("--").arg(program);
                command
            }
        };
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into());
        command.env_clear().env("PATH", path).env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::null());
        command
    }

    /// Hands a fresh directory over to the account.
    pub(super) fn give(self, dir: &Path) -> Result<(), Error> {
        match self {
            Self::Other { uid, gid } => chown(dir, Some(uid), Some(gid)).map_err(|source| Error::file(dir, source)),
            Self::Own | Self::Namespace { .. } => Ok(()),
        }
    }

    async fn works(self) -> bool {
        let mut command = self.command("true");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().await.is_ok_and(|status| status.success())
    }

    /// Checks that every directory down to `home` can be entered, which another user than root often may not.
    async fn must_reach(self, home: &Path) -> Result<(), Error> {
        let above: Vec<&Path> = home.ancestors().filter(|dir| !dir.as_os_str().is_empty()).collect();
        for dir in above.into_iter().rev() {
            let status = self.command("test").arg("-x").arg(dir).status().await;
            match status {
                Ok(status) if status.success() => {}
                Ok(_) => return Err(Error::Unreachable { dir: dir.to_owned(), user: self.uid() }),
                Err(source) => return Err(Error::file("setpriv", source)),
            }
        }
        Ok(())
    }

    /// The user its processes are to everybody outside.
    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Own | Self::Namespace { .. } => rustix::process::geteuid().as_raw(),
            Self::Other { uid, .. } => uid,
        }
    }
}

/// The user `postgres` where the distribution made one, else `nobody`.
pub(super) fn other_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    find_user(&users, "postgres").or_else(|| find_user(&users, "nobody")).unwrap_or((NOBODY, NOBODY))
}

fn find_user(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find(|fields| fields.clone().next() == Some(name))?;
    Some((fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_in_the_system_s_list() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgres:x:104:111:PostgreSQL:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(find_user(passwd, "postgres"), Some((104, 111)));
        assert_eq!(find_user(passwd, "nobody"), None);
    }

    #[tokio::test]
    async fn a_directory_another_user_may_not_enter_is_named() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let closed = tempfile::tempdir().unwrap();
        let home = closed.path().join("data/postgres");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::set_permissions(closed.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let error = Account::Other { uid: NOBODY, gid: NOBODY }.must_reach(&home).await.unwrap_err().to_string();
        assert!(error.contains(&closed.path().display().to_string()), "{error}");
    }
}
