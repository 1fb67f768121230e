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
use crate::child::{Account, Child};
use crate::link::Link;
use crate::log::Log;
use crate::main_process::{self, Found, RETRY_MS};
use crate::report::Report;
use crate::{notify, process, setup};
use gitproc_core::logline::Tag;
use gitproc_core::protocol::{Exit, Failure, FromHelper, HelperState, ProcessEnd, ToHelper, Whom};
use gitproc_core::spec::{ExecSpec, ExecStep, NamespaceMode};
use gitproc_sys::{fd, host, pidfd, signal, socket, spawn};
use gitproc_unit::{ExecRole, NotifyAccess, ServiceType};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use std::io::{PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// Longest time that the last words may take to a daemon that does not read, in ms.
const LAST_WORDS_MS: u16 = 1_000;
/// Longest time that killed processes may take to end, in ms: one in uninterruptible sleep must
/// not hold the helper for ever. The daemon's cgroup.kill and the end of the namespace follow.
const KILL_TIMEOUT_MS: u64 = 10_000;
/// Datagrams that are read in one round.
const NOTIFY_ROUND: usize = 64;

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
    environment: Vec<(String, String)>,
}

pub(crate) struct Supervisor {
    spec: ExecSpec,
    report: Report,
    dir_path: Option<PathBuf>,
    /// v2 directory of the payload.
    cgroup: Option<OwnedFd>,
    /// The host's /proc, where it can be had: the way to the host's process numbers.
    host_proc: Option<OwnedFd>,
    children: SignalFd,
    log: Log,
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
    ) -> gitproc_sys::Result<Supervisor> {
        let link = Link::new(link)
            .map_err(|cause| gitproc_sys::Error::new("take", "link to the daemon", cause))?;
        let dir_path = setup::path_of(&dir);
        let state = HelperState::new(spec.invocation, spec.unit.clone());
        let is_dir = nix::sys::stat::fstat(&cgroup)
            .is_ok_and(|stat| stat.st_mode & nix::libc::S_IFMT == nix::libc::S_IFDIR);
        let log = Log::new(spec.log_file.clone())?;
        if let (Some(ids), Some(writers)) = (&spec.identity.ids, log.writers()) {
            // So that the service's user can open /dev/stdout and /dev/stderr anew.
            for writer in writers {
                let (uid, gid) = (ids.uid.into(), ids.gid.into());
                let _ = nix::unistd::fchown(writer, Some(uid), Some(gid));
            }
        }
        Ok(Supervisor {
            dir_path,
            cgroup: is_dir.then_some(cgroup),
            host_proc: gitproc_sys::file::open_dir("/proc".as_ref()).ok(),
            children: signal::child_watch()?,
            report: Report::new(state, link, dir),
            log,
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
        match setup::prepare(&self.spec, self.report.dir(), self.dir_path.as_deref()) {
            Ok(prepared) => {
                self.service = Some(Service {
                    control: prepared.control,
                    notify: prepared.notify,
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

    fn start(&mut self, role: ExecRole, index: u32, environment: &[(String, String)]) {
        match self.fork(role, index, environment) {
            Ok(command) => {
                let (pid, host_pid) = (command.pid, command.host_pid);
                self.commands.push(command);
                let state = &mut self.report.state;
                state.empty = false;
                if role == ExecRole::Start && self.spec.service_type != ServiceType::Forking {
                    self.main = Some(Main { pid, found: None });
                    state.main_pid = Some(host_pid);
                    state.main_started_us = Some(host::realtime_us());
                    (state.main_end, state.main_ended_us, state.main_execed) = (None, None, false);
                } else {
                    state.control = Some((role, index, host_pid));
                }
                self.report.tell(&FromHelper::Forked {
                    role,
                    index,
                    pid: host_pid,
                });
            }
            Err(failure) => {
                let end = ProcessEnd::Exited(failure.step.status());
                self.ended(
                    Exit {
                        role,
                        index,
                        end,
                        failure: Some(failure),
                    },
                    self.starts_main(role),
                );
            }
        }
    }

    fn fork(
        &self,
        role: ExecRole,
        index: u32,
        environment: &[(String, String)],
    ) -> Result<Running, Failure> {
        let refuse = |detail: &str| Failure {
            step: ExecStep::Exec,
            errno: 0,
            detail: detail.to_owned(),
        };
        let service = self
            .service
            .as_ref()
            .ok_or_else(|| refuse("run a command before go"))?;
        let command = self
            .spec
            .commands
            .get(&role)
            .and_then(|commands| commands.get(index as usize))
            .ok_or_else(|| refuse("run a command that the spec does not have"))?;
        let log = self
            .log
            .writers()
            .ok_or_else(|| refuse("run a command after quit"))?;
        let failed = |step: ExecStep, error: gitproc_sys::Error| Failure {
            step,
            errno: error.errno(),
            detail: error.to_string(),
        };
        let mut environment = environment.to_vec();
        // As the service sees it: only here is that number known.
        environment.extend(
            self.main
                .as_ref()
                .map(|main| ("MAINPID".to_owned(), main.pid.to_string())),
        );
        let (outcome, writer) = std::io::pipe().map_err(|cause| {
            failed(
                ExecStep::Fds,
                gitproc_sys::Error::new("make", "pipe", cause),
            )
        })?;
        fd::set_nonblocking(outcome.as_fd()).map_err(|error| failed(ExecStep::Fds, error))?;
        let cgroup = self.cgroup.as_ref().map(AsFd::as_fd);
        // Once cgroup.kill was written there, kernel 6.18 kills whatever is cloned into the payload
        // from outside (it compares the kill counts of two cgroups). Moving in is not affected. Only
        // the commands of ExecStopPost= run after a kill.
        let (born_in, join) = match role {
            ExecRole::StopPost => (None, cgroup),
            ExecRole::Condition
            | ExecRole::StartPre
            | ExecRole::Start
            | ExecRole::StartPost
            | ExecRole::Reload
            | ExecRole::Stop => (cgroup, None),
        };
        let mut child = Some(Child {
            spec: &self.spec,
            command,
            fixed: &service.environment,
            environment: &environment,
            log,
            accounts: writer,
            join,
        });
        #[allow(unsafe_code)]
        // the one place outside sys: only the helper knows that it has one thread
        // SAFETY: the helper starts no thread.
        let spawned = unsafe { spawn::fork_into(born_in, || child.take().map_or(0, Child::run)) }
            .map_err(|error| failed(ExecStep::Cgroup, error))?;
        drop(child);
        Ok(Running {
            role,
            index,
            pid: spawned.pid,
            host_pid: self.host_pid(&spawned.pidfd, spawned.pid),
            outcome: Some(outcome),
            accounts: Vec::new(),
            failure: None,
        })
    }

    fn host_pid(&self, pidfd: &OwnedFd, pid: u32) -> u32 {
        let proc = self.host_proc.as_ref();
        proc.and_then(|proc| pidfd::pid_in(proc.as_fd(), pidfd.as_fd()))
            .unwrap_or(pid)
    }

    /// Reads which programs were executed and which were not.
    fn take_outcomes(&mut self) {
        for at in 0..self.commands.len() {
            let command = &mut self.commands[at];
            let Some(pipe) = &mut command.outcome else {
                continue;
            };
            match pipe.read_to_end(&mut command.accounts) {
                // More is to come; what has come is kept.
                Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => continue,
                Ok(_) | Err(_) => command.outcome = None,
            }
            for account in std::mem::take(&mut command.accounts).split(|byte| *byte == b'\n') {
                match serde_json::from_slice(account) {
                    Ok(Account::Remark(text)) => self.log.note(Tag::Remark, &text),
                    Ok(Account::Failed(failure)) => command.failure = Some(failure),
                    // Cut short: the child was killed while it wrote.
                    Err(_) => {}
                }
            }
            if command.failure.is_some() {
                continue;
            }
            let (role, index, pid) = (command.role, command.index, command.pid);
            if self.is_main(pid) {
                self.report.state.main_execed = true;
            }
            self.report.tell(&FromHelper::Execed { role, index });
        }
    }

    // ---- what ends

    /// Collects every child that has ended; true when there is none left at all.
    fn collect(&mut self) -> bool {
        while let Ok(Some(_)) = self.children.read_signal() {}
        loop {
            match waitid(
                Id::All,
                WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT,
            ) {
                Ok(status) => match (status.pid(), pidfd::End::from_wait(status)) {
                    (Some(pid), Some(end)) => {
                        // It is still there as a zombie: all that it said can be read first.
                        self.log.pump();
                        self.take_notifications();
                        self.take_outcomes();
                        let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG);
                        self.process_ended(pid.as_raw() as u32, process_end(end));
                    }
                    _ => return false,
                },
                Err(_) => {
                    self.none_left();
                    return true;
                }
            }
        }
    }

    fn none_left(&mut self) {
        if self.report.state.empty {
            return;
        }
        self.log.end_lines();
        // With no process there is no main process; it was collected by another parent.
        if self.main.take().is_some() {
            self.main_ended(ProcessEnd::Exited(0));
        }
        self.report.state.empty = true;
        self.report.tell(&FromHelper::Empty);
    }

    fn process_ended(&mut self, pid: u32, end: ProcessEnd) {
        let was_main = self.is_main(pid);
        if was_main {
            self.main = None;
        }
        match self.commands.iter().position(|command| command.pid == pid) {
            Some(at) => {
                let command = self.commands.remove(at);
                let (role, index, failure) = (command.role, command.index, command.failure);
                // A start command that handed over by MAINPID= is nobody's concern any more.
                if was_main || !self.starts_main(role) {
                    self.ended(
                        Exit {
                            role,
                            index,
                            end,
                            failure,
                        },
                        was_main,
                    );
                }
                self.seeking_main |= role == ExecRole::Start
                    && self.spec.service_type == ServiceType::Forking
                    && end == ProcessEnd::Exited(0)
                    && self.main.is_none();
            }
            None if was_main => self.found_main_ended(end),
            None => {}
        }
    }

    /// A command is over (or never was); tells it.
    fn ended(&mut self, exit: Exit, was_main: bool) {
        let state = &mut self.report.state;
        if was_main {
            state.main_pid = None;
            state.main_end = Some(exit.end);
            state.main_ended_us = Some(host::realtime_us());
        } else if state
            .control
            .is_some_and(|(role, index, _)| (role, index) == (exit.role, exit.index))
        {
            state.control = None;
        }
        state.exits.insert(exit.role, exit.clone());
        self.report.tell(&FromHelper::Exited(exit));
    }

    // ---- a main process that was not forked here

    /// A found main process that another parent collects shows its end by its pidfd only.
    fn watch_found_main(&mut self) {
        let Some(Main {
            pid,
            found: Some(found),
        }) = &self.main
        else {
            return;
        };
        if !pidfd::wait(found.as_fd(), 0).unwrap_or(false) {
            return;
        }
        // One that has come to this process since is collected in the next round, with its status.
        let pid = nix::unistd::Pid::from_raw(*pid as i32);
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        if waitid(Id::Pid(pid), look).is_err() {
            // Its exit status is its parent's.
            self.main = None;
            self.found_main_ended(ProcessEnd::Exited(0));
        }
    }

    /// A service may replace itself (nginx does for an upgrade) and name the new one in its file.
    fn found_main_ended(&mut self, end: ProcessEnd) {
        match self
            .spec
            .pid_file
            .as_ref()
            .and_then(|_| main_process::find(&self.spec))
        {
            Some(found) => self.main_found(found),
            None => self.main_ended(end),
        }
    }

    fn main_ended(&mut self, end: ProcessEnd) {
        let state = &mut self.report.state;
        (state.main_pid, state.main_end) = (None, Some(end));
        state.main_ended_us = Some(host::realtime_us());
        self.report.tell(&FromHelper::MainExited(end));
    }

    fn seek_main(&mut self) {
        if !self.seeking_main {
            return;
        }
        if let Some(found) = main_process::find(&self.spec) {
            self.main_found(found);
        }
        // A guess is made once: later children say nothing about it.
        self.seeking_main &= self.spec.pid_file.is_some() && !self.report.state.empty;
    }

    fn main_found(&mut self, found: Found) {
        self.seeking_main = false;
        let host_pid = self.host_pid(&found.pidfd, found.pid);
        self.main = Some(Main {
            pid: found.pid,
            found: Some(found.pidfd),
        });
        let state = &mut self.report.state;
        state.main_pid = Some(host_pid);
        state.main_started_us = Some(host::realtime_us());
        (state.main_end, state.main_ended_us) = (None, None);
        self.report.tell(&FromHelper::MainPid { pid: host_pid });
    }

    // ---- notifications

    fn take_notifications(&mut self) {
        for _ in 0..NOTIFY_ROUND {
            let socket = self
                .service
                .as_ref()
                .and_then(|service| service.notify.as_ref());
            let Some(Ok(Some((bytes, sender)))) =
                socket.map(|socket| socket::receive_notify(socket.as_fd()))
            else {
                return;
            };
            if sender.is_some_and(|sender| self.may_notify(sender.pid)) {
                self.notified(&bytes);
            }
        }
    }

    fn may_notify(&self, pid: u32) -> bool {
        match self.spec.notify_access {
            // Type=notify without access means main (systemd.service(5)).
            NotifyAccess::None | NotifyAccess::Main => self.is_main(pid),
            NotifyAccess::Exec => {
                self.is_main(pid) || self.commands.iter().any(|command| command.pid == pid)
            }
            // Outsiders have no number in the namespace: they show as 0.
            NotifyAccess::All if self.has_namespace() => pid > 0,
            NotifyAccess::All => process::is_ours(pid),
        }
    }

    fn notified(&mut self, bytes: &[u8]) {
        let (notify, main_pid) = notify::parse(bytes);
        if let Some(found) = main_pid
            .filter(|pid| !self.is_main(*pid))
            .and_then(main_process::by_pid)
        {
            self.main_found(found);
        }
        let state = &mut self.report.state;
        state.notified_ready |= notify.ready;
        state.notified_stopping |= notify.stopping;
        if let Some(text) = &notify.status {
            state.status_text = Some(text.clone());
        }
        if notify != Default::default() {
            self.report.tell(&FromHelper::Notify(notify));
        }
    }
}

/// Stopped processes are woken up to receive these, as systemd does.
fn wakes(number: i32) -> bool {
    matches!(number, nix::libc::SIGTERM | nix::libc::SIGHUP)
}

fn process_end(end: pidfd::End) -> ProcessEnd {
    match end {
        pidfd::End::Exited(code) => ProcessEnd::Exited(code),
        pidfd::End::Killed(signal) => ProcessEnd::Killed(signal),
        pidfd::End::Dumped(signal) => ProcessEnd::Dumped(signal),
    }
}
