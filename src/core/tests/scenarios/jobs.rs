//! Requests, their transactions, and units whose state follows that of others.
use crate::script::*;
use gitproc_core::api::{JobMode, JobResult, Verb};
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::snapshot::ActiveState;
use gitproc_core::{Effect, Input, JobId};

/// A unit with these lines in [Unit], and one command.
fn unit(lines: &str) -> String {
    format!("[Unit]\n{lines}\n{SIMPLE}")
}

fn script(files: &[(&str, &str)]) -> Script {
    let files: Vec<(&str, String)> = files.iter().map(|(n, text)| (*n, unit(text))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(n, text)| (*n, text.as_str())).collect();
    Script::of(&files)
}

impl Script {
    fn ask_in(&mut self, mode: JobMode, verb: Verb, unit: &str) {
        self.jobs += 1;
        self.give(Input::Request {
            job: JobId(self.jobs),
            verb,
            mode,
            units: vec![name(unit)],
        });
    }

    /// How the last request was answered, if it was.
    fn answer(&mut self) -> Option<(JobResult, String)> {
        let last = JobId(self.jobs);
        let mut answers = self.effects.iter().filter_map(|effect| match effect {
            Effect::JobDone(outcome) if outcome.job == last => {
                Some((outcome.result, outcome.reason.clone().unwrap_or_default()))
            }
            _ => None,
        });
        answers.next_back()
    }

    fn stops(&mut self, unit: &str) {
        self.goes_down(unit, ProcessEnd::Killed(15));
    }
}

#[test]
fn try_verbs_leave_alone_what_does_not_run() {
    let mut script = script(&[("web.service", "")]);
    script.comes_up("web.service");
    script.ask(Verb::Stop, "web.service");
    script.stops("web.service");
    for verb in [Verb::TryRestart, Verb::TryReloadOrRestart] {
        script.ask(verb, "web.service");
        assert_eq!(script.answer(), Some((JobResult::Done, String::new())));
        script.is("web.service", ActiveState::Inactive, "dead");
    }
    // It can't be reloaded, so it is started.
    script.ask(Verb::ReloadOrRestart, "web.service");
    script.comes_up("web.service");
    assert_eq!(script.answer(), Some((JobResult::Done, String::new())));
    script.ask(Verb::TryReloadOrRestart, "web.service");
    script.is("web.service", ActiveState::Deactivating, "stop-sigterm");
    script.stops("web.service");
    script.comes_up("web.service");
    assert_eq!(script.answer(), Some((JobResult::Done, String::new())));
}

#[test]
fn what_refuses_to_be_handled_by_hand_is_handled_by_others_only() {
    let mut script = script(&[
        ("db.service", "RefuseManualStart=yes\nRefuseManualStop=yes"),
        ("web.service", "BindsTo=db.service\nAfter=db.service"),
    ]);
    script.comes_up("db.service");
    script.comes_up("web.service");
    for (verb, key) in [
        (Verb::Stop, "RefuseManualStop=yes"),
        (Verb::Restart, "RefuseManualStart=yes"),
        (Verb::Start, "RefuseManualStart=yes"),
    ] {
        script.ask(verb, "db.service");
        let (result, reason) = script.answer().expect("an answer");
        assert_eq!(result, JobResult::Invalid);
        assert!(reason.contains(key), "{reason}");
        script.is("db.service", ActiveState::Active, "running");
    }
}

#[test]
fn isolating_a_target_stops_the_rest_until_it_is_asked_for_again() {
    let mut script = Script::of(&[
        (
            "night.target",
            "[Unit]\nAllowIsolate=yes\nWants=db.service\n",
        ),
        ("db.service", SIMPLE),
        ("web.service", SIMPLE),
        ("ssh.service", &unit("IgnoreOnIsolate=yes")),
    ]);
    for service in ["db.service", "web.service", "ssh.service"] {
        script.comes_up(service);
    }
    script.ask(Verb::Isolate, "web.service");
    let (result, reason) = script.answer().expect("an answer");
    assert_eq!(result, JobResult::Invalid);
    assert!(reason.contains("AllowIsolate=yes"), "{reason}");

    script.ask(Verb::Isolate, "night.target");
    script.stops("web.service");
    script.is("web.service", ActiveState::Inactive, "dead");
    script.is("db.service", ActiveState::Active, "running");
    script.is("ssh.service", ActiveState::Active, "running");
    // Back to what the host usually runs.
    script.ask(Verb::Isolate, "multi-user.target");
    script.comes_up("web.service");
    script.is("web.service", ActiveState::Active, "running");
}

#[test]
fn a_mode_of_fail_replaces_no_job() {
    let mut script = script(&[("a.service", ""), ("b.service", "Conflicts=a.service")]);
    // a is on its way up when b, which excludes it, is asked for.
    script.ask(Verb::Start, "a.service");
    script.ask_in(JobMode::Fail, Verb::Start, "b.service");
    let (result, reason) = script.answer().expect("an answer");
    assert_eq!(result, JobResult::Invalid);
    assert!(reason.contains("--job-mode=fail"), "{reason}");
}

