//! Mounts: those of a new mount namespace, and what is one.
//!
//! What is mounted is named by path; sources come as descriptors, so that a path that has been hidden
//! meanwhile does not matter.
use crate::error::{Context, Error, Result};
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::CloneFlags;
use std::ffi::CString;
use std::io::{Read, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};

const NONE: Option<&str> = None;

/// Gives the calling process, which has one thread, a mount namespace of its own.
pub fn own_namespace() -> Result<()> {
    nix::sched::unshare(CloneFlags::CLONE_NEWNS).context("make", "mount namespace")
}

/// What may be done with what is mounted. Nothing that the host forbids is allowed by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names are those of mount(8)
pub struct Restrictions {
    pub read_only: bool,
    pub no_exec: bool,
    pub no_suid: bool,
    pub no_dev: bool,
}

/// What mount_setattr(2) takes.
#[repr(C)]
#[derive(Default)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Adds restrictions to the mount at `path` itself, not to those below it.
pub fn restrict(path: &Path, restrictions: Restrictions) -> Result<()> {
    /// MOUNT_ATTR_… (mount_setattr(2)).
    const BITS: [u64; 4] = [1, 8, 2, 4];
    let Restrictions {
        read_only,
        no_exec,
        no_suid,
        no_dev,
    } = restrictions;
    let wanted = [read_only, no_exec, no_suid, no_dev];
    let set = wanted
        .iter()
        .zip(BITS)
        .filter(|(on, _)| **on)
        .fold(0, |set, (_, bit)| set | bit);
    let attributes = MountAttr {
        set,
        ..MountAttr::default()
    };
    let name = c_path(path)?;
    let flags = libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT;
    // SAFETY: the name is a C string; the structure and its size belong together.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            name.as_ptr(),
            flags,
            &attributes,
            std::mem::size_of::<MountAttr>(),
        )
    };
    match result {
        0 => Ok(()),
        _ if nix::errno::Errno::last() == nix::errno::Errno::ENOSYS => remount(path, set),
        _ => Err(Error::last("restrict mount at", path.display())),
    }
}

/// The same on kernels before 5.12: all flags are given anew, the old ones too.
fn remount(path: &Path, set: u64) -> Result<()> {
    use nix::sys::statvfs::{FsFlags, statvfs};
    let now = statvfs(path)
        .context("look at mount", path.display())?
        .flags();
    let pairs = [
        (FsFlags::ST_RDONLY, MsFlags::MS_RDONLY, 1),
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID, 2),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV, 4),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC, 8),
    ];
    /// Of statvfs(3); nix has it for gnu targets only.
    const ST_RELATIME: FsFlags = FsFlags::from_bits_retain(0x1000);
    let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT;
    for (has, flag, bit) in pairs {
        if now.contains(has) || set & bit != 0 {
            flags |= flag;
        }
    }
    for (has, flag) in [
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        if now.contains(has) {
            flags |= flag;
        }
    }
    mount(NONE, path, NONE, flags, NONE).context("restrict mount at", path.display())
}

/// Opens `path` as if `root` were the root directory: no link leads out of it. `Ok(None)`: there is
/// no such place.
pub fn find(root: BorrowedFd<'_>, path: &Path) -> Result<Option<OwnedFd>> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT);
    match openat2(root, path, how) {
        Ok(found) => Ok(Some(found)),
        Err(nix::errno::Errno::ENOENT | nix::errno::Errno::ENOTDIR) => Ok(None),
        Err(cause) => Err(Error::new("find", path.display(), cause)),
    }
}

/// The path of an open file, by /proc.
pub fn path_of(file: BorrowedFd<'_>) -> Result<PathBuf> {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    std::fs::read_link(&link).context("read", link)
}

/// Shows `source` at `target`, with all that is mounted below it where `recursive`.
pub fn bind(source: BorrowedFd<'_>, target: &Path, recursive: bool) -> Result<()> {
    /// OPEN_TREE_CLONE of open_tree(2); MOVE_MOUNT_F_EMPTY_PATH of move_mount(2).
    const CLONE: libc::c_uint = 1;
    const EMPTY_SOURCE: libc::c_uint = 4;
    let object = || target.display().to_string();
    let empty = c"";
    let below = if recursive {
        libc::AT_RECURSIVE as libc::c_uint
    } else {
        0
    };
    let flags =
        CLONE | below | libc::AT_EMPTY_PATH as libc::c_uint | libc::O_CLOEXEC as libc::c_uint;
    // SAFETY: the path is an empty C string; the rest is integers.
    let tree = unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            source.as_raw_fd(),
            empty.as_ptr(),
            flags,
        )
    };
    if tree < 0 {
        return Err(Error::last("copy what is to be mounted at", object()));
    }
    // SAFETY: the kernel has just made this number for us.
    let tree = unsafe { OwnedFd::from_raw_fd(tree as i32) };
    let name = c_path(target)?;
    // SAFETY: both paths are C strings; the rest is integers.
    let moved = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            empty.as_ptr(),
            libc::AT_FDCWD,
            name.as_ptr(),
            EMPTY_SOURCE,
        )
    };
    match moved {
        0 => Ok(()),
        _ => Err(Error::last("mount at", object())),
    }
}

