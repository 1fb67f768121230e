//! What follows from how a unit ends (systemd.unit(5)): `OnFailure=` and `OnSuccess=` start others,
//! `FailureAction=` and its kin ask something of the host.
//!
//! Such a start is a wish of its own kind: it holds, over commits and daemons, until what it started
//! has ended.
use super::activation::exit_variables;
use super::request::may_isolate;
use super::{Engine, Outbox};
use crate::api::{Effect, JobMode, JobType};
use crate::host_action;
use crate::protocol::ProcessEnd;
use crate::snapshot::UnitResult;
use crate::{Instant, InvocationId};
use gitproc_unit::{Family, PropertyValue, Unit, UnitName};

/// How a unit ended, as what it starts is told.
#[derive(Debug)]
pub(super) struct Ending<'a> {
    pub unit: &'a Unit,
    /// `None` where the start limit let none begin.
    pub invocation: Option<InvocationId>,
    pub result: UnitResult,
    pub main_end: Option<ProcessEnd>,
}

impl Ending<'_> {
    /// `MONITOR_…` (systemd.exec(5)).
    fn variables(&self) -> Vec<(String, String)> {
        let mut variables = vec![(
            "MONITOR_SERVICE_RESULT".to_owned(),
            self.result.as_str().to_owned(),
        )];
        variables.extend(exit_variables("MONITOR_", self.main_end));
        if let Some(invocation) = self.invocation {
            let id = invocation.to_string();
            variables.push(("MONITOR_INVOCATION_ID".to_owned(), id));
        }
        variables.push(("MONITOR_UNIT".to_owned(), self.unit.name.to_string()));
        variables
    }
}

impl Engine {
    /// The unit has failed, or ended well, and is not restarted.
    pub(super) fn raise_what_follows(
        &mut self,
        now: Instant,
        ending: &Ending<'_>,
        failed: bool,
        out: &mut Outbox,
    ) {
        if self.shutdown.is_some() {
            return;
        }
        let section = &ending.unit.unit;
        let names = match failed {
            true => &section.on_failure,
            false => &section.on_success,
        };
        let key = match failed {
            true => "OnFailureJobMode",
            false => "OnSuccessJobMode",
        };
        let mode = job_mode(ending.unit.settings.text(Family::Unit, key));
        for name in names {
            self.raise(now, name, ending, mode, out);
        }
    }

    /// Asks of the host what `unit` says for the occasion `key`.
    pub(super) fn ask_of_host(
        &self,
        unit: &Unit,
        key: &'static str,
        main_end: Option<ProcessEnd>,
        out: &mut Outbox,
    ) {
        let Some(action) = host_action::asked_by(unit, key).filter(|_| self.shutdown.is_none())
        else {
            return;
        };
        let (exit_key, argument_key) = match key {
            "FailureAction" => (Some("FailureActionExitStatus"), "RebootArgument"),
            "SuccessAction" => (Some("SuccessActionExitStatus"), "RebootArgument"),
            "JobTimeoutAction" => (None, "JobTimeoutRebootArgument"),
            _ => (None, "RebootArgument"),
        };
        let said = exit_key.and_then(|key| exit_status_said(unit, key));
        let exit_status = match (said, main_end) {
            (Some(status), _) => status,
            (None, Some(end)) if exit_key.is_some() => match end {
                ProcessEnd::Exited(status) => status,
                ProcessEnd::Killed(_) | ProcessEnd::Dumped(_) => u8::MAX,
            },
            (None, _) => 0,
        };
        out.acts.push(Effect::HostAction {
            unit: unit.name.clone(),
            key,
            action,
            exit_status,
            argument: unit.settings.text(Family::Unit, argument_key).to_owned(),
        });
    }

    fn raise(
        &mut self,
        now: Instant,
        name: &UnitName,
        ending: &Ending<'_>,
        mode: JobMode,
        out: &mut Outbox,
    ) {
        let slot = self.touch_or_new(now, name);
        if slot.is_built_in() {
            return;
        }
        slot.raised = Some(match slot.raised {
            None => ending.variables(),
            // Of several, none is the one.
            Some(_) => Vec::new(),
        });
        if !slot.is_live() {
            slot.attempted = None;
            slot.completed = None;
        }
        // Before the first target of a daemon, nothing is known of it: then the target starts it.
        if slot.definition.is_none() {
            return;
        }
        if let Err(refusal) = self.start_as(name, mode, out)
            && let Some(slot) = self.touch(name)
        {
            slot.raised = None;
            let after = &ending.unit.name;
            slot.reason = Some(format!("{after} ended and is to start it, but {refusal}"));
            slot.news = true;
        }
    }

    /// A start with all that it brings about, for no operator.
    fn start_as(&mut self, name: &UnitName, mode: JobMode, out: &mut Outbox) -> Result<(), String> {
        let isolates = mode == JobMode::Isolate;
        if isolates && let Some(slot) = self.slot(name) {
            may_isolate(slot, name, JobType::Start).map_err(|(_, reason)| reason)?;
        }
        let jobs = self.transaction(name, JobType::Start, mode)?;
        if isolates {
            // It is to stay so, over commits and daemons, as an operator's isolate.
            for (name, kind) in jobs.iter().filter(|(_, kind)| **kind == JobType::Stop) {
                self.take_as_wish(name, *kind, false);
            }
        }
        self.install_all(name, &jobs, mode, None, out);
        let reason = match isolates {
            true => format!("{name} was isolated (OnFailureJobMode=, OnSuccessJobMode=)"),
            false => format!("{name} excludes it (Conflicts=)"),
        };
        for (other, _) in jobs.iter().filter(|(_, kind)| **kind == JobType::Stop) {
            self.say_why_it_stops(other, reason.clone());
        }
        Ok(())
    }
}

fn exit_status_said(unit: &Unit, key: &str) -> Option<u8> {
    match unit.settings.get(Family::Unit, key).property() {
        PropertyValue::Signed(status) => u8::try_from(status).ok(),
        _ => None,
    }
}

/// `OnFailureJobMode=`. Nothing here is irreversible, a job that is flushed away would be made again,
/// as the commit wants it, and `triggering` is for stops: these three replace.
fn job_mode(word: &str) -> JobMode {
    match word {
        "fail" => JobMode::Fail,
        "isolate" => JobMode::Isolate,
        "ignore-dependencies" => JobMode::IgnoreDependencies,
        "ignore-requirements" => JobMode::IgnoreRequirements,
        _ => JobMode::Replace,
    }
}