#[test]
fn an_upheld_unit_comes_back_whatever_its_restart_policy() {
    let mut script = script(&[("web.service", "Upholds=log.service"), ("log.service", "")]);
    script.comes_up("web.service");
    script.comes_up("log.service");
    script.goes_down("log.service", ProcessEnd::Exited(0));
    script.is("log.service", ActiveState::Activating, "auto-restart");
    script.passes(200_000);
    script.comes_up("log.service");
    // An operator's stop holds all the same.
    script.ask(Verb::Stop, "log.service");
    script.stops("log.service");
    script.is("log.service", ActiveState::Inactive, "dead");
}

#[test]
fn what_nothing_needs_any_more_is_stopped_and_stays_down() {
    let files = [
        ("web.service", unit("Requires=db.service\nAfter=db.service")),
        ("db.service", unit("StopWhenUnneeded=yes")),
    ];
    // Only web pulls db in.
    let files: Vec<(&str, &str)> = files.iter().map(|(n, text)| (*n, text.as_str())).collect();
    let mut script = Script::fresh();
    script.target_with(&files, &["db.service"]);
    script.comes_up("db.service");
    script.comes_up("web.service");
    script.ask(Verb::Stop, "web.service");
    script.stops("web.service");
    script.is("db.service", ActiveState::Deactivating, "stop-sigterm");
    script.stops("db.service");
    // A commit that changes nothing about them does not bring it back.
    script.target_with(&files, &["db.service"]);
    script.is("db.service", ActiveState::Inactive, "dead");
    let reason = script.status("db.service").reason.expect("a reason");
    assert!(reason.contains("StopWhenUnneeded="), "{reason}");
    // Both come back together.
    script.ask(Verb::Start, "web.service");
    script.comes_up("db.service");
    script.comes_up("web.service");
    script.is("web.service", ActiveState::Active, "running");
}

#[test]
fn a_stop_is_passed_on_and_a_restart_is_not() {
    let mut script = script(&[
        ("db.service", "PropagatesStopTo=cache.service"),
        ("cache.service", ""),
    ]);
    script.comes_up("db.service");
    script.comes_up("cache.service");
    script.ask(Verb::Restart, "db.service");
    script.stops("db.service");
    script.comes_up("db.service");
    script.is("cache.service", ActiveState::Active, "running");
    // Its own end is passed on, too.
    script.goes_down("db.service", ProcessEnd::Exited(0));
    script.is("cache.service", ActiveState::Deactivating, "stop-sigterm");
}

#[test]
fn a_job_that_takes_too_long_is_given_up_and_what_runs_goes_on() {
    let mut script = script(&[("slow.service", "JobTimeoutSec=5")]);
    script.ask(Verb::Start, "slow.service");
    script.passes(5_000_000);
    let (result, reason) = script.answer().expect("an answer");
    assert_eq!(result, JobResult::Timeout);
    assert!(reason.contains("JobTimeoutSec="), "{reason}");
    script.comes_up("slow.service");
    script.is("slow.service", ActiveState::Active, "running");
}

#[test]
fn what_is_upheld_and_lacks_something_is_tried_again_when_that_comes_up() {
    let mut script = Script::fresh();
    script.target_with(
        &[
            (
                "a.service",
                "[Unit]\nUpholds=b.service\n[Service]\nExecStart=/bin/x\n",
            ),
            (
                "b.service",
                "[Unit]\nRequires=c.service\nAfter=c.service\n[Service]\nExecStart=/bin/x\n",
            ),
            (
                "c.service",
                "[Unit]\nAssertPathExists=/c\n[Service]\nExecStart=/bin/x\n",
            ),
        ],
        &["b.service", "c.service"],
    );
    script.answers("c.service", true, false);
    script.comes_up("a.service");
    // It would end as it just did, for ever.
    let asked = script.asked();
    let checks = asked.iter().filter(|what| *what == "check c").count();
    assert_eq!(checks, 1, "{asked:?}");
    script.ask(Verb::Start, "c.service");
    assert_eq!(script.asked(), ["check c"]);
    script.answers("c.service", true, true);
    script.comes_up("c.service");
    assert_eq!(
        script.asked(),
        ["spawn c", "run c Start 0", "spawn b", "Done c"]
    );
}

#[test]
fn what_is_upheld_and_past_its_start_limit_stays_down() {
    let mut script = Script::fresh();
    // Its condition is asked of the host, so that an attempt takes more than one step.
    let upheld = "[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=1h\nConditionPathExists=/b\n\
                  [Service]\nExecStart=/bin/x\n";
    script.target_with(
        &[
            (
                "a.service",
                "[Unit]\nUpholds=b.service\n[Service]\nExecStart=/bin/x\n",
            ),
            ("b.service", upheld),
        ],
        &["b.service"],
    );
    script.comes_up("a.service");
    script.answers("b.service", true, true);
    script.comes_up("b.service");
    script.goes_down("b.service", ProcessEnd::Exited(1));
    script.passes(60_000_000);
    assert!(script.asked().contains(&"check b".to_owned()));
    script.answers("b.service", true, true);
    assert_eq!(script.asked(), [""; 0], "nobody tries again");
    script.is("b.service", ActiveState::Failed, "failed");
}
