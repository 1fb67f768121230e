//! Signal names of Linux (x86, ARM, RISC-V, s390x numbering).
use super::ValueError;
use super::integer::{NumberError, signed};

/// Names by number, from 1.
const NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];
/// First and last real-time signal as glibc counts them.
const REALTIME: std::ops::RangeInclusive<i32> = 34..=64;

/// `TERM`, `SIGTERM`, `15`, `RTMIN+3`, `RTMAX-1`.
pub fn parse_signal(text: &str) -> Result<i32, ValueError> {
    signal(text).map_err(|err| err.say(text, "signal (such as SIGTERM, or 1 to 64)"))
}

fn signal(text: &str) -> Result<i32, NumberError> {
    match signed(text, 1, i64::from(*REALTIME.end())) {
        Ok(number) => return i32::try_from(number).map_err(|_| NumberError::Range),
        Err(NumberError::Range) => return Err(NumberError::Range),
        Err(NumberError::Form) => {}
    }
    let name = text.strip_prefix("SIG").unwrap_or(text);
    if let Some(at) = NAMES.iter().position(|known| &known[3..] == name) {
        return i32::try_from(at + 1).map_err(|_| NumberError::Range);
    }
    let (base, sign, offset) = if let Some(offset) = name.strip_prefix("RTMIN") {
        (*REALTIME.start(), '+', offset)
    } else if let Some(offset) = name.strip_prefix("RTMAX") {
        (*REALTIME.end(), '-', offset)
    } else {
        return Err(NumberError::Form);
    };
    if offset.is_empty() {
        return Ok(base);
    }
    if !offset.starts_with(sign) {
        return Err(NumberError::Form);
    }
    let span = i64::from(REALTIME.end() - REALTIME.start());
    let offset = signed(offset, -span, span)?;
    let number = i32::try_from(offset).map(|offset| base + offset);
    number.map_err(|_| NumberError::Range)
}

/// `TERM` of 15, `RTMIN+3` of 37: the shortest text that means the signal.
pub fn format_signal(number: i32) -> String {
    match signal_name(number) {
        Some(name) => name[3..].to_owned(),
        None if REALTIME.contains(&number) => format!("RTMIN+{}", number - REALTIME.start()),
        None => number.to_string(),
    }
}

/// `SIGTERM` of 15; real-time signals have none that is fixed.
pub fn signal_name(number: i32) -> Option<&'static str> {
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    NAMES.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for number in 1..=64 {
            let name = format_signal(number);
            assert_eq!(parse_signal(&name), Ok(number));
        }
        for number in 1..=31 {
            assert_eq!(
                parse_signal(signal_name(number).expect("named")),
                Ok(number)
            );
        }
    }

    #[test]
    fn reads_realtime_signals() {
        assert_eq!(parse_signal("RTMIN+3"), Ok(37));
        assert_eq!(parse_signal("RTMIN+0x3"), Ok(37));
        assert_eq!(parse_signal("SIGRTMAX-0"), Ok(64));
        assert_eq!(parse_signal("RTMAX-30"), Ok(34));
        for bad in [
            "", "0", "65", "-1", "TERMX", "SIG", "sigterm", "RTMIN+31", "RTMIN3",
        ] {
            assert!(parse_signal(bad).is_err(), "{bad}");
        }
    }
}
