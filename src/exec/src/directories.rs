//! RuntimeDirectory= and its siblings: made, and given to the service's user.
//!
//! Runs as root in places that a service's user may own, so no path is walked blindly: each
//! component is opened below the one before, and a symlink counts only where nobody but this
//! process's user could have put it.
use gitproc_core::protocol::Failure;
use gitproc_core::spec::{DirectorySpec, ExecStep, Ids};
use gitproc_unit::DirectoryKind;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat, mkdirat};
use nix::unistd::{Gid, Uid, fchown, fchownat, geteuid};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Mode of the directories above the last component.
const PARENT_MODE: u32 = 0o755;
/// Deepest tree whose owner is changed: against a service that makes one without end.
const DEPTH_MAX: usize = 64;

/// Makes all paths of one directive.
pub(crate) fn make(spec: &DirectorySpec, ids: Option<&Ids>) -> Result<(), Failure> {
    // Configuration belongs to the administrator (systemd.exec(5)).
    let owner = ids.filter(|_| spec.kind != DirectoryKind::Configuration);
    let failed = |what: String| {
        move |errno: Errno| Failure {
            step: step(spec.kind),
            errno: errno as i32,
            detail: what,
        }
    };
    if spec.private {
        make_private(spec).map_err(failed(format!("make {}", spec.base)))?;
    }
    for path in &spec.paths {
        make_one(&spec.base, path, spec.mode, owner)
            .map_err(failed(format!("make {}/{path}", spec.base)))?;
    }
    for (link, text) in &spec.links {
        make_link(link, text).map_err(failed(format!("link {link} to {text}")))?;
    }
    Ok(())
}

/// The directory that only root can enter. What a service had before it was given a dynamic user is
/// moved there.
fn make_private(spec: &DirectorySpec) -> Result<(), Errno> {
    match std::fs::DirBuilder::new().mode(0o700).create(&spec.base) {
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
        made => made.map_err(errno_of)?,
    }
    let Some(usual) = Path::new(&spec.base).parent() else {
        return Err(Errno::EINVAL);
    };
    for path in &spec.paths {
        let (before, now) = (usual.join(path), Path::new(&spec.base).join(path));
        let real = std::fs::symlink_metadata(&before).is_ok_and(|found| found.is_dir());
        if real && !now.exists() {
            if let Some(parent) = now.parent() {
                std::fs::create_dir_all(parent).map_err(errno_of)?;
            }
            std::fs::rename(&before, &now).map_err(errno_of)?;
        }
    }
    Ok(())
}

/// A link that is there already may stay; anything else is in the way.
fn make_link(link: &str, text: &str) -> Result<(), Errno> {
    let link = Path::new(link);
    if let Some(parent) = link.parent() {
        std::fs::create_dir_all(parent).map_err(errno_of)?;
    }
    match std::os::unix::fs::symlink(text, link) {
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
            let same = std::fs::read_link(link).is_ok_and(|found| found == Path::new(text));
            if same { Ok(()) } else { Err(Errno::EEXIST) }
        }
        made => made.map_err(errno_of),
    }
}

fn step(kind: DirectoryKind) -> ExecStep {
    match kind {
        DirectoryKind::Runtime => ExecStep::RuntimeDirectory,
        DirectoryKind::State => ExecStep::StateDirectory,
        DirectoryKind::Cache => ExecStep::CacheDirectory,
        DirectoryKind::Logs => ExecStep::LogsDirectory,
        DirectoryKind::Configuration => ExecStep::ConfigurationDirectory,
    }
}

fn make_one(base: &str, path: &str, mode: u32, owner: Option<&Ids>) -> Result<(), Errno> {
    std::fs::create_dir_all(base).map_err(errno_of)?;
    let mut dir = gitproc_sys::file::open_dir(Path::new(base))
        .map_err(|error| Errno::from_raw(error.errno()))?;
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let Some((last, parents)) = parts.split_last() else {
        return Err(Errno::EINVAL);
    };
    if parts.contains(&"..") {
        return Err(Errno::EINVAL);
    }
    for part in parents {
        dir = enter(dir, part, PARENT_MODE)?.0;
    }
    let (dir, _) = enter(dir, last, mode)?;
    let found = fstat(&dir)?;
    if found.st_mode & 0o7777 != mode {
        fchmod(&dir, Mode::from_bits_truncate(mode))?;
    }
    match owner {
        Some(ids) if (found.st_uid, found.st_gid) != (ids.uid, ids.gid) => give(&dir, ids, 0),
        _ => Ok(()),
    }
}

