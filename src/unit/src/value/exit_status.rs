//! Exit statuses: numbers, and the names that some of them have.
use super::integer::unsigned;
use super::list::{Split, each_word};
use super::{ValueError, format_signal, parse_signal, signal_name};
use crate::model::ExitStatusSet;

/// Exit statuses that have a name: the C library's, systemd's, LSB's and BSD's.
const EXIT_STATUSES: &[(&str, u8)] = &[
    ("SUCCESS", 0),
    ("FAILURE", 1),
    ("INVALIDARGUMENT", 2),
    ("NOTIMPLEMENTED", 3),
    ("NOPERMISSION", 4),
    ("NOTINSTALLED", 5),
    ("NOTCONFIGURED", 6),
    ("NOTRUNNING", 7),
    ("USAGE", 64),
    ("DATAERR", 65),
    ("NOINPUT", 66),
    ("NOUSER", 67),
    ("NOHOST", 68),
    ("UNAVAILABLE", 69),
    ("SOFTWARE", 70),
    ("OSERR", 71),
    ("OSFILE", 72),
    ("CANTCREAT", 73),
    ("IOERR", 74),
    ("TEMPFAIL", 75),
    ("PROTOCOL", 76),
    ("NOPERM", 77),
    ("CONFIG", 78),
    ("CHDIR", 200),
    ("NICE", 201),
    ("FDS", 202),
    ("EXEC", 203),
    ("MEMORY", 204),
    ("LIMITS", 205),
    ("OOM_ADJUST", 206),
    ("SIGNAL_MASK", 207),
    ("STDIN", 208),
    ("STDOUT", 209),
    ("CHROOT", 210),
    ("IOPRIO", 211),
    ("TIMERSLACK", 212),
    ("SECUREBITS", 213),
    ("SETSCHEDULER", 214),
    ("CPUAFFINITY", 215),
    ("GROUP", 216),
    ("USER", 217),
    ("CAPABILITIES", 218),
    ("CGROUP", 219),
    ("SETSID", 220),
    ("CONFIRM", 221),
    ("STDERR", 222),
    ("PAM", 224),
    ("NETWORK", 225),
    ("NAMESPACE", 226),
    ("NO_NEW_PRIVILEGES", 227),
    ("SECCOMP", 228),
    ("SELINUX_CONTEXT", 229),
    ("PERSONALITY", 230),
    ("APPARMOR", 231),
    ("ADDRESS_FAMILIES", 232),
    ("RUNTIME_DIRECTORY", 233),
    ("CHOWN", 235),
    ("SMACK_PROCESS_LABEL", 236),
    ("KEYRING", 237),
    ("STATE_DIRECTORY", 238),
    ("CACHE_DIRECTORY", 239),
    ("LOGS_DIRECTORY", 240),
    ("CONFIGURATION_DIRECTORY", 241),
    ("NUMA_POLICY", 242),
    ("CREDENTIALS", 243),
    ("BPF", 244),
    ("EXCEPTION", 255),
];

/// A status by name (`TEMPFAIL` is 75) or by number, 0 to 255.
pub fn parse_exit_status(text: &str) -> Result<u8, ValueError> {
    if let Some(status) = exit_status_from_name(text) {
        return Ok(status);
    }
    let wanted = "exit status (0 to 255, or a name such as TEMPFAIL)";
    let status = unsigned(text, u64::from(u8::MAX)).map_err(|err| err.say(text, wanted))?;
    Ok(u8::try_from(status).unwrap_or(u8::MAX))
}

/// Applies one line of `SuccessExitStatus=` or its kin: statuses and signals; a number is a status.
/// An empty line resets. Words that are neither are left out, and named by the error.
pub fn apply_exit_statuses(set: &mut ExitStatusSet, text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        *set = ExitStatusSet::default();
    }
    each_word(text, Split::Plain, |word| {
        if let Ok(status) = parse_exit_status(word) {
            set.codes.insert(status);
        } else if let Ok(signal) = parse_signal(word) {
            set.signals.insert(signal);
        } else {
            let wanted = "exit status (0 to 255, or a name) or signal";
            return Err(ValueError::not(word, wanted));
        }
        Ok(())
    })
}

/// The set as one line of such a directive: statuses by number, then signals by name.
pub fn format_exit_statuses(set: &ExitStatusSet) -> String {
    let codes = set.codes.iter().map(u8::to_string);
    let signals = set.signals.iter().map(|&number| match signal_name(number) {
        Some(name) => name.to_owned(),
        None => format_signal(number),
    });
    codes.chain(signals).collect::<Vec<_>>().join(" ")
}

/// The number of a named exit status: `TEMPFAIL` is 75.
pub fn exit_status_from_name(name: &str) -> Option<u8> {
    let found = EXIT_STATUSES.iter().find(|(known, _)| *known == name);
    found.map(|&(_, status)| status)
}

/// The name of an exit status, if it has one.
pub fn exit_status_name(status: u8) -> Option<&'static str> {
    let found = EXIT_STATUSES.iter().find(|&&(_, known)| known == status);
    found.map(|&(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for &(name, status) in EXIT_STATUSES {
            assert_eq!(parse_exit_status(name), Ok(status));
            assert_eq!(exit_status_name(status), Some(name));
        }
        assert_eq!(parse_exit_status("0x4b"), Ok(75));
        let mut set = ExitStatusSet::default();
        let outcome = apply_exit_statuses(&mut set, "TEMPFAIL 15 SIGKILL nope HUP");
        assert!(outcome.is_err_and(|err| err.0.contains("'nope'")));
        assert_eq!(set.codes.into_iter().collect::<Vec<u8>>(), [15, 75]);
        assert_eq!(set.signals.into_iter().collect::<Vec<i32>>(), [1, 9]);
        for text in ["", "-1", "256", "tempfail", "EX_TEMPFAIL"] {
            assert!(parse_exit_status(text).is_err(), "{text}");
        }
    }
}
