//! Units that nothing pulls in: no [Install], no `.wants/`, no word of them in another file.
use super::{Case, Found, warning};
use crate::graph::wanted;
use gitproc_unit::{Code, TreeEntry, Unit, UnitKind, UnitName};
use std::collections::{BTreeMap, BTreeSet};

/// They load, and never run by themselves.
pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    let wanted = wanted(case.units, case.target);
    let pulled = pulled(case);
    let idle: Vec<&Unit> = case
        .of_tree()
        .filter(|unit| !wanted.contains(&unit.name) && !pulled.contains(&unit.name))
        .filter(|unit| unit.install.wanted_by.is_empty() && unit.install.required_by.is_empty())
        .filter(|unit| !is_triggered(case, &unit.name) && unit.name != *case.target)
        .filter(|unit| !(unit.name.is_template() && case.instantiated.contains(&unit.name)))
        .collect();
    if idle.is_empty() {
        return;
    }
    let mentions = mentions(case);
    for unit in idle {
        let place = case.sources.whole(unit);
        let elsewhere = mentions
            .get(unit.name.as_str())
            .is_some_and(|mention| mention.is_elsewhere(place.file));
        if elsewhere {
            continue;
        }
        let (message, hint) = match (unit.name.is_template(), unit.name.kind()) {
            (true, _) => (
                format!("nothing starts an instance of {}", unit.name),
                "add DefaultInstance= to its [Install], or Wants= of an instance to a target",
            ),
            (false, UnitKind::Target) => (
                format!("nothing pulls in {}", unit.name),
                "add [Install] with WantedBy=default.target",
            ),
            (false, _) => (
                format!("nothing pulls in {}: it never starts by itself", unit.name),
                "add [Install] with WantedBy=multi-user.target",
            ),
        };
        found.push(warning(place, Code::NeverStarted, message, hint));
    }
}

/// Units that some other unit's dependencies name.
fn pulled<'a>(case: &Case<'a>) -> BTreeSet<&'a UnitName> {
    let units = case.units.units.values();
    let pulls = units.flat_map(|unit| {
        let section = &unit.unit;
        let all = [
            &section.requires,
            &section.wants,
            &section.binds_to,
            &section.requisite,
        ];
        let others = all.into_iter().flatten();
        others.filter(|other| **other != unit.name)
    });
    pulls.collect()
}

/// A timer, socket or path unit of the same name starts it.
fn is_triggered(case: &Case<'_>, name: &UnitName) -> bool {
    let stem = name.as_str().rsplit_once('.').map_or("", |(stem, _)| stem);
    ["timer", "socket", "path"]
        .iter()
        .any(|kind| case.tree.entries.contains_key(&format!("{stem}.{kind}")))
}

/// In which files a name is said.
struct Mention<'a> {
    first: &'a str,
    in_others: bool,
}

impl Mention<'_> {
    fn is_elsewhere(&self, own: &str) -> bool {
        self.in_others || self.first != own
    }
}

/// Every word of every file that looks like a unit's name: OnFailure=, Unit=, and what this
/// version doesn't know yet.
fn mentions<'a>(case: &Case<'a>) -> BTreeMap<&'a str, Mention<'a>> {
    let mut mentions: BTreeMap<&str, Mention<'_>> = BTreeMap::new();
    for (file, entry) in &case.tree.entries {
        let TreeEntry::File(text) = entry else {
            continue;
        };
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with(['#', ';']));
        let words = lines.flat_map(|line| line.split([' ', '\t', '=', '"', '\'', ',']));
        for word in words.filter(|word| word.ends_with(".service") || word.ends_with(".target")) {
            mentions
                .entry(word)
                .and_modify(|mention| mention.in_others |= mention.first != file)
                .or_insert(Mention {
                    first: file,
                    in_others: false,
                });
        }
    }
    mentions
}
