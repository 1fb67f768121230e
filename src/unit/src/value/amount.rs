//! Limits on memory, tasks and CPU time: amounts that may be a share of what the host has.
use super::integer::unsigned;
use super::{ValueError, format_permyriad, parse_permyriad, parse_permyriad_unbounded, parse_size};

/// 100%, in hundredths of a per cent.
const WHOLE: u64 = 10_000;
/// µs.
const SECOND: u64 = 1_000_000;
/// Shortest period that the kernel accounts CPU time in, in µs.
const CPU_PERIOD_MIN_US: u64 = 1_000;
/// Longest period, in µs.
const CPU_PERIOD_MAX_US: u64 = SECOND;

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Bytes, or tasks.
    Fixed(u64),
    /// Hundredths of a per cent of what the host has.
    Share(u32),
    /// No limit.
    Infinity,
}

impl Amount {
    /// The number where the host has `whole`, a share of it counted in units of `grain` (the
    /// size of a page for memory, else 1) and rounded down; `u64::MAX` is infinity.
    pub fn of(self, whole: u64, grain: u64) -> u64 {
        match self {
            Amount::Fixed(number) => number,
            Amount::Share(share) => {
                let grain = u128::from(grain.max(1));
                let grains = u128::from(whole) / grain * u128::from(share) / u128::from(WHOLE);
                u64::try_from(grains * grain).unwrap_or(u64::MAX)
            }
            Amount::Infinity => u64::MAX,
        }
    }
}

/// What nothing at all means for a memory directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryZero {
    /// `MemoryMin=`, `MemoryLow=` and their defaults: protect nothing; the empty value says the
    /// same.
    Protection,
    /// `MemorySwapMax=`: allow none; the empty value is no limit.
    Limit,
    /// `MemoryHigh=`, `MemoryMax=`, `MemoryLimit=`: can't be meant; the empty value is no limit.
    Refused,
}

impl MemoryZero {
    /// For the directive of this name.
    pub fn of(key: &str) -> MemoryZero {
        match key {
            "MemoryMin" | "MemoryLow" | "DefaultMemoryMin" | "DefaultMemoryLow" => {
                MemoryZero::Protection
            }
            "MemorySwapMax" => MemoryZero::Limit,
            _ => MemoryZero::Refused,
        }
    }
}

/// Bytes, a share of the host's memory, or `infinity`.
pub fn parse_memory(text: &str, zero: MemoryZero) -> Result<Amount, ValueError> {
    match (text, zero) {
        ("", MemoryZero::Protection) => return Ok(Amount::Fixed(0)),
        ("" | "infinity", _) => return Ok(Amount::Infinity),
        (_, _) => {}
    }
    let wanted = "amount of memory (such as 512M, 50%, infinity)";
    // What is no share is a size: `107%` is neither.
    let amount = match (parse_permyriad(text), parse_size(text)) {
        (Ok(share), _) => Amount::Share(share),
        (Err(_), Ok(u64::MAX)) => return Err(ValueError::beyond(text, wanted)),
        (Err(_), Ok(bytes)) => Amount::Fixed(bytes),
        (Err(_), Err(_)) => return Err(ValueError::not(text, wanted)),
    };
    match (amount, zero) {
        (Amount::Fixed(0) | Amount::Share(0), MemoryZero::Refused) => Err(ValueError(
            "no memory at all can't be meant; leave the value empty for no limit".into(),
        )),
        (amount, _) => Ok(amount),
    }
}

/// `ManagedOOMMemoryPressureLimit=`: a share, as a part of `u32::MAX`; 0 when empty.
pub fn parse_pressure_limit(text: &str) -> Result<u32, ValueError> {
    if text.is_empty() {
        return Ok(0);
    }
    let share = u64::from(parse_permyriad(text)?);
    let scaled = (share * u64::from(u32::MAX) + WHOLE / 2) / WHOLE;
    Ok(u32::try_from(scaled).unwrap_or(u32::MAX))
}

/// The share of which such a limit was made.
pub fn format_pressure_limit(limit: u64) -> String {
    let all = u64::from(u32::MAX);
    format_permyriad((limit * WHOLE + all / 2) / all)
}

/// What protects a unit's memory (`MemoryLow=`, `MemoryMin=`): its own amount if it has one, else
/// the default of the nearest slice above that has one, else nothing. Bytes.
pub fn protected_memory(own: Option<u64>, slices: impl IntoIterator<Item = Option<u64>>) -> u64 {
    own.or_else(|| slices.into_iter().flatten().next())
        .unwrap_or(0)
}

