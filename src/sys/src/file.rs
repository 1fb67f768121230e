//! Files that must be right after a crash, and the lock of the one daemon.
use crate::error::{Context, Error, Result};
use nix::fcntl::{Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::Mode;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{path} is locked by {}", holder(*pid))]
    Held {
        /// The lock file.
        path: String,
        /// Who, if it has said so; for people.
        pid: Option<u32>,
    },
    /// It could not be tried.
    #[error(transparent)]
    Failed(#[from] Error),
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or("another process".to_owned(), |pid| format!("process {pid}"))
}

/// An exclusive lock, held until dropped (or until the process dies).
#[derive(Debug)]
pub struct Lock {
    _file: Flock<File>,
}

/// Takes the exclusive lock `path` without waiting, and writes the own pid into it.
pub fn lock_file(path: &Path) -> std::result::Result<Lock, LockError> {
    let shown = path.display();
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .context("open", shown)?;
    let mut text = String::new();
    // Who holds it is read before: an unreadable text only makes the message poorer.
    let _ = (&file).take(20).read_to_string(&mut text);
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut held) => {
            held.set_len(0).context("empty", path.display())?;
            held.rewind().context("rewind", path.display())?;
            writeln!(held, "{}", std::process::id()).context("write", path.display())?;
            Ok(Lock { _file: held })
        }
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(LockError::Held {
            path: path.display().to_string(),
            pid: text.trim().parse().ok(),
        }),
        Err((_, cause)) => Err(Error::new("lock", path.display(), cause).into()),
    }
}

/// Writes `bytes` at one stroke into the existing file `name` of the open directory `dir`, as the
/// files of cgroupfs want it.
pub fn write_at(dir: BorrowedFd<'_>, name: &str, bytes: &[u8]) -> Result<()> {
    let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let fd = openat(dir, name, flags, Mode::empty()).context("open", name)?;
    File::from(fd).write_all(bytes).context("write", name)
}

/// Whether a write must survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Synced before the rename, and the directory after it.
    Synced,
    /// For /run: it is gone with the power anyway.
    Volatile,
}

/// Replaces the file `name` of the open directory `dir` by rename: a reader, or a crash at any
/// time, sees the old bytes or the new ones. One writer per name is assumed.
pub fn write_atomic_at(
    dir: BorrowedFd<'_>,
    name: &str,
    bytes: &[u8],
    mode: u32,
    durability: Durability,
) -> Result<()> {
    let temporary = format!(".{name}.new");
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_CLOEXEC;
    let fd = openat(
        dir,
        temporary.as_str(),
        flags | OFlag::O_NOFOLLOW,
        Mode::from_bits_truncate(mode),
    )
    .context("open", &temporary)?;
    let mut file = File::from(fd);
    file.write_all(bytes).context("write", &temporary)?;
    if durability == Durability::Synced {
        file.sync_all().context("sync", &temporary)?;
    }
    renameat(dir, temporary.as_str(), dir, name).context("rename to", name)?;
    if durability == Durability::Synced {
        nix::unistd::fsync(dir).context("sync directory of", name)?;
    }
    Ok(())
}

/// [`write_atomic_at`] by path.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32, durability: Durability) -> Result<()> {
    let invalid = || Error::new("write", path.display(), nix::errno::Errno::EINVAL);
    let parent = path.parent().ok_or_else(invalid)?;
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(invalid)?;
    let dir = open_dir(parent)?;
    write_atomic_at(
        std::os::fd::AsFd::as_fd(&dir),
        name,
        bytes,
        mode,
        durability,
    )
}

/// Opens a directory.
pub fn open_dir(path: &Path) -> Result<std::os::fd::OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    nix::fcntl::open(path, flags, Mode::empty()).context("open directory", path.display())
}

/// Opens the directory `name` in `dir`, which is made if it is not there.
pub fn make_dir_at(dir: BorrowedFd<'_>, name: &str) -> Result<std::os::fd::OwnedFd> {
    match nix::sys::stat::mkdirat(dir, name, Mode::from_bits_truncate(0o755)) {
        Ok(()) | Err(nix::errno::Errno::EEXIST) => {}
        Err(cause) => return Err(Error::new("make directory", name, cause)),
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    nix::fcntl::openat(dir, name, flags, Mode::empty()).context("open directory", name)
}

/// Opens a program for [`crate::spawn::HelperSpawn`].
pub fn open_program(path: &Path) -> Result<std::os::fd::OwnedFd> {
    nix::fcntl::open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
        .context("open program", path.display())
}

/// `MAJOR:MINOR` of a disk: of the device at `path`, or of that which the file system of `path` is
/// on. Of a partition, it is that of the whole disk: the kernel counts by disk.
pub fn disk_of(path: &str) -> Result<String> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let found = std::fs::metadata(path).context("look at", path)?;
    let number = match found.file_type().is_block_device() {
        true => found.rdev(),
        false => found.dev(),
    };
    let (major, minor) = (libc::major(number), libc::minor(number));
    let whole = format!("/sys/dev/block/{major}:{minor}/partition");
    if Path::new(&whole).exists() {
        let disk = format!("/sys/dev/block/{major}:{minor}/../dev");
        let text = std::fs::read_to_string(&disk).context("read", disk)?;
        return Ok(text.trim().to_owned());
    }
    Ok(format!("{major}:{minor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_lock_names_the_holder() {
        let path = std::env::temp_dir().join(format!("gitproc-lock-{}", std::process::id()));
        let held = lock_file(&path).expect("nobody holds it");
        match lock_file(&path) {
            Err(LockError::Held { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("expected Held, got {other:?}"),
        }
        drop(held);
        lock_file(&path).expect("free again");
        std::fs::remove_file(&path).expect("it exists");
    }

    #[test]
    fn an_atomic_write_replaces_and_leaves_nothing_else() {
        let dir = std::env::temp_dir().join(format!("gitproc-atomic-{}", std::process::id()));
        std::fs::create_dir(&dir).expect("fresh name");
        for text in ["one", "two"] {
            write_atomic(&dir.join("f"), text.as_bytes(), 0o600, Durability::Synced)
                .expect("writable");
            assert_eq!(
                std::fs::read_to_string(dir.join("f")).expect("readable"),
                text
            );
        }
        assert_eq!(std::fs::read_dir(&dir).expect("readable").count(), 1);
        std::fs::remove_dir_all(&dir).expect("ours");
    }
}
