//! Slows guessing down: by account, and by the address it comes from.
//!
//! An account's wait stays short, so that nobody can lock somebody else out for long.

use std::net::IpAddr;
use std::time::Duration;

use db::{Db, SystemTx};
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::store::login_failure::{self, Limit};

const ACCOUNT: Limit = Limit { free: 9, longest_wait_s: 60.0 };
const ADDRESS: Limit = Limit { free: 49, longest_wait_s: 300.0 };

pub(super) struct Attempts {
    /// Mixed into the hashes, so that the table does not tell who tried to log in.
    key: [u8; 32],
}

impl Attempts {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// Fails with [`Error::RateLimited`] while account or address have to wait.
    pub(super) async fn admit(&self, db: &Db, email: &str, address: Option<IpAddr>) -> Result<(), Error> {
        let mut subjects = vec![self.account(email)];
        subjects.extend(address.map(|address| self.address(address)));
        let mut tx = db.system("failed log-ins").await?;
        let blocked = login_failure::find_blocked(&mut tx, &subjects).await?;
        tx.commit().await?;
        match blocked {
            Some(seconds) => Err(Error::RateLimited { retry_after: Duration::from_secs_f64(seconds.max(0.0)) }),
            None => Ok(()),
        }
    }

    pub(super) async fn failed(&self, db: &Db, email: &str, address: Option<IpAddr>) -> Result<(), Error> {
        let mut subjects = vec![(self.account(email), ACCOUNT)];
        subjects.extend(address.map(|address| (self.address(address), ADDRESS)));
        subjects.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut tx = db.system("failed log-ins").await?;
        for (subject, limit) in subjects {
            login_failure::insert_failure(&mut tx, &subject, limit).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Forgives the account; the address may be guessing at others.
    pub(super) async fn succeeded(&self, tx: &mut SystemTx, email: &str) -> Result<(), Error> {
        login_failure::delete_failures(tx, &self.account(email)).await
    }

    fn account(&self, email: &str) -> Vec<u8> {
        self.hash("account", email)
    }

    /// IPv6 by its /64: one subscriber has that many addresses.
    fn address(&self, address: IpAddr) -> Vec<u8> {
        match address.to_canonical() {
            IpAddr::V4(address) => self.hash("address", &address.to_string()),
            IpAddr::V6(address) => self.hash("address", &hex::encode(&address.octets()[..8])),
        }
    }

    fn hash(&self, kind: &str, subject: &str) -> Vec<u8> {
        Sha256::new().chain_update(self.key).chain_update(kind).chain_update(subject).finalize().to_vec()
    }
}
