//! Unix sockets: names relative to a directory, peer credentials, and descriptors as cargo.
//!
//! `sun_path` has room for 107 bytes and an instance's root may be anywhere, so names are bound
//! and reached through `/proc/self/fd/<directory>/<name>`.
use crate::error::{Context, Error, Result};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType,
    UnixAddr, accept4, bind, connect, getsockopt, listen, recvmsg, sendmsg, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

/// Connections that may wait to be accepted; the usual cap of the kernel is far above.
const BACKLOG: i32 = 64;
/// Most descriptors that the kernel lets anybody send at once (SCM_MAX_FD). There is room for all of
/// them, since those of a message that was cut off would stay open for ever.
const FDS_MAX: usize = 253;
/// Longest datagram that is read from a notify socket, in bytes (as systemd's).
pub const DATAGRAM_MAX: usize = 4096;

/// The other end of a connection, as the kernel vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Effective user id when it connected.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Process id, for people.
    pub pid: u32,
}

fn path_at(dir: BorrowedFd<'_>, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", dir.as_raw_fd()))
}

/// Binds a datagram or stream socket at `dir/name` with `mode`, in place of what was there.
fn bind_at(dir: BorrowedFd<'_>, name: &str, mode: u32, kind: SockType) -> Result<OwnedFd> {
    let path = path_at(dir, name);
    match std::fs::remove_file(&path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::new("remove old socket", name, cause));
        }
        _ => {}
    }
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, kind, flags, None).context("make socket", name)?;
    let address = UnixAddr::new(&path).context("name socket", name)?;
    bind(fd.as_raw_fd(), &address).context("bind socket", name)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
        .context("set mode of socket", name)?;
    Ok(fd)
}

/// A non-blocking listener at `dir/name`.
pub fn listen_at(dir: BorrowedFd<'_>, name: &str, mode: u32) -> Result<UnixListener> {
    listen_as(dir, name, mode, SockType::Stream).map(UnixListener::from)
}

/// The same, of a kind that keeps messages apart (SOCK_SEQPACKET): [`receive_with_fds`] takes one
/// whole message.
pub fn listen_packets_at(dir: BorrowedFd<'_>, name: &str, mode: u32) -> Result<OwnedFd> {
    listen_as(dir, name, mode, SockType::SeqPacket)
}

fn listen_as(dir: BorrowedFd<'_>, name: &str, mode: u32, kind: SockType) -> Result<OwnedFd> {
    let fd = bind_at(dir, name, mode, kind)?;
    let backlog = Backlog::new(BACKLOG).context("set backlog of", name)?;
    listen(&fd, backlog).context("listen at", name)?;
    Ok(fd)
}

/// Connects to a listener of [`listen_packets_at`]. Neither this nor any call on the connection
/// blocks for longer than `patience`: it fails with EAGAIN then.
pub fn connect_packets_at(dir: BorrowedFd<'_>, name: &str, patience: Duration) -> Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)
        .context("make socket", name)?;
    let address = UnixAddr::new(&path_at(dir, name)).context("name socket", name)?;
    connect(fd.as_raw_fd(), &address).context("connect to", name)?;
    crate::fd::set_blocking(fd.as_fd())?;
    be_patient(fd.as_fd(), patience)?;
    Ok(fd)
}

/// A connection that waits at a listener of [`listen_packets_at`], if one does; with the same
/// `patience`.
pub fn accept_packets(listener: BorrowedFd<'_>, patience: Duration) -> Result<Option<OwnedFd>> {
    match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
        Ok(number) => {
            // SAFETY: the kernel has just made this descriptor for us.
            let fd = unsafe { OwnedFd::from_raw_fd(number) };
            be_patient(fd.as_fd(), patience)?;
            Ok(Some(fd))
        }
        Err(Errno::EAGAIN | Errno::ECONNABORTED | Errno::EINTR) => Ok(None),
        Err(cause) => Err(Error::new("accept at", "socket", cause)),
    }
}

fn be_patient(fd: BorrowedFd<'_>, patience: Duration) -> Result<()> {
    let ms = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
    let time = TimeVal::milliseconds(ms);
    setsockopt(&fd, sockopt::ReceiveTimeout, &time)
        .and_then(|()| setsockopt(&fd, sockopt::SendTimeout, &time))
        .context("limit the waits of", "socket")
}

