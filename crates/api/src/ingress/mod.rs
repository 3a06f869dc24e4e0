//! Where channels deliver.

pub(crate) mod web;
