//! The main road: push, apply, restart, adopt, roll back, stop.
use crate::instance::{Instance, signal};
use nix::sys::signal::Signal;

const SLEEPER: &str = "[Service]\nExecStart=/bin/sleep 1000000\nRestart=always\nRestartSec=50ms\n\
     [Install]\nWantedBy=multi-user.target\n";

fn sleeper(extra: &str) -> String {
    format!(
        "[Service]\nExecStart=/bin/sleep 1000000\n{extra}\n[Install]\nWantedBy=multi-user.target\n"
    )
}

/// Start time of a process, in clock ticks since boot: tells two processes of one pid apart.
fn start_time(pid: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let after_name = stat.rsplit(')').next().expect("a name in brackets");
    after_name
        .split_whitespace()
        .nth(19)
        .expect("field 22")
        .to_owned()
}

#[test]
fn a_push_prints_the_plan_and_starts_the_service() {
    let instance = Instance::start();
    let pushed = instance.push(&[("web.service", SLEEPER)]).ok();
    assert!(pushed.stderr.contains("plan"), "{pushed:?}");
    assert!(pushed.stderr.contains("+ web.service"), "{pushed:?}");
    assert!(pushed.stderr.contains("deployed"), "{pushed:?}");
    assert!(instance.is_active("web"));
    let status = instance.run(&["status", "web"]).ok();
    assert!(status.stdout.contains("active (running)"), "{status:?}");
    instance.shutdown();
}

#[test]
fn a_push_names_what_is_not_honoured_once() {
    let unit = sleeper("RestrictFileSystems=ext4");
    let instance = Instance::start();
    let pushed = instance.push(&[("web.service", &unit)]).ok();
    let warning = "web.service:3:1: warning: RestrictFileSystems= is not honoured yet";
    assert_eq!(pushed.stderr.matches(warning).count(), 1, "{pushed:?}");
    instance.shutdown();
}

#[test]
fn exposure_is_told_of_what_is_deployed_and_of_files() {
    let kept = sleeper("PrivateNetwork=yes\nUser=nobody");
    let instance = Instance::with_units(&[("open.service", SLEEPER), ("kept.service", &kept)]);
    let all = instance.run(&["security"]).ok().stdout;
    let row = |unit: &str| {
        let row = all.lines().find(|line| line.starts_with(unit));
        row.unwrap_or_else(|| panic!("{unit}: {all}")).to_owned()
    };
    assert!(row("open.service").contains("9.6  UNSAFE"), "{all}");
    assert!(row("kept.service").contains("9.1  UNSAFE"), "{all}");
    let kept = instance
        .run(&["security", "kept", "--threshold", "91"])
        .ok();
    assert!(kept.stdout.contains("✓  PrivateNetwork="), "{kept:?}");
    assert!(kept.stdout.contains("What would help most:"), "{kept:?}");
    instance
        .run(&["security", "open", "--threshold", "91"])
        .fails(1, "");
    let json = instance
        .run(&["security", "-o", "json", "open"])
        .ok()
        .stdout;
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["exposure"], "9.6");
    let file = instance.clone_dir().join("kept.service");
    let file = file.to_str().expect("a path");
    let alone = instance.run(&["security", "--file", file]).ok();
    assert_eq!(alone.stdout, kept.stdout);
    instance.run(&["security", "nosuch"]).fails(4, "nosuch");
    instance.shutdown();
}

#[test]
fn a_commit_restarts_what_it_changes_and_nothing_else() {
    let instance = Instance::with_units(&[("a.service", SLEEPER), ("b.service", SLEEPER)]);
    let (a, b) = (instance.main_pid("a"), instance.main_pid("b"));
    let changed = sleeper("Environment=X=1");
    let pushed = instance.push(&[("a.service", &changed)]).ok();
    assert!(pushed.stderr.contains("~ a.service"), "{pushed:?}");
    assert!(!pushed.stderr.contains("b.service"), "{pushed:?}");
    assert_ne!(instance.main_pid("a"), a);
    assert_eq!(instance.main_pid("b"), b);
    // A comment is no change of meaning.
    let a = instance.main_pid("a");
    instance
        .push(&[("a.service", &format!("# a remark\n{changed}"))])
        .ok();
    assert_eq!(instance.main_pid("a"), a);
    // What leaves the tree is stopped.
    instance.push(&[("b.service", "")]).ok();
    assert!(
        !crate::instance::exists(format!("/proc/{b}")),
        "b was stopped"
    );
    instance.shutdown();
}

