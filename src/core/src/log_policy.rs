//! What becomes of a line that a service prints: its level, and whether it is kept at all
//! (`SyslogLevel=`, `SyslogLevelPrefix=`, `LogLevelMax=`, `LogRateLimit…=`; systemd.exec(5)).
use serde::{Deserialize, Serialize};

/// Level info of syslog(3): what a line is of that says nothing, in a unit that says nothing.
pub const INFO: u8 = 6;
/// Level warning of syslog(3).
pub const WARNING: u8 = 4;
/// Facility daemon of syslog(3).
pub const DAEMON: u8 = 3;
/// What holds when a unit gives only one half of a limit: those of journald.conf(5).
const INTERVAL_US: u64 = 30_000_000;
const BURST: u64 = 10_000;

/// What a unit says of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPolicy {
    /// `SyslogLevel=`: 0 (emerg) to 7 (debug).
    pub level: u8,
    /// `SyslogFacility=`, not shifted.
    pub facility: u8,
    /// `SyslogLevelPrefix=`: `<3>` before a line is its level, not a part of it.
    pub level_prefix: bool,
    /// `LogLevelMax=`: lines of a greater number are not kept.
    pub level_max: Option<u8>,
    /// `LogRateLimitIntervalSec=` and `LogRateLimitBurst=`; none: every line is kept.
    pub limit: Option<RateLimit>,
    /// `LogExtraFields=`: `NAME=value`, for the journal.
    pub fields: Vec<String>,
    /// The journal that lines go to, too.
    pub journal: Option<JournalCopy>,
}

/// Lines go to the journal of the host, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalCopy {
    /// Its native socket, absolute.
    pub socket: String,
    /// Only where there is one.
    pub optional: bool,
}

/// The journal of the host (systemd-journald.service(8)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    /// Its native socket, absolute.
    pub socket: String,
    /// Also lines of units that say nothing of it go there.
    pub by_default: bool,
}

impl Default for LogPolicy {
    fn default() -> LogPolicy {
        LogPolicy {
            level: INFO,
            facility: DAEMON,
            level_prefix: true,
            level_max: None,
            limit: None,
            fields: Vec::new(),
            journal: None,
        }
    }
}

impl LogPolicy {
    /// The level of a line, and its text without what told the level.
    pub fn level_of<'a>(&self, line: &'a [u8]) -> (u8, &'a [u8]) {
        let prefixed = match self.level_prefix {
            true => level_prefix(line),
            false => None,
        };
        prefixed.unwrap_or((self.level, line))
    }

    /// Whether lines of that level are kept.
    pub fn keeps(&self, level: u8) -> bool {
        self.level_max.is_none_or(|max| level <= max)
    }
}

/// `<3>`, `<03>` or `<003>` before a line (sd-daemon(3)).
fn level_prefix(line: &[u8]) -> Option<(u8, &[u8])> {
    let rest = line.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let (last, zeros) = rest[..end].split_last()?;
    let level = matches!(last, b'0'..=b'7') && zeros.iter().all(|byte| *byte == b'0');
    level.then(|| (last - b'0', &rest[end + 1..]))
}

/// So many lines in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// µs
    pub interval_us: u64,
    /// Lines of one [`class`] in an interval.
    pub burst: u64,
}

impl RateLimit {
    /// Of `LogRateLimitIntervalSec=` (µs) and `LogRateLimitBurst=`, where 0 says nothing.
    pub fn of(interval_us: u64, burst: u64) -> Option<RateLimit> {
        let or = |value, default| if value == 0 { default } else { value };
        (interval_us > 0 || burst > 0).then(|| RateLimit {
            interval_us: or(interval_us, INTERVAL_US),
            burst: or(burst, BURST),
        })
    }
}

/// Counts lines against a limit. Levels are counted in five classes, as journald counts them, so that a
/// flood of debug lines takes no error away.
#[derive(Debug)]
pub struct RateLimiter {
    limit: RateLimit,
    classes: [Class; 5],
}

#[derive(Debug, Clone, Copy, Default)]
struct Class {
    /// µs, when the interval began; `None`: none has.
    begin_us: Option<u64>,
    kept: u64,
    suppressed: u64,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept; so many were not in the interval that has ended.
    Keep {
        /// Lines
        suppressed: u64,
    },
    /// It is suppressed.
    Suppress,
}