/// `TasksMax=`: a number above 0, a share of what the host allows, or `infinity`. `None`: empty,
/// which asks for the host's default.
pub fn parse_tasks_max(text: &str) -> Result<Option<Amount>, ValueError> {
    let amount = match text {
        "" => return Ok(None),
        "infinity" => Amount::Infinity,
        text => match parse_permyriad(text) {
            Ok(share) => Amount::Share(share),
            Err(_) => {
                let wanted = "number of tasks (1 or more, a percentage, or infinity)";
                let count = unsigned(text, u64::MAX - 1).map_err(|err| err.say(text, wanted))?;
                if count == 0 {
                    return Err(ValueError::beyond(text, wanted));
                }
                Amount::Fixed(count)
            }
        },
    };
    Ok(Some(amount))
}

/// `CPUQuota=`: µs of CPU per second of wall time, above 0; `u64::MAX` when empty: no quota.
pub fn parse_cpu_quota(text: &str) -> Result<u64, ValueError> {
    if text.is_empty() {
        return Ok(u64::MAX);
    }
    match parse_permyriad_unbounded(text) {
        Ok(0) => Err(ValueError::beyond(text, "CPU quota (above 0%)")),
        Ok(share) => Ok(u64::from(share) * SECOND / WHOLE),
        Err(_) => Err(ValueError::not(text, "CPU quota (such as 50%, 250%)")),
    }
}

/// The period, in µs, in which a quota (µs per second, not 0) is accounted when `period_us` is
/// asked for: long enough that the quota within it is no less than the kernel counts in.
pub fn fit_cpu_period(period_us: u64, quota_us: u64) -> u64 {
    let shortest = CPU_PERIOD_MIN_US * SECOND / quota_us.max(1);
    period_us
        .max(CPU_PERIOD_MIN_US)
        .max(shortest)
        .min(CPU_PERIOD_MAX_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_memory() {
        use Amount::{Fixed, Infinity, Share};
        for (key, text, amount) in [
            ("MemoryMax", "512M", Fixed(512 << 20)),
            ("MemoryMax", "12.5%", Share(1250)),
            ("MemoryMax", "", Infinity),
            ("MemoryMin", "", Fixed(0)),
            ("MemoryMin", "0%", Share(0)),
            ("MemoryLow", "infinity", Infinity),
            ("MemorySwapMax", "0", Fixed(0)),
            ("MemorySwapMax", "", Infinity),
        ] {
            let got = parse_memory(text, MemoryZero::of(key));
            assert_eq!(got, Ok(amount), "{key}={text}");
        }
        for (key, text) in [
            ("MemoryMax", "0"),
            ("MemoryHigh", "0%"),
            ("MemoryMax", "107%"),
            ("MemoryMax", "-1"),
            ("MemoryMin", "x"),
        ] {
            let got = parse_memory(text, MemoryZero::of(key));
            assert!(got.is_err(), "{key}={text}");
        }
        assert_eq!(Share(5000).of(10_007, 1), 5_003);
        assert_eq!(Share(5000).of(10 * 4096, 4096), 5 * 4096);
        assert_eq!(Share(3333).of(10 * 4096, 4096), 3 * 4096);
    }

    #[test]
    fn reads_tasks() {
        for (text, amount) in [
            ("", None),
            ("10", Some(Amount::Fixed(10))),
            ("0x10", Some(Amount::Fixed(16))),
            ("0%", Some(Amount::Share(0))),
            ("infinity", Some(Amount::Infinity)),
        ] {
            assert_eq!(parse_tasks_max(text), Ok(amount), "{text}");
        }
        for text in ["0", "-1", "1K", "101%", "18446744073709551615"] {
            assert!(parse_tasks_max(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pressure_is_a_part_of_all() {
        for (text, limit) in [
            ("", 0),
            ("100%", u32::MAX),
            ("50%", 2_147_483_648),
            ("0%", 0),
        ] {
            assert_eq!(parse_pressure_limit(text), Ok(limit), "{text}");
        }
    }

    #[test]
    fn reads_quotas() {
        for (text, us) in [
            ("50%", 500_000),
            ("250%", 2_500_000),
            ("0.01%", 100),
            ("", u64::MAX),
        ] {
            assert_eq!(parse_cpu_quota(text), Ok(us), "{text}");
        }
        for text in ["0%", "50", "-1%", "infinity"] {
            assert!(parse_cpu_quota(text).is_err(), "{text}");
        }
    }
}
