//! Whole numbers as systemd reads them: `0x`, `0b`, `0o` and a plain leading `0` (octal) name the
//! base, signs and leading white space are allowed, anything after the digits is not.
use super::ValueError;

/// Why a text is not the number asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// Not a number at all.
    Form,
    /// A number, but too small or too large.
    Range,
}

impl NumberError {
    /// The error for people; `wanted` names the value with its range or an example.
    pub(crate) fn say(self, value: &str, wanted: &str) -> ValueError {
        match self {
            NumberError::Form => ValueError::not(value, wanted),
            NumberError::Range => ValueError::beyond(value, wanted),
        }
    }
}

/// Any unsigned number of 64 bits.
pub fn parse_u64(text: &str) -> Result<u64, ValueError> {
    unsigned(text, u64::MAX).map_err(|err| err.say(text, "number (0 or more)"))
}

/// Any unsigned number of 32 bits.
pub fn parse_u32(text: &str) -> Result<u32, ValueError> {
    unsigned(text, u64::from(u32::MAX))
        .and_then(|number| u32::try_from(number).map_err(|_| NumberError::Range))
        .map_err(|err| err.say(text, "number (0 to 4294967295)"))
}

/// Any signed number of 32 bits.
pub fn parse_i32(text: &str) -> Result<i32, ValueError> {
    signed(text, i64::from(i32::MIN), i64::from(i32::MAX))
        .and_then(|number| i32::try_from(number).map_err(|_| NumberError::Range))
        .map_err(|err| err.say(text, "number (-2147483648 to 2147483647)"))
}

/// An unsigned number up to `max`.
pub fn parse_unsigned(text: &str, max: u64) -> Result<u64, ValueError> {
    unsigned(text, max).map_err(|err| err.say(text, &format!("number (0 to {max})")))
}

/// A signed number from `min` to `max`.
pub fn parse_signed(text: &str, min: i64, max: i64) -> Result<i64, ValueError> {
    signed(text, min, max).map_err(|err| err.say(text, &format!("number ({min} to {max})")))
}

/// A hexadecimal number up to `max`, with or without `0x`.
pub fn parse_hexadecimal(text: &str, max: u64) -> Result<u64, ValueError> {
    hexadecimal(text, max).map_err(|err| err.say(text, "hexadecimal number (such as 0x3f)"))
}

pub(crate) fn unsigned(text: &str, max: u64) -> Result<u64, NumberError> {
    positive(scan(text, None)?, max)
}

pub(crate) fn hexadecimal(text: &str, max: u64) -> Result<u64, NumberError> {
    positive(scan(text, Some(16))?, max)
}

pub(crate) fn signed(text: &str, min: i64, max: i64) -> Result<i64, NumberError> {
    let scanned = scan(text, None)?;
    let magnitude = i128::from(scanned.magnitude);
    let number = if scanned.negative {
        -magnitude
    } else {
        magnitude
    };
    match i64::try_from(number) {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(NumberError::Range),
    }
}

/// Digits of `radix` and nothing else: no sign, no white space, no prefix.
pub(crate) fn digits(text: &str, radix: u32) -> Result<u64, NumberError> {
    if text.is_empty() || !text.chars().all(|c| c.is_digit(radix)) {
        return Err(NumberError::Form);
    }
    // All are digits: only the size can be wrong.
    u64::from_str_radix(text, radix).map_err(|_| NumberError::Range)
}

struct Scanned {
    negative: bool,
    magnitude: u64,
}

fn positive(scanned: Scanned, max: u64) -> Result<u64, NumberError> {
    let negative = scanned.negative && scanned.magnitude != 0;
    if negative || scanned.magnitude > max {
        return Err(NumberError::Range);
    }
    Ok(scanned.magnitude)
}

/// `radix`: `None` when the text names it.
fn scan(text: &str, radix: Option<u32>) -> Result<Scanned, NumberError> {
    let text = text.trim_start_matches(crate::words::is_space);
    // `0b` and `0o` stand before a sign, `0x` and `0` behind it: the first two are systemd's own,
    // the others come with the C library.
    let (radix, text) = match (radix, prefix(text, 'b'), prefix(text, 'o')) {
        (None, Some(rest), _) => (Some(2), rest),
        (None, None, Some(rest)) => (Some(8), rest),
        (radix, _, _) => (radix, text),
    };
    let text = text.trim_start_matches(crate::words::is_space);
    let (negative, text) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (radix, text) = match (radix, prefix(text, 'x')) {
        (None | Some(16), Some(rest)) => (16, rest),
        (None, None) if text.starts_with('0') => (8, text),
        (radix, _) => (radix.unwrap_or(10), text),
    };
    let magnitude = digits(text, radix)?;
    Ok(Scanned {
        negative,
        magnitude,
    })
}

/// What follows `0` and the letter, in either case.
fn prefix(text: &str, letter: char) -> Option<&str> {
    text.strip_prefix('0')?
        .strip_prefix([letter, letter.to_ascii_uppercase()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_as_c_does() {
        for (text, number) in [
            ("0", 0),
            ("010", 8),
            ("0x1F", 31),
            ("0b101", 5),
            ("0O17", 15),
            ("-0x10", -16),
            ("0b-101", -5),
            (" \t+7", 7),
            ("-0", 0),
        ] {
            assert_eq!(signed(text, i64::MIN, i64::MAX), Ok(number), "{text}");
        }
        for text in [
            "", "-", "+", "0x", "0b", "08", "1 ", "1x", "0b2", "--1", "-0b101", "1_0",
        ] {
            assert_eq!(unsigned(text, u64::MAX), Err(NumberError::Form), "{text}");
        }
        for text in ["-1", "256", "99999999999999999999"] {
            assert_eq!(unsigned(text, 255), Err(NumberError::Range), "{text}");
        }
        assert_eq!(hexadecimal("0b1", 255), Ok(0xb1));
        assert_eq!(signed("-9223372036854775808", i64::MIN, 0), Ok(i64::MIN));
    }

    #[test]
    fn errors_say_which_kind() {
        let message = |text| parse_unsigned(text, 9).expect_err("refused").0;
        assert_eq!(message("x"), "'x' is no number (0 to 9)");
        assert_eq!(message("10"), "'10' is out of range for number (0 to 9)");
    }
}
