//! Money, as exact as it is counted: whole billionths of a US dollar.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy::ToPositiveInfinity;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of US dollars: 64 bits of nano-dollars, some nine billion dollars either way. Sums saturate. As text and
/// JSON it is a decimal number of dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i64);

impl Usd {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// What `dollars` come to, a started nano-dollar counted as a whole one; the largest amount where it is more.
    pub fn ceil(dollars: Decimal) -> Self {
        let nanos = dollars.checked_mul(Decimal::from(1_000_000_000));
        let nanos = nanos.and_then(|nanos| nanos.round_dp_with_strategy(0, ToPositiveInfinity).to_i64());
        Self(nanos.unwrap_or(if dollars.is_sign_negative() { i64::MIN } else { i64::MAX }))
    }

    /// So many of them.
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, 9).normalize()
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_decimal(), f)
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Usd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Usd {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(&self.to_decimal(), serializer)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Decimal as Deserialize>::deserialize(deserializer).map(Self::ceil)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_started_nano_dollar_is_a_whole_one() {
        let ceil = |text: &str| Usd::ceil(text.parse().unwrap()).nanos();
        assert_eq!((ceil("1.25"), ceil("0.0000000001"), ceil("0")), (1_250_000_000, 1, 0));
        assert_eq!((ceil("10000000000"), ceil("-10000000000")), (i64::MAX, i64::MIN));
    }

    #[test]
    fn it_is_written_as_dollars() {
        assert_eq!(Usd::from_nanos(18_000_000).to_string(), "0.018");
        assert_eq!(serde_json::to_string(&Usd::from_nanos(1_500_000_000)).unwrap(), "\"1.5\"");
    }

    #[test]
    fn sums_stop_at_the_largest_amount() {
        assert_eq!([Usd::MAX, Usd::from_nanos(1)].into_iter().sum::<Usd>(), Usd::MAX);
    }
}
