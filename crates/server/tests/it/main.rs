//! The product's tests against a real PostgreSQL, and through the real `konstruct` process: one file an area.
