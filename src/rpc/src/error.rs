//! Error objects: one table of codes, from which daemon, CLI and `docs/rpc.md` are driven.
use gitproc_unit::Diagnostic;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::fmt;

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal, $exit:literal;)*) => {
        /// What went wrong, as a stable code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind {
            $($(#[$doc])* $kind,)*
        }

        impl ErrorKind {
            /// Every kind, in the order of `docs/rpc.md`.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$kind),*];

            /// `code` of the error object.
            pub const fn code(self) -> i32 {
                match self { $(ErrorKind::$kind => $code),* }
            }

            /// `data.kind` of the error object.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorKind::$kind => $name),* }
            }

            /// What the `gitproc` program exits with.
            pub const fn exit_code(self) -> u8 {
                match self { $(ErrorKind::$kind => $exit),* }
            }
        }
    };
}

error_kinds! {
    /// The line is no JSON (or too long).
    Parse = -32700, "parse-error", 1;
    /// JSON, but no request.
    InvalidRequest = -32600, "invalid-request", 1;
    /// No such method.
    MethodNotFound = -32601, "method-not-found", 1;
    /// The parameters don't fit the method.
    InvalidParams = -32602, "invalid-params", 2;
    /// A fault of the daemon.
    Internal = -32603, "internal-error", 1;
    /// The peer's user may not do this.
    NotPermitted = 101, "not-permitted", 6;
    /// No unit has this name.
    NoSuchUnit = 102, "no-such-unit", 4;
    /// The unit would have to be active for this.
    NotActive = 103, "not-active", 3;
    /// The text names no commit and no generation.
    NoSuchRevision = 104, "no-such-revision", 1;
    /// The commit has errors; `data.diagnostics` lists them.
    CommitRefused = 105, "commit-refused", 1;
    /// Another apply is under way.
    Busy = 106, "busy", 1;
    /// A newer commit or request took this one's place.
    Superseded = 107, "superseded", 1;
    /// A job ended otherwise than asked.
    JobFailed = 108, "job-failed", 1;
    /// The daemon is about to end.
    ShuttingDown = 109, "shutting-down", 5;
    /// The store could not be read or written.
    Git = 110, "git", 1;
    /// Something did not happen within its deadline.
    TimedOut = 111, "timed-out", 1;
}

impl ErrorKind {
    /// The kind of a code; `None` for codes of a newer daemon.
    pub fn of_code(code: i32) -> Option<ErrorKind> {
        ErrorKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.code() == code)
    }
}

/// `error` of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct RpcError {
    /// See [`ErrorKind::code`].
    pub code: i32,
    /// What is wrong, for people: lower case, no full stop.
    pub message: String,
    /// More, where there is more.
    #[serde(
        default,
        deserialize_with = "data_or_nothing",
        skip_serializing_if = "Option::is_none"
    )]
    pub data: Option<Box<ErrorData>>,
}

/// `data` of an error object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorData {
    /// [`ErrorKind::name`]
    #[serde(default)]
    pub kind: String,
    /// What to do next: a sentence, or a command to type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Findings with file and line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl RpcError {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> RpcError {
        RpcError {
            code: kind.code(),
            message: message.into(),
            data: Some(Box::new(ErrorData {
                kind: kind.name().to_owned(),
                ..ErrorData::default()
            })),
        }
    }

    /// With what to do next.
    pub fn with_hint(mut self, hint: impl Into<String>) -> RpcError {
        self.data.get_or_insert_default().hint = Some(hint.into());
        self
    }

    /// With findings.
    pub fn with_diagnostics(mut self, diagnostics: Vec<Diagnostic>) -> RpcError {
        self.data.get_or_insert_default().diagnostics = diagnostics;
        self
    }

    /// Its kind; `None` for codes that this version does not know.
    pub fn kind(&self) -> Option<ErrorKind> {
        ErrorKind::of_code(self.code)
    }

    /// What to do next.
    pub fn hint(&self) -> Option<&str> {
        self.data.as_ref()?.hint.as_deref()
    }

    /// Findings with file and line.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        self.data.as_ref().map_or(&[], |data| &data.diagnostics)
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// `data` may be anything in JSON-RPC. What is not ours is dropped, so that the message is not lost
/// with it.
fn data_or_nothing<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Box<ErrorData>>, D::Error> {
    let raw = Box::<RawValue>::deserialize(input)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_found_again() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::of_code(kind.code()), Some(*kind));
            let same_name = |other: &&ErrorKind| other.name() == kind.name();
            assert_eq!(ErrorKind::ALL.iter().filter(same_name).count(), 1);
            assert!(
                kind.code() > 0 || kind.code() < -32599,
                "our own codes keep out of the range that JSON-RPC reserves"
            );
        }
    }

    #[test]
    fn foreign_data_does_not_hide_the_message() {
        let text = r#"{"code": 7, "message": "no", "data": ["what", 1]}"#;
        let error: RpcError = serde_json::from_str(text).expect("an error object");
        assert_eq!((error.code, error.message.as_str()), (7, "no"));
        assert_eq!(error.data, None);
        assert_eq!(error.kind(), None);
    }
}
