//! How the file system of the service differs from the host's: each sandboxed command has a mount
//! namespace of its own, in which the places of the spec are made what they are to be.
//!
//! First everything is mounted, parents before what lies below them; then restrictions are laid on
//! what is mounted; last, the root directory becomes the root.
mod devices;

use super::Child;
use super::step::{Step, errno, io, sys};
use gitproc_core::protocol::Failure;
use gitproc_core::spec::{ExecStep, Mount, MountKind, Mounts};
use gitproc_sys::mount::{self, MountTable, Restrictions};
use nix::errno::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Of an inaccessible directory: nothing is in it, and nothing can be.
const EMPTY: &str = "mode=000,size=4k,nr_inodes=2,ro";
/// In the invocation directory: what is shown in place of an inaccessible file.
pub(crate) const NOBODY: &str = "inaccessible";
/// The same in place of a device.
pub(crate) const NO_DEVICE: &str = "inaccessible-device";
/// The notify socket, in the invocation directory.
const NOTIFY: &str = "notify";

impl Child<'_> {
    /// A command with `+` has the root directory too, without the mounts in it: as under systemd.
    pub(super) fn change_root(&mut self) -> Step<()> {
        let root = self.spec.mounts.root.as_deref();
        match root.filter(|_| !self.is_sandboxed() && !self.leaves_out_root()) {
            Some(root) => errno(
                ExecStep::Chroot,
                &format!("change the root directory to {root}"),
                nix::unistd::chroot(root),
            ),
            None => Ok(()),
        }
    }

    pub(super) fn make_mounts(&mut self) -> Step<()> {
        let spec = self.spec;
        if !spec.mounts.own {
            return Ok(());
        }
        let without_root = self.leaves_out_root();
        let directive = match (&spec.mounts.root, spec.mounts.mounts.first()) {
            (Some(_), _) => "RootDirectory=",
            (None, Some(mount)) => &mount.directive,
            (None, None) => "PrivateMounts=",
        };
        let made =
            Making::begin(&spec.mounts, self.own_dir, without_root).and_then(|making| making.run());
        let made = made.map(|unreachable| {
            if let Some(failed) = unreachable {
                let why = Errno::from_raw(failed.errno).desc();
                let what = "the notify socket can't be shown to the service";
                self.remark(format!("{what}: {}: {why}", failed.detail));
            }
        });
        self.restrict(directive, made)
    }
}

/// A place that is made.
struct Made<'a> {
    mount: &'a Mount,
    /// Where it is, as seen from the host's root.
    target: PathBuf,
    /// It may only be read, beside what its kind says.
    read_only: bool,
}

struct Making<'a> {
    spec: &'a Mounts,
    /// The service's root, as seen from the host's.
    root: PathBuf,
    root_fd: OwnedFd,
    host: OwnedFd,
    table: MountTable,
    /// What stands for inaccessible files, and the socket that the service is told of.
    nobody: Option<OwnedFd>,
    no_device: Option<OwnedFd>,
    notify: Option<(OwnedFd, PathBuf)>,
    made: Vec<Made<'a>>,
}

