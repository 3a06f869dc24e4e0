//! What people are called: Slack's events know them by ids, so their profiles are looked up, behind everybody's back.
//!
//! Invariant: no delivery and no turn waits for a name, and whatever goes wrong here leaves nothing but an id.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use db::Db;
use infra::Egress;
use kernel::{Clock, TenantId};
use parking_lot::Mutex;
use serde::Deserialize;

use super::installation::Installation;
use super::wire::{self, CallError, Caller};
use crate::store::contact::{self, Identity};
use crate::{ChannelKind, Error};

/// A name is looked up once a day at most, while its bearer writes...
const FRESH: TimeDelta = TimeDelta::days(1);
/// ...and after a failure not before this.
const AGAIN: TimeDelta = TimeDelta::minutes(10);
const PATIENCE: Duration = Duration::from_secs(3);
/// How many names are looked up at once, over all organisations and of each; what comes beyond waits for its bearer's
/// next message.
const AT_ONCE: usize = 16;
const AT_ONCE_EACH: usize = 4;
/// How many within a minute: Slack takes somewhat more than a hundred from an app and workspace.
const A_MINUTE: u32 = 1_200;
const A_MINUTE_EACH: u32 = 60;
/// How many people are remembered; beyond, they are asked after again, of the database.
const KNOWN: usize = 20_000;
/// Slack's ids have eleven characters or so.
const LONGEST_ID: usize = 64;

/// Looks up who people are. Cheap to clone.
#[derive(Clone)]
pub(super) struct Names {
    db: Db,
    egress: Egress,
    clock: Clock,
    asked: Arc<Mutex<Asked>>,
}

/// What is being looked up, and what need not be.
#[derive(Default)]
struct Asked {
    under_way: HashMap<TenantId, usize>,
    /// The minute, and how many lookups began in it.
    minute: i64,
    begun: HashMap<TenantId, u32>,
    /// Before when nothing is to be done about a person.
    not_before: HashMap<Person, DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Person {
    tenant: TenantId,
    workspace: String,
    user: String,
}

/// What `users.info` tells (docs.slack.dev/reference/methods/users.info).
#[derive(Deserialize)]
pub(super) struct UserInfo {
    user: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    name: String,
    #[serde(default)]
    real_name: String,
    #[serde(default)]
    profile: Profile,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Profile {
    display_name: String,
    real_name: String,
}

impl Names {
    pub(super) fn new(db: Db, egress: Egress, clock: Clock) -> Self {
        Self { db, egress, clock, asked: Arc::default() }
    }

    /// Sees to it that the person's name gets known, some time: returns at once.
    pub(super) fn look_up(&self, installation: &Arc<Installation>, user: &str) {
        if user.is_empty() || user.len() > LONGEST_ID {
            return;
        }
        let Some(caller) = installation.caller.clone() else { return };
        let workspace = installation.workspace.clone();
        let person = Person { tenant: installation.tenant, workspace, user: user.to_owned() };
        if !self.asked.lock().begin(&person, self.clock.now()) {
            return;
        }
        let names = self.clone();
        tokio::spawn(async move {
            let fresh = names.settle(&person, &caller).await.unwrap_or_else(|error| {
                tracing::debug!(connection = %caller.connection, user = person.user, %error, "no name was found");
                false
            });
            let next = names.clock.now() + if fresh { FRESH } else { AGAIN };
            names.asked.lock().end(person, next);
        });
    }

