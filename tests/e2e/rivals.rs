//! What other supervisors got wrong when they were tried, each as a test: children lost or doubled
//! at the daemon's death, SIGPIPE for who writes meanwhile, processes left behind by a stop, crash
//! loops at full speed, garbage in the output, two copies after a restart.
use crate::instance::{Instance, pause};
use crate::root_or_say_so;
use std::collections::BTreeMap;
use std::time::Instant;

const INSTALL: &str = "[Install]\nWantedBy=default.target\n";

fn service(command: &str, lines: &str) -> String {
    format!("[Service]\nExecStart={command}\n{lines}\n{INSTALL}")
}

/// How many processes of this instance have `text` in their command line.
fn count(instance: &Instance, text: &str) -> usize {
    let all = instance.processes().into_values();
    all.filter(|line| line.contains(text)).count()
}

#[test]
fn five_services_survive_the_daemons_death_once_each() {
    if !root_or_say_so("five_services") {
        return;
    }
    let names: Vec<String> = (1..=5).map(|n| format!("s{n}.service")).collect();
    let texts: Vec<String> = (1..=5)
        .map(|n| service(&format!("/bin/sleep 80000{n}"), "Restart=always"))
        .collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .map(|name| &**name)
        .zip(texts.iter().map(|text| &**text))
        .collect();
    let mut instance = Instance::with_units(&files);
    let pids = |instance: &Instance| -> BTreeMap<String, u32> {
        let pids = names
            .iter()
            .map(|name| (name.clone(), instance.main_pid(name)));
        pids.collect()
    };
    names.iter().for_each(|name| instance.wait_active(name));
    let before = pids(&instance);
    instance.kill_daemon();
    instance.start_daemon();
    names.iter().for_each(|name| instance.wait_active(name));
    assert_eq!(pids(&instance), before);
    assert_eq!(count(&instance, "/bin/sleep 80000"), 5, "none is doubled");
    instance.shutdown();
}

#[test]
fn who_writes_while_the_daemon_is_dead_gets_no_sigpipe() {
    if !root_or_say_so("who_writes") {
        return;
    }
    let chatty = service(
        "/bin/bash -c 'n=0; while echo line $n; do n=$((n+1)); read -t 0.01 < <(:) || true; done'",
        "",
    );
    let mut instance = Instance::with_units(&[("chatty.service", &chatty)]);
    instance.wait_active("chatty.service");
    let pid = instance.main_pid("chatty.service");
    let lines = |instance: &Instance| {
        let log = instance.root.join("var/log/gitproc/chatty.service.log");
        std::fs::read_to_string(log)
            .unwrap_or_default()
            .lines()
            .count()
    };
    instance.wait_for("it writes", |instance| lines(instance) > 3);
    instance.kill_daemon();
    let before = lines(&instance);
    instance.wait_for("it goes on without a daemon", |instance| {
        lines(instance) > before + 20
    });
    instance.start_daemon();
    assert_eq!(instance.main_pid("chatty.service"), pid);
    instance.shutdown();
}

#[test]
fn a_stop_leaves_no_grandchild_whatever_it_does_not_to_be_found() {
    if !root_or_say_so("a_stop_leaves_no_grandchild") {
        return;
    }
    let hiding = service(
        "/bin/bash -c 'trap \"\" TERM HUP INT; (setsid bash -c \"trap \\\"\\\" TERM; sleep 810001; :\" &); \
         (setsid setsid sleep 810002 &); nohup sleep 810003 & sleep 810004'",
        "TimeoutStopSec=500ms",
    );
    let instance = Instance::with_units(&[("hiding.service", &hiding)]);
    instance.wait_for("all four are there", |instance| {
        count(instance, "sleep 81000") >= 4
    });
    instance.run(&["stop", "hiding"]);
    assert_eq!(count(&instance, "81000"), 0, "{:?}", instance.processes());
    assert!(instance.unit_cgroups("hiding.service").is_empty());
    instance.shutdown();
}

#[test]
fn a_crash_loop_is_slowed_ended_and_told() {
    if !root_or_say_so("a_crash_loop") {
        return;
    }
    let falls = service("/bin/false", "Restart=always\nRestartSec=50ms");
    let instance = Instance::start();
    instance.push(&[("falls.service", &falls)]);
    instance.wait_for("it is given up", |instance| {
        instance.property("falls.service", "ActiveState") == "failed"
    });
    assert_eq!(
        instance.property("falls.service", "Result"),
        "start-limit-hit"
    );
    let status = instance.run(&["status", "falls"]).stdout;
    for words in ["repeated too quickly", "status 1", "reset-failed"] {
        assert!(status.contains(words), "{words}: {status}");
    }
    instance.shutdown();
}

#[test]
fn what_is_no_text_harms_nothing() {
    if !root_or_say_so("what_is_no_text") {
        return;
    }
    let garbage = service(
        "/bin/bash -c 'printf \"\\\\xff\\\\xfe\\\\x00\\\\x1b[31m\\\\xc3\\\\n\"; echo after; exec sleep 820001'",
        "",
    );
    let instance = Instance::with_units(&[("garbage.service", &garbage)]);
    let said = |instance: &Instance| instance.run(&["logs", "garbage", "-o", "cat"]);
    instance.wait_for("the line after it is there", |instance| {
        said(instance).stdout.contains("after")
    });
    assert!(instance.is_active("garbage.service"));
    instance.run(&["status", "garbage"]).ok();
    instance.run(&["logs", "garbage", "-o", "json"]).ok();
    instance.shutdown();
}

#[test]
fn a_restart_never_leaves_two_copies() {
    if !root_or_say_so("a_restart_never") {
        return;
    }
    let slow = service(
        "/bin/bash -c 'trap \"sleep 0.3; exit\" TERM; while :; do sleep 830001 & wait; done'",
        "",
    );
    let instance = Instance::with_units(&[("slow.service", &slow)]);
    instance.wait_active("slow.service");
    std::thread::scope(|scope| {
        let restarts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| instance.run(&["restart", "slow"])))
            .collect();
        let begin = Instant::now();
        while restarts.iter().any(|one| !one.is_finished()) {
            let copies = count(&instance, "trap");
            assert!(copies <= 1, "{copies} copies: {:?}", instance.processes());
            assert!(begin.elapsed() < crate::instance::DEADLINE, "they end");
            pause();
        }
    });
    instance.wait_active("slow.service");
    assert_eq!(count(&instance, "trap"), 1);
    instance.shutdown();
}
