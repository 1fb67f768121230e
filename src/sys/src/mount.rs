//! Mounts: those of a new mount namespace, and what is one.
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

/// Whether a file system is mounted at `path`, or at what it links to.
pub fn is_mount_point(path: &Path) -> Result<bool> {
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(std::io::Error::from)
        .context("look at", path.display())?;
    // SAFETY: an all-zero statx is a valid one.
    let mut found: libc::statx = unsafe { std::mem::zeroed() };
    let flags = libc::AT_STATX_SYNC_AS_STAT | libc::AT_NO_AUTOMOUNT;
    // SAFETY: the name is a C string, `found` is ours; both outlive the call.
    let result = unsafe { libc::statx(libc::AT_FDCWD, name.as_ptr(), flags, 0, &mut found) };
    match result {
        0 => Ok(found.stx_attributes & libc::STATX_ATTR_MOUNT_ROOT as u64 != 0),
        _ => Err(crate::Error::last("look at", path.display())),
    }
}
