//! `Delegate=`: the payload's cgroup in the hands of the service's user, as systemd gives it away
//! (<https://systemd.io/CGROUP_DELEGATION/>).
use super::UnitCgroup;
use crate::error::{Context, Result};
use nix::unistd::{Gid, Uid, chown};
use std::path::Path;

/// Files by which a user manages the cgroups below its own (cgroup-v2.rst, "Model of Delegation").
const MANAGED: [&str; 2] = ["cgroup.procs", "cgroup.subtree_control"];
/// The same, on kernels that have it.
const THREADS: &str = "cgroup.threads";
/// Group for commands that come beside the main process, which may have made the payload an inner
/// node, where no process can be (systemd's name for it).
pub const CONTROL: &str = ".control";

impl UnitCgroup {
    /// Gives the payload's v2 directory to a user, who may make cgroups in it and move its own
    /// processes. The limits of the payload stay ours. False: there is no v2 directory.
    pub fn delegate(&self, uid: u32, gid: u32) -> Result<bool> {
        let Some(dir) = self.payload() else {
            return Ok(false);
        };
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        let give = |path: &Path| {
            chown(path, uid, gid)
                .map_err(std::io::Error::from)
                .context("give away", path.display())
        };
        give(&dir)?;
        MANAGED.iter().try_for_each(|file| give(&dir.join(file)))?;
        let threads = dir.join(THREADS);
        if threads.exists() {
            give(&threads)?;
        }
        mark(&dir);
        Ok(true)
    }
}

/// By this a manager in the service knows that the group is its own. For its convenience: a file
/// system without such attributes is no reason to fail.
fn mark(dir: &Path) {
    let Ok(path) = std::ffi::CString::new(dir.as_os_str().as_encoded_bytes()) else {
        return;
    };
    for name in [c"trusted.delegate", c"user.delegate"] {
        // SAFETY: both strings end in NUL, the value is as long as said.
        unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), c"1".as_ptr().cast(), 1, 0) };
    }
}
