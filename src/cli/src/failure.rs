//! What went wrong, what the program exits with, and what to do about it.
use gitproc_rpc::{CallError, ConnectError, ErrorKind, RpcError};
use gitproc_unit::Diagnostic;
use std::error::Error;
use std::fmt;

/// Something did not work; the reason is on stderr.
pub const FAILED: u8 = 1;
/// The command line makes no sense.
pub const USAGE: u8 = 2;
/// A unit is not active (as `systemctl status`).
pub const NOT_ACTIVE: u8 = 3;
/// No unit has this name.
pub const NO_SUCH_UNIT: u8 = 4;
/// The daemon can't be reached.
pub const UNREACHABLE: u8 = 5;
/// This user may not do this.
pub const NOT_PERMITTED: u8 = 6;

/// Prints as findings, then `gitproc: message`, then the hint.
#[derive(Debug)]
pub struct Failure {
    pub exit: u8,
    pub message: String,
    pub hint: Option<String>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Failure {
    pub fn new(exit: u8, message: impl Into<String>) -> Failure {
        Failure {
            exit,
            message: message.into(),
            hint: None,
            diagnostics: Vec::new(),
        }
    }

    /// With its causes: `what: why: why that`.
    pub fn caused(what: impl fmt::Display, error: &dyn Error) -> Failure {
        Failure::new(FAILED, format!("{what}: {}", chain(error)))
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

/// An error and its causes on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        // Some libraries repeat the cause in their own words already.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            writeln!(f, "{diagnostic}")?;
        }
        writeln!(f, "gitproc: {}", self.message)?;
        match &self.hint {
            Some(hint) => writeln!(f, "  next: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Failure {
        let exit = match error {
            ConnectError::NotPermitted(_) => NOT_PERMITTED,
            ConnectError::NoSocket(_)
            | ConnectError::NobodyListens(_)
            | ConnectError::Other { .. } => UNREACHABLE,
        };
        Failure::new(exit, chain(&error))
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Failure {
        let exit = match error {
            CallError::Rpc(error) => return error.into(),
            CallError::TimedOut | CallError::Closed | CallError::Io { .. } => UNREACHABLE,
            CallError::Encode(_)
            | CallError::BadReply(_)
            | CallError::Oversized(_)
            | CallError::BadResult { .. } => FAILED,
        };
        Failure::new(exit, chain(&error))
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Failure {
        Failure {
            exit: error.kind().map_or(FAILED, ErrorKind::exit_code),
            hint: error.hint().map(str::to_owned),
            diagnostics: error.diagnostics().to_vec(),
            message: error.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_follow_the_kind_of_error() {
        let exit = |kind| Failure::from(RpcError::new(kind, "x")).exit;
        assert_eq!(exit(ErrorKind::NoSuchUnit), NO_SUCH_UNIT);
        assert_eq!(exit(ErrorKind::NotPermitted), NOT_PERMITTED);
        assert_eq!(exit(ErrorKind::NotActive), NOT_ACTIVE);
        assert_eq!(exit(ErrorKind::Git), FAILED);
        assert_eq!(Failure::from(CallError::Closed).exit, UNREACHABLE);
        assert_eq!(
            Failure::from(ConnectError::NoSocket("/x".into())).exit,
            UNREACHABLE
        );
        assert_eq!(
            Failure::from(ConnectError::NotPermitted("/x".into())).exit,
            NOT_PERMITTED
        );
    }

    #[test]
    fn a_failure_says_what_and_what_next() {
        let failure = Failure::new(FAILED, "no unit 'x'").with_hint("gitproc list");
        assert_eq!(
            failure.to_string(),
            "gitproc: no unit 'x'\n  next: gitproc list\n"
        );
    }
}
