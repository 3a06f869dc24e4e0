//! What the house shares that is not business: the one outbound client, sealing, the bus, caches, and where things lie.
//!
//! Invariant: every outbound HTTP call of the product goes through [`Egress`].
//! Invariant: the [`Bus`] and [`EpochCache`] are fast copies; what they hold can be lost, the tables have the truth.

mod bus;
mod cache;
mod egress;
pub mod place;
mod sealer;

pub use bus::{Bus, BusError, Delivery, Subscription};
pub use cache::{ConfigEpoch, EpochCache};
pub use egress::{
    Call, Effect, Egress, EgressError, EgressOptions, Reach, Timeouts, install_tls_provider, is_private, read_limited,
};
pub use sealer::{Sealed, Sealer, SealerError};
