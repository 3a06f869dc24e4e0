//! What handlers take: every refusal is a problem, and the signature of a handler says who may call it.

mod access;
pub(crate) mod body;
mod id;
mod json;
mod page;
mod query;

use serde::{Deserialize, Deserializer};

pub(crate) use access::{AsOperator, Auth, Belonging, Caller, InOrganisation, InProject, Permit, bearer, permit};
pub(crate) use id::Id;
pub(crate) use json::Json;
pub(crate) use page::{After, List};
pub(crate) use query::Query;

/// Tells a field that is null (`Some(None)`) from one that is missing (`None`, by `#[serde(default)]`).
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
