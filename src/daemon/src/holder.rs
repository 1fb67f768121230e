//! One task per invocation: it owns the helper's process, link, cgroup and directory, reports what
//! happens, and cleans up.
//!
//! ```text
//!  spawn ─▶ go ─▶ hold: lines of the helper ─▶ events      adopt ─▶ hold
//!                 │     commands of the engine ─▶ lines
//!                 ▼
//!           pidfd readable ─▶ missing ends from state.json ─▶ kill and remove the cgroup ─▶ Gone
//! ```
//! When the daemon ends, the task is dropped where it stands: the link closes, the service runs on.
use crate::driver::Unapplied;
use crate::host::Host;
use crate::link::{Link, LinkError};
use crate::poller::Poller;
use crate::shell::{Leaving, Message, Shell};
use crate::spawn::{Belongings, SpawnRequest, Spawned, spawn};
use crate::{cleanup, last_words};
use gitproc_core::protocol::{Failure, FromHelper, ToHelper, Whom};
use gitproc_core::spec::ExecStep;
use gitproc_core::{HelperEvent, InvocationId};
use gitproc_sys::cgroup::MemoryEvents;
use gitproc_unit::{Preserve, UnitName};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How long a helper may take to end after `quit`, before it is killed. It has to kill what is left
/// of its namespace and to write out the pipes.
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the end of the link is read after the helper has died. All bytes are there by then; a
/// process that holds a copy of the link must not hold us.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// SIGKILL, which the kernel sent when a helper died and took its namespace with it.
const SIGKILL: i32 = 9;

/// What every holder needs.
#[derive(Debug)]
pub struct HolderContext {
    /// The host.
    pub host: Arc<Host>,
    /// The loop.
    pub shell: Shell,
    /// Waits on pidfds.
    pub poller: Poller,
    /// Limits that could not be applied.
    pub unapplied: watch::Sender<Unapplied>,
}

/// What the engine wants of one invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say it to the helper.
    Tell(ToHelper),
    /// Kill the payload.
    KillCgroup,
    /// End the helper.
    Release {
        /// RuntimeDirectory= stays.
        keep_runtime_directory: bool,
    },
}

/// A helper that outlived the last daemon.
#[derive(Debug)]
pub struct Adopted {
    /// The unit.
    pub unit: UnitName,
    /// What belongs to it.
    pub belongings: Belongings,
    /// A link whose `Hello` has been read.
    pub link: Link,
    /// The process.
    pub pidfd: OwnedFd,
    /// What the `Hello` said.
    pub told: last_words::Told,
}

/// One invocation.
#[derive(Debug)]
pub struct Holder {
    context: Arc<HolderContext>,
    invocation: InvocationId,
    commands: mpsc::Receiver<Command>,
}

/// While the helper lives.
struct Held {
    unit: UnitName,
    belongings: Belongings,
    link: Option<Link>,
    pidfd: Arc<OwnedFd>,
    told: last_words::Told,
    /// As far as reported. The cgroup is as old as the invocation, so the count begins at 0; what
    /// an earlier daemon has reported is reported again, which changes nothing.
    oom_kills: u64,
    /// Set by `Release`: whether RuntimeDirectory= stays.
    released: Option<bool>,
    /// When a helper that should end is killed.
    kill_at: Option<Instant>,
}

impl Holder {
    /// For an invocation whose commands come by `commands`.
    pub fn new(
        context: Arc<HolderContext>,
        invocation: InvocationId,
        commands: mpsc::Receiver<Command>,
    ) -> Holder {
        Holder {
            context,
            invocation,
            commands,
        }
    }

    /// Makes the helper and holds it until it is gone.
    pub async fn spawn(self, request: SpawnRequest) {
        let unit = request.unit.name.clone();
        let host = Arc::clone(&self.context.host);
        let made = tokio::task::spawn_blocking(move || spawn(&host, &request)).await;
        self.watch_keepers();
        let spawned = match made {
            Ok(Ok(spawned)) => spawned,
            Ok(Err(failure)) => return self.failed_to_spawn(failure).await,
            Err(panic) => {
                let detail = format!("make the helper: {panic}");
                let failure = Failure {
                    step: ExecStep::Exec,
                    errno: 0,
                    detail,
                };
                return self.failed_to_spawn(failure).await;
            }
        };
        self.note_unapplied(&unit, &spawned);
        let link = match Link::new(spawned.link) {
            Ok(link) => Some(link),
            Err(error) => {
                tracing::error!(unit = unit.as_str(), "{unit}: {error}: the helper will end");
                None
            }
        };
        let held = Held::new(unit, spawned.belongings, link, spawned.pidfd);
        self.hold(held).await;
    }

