//! Variables: how they are put into command lines and read from files. systemd's answers.
mod table;

use gitproc_unit::environment::{assignment, is_name, is_value, read_assignments};
use gitproc_unit::{ExecCommand, expand, parse_environment_file};
use table::{check, same};

#[test]
fn words_of_command_lines_are_expanded() {
    check(include_str!("vectors/env-expand.tsv"), |row| {
        let variables: Vec<(String, String)> = row
            .list("variables")
            .iter()
            .map(|one| assignment(one).expect("NAME=value"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut command = ExecCommand {
            path: "/x".into(),
            argv: vec![row.text("word")],
            ignore_failure: false,
            no_expand: false,
            privileges: Default::default(),
        };
        same(expand(&command, &variables), row.rest("arguments"))?;
        command.no_expand = true;
        same(expand(&command, &variables), command.argv)
    });
}

#[test]
fn what_is_no_variable_stays_as_it_is() {
    let variables = [("A".to_owned(), "1".to_owned())];
    for (word, expected) in [
        ("x$", "x$"),
        ("x${A", "x${A"),
        ("x${A $$ ${A}", "x"),
        ("x${A $$ y", "x${A $$ y"),
        ("${A$$B:x}$$", "${A$$B:x}$"),
        ("x${}y", "xy"),
    ] {
        let command = ExecCommand {
            path: "/x".into(),
            argv: vec![word.into()],
            ignore_failure: false,
            no_expand: false,
            privileges: Default::default(),
        };
        assert_eq!(expand(&command, &variables), [expected], "{word}");
    }
}

#[test]
fn files_are_read() {
    let shown = |list: Vec<(String, String)>| -> Vec<String> {
        list.iter().map(|(k, v)| format!("{k}={v}")).collect()
    };
    check(include_str!("vectors/env-file.tsv"), |row| {
        let file = row.text("file");
        if row.text("outcome") == "refused" {
            same(read_assignments(file.as_bytes()).is_err(), true)?;
            return same(parse_environment_file(file.as_bytes()).is_err(), true);
        }
        let all = read_assignments(file.as_bytes()).map_err(|err| err.to_string())?;
        same(shown(all), row.list("assignments"))?;
        let variables = parse_environment_file(file.as_bytes()).map_err(|err| err.to_string())?;
        same(shown(variables), row.list("variables"))
    });
    assert!(parse_environment_file(b"A=1\0").is_err());
    assert!(parse_environment_file(b"A=\xff").is_err());
}

#[test]
fn names_and_values_are_judged() {
    check(include_str!("vectors/env-valid.tsv"), |row| {
        let text = row.text("text");
        let got = match row.text("what").as_str() {
            "name" => is_name(&text),
            "value" => is_value(&text),
            "assignment" => assignment(&text).is_some(),
            what => return Err(format!("what is {what}?")),
        };
        same(got, row.text("valid") == "yes")
    });
}
