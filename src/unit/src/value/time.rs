//! Time spans (systemd.time(7)): `90`, `1min 30s`, `5.5s`, `infinity`.
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

/// A time span in µs; a bare number is seconds; `u64::MAX` is infinity.
pub fn parse_timespan(text: &str) -> Result<u64, ValueError> {
    parse(text).ok_or_else(|| ValueError::not(text, "time span (such as 5s, 1min 30s, infinity)"))
}

fn parse(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest == "infinity" {
        return Some(u64::MAX);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let signed = rest
            .strip_prefix('+')
            .filter(|tail| tail.starts_with(|c: char| c.is_ascii_digit()));
        rest = signed.unwrap_or(rest);
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(tail) => digits(tail),
            None => ("", after),
        };
        // `5.` and `.` are refused, `.5` is half.
        let dot = rest[whole.len()..].starts_with('.');
        if (whole.is_empty() && fraction.is_empty()) || (dot && fraction.is_empty()) {
            return None;
        }
        let after = after.trim_start();
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.' || c == '-' || c.is_whitespace())
            .unwrap_or(after.len());
        let (name, tail) = after.split_at(end);
        let unit = match name {
            // `12.34.56` is a slip; `3.1s.2` is two spans.
            "" if tail.starts_with('.') => return None,
            "" => SECOND,
            name => UNITS.iter().find(|(names, _)| names.contains(&name))?.1,
        };
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        total = total
            .checked_add(whole.checked_mul(unit)?)?
            .checked_add(part(fraction, unit))?;
        rest = tail.trim_start();
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

/// The span as people write it: `1min 30s`.
pub fn format_timespan(mut us: u64) -> String {
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
    let mut parts = Vec::new();
    for (name, unit) in scale {
        if us >= unit {
            parts.push(format!("{}{name}", us / unit));
            us %= unit;
        }
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
            assert_eq!(parse(text), Some(us), "{text}");
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
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for us in [0, 1, 90_000_000, 100_000, 3_661_000_001, u64::MAX] {
            assert_eq!(parse(&format_timespan(us)), Some(us));
        }
    }
}
