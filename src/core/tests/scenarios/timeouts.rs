//! How long a service may take and run, how it reloads, and what it says of that.
use crate::script::*;
use gitproc_core::HelperEvent;
use gitproc_core::api::{Input, Verb};
use gitproc_core::protocol::{Notify, ProcessEnd};
use gitproc_core::snapshot::{ActiveState, UnitResult};
use gitproc_unit::ExecRole;

fn service(lines: &str) -> Script {
    let text = format!("[Service]\nExecStart=/bin/x\n{lines}\n");
    Script::of(&[("a.service", &text)])
}

fn says(script: &mut Script, notify: Notify) {
    script.hear("a.service", HelperEvent::Notify(notify));
}

#[test]
fn a_service_runs_no_longer_than_it_may() {
    let mut script = service("RuntimeMaxSec=10");
    script.comes_up("a.service");
    script.passes(9_000_000);
    script.is("a.service", ActiveState::Active, "running");
    // It asks for more, once.
    says(
        &mut script,
        Notify {
            extend_timeout_us: Some(5_000_000),
            ..Notify::default()
        },
    );
    script.passes(2_000_000);
    script.is("a.service", ActiveState::Active, "running");
    script.passes(3_000_000);
    script.is("a.service", ActiveState::Deactivating, "stop-sigterm");
    script.goes_down("a.service", ProcessEnd::Killed(15));
    assert_eq!(script.status("a.service").result, UnitResult::Timeout);
}

#[test]
fn chance_lets_it_run_a_little_longer() {
    let mut script = service("RuntimeMaxSec=10\nRuntimeRandomizedExtraSec=5");
    script.comes_up("a.service");
    script.passes(9_999_000);
    script.is("a.service", ActiveState::Active, "running");
    script.passes(5_001_000);
    script.is("a.service", ActiveState::Deactivating, "stop-sigterm");
}

#[test]
fn a_timeout_ends_a_service_as_its_failure_mode_says() {
    for (mode, sub, asked) in [
        ("terminate", "stop-sigterm", "signal a All 15"),
        ("abort", "stop-watchdog", "signal a All 6"),
        ("kill", "stop-sigkill", "kill a"),
    ] {
        let lines = format!("Type=notify\nTimeoutStartSec=5\nTimeoutStartFailureMode={mode}");
        let mut script = service(&lines);
        script.hear("a.service", HelperEvent::Ready);
        script.runs("a.service", ExecRole::Start);
        script.asked();
        script.passes(5_000_000);
        script.is("a.service", ActiveState::Deactivating, sub);
        assert_eq!(script.asked(), [asked], "{mode}");
    }
    let mut script = service("TimeoutStopSec=5\nTimeoutStopFailureMode=abort\nTimeoutAbortSec=3");
    script.comes_up("a.service");
    script.ask(Verb::Stop, "a.service");
    script.passes(5_000_000);
    script.is("a.service", ActiveState::Deactivating, "stop-watchdog");
    script.passes(3_000_000);
    script.is("a.service", ActiveState::Deactivating, "stop-sigkill");
}

#[test]
fn a_service_of_a_cgroup_outlives_its_main_process() {
    let mut script = service("ExitType=cgroup");
    script.comes_up("a.service");
    script.ends("a.service", ExecRole::Start, ProcessEnd::Exited(0));
    script.is("a.service", ActiveState::Active, "running");
    script.hear("a.service", HelperEvent::Empty);
    script.hear("a.service", HelperEvent::Gone);
    script.is("a.service", ActiveState::Inactive, "dead");
}

#[test]
fn a_reload_is_over_when_the_service_says_so() {
    let mut script = service("Type=notify-reload\nReloadSignal=SIGUSR1");
    script.hear("a.service", HelperEvent::Ready);
    script.runs("a.service", ExecRole::Start);
    let ready = || Notify {
        ready: true,
        ..Notify::default()
    };
    says(&mut script, ready());
    script.is("a.service", ActiveState::Active, "running");
    script.asked();
    let since = script.status("a.service").since;
    script.passes(1_000_000);
    script.ask(Verb::Reload, "a.service");
    assert_eq!(script.asked(), ["signal a Main 10"]);
    script.is("a.service", ActiveState::Reloading, "reload-signal");
    assert_eq!(script.status("a.service").since, since, "it is up");
    // A READY=1 of before, and a reload that began before it was asked for, count for nothing.
    says(&mut script, ready());
    let reloading = |us| Notify {
        reloading: true,
        monotonic_us: Some(us),
        ..Notify::default()
    };
    says(&mut script, reloading(1));
    script.is("a.service", ActiveState::Reloading, "reload-signal");
    let now = script.now.0;
    says(&mut script, reloading(now));
    script.is("a.service", ActiveState::Reloading, "reload-notify");
    says(&mut script, ready());
    script.is("a.service", ActiveState::Active, "running");
    assert_eq!(script.status("a.service").since, since, "it was up");
    assert_eq!(script.asked(), ["Done a"]);
    // One that never says so fails after TimeoutStartSec=, and runs on.
    script.ask(Verb::Reload, "a.service");
    script.asked();
    script.passes(90_000_000);
    assert_eq!(script.asked(), ["Failed a"]);
    script.is("a.service", ActiveState::Active, "running");
    // By itself.
    says(&mut script, reloading(now));
    script.is("a.service", ActiveState::Reloading, "reload-notify");
    says(&mut script, ready());
    script.is("a.service", ActiveState::Active, "running");
}

#[test]
fn a_service_that_says_it_stops_has_the_time_of_a_stop() {
    let mut script = service("Type=notify\nTimeoutStopSec=5");
    script.hear("a.service", HelperEvent::Ready);
    script.runs("a.service", ExecRole::Start);
    says(
        &mut script,
        Notify {
            ready: true,
            ..Notify::default()
        },
    );
    script.asked();
    says(
        &mut script,
        Notify {
            stopping: true,
            ..Notify::default()
        },
    );
    script.is("a.service", ActiveState::Deactivating, "stop-sigterm");
    assert_eq!(script.asked(), [""; 0]);
    script.passes(5_000_000);
    script.is("a.service", ActiveState::Deactivating, "stop-sigkill");
    script.give(Input::Tick);
}
