//! Time spans (systemd.time(7)): `90`, `1min 30s`, `5.5s`, `infinity`; read and printed.
use super::ValueError;

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// systemd's month and year: 30.44 and 365.25 days.
const MONTH: u64 = 2_629_800 * SECOND;
const YEAR: u64 = 31_557_600 * SECOND;

/// Spellings of each unit, in µs.
const UNITS: &[(&[&str], u64)] = &[
    (&["seconds", "second", "sec", "s"], SECOND),
    (&["minutes", "minute", "min", "m"], MINUTE),
    (&["months", "month", "M"], MONTH),
    (&["msec", "ms"], 1_000),
    (&["hours", "hour", "hr", "h"], HOUR),
    (&["days", "day", "d"], DAY),
    (&["weeks", "week", "w"], 7 * DAY),
    (&["years", "year", "y"], YEAR),
    (&["usec", "us", "μs", "µs"], 1),
];
/// Units that only [`parse_nanoseconds`] knows, in ns.
const NANOSECOND: &[(&[&str], u64)] = &[(&["nsec", "ns"], 1)];

/// A time span in µs; a bare number is seconds; `u64::MAX` is infinity.
pub fn parse_timespan(text: &str) -> Result<u64, ValueError> {
    parse_timespan_with_unit(text, SECOND)
}

/// A time span in µs; a bare number is in `unit_us` (µs, from 1); `u64::MAX` is infinity.
pub fn parse_timespan_with_unit(text: &str, unit_us: u64) -> Result<u64, ValueError> {
    parse(text, unit_us.max(1), unit_in_us)
        .ok_or_else(|| ValueError::not(text, "time span (such as 5s, 1min 30s, infinity)"))
}

/// A time span in ns; a bare number is nanoseconds; `u64::MAX` is infinity.
pub fn parse_nanoseconds(text: &str) -> Result<u64, ValueError> {
    parse(text, 1, unit_in_ns)
        .ok_or_else(|| ValueError::not(text, "time span (such as 50us, 200ns, infinity)"))
}

/// A time-out in µs: a span, of which 0 means infinity (`u64::MAX`).
pub fn parse_timeout(text: &str) -> Result<u64, ValueError> {
    let us = parse_timespan(text)?;
    Ok(if us == 0 { u64::MAX } else { us })
}

/// A time span in µs, which is infinity (`u64::MAX`) if nothing is said.
pub fn parse_timespan_or_infinity(text: &str) -> Result<u64, ValueError> {
    match text.trim_matches(WHITESPACE).is_empty() {
        true => Ok(u64::MAX),
        false => parse_timespan(text),
    }
}

/// Between the spans of a text, and around it.
const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// The unit that `text` starts with, and what follows it.
fn unit_in_us(text: &str) -> Option<(u64, &str)> {
    unit(text, UNITS)
}

fn unit_in_ns(text: &str) -> Option<(u64, &str)> {
    let coarse = || unit(text, UNITS).map(|(us, rest)| (us * 1_000, rest));
    unit(text, NANOSECOND).or_else(coarse)
}

/// The longest spelling counts: `month` is no `m`.
fn unit<'a>(text: &'a str, units: &[(&[&str], u64)]) -> Option<(u64, &'a str)> {
    let spellings = units
        .iter()
        .flat_map(|(names, unit)| names.iter().map(|name| (*name, *unit)));
    spellings
        .filter_map(|(name, unit)| Some((unit, text.strip_prefix(name)?)))
        .min_by_key(|(_, rest)| rest.len())
}

