use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::usd::Usd;

/// Picodollars in a nano-dollar.
const PICO: u128 = 1000;
/// The most that a million tokens may cost, in USD; keeps sums far away from where they would not fit.
const MOST: i64 = 1_000_000;

/// What a token costs, in whole picodollars. As text and JSON it is a number of USD per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    pub const FREE: Self = Self(0);

    /// `None` where it is negative, beyond a million dollars, or finer than a picodollar a token.
    pub fn per_million(usd: Decimal) -> Option<Self> {
        // A dollar a million tokens is a millionth of a dollar a token: a million picodollars.
        let picos = usd.checked_mul(Decimal::from(1_000_000))?.normalize();
        (picos.is_integer() && usd <= Decimal::from(MOST)).then(|| picos.to_u64().map(Self)).flatten()
    }

    pub fn to_decimal(self) -> Decimal {
        Decimal::from_i128_with_scale(i128::from(self.0), 6).normalize()
    }

    /// Picodollars of so many tokens.
    pub(super) fn of(self, tokens: u64) -> u128 {
        u128::from(self.0) * u128::from(tokens)
    }

    /// Picodollars as money, a started nano-dollar counted as a whole one.
    pub(super) fn total(picos: u128) -> Usd {
        Usd::from_nanos(i64::try_from(picos.div_ceil(PICO)).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_decimal(), f)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(&self.to_decimal(), serializer)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let usd = <Decimal as Deserialize>::deserialize(deserializer)?;
        Self::per_million(usd).ok_or_else(|| {
            serde::de::Error::custom(format!("{usd} is no price of a million tokens: 0 to {MOST} USD, six decimals"))
        })
    }
}
