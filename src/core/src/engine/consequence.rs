//! What the end of a unit starts: `OnFailure=` and `OnSuccess=` (systemd.unit(5)).
//!
//! Such a start is a wish of its own kind: it holds, over commits and daemons, until what it started
//! has ended.
use super::activation::exit_variables;
use super::{Engine, Outbox};
use crate::protocol::ProcessEnd;
use crate::snapshot::UnitResult;
use crate::{Instant, InvocationId};
use gitproc_unit::{Unit, UnitName};

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
        for name in names {
            self.raise(now, name, ending, out);
        }
    }

    fn raise(&mut self, now: Instant, name: &UnitName, ending: &Ending<'_>, out: &mut Outbox) {
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
        if slot.definition.is_some() {
            self.put_start(name, None, false, out);
            self.pull_in_requirements(name, out);
        }
    }
}
