//! What happens to a process whose system call is denied.
use crate::property::PropertyValue;
use crate::value::{ValueError, errno_name, parse_errno};

/// How systemd shows "kill" where a number of an error is expected.
const KILL_NUMBER: i64 = 2_147_483_646;

/// The fate of a denied call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyscallAction {
    /// The process is killed.
    #[default]
    Kill,
    /// The call fails with this error; 0 makes it succeed without doing anything.
    Errno(i32),
}

impl SyscallAction {
    /// `SystemCallErrorNumber=`: an error but 0, or `kill`, which is what an empty value means.
    pub fn parse(text: &str) -> Result<SyscallAction, ValueError> {
        match SyscallAction::of_call(if text.is_empty() { "kill" } else { text })? {
            SyscallAction::Errno(0) => Err(ValueError::not(text, "error to fail with")),
            action @ (SyscallAction::Kill | SyscallAction::Errno(_)) => Ok(action),
        }
    }

    /// What stands behind the colon of `name:error`.
    pub(super) fn of_call(text: &str) -> Result<SyscallAction, ValueError> {
        match text {
            "kill" => Ok(SyscallAction::Kill),
            error => parse_errno(error).map(SyscallAction::Errno),
        }
    }

    /// What the value of `SystemCallErrorNumber` stands for.
    pub fn of_property(value: &PropertyValue) -> SyscallAction {
        match value {
            PropertyValue::Signed(number) if *number != KILL_NUMBER => {
                i32::try_from(*number).map_or(SyscallAction::Kill, SyscallAction::Errno)
            }
            _ => SyscallAction::Kill,
        }
    }

    /// The value of `SystemCallErrorNumber`.
    pub fn property(self) -> PropertyValue {
        PropertyValue::Signed(match self {
            SyscallAction::Kill => KILL_NUMBER,
            SyscallAction::Errno(number) => i64::from(number),
        })
    }
}

impl std::fmt::Display for SyscallAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            SyscallAction::Kill => f.write_str("kill"),
            SyscallAction::Errno(number) => match errno_name(number) {
                Some(name) => f.write_str(name),
                None => write!(f, "{number}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows_error_numbers() {
        let table = [
            ("", Some((2_147_483_646, "kill"))),
            ("kill", Some((2_147_483_646, "kill"))),
            ("EPERM", Some((1, "EPERM"))),
            ("1", Some((1, "EPERM"))),
            ("0x10", Some((16, "EBUSY"))),
            ("EWOULDBLOCK", Some((11, "EAGAIN"))),
            ("41", Some((41, "41"))),
            ("4095", Some((4095, "4095"))),
            ("0", None),
            ("4096", None),
            ("-1", None),
            ("Kill", None),
            ("eperm", Some((1, "EPERM"))),
        ];
        for (text, expected) in table {
            let action = SyscallAction::parse(text).ok();
            let expected =
                expected.map(|(number, shown)| (PropertyValue::Signed(number), shown.to_owned()));
            assert_eq!(
                action.map(|a| (a.property(), a.to_string())),
                expected,
                "{text:?}"
            );
        }
        assert_eq!(
            SyscallAction::default().property(),
            PropertyValue::Signed(2_147_483_646)
        );
    }
}
