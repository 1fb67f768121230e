//! At the start of a daemon: taking up what the last one left.
//!
//! Records come first ([`Engine::restore`]), then helpers ([`Engine::adopt`]), then the target,
//! which judges all of it. Nothing that lives is touched; what ended meanwhile is taken as if it
//! ended now, so that policy goes on.
use super::activation::{Activation, Main, Progress, Stage, Told};
use super::slot::Phase;
use super::{Engine, Outbox};
use crate::Instant;
use crate::api::{HelperEvent, InvocationRecord, JobType, UnitRecord};
use crate::protocol::{HelperState, ProcessEnd};
use crate::snapshot::UnitResult;
use gitproc_unit::{
    ExecRole, InstallSection, Origin, ServiceType, Settings, Triggers, Unit, UnitName, UnitSection,
};
use std::sync::Arc;

impl Engine {
    pub(super) fn restore(&mut self, now: Instant, unit: UnitName, record: UnitRecord) {
        let slot = self.touch_or_new(now, &unit);
        slot.stopped_by_operator = record.stopped_by_operator;
        slot.started_by_operator = record.started_by_operator;
        slot.raised = record.raised.clone();
        slot.attempted = record.meaning;
        slot.completed = record.completed;
        slot.restarts = record.restarts;
        slot.main_end = record.main_end;
        slot.exec_main_pid = record.exec_main_pid;
        slot.reason = record.reason.clone();
        slot.checked = record.checked.clone();
        slot.unaccounted = record.invocation;
        slot.was_up_since = record.up_since;
        if let Some(result) = record.failed {
            slot.result = result;
            slot.phase = Phase::Failed;
        }
        if record.auto_restart {
            let at = record.restart_at.unwrap_or(now);
            slot.phase = Phase::AutoRestart { at };
        }
        // A record that is not contradicted must not be dropped before the target has come.
        slot.recorded = Some(record.clone());
        if unit.kind() == gitproc_unit::UnitKind::Target && record.meaning.is_some() {
            slot.phase = Phase::Reached;
        }
        match record.job {
            // An unfinished stop or restart of an operator goes on; a start follows from `wanted`.
            Some(verb @ (JobType::Stop | JobType::Restart)) => slot.unfinished = Some(verb),
            Some(JobType::Start) => slot.attempted = None,
            Some(JobType::Reload) | None => {}
        }
    }

    pub(super) fn adopt(
        &mut self,
        now: Instant,
        record: InvocationRecord,
        unit: Option<Arc<Unit>>,
        state: &HelperState,
        alive: bool,
        out: &mut Outbox,
    ) {
        let name = record.unit.clone();
        let recorded = self.slot(&name).map(|slot| slot.unaccounted);
        if !alive && recorded.is_some_and(|invocation| invocation != Some(record.invocation)) {
            return; // its end was taken; only its directory outlived the last daemon
        }
        let lost = unit.is_none();
        let unit = unit.unwrap_or_else(|| Arc::new(placeholder(&record)));
        if unit.service.is_none() {
            return;
        }
        let mut activation = Activation::new(record.invocation, unit, record.commit.clone(), now);
        activation.recall(state);
        let slot = self.touch_or_new(now, &name);
        activation.up_since = slot.was_up_since.take();
        slot.attempted = Some(record.meaning);
        slot.restarts = record.restarts;
        slot.phase = Phase::Active(Box::new(activation));
        slot.unaccounted = None;
        let unfinished = slot.unfinished.take();
        self.invocations.insert(record.invocation, name.clone());
        if let Some(verb) = unfinished {
            self.put_job(&name, verb, None, false, out);
        }
        if !alive {
            let Some(slot) = self.touch(&name) else {
                return;
            };
            let ran = slot
                .activation_mut()
                .is_some_and(|activation| activation.bury(state));
            if !ran {
                slot.attempted = None; // it never came to run: that was no start
            }
            self.activation_gone(now, &name, out);
            if let (true, Some(slot)) = (lost, self.touch(&name)) {
                // Its policy is as lost as its definition: what is wanted of it, the target knows.
                slot.attempted = None;
                slot.completed = None;
            }
            return;
        }
        let Some(activation) = self.touch(&name).and_then(|slot| slot.activation_mut()) else {
            return;
        };
        let start = state.exits.get(&ExecRole::Start).map(|exit| exit.end);
        let forked = start == Some(ProcessEnd::Exited(0)) && state.main_end.is_none();
        let runs = forked && state.main_pid.is_none() && state.control.is_none() && !state.empty;
        if lost && runs && !state.exits.contains_key(&ExecRole::StopPost) {
            // Its start command ended well and left something: a main process was never known.
            activation.take_as_running(now);
            return self.progressed(now, &name, Progress::Started, out);
        }
        let on_its_way_up = match state.control {
            None => true,
            Some((role, _, _)) => matches!(
                role,
                ExecRole::Condition | ExecRole::StartPre | ExecRole::Start
            ),
        };
        if lost && state.main_pid.is_none() && on_its_way_up {
            // No main process runs, and which was to run is not known: the target starts it anew.
            activation.stop(now, Told::Stop, &mut out.acts);
            return;
        }
        let progress = activation.resume(now, state, &mut out.acts);
        self.progressed(now, &name, progress, out);
    }
}

