//! The one error of this crate: which operation failed, on what, and why.
use std::{fmt::Display, io};

/// A system call, or a short sequence of them, that failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {object}")]
pub struct Error {
    /// What was tried, as a verb: `open`, `mount`.
    pub operation: &'static str,
    /// On what: a path, a pid, a name.
    pub object: String,
    /// Why it failed.
    #[source]
    pub source: io::Error,
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error about `object`.
    pub fn new(
        operation: &'static str,
        object: impl Display,
        source: impl Into<io::Error>,
    ) -> Error {
        Error {
            operation,
            object: object.to_string(),
            source: source.into(),
        }
    }

    /// From what the system call that just failed left in `errno`.
    pub(crate) fn last(operation: &'static str, object: impl Display) -> Error {
        Error::new(operation, object, io::Error::last_os_error())
    }

    /// errno; 0 when the cause is no system call.
    pub fn errno(&self) -> i32 {
        self.source.raw_os_error().unwrap_or(0)
    }

    /// Operation, object and cause in one line.
    pub fn in_full(&self) -> String {
        format!("{self}: {}", self.source)
    }
}

/// Adds operation and object to a foreign error.
pub(crate) trait Context<T> {
    fn context(self, operation: &'static str, object: impl Display) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, operation: &'static str, object: impl Display) -> Result<T> {
        self.map_err(|source| Error::new(operation, object, source))
    }
}
