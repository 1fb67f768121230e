//! Units that are both to run, and exclude each other.
use super::{Case, Found, error};
use crate::graph::wanted;
use gitproc_unit::{Code, Origin, Unit};

/// Pairs of wanted units with a Conflicts= between them.
pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    let wanted = wanted(case.units, case.target);
    let of_tree = |unit: &Unit| matches!(unit.origin, Origin::Tree { .. });
    for unit in case.of_tree().filter(|unit| wanted.contains(&unit.name)) {
        let others = unit.unit.conflicts.iter();
        for other in others.filter(|other| wanted.contains(*other) && **other != unit.name) {
            if !case.units.units.get(other).is_some_and(|one| of_tree(one)) {
                continue;
            }
            let place = case
                .sources
                .place(unit, "Unit", "Conflicts", other.as_str());
            let message = format!("{} conflicts with {other}, and both are to run", unit.name);
            let hint = "take one of them out of [Install]";
            found.push(error(place, Code::Conflict, message, hint));
        }
    }
}
