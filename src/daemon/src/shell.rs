//! How every other task talks to the one that owns the engine: messages in, copies out.
use gitproc_core::api::{HelperEvent, JobMode, JobOutcome, KillWhom, Verb};
use gitproc_core::snapshot::{ActiveState, UnitResult, UnitStatus};
use gitproc_core::{CommitId, InvocationId};
use gitproc_unit::{UnitName, UnitSet, Verdict};
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, oneshot};

/// Messages that may wait for the loop; senders wait beyond that. A step takes microseconds, so
/// this is a burst of all helpers of a large host.
const INBOX: usize = 1024;

/// Changes that a slow listener may lag behind; progress lines are then missing, never wrong.
const CHANGES: usize = 4096;

/// What the loop is asked.
#[derive(Debug)]
pub enum Message {
    /// From the holder of an invocation.
    Helper {
        /// Which.
        invocation: InvocationId,
        /// What.
        event: HelperEvent,
    },
    /// What the host says to the conditions and asserts of a unit.
    Checked {
        /// The unit.
        unit: UnitName,
        /// The invocation that is to be.
        invocation: InvocationId,
        /// `Condition…=`
        conditions: Verdict,
        /// `Assert…=`
        asserts: Verdict,
    },
    /// A job verb; answered when every unit is done.
    Request {
        /// What to do.
        verb: Verb,
        /// About other jobs and units.
        mode: JobMode,
        /// To which units.
        units: Vec<UnitName>,
        /// The answer.
        reply: oneshot::Sender<Vec<JobOutcome>>,
    },
    /// `gitproc kill`
    Kill {
        /// The unit.
        unit: UnitName,
        /// To whom.
        whom: KillWhom,
        /// Number.
        signal: i32,
    },
    /// `gitproc reset-failed`
    ResetFailed {
        /// Which; all when empty.
        units: Vec<UnitName>,
    },
    /// This commit is wanted from now on.
    Target {
        /// The commit.
        commit: CommitId,
        /// Its units.
        units: Arc<UnitSet>,
        /// Told when nothing is left to do.
        settled: oneshot::Sender<Settled>,
    },
    /// A copy of all states.
    Statuses {
        /// The answer.
        reply: oneshot::Sender<Vec<UnitStatus>>,
    },
    /// Stop every service in order.
    StopServices {
        /// Told when they are down.
        settled: oneshot::Sender<Settled>,
    },
    /// End the loop; services run on.
    Leave,
}

/// How a target or a shutdown ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Units that should be up and are not, with the reason.
    pub failed: Vec<(UnitName, String)>,
    /// Units whose conditions did not hold, with the reason.
    pub skipped: Vec<(UnitName, String)>,
    /// A newer target took its place.
    pub superseded: bool,
}

/// A unit's state changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The unit.
    pub unit: UnitName,
    /// Before.
    pub from: ActiveState,
    /// After.
    pub to: ActiveState,
    /// SubState after.
    pub sub: &'static str,
    /// Result after.
    pub result: UnitResult,
    /// In words, when something went wrong.
    pub reason: Option<String>,
    /// Host pid of the main process.
    pub main_pid: Option<u32>,
    /// When, monotonic µs.
    pub at_us: u64,
}

/// The loop is gone: the daemon is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the daemon is shutting down")]
pub struct Leaving;

/// Handle to the loop.
#[derive(Debug, Clone)]
pub struct Shell {
    messages: mpsc::Sender<Message>,
    changes: broadcast::Sender<Change>,
}

/// The loop's ends of the channels.
#[derive(Debug)]
pub struct Inbox {
    /// What is asked.
    pub messages: mpsc::Receiver<Message>,
    /// Who listens.
    pub changes: broadcast::Sender<Change>,
}

impl Shell {
    /// A handle, and what the loop is to be made with.
    pub fn new() -> (Shell, Inbox) {
        let (sender, messages) = mpsc::channel(INBOX);
        let (changes, _) = broadcast::channel(CHANGES);
        let shell = Shell {
            messages: sender,
            changes: changes.clone(),
        };
        (shell, Inbox { messages, changes })
    }

    /// Sends one message.
    pub async fn send(&self, message: Message) -> Result<(), Leaving> {
        self.messages.send(message).await.map_err(|_| Leaving)
    }

    /// Whether the loop has ended.
    pub fn is_closed(&self) -> bool {
        self.messages.is_closed()
    }

    async fn ask<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T, Leaving> {
        let (reply, answer) = oneshot::channel();
        self.send(make(reply)).await?;
        answer.await.map_err(|_| Leaving)
    }

    /// Asks for a job verb and waits until it is done for each unit.
    pub async fn request(
        &self,
        verb: Verb,
        mode: JobMode,
        units: Vec<UnitName>,
    ) -> Result<Vec<JobOutcome>, Leaving> {
        let message = |reply| Message::Request {
            verb,
            mode,
            units,
            reply,
        };
        self.ask(message).await
    }

    /// Sets the target; the receiver tells when nothing is left to do.
    pub async fn target(
        &self,
        commit: CommitId,
        units: Arc<UnitSet>,
    ) -> Result<oneshot::Receiver<Settled>, Leaving> {
        let (settled, wait) = oneshot::channel();
        self.send(Message::Target {
            commit,
            units,
            settled,
        })
        .await?;
        Ok(wait)
    }

    /// All units, by name.
    pub async fn statuses(&self) -> Result<Vec<UnitStatus>, Leaving> {
        self.ask(|reply| Message::Statuses { reply }).await
    }

    /// Stops every service in order and waits for it.
    pub async fn stop_services(&self) -> Result<Settled, Leaving> {
        self.ask(|settled| Message::StopServices { settled }).await
    }

    /// Changes from now on.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}