impl Activation {
    /// Takes over what the helper knows.
    fn recall(&mut self, state: &HelperState) {
        self.main_pid = state.main_pid;
        self.exec_main_pid = state.main_pid;
        self.control = state.control.is_some();
        self.control_pid = state.control.map(|(_, _, pid)| pid);
        self.status_text = state.status_text.clone();
        self.status_errno = state.status_errno;
        self.empty = state.empty;
        self.oom_killed = state.oom_killed;
        self.main = match (state.main_pid, state.main_end) {
            (Some(_), _) => Main::Alive,
            (None, Some(_)) => Main::Ended,
            (None, None) => Main::Unknown,
        };
        self.main_end = state.main_end;
        self.recall_readiness(state.notified_ready, state.main_execed);
    }

    /// It runs, by all that is known.
    fn take_as_running(&mut self, now: Instant) {
        self.stage = Stage::Running;
        self.started = true;
        self.deadline = None;
        self.up_since.get_or_insert(now);
        // Its signs of life while no daemon was there are not known: the time begins anew.
        self.pet_watchdog(now);
    }

    /// The helper is gone, and this is what it left: works out how the service ended. False when
    /// nothing of it ever ran.
    fn bury(&mut self, state: &HelperState) -> bool {
        if let Some(failure) = &state.failed {
            self.fail_set_up(failure);
            return true;
        }
        if state.main_pid.is_some() {
            self.note_main_end(ProcessEnd::Killed(9), false);
        }
        self.judge(state)
    }

    /// Works out, for a service that is down or on its way down, what went wrong, if anything did.
    /// False when nothing of it ever ran.
    fn judge(&mut self, state: &HelperState) -> bool {
        if let Some(end) = state.main_end {
            self.note_main_end(end, self.ignores_main_end(state));
            let notify = self.unit.service.as_ref().is_some_and(|service| {
                matches!(
                    service.service_type,
                    ServiceType::Notify | ServiceType::NotifyReload
                ) && !state.notified_ready
            });
            if notify {
                let reason = "ended before it said READY=1 (Type=notify)";
                self.fail(UnitResult::Protocol, reason.into());
            }
            return true;
        }
        let last = [ExecRole::Start, ExecRole::StartPre, ExecRole::Condition]
            .iter()
            .find_map(|role| state.exits.get(role));
        let ran = last.is_some() || state.main_pid.is_some();
        if let Some(exit) = last {
            if !self.is_clean(exit.end, exit.role) {
                self.fail_exit(exit);
            } else if state.main_pid.is_none() {
                self.fail(UnitResult::Protocol, "ended before it was up".into());
            }
        }
        ran
    }

    /// `-` before the command that was the main process.
    fn ignores_main_end(&self, state: &HelperState) -> bool {
        let Some(exit) = state.exits.get(&ExecRole::Start) else {
            return false;
        };
        self.commands(ExecRole::Start)
            .get(exit.index as usize)
            .is_some_and(|command| command.ignore_failure)
    }

