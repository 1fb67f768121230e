//! `LintIgnore=` in `[X-Gitproc]`: warnings that a file switches off, for itself and for its unit.
use super::source::files;
use super::{Case, Found, Place, warning};
use gitproc_unit::{Code, Entry, Severity, TreeEntry, Unit};
use std::collections::{BTreeMap, BTreeSet};

const SECTION: &str = "X-Gitproc";
const KEY: &str = "LintIgnore";

type Ignored<'a> = BTreeMap<&'a str, BTreeSet<Code>>;

/// By file, what it switches off.
fn by_file<'a>(case: &Case<'a>) -> Ignored<'a> {
    let mut ignored = Ignored::new();
    each(case, |file, _, word| {
        if let Some(code) = Code::named(word) {
            ignored.entry(file).or_default().insert(code);
        }
    });
    ignored
}

/// Every word of the directive, anywhere in the tree.
fn each<'a>(case: &Case<'a>, mut visit: impl FnMut(&'a str, Place<'a>, &str)) {
    for (file, entry) in &case.tree.entries {
        // Most files don't have it, and need not be read for that.
        let TreeEntry::File(text) = entry else {
            continue;
        };
        if !text.contains(KEY) {
            continue;
        }
        for section in case.sources.read(file).iter() {
            let own = |entry: &&Entry| section.name == SECTION && entry.key == KEY;
            for entry in section.entries.iter().filter(own) {
                let place = Place {
                    file,
                    line: entry.value_line,
                    column: entry.value_column,
                };
                let words = entry.value.split([' ', '\t', ',']);
                for word in words.filter(|word| !word.is_empty()) {
                    visit(file, place, word);
                }
            }
        }
    }
}

/// Takes out warnings that their file switches off, or the unit whose file it is.
pub(super) fn take_out(case: &Case<'_>, found: &mut Found) {
    let by_file = by_file(case);
    if by_file.is_empty() {
        return;
    }
    let mut ignored = by_file.clone();
    for unit in case.of_tree() {
        let codes: BTreeSet<Code> = files(unit)
            .filter_map(|file| by_file.get(file))
            .flatten()
            .copied()
            .collect();
        for file in files(unit).filter(|file| is_own(unit, file)) {
            ignored.entry(file).or_default().extend(&codes);
        }
    }
    found.retain(|one| {
        let codes = ignored.get(one.file.as_str());
        one.severity == Severity::Error || !codes.is_some_and(|codes| codes.contains(&one.code))
    });
}

/// A drop-in that several units share (`service.d/`) is not switched off by one of them.
fn is_own(unit: &Unit, file: &str) -> bool {
    let template = unit.name.template();
    match file.split_once(".d/") {
        Some((owner, _)) => {
            owner == unit.name.as_str() || template.is_some_and(|name| owner == name.as_str())
        }
        None => true,
    }
}

/// Names that no finding has.
pub(super) fn odd_names(case: &Case<'_>, found: &mut Found) {
    each(case, |_, place, word| {
        if Code::named(word).is_none() {
            let message = format!("{KEY}=: no kind of finding is called '{word}'");
            let hint = "gitproc verify -o json shows the code of each finding";
            found.push(warning(place, Code::BadValue, message, hint));
        }
    });
}
