//! Units that are required or wanted, and are not there.
use super::{Case, Found, error, warning};
use crate::graph::is_host_kind;
use gitproc_unit::{Code, Origin, Unit, UnitKind, UnitName};

/// What a unit can't do without has to be there, and to run.
pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for unit in case.of_tree().filter(|unit| !unit.name.is_template()) {
        let section = &unit.unit;
        for (key, names) in [
            ("Requires", &section.requires),
            ("BindsTo", &section.binds_to),
            ("Requisite", &section.requisite),
        ] {
            for name in names {
                let Some(lack) = lack(case, name) else {
                    continue;
                };
                let place = case.sources.place(unit, "Unit", key, name.as_str());
                let message = format!("{key}={name}: {lack}");
                let hint = format!(
                    "add it, or write Wants={name} if {} can do without",
                    unit.name
                );
                found.push(error(place, Code::MissingRequirement, message, &hint));
            }
        }
    }
}

/// Why a unit can never become active here.
fn lack(case: &Case<'_>, name: &UnitName) -> Option<String> {
    if is_host_kind(name.kind()) {
        return None;
    }
    let Some(other) = case.units.units.get(name) else {
        return Some(format!("there is no {name} in this commit"));
    };
    match (&other.origin, name.kind()) {
        (Origin::BuiltIn { reached: false }, _) => {
            Some(format!("{name} is never reached while the host runs"))
        }
        (_, UnitKind::Service | UnitKind::Target) => None,
        (_, kind) => Some(format!("{} units are not run yet", kind.suffix())),
    }
}

/// What a unit only wants may be missing, but that is rarely meant.
pub(super) fn check_wanted(case: &Case<'_>, found: &mut Found) {
    for unit in case.of_tree().filter(|unit| !unit.name.is_template()) {
        for name in &unit.unit.wants {
            if !is_missing(case, unit, name) {
                continue;
            }
            let place = case.sources.place(unit, "Unit", "Wants", name.as_str());
            let message = format!("Wants={name}: there is no {name} in this commit, ignoring");
            let hint = format!("add it, or take it out of {}", unit.name);
            found.push(warning(place, Code::MissingWanted, message, &hint));
        }
    }
}

/// Units that are masked, or that could not be read, have been spoken of already.
fn is_missing(case: &Case<'_>, unit: &Unit, name: &UnitName) -> bool {
    let has_file = |name: &UnitName| case.tree.entries.contains_key(name.as_str());
    let template = name.template();
    !is_host_kind(name.kind())
        && !case.units.units.contains_key(name)
        && !has_file(name)
        && !template.is_some_and(|template| has_file(&template))
        && unit.name != *name
}
