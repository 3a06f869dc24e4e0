//! What may be done, and who may do it: the permission matrix.
//!
//! Invariant: the built-in roles are ordered, each has everything the next one has. An organisation's own roles may
//! have any mixture.

use std::fmt;
use std::str::FromStr;

/// Declares the permissions with their names, which own roles store and error messages tell.
macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// One thing that may be done: a row of the matrix and a verb.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[$doc])* $name,)* }

        impl Permission {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

permissions! {
    /// A project's settings; without a project, the organisation's.
    ProjectRead = "project.read";
    ProjectWrite = "project.write";
    ProjectDelete = "project.delete";
    AgentsRead = "agents.read";
    AgentsWrite = "agents.write";
    WorkflowsRead = "workflows.read";
    WorkflowsWrite = "workflows.write";
    WorkflowsRun = "workflows.run";
    KnowledgeRead = "knowledge.read";
    KnowledgeWrite = "knowledge.write";
    ConversationsRead = "conversations.read";
    ConversationsWrite = "conversations.write";
    ConnectionsRead = "connections.read";
    ConnectionsWrite = "connections.write";
    /// Providers and model groups: the integrations' row of the matrix.
    ModelsRead = "models.read";
    ModelsWrite = "models.write";
    MembersRead = "members.read";
    MembersWrite = "members.write";
    KeysRead = "keys.read";
    KeysWrite = "keys.write";
    ApprovalsDecide = "approvals.decide";
    AuditRead = "audit.read";
    BillingRead = "billing.read";
    BillingWrite = "billing.write";
}

impl Permission {
    /// Whether it changes something: what a suspended organisation may not do.
    pub const fn writes(self) -> bool {
        !matches!(
            self,
            Self::ProjectRead
                | Self::AgentsRead
                | Self::WorkflowsRead
                | Self::KnowledgeRead
                | Self::ConversationsRead
                | Self::ConnectionsRead
                | Self::ModelsRead
                | Self::MembersRead
                | Self::KeysRead
                | Self::AuditRead
                | Self::BillingRead
        )
    }
}

impl FromStr for Permission {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|one| one.name() == name).ok_or(())
    }
}

/// The roles every organisation has, the mightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Owner,
    Admin,
    Member,
    Viewer,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// The matrix: the least role that has a permission.
    const fn least_for(permission: Permission) -> Self {
        use Permission as P;
        match permission {
            P::ProjectDelete | P::BillingWrite => Self::Owner,
            P::ProjectWrite
            | P::AgentsWrite
            | P::ConnectionsWrite
            | P::ModelsWrite
            | P::MembersWrite
            | P::KeysWrite
            | P::AuditRead
            | P::BillingRead => Self::Admin,
            P::AgentsRead
            | P::WorkflowsWrite
            | P::KnowledgeWrite
            | P::ConversationsWrite
            | P::ConnectionsRead
            | P::ModelsRead
            | P::KeysRead
            | P::ApprovalsDecide => Self::Member,
            P::ProjectRead
            | P::WorkflowsRead
            | P::WorkflowsRun
            | P::KnowledgeRead
            | P::ConversationsRead
            | P::MembersRead => Self::Viewer,
        }
    }

    pub fn can(self, permission: Permission) -> bool {
        self <= Self::least_for(permission)
    }

    pub fn permissions(self) -> PermissionSet {
        Permission::ALL.iter().copied().filter(|permission| self.can(*permission)).collect()
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct PermissionSet(u64);

impl PermissionSet {
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u64) != 0
    }

    /// Whether it has all that `other` has.
    pub const fn covers(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }

    /// What the rows of a role and of those it inherits from give together. Names this binary does not know give
    /// nothing: they were granted by a newer one.
    pub(crate) fn of_row(role: &str, grants: &[String]) -> Self {
        let built_in = role.parse().map(Role::permissions).unwrap_or_default();
        built_in.union(grants.iter().filter_map(|name| name.parse().ok()).collect())
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | 1 << permission as u64))
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The matrix of the requirements, line by line: owner, admin, member, viewer.
    const GOLDEN: &str = "\
project.read         X X X X
project.write        X X - -
project.delete       X - - -
agents.read          X X X -
agents.write         X X - -
workflows.read       X X X X
workflows.write      X X X -
workflows.run        X X X X
knowledge.read       X X X X
knowledge.write      X X X -
conversations.read   X X X X
conversations.write  X X X -
connections.read     X X X -
connections.write    X X - -
models.read          X X X -
models.write         X X - -
members.read         X X X X
members.write        X X - -
keys.read            X X X -
keys.write           X X - -
approvals.decide     X X X -
audit.read           X X - -
billing.read         X X - -
billing.write        X - - -
";

    #[test]
    fn the_matrix_is_the_one_that_was_agreed() {
        let mut table = String::new();
        for permission in Permission::ALL {
            let marks = Role::ALL.map(|role| if role.permissions().contains(*permission) { "X" } else { "-" });
            table += &format!("{:<20} {}\n", permission.name(), marks.join(" "));
        }
        assert_eq!(table, GOLDEN);
    }

    #[test]
    fn the_page_about_members_shows_this_matrix() {
        const PAGE: &str = include_str!("../../../docs/members.md");
        let shown: Vec<_> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
        let row = |permission: &Permission| {
            let marks = Role::ALL.map(|role| if role.can(*permission) { "| ✓ " } else { "| " });
            format!("| `{}` {}|", permission.name(), marks.concat())
        };
        assert_eq!(shown, Permission::ALL.iter().map(row).collect::<Vec<_>>());
    }

    #[test]
    fn every_permission_is_found_by_its_name_and_fits_the_set() {
        assert!(Permission::ALL.len() <= 64);
        for permission in Permission::ALL {
            assert_eq!(permission.name().parse(), Ok(*permission));
            assert_eq!(permission.writes(), !permission.name().ends_with(".read"), "{permission:?}");
        }
        assert_eq!("nonsense".parse::<Permission>(), Err(()));
    }

    #[test]
    fn an_own_role_has_what_it_inherits_and_what_it_is_granted() {
        let own = PermissionSet::of_row("auditor", &["audit.read".into(), "from.the.future".into()]);
        assert_eq!(own.iter().collect::<Vec<_>>(), [Permission::AuditRead]);
        let inherited = own.union(PermissionSet::of_row("viewer", &[]));
        assert!(inherited.covers(Role::Viewer.permissions()) && !inherited.covers(Role::Member.permissions()));
        assert!(!Role::Viewer.permissions().covers(inherited));
    }
}