    /// Takes over a helper.
    pub async fn adopt(self, adopted: Adopted) {
        let Adopted {
            unit,
            belongings,
            link,
            pidfd,
            told,
        } = adopted;
        let held = Held::new(unit, belongings, Some(link), pidfd);
        self.hold(Held { told, ..held }).await;
    }

    async fn failed_to_spawn(&self, failure: Failure) {
        let _ = self.report(HelperEvent::SpawnFailed(failure)).await;
    }

    /// Keepers of descriptors are children of the daemon, too.
    fn watch_keepers(&self) {
        for keeper in self.context.host.descriptor_stores.take_unwatched() {
            let context = Arc::clone(&self.context);
            tokio::spawn(async move {
                if let Err(error) = context.poller.readable(&keeper.pidfd).await {
                    tracing::error!("wait for a keeper of descriptors: {error}, ignoring");
                    return;
                }
                let _ = gitproc_sys::pidfd::reap(keeper.pidfd.as_fd());
                context.host.descriptor_stores.ended(&keeper);
            });
        }
    }

    fn note_unapplied(&self, unit: &UnitName, spawned: &Spawned) {
        self.context.unapplied.send_if_modified(|all| {
            let before = match spawned.unapplied.is_empty() {
                true => all.remove(unit),
                false => all.insert(unit.clone(), spawned.unapplied.clone()),
            };
            let changed = before.unwrap_or_default() != spawned.unapplied;
            for limit in spawned.unapplied.iter().filter(|_| changed) {
                let name = unit.as_str();
                tracing::warn!(unit = name, "{unit}: not applied: {limit}, ignoring");
            }
            changed
        });
    }

    /// Until the helper is gone, or the daemon ends.
    async fn hold(mut self, mut held: Held) {
        let poller = self.context.poller.clone();
        let pidfd = Arc::clone(&held.pidfd);
        let mut dead = std::pin::pin!(poller.readable(&*pidfd));
        let memory = held.watch_memory();
        let mut starved = std::pin::pin!(changed(&poller, memory.as_ref()));
        let mut open = true;
        loop {
            let kill_at = held.kill_at;
            tokio::select! {
                line = next_line(&mut held.link) => match line {
                    Ok(Some(message)) => {
                        if self.heard(&mut held, message).await.is_err() {
                            return;
                        }
                    }
                    // A closed link while the process lives: it is about to end, or is broken.
                    Ok(None) => {
                        held.link = None;
                        held.give_up_in(QUIT_TIMEOUT);
                    }
                    Err(error) => {
                        tracing::error!(
                            unit = held.unit.as_str(), invocation = %self.invocation,
                            "{}: link to the helper: {error}: killing it", held.unit
                        );
                        held.link = None;
                        held.kill_helper();
                    }
                },
                command = self.commands.recv(), if open => match command {
                    Some(command) => self.obey(&mut held, command).await,
                    None if self.context.shell.is_closed() => return,
                    // Given up by the driver.
                    None => {
                        open = false;
                        held.kill_helper();
                    }
                },
                result = &mut dead => {
                    if let Err(error) = result {
                        tracing::error!("wait for a helper: {error}, ignoring");
                    }
                    break;
                }
                () = &mut starved => {
                    if self.look_for_oom(&mut held, memory.as_ref()).await.is_err() {
                        return;
                    }
                    starved.set(changed(&poller, memory.as_ref()));
                }
                () = at(kill_at) => {
                    held.kill_helper();
                    held.kill_at = None;
                }
            }
        }
        self.bury(held).await;
    }

    async fn heard(&self, held: &mut Held, message: FromHelper) -> Result<(), Leaving> {
        let Some(event) = HelperEvent::of(message) else {
            return Ok(());
        };
        if matches!(event, HelperEvent::Exited(_) | HelperEvent::MainExited(_)) {
            self.look_for_oom(held, None).await?;
        }
        held.told.note(&event);
        self.report(event).await
    }

    /// The counter is read before an exit is reported, so that the engine knows why; and through
    /// `watched`, if given, when that has told of a change.
    async fn look_for_oom(
        &self,
        held: &mut Held,
        watched: Option<&MemoryEvents>,
    ) -> Result<(), Leaving> {
        let kills = match watched.map(MemoryEvents::oom_kills) {
            Some(Ok(kills)) => kills,
            // A cgroup that is being removed has nothing more to tell by its open files.
            Some(Err(_)) | None => held.belongings.cgroup.oom_kills().unwrap_or(0),
        };
        if kills > held.oom_kills {
            held.oom_kills = kills;
            self.report(HelperEvent::OomKill).await?;
        }
        Ok(())
    }

    async fn obey(&self, held: &mut Held, command: Command) {
        match command {
            Command::Tell(message) => held.tell(&message).await,
            Command::KillCgroup => held.kill_payload().await,
            Command::Release {
                keep_runtime_directory,
            } => {
                held.tell(&ToHelper::Quit).await;
                held.released = Some(keep_runtime_directory);
                held.give_up_in(QUIT_TIMEOUT);
            }
        }
    }

