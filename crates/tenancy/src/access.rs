use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use kernel::{ApiKeyId, ProjectId, SessionId, TenantCtx, TenantId, UserId};

use crate::{Error, OrganisationStatus, Permission, PermissionSet};

/// Who does something; written into the audit as it displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    User {
        user: UserId,
    },
    Key {
        key: ApiKeyId,
    },
    Operator {
        user: UserId,
    },
    /// The installation itself, or its operator at the command line.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { user } => write!(f, "user:{user}"),
            Self::Key { key } => write!(f, "key:{key}"),
            Self::Operator { user } => write!(f, "operator:{user}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// Reads what an actor displays as.
impl FromStr for Actor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, id) = text.split_once(':').unwrap_or((text, ""));
        let user = || id.parse().map_err(|_not_an_id| ());
        match kind {
            "user" => Ok(Self::User { user: user()? }),
            "operator" => Ok(Self::Operator { user: user()? }),
            "key" => Ok(Self::Key { key: id.parse().map_err(|_not_an_id| ())? }),
            "system" if id.is_empty() => Ok(Self::System),
            _ => Err(()),
        }
    }
}

/// Who has proved to be who they are. What they may do is another question: see [`crate::Identity::access`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    User { user: UserId, session: SessionId, operator: bool },
    Key { key: ApiKeyId, tenant: TenantId },
}

impl Principal {
    /// The operator this is, for what concerns the installation.
    pub fn operator(&self) -> Result<Actor, Error> {
        match *self {
            Self::User { user, operator: true, .. } => Ok(Actor::Operator { user }),
            _ => Err(Error::NotOperator),
        }
    }
}

/// What a caller may do in one organisation.
#[derive(Clone, Debug)]
pub struct Access {
    pub actor: Actor,
    pub tenant: TenantCtx,
    /// The role over the whole organisation, where there is one.
    pub role: Option<String>,
    pub(crate) status: OrganisationStatus,
    pub(crate) rights: Rights,
}

/// The rights of one caller: over the organisation, and what single projects add.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights {
    pub(crate) organisation: PermissionSet,
    pub(crate) projects: HashMap<ProjectId, PermissionSet>,
}

impl Access {
    /// The command line's access: everything, in a suspended organisation too.
    pub fn system(tenant: impl Into<TenantCtx>) -> Self {
        Self {
            actor: Actor::System,
            tenant: tenant.into(),
            role: None,
            status: OrganisationStatus::Active,
            rights: Rights { organisation: PermissionSet::all(), projects: HashMap::new() },
        }
    }

    /// Whether this may be done in `project`; without one: in the organisation as a whole.
    pub fn can(&self, permission: Permission, project: Option<ProjectId>) -> bool {
        self.require(permission, project).is_ok()
    }

    /// Fails with [`Error::Forbidden`] or [`Error::Suspended`]; with [`Error::NotFound`] for a project that nothing
    /// is granted in, which is not told apart from one that does not exist.
    pub fn require(&self, permission: Permission, project: Option<ProjectId>) -> Result<(), Error> {
        let rights = self.rights.within(project);
        if rights.is_empty() && project.is_some() {
            return Err(Error::NotFound("project"));
        }
        if !rights.contains(permission) {
            return Err(Error::Forbidden(permission));
        }
        if permission.writes() && self.status == OrganisationStatus::Suspended {
            return Err(Error::Suspended);
        }
        Ok(())
    }

    /// The projects to show where only some are granted; `None`: all.
    pub fn projects(&self) -> Option<Vec<ProjectId>> {
        self.rights.organisation.is_empty().then(|| self.rights.projects.keys().copied().collect())
    }

    /// Fails where `other` holds a right that this access does not: nobody gives away more than they have.
    pub(crate) fn require_covers(&self, other: PermissionSet, project: Option<ProjectId>) -> Result<(), Error> {
        if self.rights.within(project).covers(other) { Ok(()) } else { Err(Error::AboveOwnRole) }
    }
}

impl Rights {
    /// A project's grant adds to the organisation's, so it wins where it gives more.
    fn within(&self, project: Option<ProjectId>) -> PermissionSet {
        let added = project.and_then(|project| self.projects.get(&project)).copied().unwrap_or_default();
        self.organisation.union(added)
    }

    pub(crate) fn add(&mut self, project: Option<ProjectId>, rights: PermissionSet) {
        let held = match project {
            Some(project) => self.projects.entry(project).or_default(),
            None => &mut self.organisation,
        };
        *held = held.union(rights);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn access(organisation: Option<Role>, project: Option<(ProjectId, Role)>) -> Access {
        let mut access = Access::system(TenantId::new());
        access.rights = Rights::default();
        if let Some(role) = organisation {
            access.rights.add(None, role.permissions());
        }
        if let Some((project, role)) = project {
            access.rights.add(Some(project), role.permissions());
        }
        access
    }

    #[test]
    fn the_projects_grant_wins_where_it_gives_more_and_never_takes_away() {
        let (here, there) = (ProjectId::new(), ProjectId::new());
        let raised = access(Some(Role::Viewer), Some((here, Role::Admin)));
        assert!(raised.can(Permission::AgentsWrite, Some(here)));
        assert!(!raised.can(Permission::AgentsWrite, Some(there)) && !raised.can(Permission::AgentsWrite, None));
        let owner = access(Some(Role::Owner), Some((here, Role::Viewer)));
        assert!(owner.can(Permission::ProjectDelete, Some(here)));
        assert_eq!(owner.projects(), None);
    }

    #[test]
    fn who_has_one_project_does_not_learn_of_the_others() {
        let (here, there) = (ProjectId::new(), ProjectId::new());
        let guest = access(None, Some((here, Role::Member)));
        assert!(guest.can(Permission::ConversationsRead, Some(here)));
        assert!(matches!(guest.require(Permission::ConversationsRead, Some(there)), Err(Error::NotFound(_))));
        assert!(matches!(guest.require(Permission::MembersRead, None), Err(Error::Forbidden(_))));
        assert_eq!(guest.projects(), Some(vec![here]));
    }

    #[test]
    fn a_suspended_organisation_can_be_read_and_not_changed() {
        let mut owner = access(Some(Role::Owner), None);
        owner.status = OrganisationStatus::Suspended;
        assert!(owner.can(Permission::AgentsRead, None));
        assert!(matches!(owner.require(Permission::AgentsWrite, None), Err(Error::Suspended)));
    }

    #[test]
    fn an_actor_is_read_as_it_is_written() {
        let user = UserId::new();
        for actor in
            [Actor::User { user }, Actor::Operator { user }, Actor::Key { key: ApiKeyId::new() }, Actor::System]
        {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        for garbage in ["", "user", "user:", "robot:x", "system:x"] {
            assert_eq!(garbage.parse::<Actor>(), Err(()), "{garbage:?}");
        }
    }

    #[test]
    fn nobody_gives_away_more_than_they_have() {
        let admin = access(Some(Role::Admin), None);
        assert!(admin.require_covers(Role::Admin.permissions(), None).is_ok());
        assert!(matches!(admin.require_covers(Role::Owner.permissions(), None), Err(Error::AboveOwnRole)));
    }
}