/// Connects to `dir/name`, blocking; the stream is left blocking.
pub fn connect_at(dir: BorrowedFd<'_>, name: &str) -> Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let fd =
        socket(AddressFamily::Unix, SockType::Stream, flags, None).context("make socket", name)?;
    let address = UnixAddr::new(&path_at(dir, name)).context("name socket", name)?;
    connect(fd.as_raw_fd(), &address).context("connect to", name)?;
    Ok(fd.into())
}

/// A stream pair, both close-on-exec and blocking.
pub fn pair() -> Result<(UnixStream, UnixStream)> {
    UnixStream::pair().context("make", "socket pair")
}

/// SO_PEERCRED of a connected stream.
pub fn peer(stream: BorrowedFd<'_>) -> Result<Peer> {
    let found =
        getsockopt(&stream, sockopt::PeerCredentials).context("read", "peer credentials")?;
    Ok(Peer {
        uid: found.uid(),
        gid: found.gid(),
        pid: u32::try_from(found.pid()).unwrap_or(0),
    })
}

/// Where a notify socket is bound.
#[derive(Debug, Clone, Copy)]
pub enum NotifyAddress<'a> {
    /// `name` in a directory.
    At(BorrowedFd<'a>, &'a str),
    /// In the abstract namespace, without the leading `@`.
    Abstract(&'a str),
}

/// A datagram socket, open to every user, that learns who sends (SO_PASSCRED).
pub fn notify_socket(address: NotifyAddress<'_>) -> Result<OwnedFd> {
    let fd = match address {
        NotifyAddress::At(dir, name) => bind_at(dir, name, 0o666, SockType::Datagram)?,
        NotifyAddress::Abstract(name) => {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let fd = socket(AddressFamily::Unix, SockType::Datagram, flags, None)
                .context("make socket", name)?;
            let address = UnixAddr::new_abstract(name.as_bytes()).context("name socket", name)?;
            bind(fd.as_raw_fd(), &address).context("bind socket", name)?;
            fd
        }
    };
    setsockopt(&fd, sockopt::PassCred, &true).context("ask for", "sender credentials")?;
    Ok(fd)
}

/// What came over a notify socket.
#[derive(Debug)]
pub struct Datagram {
    /// Its text, cut off at [`DATAGRAM_MAX`].
    pub bytes: Vec<u8>,
    /// Who sent it (its pid in the caller's namespace).
    pub sender: Option<Peer>,
    /// Descriptors that came along.
    pub fds: Vec<OwnedFd>,
}

/// One datagram. `None`: nothing waits.
pub fn receive_notify(fd: BorrowedFd<'_>) -> Result<Option<Datagram>> {
    let mut bytes = vec![0; DATAGRAM_MAX];
    let mut space = nix::cmsg_space!(libc::ucred, [std::os::fd::RawFd; FDS_MAX]);
    let mut fds = Vec::new();
    let (length, sender) = {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let message = match recvmsg::<()>(fd.as_raw_fd(), &mut parts, Some(&mut space), flags) {
            Ok(message) => message,
            Err(Errno::EAGAIN) => return Ok(None),
            Err(cause) => return Err(Error::new("receive from", "notify socket", cause)),
        };
        let mut sender = None;
        for part in message.cmsgs().into_iter().flatten() {
            match part {
                ControlMessageOwned::ScmCredentials(found) => {
                    sender = Some(Peer {
                        uid: found.uid(),
                        gid: found.gid(),
                        pid: u32::try_from(found.pid()).unwrap_or(0),
                    });
                }
                ControlMessageOwned::ScmRights(numbers) => fds.extend(own(&numbers)),
                _ => {}
            }
        }
        (message.bytes, sender)
    };
    bytes.truncate(length);
    Ok(Some(Datagram { bytes, sender, fds }))
}

fn own(numbers: &[std::os::fd::RawFd]) -> Vec<OwnedFd> {
    numbers
        .iter()
        // SAFETY: the kernel has just made these descriptors for us in recvmsg.
        .map(|number| unsafe { OwnedFd::from_raw_fd(*number) })
        .collect()
}

