//! The difference between two unit sets, for people and for the record.
use gitproc_unit::UnitName;
use serde::{Deserialize, Serialize};

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

/// The difference between what runs (`from`) and what is to run (`to`) under `target`.
pub fn diff(
    _from: Option<&gitproc_unit::UnitSet>,
    _to: &gitproc_unit::UnitSet,
    _target: &UnitName,
) -> Plan {
    Plan::default()
}
