//! The one owner of the engine: inputs in, effects done in order, copies out.
//!
//! Nothing here waits for anything but the next message or the engine's deadline.
use crate::driver::Driver;
use crate::fail_point::FailPoint;
use crate::host_action::Asked;
use crate::shell::{Change, Inbox, Message, Settled};
use gitproc_core::api::JobOutcome;
use gitproc_core::snapshot::{ActiveState, UnitResult};
use gitproc_core::{Effect, Engine, HelperEvent, Input, Instant, InvocationId, JobId};
use gitproc_unit::{UnitKind, UnitName};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Owns all unit states.
#[derive(Debug)]
pub struct EventLoop {
    engine: Engine,
    driver: Driver,
    inbox: Inbox,
    host_actions: mpsc::UnboundedSender<Asked>,
    requests: HashMap<JobId, PendingRequest>,
    settling: HashMap<JobId, oneshot::Sender<Settled>>,
    last_job: u64,
    fail_point: Option<FailPoint>,
}

/// A request that has not been answered for each unit.
#[derive(Debug)]
struct PendingRequest {
    missing: usize,
    outcomes: Vec<JobOutcome>,
    reply: oneshot::Sender<Vec<JobOutcome>>,
}

/// Monotonic time as the engine has it.
pub fn now() -> Instant {
    Instant(gitproc_sys::host::monotonic_us())
}

impl EventLoop {
    /// A loop over an engine that knows nothing yet.
    pub fn new(
        engine: Engine,
        driver: Driver,
        inbox: Inbox,
        host_actions: mpsc::UnboundedSender<Asked>,
    ) -> EventLoop {
        EventLoop {
            engine,
            driver,
            inbox,
            host_actions,
            requests: HashMap::new(),
            settling: HashMap::new(),
            last_job: 0,
            fail_point: FailPoint::from_environment(),
        }
    }

    /// For restoring and adopting before the loop runs.
    pub fn restore(&mut self, input: Input) {
        self.step(input);
    }

