//! Organisations, as the operator of the installation sees them, and as they see themselves.

use db::{Db, SystemTx, TenantTx};
use kernel::{Cursor, Page, PageRequest, TenantId};
use serde_json::json;

use crate::store::{erase, organisation, project, role};
use crate::{Access, Actor, Counts, Error, Organisation, OrganisationStatus, Permission, audit};

/// The project every organisation begins with.
pub const FIRST_PROJECT: &str = "default";

const NO_SUCH: Error = Error::NotFound("organisation");

/// What the operator changes; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub display_name: Option<String>,
    pub status: Option<OrganisationStatus>,
    pub weight: Option<i32>,
    /// `Some(None)` lifts the bound.
    pub max_running: Option<Option<i32>>,
}

/// Makes an organisation with its roles and its first project. It has no member yet.
pub async fn create(tx: &mut SystemTx, actor: &Actor, name: &str, display_name: &str) -> Result<Organisation, Error> {
    check_name(name)?;
    check_display_name(display_name)?;
    let made = organisation::insert_organisation(tx, name, display_name)
        .await
        .map_err(|error| error.or_taken("an organisation of this name stands already"))?;
    role::insert_built_in_roles(tx, made.id).await?;
    project::insert_first_project(tx, made.id, FIRST_PROJECT).await?;
    audit::record_operator(tx, actor, "organisation.create", &object(made.id), json!({ "name": name })).await?;
    Ok(made)
}

/// All organisations, newest first.
pub async fn list(tx: &mut SystemTx, page: &PageRequest) -> Result<Page<Organisation>, Error> {
    let found = organisation::list_organisations(tx, page).await?;
    Ok(Page::cut(found, page, |one| Cursor { at: one.created_at, id: one.id.as_uuid() }))
}

pub async fn find(tx: &mut SystemTx, id: TenantId) -> Result<Organisation, Error> {
    organisation::find_organisation(tx, id).await?.ok_or(NO_SUCH)
}

pub async fn find_by_name(tx: &mut SystemTx, name: &str) -> Result<Option<Organisation>, Error> {
    organisation::find_organisation_by_name(tx, name).await
}

/// How much the organisation has.
pub async fn counts(tx: &mut TenantTx) -> Result<Counts, Error> {
    organisation::count_own(tx).await
}

/// Changes an organisation, and takes a configuration epoch: once that is in force, no node acts otherwise.
pub async fn update(
    tx: &mut SystemTx,
    actor: &Actor,
    id: TenantId,
    change: Change,
) -> Result<(Organisation, i64), Error> {
    let mut changed = organisation::lock_organisation(tx, id).await?.ok_or(NO_SUCH)?;
    if let Some(display_name) = change.display_name {
        check_display_name(&display_name)?;
        changed.display_name = display_name;
    }
    changed.status = change.status.unwrap_or(changed.status);
    changed.weight = change.weight.unwrap_or(changed.weight);
    changed.max_running = change.max_running.unwrap_or(changed.max_running);
    if !(1..=100).contains(&changed.weight) || changed.max_running.is_some_and(|most| most < 1) {
        return Err(Error::Invalid("a weight lies between 1 and 100, a bound on running turns is at least 1"));
    }
    organisation::update_organisation(tx, &changed).await?;
    let detail = json!({
        "display_name": changed.display_name, "status": changed.status,
        "weight": changed.weight, "max_running": changed.max_running,
    });
    audit::record_operator(tx, actor, "organisation.update", &object(id), detail).await?;
    let epoch = db::bump_config_epoch(tx).await?;
    Ok((changed, epoch))
}

/// Removes an organisation and everything that belongs to it. It is suspended first, so that nothing new begins; cut
/// off in the middle, it is called again. Returns the configuration epoch that ends it.
pub async fn delete(db: &Db, actor: &Actor, id: TenantId) -> Result<i64, Error> {
    let mut tx = db.system("suspending an organisation before it is deleted").await?;
    if organisation::find_organisation(&mut tx, id).await?.is_none() {
        // Gone already, but whoever called may have been cut off right after.
        tx.commit().await?;
        empty_engine(db, id).await?;
        return Err(NO_SUCH);
    }
    let change = Change { status: Some(OrganisationStatus::Suspended), ..Change::default() };
    let (gone, epoch) = update(&mut tx, actor, id, change).await?;
    tx.commit().await?;
    db::wait_until_in_force(db, epoch).await?;
    empty_engine(db, id).await?;
    let mut tx = db.system("deleting an organisation").await?;
    if !erase::delete_organisation(&mut tx, id).await? {
        return Err(NO_SUCH);
    }
    audit::record_operator(&mut tx, actor, "organisation.delete", &object(id), json!({ "name": gone.name })).await?;
    let epoch = db::bump_config_epoch(&mut tx).await?;
    tx.commit().await?;
    // A run that was under way may have written until its lane was gone.
    erase::wait_for_writers(db).await?;
    empty_engine(db, id).await?;
    Ok(epoch)
}

/// The organisation, as its members see it.
pub async fn own(tx: &mut TenantTx) -> Result<Organisation, Error> {
    organisation::find_own_organisation(tx).await?.ok_or(NO_SUCH)
}

/// What its own admins may change. Its agents say the name, so it takes a configuration epoch, as [`update`] does.
pub async fn rename(tx: &mut TenantTx, access: &Access, display_name: &str) -> Result<(Organisation, i64), Error> {
    access.require(Permission::ProjectWrite, None)?;
    check_display_name(display_name)?;
    organisation::update_own_display_name(tx, display_name).await?;
    let detail = json!({ "display_name": display_name });
    audit::record(tx, &access.actor, "organisation.rename", &object(tx.tenant()), detail).await?;
    let renamed = own(tx).await?;
    Ok((renamed, db::bump_config_epoch(tx).await?))
}

async fn empty_engine(db: &Db, id: TenantId) -> Result<(), Error> {
    let mut tx = db.system("the days of an organisation that is deleted").await?;
    let days = erase::list_engine_days(&mut tx, id).await?;
    tx.commit().await?;
    for day in days {
        let mut tx = db.system("a day of an organisation that is deleted").await?;
        erase::delete_engine_day(&mut tx, id, day).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 63 || name.starts_with('-') || !name.bytes().all(allowed) {
        return Err(Error::Invalid(
            "an organisation's name has 1 to 63 lower-case letters, digits and hyphens, and begins with no hyphen",
        ));
    }
    Ok(())
}

fn check_display_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.chars().count() > 200 {
        return Err(Error::Invalid("an organisation's display name has 1 to 200 characters"));
    }
    Ok(())
}

fn object(id: TenantId) -> String {
    format!("organisation:{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_url_and_a_command_line_take_without_quoting() {
        for good in ["a", "acme", "acme-2", "0", &"x".repeat(63)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "Acme", "a b", "a_b", "ä", &"x".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
