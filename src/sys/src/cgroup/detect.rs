//! Which hierarchies are mounted, and where in v2 this process may make children.
use super::{Controller, Hierarchy, enable, make_dir, v1};
use crate::error::{Context, Result};
use nix::unistd::AccessFlags;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Leaf that processes of a delegated cgroup are moved to: a cgroup that gives controllers to its
/// children can't have processes of its own.
const OWN_LEAF: &str = "gitproc-daemon";

/// Rounds of moving processes out: each finds the children that were born during the one before.
const VACATE_ROUNDS: usize = 10;

/// Leaf of a process that only holds a cgroup.
const HOLDER_LEAF: &str = "gitproc-holder";

/// `home`: the v2 cgroup that instances are to live below, when it is not to be found out.
pub(super) fn detect(home: Option<&str>) -> Result<Hierarchy> {
    let path = "/proc/self/mountinfo";
    let mounts = parse_mountinfo(&std::fs::read_to_string(path).context("read", path)?);
    let v1 = v1::Mounts::from_mounts(&mounts);
    let Some(mount) = mounts.iter().find(|mount| mount.kind == "cgroup2") else {
        let mut none = Hierarchy::none("there is no cgroup2 mount");
        none.v1 = v1;
        return Ok(none);
    };
    let path = "/proc/self/cgroup";
    let text = std::fs::read_to_string(path).context("read", path)?;
    let own = own_cgroup(&text);
    let found = Hierarchy {
        base: None,
        mount: mount.point.clone(),
        v2: BTreeSet::new(),
        v1,
        reason: None,
        refused: None,
    };
    let chosen = match home {
        Some(home) => named_base(&mount.point, home),
        None => choose_base(&mount.point, own),
    };
    Ok(match chosen.and_then(writable) {
        Ok(base) => {
            let (v2, refused) = controllers_for_children(&base);
            Hierarchy {
                base: Some(base),
                v2,
                refused,
                ..found
            }
        }
        Err(reason) => Hierarchy {
            reason: Some(reason),
            ..found
        },
    })
}

/// The own cgroup where it is delegated to us; else, as root, the top; else none.
fn choose_base(mount: &Path, own: &str) -> std::result::Result<PathBuf, String> {
    let mut dir = mount.join(own.trim_start_matches('/'));
    if dir.file_name().is_some_and(|name| name == OWN_LEAF) {
        dir.pop();
    }
    let root = nix::unistd::geteuid().is_root();
    Ok(match own == "/" || (root && !delegated(&dir)) {
        true => mount.to_owned(),
        false => dir,
    })
}

/// A cgroup that the administrator names. One that is not there is an error rather than made: a
/// supervisor that owns the tree has to make it, or it takes it away again.
fn named_base(mount: &Path, home: &str) -> std::result::Result<PathBuf, String> {
    let below = Path::new(home.trim_start_matches('/'));
    let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    if !below.components().all(plain) {
        return Err(format!("{home} is no path of a cgroup"));
    }
    let dir = mount.join(below);
    match dir.join("cgroup.procs").exists() {
        true => Ok(dir),
        false => Err(format!("there is no cgroup {}", dir.display())),
    }
}

fn writable(base: PathBuf) -> std::result::Result<PathBuf, String> {
    match nix::unistd::access(&base.join("cgroup.procs"), AccessFlags::W_OK)
        .and_then(|()| nix::unistd::access(&base, AccessFlags::W_OK))
    {
        Ok(()) => Ok(base),
        Err(cause) => Err(format!(
            "{} is not delegated to this user ({cause})",
            base.display()
        )),
    }
}

/// systemd marks what it delegates.
fn delegated(dir: &Path) -> bool {
    let Ok(path) = std::ffi::CString::new(dir.as_os_str().as_encoded_bytes()) else {
        return false;
    };
    [c"trusted.delegate", c"user.delegate"]
        .into_iter()
        .any(|name| {
            let mut value = [0u8; 1];
            // SAFETY: both names end in NUL, the buffer is as long as said.
            let length = unsafe {
                libc::getxattr(
                    path.as_ptr(),
                    name.as_ptr(),
                    value.as_mut_ptr().cast(),
                    value.len(),
                )
            };
            length == 1 && value == *b"1"
        })
}

