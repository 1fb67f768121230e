//! `gitproc security` says what `systemd-analyze security` of systemd 252 says: of single lines, and
//! of Debian's services.
#![allow(missing_docs, clippy::disallowed_methods)]
use gitproc_core::security::{Exposure, Level, assess};
use gitproc_unit::{HostFacts, TreeEntry, UnitName, load_alone};

fn facts() -> HostFacts {
    HostFacts {
        architecture: "x86-64".to_owned(),
        ..HostFacts::example()
    }
}

fn exposure(name: &str, text: &str) -> Option<Exposure> {
    let name = UnitName::parse(name).expect("a name");
    let (unit, _) = load_alone(&name, TreeEntry::File(text.to_owned()), &facts());
    assess(&unit?, &facts())
}

fn of_lines(lines: &str) -> Exposure {
    let (unit, lines) = match lines.strip_prefix("EARLY") {
        Some(lines) => ("[Unit]\nDefaultDependencies=no\n", lines),
        None => ("", lines),
    };
    let text = format!("{unit}[Service]\nExecStart=/bin/true\n{lines}\n");
    exposure("p.service", &text).expect("a service")
}

/// Rows of two columns.
fn rows(text: &str) -> impl Iterator<Item = (&str, u32)> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let (what, tenths) = row.split_once('\t').expect("two columns");
        (what, tenths.parse().expect("a number"))
    })
}

#[test]
fn lines_weigh_what_they_weigh_under_systemd() {
    let mut wrong = Vec::new();
    for (lines, expected) in rows(include_str!("facts/security-lines.tsv")) {
        let found = of_lines(&lines.replace("\\n", "\n")).tenths;
        if found != expected {
            wrong.push(format!("{lines}: {found}, systemd says {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn debians_services_are_as_exposed_as_under_systemd() {
    let Some(corpus) = std::env::var_os("GITPROC_CORPUS") else {
        eprintln!("GITPROC_CORPUS does not say where Debian's unit files are, not run");
        return;
    };
    let corpus = std::path::PathBuf::from(corpus);
    let (mut seen, mut wrong) = (0, Vec::new());
    for (path, expected) in rows(include_str!("facts/security-units.tsv")) {
        let text = std::fs::read_to_string(corpus.join(path)).expect("a unit file");
        let name = path.rsplit('/').next().expect("a name");
        let found = exposure(&name.replace("@.", "@i."), &text);
        seen += 1;
        match found.map(|found| found.tenths) {
            Some(found) if found == expected => {}
            found => wrong.push(format!("{path}: {found:?}, systemd says {expected}")),
        }
    }
    assert_eq!(seen, 888);
    assert!(wrong.is_empty(), "{} of {seen}: {wrong:#?}", wrong.len());
}

#[test]
fn what_helps_most_comes_first() {
    let bare = of_lines("Nice=0");
    assert_eq!((bare.tenths, bare.level), (96, Level::Unsafe));
    assert_eq!(bare.checks.len(), 81);
    assert!(bare.checks.is_sorted_by(|a, b| a.tenths >= b.tenths));
    let lines: Vec<&str> = bare.remedies.iter().map(|remedy| &*remedy.line).collect();
    assert!(lines[0].starts_with("CapabilityBoundingSet="), "{lines:?}");
    let all: u32 = bare.remedies.iter().map(|remedy| remedy.tenths).sum();
    assert!(all > 70 && all <= bare.tenths, "{all}");
    // A line that helps is not named once it is there.
    let with = of_lines("PrivateNetwork=yes");
    let named = |line: &str| with.remedies.iter().any(|remedy| remedy.line == line);
    assert!(!named("PrivateNetwork=yes") && named("PrivateTmp=yes"));
}
