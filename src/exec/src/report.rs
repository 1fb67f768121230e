//! What has happened: into `state.json` first, by rename, then to the daemon.
use crate::link::Link;
use gitproc_core::protocol::{FromHelper, HelperState, PROTOCOL_VERSION};
use gitproc_sys::file::{Durability, write_atomic_at};
use std::os::fd::{AsFd, OwnedFd};

/// Name of the state file in the invocation directory.
const STATE_FILE: &str = "state.json";

/// The state, where it is kept, and who is told.
pub(crate) struct Report {
    pub(crate) state: HelperState,
    pub(crate) link: Link,
    dir: OwnedFd,
}

impl Report {
    pub(crate) fn new(state: HelperState, link: Link, dir: OwnedFd) -> Report {
        let mut report = Report { state, link, dir };
        report.greet();
        report
    }

    pub(crate) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// Tells `event`, after `self.state` was changed accordingly. A full /run must not end a
    /// service: the daemon is told all the same.
    pub(crate) fn tell(&mut self, event: &FromHelper) {
        if let Ok(bytes) = serde_json::to_vec(&self.state) {
            let _ = write_atomic_at(
                self.dir.as_fd(),
                STATE_FILE,
                &bytes,
                0o600,
                Durability::Volatile,
            );
        }
        self.link.send(event);
    }

    /// The newest link wins.
    pub(crate) fn replace_link(&mut self, link: Link) {
        self.link = link;
        self.greet();
    }

    fn greet(&mut self) {
        let hello = FromHelper::Hello {
            version: PROTOCOL_VERSION,
            state: self.state.clone(),
        };
        self.link.send(&hello);
    }
}
