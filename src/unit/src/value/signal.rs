//! Signal names of Linux (x86, ARM, RISC-V, s390x numbering).

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

/// `TERM`, `SIGTERM`, `15`, `RTMIN+3`.
pub fn parse_signal(text: &str) -> Option<i32> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().filter(|n| (1..=64).contains(n));
    }
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let offset = |tail: &str, sign: char| match tail {
        "" => Some(0),
        tail => tail.strip_prefix(sign)?.parse::<u8>().ok().map(i32::from),
    };
    let realtime = if let Some(tail) = name.strip_prefix("RTMIN") {
        Some(REALTIME.start() + offset(tail, '+')?)
    } else if let Some(tail) = name.strip_prefix("RTMAX") {
        Some(REALTIME.end() - offset(tail, '-')?)
    } else {
        None
    };
    if let Some(number) = realtime {
        return REALTIME.contains(&number).then_some(number);
    }
    let at = NAMES.iter().position(|known| &known[3..] == name)?;
    i32::try_from(at + 1).ok()
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
        for number in 1..=31 {
            let name = signal_name(number).expect("named");
            assert_eq!(parse_signal(name), Some(number));
            assert_eq!(parse_signal(&name[3..]), Some(number));
        }
        assert_eq!(parse_signal("RTMIN+3"), Some(37));
        assert_eq!(parse_signal("SIGRTMAX"), Some(64));
        for bad in ["", "0", "65", "TERMX", "SIG", "RTMIN+40", "RTMIN3"] {
            assert_eq!(parse_signal(bad), None, "{bad}");
        }
    }
}