#[test]
fn a_killed_service_comes_back() {
    let instance = Instance::with_units(&[("web.service", SLEEPER)]);
    let pid = instance.main_pid("web");
    signal(pid, Signal::SIGKILL);
    instance.wait_for("a new process", |instance| {
        let now = instance.main_pid("web");
        now != 0 && now != pid
    });
    assert_eq!(instance.property("web", "NRestarts"), "1");
    instance.shutdown();
}

#[test]
fn rollback_brings_the_old_unit_back_by_a_new_commit() {
    let instance = Instance::with_units(&[("web.service", &sleeper("Environment=V=1"))]);
    let good = instance
        .git(&["rev-parse", "HEAD"])
        .ok()
        .stdout
        .trim()
        .to_owned();
    instance
        .push(&[("web.service", &sleeper("Environment=V=2"))])
        .ok();
    assert!(instance.property("web", "Environment").contains("V=2"));
    let back = instance
        .run(&["rollback", &good, "--reason", "V=2 was wrong"])
        .ok();
    assert!(
        format!("{}{}", back.stdout, back.stderr).contains("generation"),
        "{back:?}"
    );
    assert!(instance.property("web", "Environment").contains("V=1"));
    let history = instance.run(&["history"]).ok();
    assert!(history.stdout.contains("rollback"), "{history:?}");
    assert!(history.stdout.contains("V=2 was wrong"), "{history:?}");
    // The clone follows, and an ordinary push goes on from there.
    instance.git(&["pull", "-q", "--ff-only"]).ok();
    let log = instance.git(&["log", "-1", "--format=%B"]).ok();
    assert!(log.stdout.contains("V=2 was wrong"), "{log:?}");
    instance
        .push(&[("web.service", &sleeper("Environment=V=3"))])
        .ok();
    assert!(instance.property("web", "Environment").contains("V=3"));
    instance
        .run(&["rollback", "nosuchrev"])
        .fails(1, "nosuchrev");
    instance.shutdown();
}

#[test]
fn the_daemon_dies_and_services_do_not() {
    let names = ["a", "b", "c", "d", "e"];
    let files: Vec<(String, &str)> = names
        .iter()
        .map(|name| (format!("{name}.service"), SLEEPER))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    let mut instance = Instance::with_units(&files);
    let before: Vec<(u32, String)> = names
        .iter()
        .map(|name| instance.main_pid(name))
        .map(|pid| (pid, start_time(pid)))
        .collect();
    for round in 0..3 {
        match round {
            0 | 2 => instance.kill_daemon(),
            _ => instance.terminate_daemon(),
        }
        instance.start_daemon();
        let after: Vec<(u32, String)> = names
            .iter()
            .map(|name| instance.main_pid(name))
            .map(|pid| (pid, start_time(pid)))
            .collect();
        assert_eq!(before, after, "round {round}");
        for name in names {
            assert_eq!(instance.property(name, "NRestarts"), "0", "round {round}");
        }
    }
    instance.shutdown();
}

#[test]
fn sigterm_stops_services_only_when_told_to() {
    let mut instance = Instance::init();
    let mut daemon = instance.spawn_daemon(&["--stop-services"]);
    instance.wait_for("the daemon answers", |i| i.run(&["status"]).code == 0);
    instance.push(&[("web.service", SLEEPER)]).ok();
    let pid = instance.main_pid("web");
    assert_ne!(pid, 0, "web runs");
    signal(daemon.id(), Signal::SIGTERM);
    let ended = crate::instance::wait(&mut daemon);
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    assert!(
        !crate::instance::exists(format!("/proc/{pid}")),
        "web was stopped"
    );
    assert!(instance.cgroups().is_empty(), "{:?}", instance.cgroups());
    // Stopped with the daemon, it starts again with the next one.
    instance.start_daemon();
    instance.wait_active("web");
    instance.shutdown();
}

