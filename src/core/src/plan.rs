//! The difference between two unit sets, for people and for the record.
use crate::graph;
use gitproc_unit::{Origin, Unit, UnitKind, UnitName, UnitSet, changed_properties};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What changes from one generation to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Units that change, in the order of the names. Unchanged ones are counted only.
    pub changes: Vec<PlannedChange>,
    /// How many wanted units stay as they are.
    pub unchanged: usize,
}

/// One unit of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// The unit.
    pub unit: UnitName,
    /// `+ ~ -`
    pub action: PlanAction,
    /// What will be done, and why: `restart (ExecStart, MemoryMax)`.
    pub reason: String,
}

/// What happens to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanAction {
    /// `+`: becomes wanted.
    Start,
    /// `~`: its meaning changed while it is wanted.
    Restart,
    /// `~`: changed in a way that needs no restart (Description=, dependencies).
    Update,
    /// `-`: no longer wanted.
    Stop,
}

impl PlanAction {
    /// The mark in front of a line: `+ ~ -`.
    pub const fn mark(self) -> char {
        match self {
            PlanAction::Start => '+',
            PlanAction::Restart | PlanAction::Update => '~',
            PlanAction::Stop => '-',
        }
    }
}

impl Plan {
    /// One line per change, as people see it: `+ web.service       start`.
    pub fn lines(&self) -> Vec<String> {
        let width = self
            .changes
            .iter()
            .map(|c| c.unit.as_str().len())
            .max()
            .unwrap_or(0)
            .max(16);
        self.changes
            .iter()
            .map(|change| {
                format!(
                    "{} {:width$}  {}",
                    change.action.mark(),
                    change.unit,
                    change.reason
                )
            })
            .collect()
    }

    /// Nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// The difference between what runs (`from`) and what is to run (`to`) under `target`.
pub fn diff(from: Option<&UnitSet>, to: &UnitSet, target: &UnitName) -> Plan {
    let before = from
        .map(|units| runnable(units, target))
        .unwrap_or_default();
    let after = runnable(to, target);
    let mut changes: BTreeMap<UnitName, (PlanAction, String)> = BTreeMap::new();
    let mut unchanged = 0;
    for (name, unit) in &after {
        match before.get(name) {
            None => {
                changes.insert((*name).clone(), (PlanAction::Start, "start".to_owned()));
            }
            Some(old) => {
                let keys = changed_properties(old, unit).join(", ");
                let change = match (old.meaning == unit.meaning, keys.is_empty()) {
                    (true, true) => {
                        unchanged += 1;
                        continue;
                    }
                    (true, false) => (PlanAction::Update, format!("update ({keys}), no restart")),
                    (false, _) => (PlanAction::Restart, format!("restart ({keys})")),
                };
                changes.insert((*name).clone(), change);
            }
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        let reason = match to.units.contains_key(*name) {
            true => "stop (nothing wants it any more)",
            false => "stop (not in this commit)",
        };
        changes.insert((*name).clone(), (PlanAction::Stop, reason.to_owned()));
    }
    add_dependents(&before, &after, &mut changes, &mut unchanged);
    let changes = changes
        .into_iter()
        .map(|(unit, (action, reason))| PlannedChange {
            unit,
            action,
            reason,
        })
        .collect();
    Plan { changes, unchanged }
}

/// Slices by name.
pub type Slices = BTreeMap<UnitName, Arc<Unit>>;

impl Plan {
    /// With the slices whose limits change: at once, and without a restart.
    pub fn with_slices(mut self, before: &Slices, after: &Slices) -> Plan {
        let names: BTreeSet<&UnitName> = before.keys().chain(after.keys()).collect();
        for name in names {
            let reason = match (before.get(name), after.get(name)) {
                (Some(old), Some(new)) if old.meaning == new.meaning => continue,
                (Some(old), Some(new)) => {
                    let keys = changed_properties(old, new).join(", ");
                    format!("limit ({keys}), no restart")
                }
                (_, None) => "no limits (not in this commit)".to_owned(),
                (None, Some(_)) => "limit its services".to_owned(),
            };
            self.changes.push(PlannedChange {
                unit: name.clone(),
                action: PlanAction::Update,
                reason,
            });
        }
        self.changes.sort_by(|a, b| a.unit.cmp(&b.unit));
        self
    }
}

/// Wanted units of the tree of kinds that are run.
fn runnable<'a>(units: &'a UnitSet, target: &UnitName) -> BTreeMap<&'a UnitName, &'a Unit> {
    let wanted = graph::wanted(units, target);
    units
        .units
        .iter()
        .filter(|(name, unit)| {
            wanted.contains(*name)
                && matches!(unit.origin, Origin::Tree { .. })
                && matches!(name.kind(), UnitKind::Service | UnitKind::Target)
        })
        .map(|(name, unit)| (name, &**unit))
        .collect()
}

/// What needs a unit that goes down, by the definition that runs, is restarted with it.
fn add_dependents(
    before: &BTreeMap<&UnitName, &Unit>,
    after: &BTreeMap<&UnitName, &Unit>,
    changes: &mut BTreeMap<UnitName, (PlanAction, String)>,
    unchanged: &mut usize,
) {
    let mut open: BTreeSet<UnitName> = changes
        .iter()
        .filter(|(_, (action, _))| matches!(action, PlanAction::Restart))
        .map(|(name, _)| name.clone())
        .collect();
    if open.is_empty() {
        return;
    }
    let needed_by = needed_by(before);
    while let Some(name) = open.pop_first() {
        for &other in needed_by.get(&name).into_iter().flatten() {
            let kept = match changes.get(other) {
                None => true,
                Some((action, _)) => *action == PlanAction::Update,
            };
            if !kept || !after.contains_key(other) {
                continue;
            }
            let restart = (PlanAction::Restart, format!("restart (it needs {name})"));
            if changes.insert(other.clone(), restart).is_none() {
                *unchanged -= 1;
            }
            open.insert(other.clone());
        }
    }
}

/// Who needs a unit, for each unit that is needed.
fn needed_by<'a>(
    units: &BTreeMap<&'a UnitName, &'a Unit>,
) -> BTreeMap<&'a UnitName, Vec<&'a UnitName>> {
    let mut needed_by: BTreeMap<&UnitName, Vec<&UnitName>> = BTreeMap::new();
    for (name, unit) in units {
        let section = &unit.unit;
        let needed = [
            &section.requires,
            &section.binds_to,
            &section.requisite,
            &section.part_of,
        ];
        for other in needed.into_iter().flatten() {
            needed_by.entry(other).or_default().push(name);
        }
    }
    needed_by
}
