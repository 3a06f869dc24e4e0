//! Organisations, their projects and members, and who anybody is: users, sessions, keys, rights, secrets and the audit.
//!
//! Invariant: a right is asked for with [`Access::require`]; there is no other way to learn what a caller may do.
//! Invariant: people, sessions and keys are read and written on system transactions alone, everything that belongs to
//! an organisation on that organisation's.
//! Invariant: passwords, tokens and keys are stored as hashes, secrets sealed; none of them is ever read back.

mod access;
pub mod api_keys;
pub mod audit;
mod error;
mod identity;
pub mod invitations;
pub mod members;
mod model;
pub mod organisations;
mod permission;
pub mod projects;
pub mod secrets;
mod store;

pub use access::{Access, Actor, Principal};
pub use error::{Error, Lapse};
pub use identity::{Acceptance, Identity, Login, NewUser, Tokens};
pub use model::{
    ApiKey, AuditEntry, Counts, Invitation, InvitationState, Me, Member, MyOrganisation, MyProject, Offer,
    Organisation, OrganisationStatus, Project, User,
};
pub use permission::{Permission, PermissionSet, Role};
