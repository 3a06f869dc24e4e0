use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One as _, Signed as _, ToPrimitive as _, Zero as _};

/// No number may grow past this many bits above or below the line: about 3,000 decimal digits.
const MAX_BITS: u64 = 10_000;
/// How many decimal places an exact result may show, and how many a rounded one has.
const MAX_PLACES: u32 = 400;
const ROUNDED_PLACES: u32 = 20;

/// A number and whether it is known exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    value: BigRational,
    exact: bool,
}

impl Number {
    /// Reads digits with an optional point and exponent: `12`, `0.5`, `.5`, `1e-3`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent: i32 = exponent.parse().map_err(|_| format!("the exponent of {text} is too large"))?;
        let all: BigInt = format!("{whole}{fraction}").parse().map_err(|_| format!("{text} is not a number"))?;
        let shift = exponent.saturating_sub(i32::try_from(fraction.len()).unwrap_or(i32::MAX));
        let ten = Self::exact(BigRational::from_integer(10.into()))?;
        let scale = ten.power(&Self::exact(BigRational::from_integer(shift.into()))?)?;
        Self::exact(BigRational::from_integer(all))?.times(&scale)
    }

    pub(crate) fn plus(&self, other: &Self) -> Result<Self, String> {
        self.with(other, &self.value + &other.value)
    }

    pub(crate) fn minus(&self, other: &Self) -> Result<Self, String> {
        self.with(other, &self.value - &other.value)
    }

    pub(crate) fn times(&self, other: &Self) -> Result<Self, String> {
        self.with(other, &self.value * &other.value)
    }

    pub(crate) fn divided_by(&self, other: &Self) -> Result<Self, String> {
        if other.value.is_zero() {
            return Err("division by zero".to_owned());
        }
        self.with(other, &self.value / &other.value)
    }

    /// The remainder that has the sign of the dividend, as in most languages: -7 % 3 is -1.
    pub(crate) fn remainder(&self, other: &Self) -> Result<Self, String> {
        if other.value.is_zero() {
            return Err("remainder of a division by zero".to_owned());
        }
        self.with(other, &self.value % &other.value)
    }

    pub(crate) fn negated(&self) -> Self {
        Self { value: -&self.value, exact: self.exact }
    }

    pub(crate) fn absolute(&self) -> Self {
        Self { value: self.value.abs(), exact: self.exact }
    }

    /// A whole power; the size of the result is checked before it is made.
    pub(crate) fn power(&self, exponent: &Self) -> Result<Self, String> {
        let Some(times) = exponent.value.is_integer().then(|| exponent.value.to_integer()) else {
            return Err("a power needs a whole exponent; use sqrt() for square roots".to_owned());
        };
        if self.value.is_zero() {
            return match times.sign() {
                num_bigint::Sign::Minus => Err("division by zero: 0 to a negative power".to_owned()),
                num_bigint::Sign::NoSign => Ok(Self { value: BigRational::one(), exact: self.exact }),
                num_bigint::Sign::Plus => Ok(self.clone()),
            };
        }
        let bits = self.value.numer().bits().max(self.value.denom().bits());
        let small =
            times.to_i32().filter(|times| bits == 1 || u64::from(times.unsigned_abs()) * (bits - 1) <= MAX_BITS);
        let Some(times) = small else { return Err(too_large()) };
        self.with(exponent, self.value.pow(times))
    }

    pub(crate) fn floor(&self) -> Self {
        Self { value: self.value.floor(), exact: self.exact }
    }

    pub(crate) fn ceil(&self) -> Self {
        Self { value: self.value.ceil(), exact: self.exact }
    }

    /// Rounded to `places` decimal places, halves away from zero; negative places round to tens, hundreds and so on.
    pub(crate) fn round(&self, places: &Self) -> Result<Self, String> {
        let places = places.value.is_integer().then(|| places.value.to_integer().to_i32()).flatten();
        let Some(places) = places.filter(|places| places.unsigned_abs() <= MAX_PLACES) else {
            return Err(format!("round() takes a whole number of digits, at most {MAX_PLACES}"));
        };
        let scale = BigRational::from_integer(10.into()).pow(places);
        Ok(Self { value: (&self.value * &scale).round() / scale, exact: self.exact })
    }

    /// The square root: exact where there is an exact one, else good to more places than are shown.
    pub(crate) fn square_root(&self) -> Result<Self, String> {
        if self.value.is_negative() {
            return Err("there is no square root of a negative number".to_owned());
        }
        let (above, below) = (self.value.numer().sqrt(), self.value.denom().sqrt());
        if &above * &above == *self.value.numer() && &below * &below == *self.value.denom() {
            return Ok(Self { value: BigRational::new(above, below), exact: self.exact });
        }
        let scale = BigInt::from(10).pow(2 * (ROUNDED_PLACES + 10));
        let root = (self.value.numer() * &scale / self.value.denom()).sqrt();
        bounded(BigRational::new(root, scale.sqrt()), false)
    }

    pub(crate) fn less_than(&self, other: &Self) -> bool {
        self.value < other.value
    }

    fn exact(value: BigRational) -> Result<Self, String> {
        bounded(value, true)
    }

    fn with(&self, other: &Self, value: BigRational) -> Result<Self, String> {
        bounded(value, self.exact && other.exact)
    }
}

/// An exact decimal where there is one of reasonable length; else `≈` and 20 decimal places.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match places(self.value.denom()) {
            Some(places) if self.exact => f.write_str(&decimal(&self.value, places)),
            _ => write!(f, "≈ {}", decimal(&self.value, ROUNDED_PLACES)),
        }
    }
}

fn bounded(value: BigRational, exact: bool) -> Result<Number, String> {
    if value.numer().bits().max(value.denom().bits()) > MAX_BITS {
        return Err(too_large());
    }
    Ok(Number { value, exact })
}

fn too_large() -> String {
    "the result, or a number on the way to it, has more than 3,000 digits".to_owned()
}

/// How many decimal places a fraction over `denominator` needs: `None` where no number of them is enough.
fn places(denominator: &BigInt) -> Option<u32> {
    let mut rest = denominator.clone();
    let mut needed = [0_u32; 2];
    for (count, prime) in needed.iter_mut().zip([2_u32, 5]) {
        while BigInt::is_zero(&(&rest % prime)) {
            rest /= prime;
            *count += 1;
        }
    }
    let places = needed[0].max(needed[1]);
    (rest.is_one() && places <= MAX_PLACES).then_some(places)
}

/// Writes `value` with at most `places` decimal places, without trailing zeros.
fn decimal(value: &BigRational, places: u32) -> String {
    let scaled = (value * BigRational::from_integer(BigInt::from(10).pow(places))).round().to_integer();
    let sign = if scaled.is_negative() { "-" } else { "" };
    let digits = format!("{:0>width$}", scaled.abs(), width = places as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places as usize);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}
