//! The normal form: what is printed is read back as the same unit, line for line necessary.
#![allow(clippy::disallowed_methods)] // a test of files may read files
mod samples;

use gitproc_unit::{HostFacts, Row, TreeEntry, TreeFiles, Unit, UnitName, load, print, table};
use proptest::prelude::*;
use std::collections::HashSet;
use std::fmt;
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

/// What stands on one line of a unit file.
#[derive(Clone)]
struct Line {
    section: &'static str,
    row: &'static Row,
    value: String,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line {
            section,
            row,
            value,
        } = self;
        write!(f, "[{section}] {}={value}", row.key)
    }
}

/// A kind of unit, and lines that may stand in it.
fn lines() -> impl Strategy<Value = (UnitName, Vec<Line>)> {
    prop::sample::select(&samples::UNITS[..]).prop_flat_map(|(name, least)| {
        let name = UnitName::parse(name).expect("a name");
        let own = name.kind().section();
        let here = move |row: &&Row| {
            let sections = row.family.sections();
            [own, "Unit", "Install"]
                .iter()
                .any(|section| sections.contains(section))
        };
        let rows: Vec<&Row> = table().iter().filter(here).collect();
        let line = prop::sample::select(rows).prop_flat_map(move |row| {
            let sections = row.family.sections();
            let section = if sections.contains(&own) {
                own
            } else {
                sections[0]
            };
            value(row).prop_map(move |value| Line {
                section,
                row,
                value,
            })
        });
        let (key, value) = least.split_once('=').unwrap_or(("X-None", ""));
        let first = table()
            .iter()
            .find(|row| row.key == key && row.family.sections().contains(&own));
        let first = first.map(|row| Line {
            section: own,
            row,
            value: value.to_owned(),
        });
        prop::collection::vec(line, 0..12)
            .prop_map(move |lines| (name.clone(), first.iter().cloned().chain(lines).collect()))
    })
}

/// Mostly something that the directive takes.
fn value(row: &'static Row) -> BoxedStrategy<String> {
    let odd = prop_oneof![
        "\\PC{0,12}",
        "[-~!|+@:]{0,2}(/[a-z.]{0,2}|[a-z]{1,3}|[0-9]{1,3}|%[a-z%]|\\\\[a-z;\\\\]|[ \"';:=$,]){0,8}",
        "[0-9]{1,20}(\\.[0-9]{1,3})?[a-zA-Z%]{0,4}",
        Just(String::new()),
    ];
    let legal: Vec<String> = samples::values(row)
        .into_iter()
        .map(str::to_owned)
        .collect();
    match legal.is_empty() {
        true => odd.boxed(),
        false => {
            let legal = prop::sample::select(legal);
            prop_oneof![3 => legal.clone(), 1 => odd, 1 => (legal.clone(), legal).prop_map(|(a, b)| format!("{a} {b}"))].boxed()
        }
    }
}

/// The lines as a file, which is not empty: that would mask the unit.
fn text(lines: &[Line]) -> String {
    let line = |line: &Line| format!("[{}]\n{}={}\n", line.section, line.row.key, line.value);
    std::iter::once("[Unit]\n".to_owned())
        .chain(lines.iter().map(line))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_read_prints_as_what_reads_the_same((name, lines) in lines()) {
        let facts = HostFacts::example();
        let unit = read(&name, &text(&lines), &facts).expect("a file makes a unit");
        prop_assert_eq!(complaint(&name, &unit, &facts), None);
    }

    #[test]
    fn no_line_is_printed_for_nothing((name, lines) in lines()) {
        let facts = HostFacts::example();
        let unit = read(&name, &text(&lines), &facts).expect("a file makes a unit");
        let printed = print(&unit, &facts);
        let all: Vec<&str> = printed.lines().collect();
        for (at, line) in all.iter().enumerate().filter(|(_, line)| line.contains('=')) {
            let mut rest = all.clone();
            rest.remove(at);
            let less = read(&name, &rest.join("\n"), &facts);
            prop_assert_ne!(less.as_ref(), Some(&unit), "{}= is not needed in\n{}", line, printed);
        }
    }

    #[test]
    fn layout_and_order_mean_nothing(((name, lines), seed) in (lines(), any::<u64>())) {
        let facts = HostFacts::example();
        // One line of each list, and of what counts in order with others none.
        let mut seen = HashSet::new();
        let lines: Vec<Line> = lines
            .into_iter()
            .filter(|line| order_is_free(line.row) && !line.value.ends_with('\\'))
            .filter(|line| seen.insert(&line.row.property))
            .collect();
        let one = read(&name, &text(&lines), &facts);
        let other = read(&name, &scattered(&lines, seed), &facts);
        prop_assert_eq!(&one, &other);
        if let Some(unit) = one {
            prop_assert_eq!(unit.meaning, other.expect("equal").meaning);
        }
    }
}

/// Whether a line may change places with lines of other directives.
fn order_is_free(row: &Row) -> bool {
    // These read, or set, what others set.
    let bound = [
        "CPUScheduling",
        "IOScheduling",
        "On",
        "StandardInput",
        "Path",
        "Directory",
        "Listen",
    ];
    !row.property.is_empty() && !bound.iter().any(|start| row.key.starts_with(start))
}

/// The same lines in another order, each with a header, comments and white space of its own.
fn scattered(lines: &[Line], seed: u64) -> String {
    let mut order: Vec<(u64, &Line)> = (1..)
        .zip(lines)
        .map(|(place, line)| (seed.wrapping_mul(2 * place + 1).rotate_left(17), line))
        .collect();
    order.sort_by_key(|(key, _)| *key);
    let mut text = String::from("# a comment\r\n\n");
    for (key, line) in order {
        let space = [" ", "\t", "", "  "][(key % 4) as usize];
        let Line {
            section,
            row,
            value,
        } = line;
        text.push_str(&format!(
            "[{section}]{space}\n; {value}\n{space}{}{space}={space}{value}{space}\r\n\n",
            row.key
        ));
    }
    text
}
