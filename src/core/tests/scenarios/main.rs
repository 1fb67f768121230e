//! Scenario scripts of the engine: inputs in, effects out, one rule of systemd's per test.
//!
//! What is not said here is left to the simulation (`sim`), which finds what nobody thought of.
#![allow(missing_docs)]
mod actions;
mod jobs;
mod script;
mod stores;
mod timeouts;

use gitproc_core::api::{
    HelperEvent, INVOCATION_RECORD_VERSION, InvocationRecord, UNIT_RECORD_VERSION, UnitRecord, Verb,
};
use gitproc_core::protocol::{HelperState, Notify, ProcessEnd, Whom};
use gitproc_core::snapshot::{ActiveState, UnitResult};
use gitproc_core::{CommitId, Effect, Input, Instant, InvocationId};
use gitproc_unit::ExecRole;
use script::*;
use std::collections::BTreeMap;
use std::sync::Arc;

#[test]
fn a_service_is_spawned_run_and_up() {
    let mut script = Script::of(&[("a.service", SIMPLE)]);
    assert_eq!(script.asked(), ["spawn a"]);
    script.hear("a.service", HelperEvent::Ready);
    assert_eq!(script.asked(), ["run a Start 0"]);
    script.is("a.service", ActiveState::Activating, "start");
    script.runs("a.service", ExecRole::Start);
    assert_eq!(script.asked(), ["settled, failed: []"]);
    script.is("a.service", ActiveState::Active, "running");
}

#[test]
fn order_is_kept_up_and_reversed_down() {
    let mut script = Script::of(&[
        ("a.service", SIMPLE),
        (
            "b.service",
            "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\nExecStart=/bin/x\n",
        ),
    ]);
    assert_eq!(script.asked(), ["spawn a"], "b waits for a");
    script.comes_up("a.service");
    assert_eq!(script.asked(), ["run a Start 0", "spawn b"]);
    script.comes_up("b.service");
    script.asked();
    script.ask(Verb::Stop, "a.service");
    assert_eq!(
        script.asked(),
        ["signal b All 15"],
        "a waits for b, which needs it"
    );
    script.goes_down("b.service", ProcessEnd::Killed(15));
    assert_eq!(script.asked(), ["release b", "signal a All 15"]);
    script.goes_down("a.service", ProcessEnd::Killed(15));
    assert_eq!(script.asked(), ["release a", "Done a"]);
    script.is("a.service", ActiveState::Inactive, "dead");
}