/// Enables what can be enabled below `base`; tells what stood against it.
fn controllers_for_children(base: &Path) -> (BTreeSet<Controller>, Option<String>) {
    let read = |name: &str| std::fs::read_to_string(base.join(name)).unwrap_or_default();
    let (available, enabled) = (read("cgroup.controllers"), read("cgroup.subtree_control"));
    let has = |list: &str, controller: Controller| {
        list.split_whitespace()
            .any(|name| name == controller.name())
    };
    let mut usable = BTreeSet::new();
    let mut refused = None;
    for controller in Controller::ALL {
        if has(&enabled, controller) {
            usable.insert(controller);
        } else if has(&available, controller) {
            match enable(base, controller).or_else(|_| {
                vacate(base)?;
                enable(base, controller)
            }) {
                Ok(()) => _ = usable.insert(controller),
                Err(error) => refused = Some(error.in_full()),
            }
        }
    }
    // What is rarely asked for is no loss unless it is.
    for controller in Controller::RARE {
        let given = has(&enabled, controller);
        if given || has(&available, controller) && enable(base, controller).is_ok() {
            usable.insert(controller);
        }
    }
    (usable, refused)
}

/// Moves processes out of a cgroup that is to have controllers in its children: all of them where
/// the cgroup is ours by delegation, else this process only.
fn vacate(base: &Path) -> Result<()> {
    let leaf = base.join(OWN_LEAF);
    make_dir(&leaf)?;
    let target = leaf.join("cgroup.procs");
    let own = std::process::id().to_string();
    let ours = delegated(base);
    for _ in 0..VACATE_ROUNDS {
        let procs = base.join("cgroup.procs");
        let all = std::fs::read_to_string(&procs).context("read", procs.display())?;
        let mut moved = 0;
        for pid in all.lines().filter(|pid| ours || *pid == own) {
            match std::fs::write(&target, pid) {
                Ok(()) => moved += 1,
                // One that has just ended needs no moving.
                Err(cause) if cause.raw_os_error() == Some(libc::ESRCH) => {}
                Err(cause) => return Err(cause).context("move a process to", leaf.display()),
            }
        }
        if moved == 0 {
            break;
        }
    }
    Ok(())
}

/// See [`super::hold`].
pub(super) fn hold() -> Result<PathBuf> {
    let (mounts, own) = ("/proc/self/mountinfo", "/proc/self/cgroup");
    let read = |path: &str| std::fs::read_to_string(path).context("read", path);
    let mounts = parse_mountinfo(&read(mounts)?);
    let absent = || std::io::Error::from_raw_os_error(libc::ENOENT);
    let mount = mounts
        .iter()
        .find(|mount| mount.kind == "cgroup2")
        .ok_or_else(absent)
        .context("find", "a cgroup2 mount")?;
    let own = read(own)?;
    let held = PathBuf::from(own_cgroup(&own));
    let leaf = mount
        .point
        .join(own_cgroup(&own).trim_start_matches('/'))
        .join(HOLDER_LEAF);
    make_dir(&leaf)?;
    let procs = leaf.join("cgroup.procs");
    std::fs::write(&procs, "0").context("write", procs.display())?;
    Ok(held)
}

/// The v2 path of `/proc/self/cgroup`.
fn own_cgroup(text: &str) -> &str {
    text.lines()
        .find_map(|line| line.strip_prefix("0::"))
        .unwrap_or("/")
}

/// One mounted cgroup hierarchy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: PathBuf,
    /// `cgroup` or `cgroup2`.
    pub(super) kind: String,
    /// Options of the superblock; in v1 the controllers stand among them.
    pub(super) options: Vec<String>,
}

fn parse_mountinfo(text: &str) -> Vec<Mount> {
    let parse = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let point = left.split(' ').nth(4)?;
        let mut right = right.split(' ');
        let kind = right.next()?;
        let options = right.nth(1)?;
        kind.starts_with("cgroup").then(|| Mount {
            // A space is written as \040 there; no other escape occurs in practice.
            point: PathBuf::from(point.replace("\\040", " ")),
            kind: kind.to_owned(),
            options: options.split(',').map(str::to_owned).collect(),
        })
    };
    text.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_their_controllers() {
        let text = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                    22 27 0:21 / /proc rw - proc proc rw\n\
                    41 31 0:38 / /sys/fs/cgroup/a\\040b rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let mounts = parse_mountinfo(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].point, Path::new("/sys/fs/cgroup/memory"));
        assert!(mounts[0].options.iter().any(|option| option == "memory"));
        assert_eq!(mounts[1].kind, "cgroup2");
        assert_eq!(mounts[1].point, Path::new("/sys/fs/cgroup/a b"));
    }

    #[test]
    fn the_own_v2_path_is_found_among_v1_lines() {
        assert_eq!(
            own_cgroup("4:memory:/x\n0::/system.slice/a.service\n"),
            "/system.slice/a.service"
        );
        assert_eq!(own_cgroup("4:memory:/x\n"), "/");
    }
}
