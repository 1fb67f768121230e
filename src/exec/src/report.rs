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
    /// The state as it was last written.
    kept: Option<HelperState>,
}

impl Report {
    pub(crate) fn new(state: HelperState, link: Link, dir: OwnedFd) -> Report {
        let mut report = Report {
            state,
            link,
            dir,
            kept: None,
        };
        report.greet();
        report
    }

    pub(crate) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// Tells `event`, after `self.state` was changed accordingly. A full /run must not end a
    /// service: the daemon is told all the same.
    pub(crate) fn tell(&mut self, event: &FromHelper) {
        // Many notifications change nothing of it.
        if self.kept.as_ref() != Some(&self.state)
            && let Ok(bytes) = serde_json::to_vec(&self.state)
        {
            let dir = self.dir.as_fd();
            let written = write_atomic_at(dir, STATE_FILE, &bytes, 0o600, Durability::Volatile);
            self.kept = written.is_ok().then(|| self.state.clone());
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
