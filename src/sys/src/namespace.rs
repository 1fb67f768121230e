//! Namespaces of network, IPC, host name and users.
use crate::error::{Context, Error, Result};
use nix::sched::{CloneFlags, setns, unshare};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A kind of namespace that can be entered by descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Network,
    Ipc,
}

impl Kind {
    const fn flag(self) -> CloneFlags {
        match self {
            Kind::Network => CloneFlags::CLONE_NEWNET,
            Kind::Ipc => CloneFlags::CLONE_NEWIPC,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Kind::Network => "net",
            Kind::Ipc => "ipc",
        }
    }
}

/// Makes a namespace that the caller, who has one thread, does not stay in: to be entered by
/// others. In one of network the loopback interface is up.
pub fn make(kind: Kind) -> Result<OwnedFd> {
    let path = format!("/proc/self/ns/{}", kind.name());
    let open = || std::fs::File::open(&path).context("open", &path);
    let before = open()?;
    unshare(kind.flag()).context("make namespace of", kind.name())?;
    let made = open().and_then(|made| match kind {
        Kind::Network => loopback_up().map(|()| made),
        Kind::Ipc => Ok(made),
    });
    setns(before.as_fd(), kind.flag()).context("go back to namespace of", kind.name())?;
    made.map(OwnedFd::from)
}

/// The namespace that another process holds as descriptor `number`; `None` where it holds none of
/// that kind there, or nobody may look.
pub fn of(process: BorrowedFd<'_>, number: i32, kind: Kind) -> Option<OwnedFd> {
    let process = process.as_raw_fd();
    // SAFETY: plain numbers; pidfd_getfd(2) makes a descriptor or fails.
    let taken = unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, number, 0) };
    let taken = i32::try_from(taken).ok().filter(|taken| *taken >= 0)?;
    // SAFETY: the kernel has just made it for us, close-on-exec.
    let taken = unsafe { OwnedFd::from_raw_fd(taken) };
    // SAFETY: an ioctl without argument (ioctl_ns(2)); other files refuse it.
    let found = unsafe { libc::ioctl(taken.as_raw_fd(), NS_GET_NSTYPE as _) };
    (found == kind.flag().bits()).then_some(taken)
}

/// Of linux/nsfs.h.
const NS_GET_NSTYPE: libc::c_ulong = 0xb703;

/// Goes there; an error where it is a namespace of another kind, or none.
pub fn enter(kind: Kind, namespace: BorrowedFd<'_>) -> Result<()> {
    setns(namespace, kind.flag()).context("enter namespace of", kind.name())
}

/// A host name of its own for the calling process.
pub fn own_host_name() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWUTS).context("make namespace of", "uts")
}

fn loopback_up() -> Result<()> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)
        .context("make", "socket for interfaces")?;
    // SAFETY: an all-zero ifreq is a valid one.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    let fd = socket.as_raw_fd();
    // SAFETY: the structure is ours and outlives the call.
    match unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS as _, &request) } {
        0 => Ok(()),
        _ => Err(Error::last("bring up interface", "lo")),
    }
}

/// A user namespace for the calling process, which has one thread: of the users outside it knows
/// root, `uid` and `gid`; all others show as nobody.
///
/// Only a process outside may write such a map, so a child of the caller does.
pub fn own_users(uid: u32, gid: u32) -> Result<()> {
    let what = "user namespace";
    let (mut told, mut tell) = std::io::pipe().context("make pipe for", what)?;
    // SAFETY: there is one thread, so the child may do whatever the parent may.
    match unsafe { nix::unistd::fork() }.context("fork for", what)? {
        nix::unistd::ForkResult::Child => {
            drop(tell);
            let mut word = [0];
            let done = told.read_exact(&mut word).is_ok() && write_maps(uid, gid).is_ok();
            // SAFETY: ends the process at once; nothing of the parent's is flushed twice.
            unsafe { libc::_exit(i32::from(!done)) }
        }
        nix::unistd::ForkResult::Parent { child } => {
            let made = unshare(CloneFlags::CLONE_NEWUSER).context("make", what);
            if made.is_ok() {
                let _ = tell.write_all(&[1]);
            }
            drop(tell);
            let ended = nix::sys::wait::waitpid(child, None).context("wait for maps of", what)?;
            made?;
            match ended {
                nix::sys::wait::WaitStatus::Exited(_, 0) => Ok(()),
                _ => Err(Error::new("write maps of", what, nix::errno::Errno::EPERM)),
            }
        }
    }
}

fn write_maps(uid: u32, gid: u32) -> std::io::Result<()> {
    let parent = nix::unistd::getppid();
    let map = |id: u32| match id {
        0 => "0 0 1\n".to_owned(),
        id => format!("0 0 1\n{id} {id} 1\n"),
    };
    std::fs::write(format!("/proc/{parent}/uid_map"), map(uid))?;
    std::fs::write(format!("/proc/{parent}/gid_map"), map(gid))
}