/// Levels that are counted together.
const fn class(level: u8) -> usize {
    match level {
        0..=2 => 0,
        3 => 1,
        4 => 2,
        5 | 6 => 3,
        _ => 4,
    }
}

impl RateLimiter {
    /// Nothing is counted yet.
    pub fn new(limit: RateLimit) -> RateLimiter {
        RateLimiter {
            limit,
            classes: [Class::default(); 5],
        }
    }

    /// A line of `level`, at `now_us` of a clock that never goes back.
    pub fn admit(&mut self, now_us: u64, level: u8) -> Verdict {
        let class = &mut self.classes[class(level)];
        let over = class
            .begin_us
            .is_none_or(|begin| begin.saturating_add(self.limit.interval_us) <= now_us);
        if over {
            let suppressed = class.suppressed;
            *class = Class {
                begin_us: Some(now_us),
                kept: 1,
                suppressed: 0,
            };
            return Verdict::Keep { suppressed };
        }
        if class.kept < self.limit.burst {
            class.kept += 1;
            return Verdict::Keep { suppressed: 0 };
        }
        class.suppressed += 1;
        Verdict::Suppress
    }

    /// What was suppressed and not told yet; from now on it counts as told.
    pub fn take_suppressed(&mut self) -> u64 {
        let classes = self.classes.iter_mut();
        classes
            .map(|class| std::mem::take(&mut class.suppressed))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `syslog_parse_priority()` of systemd reads it, for a stream.
    #[test]
    fn a_prefix_tells_the_level() {
        let policy = LogPolicy::default();
        for (line, level, text) in [
            ("<3>no disk", 3, "no disk"),
            ("<0>", 0, ""),
            ("<07>x", 7, "x"),
            ("<005>x", 5, "x"),
            ("<8>x", INFO, "<8>x"),
            ("<13>x", INFO, "<13>x"),
            ("<0003>x", INFO, "<0003>x"),
            ("<>x", INFO, "<>x"),
            ("<3", INFO, "<3"),
            (" <3>x", INFO, " <3>x"),
            ("<a>x", INFO, "<a>x"),
            ("", INFO, ""),
        ] {
            assert_eq!(
                policy.level_of(line.as_bytes()),
                (level, text.as_bytes()),
                "{line}"
            );
        }
        let plain = LogPolicy {
            level: 4,
            level_prefix: false,
            level_max: Some(3),
            ..LogPolicy::default()
        };
        assert_eq!(plain.level_of(b"<3>x"), (4, &b"<3>x"[..]));
        assert_eq!([plain.keeps(3), plain.keeps(4)], [true, false]);
    }

    #[test]
    fn one_half_of_a_limit_brings_the_other_of_journald() {
        let limit = |interval_us, burst| Some(RateLimit { interval_us, burst });
        assert_eq!(RateLimit::of(0, 0), None);
        assert_eq!(RateLimit::of(5, 0), limit(5, BURST));
        assert_eq!(RateLimit::of(0, 5), limit(INTERVAL_US, 5));
        assert_eq!(RateLimit::of(4, 5), limit(4, 5));
    }

    #[test]
    fn what_is_too_much_is_counted_and_told_with_the_next_line() {
        let keep = |suppressed| Verdict::Keep { suppressed };
        let mut limiter = RateLimiter::new(RateLimit {
            interval_us: 10,
            burst: 2,
        });
        assert_eq!(limiter.admit(100, 6), keep(0));
        // Notice and info are one class, errors another.
        assert_eq!(limiter.admit(101, 5), keep(0));
        assert_eq!(limiter.admit(102, 6), Verdict::Suppress);
        assert_eq!(limiter.admit(109, 6), Verdict::Suppress);
        assert_eq!(limiter.admit(109, 3), keep(0));
        assert_eq!(limiter.admit(110, 6), keep(2));
        assert_eq!(limiter.admit(111, 6), keep(0));
        assert_eq!(limiter.admit(112, 6), Verdict::Suppress);
        assert_eq!(limiter.take_suppressed(), 1);
        assert_eq!(limiter.admit(200, 6), keep(0));
    }
}
