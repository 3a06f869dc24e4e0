//! A recursive-descent reader that calculates as it reads.
//!
//! ```text
//! sum     = product { (+|-) product }
//! product = signed { (*|/|%) signed }
//! signed  = (+|-) signed | power
//! power   = atom [ ^ signed ]             so -2^2 is -4 and 2^3^2 is 512
//! atom    = number | ( sum ) | name ( sum { , sum } )
//! ```

use super::number::Number;

/// How deep parentheses, signs and powers may nest: the reader uses the stack.
const MAX_DEPTH: usize = 100;

/// The value of an expression, or what is wrong with it, in words for whoever wrote it.
pub(crate) fn evaluate(expression: &str) -> Result<Number, String> {
    if expression.chars().count() > super::MAX_EXPRESSION {
        return Err(format!("the expression has more than {} characters", super::MAX_EXPRESSION));
    }
    let mut reader = Reader { text: expression, at: 0, depth: 0 };
    let number = reader.sum()?;
    match reader.peek() {
        None => Ok(number),
        Some(_) => Err(reader.unexpected("an operator")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn sum(&mut self) -> Result<Number, String> {
        let mut left = self.product()?;
        loop {
            left = match self.peek() {
                Some('+') => left.plus(&self.after_operator(Self::product)?)?,
                Some('-' | '−') => left.minus(&self.after_operator(Self::product)?)?,
                _ => return Ok(left),
            };
        }
    }

    fn product(&mut self) -> Result<Number, String> {
        let mut left = self.signed()?;
        loop {
            left = match self.peek() {
                Some('*' | '×' | '·') => left.times(&self.after_operator(Self::signed)?)?,
                Some('/' | '÷') => left.divided_by(&self.after_operator(Self::signed)?)?,
                Some('%') => left.remainder(&self.after_operator(Self::signed)?)?,
                _ => return Ok(left),
            };
        }
    }

    fn signed(&mut self) -> Result<Number, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the expression nests deeper than {MAX_DEPTH} levels"));
        }
        let number = match self.peek() {
            Some('-' | '−') => self.after_operator(Self::signed)?.negated(),
            Some('+') => self.after_operator(Self::signed)?,
            _ => self.power()?,
        };
        self.depth -= 1;
        Ok(number)
    }

    fn power(&mut self) -> Result<Number, String> {
        let base = self.atom()?;
        match self.peek() {
            Some('^') => base.power(&self.after_operator(Self::signed)?),
            Some('*') if self.rest().starts_with("**") => Err("write powers with ^, not **".to_owned()),
            _ => Ok(base),
        }
    }

    fn atom(&mut self) -> Result<Number, String> {
        match self.peek() {
            Some('(') => {
                self.skip();
                let number = self.sum()?;
                self.expect(')')?;
                Ok(number)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.function(),
            _ => Err(self.unexpected("a number")),
        }
    }

    fn number(&mut self) -> Result<Number, String> {
        let rest = self.rest();
        let mut end = digits(rest, 0);
        if rest[end..].starts_with('.') {
            end = digits(rest, end + 1);
        }
        if !rest[..end].contains(|c: char| c.is_ascii_digit()) {
            return Err(self.unexpected("a number"));
        }
        if rest[end..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
            let exponent_end = digits(rest, end + 1 + sign);
            if exponent_end > end + 1 + sign {
                end = exponent_end;
            }
        }
        self.at += end;
        if self.rest().starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
            return Err(self.unexpected("an operator"));
        }
        Number::read(&rest[..end])
    }

    fn function(&mut self) -> Result<Number, String> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        self.at += end;
        if self.peek() != Some('(') {
            return Err(format!("\"{name}\" is not a number; functions need parentheses"));
        }
        self.skip();
        let mut arguments = vec![self.sum()?];
        while self.peek() == Some(',') {
            self.skip();
            arguments.push(self.sum()?);
        }
        self.expect(')')?;
        call(&name, &arguments)
    }

    /// Passes over the operator and reads what follows it.
    fn after_operator(&mut self, read: fn(&mut Self) -> Result<Number, String>) -> Result<Number, String> {
        self.skip();
        read(self)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character that is not a space; passes over the spaces before it.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn skip(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.peek() == Some(wanted) {
            self.skip();
            return Ok(());
        }
        Err(self.unexpected(&format!("\"{wanted}\"")))
    }

    fn unexpected(&mut self, wanted: &str) -> String {
        match self.peek() {
            Some(found) => {
                let position = self.text[..self.at].chars().count() + 1;
                format!("expected {wanted} at position {position}, found \"{found}\"")
            }
            None => format!("expected {wanted}, but the expression ends"),
        }
    }
}

fn digits(text: &str, from: usize) -> usize {
    from + text[from..].bytes().take_while(u8::is_ascii_digit).count()
}

