//! The session keyring of a process (keyrings(7)).
use crate::error::{Error, Result};

/// keyctl(2): makes a session keyring and joins it.
const JOIN_SESSION_KEYRING: libc::c_ulong = 1;
/// keyctl(2): links a key into a keyring.
const LINK: libc::c_ulong = 8;
/// The keyring of the process's session, and that of its real user.
const SESSION_KEYRING: libc::c_long = -3;
const USER_KEYRING: libc::c_long = -4;

/// Gives the process a session keyring of its own, which `owner` (uid, gid) has; with `shared`, the
/// keyring of the owner is linked into it. For a process that is root and has one thread.
pub fn join_session(owner: Option<(u32, u32)>, shared: bool) -> Result<()> {
    // A keyring belongs to the real ids of who makes it.
    let before = (
        nix::unistd::getuid().as_raw(),
        nix::unistd::getgid().as_raw(),
    );
    if let Some((uid, gid)) = owner {
        set_real_ids(uid, gid)?;
    }
    let joined = join(shared);
    if owner.is_some() {
        set_real_ids(before.0, before.1)?;
    }
    joined
}

fn join(shared: bool) -> Result<()> {
    // SAFETY: integers; no name is given.
    if unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, 0, 0, 0, 0) } < 0 {
        return Err(Error::last("join", "session keyring"));
    }
    if !shared {
        return Ok(());
    }
    // SAFETY: integers.
    match unsafe { libc::syscall(libc::SYS_keyctl, LINK, USER_KEYRING, SESSION_KEYRING, 0, 0) } {
        0 => Ok(()),
        _ => Err(Error::last("link", "user keyring")),
    }
}

/// Group first: a process whose real user is not root any more may still be root in effect.
fn set_real_ids(uid: u32, gid: u32) -> Result<()> {
    let keep = u32::MAX;
    // SAFETY: plain integers. The kernel's own calls: the C library's act on all threads alike.
    unsafe {
        if libc::syscall(libc::SYS_setregid, gid, keep) != 0 {
            return Err(Error::last("set real group", gid));
        }
        if libc::syscall(libc::SYS_setreuid, uid, keep) != 0 {
            return Err(Error::last("set real user", uid));
        }
    }
    Ok(())
}
