//! `PrivateDevices=`: a /dev with pseudo devices only.
use super::super::step::{Step, errno, io, sys};
use gitproc_core::spec::ExecStep;
use gitproc_sys::mount;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Character devices that everybody may use.
const NODES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Shown as on the host: terminals, shared memory, message queues, huge pages.
const DIRECTORIES: [&str; 4] = ["pts", "shm", "mqueue", "hugepages"];
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
];
/// As small as it can be.
const BOUNDED: &str = "mode=0755,size=4m,nr_inodes=1k";

/// Mounts it at `target`. Nodes are made where that is allowed, and else shown from the host.
pub(super) fn make(target: &Path) -> Step<()> {
    let on = ExecStep::Namespace;
    let host = |name: &str| Path::new("/dev").join(name);
    // Opened before the host's own is hidden.
    let nodes: Vec<(&str, u64, OwnedFd)> = NODES
        .into_iter()
        .filter_map(|name| {
            let device = std::fs::metadata(host(name)).ok()?.rdev();
            Some((name, device, mount::open(&host(name)).ok()?))
        })
        .collect();
    let directories: Vec<(&str, OwnedFd)> = DIRECTORIES
        .into_iter()
        .filter(|name| host(name).is_dir())
        .filter_map(|name| Some((name, mount::open(&host(name)).ok()?)))
        .collect();
    let links: Vec<(&str, std::path::PathBuf)> = ["ptmx", "log"]
        .into_iter()
        .filter_map(|name| Some((name, std::fs::read_link(host(name)).ok()?)))
        .collect();
    let terminals = std::fs::metadata(host("ptmx")).map(|found| found.rdev());

    sys(on, mount::temporary(target, BOUNDED, true))?;
    for (name, device, node) in &nodes {
        let place = target.join(name);
        if make_node(&place, *device).is_err() {
            let made = std::fs::File::create(&place);
            io(on, &format!("make {}", place.display()), made)?;
            sys(on, mount::bind(node.as_fd(), &place, false))?;
        }
    }
    for (name, directory) in &directories {
        let place = target.join(name);
        io(
            on,
            &format!("make {}", place.display()),
            std::fs::create_dir(&place),
        )?;
        sys(on, mount::bind(directory.as_fd(), &place, true))?;
    }
    let links = links
        .iter()
        .map(|(name, to)| (*name, to.as_path()))
        .chain(LINKS.map(|(name, to)| (name, Path::new(to))));
    for (name, to) in links {
        let place = target.join(name);
        let made = std::os::unix::fs::symlink(to, &place);
        io(on, &format!("make {}", place.display()), made)?;
    }
    if let (Ok(device), false) = (terminals, target.join("ptmx").is_symlink()) {
        let place = target.join("ptmx");
        errno(
            on,
            &format!("make {}", place.display()),
            make_node(&place, device),
        )?;
    }
    // Itself only: what is shown in it can be written to.
    let restrictions = mount::Restrictions {
        read_only: true,
        no_exec: true,
        no_suid: true,
        ..mount::Restrictions::default()
    };
    sys(on, mount::restrict(target, restrictions))
}

fn make_node(place: &Path, device: u64) -> nix::Result<()> {
    let device = makedev(nix::sys::stat::major(device), nix::sys::stat::minor(device));
    let mode = Mode::from_bits_truncate(0o666);
    mknod(place, SFlag::S_IFCHR, mode, device)?;
    // Whatever the umask took away.
    nix::sys::stat::fchmodat(
        nix::fcntl::AT_FDCWD,
        place,
        mode,
        nix::sys::stat::FchmodatFlags::FollowSymlink,
    )
}
