//! Members: which user has which role, over the organisation or one project of it.
//!
//! Invariant: nobody gives, changes or takes away a role that has more than their own.
//! Invariant: an organisation that has an owner keeps one.

use std::collections::HashMap;

use db::{Db, TenantTx};
use kernel::{Cursor, MemberId, Page, PageRequest, ProjectId, UserId};
use serde_json::json;

use crate::store::membership::{self, Membership};
use crate::store::{role, user};
use crate::{Access, Error, Member, Permission, Role, User, audit, projects};

const NO_SUCH: Error = Error::NotFound("member");
const LAST_OWNER: Error = Error::Conflict("the last owner of an organisation cannot go");

/// Gives `user` a role at once: for the operator, whose word is enough. Everybody else invites, see
/// [`crate::invitations`].
pub async fn add(
    tx: &mut TenantTx,
    access: &Access,
    user: User,
    role: &str,
    project: Option<ProjectId>,
) -> Result<Member, Error> {
    require_may_add(tx, access, role, project).await?;
    let made = membership::insert_membership(tx, user.id, role, project).await;
    let made = made.map_err(|error| error.or_taken("this user is a member there already"))?;
    record(tx, access, "member.add", &made).await?;
    Ok(member(made, user))
}

/// Gives somebody who belongs to the organisation a role elsewhere in it. Who does not is invited.
pub async fn extend(
    db: &Db,
    access: &Access,
    user: UserId,
    role: &str,
    project: Option<ProjectId>,
) -> Result<Member, Error> {
    access.require(Permission::MembersWrite, project)?;
    let visible = visible_projects(access)?;
    let mut system = db.system("the name of an organisation's member").await?;
    let known = user::find_user(&mut system, user).await?.ok_or(NO_SUCH)?;
    system.commit().await?;
    let mut tx = db.tenant(access.tenant).await?;
    if !membership::find_belongs(&mut tx, user, visible.as_deref()).await? {
        return Err(NO_SUCH);
    }
    if let Some(project) = project {
        projects::find(&mut tx, access, project).await?;
    }
    let made = add(&mut tx, access, known, role, project).await?;
    tx.commit().await?;
    Ok(made)
}

/// Gives `user` this role over just this scope, in place of the one they may have there. Whether anything changed.
pub async fn set(
    tx: &mut TenantTx,
    access: &Access,
    user: User,
    role: &str,
    project: Option<ProjectId>,
) -> Result<bool, Error> {
    match membership::find_membership_of(tx, user.id, project).await? {
        Some(standing) if standing.role == role => return Ok(false),
        Some(standing) => change(tx, access, standing.id, role).await?,
        None => drop(add(tx, access, user, role, project).await?),
    }
    Ok(true)
}

/// Changes the role of a membership.
pub async fn change(tx: &mut TenantTx, access: &Access, id: MemberId, role: &str) -> Result<(), Error> {
    let mut standing = lock(tx, access, id).await?;
    require_may_give(tx, access, role, standing.project).await?;
    if role != Role::Owner.name() {
        keep_an_owner(tx, &standing).await?;
    }
    membership::update_membership(tx, id, role).await?;
    standing.role = role.to_owned();
    record(tx, access, "member.change", &standing).await
}

/// Takes a membership away.
pub async fn remove(tx: &mut TenantTx, access: &Access, id: MemberId) -> Result<(), Error> {
    let standing = lock(tx, access, id).await?;
    keep_an_owner(tx, &standing).await?;
    membership::delete_membership(tx, id).await?;
    record(tx, access, "member.remove", &standing).await
}

/// The members, newest first; who has projects only sees those projects' members.
pub async fn list(db: &Db, access: &Access, page: &PageRequest) -> Result<Page<Member>, Error> {
    let only = visible_projects(access)?;
    let mut tx = db.tenant(access.tenant).await?;
    let found = membership::list_memberships(&mut tx, only.as_deref(), page).await?;
    tx.commit().await?;
    let users = names(db, &found).await?;
    let found = Page::cut(found, page, |one| Cursor { at: one.created_at, id: one.id.as_uuid() });
    Ok(found.map(|one| {
        let unknown = User { id: one.user, email: String::new(), display_name: String::new() };
        let user = users.get(&one.user).cloned().unwrap_or(unknown);
        member(one, user)
    }))
}

/// The projects whose members the caller may see; `None`: everybody.
pub(crate) fn visible_projects(access: &Access) -> Result<Option<Vec<ProjectId>>, Error> {
    let only = access.projects();
    match &only {
        None => access.require(Permission::MembersRead, None)?,
        Some(projects) => {
            projects.iter().try_for_each(|project| access.require(Permission::MembersRead, Some(*project)))?;
        }
    }
    Ok(only)
}

/// The membership, if the caller may change it.
async fn lock(tx: &mut TenantTx, access: &Access, id: MemberId) -> Result<Membership, Error> {
    // Owners first: every change takes its locks in this order.
    membership::lock_owners(tx).await?;
    let standing = membership::lock_membership(tx, id).await?.ok_or(NO_SUCH)?;
    access.require(Permission::MembersWrite, standing.project)?;
    require_may_give(tx, access, &standing.role, standing.project).await?;
    Ok(standing)
}

/// Fails where the caller may not make somebody a member of just this scope with just this role.
pub(crate) async fn require_may_add(
    tx: &mut TenantTx,
    access: &Access,
    role: &str,
    project: Option<ProjectId>,
) -> Result<(), Error> {
    access.require(Permission::MembersWrite, project)?;
    require_may_give(tx, access, role, project).await
}

async fn require_may_give(
    tx: &mut TenantTx,
    access: &Access,
    role: &str,
    project: Option<ProjectId>,
) -> Result<(), Error> {
    let rights = role::find_role(tx, role).await?.ok_or(Error::Invalid("there is no such role"))?;
    access.require_covers(rights, project)
}

/// Fails where the membership is that of the last owner.
async fn keep_an_owner(tx: &mut TenantTx, standing: &Membership) -> Result<(), Error> {
    if standing.role != Role::Owner.name() || standing.project.is_some() {
        return Ok(());
    }
    let owners = membership::lock_owners(tx).await?;
    if owners.iter().all(|owner| *owner == standing.id) { Err(LAST_OWNER) } else { Ok(()) }
}

async fn names(db: &Db, members: &[Membership]) -> Result<HashMap<UserId, User>, Error> {
    let ids: Vec<_> = members.iter().map(|one| one.user).collect();
    let mut tx = db.system("the names of an organisation's members").await?;
    let users = user::list_users(&mut tx, &ids).await?;
    tx.commit().await?;
    Ok(users)
}

async fn record(tx: &mut TenantTx, access: &Access, action: &str, about: &Membership) -> Result<(), Error> {
    let detail = json!({ "user": about.user, "role": about.role, "project": about.project });
    audit::record(tx, &access.actor, action, &format!("member:{}", about.id), detail).await
}

fn member(membership: Membership, user: User) -> Member {
    Member {
        id: membership.id,
        user,
        role: membership.role,
        project: membership.project,
        created_at: membership.created_at,
    }
}
