//! The poll loop of the helper, and what it keeps: running commands, the main process, the link.
//!
//! ```text
//! waiting for go ──go──▶ set up ──▶ ready ⇄ commands run, end, are reported ──quit──▶ over
//!       │ end of file         │ failed
//!       ▼                     ▼
//!   over, nothing ran       over
//! ```
//! In each round: the log first, then notifications, then what was executed, then what has ended,
//! then the daemon's wishes. So the last words of a process are known before its end is told.
//! Commands are started in [`commands`], their ends taken in [`ends`], notifications heard in
//! [`notifications`].
mod commands;
mod ends;
mod notifications;

use crate::journal::Source;
use crate::link::Link;
use crate::log::Log;
use crate::main_process::RETRY_MS;
use crate::report::Report;
use crate::store::Store;
use crate::{credentials, process, setup};
use gitproc_core::logline::Tag;
use gitproc_core::protocol::{Failure, FromHelper, HelperState, ToHelper, Whom};
use gitproc_core::spec::{ExecSpec, NamespaceMode};
use gitproc_sys::{host, signal};
use gitproc_unit::{ExecRole, ServiceType};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use std::io::PipeReader;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// Longest time that the last words may take to a daemon that does not read, in ms.
const LAST_WORDS_MS: u16 = 1_000;
/// Longest time that killed processes may take to end, in ms: one in uninterruptible sleep must
/// not hold the helper for ever. The daemon's cgroup.kill and the end of the namespace follow.
const KILL_TIMEOUT_MS: u64 = 10_000;

/// A command that runs.
struct Running {
    role: ExecRole,
    index: u32,
    /// In this namespace.
    pid: u32,
    host_pid: u32,
    /// Open until the program is executed or a step has failed.
    outcome: Option<PipeReader>,
    /// What came from there so far.
    accounts: Vec<u8>,
    failure: Option<Failure>,
}

/// The main process.
struct Main {
    pid: u32,
    /// Set when the helper did not fork it: it may have another parent, who collects it.
    found: Option<OwnedFd>,
}

/// What exists from `go` on.
struct Service {
    control: UnixListener,
    notify: Option<OwnedFd>,
    kept: setup::Kept,
    environment: Vec<(String, String)>,
}

pub(crate) struct Supervisor {
    spec: ExecSpec,
    report: Report,
    dir_path: Option<PathBuf>,
    /// Descriptors of the namespaces that commands share, until the set-up takes them.
    places: Option<[OwnedFd; 2]>,
    /// v2 directory of the payload.
    cgroup: Option<OwnedFd>,
    /// The host's /proc, where it can be had: the way to the host's process numbers.
    host_proc: Option<OwnedFd>,
    children: SignalFd,
    log: Log,
    store: Store,
    service: Option<Service>,
    commands: Vec<Running>,
    main: Option<Main>,
    /// A forking service's first process has ended well, and its main process is not known yet.
    seeking_main: bool,
    over: bool,
}

impl Supervisor {
    pub(crate) fn new(
        spec: ExecSpec,
        link: OwnedFd,
        dir: OwnedFd,
        cgroup: OwnedFd,
        places: [OwnedFd; 2],
        store: OwnedFd,
    ) -> gitproc_sys::Result<Supervisor> {
        let link = Link::new(link)
            .map_err(|cause| gitproc_sys::Error::new("take", "link to the daemon", cause))?;
        let dir_path = setup::path_of(&dir);
        let state = HelperState::new(spec.invocation, spec.unit.clone());
        let is_dir = nix::sys::stat::fstat(&cgroup)
            .is_ok_and(|stat| stat.st_mode & nix::libc::S_IFMT == nix::libc::S_IFDIR);
        let source = Source {
            unit: spec.unit.as_str(),
            invocation: &spec.invocation.to_string(),
            commit: spec.commit.as_ref().map(|commit| commit.0.as_str()),
        };
        let log = Log::new(&spec.log_file, spec.log_rotation, source, &spec.streams)?;
        if let (Some(ids), Some(writers)) = (&spec.identity.ids, log.writers()) {
            // So that the service's user can open /dev/stdout and /dev/stderr anew.
            for writer in writers {
                let (uid, gid) = (ids.uid.into(), ids.gid.into());
                let _ = nix::unistd::fchown(writer, Some(uid), Some(gid));
            }
        }
        Ok(Supervisor {
            dir_path,
            places: Some(places),
            cgroup: is_dir.then_some(cgroup),
            host_proc: gitproc_sys::file::open_dir("/proc".as_ref()).ok(),
            children: signal::child_watch()?,
            report: Report::new(state, link, dir),
            log,
            store: Store::new(store, spec.descriptor_store_max),
            spec,
            service: None,
            commands: Vec::new(),
            main: None,
            seeking_main: false,
            over: false,
        })
    }

    /// Until the invocation is over.
    pub(crate) fn run(mut self) -> gitproc_sys::Result<()> {
        while !self.over {
            self.wait()?;
            self.log.pump();
            if !self.report.link.is_backlogged() {
                self.take_notifications();
            }
            self.take_outcomes();
            self.collect();
            self.watch_found_main();
            self.seek_main();
            self.accept();
            self.obey();
            self.log.flush();
        }
        self.report.link.flush_for(LAST_WORDS_MS);
        Ok(())
    }

