//! All SQL of the crate, one file an entity.

pub(crate) mod api_key;
pub(crate) mod audit;
pub(crate) mod erase;
pub(crate) mod invitation;
pub(crate) mod login_failure;
pub(crate) mod membership;
pub(crate) mod organisation;
pub(crate) mod project;
pub(crate) mod role;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod user;
