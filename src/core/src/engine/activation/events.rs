//! What an event, or a deadline, means for an activation at each of its stages.
use super::{Activation, Main, Progress, SIGKILL, Stage};
use crate::Instant;
use crate::api::{Effect, HelperEvent};
use crate::protocol::{Exit, Notify, ProcessEnd, Whom};
use crate::snapshot::UnitResult;
use crate::spec::ExecStep;
use gitproc_unit::Family::Service;
use gitproc_unit::{ExecRole, ServiceType};

/// How a service is ended whose time is over (systemd.service(5), TimeoutStartFailureMode=).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailureMode {
    Terminate,
    Abort,
    Kill,
}

impl Activation {
    /// Takes an event of this invocation.
    pub(in crate::engine) fn event(
        &mut self,
        now: Instant,
        event: HelperEvent,
        out: &mut Vec<Effect>,
    ) -> Progress {
        match event {
            HelperEvent::SpawnFailed(failure) => {
                self.fail_spawn(&failure);
                Progress::Gone
            }
            HelperEvent::Failed(failure) => {
                self.fail_set_up(&failure);
                self.release(out);
                Progress::None
            }
            HelperEvent::Ready => match self.stage {
                Stage::Spawning => self.next_start_step(now, ExecRole::Condition, 0, out),
                _ => Progress::None,
            },
            HelperEvent::Forked { role, pid, .. } => self.forked(now, role, pid, out),
            HelperEvent::Execed { role, .. } => {
                self.execed |= role == ExecRole::Start;
                self.check_readiness(now, out)
            }
            HelperEvent::Exited(exit) => self.exited(now, exit, out),
            HelperEvent::MainPid { pid } => {
                self.main_lives(pid);
                match self.stage {
                    Stage::Start(_) if self.service().service_type == ServiceType::Forking => {
                        self.check_readiness(now, out)
                    }
                    _ => Progress::None,
                }
            }
            HelperEvent::MainExited(end) => self.main_ended(now, end, false, out),
            HelperEvent::Notify(notify) => self.notified(now, notify, out),
            HelperEvent::Empty => {
                self.empty = true;
                self.became_empty(now, out)
            }
            HelperEvent::OomKill => {
                self.oom_killed = true;
                let goes_on = self.unit.settings.text(Service, "OOMPolicy") == "continue";
                if self.stage == Stage::Running && !goes_on {
                    // OOMPolicy=stop, the default: the rest of the service goes too. With kill, the
                    // kernel has seen to that.
                    self.fail(UnitResult::OomKill, "killed for want of memory".into());
                    self.enter_stop_sigterm(now, out);
                }
                Progress::None
            }
            HelperEvent::Gone => {
                if self.stage != Stage::Releasing
                    && matches!(self.main, Main::Ordered | Main::Alive)
                {
                    self.note_main_end(ProcessEnd::Killed(SIGKILL), false);
                }
                if self.stage != Stage::Releasing && self.told.is_none() {
                    self.fail(UnitResult::Resources, "its helper is gone".into());
                }
                self.empty = true;
                Progress::Gone
            }
        }
    }

    /// For adoption: what was seen before this daemon began.
    pub(in crate::engine) fn recall_readiness(&mut self, ready: bool, execed: bool) {
        self.ready = ready;
        self.execed = execed;
    }

    /// For adoption: judges readiness anew.
    pub(in crate::engine) fn recheck(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        self.check_readiness(now, out)
    }