/// Opens `name` below `dir`, making it if need be; true when it was made.
fn enter(dir: OwnedFd, name: &str, mode: u32) -> Result<(OwnedFd, bool), Errno> {
    let made = match mkdirat(&dir, name, Mode::from_bits_truncate(mode)) {
        Ok(()) => true,
        Err(Errno::EEXIST) => false,
        Err(errno) => return Err(errno),
    };
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let flags = if only_we_write(&fstat(&dir)?) {
        flags
    } else {
        flags | OFlag::O_NOFOLLOW
    };
    let entered = openat(&dir, name, flags, Mode::empty())?;
    if made {
        // Whatever the umask took away.
        fchmod(&entered, Mode::from_bits_truncate(mode))?;
    }
    Ok((entered, made))
}

fn only_we_write(dir: &FileStat) -> bool {
    dir.st_uid == geteuid().as_raw() && dir.st_mode & 0o022 == 0
}

/// Changes the owner of a directory and of everything below it; symlinks are changed, not followed.
fn give(dir: &OwnedFd, ids: &Ids, depth: usize) -> Result<(), Errno> {
    if depth > DEPTH_MAX {
        return Err(Errno::ELOOP);
    }
    let (uid, gid) = (Some(Uid::from_raw(ids.uid)), Some(Gid::from_raw(ids.gid)));
    let listed =
        std::fs::read_dir(format!("/proc/self/fd/{}", dir.as_raw_fd())).map_err(errno_of)?;
    for entry in listed.flatten() {
        let name = entry.file_name();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        match openat(dir, name.as_os_str(), flags, Mode::empty()) {
            Ok(below) => give(&below, ids, depth + 1)?,
            Err(Errno::ENOTDIR | Errno::ELOOP) => {
                fchownat(
                    dir,
                    name.as_os_str(),
                    uid,
                    gid,
                    AtFlags::AT_SYMLINK_NOFOLLOW,
                )?;
            }
            // Gone in between.
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    fchown(dir.as_fd(), uid, gid)
}

fn errno_of(cause: std::io::Error) -> Errno {
    Errno::from_raw(cause.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn nested_directories_get_the_mode_on_the_last_only() {
        let base = std::env::temp_dir().join(format!("gitproc-dirs-{}", std::process::id()));
        let text = base.display().to_string();
        make_one(&text, "a/b", 0o700, None).expect("makes");
        let mode = |path: &str| {
            std::fs::metadata(base.join(path))
                .expect("exists")
                .permissions()
                .mode()
                & 0o7777
        };
        assert_eq!((mode("a"), mode("a/b")), (0o755, 0o700));
        make_one(&text, "a/b", 0o750, None).expect("again");
        assert_eq!(mode("a/b"), 0o750);
        assert_eq!(make_one(&text, "../x", 0o700, None), Err(Errno::EINVAL));
        std::fs::remove_dir_all(&base).expect("ours");
    }

    #[test]
    fn a_symlink_in_a_directory_that_others_write_is_refused() {
        let base = std::env::temp_dir().join(format!("gitproc-links-{}", std::process::id()));
        std::fs::create_dir_all(base.join("open")).expect("fresh");
        let mode = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(base.join("open"), mode).expect("ours");
        std::os::unix::fs::symlink("/etc", base.join("open/x")).expect("fresh");
        let text = base.join("open").display().to_string();
        let found = make_one(&text, "x", 0o755, None);
        assert!(
            matches!(found, Err(Errno::ELOOP | Errno::ENOTDIR)),
            "{found:?}"
        );
        std::fs::remove_dir_all(&base).expect("ours");
    }
}
