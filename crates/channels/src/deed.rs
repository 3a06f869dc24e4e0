//! What people do to connections, in the audit's words: the same wherever they do it.

pub const CREATE: &str = "connection.create";
pub const CHANGE: &str = "connection.change";
pub const DELETE: &str = "connection.delete";
