//! Identifiers and points in time, as newtypes: parsed once at the edge, never mixed up.
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One activation of one unit, as systemd's INVOCATION_ID: 128 random bits, 32 hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InvocationId(pub u128);

impl fmt::Display for InvocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for InvocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is no invocation id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no invocation id (32 hex digits)")]
pub struct BadInvocationId(String);

impl FromStr for InvocationId {
    type Err = BadInvocationId;
    fn from_str(text: &str) -> Result<InvocationId, BadInvocationId> {
        let bad = || BadInvocationId(text.into());
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        u128::from_str_radix(text, 16)
            .map(InvocationId)
            .map_err(|_| bad())
    }
}

impl TryFrom<String> for InvocationId {
    type Error = BadInvocationId;
    fn try_from(text: String) -> Result<InvocationId, BadInvocationId> {
        text.parse()
    }
}

impl From<InvocationId> for String {
    fn from(id: InvocationId) -> String {
        id.to_string()
    }
}

/// Number of a deployed state, from 1 up; 0 is "nothing yet".
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One job of the engine; given by the shell that asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

/// A commit, as lower-case hex (40 digits for SHA-1, 64 for SHA-256).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitId(pub String);

impl CommitId {
    /// The first seven digits, as git shows them.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// µs on the monotonic clock (CLOCK_MONOTONIC), read by the shell.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Instant(pub u64);

impl Instant {
    /// `self + us`, stopping at the end of time.
    pub fn plus_us(self, us: u64) -> Instant {
        Instant(self.0.saturating_add(us))
    }
}
