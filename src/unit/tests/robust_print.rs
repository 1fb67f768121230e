//! The normal form: what is printed is read back as the same unit, line for line necessary.
#![allow(clippy::disallowed_methods)] // a test of files may read files
use gitproc_unit::{HostFacts, TreeEntry, TreeFiles, Unit, UnitName, load, print};
use std::path::{Path, PathBuf};

fn read(name: &UnitName, text: &str, facts: &HostFacts) -> Option<Unit> {
    let mut tree = TreeFiles::default();
    tree.entries
        .insert(name.to_string(), TreeEntry::File(text.to_owned()));
    load(&tree, facts).unit(name).cloned()
}

/// Prints, reads back and prints again; what went wrong, in words.
fn complaint(name: &UnitName, unit: &Unit, facts: &HostFacts) -> Option<String> {
    let printed = print(unit, facts);
    let Some(again) = read(name, &printed, facts) else {
        return Some(format!("{name}: not read back:\n{printed}"));
    };
    if again != *unit {
        let (a, b) = (format!("{unit:#?}"), format!("{again:#?}"));
        let differs = a.lines().zip(b.lines()).find(|(a, b)| a != b);
        return Some(format!(
            "{name}: another unit ({differs:?}) from\n{printed}"
        ));
    }
    let reprinted = print(&again, facts);
    (reprinted != printed).then(|| format!("{name}: prints as\n{printed}\nand as\n{reprinted}"))
}

#[test]
fn debian_units_are_read_back_from_their_print() {
    let Some(dir) = std::env::var_os("GITPROC_CORPUS") else {
        eprintln!("GITPROC_CORPUS is not set: corpus not read");
        return;
    };
    let facts = HostFacts::example();
    let (mut files, mut wrong) = (0, Vec::new());
    for path in entries(Path::new(&dir)).iter().flat_map(|dir| entries(dir)) {
        let file = path.file_name().expect("listed").to_string_lossy();
        let (Ok(name), Ok(text)) = (UnitName::parse(&file), std::fs::read_to_string(&path)) else {
            continue;
        };
        if let Some(unit) = read(&name, &text, &facts) {
            files += 1;
            wrong.extend(complaint(&name, &unit, &facts));
        }
    }
    assert!(
        wrong.is_empty(),
        "of {files}, {}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    eprintln!("{files} units printed and read back");
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<_> = read.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
