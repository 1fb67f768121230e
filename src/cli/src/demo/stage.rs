//! The stage of the demo: a private root, its daemon, and everything cleared away at the end.
use super::interrupt::Interrupt;
use super::leftovers::{Witness, leftovers, survivors};
use crate::failure::{FAILED, Failure};
use crate::place::Place;
use crate::session::Session;
use crate::verbs::init::make_directory;
use crate::wait::until;
use gitproc_core::snapshot::ActiveState;
use gitproc_rpc::api::{Empty, List, ListParams, Ping, Shutdown, UnitDetail, UnitStatuses, Units};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Until a daemon must answer, or be gone; much more than a slow machine needs.
const DAEMON_DEADLINE: Duration = Duration::from_secs(60);
/// Longest time for one answer: a stop takes as long as the units' own time-outs say (90 s by
/// default), and no more.
const ANSWER_DEADLINE: Duration = Duration::from_secs(120);
/// Lines of the daemon's log that are shown when it failed.
const LOG_TAIL: usize = 20;

/// A private root and what runs in it.
pub struct Stage {
    pub place: Place,
    pub root: PathBuf,
    /// The demo made the root, and removes it.
    temporary: bool,
    daemon: Option<Child>,
    interrupt: Interrupt,
}

/// How the show went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it should, or interrupted.
    Played,
    /// There is something to look at afterwards.
    Failed,
}

impl Stage {
    /// The root: `dir`, or a fresh temporary directory.
    pub fn new(dir: Option<&Path>, interrupt: Interrupt) -> Result<Stage, Failure> {
        let made = match dir {
            Some(dir) => {
                make_directory(dir)?;
                Ok(dir.to_owned())
            }
            None => temporary_directory(),
        };
        let root = made
            .and_then(|root| root.canonicalize())
            .map_err(|error| Failure::caused("can't make the directory of the demo", &error))?;
        let place = Place::under(&root);
        if Session::open(&place).is_ok() {
            let message = format!("a daemon runs in {} already", root.display());
            let next = format!("{} shutdown", place.command());
            return Err(Failure::new(FAILED, message).with_hint(next));
        }
        Ok(Stage {
            place,
            temporary: dir.is_none(),
            root,
            daemon: None,
            interrupt,
        })
    }

    fn log(&self) -> PathBuf {
        self.root.join("daemon.log")
    }

    /// Starts the daemon and waits until it answers.
    pub fn start_daemon(&mut self) -> Result<u32, Failure> {
        let interrupt = self.interrupt.clone();
        interrupt.check()?;
        let pid = self.launch(|| interrupt.asked())?;
        interrupt.check()?;
        Ok(pid)
    }

