//! What stands before the first command: mounts, sockets, directories.
use crate::child::mounts::{NO_DEVICE, NOBODY};
use crate::{credentials, directories, environment};
use gitproc_core::protocol::Failure;
use gitproc_core::spec::{ExecSpec, ExecStep, Mount, MountKind, NamespaceMode, Sharing};
use gitproc_sys::namespace::{self, Kind};
use gitproc_sys::socket::{self, NotifyAddress};
use gitproc_unit::{NotifyAccess, ServiceType};
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Where an adopting daemon connects, in the invocation directory.
const CONTROL_SOCKET: &str = "ctl.sock";
/// The notify socket, in the invocation directory.
const NOTIFY_SOCKET: &str = "notify";
/// Longest path of a socket that a service can be told: `sun_path` without its NUL.
const SOCKET_PATH_MAX: usize = 107;

/// What the set-up made.
pub(crate) struct Prepared {
    pub(crate) control: UnixListener,
    pub(crate) notify: Option<OwnedFd>,
    pub(crate) kept: Kept,
    /// What the service has to do without, in words.
    pub(crate) lacking: Vec<String>,
    /// The part of the environment that all commands have.
    pub(crate) environment: Vec<(String, String)>,
}

/// Namespaces that are made once, and that each command enters.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) network: Option<OwnedFd>,
    pub(crate) ipc: Option<OwnedFd>,
}

/// The real path of the invocation directory; to be asked before the mounts change.
pub(crate) fn path_of(dir: &OwnedFd) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", dir.as_raw_fd())).ok()
}

pub(crate) fn prepare(
    spec: &ExecSpec,
    dir: &OwnedFd,
    path: Option<&Path>,
    [network, ipc]: [OwnedFd; 2],
) -> Result<Prepared, Failure> {
    match spec.namespace {
        NamespaceMode::Pid | NamespaceMode::UserPid => {
            on(ExecStep::Namespace, gitproc_sys::mount::receive_only())?;
            on(
                ExecStep::Namespace,
                gitproc_sys::mount::proc(Path::new("/proc"), ""),
            )?;
        }
        NamespaceMode::None => on(ExecStep::Namespace, gitproc_sys::host::become_subreaper())?,
    }
    // So that no directory of the daemon is held busy.
    let _ = std::env::set_current_dir("/");
    let control = on(
        ExecStep::Fds,
        socket::listen_at(dir.as_fd(), CONTROL_SOCKET, 0o600),
    )?;
    let (notify, told) = match wants_notify(spec) {
        true => {
            let (socket, told) = notify_socket(spec, dir, path)?;
            (Some(socket), Some(told))
        }
        false => (None, None),
    };
    for directory in &spec.directories {
        directories::make(directory, spec.identity.ids.as_ref())?;
    }
    credentials::make(spec)?;
    make_places(spec, dir)?;
    let mut lacking = Vec::new();
    let kept = Kept {
        network: shared_namespace(spec, Kind::Network, network, &mut lacking)?,
        ipc: shared_namespace(spec, Kind::Ipc, ipc, &mut lacking)?,
    };
    let environment = environment::fixed(spec, told.as_deref());
    Ok(Prepared {
        control,
        notify,
        kept,
        lacking,
        environment,
    })
}

/// The namespace that all commands enter, at its `place`: there the daemon finds it for others.
fn shared_namespace(
    spec: &ExecSpec,
    kind: Kind,
    mut place: OwnedFd,
    lacking: &mut Vec<String>,
) -> Result<Option<OwnedFd>, Failure> {
    let (sharing, step, directive) = match kind {
        Kind::Network => (
            &spec.namespaces.network,
            ExecStep::Network,
            "PrivateNetwork=",
        ),
        Kind::Ipc => (&spec.namespaces.ipc, ExecStep::Namespace, "PrivateIPC="),
    };
    match sharing {
        Sharing::Joined => return Ok(Some(place)),
        Sharing::Host | Sharing::At(_) => return Ok(None),
        Sharing::Own => {}
    }
    let put = |made: OwnedFd| gitproc_sys::fd::put_at(made.as_fd(), &mut place);
    match namespace::make(kind).and_then(put) {
        Ok(()) => Ok(Some(place)),
        Err(error) if spec.allow_degraded => {
            lacking.push(format!("{directive} is not applied: {}", error.in_full()));
            Ok(None)
        }
        Err(error) => on(step, Err(error)),
    }
}

/// What the mounts of the commands need: directories of the invocation's own, and something to show
/// in place of files that are inaccessible.
fn make_places(spec: &ExecSpec, dir: &OwnedFd) -> Result<(), Failure> {
    for mount in &spec.mounts.mounts {
        if let MountKind::Private { source } = &mount.kind {
            make_private(Path::new(source)).map_err(|cause| Failure {
                step: ExecStep::Namespace,
                errno: cause.raw_os_error().unwrap_or(0),
                detail: format!("make {source}"),
            })?;
        }
    }
    let hides = |mount: &Mount| mount.kind == MountKind::Inaccessible;
    if spec.mounts.mounts.iter().any(hides) {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_CLOEXEC;
        let made = openat(dir, NOBODY, flags, Mode::empty());
        made.map_err(|errno| Failure {
            step: ExecStep::Namespace,
            errno: errno as i32,
            detail: format!("make {NOBODY}"),
        })?;
        // In place of devices; who is not root can't make it, and shows a file instead.
        let device = nix::sys::stat::SFlag::S_IFCHR;
        let _ = nix::sys::stat::mknodat(dir, NO_DEVICE, device, Mode::empty(), 0);
    }
    Ok(())
}

/// Like /tmp, in a directory that only root can enter. Another service that shares it may have made
/// it (`JoinsNamespaceOf=`).
fn make_private(path: &Path) -> std::io::Result<()> {
    let Some(parent) = path.parent() else {
        return Err(ErrorKind::InvalidInput.into());
    };
    match std::fs::DirBuilder::new().mode(0o700).create(parent) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            let found = std::fs::symlink_metadata(parent)?;
            // In /tmp, anybody could have made something of that name.
            let own = nix::unistd::geteuid().as_raw();
            if !found.is_dir() || found.uid() != own || found.mode() & 0o077 != 0 {
                return Err(cause);
            }
        }
        done => done?,
    }
    match std::fs::create_dir(path) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(cause),
        Ok(()) => std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o1777)),
    }
}

fn wants_notify(spec: &ExecSpec) -> bool {
    spec.service_type == ServiceType::Notify || spec.notify_access != NotifyAccess::None
}

/// The socket, and how the service is told of it.
fn notify_socket(
    spec: &ExecSpec,
    dir: &OwnedFd,
    path: Option<&Path>,
) -> Result<(OwnedFd, String), Failure> {
    let told = path.map(|path| path.join(NOTIFY_SOCKET).display().to_string());
    match told.filter(|told| told.len() <= SOCKET_PATH_MAX) {
        Some(told) => {
            let address = NotifyAddress::At(dir.as_fd(), NOTIFY_SOCKET);
            Ok((on(ExecStep::Fds, socket::notify_socket(address))?, told))
        }
        None => {
            let name = format!("gitproc/{}/notify", spec.invocation);
            let socket = on(
                ExecStep::Fds,
                socket::notify_socket(NotifyAddress::Abstract(&name)),
            )?;
            Ok((socket, format!("@{name}")))
        }
    }
}

fn on<T>(step: ExecStep, result: gitproc_sys::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure {
        step,
        errno: error.errno(),
        detail: error.to_string(),
    })
}
