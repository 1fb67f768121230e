//! `SystemCallFilter=` and whatever else forbids system calls, as programs for seccomp(2).
//!
//! [`meant`] says which calls a unit forbids, as systemd 252 does; [`program`] makes programs of
//! that for each architecture whose programs the host can run ([`arch`]).
mod arch;
mod meant;
mod program;
#[cfg(test)]
mod tests;

use crate::spec::CallProgram;
use arch::Arch;
use gitproc_unit::Family::Exec;
use gitproc_unit::{HostFacts, Setting, Unit};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    Allow,
    /// It is made, and logged.
    Log,
    /// It fails with this error.
    Errno(i32),
    /// The process is killed by SIGSYS.
    Kill,
}

/// A comparison with an argument of a call; all that a rule names must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equal(u64),
    Differs(u64),
    Above(u64),
    /// The bits of the mask have this value.
    Bits(u64, u64),
}

/// One call, and when its action is taken.
#[derive(Debug, Clone)]
struct Rule {
    call: &'static str,
    action: Action,
    /// Number of the argument, from 0.
    tests: Vec<(u8, Test)>,
}

/// What one directive forbids.
#[derive(Debug, Clone)]
struct Filter {
    directive: &'static str,
    /// Of calls that no rule is about.
    default: Action,
    rules: Vec<Rule>,
}

/// Whether this host's architecture has a call.
pub(crate) fn call_exists(facts: &HostFacts, call: &str) -> bool {
    Arch::of(&facts.architecture).is_some_and(|arch| arch.number(call).is_some())
}

/// The filters of the unit, in the order in which they are loaded. A program without instructions
/// can't be loaded: it stands for a filter that this architecture can't have.
pub(super) fn of(unit: &Unit, facts: &HostFacts) -> Vec<CallProgram> {
    let filters = meant::filters(unit);
    let listed: Vec<&str> = match unit.settings.get(Exec, "SystemCallArchitectures") {
        Setting::Architectures(set) => set.names().collect(),
        _ => Vec::new(),
    };
    if filters.is_empty() && listed.is_empty() {
        return Vec::new();
    }
    let directive = match filters.first() {
        Some(filter) if listed.is_empty() => filter.directive,
        _ => "SystemCallArchitectures=",
    };
    let Some(native) = Arch::of(&facts.architecture) else {
        return vec![CallProgram {
            directive: directive.to_owned(),
            instructions: Vec::new(),
        }];
    };
    // What is not allowed at all needs no filters of its own.
    let foreign = native.plays();
    let foreign = foreign.filter(|arch| listed.is_empty() || listed.contains(&arch.name()));
    let mut programs = Vec::new();
    if native == Arch::X86_64 {
        programs.push(program::without_x32(directive));
    }
    if !listed.is_empty() && foreign.is_none() {
        programs.push(program::only(native));
    }
    for filter in &filters {
        // The native one last: what it forbids may be needed to load more.
        for arch in foreign.into_iter().chain([native]) {
            programs.extend(program::of(filter, arch));
        }
    }
    programs
}
