//! Random unit sets, as text, read by the real unit language.
use crate::random::Random;
use gitproc_unit::{HostFacts, Severity, TreeEntry, TreeFiles, UnitSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Units of one history: `u0.service` … ; dependencies point to lower numbers, so that no set has
/// an ordering cycle.
pub const UNITS: usize = 6;

/// A commit's units: each has a chance to be there, and a revision that gives it a meaning.
pub fn random_set(random: &mut Random) -> Arc<UnitSet> {
    let mut tree = TreeFiles::default();
    let present: Vec<usize> = (0..UNITS).filter(|_| random.percent(80)).collect();
    for &number in &present {
        tree.entries.insert(
            format!("u{number}.service"),
            TreeEntry::File(random_unit(random, number, &present)),
        );
    }
    if random.percent(30) {
        let text = "[Unit]\nWants=u0.service u1.service\n[Install]\nWantedBy=default.target\n";
        tree.entries
            .insert("group.target".into(), TreeEntry::File(text.into()));
    }
    let loaded = gitproc_unit::load(&tree, &HostFacts::example());
    let errors: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .collect();
    assert!(
        errors.is_empty(),
        "the simulation's units are valid: {errors:?}\n{tree:?}"
    );
    Arc::new(loaded.units)
}

fn random_unit(random: &mut Random, number: usize, present: &[usize]) -> String {
    let mut text = String::from("[Unit]\n");
    for &other in present.iter().filter(|other| **other < number) {
        if random.percent(60) {
            continue;
        }
        let kind = ["Requires", "Requires", "Wants", "BindsTo", "PartOf"][random.below(5)];
        writeln!(text, "{kind}=u{other}.service").expect("a String takes all");
        if random.percent(75) {
            writeln!(text, "After=u{other}.service").expect("a String takes all");
        }
    }
    if random.percent(20) {
        text.push_str("StartLimitBurst=2\nStartLimitIntervalSec=60\n");
    }
    let service_type = ["simple", "exec", "notify", "forking", "oneshot"][random.below(5)];
    let restart = ["no", "always", "on-failure", "on-abnormal"][random.below(4)];
    let restart = match (service_type, restart) {
        ("oneshot", "always") => "no", // systemd refuses that pair
        (_, other) => other,
    };
    writeln!(text, "[Service]\nType={service_type}\nRestart={restart}").expect("String");
    writeln!(text, "ExecStart=/bin/main {}", random.below(3)).expect("String");
    if service_type == "forking" {
        text.push_str("PIDFile=/run/x.pid\n");
    }
    for line in [
        "ExecStartPre",
        "ExecStartPost",
        "ExecReload",
        "ExecStop",
        "ExecStopPost",
    ] {
        if random.percent(25) {
            writeln!(text, "{line}=/bin/command").expect("String");
        }
    }
    if random.percent(15) {
        text.push_str("ExecCondition=/bin/condition\n");
    }
    if service_type == "oneshot" && random.percent(60) {
        text.push_str("RemainAfterExit=yes\n");
    }
    let mode = ["control-group", "control-group", "mixed", "process"][random.below(4)];
    writeln!(text, "KillMode={mode}").expect("String");
    if random.percent(85) {
        text.push_str("[Install]\nWantedBy=multi-user.target\n");
    }
    text
}