    /// Starts the daemon; waits until it answers, or until `give_up`.
    fn launch(&mut self, give_up: impl Fn() -> bool) -> Result<u32, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::caused("can't find this program", &error))?;
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .map_err(|error| Failure::caused("can't open the daemon's log", &error))?;
        let child = Command::new(program)
            .arg("--root")
            .arg(&self.root)
            .arg("daemon")
            // The demo may itself be a service; this daemon is not that service.
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C is for the demo, which then stops the daemon in good order.
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::caused("can't start the daemon", &error))?;
        let pid = child.id();
        self.daemon = Some(child);
        match self.answering(give_up)? {
            Some(()) => Ok(pid),
            None => Err(self.daemon_failed("the daemon does not answer")),
        }
    }

    /// Waits until the daemon answers; `None` after the deadline, or when told to give up.
    fn answering(&mut self, give_up: impl Fn() -> bool) -> Result<Option<()>, Failure> {
        let answers = until(DAEMON_DEADLINE, || {
            if self.daemon_ended() {
                return Some(Err(self.daemon_failed("the daemon ended at its start")));
            }
            if give_up() {
                return Some(Ok(None));
            }
            let pid = self.daemon.as_ref().map(Child::id);
            let pong = self.session().and_then(|mut s| s.call::<Ping>(&Empty {}));
            pong.is_ok_and(|pong| Some(pong.pid) == pid)
                .then_some(Ok(Some(())))
        });
        answers.unwrap_or(Ok(None))
    }

    /// Whether the daemon that was started is not there any more.
    pub fn daemon_ended(&mut self) -> bool {
        match &mut self.daemon {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => true,
        }
    }

    /// A failure with the end of the daemon's log.
    pub fn daemon_failed(&self, what: &str) -> Failure {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n  ");
        Failure::new(FAILED, format!("{what}; its log ends with\n  {tail}"))
    }

    /// SIGKILL to the daemon. Services don't notice.
    pub fn kill_daemon(&mut self) -> Result<(), Failure> {
        let Some(mut child) = self.daemon.take() else {
            return Ok(());
        };
        child
            .kill()
            .and_then(|()| child.wait())
            .map(|_| ())
            .map_err(|error| Failure::caused("can't kill the daemon", &error))
    }

    /// A conversation with the daemon.
    pub fn session(&self) -> Result<Session, Failure> {
        let mut session = Session::open(&self.place)?;
        session.give_up_after(ANSWER_DEADLINE)?;
        Ok(session)
    }

    /// One unit in depth.
    pub fn unit(&self, unit: &str) -> Result<UnitDetail, Failure> {
        let units = vec![unit.to_owned()];
        let mut details = self.session()?.call::<UnitStatuses>(&Units { units })?;
        details
            .pop()
            .ok_or_else(|| Failure::new(FAILED, format!("no unit '{unit}'")))
    }

    /// The pid of a unit's main process, when the unit is active.
    pub fn pid(&self, unit: &str) -> Option<u32> {
        let status = self.unit(unit).ok()?.row.status;
        (status.active == ActiveState::Active).then_some(status.main_pid)?
    }

    /// Every process that the daemon knows of.
    fn witnesses(&self) -> Result<Vec<Witness>, Failure> {
        let mut session = self.session()?;
        let rows = session.call::<List>(&ListParams::default())?;
        let units: Vec<String> = rows.iter().map(|row| row.status.unit.to_string()).collect();
        if units.is_empty() {
            return Ok(Vec::new());
        }
        let details = session.call::<UnitStatuses>(&Units { units })?;
        let pids = details.iter().flat_map(|detail| {
            let listed = detail.processes.iter().map(|(pid, _)| *pid);
            listed.chain(detail.row.status.main_pid)
        });
        Ok(pids.filter_map(Witness::of).collect())
    }

    /// Whether services may run without a daemon.
    fn has_invocations(&self) -> bool {
        let entries = fs::read_dir(self.place.layout.invocations());
        entries.into_iter().flatten().next().is_some()
    }

    /// Stops services and daemon, removes a temporary root, and says what is left, which should be
    /// nothing. Signals don't keep it from that; everything in it has a deadline.
    pub fn clear(mut self, ending: Ending) -> Result<String, Failure> {
        let witnesses = match self.stop_everything() {
            Ok(witnesses) => witnesses,
            Err(failure) => {
                // Nothing better is left to try.
                let _ = self.kill_daemon();
                let (root, command) = (self.root.display(), self.place.command());
                let message = format!(
                    "{}\nservices of the demo may still run under {root}",
                    failure.message
                );
                let next = format!("{command} daemon & {command} shutdown");
                return Err(Failure::new(FAILED, message).with_hint(next));
            }
        };
        let left = || {
            let mut left = leftovers(&self.root, &self.place.layout.instance);
            left.extend(survivors(&witnesses));
            left
        };
        if until(DAEMON_DEADLINE, || left().is_empty().then_some(())).is_none() {
            let left = left().join("\n  ");
            return Err(Failure::new(
                FAILED,
                format!("the demo left behind\n  {left}"),
            ));
        }
        let kept = match (self.temporary, ending) {
            (true, Ending::Played) => {
                fs::remove_dir_all(&self.root).map_err(|error| {
                    Failure::caused(format_args!("can't remove {}", self.root.display()), &error)
                })?;
                "the directory is removed".to_owned()
            }
            (true, Ending::Failed) => {
                let (root, log) = (self.root.display(), self.log());
                let log = log.display();
                format!("{root} is kept, to see what went wrong (the daemon's log: {log})")
            }
            (false, _) => format!("{} is kept", self.root.display()),
        };
        Ok(format!(
            "Nothing is left: no process, no mount, no cgroup; {kept}."
        ))
    }

    /// Those who lived before.
    fn stop_everything(&mut self) -> Result<Vec<Witness>, Failure> {
        if self.daemon_ended() {
            if !self.has_invocations() {
                return Ok(Vec::new());
            }
            // Its services live on; only a daemon can stop them.
            self.launch(|| false)?;
        }
        // It may have been interrupted in the middle of its start.
        if self.answering(|| false)?.is_none() {
            return Err(self.daemon_failed("the daemon does not answer"));
        }
        let witnesses = self.witnesses()?;
        self.session()?.call::<Shutdown>(&Empty {})?;
        if until(DAEMON_DEADLINE, || self.daemon_ended().then_some(())).is_none() {
            return Err(self.daemon_failed("the daemon does not end"));
        }
        self.daemon = None;
        Ok(witnesses)
    }
}

/// A fresh directory that others can pass through: the store belongs to another user.
fn temporary_directory() -> std::io::Result<PathBuf> {
    let base = std::env::temp_dir();
    let pid = std::process::id();
    for attempt in 0..u16::MAX {
        let path = base.join(format!("gitproc-demo-{pid}-{attempt}"));
        match fs::DirBuilder::new().mode(0o755).create(&path) {
            Ok(()) => {
                // The umask may have taken the right to pass.
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
                return Ok(path);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}
