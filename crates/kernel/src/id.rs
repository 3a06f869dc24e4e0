use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares one id type: a UUID that cannot be mistaken for another kind's.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a fresh id; ids made later sort later (UUIDv7, RFC 9562).
            #[expect(clippy::new_without_default, reason = "an id that appears by default is a bug")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    /// An organisation: the unit the database keeps apart.
    TenantId;
    ProjectId;
    UserId;
    /// One signed-in browser or client.
    SessionId;
    ApiKeyId;
    /// One grant of a role to a user.
    MemberId;
    InvitationId;
    SecretId;
    AgentId;
    /// One installation of a channel.
    ConnectionId;
    /// An end user, over all channels.
    ContactId;
    /// A message, and the reply to it: the reply to an inbound message carries that message's id.
    MessageId;
    ProviderId;
    ModelGroupId;
    /// A price of an organisation's own.
    PriceId;
    /// A key for the gateway of model calls.
    VirtualKeyId;
    BudgetId;
    /// One call of a model, as whoever made it sees it: attempts and fallbacks included.
    ModelCallId;
    /// What is claimed: at most one run of a lane is under way anywhere.
    LaneId;
    RunId;
    DeadLetterId;
    /// One running process of the engine; a restarted or revived one is another.
    NodeId;
}

/// A conversation is one kind of lane, and is known by its lane's id.
pub type ConversationId = LaneId;

impl LaneId {
    /// Derives the lane of `name` within `scope`, so that every node finds the same lane without looking it up.
    pub fn derive(scope: Uuid, name: &str) -> Self {
        Self(Uuid::new_v5(&scope, name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_later() {
        let ids: Vec<MessageId> = (0..1000).map(|_| MessageId::new()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn a_lane_is_the_same_wherever_it_is_derived_and_differs_by_scope_and_name() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(LaneId::derive(a, "C1:1.2"), LaneId::derive(a, "C1:1.2"));
        assert_ne!(LaneId::derive(a, "C1:1.2"), LaneId::derive(b, "C1:1.2"));
        assert_ne!(LaneId::derive(a, "C1:1.2"), LaneId::derive(a, "C1:1.3"));
    }
}