/// Spans one after the other, `1h 30min`; the sum stays below infinity.
fn parse(text: &str, default: u64, unit_of: impl Fn(&str) -> Option<(u64, &str)>) -> Option<u64> {
    let mut rest = text.trim_matches(WHITESPACE);
    if rest == "infinity" {
        return Some(u64::MAX);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let signed = rest.strip_prefix('+').filter(|tail| !tail.starts_with('.'));
        let (whole, after) = digits(signed.unwrap_or(rest));
        let (fraction, after) = match after.strip_prefix('.') {
            // `5.` and `.` are refused, `.5` is half.
            Some(tail) => Some(digits(tail)).filter(|(fraction, _)| !fraction.is_empty())?,
            None if whole.is_empty() => return None,
            None => ("", after),
        };
        let (unit, tail) = match unit_of(after.trim_start_matches(WHITESPACE)) {
            Some(found) => found,
            // `12.34.56` is a slip; `3.1s.2` and `12.34 .56` are two spans.
            None if !after.is_empty() && !after.starts_with(WHITESPACE) => return None,
            None => (default, after),
        };
        // As in systemd: a signed number, which leaves the whole below infinity.
        let whole: i64 = match whole {
            "" => 0,
            whole => whole.parse().ok()?,
        };
        let whole = whole.unsigned_abs();
        if whole >= u64::MAX / unit {
            return None;
        }
        total = total
            .checked_add(whole * unit)?
            .checked_add(part(fraction, unit))?;
        if total == u64::MAX {
            return None;
        }
        rest = tail.trim_start_matches(WHITESPACE);
    }
    Some(total)
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// `0.fraction` of `unit`, each digit rounded down as systemd does.
fn part(fraction: &str, mut unit: u64) -> u64 {
    fraction
        .bytes()
        .map(|digit| {
            unit /= 10;
            u64::from(digit - b'0') * unit
        })
        .sum()
}

/// The span as people write it, to the µs: `1min 30s`, `2.500000s`.
pub fn format_timespan(us: u64) -> String {
    format_timespan_to(us, 1)
}

/// The span, without what is finer than `accuracy_us` (µs; 1, 1,000 or 1,000,000),
/// unless that is all there is. Below a minute the rest of a unit is decimals: `12.345ms`.
pub fn format_timespan_to(mut us: u64, accuracy_us: u64) -> String {
    if us == u64::MAX {
        return "infinity".into();
    }
    if us == 0 {
        return "0".into();
    }
    let scale = [
        ("y", YEAR),
        ("month", MONTH),
        ("w", 7 * DAY),
        ("d", DAY),
        ("h", HOUR),
        ("min", MINUTE),
        ("s", SECOND),
        ("ms", 1_000),
        ("us", 1),
    ];
    let hidden = std::iter::successors(Some(accuracy_us), |left| Some(left / 10))
        .take_while(|&left| left > 1)
        .fold(0, |count, _| count + 1);
    let mut parts: Vec<String> = Vec::new();
    for (name, unit) in scale {
        if us == 0 || (us < accuracy_us && !parts.is_empty()) {
            break;
        }
        if us < unit {
            continue;
        }
        let (whole, rest) = (us / unit, us % unit);
        let decimals = unit.ilog10().saturating_sub(hidden);
        if us < MINUTE && rest > 0 && decimals > 0 {
            let width = decimals as usize;
            let rest = rest / 10_u64.pow(hidden);
            parts.push(format!("{whole}.{rest:0width$}{name}"));
            break;
        }
        parts.push(format!("{whole}{name}"));
        us = rest;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_spans() {
        for (text, us) in [
            ("5s", 5_000_000),
            (" 5.5s 0.5ms ", 5_500_500),
            ("2.5", 2_500_000),
            (".7", 700_000),
            ("23μs", 23),
            ("1y12month", YEAR + 12 * MONTH),
            ("3.1s.2", 3_300_000),
            ("+3.1s", 3_100_000),
            ("infinity", u64::MAX),
        ] {
            assert_eq!(parse_timespan(text), Ok(us), "{text}");
        }
        for text in [
            "",
            "xyz",
            "-5s",
            "5.",
            "3. 1s",
            "3.s",
            ".3 infinity",
            "1 infinity",
            ".",
            "12.34.56",
        ] {
            assert!(parse_timespan(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for us in [0, 1, 90_000_000, 100_000, 3_661_000_001, u64::MAX] {
            assert_eq!(parse_timespan(&format_timespan(us)), Ok(us));
        }
    }
}