    /// The helper has ended: says what it could not say any more, and cleans up.
    async fn bury(self, mut held: Held) {
        // Collects it when it is our child; an adopted one is init's.
        let _ = gitproc_sys::pidfd::reap(held.pidfd.as_fd());
        if held.link.is_some() {
            let drained = tokio::time::timeout(DRAIN_TIMEOUT, async {
                while let Ok(Some(message)) = next_line(&mut held.link).await {
                    self.heard(&mut held, message).await?;
                }
                Ok::<(), Leaving>(())
            });
            if let Ok(Err(Leaving)) = drained.await {
                return;
            }
        }
        if held.released.is_none() {
            if self.look_for_oom(&mut held, None).await.is_err() {
                return;
            }
            let left = crate::records::read_state(&held.belongings.dir);
            for event in last_words::missing(&held.told, left.ok().as_ref(), SIGKILL) {
                if self.report(event).await.is_err() {
                    return;
                }
            }
        }
        let keep = held
            .released
            .unwrap_or(held.belongings.preserve != Preserve::No);
        self.clean_up(&held.unit, held.belongings, keep).await;
    }

    async fn clean_up(&self, unit: &UnitName, belongings: Belongings, keep_runtime: bool) {
        let host = Arc::clone(&self.context.host);
        let cleaned = tokio::task::spawn_blocking(move || {
            cleanup::clean(&host.commons, &belongings, keep_runtime)
        });
        for problem in cleaned
            .await
            .unwrap_or_else(|panic| vec![panic.to_string()])
        {
            let invocation = self.invocation;
            tracing::error!(unit = unit.as_str(), %invocation, "{unit}: {problem}, ignoring");
        }
        let _ = self.report(HelperEvent::Gone).await;
    }

    async fn report(&self, event: HelperEvent) -> Result<(), Leaving> {
        let invocation = self.invocation;
        self.context
            .shell
            .send(Message::Helper { invocation, event })
            .await
    }
}

impl Held {
    fn new(unit: UnitName, belongings: Belongings, link: Option<Link>, pidfd: OwnedFd) -> Held {
        Held {
            unit,
            oom_kills: 0,
            belongings,
            link,
            pidfd: Arc::new(pidfd),
            told: last_words::Told::default(),
            released: None,
            kill_at: None,
        }
    }

    /// Without it, kills of other than main processes are noticed late.
    fn watch_memory(&self) -> Option<MemoryEvents> {
        self.belongings
            .cgroup
            .memory_events()
            .unwrap_or_else(|error| {
                let unit = self.unit.as_str();
                tracing::warn!(unit, "{unit}: {}, ignoring", error.in_full());
                None
            })
    }

    /// An error shows again when the link is read, and there it is acted upon.
    async fn tell(&mut self, message: &ToHelper) {
        if let Some(link) = &mut self.link {
            let _ = link.send(message).await;
        }
    }

    async fn kill_payload(&mut self) {
        let tracked = self.belongings.cgroup.path().is_some();
        match self.belongings.cgroup.kill_payload() {
            Ok(()) if tracked => {}
            // Without a tracking cgroup the helper knows who belongs to the service: its namespace,
            // or all that live below it.
            Ok(()) if self.link.is_some() => {
                let (whom, signal) = (Whom::All, SIGKILL);
                self.tell(&ToHelper::Signal { whom, signal }).await;
            }
            Ok(()) => self.kill_helper(),
            Err(error) => {
                tracing::error!(
                    unit = self.unit.as_str(),
                    "{}: {}: killing the helper instead",
                    self.unit,
                    error.in_full()
                );
                self.kill_helper();
            }
        }
    }

    /// SIGKILL by pidfd: it can only hit this very process.
    fn kill_helper(&self) {
        let sent = gitproc_sys::pidfd::send_signal(self.pidfd.as_fd(), SIGKILL);
        if let Err(error) = sent {
            tracing::error!(
                unit = self.unit.as_str(),
                "{}: {}, ignoring",
                self.unit,
                error.in_full()
            );
        }
    }

    /// Sets the time to kill the helper, unless an earlier one stands.
    fn give_up_in(&mut self, wait: Duration) {
        self.kill_at.get_or_insert(Instant::now() + wait);
    }
}

/// Pends for ever where there is nothing to watch.
async fn changed(poller: &Poller, events: Option<&MemoryEvents>) {
    match events {
        Some(events) if poller.changed(events).await.is_ok() => {}
        Some(_) | None => std::future::pending().await,
    }
}

/// Pends for ever without a link.
async fn next_line(link: &mut Option<Link>) -> Result<Option<FromHelper>, LinkError> {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
