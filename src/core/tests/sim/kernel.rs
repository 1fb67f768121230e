//! The fake kernel: helpers, their processes, and what they report, in order.
//!
//! Kept honest by the contract (src/exec/tests/contract.rs), whose scenarios run on this one and on
//! the real helper: the same messages in the same order. It has no policy; what happens next is drawn by the world.
use gitproc_core::api::{HelperEvent, InvocationRecord};
use gitproc_core::protocol::{Exit, Failure, HelperState, Notify, ProcessEnd, Whom};
use gitproc_core::spec::ExecStep;
use gitproc_core::{CommitId, Instant, InvocationId};
use gitproc_unit::{ExecRole, ServiceType, Unit, UnitName};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// One living helper.
#[derive(Debug)]
pub struct Helper {
    pub unit: Arc<Unit>,
    pub commit: CommitId,
    pub restarts: u32,
    pub state: HelperState,
    /// The start command whose process is the main one.
    main_index: u32,
    /// A forking service whose start command ended well and whose PID file is still to come.
    pub awaits_pid_file: bool,
    /// A grandchild in a session of its own.
    stray: bool,
    /// Ignores everything but SIGKILL.
    pub deaf: bool,
    /// Was told to reload, and has not said that it did (Type=notify-reload).
    pub reloads: bool,
}

/// What is left of a helper whose end the daemon has not taken yet.
#[derive(Debug)]
pub struct Remains {
    pub helper: Helper,
}

/// ReloadSignal= by default.
const SIGHUP: i32 = 1;

#[derive(Debug, Default)]
pub struct Kernel {
    pub helpers: BTreeMap<InvocationId, Helper>,
    pub remains: BTreeMap<InvocationId, Remains>,
    /// Reports that are on their way, by invocation.
    pub queues: BTreeMap<InvocationId, VecDeque<HelperEvent>>,
    next_pid: u32,
}

impl Helper {
    pub fn service_type(&self) -> ServiceType {
        self.unit.service.as_ref().expect("a service").service_type
    }

    fn has_processes(&self) -> bool {
        self.state.main_pid.is_some() || self.state.control.is_some() || self.stray
    }

    pub fn record(&self) -> InvocationRecord {
        InvocationRecord {
            version: 1,
            invocation: self.state.invocation,
            unit: self.unit.name.clone(),
            commit: self.commit.clone(),
            meaning: self.unit.meaning,
            cgroup: None,
            slice: None,
            tmp_of: None,
            restarts: self.restarts,
        }
    }
}

impl Kernel {
    pub fn living(&self, unit: &UnitName) -> usize {
        self.helpers
            .values()
            .filter(|helper| helper.unit.name == *unit)
            .count()
    }

    fn report(&mut self, invocation: InvocationId, event: HelperEvent) {
        self.queues.entry(invocation).or_default().push_back(event);
    }

    fn pid(&mut self) -> u32 {
        self.next_pid += 1;
        self.next_pid
    }

    // ── Effects ─────────────────────────────────────────────────────────────────────────────

    pub fn spawn(
        &mut self,
        invocation: InvocationId,
        unit: Arc<Unit>,
        commit: CommitId,
        restarts: u32,
        fails: bool,
    ) {
        if fails {
            let failure = Failure {
                step: ExecStep::User,
                errno: 0,
                detail: "no user".into(),
            };
            return self.report(invocation, HelperEvent::SpawnFailed(failure));
        }
        let state = HelperState::new(invocation, unit.name.clone());
        let helper = Helper {
            unit,
            commit,
            restarts,
            state,
            main_index: 0,
            awaits_pid_file: false,
            stray: false,
            deaf: false,
            reloads: false,
        };
        assert!(
            self.helpers.insert(invocation, helper).is_none(),
            "invocation ids are unique"
        );
    }

    pub fn run(&mut self, invocation: InvocationId, role: ExecRole, index: u32, stray: bool) {
        let pid = self.pid();
        let Some(helper) = self.helpers.get_mut(&invocation) else {
            return;
        };
        assert!(helper.state.ready, "no command before the helper is ready");
        helper.state.empty = false;
        helper.stray |= stray;
        if role == ExecRole::Start && helper.service_type() != ServiceType::Forking {
            assert!(
                helper.state.main_pid.is_none(),
                "one main process at a time"
            );
            helper.state.main_pid = Some(pid);
            helper.state.main_end = None;
            helper.state.main_execed = true;
            helper.main_index = index;
        } else {
            assert!(
                helper.state.control.is_none(),
                "one control process at a time"
            );
            helper.state.control = Some((role, index, pid));
        }
        self.report(invocation, HelperEvent::Forked { role, index, pid });
        self.report(invocation, HelperEvent::Execed { role, index });
    }

    pub fn signal(&mut self, invocation: InvocationId, whom: Whom, signal: i32) {
        let Some(helper) = self.helpers.get_mut(&invocation) else {
            return;
        };
        if helper.deaf && signal != 9 {
            return;
        }
        let reloads = helper.service_type() == ServiceType::NotifyReload && signal == SIGHUP;
        if reloads && helper.state.main_pid.is_some() {
            helper.reloads = true;
            return;
        }
        let end = ProcessEnd::Killed(signal);
        if matches!(whom, Whom::All) {
            helper.stray = false;
        }
        if matches!(whom, Whom::Control | Whom::All) {
            self.end_control(invocation, end);
        }
        if matches!(whom, Whom::Main | Whom::All) {
            self.end_main(invocation, end);
        }
        self.check_empty(invocation);
    }

