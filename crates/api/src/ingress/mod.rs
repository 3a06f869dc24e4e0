//! Where channels deliver.

pub(crate) mod slack;
pub(crate) mod web;
