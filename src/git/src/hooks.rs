//! The store's hooks: two tiny scripts, owned by root, that hand over to `gitproc hook`.
use crate::quote;
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Hooks that the store has.
pub const NAMES: [&str; 2] = ["pre-receive", "post-receive"];

/// Runs of everyone, writes of the owner only.
const MODE: u32 = 0o755;

/// The hooks can't be put in place.
#[derive(Debug, thiserror::Error)]
#[error("{what} {}", path.display())]
pub struct HookError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Writes the hooks into `directory`: `exec EXE ARGS… hook NAME`. What stands there already is
/// not touched.
pub fn install(directory: &Path, exe: &Path, root_args: &[OsString]) -> Result<(), HookError> {
    make_directory(directory)?;
    for name in NAMES {
        let mut script = b"#!/bin/sh\n# Written by gitproc; changes do not last.\nexec ".to_vec();
        let arguments = root_args.iter().map(OsString::as_os_str);
        let words = std::iter::once(exe.as_os_str())
            .chain(arguments)
            .chain(["hook".as_ref(), name.as_ref()]);
        script.extend_from_slice(quote::words(words).as_bytes());
        script.push(b'\n');
        let path = directory.join(name);
        if fs::read(&path).ok().as_deref() != Some(&script) || !is_program(&path) {
            replace(&path, |new| fs::write(new, &script))?;
        }
    }
    Ok(())
}

/// A path of `exe` that the store's owner can run: itself, or, where it lies below a closed
/// directory (a checkout in /root), a copy of it beside the hooks.
pub fn reachable_exe(directory: &Path, exe: &Path) -> Result<PathBuf, HookError> {
    let open = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o001 != 0);
    // An ordinary user owns the store too, and reaches what they reach.
    if !geteuid().is_root() || exe.ancestors().all(open) {
        return Ok(exe.to_owned());
    }
    make_directory(directory)?;
    let copy = directory.join("gitproc");
    let stamp = |path: &Path| -> io::Result<(u64, SystemTime)> {
        let meta = fs::metadata(path)?;
        Ok((meta.len(), meta.modified()?))
    };
    let wanted = stamp(exe).map_err(|source| HookError {
        what: "looking at",
        path: exe.to_owned(),
        source,
    })?;
    if stamp(&copy).ok() != Some(wanted) {
        replace(&copy, |new| {
            fs::copy(exe, new)?;
            fs::File::open(new)?.set_modified(wanted.1)
        })?;
    }
    Ok(copy)
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o7777 == MODE)
}

fn make_directory(directory: &Path) -> Result<(), HookError> {
    let failed = |source| HookError {
        what: "making",
        path: directory.to_owned(),
        source,
    };
    fs::create_dir_all(directory).map_err(failed)?;
    fs::set_permissions(directory, fs::Permissions::from_mode(MODE)).map_err(failed)
}

/// By rename, so that a push never runs half a script.
fn replace(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), HookError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    write(&new)
        .and_then(|()| fs::set_permissions(&new, fs::Permissions::from_mode(MODE)))
        .and_then(|()| fs::rename(&new, path))
        .map_err(|source| HookError {
            what: "writing",
            path: path.to_owned(),
            source,
        })
}