fn call(name: &str, arguments: &[Number]) -> Result<Number, String> {
    match (name, arguments) {
        ("abs", [x]) => Ok(x.absolute()),
        ("floor", [x]) => Ok(x.floor()),
        ("ceil", [x]) => Ok(x.ceil()),
        ("sqrt", [x]) => x.square_root(),
        ("round", [x]) => x.round(&Number::read("0")?),
        ("round", [x, digits]) => x.round(digits),
        ("sum", [first, rest @ ..]) => rest.iter().try_fold(first.clone(), |sum, x| sum.plus(x)),
        ("min", [first, rest @ ..]) => Ok(rest.iter().fold(first, |a, b| if b.less_than(a) { b } else { a }).clone()),
        ("max", [first, rest @ ..]) => Ok(rest.iter().fold(first, |a, b| if a.less_than(b) { b } else { a }).clone()),
        ("abs" | "floor" | "ceil" | "sqrt" | "round", _) => {
            Err(format!("{name}() does not take {} arguments", arguments.len()))
        }
        _ => Err(format!("there is no function {name}(); there are abs, ceil, floor, max, min, round, sqrt, sum")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(expression: &str) -> String {
        evaluate(expression).map_or_else(|error| format!("error: {error}"), |number| number.to_string())
    }

    #[test]
    fn expressions_are_calculated_exactly() {
        for (expression, expected) in [
            ("0.1 + 0.2", "0.3"),
            ("1/3*3", "1"),
            ("(19.99 * 3 + 4.5) * 1.19", "76.7193"),
            ("2^3^2", "512"),
            ("-2^2", "-4"),
            ("2^-2", "0.25"),
            ("-7 % 3", "-1"),
            ("7.5 % 2", "1.5"),
            ("1e3 + .5", "1000.5"),
            ("2^200", "1606938044258990275541962092341162602522202993782792835301376"),
            ("99999999999999999999.99 + 0.01", "100000000000000000000"),
            ("round(2.5) + round(-2.5)", "0"),
            ("round(1234.567, 2)", "1234.57"),
            ("round(1234, -2)", "1200"),
            ("sqrt(2.25)", "1.5"),
            ("sqrt(2)", "≈ 1.4142135623730950488"),
            ("sqrt(2)^2", "≈ 2"),
            ("1/3", "≈ 0.33333333333333333333"),
            ("-1/3", "≈ -0.33333333333333333333"),
            ("min(3, 1, 2) + max(3, 1, 2) + sum(1, 2) + abs(-4) + floor(-0.5) + ceil(0.5)", "11"),
            ("6 × 7 ÷ 2 − 1", "20"),
            ("0^0", "1"),
        ] {
            assert_eq!(value(expression), expected, "{expression}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_where() {
        for (expression, expected) in [
            ("", "expected a number, but the expression ends"),
            ("1 +", "expected a number, but the expression ends"),
            ("(1 + 2", "expected \")\", but the expression ends"),
            ("1 2", "expected an operator at position 3, found \"2\""),
            ("2 $ 3", "expected an operator at position 3, found \"$\""),
            ("1.2.3", "expected an operator at position 4, found \".\""),
            ("3 apples", "expected an operator at position 3, found \"a\""),
            ("1 / (2 - 2)", "division by zero"),
            ("1 % 0", "remainder of a division by zero"),
            ("0^-1", "division by zero: 0 to a negative power"),
            ("2^0.5", "a power needs a whole exponent; use sqrt() for square roots"),
            ("2**3", "write powers with ^, not **"),
            ("9^9^9^9", "the result, or a number on the way to it, has more than 3,000 digits"),
            ("1e999999999", "the result, or a number on the way to it, has more than 3,000 digits"),
            ("1e99999999999", "the exponent of 1e99999999999 is too large"),
            ("sqrt(-1)", "there is no square root of a negative number"),
            ("sqrt(1, 2)", "sqrt() does not take 2 arguments"),
            ("sin(1)", "there is no function sin(); there are abs, ceil, floor, max, min, round, sqrt, sum"),
            ("pi", "\"pi\" is not a number; functions need parentheses"),
        ] {
            assert_eq!(value(expression), format!("error: {expected}"), "{expression}");
        }
        assert!(value(&"(".repeat(500)).contains("nests deeper"));
        assert!(value(&"-".repeat(500)).contains("nests deeper"));
        assert!(value(&"1+".repeat(600)).contains("more than 1000 characters"));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_value_or_an_error_and_never_a_panic(text in "[-0-9.+*/%^() ,e]{0,80}|.{0,80}") {
            drop(evaluate(&text));
        }

        #[test]
        fn it_agrees_with_integer_arithmetic(a in -1_000_000_i128..1_000_000, b in 1_i128..1_000_000, c in -1000_i128..1000) {
            prop_assert_eq!(value(&format!("{a} * {b} - {c}")), (a * b - c).to_string());
            prop_assert_eq!(value(&format!("{a} % {b}")), (a % b).to_string());
            prop_assert_eq!(value(&format!("{a} / {b} * {b}")), a.to_string());
        }

        #[test]
        fn a_decimal_is_written_as_it_was_read(whole in 0_u64..1_000_000, fraction in 1_u32..10_000) {
            let text = format!("{whole}.{fraction:04}");
            prop_assert_eq!(value(&text), text.trim_end_matches('0'));
        }
    }
}