#[test]
fn an_exit_while_the_daemon_is_away_is_learnt_with_its_status() {
    let text = "[Service]\nExecStart=/bin/sh -c 'trap \"exit 7\" USR1; while :; do sleep 0.05; done'\n\
                [Install]\nWantedBy=multi-user.target\n";
    let mut instance = Instance::with_units(&[("web.service", text), ("back.service", SLEEPER)]);
    let (web, back) = (instance.main_pid("web"), instance.main_pid("back"));
    instance.kill_daemon();
    signal(web, Signal::SIGUSR1);
    signal(back, Signal::SIGKILL);
    instance.wait_for("both are gone", |_| {
        let gone = |pid: u32| {
            std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .map_or(true, |stat| stat.contains(") Z "))
        };
        gone(web) && gone(back)
    });
    instance.start_daemon();
    instance.wait_for("web is failed", |i| {
        i.property("web", "ActiveState") == "failed"
    });
    assert_eq!(instance.property("web", "ExecMainStatus"), "7");
    instance.wait_active("back");
    assert_ne!(instance.main_pid("back"), back);
    instance.shutdown();
}

#[test]
fn a_push_while_the_daemon_was_killed_in_between_is_applied_at_its_start() {
    let mut instance = Instance::with_units(&[("web.service", SLEEPER)]);
    let pid = instance.main_pid("web");
    instance.kill_daemon();
    // Written into the store behind the daemon's back, as its owner would.
    instance.start_daemon();
    assert_eq!(instance.main_pid("web"), pid);
    instance.push(&[("more.service", SLEEPER)]).ok();
    instance.wait_active("more");
    assert_eq!(instance.main_pid("web"), pid);
    instance.shutdown();
}

