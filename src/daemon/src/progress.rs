//! One apply as lines for people: `[1/3] web.service  active  (41 ms, pid 4123)`. Pure.
use crate::shell::Change;
use gitproc_core::plan::{Plan, PlanAction};
use gitproc_core::snapshot::{ActiveState, UnitResult};
use gitproc_unit::{UnitKind, UnitName};
use std::collections::BTreeMap;

/// Follows the units of a plan until each has arrived.
#[derive(Debug, Clone)]
pub struct Progress {
    waiting: BTreeMap<UnitName, Waiting>,
    total: usize,
    width: usize,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    stops: bool,
    /// When it began to start, monotonic µs.
    since_us: Option<u64>,
}

impl Progress {
    /// Of the services in `plan`; targets are reached by theirs.
    pub fn new(plan: &Plan) -> Progress {
        let waiting: BTreeMap<_, _> = plan
            .changes
            .iter()
            .filter(|change| change.unit.kind() == UnitKind::Service)
            .filter_map(|change| {
                let stops = match change.action {
                    PlanAction::Start | PlanAction::Restart => false,
                    PlanAction::Stop => true,
                    PlanAction::Update => return None,
                };
                Some((
                    change.unit.clone(),
                    Waiting {
                        stops,
                        since_us: None,
                    },
                ))
            })
            .collect();
        let width = waiting
            .keys()
            .map(|unit| unit.as_str().len())
            .max()
            .unwrap_or(0);
        Progress {
            total: waiting.len(),
            waiting,
            width,
        }
    }

    /// The line for a change that brings a unit where the plan wants it, or finally not there.
    pub fn line(&mut self, change: &Change) -> Option<String> {
        let waiting = self.waiting.get_mut(&change.unit)?;
        if change.to == ActiveState::Activating {
            waiting.since_us.get_or_insert(change.at_us);
        }
        let word = match (change.to, waiting.stops) {
            (ActiveState::Active, false) => "active",
            (ActiveState::Inactive, false) if change.result == UnitResult::Condition => "skipped",
            (ActiveState::Inactive, false) if change.result == UnitResult::Assert => "failed",
            (ActiveState::Inactive, true) => "stopped",
            // A oneshot is done when it has been activating and is not any more.
            (ActiveState::Inactive, false) if waiting.since_us.is_some() => "done",
            (ActiveState::Failed, _) => "failed",
            _ => return None,
        };
        let mut remarks = Vec::new();
        if let Some(since_us) = waiting.since_us {
            remarks.push(span(change.at_us.saturating_sub(since_us)));
        }
        if let (Some(pid), ActiveState::Active) = (change.main_pid, change.to) {
            remarks.push(format!("pid {pid}"));
        }
        remarks.extend(
            change
                .reason
                .clone()
                .filter(|_| matches!(word, "failed" | "skipped")),
        );
        self.waiting.remove(&change.unit);
        let (done, total, width) = (self.total - self.waiting.len(), self.total, self.width);
        let remarks = match remarks.is_empty() {
            true => String::new(),
            false => format!("({})", remarks.join(", ")),
        };
        let line = format!(
            "[{done}/{total}] {:width$}  {word:8}  {remarks}",
            change.unit
        );
        Some(line.trim_end().to_owned())
    }
}

/// A time span as people say it: `41 ms`, `3.2 s`.
fn span(us: u64) -> String {
    match us {
        0..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitproc_core::plan::PlannedChange;

    fn plan(units: &[(&str, PlanAction)]) -> Plan {
        let change = |(unit, action): &(&str, PlanAction)| PlannedChange {
            unit: UnitName::parse(unit).expect("a name"),
            action: *action,
            reason: String::new(),
        };
        Plan {
            changes: units.iter().map(change).collect(),
            unchanged: 0,
        }
    }

    fn change(unit: &str, from: ActiveState, to: ActiveState, at_us: u64) -> Change {
        Change {
            unit: UnitName::parse(unit).expect("a name"),
            from,
            to,
            sub: "",
            result: UnitResult::Success,
            reason: (to == ActiveState::Failed).then(|| "exit code 1".to_owned()),
            main_pid: Some(4123),
            at_us,
        }
    }

    #[test]
    fn a_unit_whose_condition_fails_is_skipped() {
        use ActiveState::Inactive;
        let mut progress = Progress::new(&plan(&[("a.service", PlanAction::Start)]));
        let skip = Change {
            result: UnitResult::Condition,
            reason: Some("condition failed: ConditionPathExists=/x".to_owned()),
            ..change("a.service", Inactive, Inactive, 0)
        };
        assert_eq!(
            progress.line(&skip).as_deref(),
            Some("[1/1] a.service  skipped   (condition failed: ConditionPathExists=/x)")
        );
    }

    #[test]
    fn each_unit_has_one_line_when_it_arrives() {
        use ActiveState::{Activating, Active, Deactivating, Failed, Inactive};
        let mut progress = Progress::new(&plan(&[
            ("web.service", PlanAction::Restart),
            ("old.service", PlanAction::Stop),
            ("longer-name.service", PlanAction::Start),
            ("multi-user.target", PlanAction::Start),
            ("same.service", PlanAction::Update),
        ]));
        let lines: Vec<String> = [
            change("web.service", Active, Deactivating, 0),
            change("web.service", Deactivating, Inactive, 0),
            change("web.service", Inactive, Activating, 1_000),
            change("old.service", Deactivating, Inactive, 1_000),
            change("web.service", Activating, Active, 42_000),
            change("longer-name.service", Inactive, Activating, 0),
            change("longer-name.service", Activating, Failed, 3_200_000),
            change("web.service", Active, Failed, 9_000_000),
            change("multi-user.target", Inactive, Active, 0),
            change("same.service", Inactive, Active, 0),
        ]
        .iter()
        .filter_map(|change| progress.line(change))
        .collect();
        assert_eq!(
            lines,
            [
                "[1/3] old.service          stopped",
                "[2/3] web.service          active    (41 ms, pid 4123)",
                "[3/3] longer-name.service  failed    (3.2 s, exit code 1)",
            ]
        );
    }
}