    /// The driver, to give it adopted helpers.
    pub fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }

    /// Runs until [`Message::Leave`], or until nobody can send any more.
    pub async fn run(mut self) {
        loop {
            let deadline = self.engine.deadline();
            tokio::select! {
                message = self.inbox.messages.recv() => match message {
                    None | Some(Message::Leave) => return,
                    Some(message) => self.take(message),
                },
                () = until(deadline) => self.step(Input::Tick),
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Helper { invocation, event } => {
                let last = matches!(event, HelperEvent::Gone | HelperEvent::SpawnFailed(_));
                self.step(Input::Helper { invocation, event });
                // After the engine has recorded it: until then the directory is the proof that
                // this invocation came to be.
                if last {
                    self.driver.forget(invocation);
                }
            }
            Message::Checked {
                unit,
                invocation,
                conditions,
                asserts,
            } => self.step(Input::Checked {
                unit,
                invocation,
                conditions,
                asserts,
            }),
            Message::Request {
                verb,
                mode,
                units,
                reply,
            } => {
                if units.is_empty() {
                    let _ = reply.send(Vec::new());
                    return;
                }
                let job = self.next_job();
                let pending = PendingRequest {
                    missing: units.len(),
                    outcomes: Vec::new(),
                    reply,
                };
                self.requests.insert(job, pending);
                self.step(Input::Request {
                    job,
                    verb,
                    mode,
                    units,
                });
            }
            Message::Kill { unit, whom, signal } => self.step(Input::Kill { unit, whom, signal }),
            Message::ResetFailed { units } => self.step(Input::ResetFailed { units }),
            Message::Target {
                commit,
                units,
                settled,
            } => {
                let job = self.next_job();
                self.settling.insert(job, settled);
                self.step(Input::Target { job, commit, units });
            }
            Message::StopServices { settled } => {
                let job = self.next_job();
                self.settling.insert(job, settled);
                self.step(Input::Shutdown { job });
            }
            Message::Statuses { reply } => {
                // The asker may have hung up.
                let _ = reply.send(self.engine.statuses());
            }
            Message::Leave => {}
        }
    }

    fn next_job(&mut self) -> JobId {
        self.last_job += 1;
        JobId(self.last_job)
    }

    fn step(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.engine.step(now(), input, &mut effects);
        for effect in effects {
            if let Some(point) = &mut self.fail_point {
                point.before(&effect);
            }
            self.perform(effect);
        }
        self.driver
            .close_descriptor_stores(|unit| self.engine.keeps_descriptors(unit));
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::JobDone(outcome) => self.job_done(outcome),
            Effect::Settled {
                job,
                failed,
                skipped,
                superseded,
            } => {
                if let Some(waiter) = self.settling.remove(&job) {
                    let _ = waiter.send(Settled {
                        failed,
                        skipped,
                        superseded,
                    });
                }
            }
            Effect::Changed {
                unit,
                invocation,
                from,
                to,
                sub,
                result,
                reason,
                main_pid,
            } => {
                log_change(
                    &unit,
                    invocation,
                    from,
                    to,
                    sub,
                    result,
                    reason.as_deref(),
                    main_pid,
                );
                let at_us = now().0;
                // No listener is no error.
                let _ = self.inbox.changes.send(Change {
                    unit,
                    from,
                    to,
                    sub,
                    result,
                    reason,
                    main_pid,
                    at_us,
                });
            }
            Effect::HostAction {
                unit,
                key,
                action,
                exit_status,
                argument,
            } => {
                let asked = Asked {
                    unit,
                    key,
                    action,
                    exit_status,
                    argument,
                };
                // Nobody listens only when the daemon leaves anyway.
                let _ = self.host_actions.send(asked);
            }
            Effect::Check { .. }
            | Effect::Spawn { .. }
            | Effect::Run { .. }
            | Effect::Signal { .. }
            | Effect::KillCgroup { .. }
            | Effect::Release { .. }
            | Effect::Record { .. } => self.driver.act(effect),
        }
    }

    fn job_done(&mut self, outcome: JobOutcome) {
        let job = outcome.job;
        let Some(pending) = self.requests.get_mut(&job) else {
            return;
        };
        pending.outcomes.push(outcome);
        pending.missing -= 1;
        if pending.missing == 0
            && let Some(done) = self.requests.remove(&job)
        {
            let _ = done.reply.send(done.outcomes);
        }
    }
}

/// The only place where a unit's way is logged.
#[allow(clippy::too_many_arguments)] // the fields of one effect
fn log_change(
    unit: &UnitName,
    invocation: Option<InvocationId>,
    from: ActiveState,
    to: ActiveState,
    sub: &str,
    result: UnitResult,
    reason: Option<&str>,
    main_pid: Option<u32>,
) {
    let invocation = invocation.map(tracing::field::display);
    let kind = unit.kind();
    let (unit, to_text) = (unit.as_str(), to.as_str());
    let reason_text = reason
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    match (to, result) {
        (ActiveState::Inactive, UnitResult::Condition) => {
            tracing::info!(unit, "{unit}: skipped{reason_text}");
        }
        (ActiveState::Inactive, UnitResult::Assert) => {
            tracing::error!(unit, "{unit}: not started{reason_text}");
        }
        (ActiveState::Failed, _) => {
            let result = result.as_str();
            tracing::error!(
                unit,
                invocation,
                result,
                "{unit}: failed ({result}){reason_text}"
            );
        }
        // Targets follow their services, and the host's own are many.
        _ if from == to || kind == UnitKind::Target => {
            tracing::debug!(
                unit,
                invocation,
                main_pid,
                "{unit}: {to_text} ({sub}){reason_text}"
            );
        }
        _ => tracing::info!(
            unit,
            invocation,
            main_pid,
            "{unit}: {to_text} ({sub}){reason_text}"
        ),
    }
}

/// Sleeps until the engine wants to be woken; for ever when it does not.
async fn until(deadline: Option<Instant>) {
    match deadline {
        None => std::future::pending().await,
        Some(Instant(at)) => {
            let left = at.saturating_sub(now().0);
            tokio::time::sleep(Duration::from_micros(left)).await;
        }
    }
}
