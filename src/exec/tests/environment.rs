//! What a service finds in its environment, and what its programs are found by.
#![allow(missing_docs)]
mod common;

use common::Service;
use gitproc_core::protocol::ProcessEnd;
use gitproc_unit::ExecRole;
use std::os::unix::fs::PermissionsExt;

/// Lines of `env`, sorted.
fn environment(lines: &str) -> Vec<String> {
    let log = Service::view(lines, "env");
    let mut found: Vec<String> = log.lines().map(str::to_owned).collect();
    found.sort();
    found
}

fn has(found: &[String], line: &str) -> bool {
    found.iter().any(|found| found == line)
}

#[test]
fn variables_come_from_the_unit_its_files_and_nowhere_else() {
    let file = std::env::temp_dir().join(format!("gitproc-env-{}", std::process::id()));
    std::fs::write(&file, "A=from file\nC='quoted value'\n").expect("ours");
    let lines = format!(
        "Environment=A=1 \"B=two words\" D=%n\nEnvironmentFile={}\nEnvironmentFile=-/nonexistent",
        file.display()
    );
    let found = environment(&lines);
    std::fs::remove_file(&file).expect("ours");
    for line in [
        "A=from file",
        "B=two words",
        "C=quoted value",
        "D=test.service",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ] {
        assert!(has(&found, line), "{line}\n{found:#?}");
    }
    // The shell adds some of its own.
    let ours = ["PWD=", "SHLVL=", "_="];
    let names: Vec<&str> = found
        .iter()
        .filter(|line| !ours.iter().any(|own| line.starts_with(own)))
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    assert_eq!(
        names,
        [
            "A",
            "B",
            "C",
            "D",
            "INVOCATION_ID",
            "PATH",
            "SYSTEMD_EXEC_PID"
        ]
    );
}

#[test]
fn variables_of_the_daemon_are_passed_by_name_and_taken_away_at_last() {
    let found = environment("PassEnvironment=PASSED MISSING");
    assert!(has(&found, "PASSED=from the daemon"), "{found:#?}");
    assert!(
        !environment("")
            .iter()
            .any(|line| line.starts_with("PASSED"))
    );
    let found = environment(
        "Environment=A=1 B=2 PASSED=own\nPassEnvironment=PASSED\nUnsetEnvironment=A B=3 PATH",
    );
    assert!(
        has(&found, "PASSED=own") && has(&found, "B=2"),
        "{found:#?}"
    );
    for gone in ["A=", "PATH=/usr/local"] {
        assert!(
            !found.iter().any(|line| line.starts_with(gone)),
            "{found:#?}"
        );
    }
}

#[test]
fn a_command_knows_its_own_number() {
    let log = Service::view("", "test $$ = $SYSTEMD_EXEC_PID && echo same");
    assert_eq!(log, "same\n");
}

#[test]
fn programs_are_looked_up_in_the_units_path() {
    let dir = std::env::temp_dir().join(format!("gitproc-path-{}", std::process::id()));
    std::fs::create_dir(&dir).expect("fresh");
    let program = dir.join("only-here");
    std::fs::write(&program, "#!/bin/sh\necho found $PATH\n").expect("ours");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let path = dir.display().to_string();
    let named = |lines: &str| {
        Service::of_unit(lines, "").with(|spec| {
            let start = spec.commands.get_mut(&ExecRole::Start).expect("set");
            start[0] = common::command(&["only-here"]);
        })
    };
    let mut service = named(&format!("ExecSearchPath=/nonexistent:{path}")).up();
    let exit = service.run_to_end(ExecRole::Start);
    service.quit();
    let log = service.log();
    let mut lost = named("").up();
    let missing = lost.run_to_end(ExecRole::Start);
    std::fs::remove_dir_all(&dir).expect("ours");
    assert_eq!(exit.end, ProcessEnd::Exited(0), "{exit:?}");
    assert_eq!(log, format!("found /nonexistent:{path}\n"));
    assert_eq!(missing.end, ProcessEnd::Exited(203));
}