impl<'a> Making<'a> {
    fn begin(spec: &'a Mounts, own_dir: Option<&Path>, without_root: bool) -> Step<Making<'a>> {
        let on = ExecStep::Namespace;
        sys(on, mount::own_namespace())?;
        sys(on, mount::receive_only())?;
        let table = sys(on, MountTable::open())?;
        let host = sys(on, mount::open(Path::new("/")))?;
        let inside = |name: &str| {
            let path = own_dir?.join(name);
            let file = mount::open(&path).ok()?;
            Some((file, path))
        };
        let nobody = inside(NOBODY).map(|(file, _)| file);
        let no_device = inside(NO_DEVICE).map(|(file, _)| file);
        let wanted = spec.root.as_deref().filter(|_| !without_root);
        let root = match wanted {
            None => PathBuf::from("/"),
            Some(root) => own_root(&host, root)?,
        };
        let notify = inside(NOTIFY);
        let root_fd = sys(on, mount::open(&root))?;
        Ok(Making {
            spec,
            root,
            root_fd,
            host,
            table,
            nobody,
            no_device,
            notify,
            made: Vec::new(),
        })
    }

    /// `Some`: why the notify socket is out of reach.
    fn run(mut self) -> Step<Option<Failure>> {
        let spec = self.spec;
        // What hides /proc comes last: it is the way to the names of files.
        let (late, first): (Vec<&Mount>, Vec<&Mount>) = spec
            .mounts
            .iter()
            .partition(|mount| mount.path == "/proc" && mount.kind == MountKind::Inaccessible);
        // What is shown is opened before any of it is hidden.
        let mut sources = Vec::new();
        for mount in first.into_iter().chain(late) {
            let source = self.source(mount).map_err(|failed| of(mount, failed))?;
            sources.push((mount, source));
        }
        for (mount, source) in sources {
            self.make(mount, source)
                .map_err(|failed| of(mount, failed))?;
        }
        let unreachable = self.show_notify_socket().err();
        self.restrict_all()?;
        if self.root != Path::new("/") {
            sys(ExecStep::Namespace, mount::change_root(&self.root))?;
        }
        sys(ExecStep::Namespace, mount::propagate(spec.propagation))?;
        Ok(unreachable)
    }

    fn make(&mut self, mount: &'a Mount, source: Source) -> Step<()> {
        let on = ExecStep::Namespace;
        let source = match source {
            Source::Missing => return Ok(()),
            Source::None => None,
            Source::Open(file) => Some(file),
        };
        let Some(target) = self.target(mount, source.as_ref())? else {
            return Ok(());
        };
        let mut read_only = false;
        match &mount.kind {
            MountKind::Inaccessible => self.hide(&target)?,
            MountKind::Bind {
                recursive,
                read_only: only,
                ..
            } => {
                let source = source.as_ref().expect("a bind has a source");
                sys(on, mount::bind(source.as_fd(), &target, *recursive))?;
                read_only = *only;
            }
            MountKind::Private { .. } => {
                let source = source.as_ref().expect("it has a source");
                sys(on, mount::bind(source.as_fd(), &target, false))?;
            }
            MountKind::Devices => {
                devices::make(&target)?;
            }
            MountKind::Proc { options } => sys(on, mount::proc(&target, options))?,
            MountKind::Temporary { options } => {
                // Read-only only when everything below has its place.
                let words = options.split(',');
                let kept: Vec<&str> = words.filter(|word| *word != "ro").collect();
                sys(on, mount::temporary(&target, &kept.join(","), false))?;
                read_only = options.split(',').any(|word| word == "ro");
            }
            MountKind::Queues => sys(on, mount::queues(&target))?,
            MountKind::ReadOnly
            | MountKind::ReadWrite
            | MountKind::Spared
            | MountKind::Exec
            | MountKind::NoExec => self.make_mount_point(&target)?,
        }
        self.made.push(Made {
            mount,
            target,
            read_only,
        });
        Ok(())
    }

    /// What is to be shown, opened before it may be hidden.
    fn source(&self, mount: &Mount) -> Step<Source> {
        let (source, optional) = match &mount.kind {
            MountKind::Bind {
                source, optional, ..
            } => (source, *optional),
            MountKind::Private { source, .. } => (source, false),
            _ => return Ok(Source::None),
        };
        let found = sys(
            ExecStep::Namespace,
            mount::find(self.host.as_fd(), Path::new(source)),
        )?;
        match found {
            Some(file) => Ok(Source::Open(file)),
            None if optional => Ok(Source::Missing),
            None => Err(missing(source)),
        }
    }

    /// Where it is to be: `None` when it is missing and may be. What is to be mounted gets a place.
    fn target(&self, mount: &Mount, source: Option<&OwnedFd>) -> Step<Option<PathBuf>> {
        let on = ExecStep::Namespace;
        let path = Path::new(&mount.path);
        if let Some(found) = sys(on, mount::find(self.root_fd.as_fd(), path))? {
            return Ok(Some(sys(on, mount::path_of(found.as_fd()))?));
        }
        let mounted = match mount.kind {
            MountKind::Bind { .. }
            | MountKind::Private { .. }
            | MountKind::Devices
            | MountKind::Proc { .. }
            | MountKind::Temporary { .. }
            | MountKind::Queues => true,
            MountKind::Inaccessible
            | MountKind::ReadOnly
            | MountKind::ReadWrite
            | MountKind::Spared
            | MountKind::Exec
            | MountKind::NoExec => false,
        };
        if mount.optional {
            return Ok(None);
        }
        if !mounted {
            return Err(missing(&mount.path));
        }
        let directory = match source {
            Some(source) => sys(on, mount::is_directory(source.as_fd()))?,
            None => true,
        };
        self.make_place(path, directory)?;
        match sys(on, mount::find(self.root_fd.as_fd(), path))? {
            Some(found) => Ok(Some(sys(on, mount::path_of(found.as_fd()))?)),
            None => Err(missing(&mount.path)),
        }
    }

    /// An empty directory or file to mount on. What is there of its parents is walked inside of the
    /// root, so that no link leads out of it.
    fn make_place(&self, path: &Path, directory: bool) -> Step<()> {
        let on = ExecStep::Namespace;
        let Some(parent) = path.parent() else {
            return Err(missing(&path.display().to_string()));
        };
        if sys(on, mount::find(self.root_fd.as_fd(), parent))?.is_none() {
            self.make_place(parent, true)?;
        }
        let Some(parent) = sys(on, mount::find(self.root_fd.as_fd(), parent))? else {
            return Err(missing(&parent.display().to_string()));
        };
        let place =
            sys(on, mount::path_of(parent.as_fd()))?.join(path.file_name().unwrap_or_default());
        let made = match directory {
            true => std::fs::create_dir(&place),
            false => std::fs::File::create_new(&place).map(drop),
        };
        io(on, &format!("make {}", place.display()), made)
    }

    fn hide(&self, target: &Path) -> Step<()> {
        let on = ExecStep::Namespace;
        let at = io(
            on,
            &format!("look at {}", target.display()),
            std::fs::symlink_metadata(target),
        )?;
        if at.is_dir() {
            sys(on, mount::temporary(target, EMPTY, false))?;
        } else {
            let kind = at.file_type();
            let is_device = kind.is_char_device() || kind.is_block_device();
            let device = self.no_device.as_ref().filter(|_| is_device);
            let nobody = device.or(self.nobody.as_ref());
            let nobody = nobody.ok_or_else(|| missing(NOBODY))?;
            sys(on, mount::bind(nobody.as_fd(), target, false))?;
        }
        let nothing = Restrictions {
            read_only: true,
            no_exec: true,
            no_suid: true,
            no_dev: true,
        };
        sys(on, mount::restrict(target, nothing))
    }

    /// A place that is no mount yet becomes one: restrictions are laid on mounts.
    fn make_mount_point(&mut self, target: &Path) -> Step<()> {
        let on = ExecStep::Namespace;
        if sys(on, self.table.points())?
            .iter()
            .any(|point| point == target)
        {
            return Ok(());
        }
        let itself = sys(on, mount::open(target))?;
        sys(on, mount::bind(itself.as_fd(), target, true))
    }

    /// The service finds the socket where it is told that it is.
    fn show_notify_socket(&mut self) -> Step<()> {
        let Some((socket, path)) = self.notify.take() else {
            return Ok(());
        };
        let on = ExecStep::Namespace;
        if sys(on, mount::find(self.root_fd.as_fd(), &path))?.is_some() {
            return Ok(());
        }
        self.make_place(&path, false)?;
        let Some(place) = sys(on, mount::find(self.root_fd.as_fd(), &path))? else {
            return Err(missing(&path.display().to_string()));
        };
        let place = sys(on, mount::path_of(place.as_fd()))?;
        sys(on, mount::bind(socket.as_fd(), &place, false))
    }

    fn restrict_all(&mut self) -> Step<()> {
        let points = sys(ExecStep::Namespace, self.table.points())?;
        for made in &self.made {
            let read_only = made.read_only || made.mount.kind == MountKind::ReadOnly;
            if read_only {
                let restrictions = Restrictions {
                    read_only: true,
                    ..Restrictions::default()
                };
                self.restrict_below(made, &points, restrictions, says_who_writes)?;
            }
            if made.mount.kind == MountKind::NoExec {
                let restrictions = Restrictions {
                    no_exec: true,
                    ..Restrictions::default()
                };
                self.restrict_below(made, &points, restrictions, says_what_runs)?;
            }
        }
        Ok(())
    }

    /// The place and all mounts below it, but for those where another line of the unit answers the
    /// same question.
    fn restrict_below(
        &self,
        made: &Made<'_>,
        points: &[PathBuf],
        restrictions: Restrictions,
        answers: fn(&MountKind) -> bool,
    ) -> Step<()> {
        let others: Vec<&Path> = self
            .made
            .iter()
            .filter(|other| answers(&other.mount.kind) && !std::ptr::eq(*other, made))
            .map(|other| other.target.as_path())
            .filter(|other| other.starts_with(&made.target) && *other != made.target)
            .collect();
        let on = ExecStep::Namespace;
        sys(on, mount::restrict(&made.target, restrictions))?;
        for point in points {
            let concerned = point.starts_with(&made.target) && *point != made.target;
            if !concerned || others.iter().any(|other| point.starts_with(other)) {
                continue;
            }
            match mount::restrict(point, restrictions) {
                // Hidden by what was mounted over it, and so out of reach anyway.
                Err(error) if is_hidden(error.errno()) => {}
                result => sys(on, result)?,
            }
        }
        Ok(())
    }
}

enum Source {
    /// The kind has none.
    None,
    /// It may be missing, and is.
    Missing,
    Open(OwnedFd),
}

fn says_who_writes(kind: &MountKind) -> bool {
    !matches!(kind, MountKind::Exec | MountKind::NoExec)
}

fn says_what_runs(kind: &MountKind) -> bool {
    matches!(kind, MountKind::Exec | MountKind::NoExec)
}

fn is_hidden(errno: i32) -> bool {
    [Errno::ENOENT, Errno::ENOTDIR, Errno::EINVAL, Errno::EACCES]
        .iter()
        .any(|hidden| *hidden as i32 == errno)
}

fn missing(path: &str) -> Failure {
    Failure {
        step: ExecStep::Namespace,
        errno: Errno::ENOENT as i32,
        detail: format!("find {path}"),
    }
}

/// Tells which line of the unit it was about.
fn of(mount: &Mount, mut failed: Failure) -> Failure {
    failed.detail = format!("{} for {}{}", failed.detail, mount.directive, mount.path);
    failed
}

/// The root directory as a mount, so that it can become the root.
fn own_root(host: &OwnedFd, root: &str) -> Step<PathBuf> {
    let on = ExecStep::Namespace;
    let found = sys(on, mount::find(host.as_fd(), Path::new(root)))?;
    let Some(found) = found else {
        return Err(missing(root));
    };
    if !sys(on, mount::is_directory(found.as_fd()))? {
        return Err(Failure {
            errno: Errno::ENOTDIR as i32,
            ..missing(root)
        });
    }
    let path = sys(on, mount::path_of(found.as_fd()))?;
    sys(on, mount::bind(found.as_fd(), &path, true))?;
    Ok(path)
}
