//! What is wrong with a tree beyond single lines: what its units say together, what this host
//! lacks, and what is risky. One small file per family of checks; [`CHECKS`] is the list.
//!
//! Pure: what only the host knows (files, users) is asked of a [`Host`]. A commit is refused for
//! what can't work on any host; all else is a warning, and can be switched off where it stands:
//!
//! ```ini
//! [X-Gitproc]
//! LintIgnore=runs-as-root missing-binary
//! ```
mod actions;
mod binaries;
mod conflicts;
mod cycles;
mod environment;
mod host;
mod ignore;
mod never_started;
mod paths;
mod requirements;
mod restarts;
mod root;
mod shell;
mod source;
mod temporary;
#[cfg(test)]
mod tests;
mod users;
mod writable;

pub use host::{FileFacts, Host, Known, Look};

use gitproc_unit::{
    Code, Diagnostic, Loaded, Origin, ServiceSection, Severity, TreeFiles, Unit, UnitName, UnitSet,
};
use source::{Place, Sources};
use std::collections::BTreeSet;

/// Most warnings that one look gives: an answer of the daemon has to fit into one line of 16 MiB,
/// and nobody reads more.
const WARNINGS_MAX: usize = 5_000;

/// What is checked.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The files, for places and for `LintIgnore=`.
    pub tree: &'a TreeFiles,
    /// What they were loaded to.
    pub units: &'a UnitSet,
    /// What a host runs.
    pub target: &'a UnitName,
    /// Whether a service without User= runs as root.
    pub as_root: bool,
}

/// A subject while it is checked.
struct Case<'a> {
    tree: &'a TreeFiles,
    units: &'a UnitSet,
    target: &'a UnitName,
    as_root: bool,
    sources: Sources<'a>,
    /// Templates that have instances.
    instantiated: BTreeSet<UnitName>,
}

type Found = Vec<Diagnostic>;

/// One check.
enum Check {
    /// Of all units together.
    Set(fn(&Case<'_>, &mut Found)),
    /// Of one service.
    Service(fn(&Service<'_, '_>, &mut Found)),
    /// Of one service on this host.
    Hosted(fn(&Service<'_, '_>, &dyn Host, &mut Found)),
}

/// All checks.
const CHECKS: [Check; 16] = [
    Check::Set(requirements::check),
    Check::Set(requirements::check_wanted),
    Check::Set(conflicts::check),
    Check::Set(cycles::check),
    Check::Set(never_started::check),
    Check::Service(root::runs_as_root),
    Check::Service(root::files_of_nobody),
    Check::Service(shell::check),
    Check::Service(restarts::check),
    Check::Service(environment::secrets),
    Check::Service(temporary::check),
    Check::Hosted(binaries::check),
    Check::Hosted(users::check),
    Check::Hosted(environment::missing_files),
    Check::Hosted(writable::check),
    Check::Hosted(actions::check),
];

/// A service of the tree, as the checks see it.
struct Service<'c, 'a> {
    case: &'c Case<'a>,
    unit: &'a Unit,
    section: &'a ServiceSection,
}

/// What is wrong whatever the host is: `loaded`'s own findings and those of the set; sorted, and
/// without those that the files switch off.
pub fn judge(loaded: &Loaded, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let case = Case::of(subject);
    let mut found = loaded.diagnostics.clone();
    for check in &CHECKS {
        match check {
            Check::Set(check) => check(&case, &mut found),
            Check::Service(check) => {
                for service in case.services() {
                    check(&service, &mut found);
                }
            }
            Check::Hosted(_) => {}
        }
    }
    ignore::odd_names(&case, &mut found);
    case.worth_saying(found)
}

/// What this host lacks for the units, and what on it makes them unsafe; all warnings, sorted.
pub fn judge_on_host(subject: &Subject<'_>, host: &dyn Host) -> Vec<Diagnostic> {
    let case = Case::of(subject);
    let mut found = Vec::new();
    for service in case.services().filter(Service::is_on_host) {
        for check in &CHECKS {
            match check {
                Check::Hosted(check) => check(&service, host, &mut found),
                Check::Set(_) | Check::Service(_) => {}
            }
        }
    }
    case.worth_saying(found)
}

impl<'a> Case<'a> {
    fn of(subject: &Subject<'a>) -> Case<'a> {
        let units = subject.units.units.keys();
        Case {
            instantiated: units.filter_map(UnitName::template).collect(),
            tree: subject.tree,
            units: subject.units,
            target: subject.target,
            as_root: subject.as_root,
            sources: Sources::of(subject.tree),
        }
    }

    /// Units that come from files.
    fn of_tree(&self) -> impl Iterator<Item = &'a Unit> {
        let units: &'a UnitSet = self.units;
        let all = units.units.values().map(AsRef::as_ref);
        all.filter(|unit| matches!(unit.origin, Origin::Tree { .. }))
    }

    /// Services that come from files. A template speaks through its instances where it has some.
    fn services(&self) -> impl Iterator<Item = Service<'_, 'a>> {
        self.of_tree()
            .filter(|unit| !unit.name.is_template() || !self.instantiated.contains(&unit.name))
            .filter_map(|unit| {
                let section = unit.service.as_deref()?;
                Some(Service {
                    case: self,
                    unit,
                    section,
                })
            })
    }

    /// Sorted, said once, not switched off, and not endlessly many.
    fn worth_saying(&self, mut found: Found) -> Found {
        found.sort();
        found.dedup();
        ignore::take_out(self, &mut found);
        let warnings = found.iter().filter(|one| one.severity == Severity::Warning);
        let Some(more @ 1..) = warnings.count().checked_sub(WARNINGS_MAX) else {
            return found;
        };
        let mut shown = 0;
        found.retain(|one| {
            shown += usize::from(one.severity == Severity::Warning);
            one.severity == Severity::Error || shown <= WARNINGS_MAX
        });
        let message = format!("{more} more warnings, of the files read together");
        found.push(warning(Place::default(), Code::TooMany, message, ""));
        found
    }
}

impl Service<'_, '_> {
    /// Whether a directive of [Service] is given, and not as a plain no.
    fn is_set(&self, key: &str) -> bool {
        self.case.sources.is_set(self.unit, "Service", key)
    }

    /// With a root of its own, the host's files and users say nothing.
    fn is_on_host(&self) -> bool {
        ["RootDirectory", "RootImage"]
            .iter()
            .all(|key| !self.is_set(key))
    }

    /// A template without instances is read for a made-up one, whose paths and users nobody has.
    fn is_made_up(&self, key: &str, word: &str) -> bool {
        self.unit.name.is_template() && !self.case.sources.says(self.unit, "Service", key, word)
    }

    /// A warning at the word that `key` of [Service] has.
    fn warn(
        &self,
        (key, word): (&str, &str),
        code: Code,
        message: String,
        hint: &str,
    ) -> Diagnostic {
        let place = self.case.sources.place(self.unit, "Service", key, word);
        warning(place, code, message, hint)
    }
}

fn warning(place: Place<'_>, code: Code, message: String, hint: &str) -> Diagnostic {
    finding(Severity::Warning, place, code, message, hint)
}

fn error(place: Place<'_>, code: Code, message: String, hint: &str) -> Diagnostic {
    finding(Severity::Error, place, code, message, hint)
}

fn finding(
    severity: Severity,
    place: Place<'_>,
    code: Code,
    message: String,
    hint: &str,
) -> Diagnostic {
    Diagnostic {
        file: place.file.to_owned(),
        line: place.line,
        column: place.column,
        severity,
        code,
        message,
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}