#[test]
fn what_requires_a_unit_that_fails_is_told_so() {
    let mut script = Script::of(&[
        ("a.service", "[Service]\nType=oneshot\nExecStart=/bin/x\n"),
        (
            "b.service",
            "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\nExecStart=/bin/x\n",
        ),
        (
            "c.service",
            "[Unit]\nWants=a.service\nAfter=a.service\n[Service]\nExecStart=/bin/x\n",
        ),
    ]);
    script.comes_up("a.service");
    script.goes_down("a.service", ProcessEnd::Exited(3));
    assert_eq!(
        script.asked(),
        [
            "spawn a",
            "run a Start 0",
            "signal a All 15",
            "release a",
            "spawn c"
        ],
        "c only wants it"
    );
    assert_eq!(script.status("b.service").result, UnitResult::Dependency);
    script.comes_up("c.service");
    assert_eq!(
        script.asked(),
        ["run c Start 0", r#"settled, failed: ["a", "b"]"#]
    );
}

#[test]
fn conflicting_units_are_never_up_together() {
    let mut script = Script::of(&[
        ("a.service", SIMPLE),
        (
            "b.service",
            "[Unit]\nConflicts=a.service\nAfter=a.service\n[Service]\nExecStart=/bin/x\n",
        ),
    ]);
    assert_eq!(
        script.asked(),
        ["spawn b"],
        "the one that says Conflicts= runs"
    );
    assert!(
        script
            .status("a.service")
            .reason
            .is_some_and(|why| why.contains("Conflicts="))
    );
    script.comes_up("b.service");
    script.asked();
    // By hand it can be the other way round.
    script.ask(Verb::Start, "a.service");
    assert_eq!(
        script.asked(),
        ["signal b All 15"],
        "the other one goes first"
    );
    script.goes_down("b.service", ProcessEnd::Killed(15));
    assert_eq!(script.asked(), ["release b", "spawn a"]);
}

#[test]
fn remain_after_exit_stays_active_with_nothing_running() {
    let mut script = Script::of(&[(
        "a.service",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/x\nExecStop=/bin/y\n",
    )]);
    script.comes_up("a.service");
    script.ends("a.service", ExecRole::Start, ProcessEnd::Exited(0));
    script.hear("a.service", HelperEvent::Empty);
    script.is("a.service", ActiveState::Active, "exited");
    script.asked();
    script.ask(Verb::Stop, "a.service");
    assert_eq!(script.asked(), ["run a Stop 0"]);
    script.runs("a.service", ExecRole::Stop);
    script.ends("a.service", ExecRole::Stop, ProcessEnd::Exited(0));
    script.hear("a.service", HelperEvent::Empty);
    assert_eq!(script.asked(), ["signal a All 15", "release a"]);
}

#[test]
fn a_stop_asks_then_kills_then_cleans_up() {
    let mut script = Script::of(&[(
        "a.service",
        "[Service]\nExecStart=/bin/x\nExecStopPost=/bin/y\nTimeoutStopSec=5\n",
    )]);
    script.comes_up("a.service");
    script.asked();
    script.ask(Verb::Stop, "a.service");
    assert_eq!(script.asked(), ["signal a All 15"]);
    script.passes(5_000_000);
    assert_eq!(script.asked(), ["kill a"]);
    script.is("a.service", ActiveState::Deactivating, "stop-sigkill");
    script.ends("a.service", ExecRole::Start, ProcessEnd::Killed(9));
    script.hear("a.service", HelperEvent::Empty);
    assert_eq!(script.asked(), ["run a StopPost 0"]);
    script.runs("a.service", ExecRole::StopPost);
    script.ends("a.service", ExecRole::StopPost, ProcessEnd::Exited(0));
    script.hear("a.service", HelperEvent::Empty);
    script.hear("a.service", HelperEvent::Gone);
    // Whatever the command may have left is asked to go, too.
    assert_eq!(script.asked(), ["signal a All 15", "release a", "Done a"]);
    assert_eq!(script.status("a.service").result, UnitResult::Timeout);
}

#[test]
fn each_stage_of_a_stop_has_its_signal() {
    let mut script = Script::of(&[(
        "a.service",
        "[Service]\nExecStart=/bin/x\nKillSignal=INT\nRestartKillSignal=USR1\n\
         FinalKillSignal=ABRT\nSendSIGHUP=yes\nTimeoutStopSec=5\n",
    )]);
    script.comes_up("a.service");
    script.asked();
    script.ask(Verb::Restart, "a.service");
    assert_eq!(script.asked(), ["signal a All 10", "signal a All 1"]);
    script.passes(5_000_000);
    assert_eq!(script.asked(), ["signal a All 6"]);
    script.is("a.service", ActiveState::Deactivating, "stop-sigkill");
    script.ends("a.service", ExecRole::Start, ProcessEnd::Killed(6));
    script.hear("a.service", HelperEvent::Empty);
    script.hear("a.service", HelperEvent::Gone);
    script.comes_up("a.service");
    script.asked();
    script.ask(Verb::Stop, "a.service");
    assert_eq!(script.asked(), ["signal a All 2", "signal a All 1"]);
}

#[test]
fn a_service_that_gives_no_sign_of_life_is_ended_and_restarted() {
    let mut script = Script::of(&[(
        "a.service",
        "[Service]\nType=notify\nExecStart=/bin/x\nWatchdogSec=10\nRestart=on-watchdog\n\
         TimeoutAbortSec=2\nExecStopPost=/bin/y\n",
    )]);
    let ping = |script: &mut Script| {
        let notify = Notify {
            watchdog: true,
            ..Notify::default()
        };
        script.hear("a.service", HelperEvent::Notify(notify));
    };
    script.comes_up("a.service");
    let ready = Notify {
        ready: true,
        ..Notify::default()
    };
    script.hear("a.service", HelperEvent::Notify(ready));
    script.asked();
    for _ in 0..3 {
        script.passes(9_000_000);
        ping(&mut script);
    }
    assert_eq!(script.asked(), [""; 0]);
    script.passes(10_000_000);
    assert_eq!(script.asked(), ["signal a All 6"]);
    script.is("a.service", ActiveState::Deactivating, "stop-watchdog");
    // Too late.
    ping(&mut script);
    script.passes(2_000_000);
    assert_eq!(script.asked(), ["kill a"]);
    script.ends("a.service", ExecRole::Start, ProcessEnd::Killed(9));
    script.hear("a.service", HelperEvent::Empty);
    assert_eq!(script.asked(), ["run a StopPost 0"]);
    script.runs("a.service", ExecRole::StopPost);
    script.ends("a.service", ExecRole::StopPost, ProcessEnd::Exited(0));
    script.hear("a.service", HelperEvent::Empty);
    script.hear("a.service", HelperEvent::Gone);
    assert_eq!(script.status("a.service").result, UnitResult::Watchdog);
    script.is("a.service", ActiveState::Activating, "auto-restart");
}

#[test]
fn a_watchdog_waits_as_long_as_the_service_says_and_no_longer_than_it_is_up() {
    let mut script = Script::of(&[(
        "a.service",
        "[Service]\nType=notify\nExecStart=/bin/x\nWatchdogSec=10\nWatchdogSignal=SEGV\n",
    )]);
    let notify = |change: fn(&mut Notify)| {
        let mut notify = Notify::default();
        change(&mut notify);
        HelperEvent::Notify(notify)
    };
    script.comes_up("a.service");
    script.hear("a.service", notify(|n| n.ready = true));
    script.asked();
    script.hear("a.service", notify(|n| n.watchdog_us = Some(60_000_000)));
    script.passes(59_000_000);
    assert_eq!(script.asked(), [""; 0]);
    script.hear("a.service", notify(|n| n.watchdog_trigger = true));
    assert_eq!(script.asked(), ["signal a All 11"]);
    script.ends("a.service", ExecRole::Start, ProcessEnd::Dumped(11));
    script.hear("a.service", HelperEvent::Empty);
    script.hear("a.service", HelperEvent::Gone);
    assert_eq!(script.status("a.service").result, UnitResult::Watchdog);
    script.passes(100_000_000);
    assert!(
        !script
            .asked()
            .iter()
            .any(|asked| asked.starts_with("signal"))
    );
}

#[test]
fn a_failed_stop_post_ends_its_line() {
    let mut script = Script::of(&[(
        "a.service",
        "[Service]\nExecStart=/bin/x\nExecStopPost=/bin/y\nExecStopPost=/bin/never\n",
    )]);
    script.comes_up("a.service");
    script.ends("a.service", ExecRole::Start, ProcessEnd::Exited(0));
    script.hear("a.service", HelperEvent::Empty);
    script.asked();
    script.runs("a.service", ExecRole::StopPost);
    script.ends("a.service", ExecRole::StopPost, ProcessEnd::Exited(1));
    script.hear("a.service", HelperEvent::Empty);
    assert_eq!(
        script.asked().last().map(String::as_str),
        Some("release a"),
        "the second command is not run"
    );
    assert_eq!(script.status("a.service").result, UnitResult::ExitCode);
}

#[test]
fn kill_mode_none_leaves_the_end_to_the_release_and_is_no_failure() {
    let mut script = Script::of(&[("a.service", "[Service]\nExecStart=/bin/x\nKillMode=none\n")]);
    script.comes_up("a.service");
    script.asked();
    script.ask(Verb::Stop, "a.service");
    assert_eq!(script.asked(), ["release a"]);
    script.goes_down("a.service", ProcessEnd::Killed(9));
    script.is("a.service", ActiveState::Inactive, "dead");
}

#[test]
fn the_last_main_pid_outlives_its_process() {
    let mut script = Script::of(&[("a.service", SIMPLE)]);
    script.comes_up("a.service");
    script.goes_down("a.service", ProcessEnd::Exited(3));
    let status = script.status("a.service");
    assert_eq!((status.main_pid, status.exec_main_pid), (None, Some(100)));
    assert_eq!(status.main_end, Some(ProcessEnd::Exited(3)));
}

#[test]
fn an_instance_of_a_template_is_a_unit_as_others() {
    let mut script = Script::of(&[
        ("t@.service", SIMPLE),
        (
            "a.service",
            "[Unit]\nWants=t@x.service\n[Service]\nExecStart=/bin/x\n",
        ),
    ]);
    assert_eq!(script.asked(), ["spawn a", "spawn t@x"]);
    assert!(script.engine.status(&name("t@.service")).is_none());
    // When nobody wants the instance any more, it goes.
    script.comes_up("t@x.service");
    script.comes_up("a.service");
    script.asked();
    script.target(&[("t@.service", SIMPLE), ("a.service", SIMPLE)]);
    assert!(script.asked().contains(&"signal t@x All 15".to_owned()));
}

#[test]
fn some_ends_are_restarted_or_not_whatever_the_rule() {
    for (lines, end, restarts) in [
        ("Restart=always\nRestartPreventExitStatus=255", 255, false),
        ("Restart=always\nRestartPreventExitStatus=255", 1, true),
        ("RestartForceExitStatus=7", 7, true),
        ("RestartForceExitStatus=7", 8, false),
        (
            "RestartForceExitStatus=7\nRestartPreventExitStatus=7",
            7,
            false,
        ),
    ] {
        let text = format!("[Service]\nExecStart=/bin/x\n{lines}\n");
        let mut script = Script::of(&[("a.service", &text)]);
        script.comes_up("a.service");
        script.goes_down("a.service", ProcessEnd::Exited(end));
        let sub = script.status("a.service").sub;
        assert_eq!(sub == "auto-restart", restarts, "{lines}: {end}");
    }
}

#[test]
fn a_reload_goes_along_to_those_who_are_named() {
    const RELOADS: &str = "[Service]\nExecStart=/bin/x\nExecReload=/bin/y\n";
    let b = format!("[Unit]\nReloadPropagatedFrom=a.service\n{RELOADS}");
    let mut script = Script::of(&[
        (
            "a.service",
            "[Unit]\nPropagatesReloadTo=c.service\n[Service]\nExecStart=/bin/x\n",
        ),
        ("b.service", &b),
        ("c.service", RELOADS),
        ("d.service", SIMPLE),
    ]);
    for unit in ["a.service", "b.service", "c.service", "d.service"] {
        script.comes_up(unit);
    }
    script.asked();
    script.ask(Verb::Reload, "a.service");
    assert_eq!(
        script.asked(),
        ["run b Reload 0", "run c Reload 0", "Done a"]
    );
    script.ask(Verb::Reload, "d.service");
    assert_eq!(script.asked(), ["Invalid d"]);
}

const WATCHED: [(&str, &str); 2] = [
    (
        "a.service",
        "[Unit]\nOnFailure=tell@bad.service\nOnSuccess=tell@good.service\n\
         [Service]\nExecStart=/bin/x\n",
    ),
    (
        "tell@.service",
        "[Service]\nType=oneshot\nExecStart=/bin/tell\n",
    ),
];

#[test]
fn the_end_of_a_unit_starts_what_is_to_follow() {
    let mut script = Script::of(&WATCHED);
    script.comes_up("a.service");
    script.asked();
    script.goes_down("a.service", ProcessEnd::Exited(3));
    assert_eq!(
        script.asked(),
        ["signal a All 15", "release a", "spawn tell@bad"]
    );
    script.hear("tell@bad.service", HelperEvent::Ready);
    let told = script.effects.iter().find_map(|effect| match effect {
        Effect::Run { environment, .. } => Some(environment.clone()),
        _ => None,
    });
    let told: BTreeMap<String, String> = told.expect("it runs").into_iter().collect();
    for (variable, value) in [
        ("MONITOR_UNIT", "a.service"),
        ("MONITOR_SERVICE_RESULT", "exit-code"),
        ("MONITOR_EXIT_CODE", "exited"),
        ("MONITOR_EXIT_STATUS", "3"),
    ] {
        assert_eq!(
            told.get(variable).map(String::as_str),
            Some(value),
            "{told:?}"
        );
    }
    script.asked();
    // A commit leaves alone what runs because of that, and does not start it again.
    script.target(&WATCHED);
    assert_eq!(script.asked(), [""; 0]);
    script.runs("tell@bad.service", ExecRole::Start);
    script.goes_down("tell@bad.service", ProcessEnd::Exited(0));
    script.asked();
    script.target(&WATCHED);
    assert_eq!(script.asked(), ["settled, failed: [\"a\"]"]);

    script.ask(Verb::Restart, "a.service");
    script.comes_up("a.service");
    script.asked();
    script.goes_down("a.service", ProcessEnd::Exited(0));
    assert!(script.asked().contains(&"spawn tell@good".to_owned()));
}

#[test]
fn a_failure_that_no_daemon_saw_starts_what_is_to_follow() {
    let mut script = Script::fresh();
    script.give(Input::Restore {
        unit: name("tell@bad.service"),
        record: UnitRecord {
            raised: Some(Vec::new()),
            ..record()
        },
    });
    script.target(&WATCHED);
    assert!(script.asked().contains(&"spawn tell@bad".to_owned()));
}

fn record() -> UnitRecord {
    UnitRecord {
        version: UNIT_RECORD_VERSION,
        stopped_by_operator: false,
        started_by_operator: false,
        raised: None,
        failed: None,
        completed: None,
        reason: None,
        restarts: 3,
        main_end: None,
        exec_main_pid: None,
        meaning: None,
        commit: None,
        auto_restart: false,
        restart_at: None,
        job: None,
        invocation: None,
        checked: None,
        up_since: None,
    }
}

#[test]
fn a_restart_that_was_due_waits_for_the_first_target() {
    let files = [("a.service", "[Service]\nExecStart=/bin/x\nRestart=always\n")];
    let meaning = units(&files).units[&name("a.service")].meaning;
    let mut script = Script::fresh();
    script.give(Input::Restore {
        unit: name("a.service"),
        record: UnitRecord {
            auto_restart: true,
            completed: Some(meaning),
            meaning: Some(meaning),
            ..record()
        },
    });
    assert_eq!(script.engine.deadline(), None, "nothing can be done yet");
    script.passes(1_000_000);
    assert_eq!(script.asked(), Vec::<String>::new());
    script.target(&files);
    script.passes(1_000_000);
    assert!(script.asked().contains(&"spawn a".to_owned()));
    assert_eq!(script.status("a.service").restarts, 4);
}

#[test]
fn a_wait_for_a_restart_goes_on_over_the_daemon() {
    let files = [(
        "a.service",
        "[Service]\nExecStart=/bin/x\nRestart=always\nRestartSec=10\n",
    )];
    let mut script = Script::of(&files);
    script.comes_up("a.service");
    script.goes_down("a.service", ProcessEnd::Exited(1));
    let record = script.record("a.service");
    let mut next = Script::fresh();
    next.now = script.now;
    next.give(Input::Restore {
        unit: name("a.service"),
        record,
    });
    next.target(&files);
    next.passes(9_000_000);
    assert!(!next.asked().contains(&"spawn a".to_owned()));
    next.passes(1_000_000);
    assert!(next.asked().contains(&"spawn a".to_owned()));
}

#[test]
fn what_an_operator_stopped_stays_down_after_the_daemon() {
    let files = [("a.service", SIMPLE)];
    let mut script = Script::fresh();
    script.give(Input::Restore {
        unit: name("a.service"),
        record: UnitRecord {
            stopped_by_operator: true,
            ..record()
        },
    });
    script.target(&files);
    assert_eq!(script.asked(), ["settled, failed: []"]);
    // A commit that changes the unit asks for it again.
    script.target(&[("a.service", "[Service]\nExecStart=/bin/y\n")]);
    assert_eq!(script.asked(), ["spawn a"]);
}

#[test]
fn an_end_that_no_daemon_saw_is_judged_as_if_it_were_seen() {
    for (end, oom_killed, result) in [
        (ProcessEnd::Exited(7), false, UnitResult::ExitCode),
        (ProcessEnd::Killed(9), false, UnitResult::Signal),
        (ProcessEnd::Killed(9), true, UnitResult::OomKill),
    ] {
        assert_eq!(result_of_unseen_end(end, oom_killed), result, "{end:?}");
    }
}

fn result_of_unseen_end(end: ProcessEnd, oom_killed: bool) -> UnitResult {
    let files = [("a.service", SIMPLE)];
    let mut script = Script::fresh();
    adopts_a(&mut script, &files, |state| {
        state.main_end = Some(end);
        state.oom_killed = oom_killed;
    });
    assert_eq!(script.asked(), ["release a"]);
    script.target(&files);
    script.hear("a.service", HelperEvent::Gone);
    script.is("a.service", ActiveState::Failed, "failed");
    script.status("a.service").result
}

#[test]
fn what_is_adopted_is_up_since_it_came_up() {
    let files = [("a.service", SIMPLE)];
    let mut script = Script::fresh();
    script.give(Input::Restore {
        unit: name("a.service"),
        record: UnitRecord {
            invocation: Some(InvocationId(9)),
            up_since: Some(Instant(500_000)),
            ..record()
        },
    });
    adopts_a(&mut script, &files, |state| {
        (state.empty, state.main_pid) = (false, Some(42));
    });
    script.target(&files);
    script.is("a.service", ActiveState::Active, "running");
    assert_eq!(script.status("a.service").since, 500_000);
}

/// A helper of a.service whose command was executed, and what else `change` says.
fn adopts_a(script: &mut Script, files: &[(&str, &str)], change: impl FnOnce(&mut HelperState)) {
    let unit = Arc::clone(&units(files).units[&name("a.service")]);
    let invocation = InvocationId(9);
    let mut state = HelperState::new(invocation, name("a.service"));
    state.ready = true;
    state.main_execed = true;
    change(&mut state);
    script.invocations.insert(name("a.service"), invocation);
    script.give(Input::Adopt {
        record: InvocationRecord {
            version: INVOCATION_RECORD_VERSION,
            invocation,
            unit: name("a.service"),
            commit: CommitId("c".repeat(40)),
            meaning: unit.meaning,
            cgroup: None,
            slice: None,
            tmp_of: None,
            restarts: 0,
        },
        unit: Some(unit),
        state,
        alive: true,
    });
}

#[test]
fn a_kill_is_for_whom_it_names() {
    let mut script = Script::of(&[("a.service", SIMPLE)]);
    script.comes_up("a.service");
    script.asked();
    script.give(Input::Kill {
        unit: name("a.service"),
        whom: gitproc_core::api::KillWhom::Main,
        signal: 10,
    });
    let expected = format!("signal a {:?} 10", Whom::Main);
    assert_eq!(script.asked(), [expected]);
}

// ── Conditions and asserts ──────────────────────────────────────────────────────────────────

const ASKING: &str = "[Unit]\nConditionPathExists=/c\n[Service]\nExecStart=/bin/x\n";
const ASSERTING: &str = "[Unit]\nAssertPathExists=/c\n[Service]\nExecStart=/bin/x\n";

/// A service that says `key=a.service` and comes after it.
fn after_a(key: &str) -> String {
    format!("[Unit]\n{key}=a.service\nAfter=a.service\n[Service]\nExecStart=/bin/x\n")
}

#[test]
fn conditions_are_asked_before_anything_else() {
    let mut script = Script::of(&[("a.service", ASKING)]);
    assert_eq!(script.asked(), ["check a"]);
    script.is("a.service", ActiveState::Inactive, "dead");
    assert_eq!(
        script.status("a.service").job.as_deref(),
        Some("start running")
    );
    script.answers("a.service", true, true);
    assert_eq!(script.asked(), ["spawn a"]);
    let checked = script.status("a.service").checked.expect("it was checked");
    assert_eq!(checked.at, script.now);
    assert!(checked.conditions.holds());
}

#[test]
fn a_condition_that_fails_skips_the_start_and_fails_nobody() {
    let requires = after_a("Requires");
    let mut script = Script::of(&[("a.service", ASKING), ("b.service", &requires)]);
    assert_eq!(script.asked(), ["check a"], "b waits for a");
    script.answers("a.service", false, true);
    assert_eq!(script.asked(), ["spawn b"]);
    script.is("a.service", ActiveState::Inactive, "dead");
    let status = script.status("a.service");
    assert_eq!(status.result, UnitResult::Condition);
    let reason = "condition failed: ConditionPathExists=/c";
    assert_eq!(status.reason.as_deref(), Some(reason));
    script.comes_up("b.service");
    assert_eq!(
        script.asked(),
        ["run b Start 0", r#"settled, failed: [], skipped: ["a"]"#]
    );
}

#[test]
fn what_is_bound_to_a_skipped_unit_or_needs_it_active_does_not_start() {
    for key in ["BindsTo", "Requisite"] {
        let bound = after_a(key);
        let mut script = Script::of(&[("a.service", ASKING), ("b.service", &bound)]);
        if key == "Requisite" {
            // It looks when it is its turn, which is after the start of a.
            assert_eq!(script.asked(), ["check a"]);
        }
        script.answers("a.service", false, true);
        let status = script.status("b.service");
        assert_eq!(status.result, UnitResult::Dependency, "{key}: {status:?}");
    }
}

#[test]
fn a_units_own_condition_comes_before_what_it_is_bound_to() {
    let bound = "[Unit]\nBindsTo=a.service\nAfter=a.service\nConditionPathExists=/c\n\
                 [Service]\nExecStart=/bin/x\n";
    let mut script = Script::of(&[("a.service", ASKING), ("b.service", bound)]);
    script.answers("a.service", false, true);
    script.answers("b.service", false, true);
    assert_eq!(
        script.asked(),
        [
            "check a",
            "check b",
            r#"settled, failed: [], skipped: ["a", "b"]"#
        ]
    );
    // Were it to hold, b would lack a.
    script.ask(Verb::Start, "b.service");
    script.answers("a.service", false, true);
    script.answers("b.service", true, true);
    assert_eq!(script.asked(), ["check a", "check b", "Dependency b"]);
}

#[test]
fn an_assert_that_fails_fails_the_job_and_what_requires_it() {
    let requires = after_a("Requires");
    let wants = after_a("Wants");
    let mut script = Script::of(&[
        ("a.service", ASSERTING),
        ("b.service", &requires),
        ("c.service", &wants),
    ]);
    script.answers("a.service", true, false);
    script.is("a.service", ActiveState::Inactive, "dead");
    let status = script.status("a.service");
    assert_eq!(status.result, UnitResult::Assert);
    let reason = "assert failed: AssertPathExists=/c";
    assert_eq!(status.reason.as_deref(), Some(reason));
    assert_eq!(script.status("b.service").result, UnitResult::Dependency);
    script.comes_up("c.service");
    assert_eq!(
        script.asked(),
        [
            "check a",
            "spawn c",
            "run c Start 0",
            r#"settled, failed: ["a", "b"]"#
        ]
    );
    script.ask(Verb::Start, "a.service");
    script.answers("a.service", true, false);
    assert_eq!(script.asked(), ["check a", "Assert a"]);
}

#[test]
fn a_skipped_start_is_made_again_by_hand_and_by_each_target_only() {
    let files = [("a.service", ASKING)];
    let mut script = Script::of(&files);
    script.answers("a.service", false, true);
    script.asked();
    script.passes(3_600_000_000);
    assert_eq!(script.asked(), Vec::<String>::new());
    script.ask(Verb::Start, "a.service");
    script.answers("a.service", false, true);
    assert_eq!(
        script.asked(),
        ["check a", "Done a"],
        "a skip is no failure"
    );
    script.target(&files);
    script.answers("a.service", true, true);
    assert_eq!(script.asked(), ["check a", "spawn a"]);
    assert_eq!(script.status("a.service").result, UnitResult::Success);
}

#[test]
fn an_automatic_restart_asks_again() {
    let text = "[Unit]\nConditionPathExists=/c\n[Service]\nExecStart=/bin/x\nRestart=always\n";
    let mut script = Script::of(&[("a.service", text)]);
    script.answers("a.service", true, true);
    script.comes_up("a.service");
    script.goes_down("a.service", ProcessEnd::Exited(1));
    script.asked();
    script.passes(100_000);
    assert_eq!(script.asked(), ["check a"]);
    script.answers("a.service", false, true);
    script.is("a.service", ActiveState::Inactive, "dead");
    script.passes(60_000_000);
    assert_eq!(
        script.asked(),
        Vec::<String>::new(),
        "it is not tried again"
    );
}

#[test]
fn skipped_starts_do_not_count_against_the_start_limit() {
    let mut script = Script::of(&[("a.service", ASKING)]);
    for _ in 0..20 {
        script.answers("a.service", false, true);
        script.ask(Verb::Start, "a.service");
    }
    script.answers("a.service", true, true);
    script.is("a.service", ActiveState::Activating, "start");
}

#[test]
fn an_answer_that_comes_too_late_is_dropped() {
    let mut script = Script::of(&[("a.service", ASKING)]);
    script.ask(Verb::Stop, "a.service");
    script.answers("a.service", true, true);
    assert_eq!(script.asked(), ["check a", "Done a", "settled, failed: []"]);
    // Nor does the answer to an older question start what a newer one is about.
    script.ask(Verb::Start, "a.service");
    let first = script.invocations[&name("a.service")];
    script.target(&[("a.service", ASKING)]);
    let second = script.invocations[&name("a.service")];
    assert_ne!(first, second);
    script.invocations.insert(name("a.service"), first);
    script.asked();
    script.answers("a.service", true, true);
    assert_eq!(script.asked(), Vec::<String>::new());
    script.invocations.insert(name("a.service"), second);
    script.answers("a.service", true, true);
    assert_eq!(script.asked(), ["spawn a"]);
}

#[test]
fn what_it_needs_may_go_while_it_is_asked() {
    let needing = "[Unit]\nRequires=a.service\nAfter=a.service\nConditionPathExists=/c\n\
                   [Service]\nExecStart=/bin/x\n";
    let mut script = Script::of(&[("a.service", SIMPLE), ("b.service", needing)]);
    script.comes_up("a.service");
    script.goes_down("a.service", ProcessEnd::Exited(1));
    script.asked();
    script.answers("b.service", true, true);
    assert_eq!(script.asked(), [r#"settled, failed: ["a", "b"]"#]);
    assert_eq!(script.status("b.service").result, UnitResult::Dependency);
}

#[test]
fn a_failed_unit_that_is_skipped_is_not_failed_any_more() {
    let text = "[Service]\nExecStart=/bin/x\n";
    let mut script = Script::of(&[("a.service", text)]);
    script.comes_up("a.service");
    script.goes_down("a.service", ProcessEnd::Exited(1));
    script.target(&[("a.service", ASKING)]);
    script.asked();
    script.ask(Verb::Start, "a.service");
    script.answers("a.service", false, true);
    script.is("a.service", ActiveState::Inactive, "dead");
}

#[test]
fn a_target_can_have_conditions() {
    let target = "[Unit]\nConditionPathExists=/c\nWants=a.service\n";
    let mut script = Script::of(&[("g.target", target), ("a.service", SIMPLE)]);
    assert_eq!(
        script.asked(),
        ["spawn a"],
        "a target comes after its units"
    );
    script.comes_up("a.service");
    assert_eq!(script.asked(), ["run a Start 0", "check g.target"]);
    script.answers("g.target", false, true);
    script.is("g.target", ActiveState::Inactive, "dead");
}

#[test]
fn what_was_checked_outlives_the_daemon() {
    let mut script = Script::of(&[("a.service", ASKING)]);
    script.answers("a.service", true, true);
    let record = script.record("a.service");
    let mut next = Script::fresh();
    next.give(Input::Restore {
        unit: name("a.service"),
        record,
    });
    let checked = |script: &Script| script.status("a.service").checked;
    assert!(checked(&next).is_some());
    assert_eq!(checked(&next), checked(&script));
}

const IDLE: &str = "[Service]\nType=idle\nExecStart=/bin/a\n";
const SLOW: &str = "[Service]\nType=oneshot\nExecStart=/bin/b\n";

#[test]
fn an_idle_service_starts_after_all_others() {
    let mut script = Script::of(&[
        ("a.service", IDLE),
        ("b.service", SLOW),
        ("c.service", SIMPLE),
    ]);
    // Not those that wait for itself; nor does one idle service wait for another.
    let behind = "[Unit]\nAfter=a.service\n[Service]\nExecStart=/bin/d\n";
    assert_eq!(script.asked(), ["spawn b", "spawn c"]);
    script.comes_up("b.service");
    script.comes_up("c.service");
    assert_eq!(script.asked(), ["run b Start 0", "run c Start 0"]);
    script.goes_down("b.service", ProcessEnd::Exited(0));
    assert!(script.asked().contains(&"spawn a".to_owned()));
    script.comes_up("a.service");
    script.is("a.service", ActiveState::Active, "running");

    let mut script = Script::of(&[
        ("a.service", IDLE),
        ("e.service", IDLE),
        ("d.service", behind),
    ]);
    assert_eq!(script.asked()[0], "spawn a");
    script.comes_up("a.service");
    assert!(script.asked().contains(&"spawn d".to_owned()));
}

#[test]
fn an_idle_service_waits_five_seconds_at_most() {
    let mut script = Script::of(&[("a.service", IDLE), ("b.service", SLOW)]);
    script.comes_up("b.service");
    script.passes(4_900_000);
    assert_eq!(script.asked(), ["spawn b", "run b Start 0"]);
    assert_eq!(script.engine.deadline(), Some(Instant(6_000_000)));
    script.passes(100_000);
    assert_eq!(script.asked(), ["spawn a"]);
    // One that is not to start any more is not waited for.
    let mut script = Script::of(&[("a.service", IDLE), ("b.service", SLOW)]);
    script.comes_up("b.service");
    script.ask(Verb::Stop, "a.service");
    script.passes(6_000_000);
    script.is("a.service", ActiveState::Inactive, "dead");
    assert!(script.engine.deadline().is_none_or(|at| at > script.now));
}