    /// A deadline has passed.
    pub(in crate::engine) fn timeout(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        if self.watchdog_is_due(now) {
            self.enter_stop_watchdog(now, out);
            return Progress::None;
        }
        if self.stage_ends().is_none_or(|at| at > now) {
            return Progress::None;
        }
        self.deadline = None;
        match self.stage {
            Stage::Spawning => {
                self.fail(
                    UnitResult::Timeout,
                    "timed out while its helper was set up".into(),
                );
                self.release(out);
                Progress::None
            }
            Stage::Condition(_) | Stage::StartPre(_) | Stage::Start(_) | Stage::StartPost(_) => {
                let (_, sub) = self.states();
                self.fail(
                    UnitResult::Timeout,
                    format!("timed out in {sub} (TimeoutStartSec=)"),
                );
                match self.failure_mode("TimeoutStartFailureMode") {
                    FailureMode::Terminate => self.enter_stop_sigterm(now, out),
                    FailureMode::Abort => self.enter_stop_abort(now, out),
                    FailureMode::Kill => self.enter_stop_sigkill(now, out),
                }
                Progress::None
            }
            Stage::Reload(_) | Stage::ReloadSignal | Stage::ReloadNotify => {
                if self.control {
                    self.signal(Whom::Control, SIGKILL, out);
                }
                self.reload_ok = false;
                self.enter_running(now, out);
                Progress::Reloaded { ok: false }
            }
            Stage::Running => {
                let reason = "ran as long as it may (RuntimeMaxSec=)";
                self.fail(UnitResult::Timeout, reason.into());
                self.enter_stop(now, out);
                Progress::None
            }
            Stage::Stop(_) => {
                self.fail(
                    UnitResult::Timeout,
                    "ExecStop= timed out (TimeoutStopSec=)".into(),
                );
                match self.failure_mode("TimeoutStopFailureMode") {
                    FailureMode::Terminate => self.enter_stop_sigterm(now, out),
                    FailureMode::Abort => self.enter_stop_abort(now, out),
                    FailureMode::Kill => self.enter_stop_sigkill(now, out),
                }
                Progress::None
            }
            Stage::StopSigterm
                if self.failure_mode("TimeoutStopFailureMode") == FailureMode::Abort =>
            {
                self.fail(
                    UnitResult::Timeout,
                    "did not stop on its signal (TimeoutStopSec=), aborted".into(),
                );
                self.enter_stop_abort(now, out);
                Progress::None
            }
            Stage::StopWatchdog | Stage::StopSigterm => {
                self.fail(
                    UnitResult::Timeout,
                    "did not stop on its signal (TimeoutStopSec=), killed".into(),
                );
                self.enter_stop_sigkill(now, out);
                Progress::None
            }
            Stage::StopSigkill => self.enter_stop_post(now, 0, out),
            Stage::StopPost(_) => {
                self.fail(
                    UnitResult::Timeout,
                    "ExecStopPost= timed out (TimeoutStopSec=)".into(),
                );
                self.signal(Whom::Control, SIGKILL, out);
                match self.failure_mode("TimeoutStopFailureMode") {
                    FailureMode::Terminate => self.enter_final_sigterm(now, out),
                    FailureMode::Abort => {
                        self.enter_final_abort(now, out);
                        Progress::None
                    }
                    FailureMode::Kill => {
                        self.enter_final_sigkill(now, out);
                        Progress::None
                    }
                }
            }
            Stage::FinalSigterm
                if self.failure_mode("TimeoutStopFailureMode") == FailureMode::Abort =>
            {
                self.enter_final_abort(now, out);
                Progress::None
            }
            Stage::FinalSigterm | Stage::FinalWatchdog => {
                self.enter_final_sigkill(now, out);
                Progress::None
            }
            Stage::FinalSigkill => {
                self.release(out);
                Progress::None
            }
            // Releasing is bounded by the shell, which kills the helper and reports `Gone`.
            Stage::Exited | Stage::Releasing => Progress::None,
        }
    }

    pub(super) fn forked(
        &mut self,
        now: Instant,
        role: ExecRole,
        pid: u32,
        out: &mut Vec<Effect>,
    ) -> Progress {
        self.empty = false;
        if role == ExecRole::Start && self.service().service_type != ServiceType::Forking {
            self.main_lives(pid);
            return self.check_readiness(now, out);
        }
        self.control_pid = Some(pid);
        Progress::None
    }

    pub(super) fn main_lives(&mut self, pid: u32) {
        self.main = Main::Alive;
        self.main_pid = Some(pid);
        self.exec_main_pid = Some(pid);
        self.main_end = None;
    }