    /// The end of the helper: nothing of it lives, what it knew stays until the daemon took it.
    pub fn remove(&mut self, invocation: InvocationId, by_release: bool) {
        let Some(mut helper) = self.helpers.remove(&invocation) else {
            return;
        };
        if by_release {
            // The helper reaps and records before it goes.
            let main = helper.state.main_pid.take();
            if main.is_some() {
                helper.state.main_end = Some(ProcessEnd::Killed(9));
            }
        }
        helper.state.control = None;
        helper.state.empty = true;
        self.remains.insert(invocation, Remains { helper });
        self.report(invocation, HelperEvent::Gone);
    }

    // ── What happens by itself ──────────────────────────────────────────────────────────────

    pub fn make_ready(&mut self, invocation: InvocationId) {
        let Some(helper) = self.helpers.get_mut(&invocation) else {
            return;
        };
        if !helper.state.ready {
            helper.state.ready = true;
            self.report(invocation, HelperEvent::Ready);
        }
    }

    pub fn end_control(&mut self, invocation: InvocationId, end: ProcessEnd) {
        let Some(helper) = self.helpers.get_mut(&invocation) else {
            return;
        };
        let Some((role, index, _)) = helper.state.control.take() else {
            return;
        };
        let exit = Exit {
            role,
            index,
            end,
            failure: None,
        };
        helper.state.exits.insert(role, exit.clone());
        if role == ExecRole::Start && end == ProcessEnd::Exited(0) {
            helper.awaits_pid_file = true;
        }
        self.report(invocation, HelperEvent::Exited(exit));
        self.check_empty(invocation);
    }

    pub fn end_main(&mut self, invocation: InvocationId, end: ProcessEnd) {
        let Some(helper) = self.helpers.get_mut(&invocation) else {
            return;
        };
        if helper.state.main_pid.take().is_none() {
            return;
        }
        helper.state.main_end = Some(end);
        let event = match helper.service_type() {
            ServiceType::Forking => HelperEvent::MainExited(end),
            _ => {
                let index = helper.main_index;
                let exit = Exit {
                    role: ExecRole::Start,
                    index,
                    end,
                    failure: None,
                };
                helper.state.exits.insert(ExecRole::Start, exit.clone());
                HelperEvent::Exited(exit)
            }
        };
        self.report(invocation, event);
        self.check_empty(invocation);
    }

    pub fn write_pid_file(&mut self, invocation: InvocationId) {
        let pid = self.pid();
        let Some(helper) = self.helpers.get_mut(&invocation) else {
            return;
        };
        helper.awaits_pid_file = false;
        helper.state.main_pid = Some(pid);
        helper.state.main_end = None;
        helper.state.empty = false;
        self.report(invocation, HelperEvent::MainPid { pid });
    }

    pub fn notify_ready(&mut self, invocation: InvocationId) {
        let Some(helper) = self.helpers.get_mut(&invocation) else {
            return;
        };
        helper.state.notified_ready = true;
        let notify = Notify {
            ready: true,
            ..Notify::default()
        };
        self.report(invocation, HelperEvent::Notify(notify));
    }

    /// Any other notification.
    pub fn notify(&mut self, invocation: InvocationId, notify: Notify) {
        if let Some(helper) = self.helpers.get_mut(&invocation) {
            helper.state.notified_stopping |= notify.stopping;
            self.report(invocation, HelperEvent::Notify(notify));
        }
    }

    /// It reloads, at `now`, and is ready again.
    pub fn reload(&mut self, invocation: InvocationId, now: Instant) {
        let Some(helper) = self.helpers.get_mut(&invocation) else {
            return;
        };
        helper.reloads = false;
        let begins = Notify {
            reloading: true,
            monotonic_us: Some(now.0),
            ..Notify::default()
        };
        self.report(invocation, HelperEvent::Notify(begins));
        self.notify_ready(invocation);
    }

    /// The kernel kills the main process for want of memory; that is counted, perhaps twice.
    pub fn starve(&mut self, invocation: InvocationId, twice: bool) {
        let living = self.helpers.get_mut(&invocation);
        if let Some(helper) = living.filter(|helper| helper.state.main_pid.is_some()) {
            helper.state.oom_killed = true;
            for _ in 0..=u32::from(twice) {
                self.report(invocation, HelperEvent::OomKill);
            }
            self.end_main(invocation, ProcessEnd::Killed(9));
        }
    }

    fn check_empty(&mut self, invocation: InvocationId) {
        let Some(helper) = self.helpers.get_mut(&invocation) else {
            return;
        };
        if !helper.has_processes() && !helper.state.empty && !helper.awaits_pid_file {
            helper.state.empty = true;
            self.report(invocation, HelperEvent::Empty);
        }
    }

    /// Everything of the payload dies, the helper lives.
    pub fn kill_payload(&mut self, invocation: InvocationId) {
        if let Some(helper) = self.helpers.get_mut(&invocation) {
            helper.awaits_pid_file = false;
        }
        self.signal(invocation, Whom::All, 9);
    }
}