    /// Sleeps until something is to be done.
    fn wait(&mut self) -> gitproc_sys::Result<()> {
        let mut fds = vec![PollFd::new(self.children.as_fd(), PollFlags::POLLIN)];
        let mut watch = |fd| fds.push(PollFd::new(fd, PollFlags::POLLIN));
        self.log.readers().into_iter().for_each(&mut watch);
        self.commands
            .iter()
            .filter_map(|command| command.outcome.as_ref())
            .for_each(|pipe| watch(pipe.as_fd()));
        if let Some(found) = self.main.as_ref().and_then(|main| main.found.as_ref()) {
            watch(found.as_fd());
        }
        if let Some(service) = &self.service {
            watch(service.control.as_fd());
            // A service that notifies faster than a living daemon reads waits, as under systemd.
            let notify = service.notify.iter();
            notify
                .filter(|_| !self.report.link.is_backlogged())
                .for_each(|socket| watch(socket.as_fd()));
        }
        if let Some(journal) = self.log.journal_wants_write() {
            fds.push(PollFd::new(journal, PollFlags::POLLOUT));
        }
        if self.report.link.is_open() {
            let out = if self.report.link.wants_write() {
                PollFlags::POLLOUT
            } else {
                PollFlags::empty()
            };
            fds.push(PollFd::new(self.report.link.fd(), PollFlags::POLLIN | out));
        }
        let timeout = if self.seeking_main {
            PollTimeout::from(RETRY_MS)
        } else {
            PollTimeout::NONE
        };
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(cause) => Err(gitproc_sys::Error::new(
                "poll",
                "descriptors of the helper",
                cause,
            )),
        }
    }

    // ---- the daemon's wishes

    fn accept(&mut self) {
        let Some(service) = &self.service else { return };
        while let Ok((stream, _)) = service.control.accept() {
            if let Ok(link) = Link::new(stream.into()) {
                self.report.replace_link(link);
            }
        }
    }

    fn obey(&mut self) {
        for message in self.report.link.receive() {
            match message {
                ToHelper::Go if self.service.is_none() => self.set_up(),
                ToHelper::Go => {}
                ToHelper::Run {
                    role,
                    index,
                    environment,
                } => self.start(role, index, &environment),
                ToHelper::Signal { whom, signal } => self.signal(whom, signal),
                ToHelper::Quit => self.quit(),
            }
            if self.over {
                return;
            }
        }
        self.report.link.flush();
        // The daemon died before it could say go: nothing has run, and nothing shall.
        self.over |= self.service.is_none() && !self.report.link.is_open();
    }

    fn set_up(&mut self) {
        let Some(places) = self.places.take() else {
            return;
        };
        match setup::prepare(
            &self.spec,
            self.report.dir(),
            self.dir_path.as_deref(),
            places,
        ) {
            Ok(prepared) => {
                for remark in self.spec.remarks.iter().chain(&prepared.lacking) {
                    self.log.note(Tag::Remark, remark);
                }
                self.service = Some(Service {
                    control: prepared.control,
                    notify: prepared.notify,
                    kept: prepared.kept,
                    environment: prepared.environment,
                });
                let commit = self
                    .spec
                    .commit
                    .as_ref()
                    .map_or("-", |commit| commit.0.as_str());
                self.log.note(
                    Tag::Invocation,
                    &format!("{} {commit}", self.spec.invocation),
                );
                self.report.state.ready = true;
                self.report.tell(&FromHelper::Ready);
            }
            Err(failure) => {
                self.report.state.failed = Some(failure.clone());
                self.report.tell(&FromHelper::Failed(failure));
                self.over = true;
            }
        }
    }

    fn quit(&mut self) {
        let give_up = host::monotonic_us() + KILL_TIMEOUT_MS * 1_000;
        self.kill_all();
        while !self.collect() && host::monotonic_us() < give_up {
            let mut ended = [PollFd::new(self.children.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut ended, RETRY_MS);
            // Without a namespace a fork may have slipped through.
            self.kill_all();
        }
        self.log.close();
        credentials::remove(&self.spec);
        self.over = true;
    }

    fn kill_all(&self) {
        process::signal_all(nix::libc::SIGKILL, self.has_namespace());
    }

    fn has_namespace(&self) -> bool {
        match self.spec.namespace {
            NamespaceMode::Pid | NamespaceMode::UserPid => true,
            NamespaceMode::None => false,
        }
    }

    fn signal(&self, whom: Whom, number: i32) {
        let pid = match whom {
            Whom::Main => self.main.as_ref().map(|main| main.pid),
            Whom::Control => self.control().map(|command| command.pid),
            Whom::All => {
                process::signal_all(number, self.has_namespace());
                if wakes(number) {
                    process::signal_all(nix::libc::SIGCONT, self.has_namespace());
                }
                return;
            }
        };
        // A process that has just ended needs no signal. Its number can't be another's: it is
        // collected here, and only after that is it forgotten.
        if let Some(pid) = pid {
            let _ = signal::send(Some(pid), number);
            if wakes(number) {
                let _ = signal::send(Some(pid), nix::libc::SIGCONT);
            }
        }
    }

    // ---- commands

    fn control(&self) -> Option<&Running> {
        self.commands
            .iter()
            .find(|command| !self.is_main(command.pid))
    }

    fn is_main(&self, pid: u32) -> bool {
        self.main.as_ref().is_some_and(|main| main.pid == pid)
    }

    /// The commands of Start= are the main process, one after the other, except in forking services.
    fn starts_main(&self, role: ExecRole) -> bool {
        role == ExecRole::Start && self.spec.service_type != ServiceType::Forking
    }
}

/// Stopped processes are woken up to receive these, as systemd does.
fn wakes(number: i32) -> bool {
    matches!(number, nix::libc::SIGTERM | nix::libc::SIGHUP)
}
