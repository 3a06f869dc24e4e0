use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// The oldest PostgreSQL with views that obey the reader's row-level security.
const OLDEST: u32 = 15;

/// Where PostgreSQL's programs lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinDir {
    path: PathBuf,
    major: u32,
}

impl BinDir {
    /// The newest PostgreSQL on this machine; of exactly `major` where a cluster of that version stands already.
    ///
    /// Looks where the distributions put it, along `PATH`, and asks `pg_config`.
    pub fn find(major: Option<u32>) -> Result<Self, Error> {
        let mut found: Vec<Self> = candidates().into_iter().filter_map(Self::inspect).collect();
        found.sort_by_key(|bin| std::cmp::Reverse(bin.major));
        let newest = found.first().map(|bin| bin.major);
        let fits = |bin: &Self| major.map_or(bin.major >= OLDEST, |wanted| bin.major == wanted);
        found.into_iter().find(fits).ok_or(match major {
            Some(wanted) => Error::NoPostgres {
                found: newest,
                needed: ["PostgreSQL ", &wanted.to_string()].concat(),
                install: "the cluster in the data directory was made by that version. On Debian or Ubuntu:\n    \
                          sudo apt-get install postgresql-"
                    .to_owned()
                    + &wanted.to_string(),
            },
            None => {
                Error::NoPostgres { found: newest, needed: format!("PostgreSQL {OLDEST} or newer"), install: advice() }
            }
        })
    }

    pub fn major(&self) -> u32 {
        self.major
    }

    /// The path of one of its programs: `postgres`, `initdb`, `pg_dump`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn inspect(path: PathBuf) -> Option<Self> {
        if !path.join("initdb").is_file() {
            return None;
        }
        let answer = Command::new(path.join("postgres")).arg("--version").output().ok()?;
        let major = parse_major(std::str::from_utf8(&answer.stdout).ok()?)?;
        Some(Self { path, major })
    }
}

fn advice() -> String {
    "or name a server of your own in `database.url`. To install it on Debian or Ubuntu:\n    \
     sudo apt-get install --no-install-recommends postgresql\n\
     on Fedora: sudo dnf install postgresql-server; on macOS: brew install postgresql@17"
        .to_owned()
}

fn candidates() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    for (parent, inside) in [("/usr/lib/postgresql", "bin"), ("/usr", "bin"), ("/opt/homebrew/opt", "bin")] {
        let named =
            |path: &Path| path.to_string_lossy().contains("postgres") || path.to_string_lossy().contains("pgsql");
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path());
        dirs.extend(entries.filter(|path| named(path)).map(|path| path.join(inside)));
    }
    dirs.push(PathBuf::from("/usr/local/pgsql/bin"));
    dirs.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    if let Ok(answer) = Command::new("pg_config").arg("--bindir").output() {
        dirs.push(PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim()));
    }
    dirs
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` -> 15.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.strip_prefix("postgres (PostgreSQL) ")?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_prints() {
        for (printed, major) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 17.2", Some(17)),
            ("sh: postgres: not found", None),
            ("", None),
        ] {
            assert_eq!(parse_major(printed), major, "{printed}");
        }
    }

    #[test]
    fn a_version_that_is_not_installed_is_named_with_the_command_that_installs_it() {
        let error = BinDir::find(Some(7)).unwrap_err().to_string();
        assert!(error.contains("PostgreSQL 7") && error.contains("apt-get install postgresql-7"), "{error}");
    }
}