/// A file system in memory at `target`, without device nodes that work unless `devices`.
pub fn temporary(target: &Path, options: &str, devices: bool) -> Result<()> {
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_STRICTATIME;
    if !devices {
        flags |= MsFlags::MS_NODEV;
    }
    mount(Some("tmpfs"), target, Some("tmpfs"), flags, Some(options))
        .context("mount tmpfs at", target.display())
}

/// The message queues of the IPC namespace.
pub fn queues(target: &Path) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("mqueue"), target, Some("mqueue"), flags, NONE)
        .context("mount mqueue at", target.display())
}

/// Makes the mount at `root` the root of the namespace; nothing of the old one stays.
pub fn change_root(root: &Path) -> Result<()> {
    nix::unistd::chdir(root).context("enter", root.display())?;
    // The old root comes to lie on the new one, and is taken away (pivot_root(2), NOTES).
    nix::unistd::pivot_root(".", ".").context("make root of", root.display())?;
    umount2(".", MntFlags::MNT_DETACH).context("leave", "old root")?;
    nix::unistd::chdir("/").context("enter", "/")
}

/// What becomes of later mounts, here and in the namespaces that come from this one: MS_SHARED,
/// MS_SLAVE or MS_PRIVATE of mount(2).
pub fn propagate(flag: u64) -> Result<()> {
    let flag = MsFlags::from_bits_truncate(flag as libc::c_ulong);
    mount(NONE, "/", NONE, MsFlags::MS_REC | flag, NONE).context("set propagation of", "/")
}

/// The mounts of the namespace in which it was opened.
#[derive(Debug)]
pub struct MountTable(std::fs::File);

impl MountTable {
    /// Of the calling process; goes on working when /proc is hidden.
    pub fn open() -> Result<MountTable> {
        let path = "/proc/self/mountinfo";
        Ok(MountTable(std::fs::File::open(path).context("open", path)?))
    }

    /// Where something is mounted now.
    pub fn points(&mut self) -> Result<Vec<PathBuf>> {
        let mut text = Vec::new();
        self.0
            .rewind()
            .and_then(|()| self.0.read_to_end(&mut text))
            .context("read", "mounts")?;
        let lines = text.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(point).collect())
    }
}

/// The fifth field of a line of mountinfo (proc(5)), in which \040 is a space and the like.
fn point(line: &[u8]) -> Option<PathBuf> {
    let field = line.split(|byte| *byte == b' ').nth(4)?;
    let mut path = Vec::new();
    let mut at = 0;
    while at < field.len() {
        let escaped = field.get(at + 1..at + 4).filter(|_| field[at] == b'\\');
        let value = escaped
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        path.push(value.unwrap_or(field[at]));
        at += if value.is_some() { 4 } else { 1 };
    }
    use std::os::unix::ffi::OsStringExt;
    Some(PathBuf::from(std::ffi::OsString::from_vec(path)))
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(std::io::Error::from)
        .context("name", path.display())
}

/// Opens a place for [`bind`].
pub fn open(path: &Path) -> Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    nix::fcntl::open(path, flags, nix::sys::stat::Mode::empty()).context("open", path.display())
}

/// Whether it is a directory.
pub fn is_directory(file: BorrowedFd<'_>) -> Result<bool> {
    let found = nix::sys::stat::fstat(file.as_fd()).context("look at", "place")?;
    Ok(found.st_mode & libc::S_IFMT == libc::S_IFDIR)
}

/// Cuts the namespace's mounts off from the host's: the host's later mounts still arrive here
/// (a disk mounted later is seen by services), nothing goes back.
pub fn receive_only() -> Result<()> {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE)
        .context("make slave mounts of", "/")
}

/// Mounts the /proc of the caller's pid namespace over `target`, with options of proc(5).
pub fn proc(target: &Path, options: &str) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let options = Some(options).filter(|options| !options.is_empty());
    mount(Some("proc"), target, Some("proc"), flags, options)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_have_any_name() {
        let line =
            br"36 35 98:0 /mnt1 /mnt\040with\134x\012y rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(point(line), Some(PathBuf::from("/mnt with\\x\ny")));
        assert_eq!(point(b""), None);
        let points = MountTable::open().and_then(|mut table| table.points());
        assert!(points.expect("readable").contains(&PathBuf::from("/")));
    }
}
