//! How the kernel schedules a process: nice level, CPU and IO policies, memory policy, and whom
//! the out-of-memory killer takes first.
use super::integer::{signed, unsigned};
use super::{ValueError, choice, word_for};

/// CPU policies by the kernel's numbers (sched(7)).
const CPU_POLICIES: [(&str, i32); 5] = [
    ("other", 0),
    ("fifo", 1),
    ("rr", 2),
    ("batch", 3),
    ("idle", 5),
];
/// IO classes by the kernel's numbers (ioprio_set(2)).
const IO_CLASSES: [(&str, i32); 4] = [
    ("none", 0),
    ("realtime", 1),
    ("best-effort", 2),
    ("idle", 3),
];
/// Greatest number of an IO class that is let through by number.
const IO_CLASS_MAX: u64 = 8;
/// Memory policies by the kernel's numbers (set_mempolicy(2)).
const NUMA_POLICIES: [(&str, i32); 5] = [
    ("default", 0),
    ("preferred", 1),
    ("bind", 2),
    ("interleave", 3),
    ("local", 4),
];

/// A nice level: -20 to 19.
pub fn parse_nice(text: &str) -> Result<i32, ValueError> {
    bounded(text, -20, 19, "nice level (-20 to 19)")
}

/// `OOMScoreAdjust=`: -1000 (never) to 1000 (first).
pub fn parse_oom_score_adjust(text: &str) -> Result<i32, ValueError> {
    bounded(text, -1000, 1000, "OOM score adjustment (-1000 to 1000)")
}

/// `CPUSchedulingPriority=`: 0 to 99; what of it counts depends on the policy.
pub fn parse_cpu_priority(text: &str) -> Result<i32, ValueError> {
    bounded(text, 0, 99, "CPU scheduling priority (0 to 99)")
}

/// A CPU policy, by name or number, as the kernel's number.
pub fn parse_cpu_policy(text: &str) -> Result<i32, ValueError> {
    let wanted = "CPU scheduling policy (other, batch, idle, fifo, rr)";
    if let Some(policy) = choice(&CPU_POLICIES, text) {
        return Ok(policy);
    }
    let max = u64::from(i32::MAX.unsigned_abs());
    let number = unsigned(text, max).map_err(|err| err.say(text, wanted))?;
    i32::try_from(number).map_err(|_| ValueError::not(text, wanted))
}

/// The priority nearest to `priority` that `policy` has: fifo and rr have 1 to 99, others only 0.
pub fn fit_cpu_priority(policy: i32, priority: i32) -> i32 {
    match policy {
        1 | 2 => priority.clamp(1, 99),
        _ => 0,
    }
}

/// IO class and priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IoScheduling {
    /// The kernel's number.
    pub class: i32,
    /// 0 (first) to 7.
    pub priority: i32,
}

/// What `none` means: in the middle of best-effort.
impl Default for IoScheduling {
    fn default() -> IoScheduling {
        IoScheduling {
            class: 2,
            priority: 4,
        }
    }
}

/// `IOSchedulingClass=`. No class means the default class and priority.
pub fn apply_io_class(io: &mut IoScheduling, text: &str) -> Result<(), ValueError> {
    let wanted = "IO scheduling class (none, realtime, best-effort, idle)";
    let class = match choice(&IO_CLASSES, text) {
        Some(class) => class,
        None if text.is_empty() => 0,
        None => {
            let number = unsigned(text, IO_CLASS_MAX).map_err(|err| err.say(text, wanted))?;
            i32::try_from(number).map_err(|_| ValueError::not(text, wanted))?
        }
    };
    *io = match class {
        0 => IoScheduling::default(),
        class => IoScheduling { class, ..*io },
    };
    Ok(())
}

/// `IOSchedulingPriority=`. An empty value takes back the class as well.
pub fn apply_io_priority(io: &mut IoScheduling, text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        *io = IoScheduling::default();
        return Ok(());
    }
    io.priority = bounded(text, 0, 7, "IO scheduling priority (0 to 7)")?;
    Ok(())
}

/// `NUMAPolicy=` as the kernel's number; -1 when empty.
pub fn parse_numa_policy(text: &str) -> Result<i32, ValueError> {
    if text.is_empty() {
        return Ok(-1);
    }
    let wanted = "NUMA policy (default, preferred, bind, interleave, local)";
    choice(&NUMA_POLICIES, text).ok_or_else(|| ValueError::not(text, wanted))
}

/// A CPU policy by name, or by number where it has none.
pub fn format_cpu_policy(policy: i32) -> String {
    word_for(&CPU_POLICIES, &policy).map_or_else(|| policy.to_string(), str::to_owned)
}

/// An IO class by name, or by number where it has none.
pub fn format_io_class(class: i32) -> String {
    word_for(&IO_CLASSES, &class).map_or_else(|| class.to_string(), str::to_owned)
}

/// A memory policy by name; empty for -1.
pub fn format_numa_policy(policy: i32) -> String {
    word_for(&NUMA_POLICIES, &policy).unwrap_or("").to_owned()
}

fn bounded(text: &str, min: i64, max: i64, wanted: &str) -> Result<i32, ValueError> {
    let number = signed(text, min, max).map_err(|err| err.say(text, wanted))?;
    i32::try_from(number).map_err(|_| ValueError::beyond(text, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_policies() {
        for (text, policy) in [("other", 0), ("rr", 2), ("idle", 5), ("7", 7)] {
            assert_eq!(parse_cpu_policy(text), Ok(policy), "{text}");
        }
        for text in ["", "RR", "-1", "2147483648"] {
            assert!(parse_cpu_policy(text).is_err(), "{text}");
        }
        for (text, policy) in [("", -1), ("default", 0), ("local", 4)] {
            assert_eq!(parse_numa_policy(text), Ok(policy), "{text}");
        }
        assert!(parse_numa_policy("2").is_err());
    }

    #[test]
    fn fits_the_priority_to_the_policy() {
        for (policy, priority, fitted) in [(0, 50, 0), (1, 0, 1), (2, 50, 50), (5, 1, 0)] {
            assert_eq!(fit_cpu_priority(policy, priority), fitted);
        }
    }

    #[test]
    fn io_class_and_priority_meet() {
        let fold = |lines: &[(&str, &str)]| {
            let mut io = IoScheduling::default();
            for (key, text) in lines {
                let applied = match *key {
                    "class" => apply_io_class(&mut io, text),
                    _ => apply_io_priority(&mut io, text),
                };
                assert_eq!(applied, Ok(()), "{text}");
            }
            (io.class, io.priority)
        };
        assert_eq!(fold(&[("class", "idle")]), (3, 4));
        assert_eq!(fold(&[("priority", "7")]), (2, 7));
        assert_eq!(fold(&[("priority", "7"), ("class", "realtime")]), (1, 7));
        assert_eq!(fold(&[("priority", "7"), ("class", "none")]), (2, 4));
        assert_eq!(fold(&[("class", "1"), ("priority", "")]), (2, 4));
        assert!(apply_io_priority(&mut IoScheduling::default(), "8").is_err());
        assert!(apply_io_class(&mut IoScheduling::default(), "best").is_err());
    }

    #[test]
    fn numbers_have_bounds() {
        for text in ["-1001", "1001", "x", ""] {
            assert!(parse_oom_score_adjust(text).is_err(), "{text}");
        }
        assert_eq!(parse_oom_score_adjust("-1000"), Ok(-1000));
        assert_eq!(parse_cpu_priority("99"), Ok(99));
        assert!(parse_cpu_priority("100").is_err());
    }
}
