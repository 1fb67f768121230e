//! The end of an invocation: nothing of it is left.
use crate::commons::Commons;
use crate::spawn::Belongings;
use crate::untracked;
use gitproc_core::spec_build::mounts::private_directories;
use std::io::ErrorKind::NotFound;
use std::path::Path;

/// Kills what lives, then removes cgroup and runtime directories. Goes on after a failure; returns
/// what could not be removed. Blocking.
///
/// The invocation directory stays until the engine has taken note ([`crate::driver`]): a daemon
/// that dies before finds the rest by it.
pub fn clean(
    commons: &Commons,
    belongings: &Belongings,
    keep_runtime_directory: bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    if let Err(error) = belongings.cgroup.destroy() {
        problems.push(error.in_full());
    }
    if belongings.cgroup.path().is_none()
        && let Some(invocation) = belongings.dir.file_name().and_then(|name| name.to_str())
    {
        // With a namespace nobody is left by now; without one a helper that died took nobody along.
        problems.extend(untracked::kill_left(invocation));
    }
    problems.extend(leave(commons, belongings));
    if let Some(Err(error)) = belongings.ipc_of.map(gitproc_sys::ipc::remove_owned_by) {
        problems.push(error.in_full());
    }
    problems.extend(belongings.credentials.as_deref().and_then(remove));
    if !keep_runtime_directory {
        for path in &belongings.runtime_directories {
            problems.extend(remove(path));
        }
    }
    problems
}

/// The invocation has nothing in common with others any more. Returns what could not be removed of
/// the `PrivateTmp=` directories, if it was the last to have them.
pub fn leave(commons: &Commons, belongings: &Belongings) -> Vec<String> {
    let mut problems = Vec::new();
    commons.leave(belongings.invocation, belongings.tmp_of, || {
        let private = private_directories(belongings.tmp_of);
        problems.extend(private.iter().filter_map(|(dir, _)| remove(Path::new(dir))));
    });
    problems
}

/// Removes a directory and what is in it (symbolic links are not followed).
pub fn remove(path: &Path) -> Option<String> {
    match std::fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != NotFound => {
            Some(format!("remove {}: {cause}", path.display()))
        }
        _ => None,
    }
}
