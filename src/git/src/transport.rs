//! git's own protocol for the clone: `git receive-pack` and `git upload-pack` in the store, as its
//! owner. The daemon hands over the file descriptors of the operator's git.
use crate::identity::Identity;
use crate::program;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// Longest value of GIT_PROTOCOL that is passed on, in bytes (`version=2` has 9).
const MAX_PROTOCOL: usize = 64;

/// Which end of git's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The far end of a push.
    ReceivePack,
    /// The far end of a fetch.
    UploadPack,
}

impl Service {
    /// git's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Service::ReceivePack => "receive-pack",
            Service::UploadPack => "upload-pack",
        }
    }
}

/// One session of git's protocol.
#[derive(Debug, Clone)]
pub struct Session {
    /// Which end.
    pub service: Service,
    /// The bare store.
    pub store: PathBuf,
    /// Made by [`crate::hooks::install`].
    pub hooks: PathBuf,
    /// Whom to become; has to be given by root.
    pub identity: Option<Identity>,
    /// Who is at the other end (`root`, `uid 1000`): GITPROC_PUSHER for the hooks.
    pub pusher: String,
    /// GIT_PROTOCOL of the operator's git; ignored where it has odd characters.
    pub protocol: Option<String>,
}

/// Starts the session. It ends with its client; what it has told the daemon through the hooks goes on.
pub fn spawn(
    session: &Session,
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
) -> io::Result<Child> {
    let settings: [(&str, OsString); 1] = [("core.hooksPath", session.hooks.clone().into())];
    let mut command = program::as_owner(&session.store, session.identity, &settings);
    command
        .arg(session.service.name())
        .arg(&session.store)
        .env("GITPROC_PUSHER", &session.pusher)
        .stdin(Stdio::from(stdin))
        .stdout(Stdio::from(stdout))
        .stderr(Stdio::from(stderr));
    if let Some(protocol) = session.protocol.as_deref().filter(|text| is_protocol(text)) {
        command.env("GIT_PROTOCOL", protocol);
    }
    command.spawn()
}

/// `version=2`, or a list of such words with colons between.
fn is_protocol(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "=:-_.".contains(c);
    text.len() <= MAX_PROTOCOL && text.chars().all(plain)
}
