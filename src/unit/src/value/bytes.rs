//! Sizes in bytes: `512M`, `1.5G`, `3G500M`; largest unit first.
use super::ValueError;
use super::integer::NumberError;

/// Suffixes, largest first; none at all is the smallest.
const SUFFIXES: [&str; 8] = ["E", "P", "T", "G", "M", "K", "B", ""];
/// Power of the base by which each suffix multiplies.
const POWERS: [u32; 8] = [6, 5, 4, 3, 2, 1, 0, 0];

/// Bytes, with units of base 1024.
pub fn parse_size(text: &str) -> Result<u64, ValueError> {
    parse(text, 1024).map_err(|err| err.say(text, "size (such as 512M, 1.5G)"))
}

/// Bytes, or operations, with units of base 1000 (as for IO bandwidth).
pub fn parse_size_si(text: &str) -> Result<u64, ValueError> {
    parse(text, 1000).map_err(|err| err.say(text, "size (such as 512M, 1.5G; of base 1000)"))
}

fn parse(text: &str, base: u64) -> Result<u64, NumberError> {
    let is_space = crate::words::is_space;
    let mut rest = text;
    let mut total: u64 = 0;
    let mut from = 0;
    loop {
        rest = rest.trim_start_matches(is_space);
        let negative = rest.starts_with('-');
        let (whole, after) = digits(rest.strip_prefix(['+', '-']).unwrap_or(rest));
        if whole.is_empty() {
            return Err(NumberError::Form);
        }
        let whole: u64 = whole.parse().map_err(|_| NumberError::Range)?;
        if negative {
            return Err(NumberError::Range);
        }
        // A dot may have nothing behind it: `3.K`.
        let (fraction, after) = match after.strip_prefix('.') {
            Some(tail) => digits(tail),
            None => ("", after),
        };
        let after = after.trim_start_matches(is_space);
        // `3B3G` is a slip; each unit must be smaller than the one before.
        let suffixes = SUFFIXES.iter().enumerate().skip(from);
        let (at, tail) = suffixes
            .filter_map(|(at, suffix)| Some((at, after.strip_prefix(suffix)?)))
            .next()
            .ok_or(NumberError::Form)?;
        total = times(whole, fraction, base.pow(POWERS[at]))
            .and_then(|bytes| total.checked_add(bytes))
            .ok_or(NumberError::Range)?;
        from = at + 1;
        rest = tail;
        if rest.is_empty() {
            return Ok(total);
        }
    }
}

/// Bytes with the largest unit of base 1024 that divides them: `512M`, `1025`.
pub fn format_size(bytes: u64) -> String {
    let units = SUFFIXES.iter().zip(POWERS);
    let mut whole = units.filter_map(|(suffix, power)| {
        let unit = 1024_u64.pow(power);
        (bytes.is_multiple_of(unit) && bytes >= unit && *suffix != "B")
            .then(|| format!("{}{suffix}", bytes / unit))
    });
    whole.next().unwrap_or_else(|| bytes.to_string())
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// `whole.fraction` times `factor`, rounded down; `None` when that is too much.
fn times(whole: u64, fraction: &str, factor: u64) -> Option<u64> {
    // Floating point, since that is what systemd shows: `4.1M` is 4299161 bytes.
    let mut part: f64 = match fraction {
        "" => 0.0,
        digits => digits.parse::<u64>().ok()? as f64,
    };
    for _ in 0..fraction.len() {
        part /= 10.0;
    }
    let rounded_up = whole.checked_add(u64::from(part > 0.0))?;
    rounded_up.checked_mul(factor)?;
    (whole * factor).checked_add((part * factor as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        for (text, bytes) in [
            ("+5", 5),
            ("5 ", 5),
            ("3.K", 3072),
            ("3B3", 6),
            ("1.15G", 1_234_803_097),
            ("15E", 15 << 60),
        ] {
            assert_eq!(parse(text, 1024), Ok(bytes), "{text}");
        }
        for text in ["M", "3 3", "5B ", "1k", ".5M", "0x10"] {
            assert_eq!(parse(text, 1024), Err(NumberError::Form), "{text}");
        }
        for text in [
            "16E",
            "15.5E15.5E",
            "99999999999999999999",
            "1.99999999999999999999M",
        ] {
            assert!(parse(text, 1024).is_err(), "{text}");
        }
        assert_eq!(parse("1.5M", 1000), Ok(1_500_000));
    }
}