    /// Finds the stage that fits, and goes on from there.
    fn resume(
        &mut self,
        now: Instant,
        state: &HelperState,
        out: &mut Vec<crate::Effect>,
    ) -> Progress {
        if let Some(failure) = &state.failed {
            return self.event(now, HelperEvent::Failed(failure.clone()), out);
        }
        if !state.ready {
            return Progress::None; // `Ready` is still to come
        }
        let going_down = [ExecRole::Stop, ExecRole::StopPost]
            .into_iter()
            .any(|role| {
                state.exits.contains_key(&role)
                    || state.control.is_some_and(|(now, _, _)| now == role)
            });
        if going_down {
            self.judge(state);
        }
        if let Some((role, index, _)) = state.control {
            self.started |= matches!(role, ExecRole::Reload | ExecRole::Stop);
            self.stage = Stage::of_command(role, index);
            return Progress::None;
        }
        // The last command that ended says how far it came; its own end may not have been acted on.
        let last = |role| state.exits.get(&role).cloned();
        if let Some(exit) = last(ExecRole::StopPost) {
            self.stage = Stage::StopPost(exit.index);
            return self.event(now, HelperEvent::Exited(exit), out);
        }
        if let Some(exit) = last(ExecRole::Stop) {
            self.started = true;
            self.stage = Stage::Stop(exit.index);
            return self.event(now, HelperEvent::Exited(exit), out);
        }
        if self.main == Main::Unknown {
            return self.resume_before_main(now, state, out);
        }
        self.resume_with_main(now, state, out)
    }

    fn resume_before_main(
        &mut self,
        now: Instant,
        state: &HelperState,
        out: &mut Vec<crate::Effect>,
    ) -> Progress {
        let newest_first = [
            ExecRole::StartPost,
            ExecRole::Start,
            ExecRole::StartPre,
            ExecRole::Condition,
        ];
        let last = newest_first
            .iter()
            .find_map(|role| state.exits.get(role))
            .cloned();
        if let Some(exit) = last {
            self.stage = Stage::of_command(exit.role, exit.index);
            return self.event(now, HelperEvent::Exited(exit), out);
        }
        self.next_start_step(now, ExecRole::Condition, 0, out)
    }

    fn resume_with_main(
        &mut self,
        now: Instant,
        state: &HelperState,
        out: &mut Vec<crate::Effect>,
    ) -> Progress {
        let service_type = self
            .unit
            .service
            .as_ref()
            .map_or(ServiceType::Simple, |service| service.service_type);
        let start_index = state
            .exits
            .get(&ExecRole::Start)
            .map_or(0, |exit| exit.index);
        let posted = state.exits.get(&ExecRole::StartPost).cloned();
        self.stage = Stage::Start(start_index);
        if let Some(exit) = posted {
            self.stage = Stage::StartPost(exit.index);
            let progress = self.event(now, HelperEvent::Exited(exit), out);
            return self.catch_up(now, state, progress, out);
        }
        let progress = match (service_type, state.main_end) {
            (ServiceType::Forking, _) => match state.exits.get(&ExecRole::Start).cloned() {
                Some(exit) => self.event(now, HelperEvent::Exited(exit), out),
                None => Progress::None,
            },
            (ServiceType::Oneshot, Some(_)) => match state.exits.get(&ExecRole::Start).cloned() {
                Some(exit) => return self.event(now, HelperEvent::Exited(exit), out),
                None => Progress::None,
            },
            (_, _) => self.recheck(now, out),
        };
        self.catch_up(now, state, progress, out)
    }

    /// A main process that ended while nobody listened ends now.
    fn catch_up(
        &mut self,
        now: Instant,
        state: &HelperState,
        progress: Progress,
        out: &mut Vec<crate::Effect>,
    ) -> Progress {
        let Some(end) = state.main_end else {
            return progress;
        };
        let ignore = self.ignores_main_end(state);
        let ended = self.main_ended(now, end, ignore, out);
        match (progress, ended) {
            (Progress::Started, Progress::None) => Progress::Started,
            (_, ended) => ended,
        }
    }
}

/// Stands in for a definition that can't be read any more, with systemd's defaults: the service
/// keeps running, and stops when told.
fn placeholder(record: &InvocationRecord) -> Unit {
    Unit {
        name: record.unit.clone(),
        origin: Origin::Tree {
            fragment: String::new(),
            drop_ins: Vec::new(),
        },
        unit: UnitSection::default(),
        service: Some(Box::default()),
        settings: Settings::default(),
        triggers: Triggers::default(),
        install: InstallSection::default(),
        meaning: record.meaning,
    }
}
