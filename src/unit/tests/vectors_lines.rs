//! Files into assignments, and command lines into commands: systemd's answers.
mod table;

use gitproc_unit::command::parse_commands;
use gitproc_unit::specifier::resolve;
use gitproc_unit::{ExecCommand, HostFacts, LINE_MAX, Privileges, UnitName, parse_ini};
use table::{check, same};

#[test]
fn the_last_assignment_of_a_key_is_found() {
    check(include_str!("vectors/conf-file.tsv"), |row| {
        let (sections, diagnostics) = parse_ini("x", &row.text("file"));
        same(diagnostics, Vec::new())?;
        let (section, key) = (row.text("section"), row.text("key"));
        let found = sections
            .into_iter()
            .filter(|one| one.name == section)
            .flat_map(|one| one.entries)
            .rfind(|entry| entry.key == key);
        same(found.map(|entry| entry.value), row.option("value"))
    });
}

#[test]
fn lines_of_more_than_a_mebibyte_end_the_reading() {
    let long = |count: usize| format!("[S]\na={}\nb=1\n", "x".repeat(count));
    let (_, fine) = parse_ini("x", &long(LINE_MAX - 3));
    assert_eq!(fine, []);
    // With its continuations a line may be a byte longer than alone.
    let continued = |count: usize| format!("[S]\na={}\\\nxx\nb=1\n", "x".repeat(count));
    let (_, fine) = parse_ini("x", &continued(LINE_MAX - 5));
    assert_eq!(fine, []);
    for text in [
        long(LINE_MAX - 2),
        continued(LINE_MAX - 4),
        // systemd's own case: many lines that go on.
        format!("[S]\na=1{}\nb=1\n", "\\\nabcdefghij".repeat(LINE_MAX / 10)),
    ] {
        let (sections, diagnostics) = parse_ini("x", &text);
        assert_eq!(diagnostics.len(), 1);
        assert!(diagnostics[0].message.contains("longer than 1 MiB"));
        assert_eq!(sections[0].entries, [], "nothing is read after it");
    }
}

#[test]
fn command_lines_are_taken_as_systemd_takes_them() {
    let facts = HostFacts {
        host_name: "vm".into(),
        ..HostFacts::example()
    };
    let unit = UnitName::parse("foo@bar-baz.service").expect("a name");
    check(include_str!("vectors/command.tsv"), |row| {
        let line = row.text("line");
        let parsed = parse_commands(&line, |word| resolve(word, &unit, &facts));
        let (outcome, commands) = match parsed {
            Ok(commands) if commands.is_empty() => ("reset", commands),
            Ok(commands) => ("taken", commands),
            Err(error) if error.fatal => ("fatal", error.kept),
            Err(error) => ("ignored", error.kept),
        };
        same(outcome, row.text("outcome").as_str())?;
        let shown: Vec<Vec<String>> = commands.iter().map(shown).collect();
        same(shown, row.lists("commands"))
    });
}

/// As the table writes commands: prefixes, path, arguments.
fn shown(command: &ExecCommand) -> Vec<String> {
    let marks = [
        (command.ignore_failure, "-"),
        (command.privileges == Privileges::Full, "+"),
        (command.privileges == Privileges::Elevated, "!"),
        (
            command.privileges == Privileges::ElevatedWithoutAmbient,
            "!!",
        ),
        (command.no_expand, ":"),
    ];
    let marks: String = marks
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, mark)| *mark)
        .collect();
    let mut items = vec![marks, command.path.clone()];
    items.extend(command.argv.iter().cloned());
    items
}

#[test]
fn commands_before_a_bad_one_are_kept() {
    for (line, fatal) in [
        ("/a ; b/c", true),
        ("/a ; -b/c", false),
        ("/a ; 'x", false),
        ("/a ; /b 'x", true),
        ("/a ; -/b %z", false),
    ] {
        let unit = UnitName::parse("a.service").expect("a name");
        let facts = HostFacts::example();
        let error = parse_commands(line, |word| resolve(word, &unit, &facts)).expect_err(line);
        assert_eq!(error.fatal, fatal, "{line}");
        assert_eq!(error.kept.len(), 1, "{line}");
        assert_eq!(error.kept[0].path, "/a", "{line}");
    }
}
