//! What is said to the keeper of a unit's descriptor store (`FileDescriptorStoreMax=`).
//!
//! The keeper is a process of its own for each unit that may store descriptors: it outlives the
//! daemon, the helper and every invocation, until the unit is down for good. It listens at
//! [`SOCKET`] in the unit's directory below [`crate::layout::Layout::descriptor_stores`]; each packet is
//! one JSON message, with descriptors as cargo. Each is answered by one packet, but for
//! [`ToStore::Fetch`], and [`ToStore::Close`], which ends the keeper.
use serde::{Deserialize, Serialize};

/// Argument of the helper's program that makes it a keeper; the unit's name follows, for people.
pub const KEEP_DESCRIPTORS: &str = "keep-descriptors";

/// Name of the keeper's socket.
pub const SOCKET: &str = "sock";

/// Longest packet, in bytes.
pub const PACKET_MAX: usize = 4096;

/// Name of descriptors that came without one (sd_pid_notify_with_fds(3)).
pub const DEFAULT_NAME: &str = "stored";

/// Longest name, in bytes (sd_notify(3), FDNAME=).
const NAME_MAX: usize = 255;

/// A request. Messages are only ever added to: the keeper may be of an older version than who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToStore {
    /// Keep the descriptors that come along.
    Store {
        /// `FDNAME=`
        name: String,
        /// Forget them on a hang-up or an error (not with `FDPOLL=0`).
        poll: bool,
        /// How many were sent.
        count: u32,
        /// `FileDescriptorStoreMax=`: how many the store may hold in all.
        max: u32,
    },
    /// Forget those of this name.
    Remove {
        /// `FDNAME=`
        name: String,
    },
    /// Send a copy of each: answered by a [`FromStore::Descriptor`] for each, and a
    /// [`FromStore::Total`].
    Fetch,
    /// Say how many there are.
    Count,
    /// Forget all, and end.
    Close,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromStore {
    /// To `Store`.
    Stored {
        /// How many were closed because the store is full, or did not arrive.
        refused: u32,
    },
    /// One descriptor, which comes along.
    Descriptor {
        /// Its name.
        name: String,
    },
    /// The number of descriptors in the store.
    Total {
        /// So many.
        count: u32,
    },
}

/// Whether a descriptor may have this name: ASCII without control characters and colons, 255 bytes
/// at most, as systemd has it.
pub fn is_name(name: &str) -> bool {
    name.len() <= NAME_MAX
        && name
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable_and_have_no_colon() {
        for good in ["", "stored", "a b", "x~y", &"n".repeat(NAME_MAX)] {
            assert!(is_name(good), "{good:?}");
        }
        for bad in ["a:b", "a\tb", "é", "\u{7f}", &"n".repeat(NAME_MAX + 1)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
