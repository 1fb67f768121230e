//! What a unit asks of the whole host, and how what follows its end is started.
use crate::script::Script;
use gitproc_core::HelperEvent;
use gitproc_core::Input;
use gitproc_core::api::Verb;
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::snapshot::ActiveState;

fn acting(lines: &str, restart: &str) -> Script {
    let unit = format!("[Unit]\n{lines}\n[Service]\nExecStart=/bin/x\n{restart}\n");
    let mut script = Script::of(&[("a.service", &unit)]);
    script.comes_up("a.service");
    script.asked();
    script
}

/// What is asked of the host from now on.
fn actions(script: &mut Script) -> Vec<String> {
    let asked = script.asked().into_iter();
    asked.filter(|what| what.contains("Action=")).collect()
}

#[test]
fn a_failure_asks_for_its_action_with_the_status_of_the_process() {
    for (lines, end, asked) in [
        (
            "FailureAction=exit",
            ProcessEnd::Exited(3),
            "FailureAction=exit (exit 3)",
        ),
        (
            "FailureAction=exit",
            ProcessEnd::Killed(9),
            "FailureAction=exit (exit 255)",
        ),
        (
            "FailureAction=exit-force\nFailureActionExitStatus=7",
            ProcessEnd::Exited(3),
            "FailureAction=exit-force (exit 7)",
        ),
        (
            "SuccessAction=poweroff",
            ProcessEnd::Exited(0),
            "SuccessAction=poweroff (exit 0)",
        ),
    ] {
        let mut script = acting(lines, "");
        script.goes_down("a.service", end);
        assert_eq!(actions(&mut script), [asked], "{lines}");
    }
    let mut script = acting("FailureAction=exit\nSuccessAction=none", "");
    script.goes_down("a.service", ProcessEnd::Exited(0));
    assert_eq!(actions(&mut script), [""; 0]);
}

#[test]
fn a_stop_a_restart_and_a_shutdown_ask_nothing_of_the_host() {
    let lines = "SuccessAction=exit\nFailureAction=reboot";
    let mut script = acting(lines, "");
    script.ask(Verb::Stop, "a.service");
    script.goes_down("a.service", ProcessEnd::Killed(15));
    assert_eq!(actions(&mut script), [""; 0]);
    let mut script = acting(lines, "Restart=always");
    script.goes_down("a.service", ProcessEnd::Exited(1));
    assert_eq!(actions(&mut script), [""; 0]);
    let mut script = acting(lines, "");
    script.jobs += 1;
    script.give(Input::Shutdown {
        job: gitproc_core::JobId(script.jobs),
    });
    script.goes_down("a.service", ProcessEnd::Exited(1));
    assert_eq!(actions(&mut script), [""; 0]);
}

#[test]
fn the_start_limit_asks_for_its_action() {
    let mut script = acting(
        "StartLimitAction=reboot-force\nStartLimitBurst=1\nStartLimitIntervalSec=1h",
        "Restart=always\nRestartSec=1s",
    );
    script.goes_down("a.service", ProcessEnd::Exited(1));
    assert_eq!(actions(&mut script), [""; 0]);
    script.passes(2_000_000);
    assert_eq!(
        actions(&mut script),
        ["StartLimitAction=reboot-force (exit 0)"]
    );
}

#[test]
fn a_job_that_times_out_asks_for_its_action() {
    let unit = "[Unit]\nJobTimeoutSec=5s\nJobTimeoutAction=reboot\n[Service]\nExecStart=/bin/x\n";
    let mut script = Script::of(&[("a.service", unit)]);
    script.asked();
    script.passes(6_000_000);
    assert_eq!(actions(&mut script), ["JobTimeoutAction=reboot (exit 0)"]);
}

#[test]
fn a_failure_may_isolate_what_it_starts() {
    let files = [
        (
            "a.service",
            "[Unit]\nOnFailure=rescue.service\nOnFailureJobMode=isolate\n\
             [Service]\nExecStart=/bin/x\n",
        ),
        ("b.service", "[Service]\nExecStart=/bin/x\n"),
        (
            "rescue.service",
            "[Unit]\nAllowIsolate=yes\n[Service]\nExecStart=/bin/x\n",
        ),
    ];
    let mut script = Script::fresh();
    script.target_with(&files, &["rescue.service"]);
    script.comes_up("a.service");
    script.comes_up("b.service");
    script.asked();
    script.goes_down("a.service", ProcessEnd::Exited(1));
    let asked = script.asked();
    assert!(asked.contains(&"spawn rescue".to_owned()), "{asked:?}");
    assert!(asked.contains(&"signal b All 15".to_owned()), "{asked:?}");
    // It stays so: the next commit does not bring back what was put aside.
    script.goes_down("b.service", ProcessEnd::Killed(15));
    script.asked();
    script.target_with(&files, &["rescue.service"]);
    assert!(!script.asked().contains(&"spawn b".to_owned()));
}

#[test]
fn a_service_that_only_asks_of_the_host_needs_no_command() {
    let mut script = Script::of(&[("a.service", "[Unit]\nSuccessAction=exit-force\n[Service]\n")]);
    script.asked();
    script.hear("a.service", HelperEvent::Ready);
    script.hear("a.service", HelperEvent::Empty);
    script.hear("a.service", HelperEvent::Gone);
    assert_eq!(actions(&mut script), ["SuccessAction=exit-force (exit 0)"]);
    script.is("a.service", ActiveState::Inactive, "dead");
}
