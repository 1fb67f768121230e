//! Resource limits and percentages.
use super::{ValueError, parse_size, parse_timespan};
use crate::model::{Resource, Rlimit};

/// `SOFT:HARD`, or one value for both, in the unit of setrlimit(2).
pub fn parse_rlimit(resource: Resource, text: &str) -> Result<Rlimit, ValueError> {
    let text = text.trim();
    let (soft, hard) = text.split_once(':').unwrap_or((text, text));
    let limit = Rlimit {
        soft: bound(resource, soft)?,
        hard: bound(resource, hard)?,
    };
    if limit.soft > limit.hard {
        return Err(ValueError(format!(
            "soft limit above hard limit in '{text}'"
        )));
    }
    Ok(limit)
}

fn bound(resource: Resource, text: &str) -> Result<u64, ValueError> {
    if text == "infinity" {
        return Ok(u64::MAX);
    }
    match resource {
        // Whole seconds, rounded up: a limit of 0 would kill at once.
        Resource::Cpu => parse_timespan(text).map(|us| us.div_ceil(1_000_000)),
        // A bare number is µs here, not seconds.
        Resource::Rttime => match text.parse() {
            Ok(us) => Ok(us),
            Err(_) => parse_timespan(text),
        },
        Resource::Nice => nice(text),
        Resource::Fsize
        | Resource::Data
        | Resource::Stack
        | Resource::Core
        | Resource::Rss
        | Resource::As
        | Resource::Memlock
        | Resource::Msgqueue => parse_size(text),
        Resource::Nofile
        | Resource::Nproc
        | Resource::Locks
        | Resource::Sigpending
        | Resource::Rtprio => text
            .parse()
            .map_err(|_| ValueError::not(text, "limit (a number, or infinity)")),
    }
}

/// `+5` and `-5` are nice levels, which the kernel counts as 20 - level; a bare number is raw.
fn nice(text: &str) -> Result<u64, ValueError> {
    let wrong = || ValueError::not(text, "nice limit (-20 to +19 with a sign, or 0 to 40)");
    let number: i64 = text.parse().map_err(|_| wrong())?;
    let raw = match text.starts_with(['+', '-']) {
        true if (-20..=19).contains(&number) => 20 - number,
        false if (0..=40).contains(&number) => number,
        true | false => return Err(wrong()),
    };
    u64::try_from(raw).map_err(|_| wrong())
}

/// A percentage in hundredths: `12.5%` is 1250. At most two decimals, no upper bound.
pub fn parse_permyriad(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let scale = if part.len() == 1 { 10 } else { 1 };
    let part: u32 = part.parse().ok()?;
    let whole: u32 = whole.parse().ok()?;
    whole.checked_mul(100)?.checked_add(part * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_limits() {
        let both = |n| Rlimit { soft: n, hard: n };
        for (resource, text, limit) in [
            (Resource::Nofile, "4:5", Rlimit { soft: 4, hard: 5 }),
            (Resource::Nofile, "infinity", both(u64::MAX)),
            (Resource::Cpu, "1234ms", both(2)),
            (Resource::Nice, "+19", both(1)),
            (Resource::Nice, "-20", both(40)),
            (Resource::Nice, "40", both(40)),
            (Resource::Rttime, "500ms", both(500_000)),
            (Resource::Memlock, "64K", both(65536)),
        ] {
            assert_eq!(parse_rlimit(resource, text), Ok(limit), "{text}");
        }
        for text in ["", "5:4:3", "10:5", "abc", "-1"] {
            assert!(parse_rlimit(Resource::Nofile, text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_percentages() {
        assert_eq!(parse_permyriad("12.5%"), Some(1250));
        assert_eq!(parse_permyriad("50%"), Some(5000));
        assert_eq!(parse_permyriad("1.234%"), None);
        assert_eq!(parse_permyriad("50"), None);
    }
}
