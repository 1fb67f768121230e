//! Conditions on paths. A path that can't be looked at counts as not there, except where it is said.
use super::files;
use nix::errno::Errno;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

pub fn exists(path: &str) -> bool {
    access(path, AccessFlags::F_OK).is_ok()
}

pub fn is_directory(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_dir())
}

pub fn is_symbolic_link(path: &str) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

pub fn is_mount_point(path: &str) -> bool {
    // The root is one by definition, also where a container has none there.
    path == "/" || gitproc_sys::mount::is_mount_point(Path::new(path)).unwrap_or(false)
}

/// A path whose file system can't be asked counts as writable; one that is missing does not.
pub fn is_read_write(path: &str) -> bool {
    read_only(path) == Some(false)
}

/// Whether the file system of `path` is read-only; one that does not tell is not. `None` when there
/// is no such path.
pub fn read_only(path: &str) -> Option<bool> {
    match statvfs(path) {
        Ok(found) if found.flags().contains(FsFlags::ST_RDONLY) => Some(true),
        // Some mounts are read-only without saying so there.
        Ok(_) => Some(access(path, AccessFlags::W_OK) == Err(Errno::EROFS)),
        Err(Errno::ENOENT) => None,
        Err(_) => Some(false),
    }
}

pub fn file_not_empty(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
}

pub fn file_is_executable(path: &str) -> bool {
    let executable = |found: std::fs::Metadata| found.permissions().mode() & 0o111 != 0;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && executable(found))
}

/// Hidden files and what packages and editors leave behind don't count. A directory that can't be
/// read counts as full, one that is none or is missing does not.
pub fn directory_not_empty(path: &str) -> bool {
    match std::fs::read_dir(path) {
        Ok(mut entries) => entries.any(|entry| match entry {
            Ok(entry) => !is_leftover(&entry.file_name().to_string_lossy()),
            Err(_) => true,
        }),
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

const LEFTOVER_NAMES: [&str; 3] = ["lost+found", "aquota.user", "aquota.group"];
const LEFTOVER_SUFFIXES: [&str; 17] = [
    "rpmnew",
    "rpmsave",
    "rpmorig",
    "dpkg-old",
    "dpkg-new",
    "dpkg-tmp",
    "dpkg-dist",
    "dpkg-bak",
    "dpkg-backup",
    "dpkg-remove",
    "ucf-new",
    "ucf-old",
    "ucf-dist",
    "swp",
    "bak",
    "old",
    "new",
];

fn is_leftover(name: &str) -> bool {
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix);
    name.starts_with('.')
        || name.ends_with('~')
        || LEFTOVER_NAMES.contains(&name)
        || suffix.is_some_and(|suffix| LEFTOVER_SUFFIXES.contains(&suffix))
}

/// Block devices may lie upon each other; nobody stacks more of them.
const DEVICE_DEPTH_MAX: u32 = 10;

/// Whether all that the path's file system lies on is encrypted by dm-crypt. File systems without
/// a block device of their own (tmpfs, network, btrfs) count as not encrypted.
pub fn is_encrypted(path: &str) -> bool {
    let Ok(found) = std::fs::metadata(path) else {
        return false;
    };
    let (major, minor) = (
        nix::sys::stat::major(found.dev()),
        nix::sys::stat::minor(found.dev()),
    );
    let device = format!("/sys/dev/block/{major}:{minor}");
    major != 0 && device_is_encrypted(Path::new(&device), DEVICE_DEPTH_MAX)
}

fn device_is_encrypted(device: &Path, depth_left: u32) -> bool {
    let kind = files::line(device.join("dm/uuid"));
    if kind.is_some_and(|kind| kind.starts_with("CRYPT-")) {
        return true;
    }
    let Ok(below) = std::fs::read_dir(device.join("slaves")) else {
        return false;
    };
    let mut below = below.flatten().peekable();
    let encrypted = |entry: std::fs::DirEntry| device_is_encrypted(&entry.path(), depth_left - 1);
    depth_left > 0 && below.peek().is_some() && below.all(encrypted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_do_not_fill_a_directory() {
        for (name, leftover) in [
            ("a.conf", false),
            (".hidden", true),
            ("a.conf~", true),
            ("a.conf.dpkg-old", true),
            ("lost+found", true),
            ("old", false),
        ] {
            assert_eq!(is_leftover(name), leftover, "{name}");
        }
    }
}