/// Sends `bytes` (not none) with up to 253 descriptors; returns how many bytes went.
pub fn send_with_fds(
    stream: BorrowedFd<'_>,
    bytes: &[u8],
    fds: &[BorrowedFd<'_>],
) -> Result<usize> {
    let numbers: Vec<_> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    if numbers.len() > FDS_MAX || bytes.is_empty() {
        return Err(Error::new("send descriptors over", "socket", Errno::EINVAL));
    }
    let parts = [IoSlice::new(bytes)];
    let cargo = [ControlMessage::ScmRights(&numbers)];
    let cargo = if numbers.is_empty() {
        &[][..]
    } else {
        &cargo[..]
    };
    sendmsg::<()>(
        stream.as_raw_fd(),
        &parts,
        cargo,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )
    .context("send descriptors over", "socket")
}

/// Receives bytes into `buffer` and the descriptors that came with them; (0, none) is end of file.
/// EAGAIN of a non-blocking stream comes back as the error's errno.
pub fn receive_with_fds(
    stream: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> Result<(usize, Vec<OwnedFd>)> {
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; FDS_MAX]);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut space), flags)
        .context("receive descriptors from", "socket")?;
    let mut fds = Vec::new();
    for part in message.cmsgs().into_iter().flatten() {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            fds.extend(own(&numbers));
        }
    }
    Ok((message.bytes, fds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn descriptors_that_nobody_asked_for_are_received_to_be_closed() {
        let (here, there) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let null = std::fs::File::open("/dev/null").expect("it is there");
        let many = [null.as_raw_fd(); FDS_MAX];
        sendmsg::<()>(
            here.as_raw_fd(),
            &[IoSlice::new(b"x")],
            &[ControlMessage::ScmRights(&many)],
            MsgFlags::empty(),
            None,
        )
        .expect("the kernel takes that many");
        let (length, fds) = receive_with_fds(there.as_fd(), &mut [0; 8]).expect("sent");
        assert_eq!((length, fds.len()), (1, FDS_MAX));
    }

    #[test]
    fn a_name_longer_than_sun_path_is_bound_and_reached() {
        let base = std::env::temp_dir().join(format!("gitproc-sock-{}", std::process::id()));
        let deep = base.join("x".repeat(120));
        std::fs::create_dir_all(&deep).expect("temporary directory");
        let dir = crate::file::open_dir(&deep).expect("it exists");
        let listener = listen_at(dir.as_fd(), "s.sock", 0o600).expect("bound");
        let mut client = connect_at(dir.as_fd(), "s.sock").expect("reached");
        let (mut server, _) = listener.accept().expect("a client waits");
        client.write_all(b"hi").expect("connected");
        let mut text = [0; 2];
        server.read_exact(&mut text).expect("sent");
        assert_eq!(&text, b"hi");
        let me = peer(server.as_fd()).expect("a unix socket");
        assert_eq!(me.pid, std::process::id());
        std::fs::remove_dir_all(&base).expect("ours");
    }

    #[test]
    fn descriptors_arrive_with_their_bytes() {
        let (a, b) = pair().expect("pair");
        let (mut reader, writer) = std::io::pipe().expect("pipe");
        send_with_fds(a.as_fd(), b"x", &[writer.as_fd()]).expect("sent");
        drop(writer);
        let mut buffer = [0; 8];
        let (length, mut fds) = receive_with_fds(b.as_fd(), &mut buffer).expect("received");
        assert_eq!((length, fds.len()), (1, 1));
        let mut writer = std::fs::File::from(fds.remove(0));
        writer.write_all(b"through").expect("open");
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("readable");
        assert_eq!(text, "through");
    }

    #[test]
    fn a_notification_names_its_sender() {
        let name = format!("gitproc-test-{}", std::process::id());
        let socket = notify_socket(NotifyAddress::Abstract(&name)).expect("bound");
        let client = std::os::unix::net::UnixDatagram::unbound().expect("socket");
        let address = <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name)
            .expect("short");
        client.send_to_addr(b"READY=1", &address).expect("sent");
        let datagram = receive_notify(socket.as_fd()).expect("works");
        let datagram = datagram.expect("waits");
        assert_eq!(datagram.bytes, b"READY=1");
        let pid = datagram.sender.map(|peer| peer.pid);
        assert_eq!(pid, Some(std::process::id()));
        assert!(receive_notify(socket.as_fd()).expect("works").is_none());
    }
}