    /// Asks Slack where the name is not known of today. Returns whether it is now.
    async fn settle(&self, person: &Person, caller: &Caller) -> Result<bool, Failure> {
        let identity =
            Identity { channel: ChannelKind::Slack, scope: person.workspace.clone(), external_id: person.user.clone() };
        let mut tx = self.db.tenant(person.tenant).await.map_err(Error::from)?;
        let named_at = contact::named_at(&mut tx, &identity).await?;
        drop(tx);
        if named_at.is_some_and(|at| at > self.clock.now() - FRESH) {
            return Ok(true);
        }
        let Some(name) = ask(&self.egress, caller, &person.user).await? else { return Ok(false) };
        let mut tx = self.db.tenant(person.tenant).await.map_err(Error::from)?;
        contact::name(&mut tx, &identity, &name, self.clock.now()).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(true)
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Stored(#[from] Error),
}

/// What Slack says the user is called, `None` where it says nothing.
pub(super) async fn ask(egress: &Egress, caller: &Caller, user: &str) -> Result<Option<String>, CallError> {
    let UserInfo { user } = wire::glance(egress, caller, "users.info", &[("user", user)], PATIENCE).await?;
    let names = [user.profile.display_name, user.profile.real_name, user.real_name, user.name];
    Ok(names.into_iter().find(|name| !name.trim().is_empty()))
}

impl Asked {
    /// Takes a person on, where that is due and there is room.
    fn begin(&mut self, person: &Person, now: DateTime<Utc>) -> bool {
        if self.not_before.get(person).is_some_and(|then| now < *then) {
            return false;
        }
        let all: usize = self.under_way.values().sum();
        let each = self.under_way.get(&person.tenant).copied().unwrap_or_default();
        if all >= AT_ONCE || each >= AT_ONCE_EACH || !self.in_pace(person.tenant, now) {
            return false;
        }
        if self.not_before.len() >= KNOWN {
            self.not_before.clear();
        }
        self.under_way.insert(person.tenant, each + 1);
        self.not_before.insert(person.clone(), now + AGAIN);
        true
    }

    fn in_pace(&mut self, tenant: TenantId, now: DateTime<Utc>) -> bool {
        let minute = now.timestamp() / 60;
        if self.minute != minute {
            self.minute = minute;
            self.begun.clear();
        }
        let all: u32 = self.begun.values().sum();
        let each = self.begun.get(&tenant).copied().unwrap_or_default();
        let in_pace = all < A_MINUTE && each < A_MINUTE_EACH;
        if in_pace {
            self.begun.insert(tenant, each + 1);
        }
        in_pace
    }

    fn end(&mut self, person: Person, next: DateTime<Utc>) {
        if let Some(each) = self.under_way.get_mut(&person.tenant) {
            *each -= 1;
            if *each == 0 {
                self.under_way.remove(&person.tenant);
            }
        }
        self.not_before.insert(person, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(tenant: TenantId, user: usize) -> Person {
        Person { tenant, workspace: "T1".into(), user: format!("U{user}") }
    }

    #[test]
    fn a_person_is_looked_up_once_until_it_is_due_again() {
        let (mut asked, now, tenant) = (Asked::default(), DateTime::UNIX_EPOCH, TenantId::new());
        let anna = person(tenant, 1);
        assert!(asked.begin(&anna, now) && !asked.begin(&anna, now));
        asked.end(anna.clone(), now + FRESH);
        assert!(!asked.begin(&anna, now + TimeDelta::hours(23)));
        assert!(asked.begin(&anna, now + FRESH));
    }

    #[test]
    fn one_organisation_leaves_room_for_others_and_all_together_are_bounded() {
        let (mut asked, now) = (Asked::default(), DateTime::UNIX_EPOCH);
        let taken = (0..100).map(|n| person(TenantId::from_uuid(uuid::Uuid::from_u128(n / 10)), n as usize));
        let taken: Vec<Person> = taken.filter(|person| asked.begin(person, now)).collect();
        assert_eq!(taken.len(), AT_ONCE);
        assert!(taken.iter().filter(|person| person.tenant == taken[0].tenant).count() == AT_ONCE_EACH);
        for person in taken {
            asked.end(person, now + FRESH);
        }
        assert!(asked.under_way.is_empty());
    }

    #[test]
    fn a_crowd_is_looked_up_at_a_pace() {
        let (mut asked, now) = (Asked::default(), DateTime::UNIX_EPOCH);
        let crowd = |tenants: u128| {
            (0..10_000).map(move |n| person(TenantId::from_uuid(uuid::Uuid::from_u128(n as u128 % tenants)), n))
        };
        let mut begun = |tenants, now| {
            let due = crowd(tenants).filter(|person| {
                let begins = asked.begin(person, now);
                if begins {
                    asked.end(person.clone(), now + FRESH);
                }
                begins
            });
            due.count()
        };
        assert_eq!(begun(1, now), A_MINUTE_EACH as usize);
        assert_eq!(begun(1, now + TimeDelta::minutes(1)), A_MINUTE_EACH as usize, "others, a minute later");
        assert_eq!(begun(100, now + TimeDelta::minutes(2)), A_MINUTE as usize);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut asked, tenant) = (Asked::default(), TenantId::new());
        for n in 0..KNOWN * 2 {
            let (person, now) = (person(tenant, n), DateTime::UNIX_EPOCH + TimeDelta::minutes(n as i64));
            assert!(asked.begin(&person, now));
            asked.end(person, now + FRESH);
        }
        assert!(asked.not_before.len() <= KNOWN);
    }
}
