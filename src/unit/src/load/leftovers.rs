//! What the tree holds and no unit takes up: said, not skipped.
use super::directories::Member;
use super::names::{Leads, Names};
use super::{Loader, report};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::name::UnitName;
use std::collections::BTreeSet;

/// Adds it to the loader's diagnostics.
pub(super) fn say(loader: &mut Loader<'_>) {
    let mut found = Vec::new();
    drop_ins(loader, &mut found);
    members(loader, &mut found);
    loader.diagnostics.append(&mut found);
}

/// The unit that a directory belongs to; `None` for `service.d` and `a-.service.d`, which speak for
/// any unit, of which there may be none.
fn owner(text: &str) -> Option<UnitName> {
    let name = UnitName::parse(text).ok()?;
    (!name.prefix().ends_with('-') || name.prefix() == "-").then_some(name)
}

fn is_masked(names: &Names, name: &UnitName) -> bool {
    matches!(names.follow(name), Leads::Masked(_))
}

fn drop_ins(loader: &Loader<'_>, found: &mut Vec<Diagnostic>) {
    // A drop-in of a template is read by its instances, which may have files of their own.
    let mut templates: Option<BTreeSet<UnitName>> = None;
    for (text, paths) in loader.directories.owners_of_drop_ins() {
        let Some(name) = owner(text) else { continue };
        let unit = loader.names.canonical(&name);
        let mut read = loader.units.contains_key(&unit) || loader.others.contains_key(&unit);
        if !read && name.is_template() {
            let all = loader.units.keys().chain(loader.others.keys());
            let templates =
                templates.get_or_insert_with(|| all.filter_map(UnitName::template).collect());
            read = templates.contains(&name);
        }
        if read || is_masked(&loader.names, &name) {
            continue;
        }
        for path in paths {
            let message = format!("drop-in for {name}, which is not run from this tree, ignoring");
            report(found, path, Code::OrphanDropIn, Severity::Warning, message);
        }
    }
}

fn members(loader: &Loader<'_>, found: &mut Vec<Diagnostic>) {
    for (text, member) in loader.directories.owners_of_members() {
        let Member::Unit {
            unit,
            place,
            outside,
        } = member
        else {
            continue;
        };
        let missing = |name: &UnitName| matches!(loader.names.resolve(name), Leads::Missing);
        if let Some(target) = outside
            && missing(unit)
        {
            let message = format!("links to {target}, which is no unit of this directory");
            found.push(place.finding(Code::BadLink, Severity::Error, message));
        } else if let Some(owner) = owner(text)
            && missing(&owner)
        {
            let message = format!("nothing pulls in {unit} by {owner}: it is not in the tree");
            found.push(place.finding(Code::NeverStarted, Severity::Warning, message));
        }
    }
}