    pub(super) fn exited(&mut self, now: Instant, exit: Exit, out: &mut Vec<Effect>) -> Progress {
        let ignore = self
            .commands(exit.role)
            .get(exit.index as usize)
            .is_some_and(|command| command.ignore_failure);
        if exit.role == ExecRole::Start && self.service().service_type != ServiceType::Forking {
            let failure = exit.failure.as_ref();
            if let Some(failure) = failure.filter(|_| !ignore) {
                self.fail_step(failure);
            }
            let progress = self.main_ended(now, exit.end, ignore, out);
            if failure.is_some_and(|failure| failure.step == ExecStep::EnvironmentFile) {
                // systemd had not even forked.
                self.main_end = None;
            }
            return progress;
        }
        self.control = false;
        self.control_pid = None;
        let ok = ignore || self.is_clean(exit.end, exit.role);
        let next = exit.index + 1;
        match (self.stage, exit.role) {
            (Stage::Condition(_), ExecRole::Condition) => match exit.end {
                _ if ok => self.next_start_step(now, ExecRole::Condition, next, out),
                ProcessEnd::Exited(1..=254) if exit.failure.is_none() => {
                    // systemd.service(5): 1 to 254 skip the unit, which is no failure.
                    self.fail(
                        UnitResult::ExecCondition,
                        "skipped by ExecCondition=".into(),
                    );
                    self.enter_stop_post(now, 0, out)
                }
                _ => self.control_failed(now, &exit, out),
            },
            (Stage::StartPre(_), ExecRole::StartPre)
            | (Stage::StartPost(_), ExecRole::StartPost) => match ok {
                true => self.next_start_step(now, exit.role, next, out),
                false => self.control_failed(now, &exit, out),
            },
            (Stage::Start(_), ExecRole::Start) => match ok {
                // Forking: the parent is done; what counts now is the main process.
                true => {
                    self.ready = true;
                    self.check_readiness(now, out)
                }
                false => self.control_failed(now, &exit, out),
            },
            (Stage::Reload(_), ExecRole::Reload) => {
                self.reload_ok &= ok;
                if ok && (next as usize) < self.commands(ExecRole::Reload).len() {
                    self.stage = Stage::Reload(next);
                    self.run(ExecRole::Reload, next, out);
                    return Progress::None;
                }
                if self.reload_ok && self.awaits_reload() {
                    self.stage = match self.reload_confirmed {
                        true => Stage::ReloadNotify,
                        false => Stage::ReloadSignal,
                    };
                    return Progress::None;
                }
                self.enter_running(now, out);
                Progress::Reloaded { ok: self.reload_ok }
            }
            (Stage::Stop(_), ExecRole::Stop) => {
                if !ok {
                    self.fail_exit(&exit);
                }
                if ok && (next as usize) < self.commands(ExecRole::Stop).len() {
                    self.stage = Stage::Stop(next);
                    self.run(ExecRole::Stop, next, out);
                    return Progress::None;
                }
                self.enter_stop_sigterm(now, out);
                Progress::None
            }
            (Stage::StopWatchdog | Stage::StopSigterm | Stage::StopSigkill, _) => {
                self.stopped_if_all_gone(now, out)
            }
            (Stage::FinalSigterm | Stage::FinalWatchdog | Stage::FinalSigkill, _)
                if self.empty && self.all_gone() =>
            {
                self.release(out);
                Progress::None
            }
            (Stage::StopPost(_), ExecRole::StopPost) => {
                if !ok {
                    // As on every line: what comes after a command that failed is not run.
                    self.fail_exit(&exit);
                    return self.enter_final_sigterm(now, out);
                }
                self.enter_stop_post(now, next, out)
            }
            // A command that was told to die and only now did.
            _ => Progress::None,
        }
    }

    pub(in crate::engine) fn main_ended(
        &mut self,
        now: Instant,
        end: ProcessEnd,
        ignore: bool,
        out: &mut Vec<Effect>,
    ) -> Progress {
        self.note_main_end(end, ignore);
        let failed = self.result != UnitResult::Success;
        match self.stage {
            Stage::Start(index) => match self.service().service_type {
                ServiceType::Oneshot if !failed => {
                    let next = index + 1;
                    match (next as usize) < self.commands(ExecRole::Start).len() {
                        true => {
                            self.enter_start(now, next, out);
                            Progress::None
                        }
                        false => self.next_start_step(now, ExecRole::StartPost, 0, out),
                    }
                }
                ServiceType::Notify | ServiceType::NotifyReload if !failed => {
                    self.fail(
                        UnitResult::Protocol,
                        "ended before it said READY=1 (Type=notify)".into(),
                    );
                    self.enter_stop_sigterm(now, out);
                    Progress::None
                }
                ServiceType::Simple
                | ServiceType::Idle
                | ServiceType::Exec
                | ServiceType::Dbus
                | ServiceType::Forking
                | ServiceType::Notify
                | ServiceType::NotifyReload
                | ServiceType::Oneshot => match failed {
                    true => {
                        self.enter_stop_sigterm(now, out);
                        Progress::None
                    }
                    // It was so quick that its end came before the news of its start.
                    false => {
                        self.execed = true;
                        self.check_readiness(now, out)
                    }
                },
            },
            // ExitType=cgroup: what it left is the service now.
            Stage::Running if self.outlives_its_main() => Progress::None,
            Stage::Running => {
                self.enter_running(now, out);
                Progress::None
            }
            // Nobody is left who could say that the reload is over.
            Stage::ReloadSignal | Stage::ReloadNotify => {
                self.reload_ok = false;
                self.enter_running(now, out);
                Progress::Reloaded { ok: false }
            }
            Stage::StopWatchdog | Stage::StopSigterm | Stage::StopSigkill => {
                self.stopped_if_all_gone(now, out)
            }
            // What runs now decides when it is done (systemd.service(5)).
            Stage::Spawning
            | Stage::Condition(_)
            | Stage::StartPre(_)
            | Stage::StartPost(_)
            | Stage::Exited
            | Stage::Reload(_)
            | Stage::Stop(_)
            | Stage::StopPost(_)
            | Stage::FinalSigterm
            | Stage::FinalWatchdog
            | Stage::FinalSigkill
            | Stage::Releasing => Progress::None,
        }
    }