#[test]
fn a_stop_leaves_nothing_behind() {
    // A daemonised grandchild in a session of its own, which ignores SIGTERM.
    let text = "[Service]\nExecStart=/bin/sh -c \"setsid sh -c 'trap : TERM; while :; do sleep 1; done' \
                & exec sleep 1000000\"\nTimeoutStopSec=500ms\n\
                [Install]\nWantedBy=multi-user.target\n";
    let mut instance = Instance::with_units(&[("web.service", text)]);
    let helper_and_service = instance.processes().len();
    assert!(helper_and_service >= 2, "{:?}", instance.processes());
    instance.run(&["stop", "web"]).ok();
    assert_eq!(
        instance.unit_cgroups("web.service"),
        Vec::<std::path::PathBuf>::new()
    );
    let left = instance.processes();
    let left: Vec<_> = left
        .values()
        .filter(|command| command.contains("sleep"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_ne!(instance.run(&["status", "web"]).code, 0);
    // Stopped by an operator, it stays down over an unrelated commit and the daemon's death, and can
    // be started again.
    instance.push(&[("other.service", SLEEPER)]).ok();
    assert!(!instance.is_active("web"));
    instance.kill_daemon();
    instance.start_daemon();
    instance.push(&[("third.service", SLEEPER)]).ok();
    assert!(!instance.is_active("web"));
    instance.run(&["start", "web"]).ok();
    assert!(instance.is_active("web"));
    instance.shutdown();
}

#[test]
fn units_start_in_order_and_stop_in_reverse() {
    let root = std::env::temp_dir().join(format!("gitproc-order-{}", std::process::id()));
    let journal = root.display();
    let unit = |name: &str, extra: &str| {
        format!(
            "[Unit]\n{extra}\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
             ExecStart=/bin/sh -c 'echo start {name} >>{journal}'\n\
             ExecStop=/bin/sh -c 'echo stop {name} >>{journal}'\n\
             [Install]\nWantedBy=multi-user.target\n"
        )
    };
    let (c, b, a) = (
        unit("c", "Requires=b.service\nAfter=b.service"),
        unit("b", "Requires=a.service\nAfter=a.service"),
        unit("a", ""),
    );
    let instance = Instance::with_units(&[("c.service", &c), ("b.service", &b), ("a.service", &a)]);
    let said = std::fs::read_to_string(&root).expect("they ran");
    assert_eq!(said, "start a\nstart b\nstart c\n");
    instance.run(&["stop", "a"]).ok();
    let said = std::fs::read_to_string(&root).expect("they ran");
    assert_eq!(said, "start a\nstart b\nstart c\nstop c\nstop b\nstop a\n");
    std::fs::remove_file(&root).expect("removed");
    instance.shutdown();
}

#[test]
fn logs_keep_every_byte_over_the_daemons_death() {
    let text = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'printf \"one\\n\"; printf \"two\\n\" >&2'\n\
                [Install]\nWantedBy=multi-user.target\n";
    let instance = Instance::with_units(&[("say.service", text)]);
    instance.wait_for("the log is written", |instance| {
        let logs = instance.run(&["logs", "say", "-o", "cat"]);
        logs.stdout.contains("one") && logs.stdout.contains("two")
    });
    let json = instance.run(&["logs", "say", "-o", "json", "-n", "1"]).ok();
    assert_eq!(json.stdout.trim().lines().count(), 1, "{json:?}");
    instance.shutdown();
}

#[test]
fn a_crash_loop_is_ended_by_the_start_limit_and_reported() {
    let text = "[Unit]\nStartLimitBurst=3\n[Service]\nExecStart=/bin/false\nRestart=always\n\
                RestartSec=10ms\n[Install]\nWantedBy=multi-user.target\n";
    let instance = Instance::start();
    instance.push(&[("loop.service", text)]);
    instance.wait_for("the limit is hit", |instance| {
        instance.property("loop", "Result") == "start-limit-hit"
    });
    let status = instance.run(&["status", "loop"]);
    assert_eq!(status.code, 3);
    assert!(
        status.stdout.contains("reset-failed"),
        "says what to do: {status:?}"
    );
    instance.run(&["reset-failed", "loop"]).ok();
    assert_eq!(instance.property("loop", "ActiveState"), "inactive");
    instance.shutdown();
}

#[test]
fn every_answer_is_also_there_as_json() {
    let instance = Instance::with_units(&[("web.service", SLEEPER)]);
    let asked: &[&[&str]] = &[
        &["status"],
        &["status", "web"],
        &["list"],
        &["show", "web"],
        &["cat", "web"],
        &["plan"],
        &["history"],
        &["sync"],
        &["verify", "HEAD"],
        &["restart", "web"],
        &["stop", "web"],
        &["start", "web"],
        &["kill", "web", "-s", "HUP"],
        &["reset-failed"],
    ];
    for arguments in asked {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        let answer = instance.run(&all);
        assert_eq!(answer.code, 0, "{arguments:?}: {answer:?}");
        for line in answer.stdout.lines() {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(
                parsed.is_ok(),
                "{arguments:?} prints JSON, one value per line: {answer:?}"
            );
        }
        assert!(!answer.stdout.is_empty(), "{arguments:?}");
    }
    instance.shutdown();
}

#[test]
fn a_service_has_a_pid_namespace_and_a_proc_of_its_own() {
    let text = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo $$$$; ls /proc | grep -c \"^[0-9]\"; \
                readlink /proc/self/ns/pid'\n[Install]\nWantedBy=multi-user.target\n";
    let instance = Instance::with_units(&[("look.service", text)]);
    let logs = instance.run(&["logs", "look", "-o", "cat"]).ok();
    let lines: Vec<&str> = logs.stdout.lines().collect();
    let own = std::fs::read_link("/proc/self/ns/pid").expect("a link");
    let status = instance.run(&["status"]).ok();
    if status.stdout.contains("PID namespace") {
        eprintln!("no PID namespaces here: {}", status.stdout);
        return instance.shutdown();
    }
    let [pid, processes, namespace] = lines[..] else {
        panic!("three lines: {lines:?}")
    };
    assert!(pid.parse::<u32>().expect("a number") < 20, "{lines:?}");
    assert!(
        processes.parse::<u32>().expect("a number") < 10,
        "{lines:?}"
    );
    assert_ne!(namespace, own.to_string_lossy(), "{lines:?}");
    instance.shutdown();
}

#[test]
fn limits_and_identity_hold_from_the_first_instruction() {
    if !crate::root_or_say_so("limits_and_identity") {
        return;
    }
    let text = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'id -u; id -G; ulimit -n; umask; \
                nice; grep -E \"^(CapBnd|CapEff|NoNewPrivs|Groups)\" /proc/self/status; pwd; echo $HOME $A'\n\
                User=nobody\nUMask=0027\nNice=5\nLimitNOFILE=123\nNoNewPrivileges=yes\n\
                CapabilityBoundingSet=CAP_CHOWN\nWorkingDirectory=/var\nEnvironment=\"A=b c\"\n\
                [Install]\nWantedBy=multi-user.target\n";
    let instance = Instance::with_units(&[("look.service", text)]);
    let logs = instance.run(&["logs", "look", "-o", "cat"]).ok();
    let expected = "65534\n65534\n123\n0027\n5\nGroups:\t65534 \nCapEff:\t0000000000000000\n\
                    CapBnd:\t0000000000000001\nNoNewPrivs:\t1\n/var\n/nonexistent b c\n";
    assert_eq!(logs.stdout, expected);
    instance.shutdown();
}
