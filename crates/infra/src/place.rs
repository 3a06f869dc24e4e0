//! Where things lie outside the database: the one module that builds blob paths, hot-state keys and bus topics.
//!
//! Invariant: tenant, then project, then kind, then id; every part is a fixed word or the digits of an id, so nothing
//! a user types can lead from one tenant's place into another's.

use std::fmt::{self, Display};

use kernel::{LaneId, ProjectId, TenantId};
use uuid::Uuid;

/// What kind of thing lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A file that came with a message.
    Attachment,
    /// What a watcher of a conversation is told.
    Lane,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Lane => "lane",
        }
    }
}

/// The place of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub tenant: TenantId,
    /// `None`: it belongs to the organisation as a whole.
    pub project: Option<ProjectId>,
    pub kind: Kind,
    pub id: Uuid,
}

impl Place {
    /// The object's path in the blob store.
    pub fn blob(&self) -> String {
        self.join("/")
    }

    /// The key in caches and hot state, and the topic on the bus.
    pub fn key(&self) -> String {
        self.join(":")
    }

    fn join(&self, by: &str) -> String {
        let project: &dyn Display = match &self.project {
            Some(project) => project,
            None => &"-",
        };
        format!("{}{by}{project}{by}{}{by}{}", self.tenant, self.kind.word(), self.id)
    }
}

/// The bus topic that tells what happens in a lane.
pub fn lane_topic(tenant: TenantId, lane: LaneId) -> String {
    Place { tenant, project: None, kind: Kind::Lane, id: lane.as_uuid() }.key()
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_comes_first_then_project_kind_and_id() {
        let id = |n| Uuid::from_u128(n);
        let mut place = Place { tenant: id(1).into(), project: Some(id(2).into()), kind: Kind::Attachment, id: id(3) };
        assert_eq!(place.blob(), format!("{}/{}/attachment/{}", id(1), id(2), id(3)));
        place.project = None;
        assert_eq!(place.key(), format!("{}:-:attachment:{}", id(1), id(3)));
        assert_eq!(lane_topic(id(1).into(), id(3).into()), format!("{}:-:lane:{}", id(1), id(3)));
    }
}