    pub(super) fn notified(
        &mut self,
        now: Instant,
        notify: Notify,
        out: &mut Vec<Effect>,
    ) -> Progress {
        if let Some(text) = notify.status {
            self.status_text = Some(text);
        }
        if let Some(errno) = notify.errno {
            self.status_errno = Some(errno);
        }
        if let Some(us) = notify.extend_timeout_us {
            // Never less than it had.
            let later = Some(now.plus_us(us));
            match self.stage {
                Stage::Running => self.extended = self.extended.max(later),
                _ if self.deadline.is_some() => self.deadline = self.deadline.max(later),
                _ => {}
            }
        }
        if let Some(us) = notify.watchdog_us {
            self.change_watchdog(now, us);
        } else if notify.watchdog {
            self.pet_watchdog(now);
        }
        if notify.watchdog_trigger && self.is_up() {
            self.enter_stop_watchdog(now, out);
            return Progress::None;
        }
        if notify.stopping && self.stage == Stage::Running {
            self.enter_stop_by_itself(now, out);
            return Progress::None;
        }
        let progress = match notify.reloading {
            true => self.says_it_reloads(now, notify.monotonic_us),
            false => Progress::None,
        };
        if !notify.ready {
            return progress;
        }
        if self.stage == Stage::ReloadNotify {
            self.enter_running(now, out);
            return Progress::Reloaded { ok: self.reload_ok };
        }
        if self.reload_confirmed {
            self.reload_begun = None; // over before ExecReload= is
        }
        let service_type = self.service().service_type;
        if matches!(
            service_type,
            ServiceType::Notify | ServiceType::NotifyReload
        ) {
            self.ready = true;
            return self.check_readiness(now, out);
        }
        progress
    }

    /// RELOADING=1: because it was told to, or by itself.
    fn says_it_reloads(&mut self, now: Instant, at_us: Option<u64>) -> Progress {
        match self.stage {
            Stage::Running => {
                self.reload_ok = true;
                self.stage = Stage::ReloadNotify;
                self.arm(now, self.service().timeout_start_us);
                Progress::Reloads
            }
            Stage::ReloadSignal | Stage::Reload(_) => {
                // What it began before it was told is another reload.
                let begun = self.reload_begun.map(|begun| begun.0);
                if at_us.is_some_and(|at| begun.is_some_and(|begun| at >= begun)) {
                    self.reload_confirmed = true;
                    if self.stage == Stage::ReloadSignal {
                        self.stage = Stage::ReloadNotify;
                    }
                }
                Progress::None
            }
            _ => Progress::None,
        }
    }

    /// It was told to reload by a signal, and is still to say that it has.
    fn awaits_reload(&self) -> bool {
        self.service().service_type == ServiceType::NotifyReload
            && self.reload_begun.is_some()
            && self.main == Main::Alive
    }

    /// `ExitType=cgroup`: it is up while anything of it lives.
    pub(super) fn outlives_its_main(&self) -> bool {
        self.unit.settings.text(Service, "ExitType") == "cgroup" && !self.empty
    }

    fn failure_mode(&self, key: &str) -> FailureMode {
        match self.unit.settings.text(Service, key) {
            "abort" => FailureMode::Abort,
            "kill" => FailureMode::Kill,
            _ => FailureMode::Terminate,
        }
    }

    pub(super) fn became_empty(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        match self.stage {
            Stage::StopWatchdog | Stage::StopSigterm | Stage::StopSigkill => {
                self.stopped_if_all_gone(now, out)
            }
            Stage::FinalSigterm | Stage::FinalWatchdog | Stage::FinalSigkill if self.all_gone() => {
                self.release(out);
                Progress::None
            }
            Stage::Running if self.main != Main::Alive => {
                self.enter_running(now, out);
                Progress::None
            }
            Stage::Start(_) if self.ready && self.main != Main::Alive => {
                // Forking: everything is gone, and no main process was ever found.
                self.fail(
                    UnitResult::Protocol,
                    "the start command ended and left no process behind (Type=forking)".into(),
                );
                self.enter_stop_sigterm(now, out);
                Progress::None
            }
            _ => Progress::None,
        }
    }
}
