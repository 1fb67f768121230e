//! Trees for tests, written as pairs of path and content; `-> x` is a link to `x`.
#![allow(dead_code)] // each test uses a part of it
use gitproc_unit::{HostFacts, Loaded, Origin, TreeEntry, TreeFiles, Unit, UnitName, load};

/// The tree of these files.
pub fn tree(files: &[(&str, &str)]) -> TreeFiles {
    let entry = |text: &str| match text.strip_prefix("-> ") {
        Some(target) => TreeEntry::Symlink(target.into()),
        None => TreeEntry::File(text.into()),
    };
    TreeFiles {
        entries: files
            .iter()
            .map(|(path, text)| (path.to_string(), entry(text)))
            .collect(),
    }
}

/// What they load to.
pub fn loaded(files: &[(&str, &str)]) -> Loaded {
    load(&tree(files), &HostFacts::example())
}

/// The same, and nothing is to be said about it.
#[track_caller]
pub fn fine(files: &[(&str, &str)]) -> Loaded {
    let all = loaded(files);
    assert_eq!(all.diagnostics, [], "{files:#?}");
    all
}

/// What is said about them.
pub fn said(files: &[(&str, &str)]) -> Vec<String> {
    let all = loaded(files).diagnostics;
    all.iter().map(ToString::to_string).collect()
}

pub fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

/// The unit of that name, also when it is of a kind that is not run.
#[track_caller]
pub fn unit<'a>(all: &'a Loaded, text: &str) -> &'a Unit {
    let found = all.unit(&name(text));
    found.unwrap_or_else(|| panic!("{text} is not loaded: {:?}", all.diagnostics))
}

/// Drop-ins of a unit, in the order in which they were read.
#[track_caller]
pub fn drop_ins(all: &Loaded, text: &str) -> String {
    match &unit(all, text).origin {
        Origin::Tree { drop_ins, .. } => drop_ins.join(" "),
        Origin::BuiltIn { .. } => panic!("{text} is of the host"),
    }
}

/// Names, with spaces between.
pub fn list<'a>(names: impl IntoIterator<Item = &'a UnitName>) -> String {
    let names: Vec<&str> = names.into_iter().map(UnitName::as_str).collect();
    names.join(" ")
}

/// A service that can be run.
pub const SERVICE: &str = "[Service]\nExecStart=/bin/true\n";
