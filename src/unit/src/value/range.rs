//! Ranges of numbers: `3` and `3-7`.
use super::ValueError;
use super::integer::{NumberError, unsigned};

/// Both ends of `LOW-HIGH`, or one number twice; `LOW` may be above `HIGH`.
pub fn parse_range(text: &str) -> Result<(u32, u32), ValueError> {
    range(text).map_err(|err| err.say(text, "range (such as 3-7)"))
}

/// A range of ports: 1 to 65535, the low end first.
pub fn parse_port_range(text: &str) -> Result<(u16, u16), ValueError> {
    let wanted = "range of ports (such as 6000-6010)";
    let (low, high) = range(text).map_err(|err| err.say(text, wanted))?;
    match (u16::try_from(low), u16::try_from(high)) {
        (Ok(low), Ok(high)) if (1..=high).contains(&low) => Ok((low, high)),
        (_, _) => Err(ValueError::not(text, wanted)),
    }
}

fn range(text: &str) -> Result<(u32, u32), NumberError> {
    let number = |text| {
        let number = unsigned(text, u64::from(u32::MAX))?;
        u32::try_from(number).map_err(|_| NumberError::Range)
    };
    let (low, high) = match text.split_once('-') {
        Some((low, high)) => (number(low)?, Some(high)),
        None => (number(text)?, None),
    };
    Ok((low, high.map_or(Ok(low), number)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_in_order() {
        assert_eq!(parse_port_range("80"), Ok((80, 80)));
        assert_eq!(parse_port_range("6000-6010"), Ok((6000, 6010)));
        for text in ["0", "0-5", "6-5", "65536", "1-65536", "1-", "any"] {
            assert!(parse_port_range(text).is_err(), "{text}");
        }
    }
}
