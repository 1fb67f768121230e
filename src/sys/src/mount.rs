//! Mounts of a new mount namespace.
use crate::error::{Context, Result};
use nix::mount::{MsFlags, mount};
use std::path::Path;

const NONE: Option<&str> = None;

/// Cuts the namespace's mounts off from the host's: the host's later mounts still arrive here
/// (a disk mounted later is seen by services), nothing goes back.
pub fn receive_only() -> Result<()> {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE)
        .context("make slave mounts of", "/")
}

/// Mounts the /proc of the caller's pid namespace over `target`.
pub fn proc(target: &Path) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), target, Some("proc"), flags, NONE)
        .context("mount proc on", target.display())
}
