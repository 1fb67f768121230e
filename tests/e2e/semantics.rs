//! What a unit says is what happens: systemd.service(5), exec(5) and kill(5) on the real kernel.
//!
//! Each test lets services write down, with `echo`, what they see; the log is the witness.
use crate::instance::{Instance, signal};
use nix::sys::signal::Signal;

const INSTALL: &str = "\n[Install]\nWantedBy=multi-user.target\n";

fn service(lines: &str) -> String {
    format!("[Service]\n{lines}{INSTALL}")
}

/// All units in one instance and one push, which may fail.
fn instance_of(units: &[(&str, String)]) -> Instance {
    let instance = Instance::start();
    let files: Vec<(&str, &str)> = units.iter().map(|(n, text)| (*n, text.as_str())).collect();
    instance.push(&files);
    instance
}

impl Instance {
    /// What the unit has written, stdout and stderr.
    fn said(&self, unit: &str) -> String {
        self.run(&["logs", unit, "-o", "cat", "-n", "100000"])
            .stdout
    }

    #[track_caller]
    fn wait_said(&self, unit: &str, text: &str) {
        self.wait_for(
            &format!("{unit} says {text:?}; it says {:?}", self.said(unit)),
            |i| i.said(unit).contains(text),
        );
    }

    #[track_caller]
    fn wait_state(&self, unit: &str, state: &str) {
        self.wait_for(&format!("{unit} is {state}"), |i| {
            i.property(unit, "ActiveState") == state
        });
    }

    #[track_caller]
    fn has(&self, unit: &str, properties: &[(&str, &str)]) {
        for (name, value) in properties {
            assert_eq!(
                self.property(unit, name),
                *value,
                "{name} of {unit}\n{:?}\n{}",
                self.run(&["status", unit]),
                self.log()
            );
        }
    }
}

#[test]
fn commands_of_a_oneshot_run_in_order_and_a_minus_forgives() {
    let instance = instance_of(&[
        (
            "good.service",
            service(
                "Type=oneshot\nRemainAfterExit=yes\nExecCondition=/bin/echo condition\n\
                 ExecStartPre=-/bin/sh -c 'echo pre; exit 3'\nExecStart=/bin/echo one\n\
                 ExecStart=-/bin/sh -c 'echo two; exit 5'\nExecStart=/bin/echo three\n\
                 ExecStartPost=/bin/echo post\n\
                 ExecStop=/bin/sh -c 'echo stop $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS'\n\
                 ExecStopPost=/bin/sh -c 'echo stop-post $SERVICE_RESULT'",
            ),
        ),
        (
            "bad.service",
            service(
                "Type=oneshot\nExecStart=/bin/echo one\nExecStart=/bin/sh -c 'echo two; exit 5'\n\
                 ExecStart=/bin/echo never\nExecStartPost=/bin/echo never\n\
                 ExecStop=/bin/echo never\n\
                 ExecStopPost=/bin/sh -c 'echo stop-post $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS; exit 1'\n\
                 ExecStopPost=/bin/echo never",
            ),
        ),
        (
            "skipped.service",
            service(
                "ExecCondition=/bin/sh -c 'exit 1'\nExecStart=/bin/echo never\nRestart=always\n\
                 ExecStopPost=/bin/sh -c 'echo stop-post $SERVICE_RESULT'",
            ),
        ),
        (
            "broken.service",
            service("ExecCondition=/bin/sh -c 'exit 255'\nExecStart=/bin/echo never"),
        ),
        (
            "pre.service",
            service("ExecStartPre=/no/such/program\nExecStart=/bin/echo never"),
        ),
    ]);
    instance.has("good", &[("ActiveState", "active"), ("SubState", "exited")]);
    instance.run(&["stop", "good"]).ok();
    assert_eq!(
        instance.said("good"),
        "condition\npre\none\ntwo\nthree\npost\nstop success exited 0\nstop-post success\n"
    );
    instance.wait_state("bad", "failed");
    assert_eq!(
        instance.said("bad"),
        "one\ntwo\nstop-post exit-code exited 5\n"
    );
    instance.has("bad", &[("Result", "exit-code"), ("ExecMainStatus", "5")]);
    instance.wait_said("skipped", "stop-post exec-condition");
    instance.wait_state("skipped", "inactive");
    instance.has(
        "skipped",
        &[("Result", "exec-condition"), ("NRestarts", "0")],
    );
    assert!(!instance.said("skipped").contains("never"));
    instance.has(
        "broken",
        &[("ActiveState", "failed"), ("Result", "exit-code")],
    );
    // A command before the main process is no main process.
    instance.has(
        "pre",
        &[
            ("ActiveState", "failed"),
            ("Result", "exit-code"),
            ("ExecMainStatus", "0"),
        ],
    );
    let status = instance.run(&["status", "pre"]);
    assert!(status.stdout.contains("203/EXEC"), "{status:?}");
    assert!(status.stdout.contains("next: "), "{status:?}");
    instance.shutdown();
}

#[test]
fn reload_and_stop_commands_know_the_main_process() {
    let instance = instance_of(&[(
        "web.service",
        service(
            "ExecStart=/bin/bash -c 'trap \"echo reloaded\" HUP; trap \"echo asked; exit 0\" USR1; \
             echo up; while :; do sleep 0.02; done'\n\
             ExecReload=/bin/kill -HUP $MAINPID\nExecStop=/bin/sh -c 'kill -USR1 $MAINPID; \
             while kill -0 $MAINPID 2>/dev/null; do sleep 0.02; done'\n\
             ExecStopPost=/bin/sh -c 'echo main ${MAINPID:-gone} $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS'",
        ),
    )]);
    instance.wait_said("web", "up");
    let pid = instance.main_pid("web");
    instance.run(&["reload", "web"]).ok();
    instance.wait_said("web", "reloaded");
    assert_eq!(instance.main_pid("web"), pid);
    instance.run(&["stop", "web"]).ok();
    instance.wait_said("web", "main gone success exited 0");
    instance.has(
        "web",
        &[("ExecMainPID", &pid.to_string()), ("MainPID", "0")],
    );
    instance.shutdown();
}

#[test]
fn a_reload_that_fails_leaves_the_service_running() {
    let instance = instance_of(&[(
        "web.service",
        service("ExecStart=/bin/sleep 1000000\nExecReload=/bin/false\nExecReload=/bin/echo never"),
    )]);
    let pid = instance.main_pid("web");
    instance.run(&["reload", "web"]).fails(1, "ExecReload=");
    instance.has(
        "web",
        &[("ActiveState", "active"), ("MainPID", &pid.to_string())],
    );
    assert!(!instance.said("web").contains("never"));
    instance.shutdown();
}

/// Restart= (systemd.service(5), its table) by how the main process ends.
#[test]
fn restart_follows_systemds_table() {
    let ends = [
        ("zero", "exit 0"),
        ("code", "exit 3"),
        ("term", "kill -TERM $$$$"),
        ("kill", "kill -KILL $$$$"),
    ];
    let policies: [(&str, [bool; 4]); 6] = [
        ("no", [false, false, false, false]),
        ("always", [true, true, true, true]),
        ("on-success", [true, false, true, false]),
        ("on-failure", [false, true, false, true]),
        ("on-abnormal", [false, false, false, true]),
        ("on-abort", [false, false, false, true]),
    ];
    let mut units = Vec::new();
    for (policy, _) in policies {
        for (end, command) in ends {
            units.push((
                format!("{policy}-{end}.service"),
                service(&format!(
                    "ExecStart=/bin/sh -c '{command}'\nRestart={policy}\nRestartSec=1h"
                )),
            ));
        }
    }
    let units: Vec<(&str, String)> = units.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    let instance = instance_of(&units);
    for (policy, expected) in policies {
        for ((end, _), restarts) in ends.iter().zip(expected) {
            let unit = format!("{policy}-{end}");
            instance.wait_for(&format!("{unit} has ended"), |i| {
                matches!(
                    &*i.property(&unit, "SubState"),
                    "dead" | "failed" | "auto-restart"
                )
            });
            let sub = match (restarts, *end) {
                (true, _) => "auto-restart",
                (false, "zero" | "term") => "dead",
                (false, _) => "failed",
            };
            instance.has(&unit, &[("SubState", sub)]);
        }
    }
    instance.shutdown();
}

#[test]
fn a_forking_service_is_followed_wherever_its_pid_file_leads() {
    if !crate::root_or_say_so("forking services") {
        return;
    }
    let dir = std::env::temp_dir().join(format!("gitproc-forking-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let file = |name: &str| dir.join(name).display().to_string();
    let forking = |pid_file: &str, lines: &str| {
        service(&format!(
            "Type=forking\nPIDFile={pid_file}\nTimeoutStartSec=700ms\nTimeoutStopSec=5s\n{lines}"
        ))
    };
    // Two sleeps, so that nothing can be guessed.
    let two = "sleep 1000000 & sleep 1000000 &";
    let (late, wrong, missing, dead, upgrade) = (
        file("late"),
        file("wrong"),
        file("missing"),
        file("dead"),
        file("upgrade"),
    );
    let instance = instance_of(&[
        (
            "late.service",
            forking(
                &late,
                &format!("ExecStart=/bin/sh -c '{two} (sleep 0.3; echo $! >{late}) &'"),
            ),
        ),
        // 1 is the helper: no service may name it as its own.
        (
            "wrong.service",
            forking(
                &wrong,
                &format!("ExecStart=/bin/sh -c '{two} echo 1 >{wrong}'"),
            ),
        ),
        (
            "missing.service",
            forking(&missing, &format!("ExecStart=/bin/sh -c '{two}'")),
        ),
        (
            "dead.service",
            forking(
                &dead,
                &format!("ExecStart=/bin/sh -c '{two} echo 4000000 >{dead}'"),
            ),
        ),
        ("nothing.service", forking(&missing, "ExecStart=/bin/true")),
        (
            "guess.service",
            service("Type=forking\nExecStart=/bin/sh -c 'sleep 1000000 &'"),
        ),
        (
            "noguess.service",
            service(&format!(
                "Type=forking\nGuessMainPID=no\nExecStart=/bin/sh -c '{two}'"
            )),
        ),
        // As nginx does on USR2: a new one beside the old one, then the old one goes.
        (
            "upgrade.service",
            forking(
                &upgrade,
                &format!(
                    "ExecStart=/bin/bash -c '(trap \"sleep 1000000 & echo \\$! >{upgrade}; exit 0\" USR2; \
                 while :; do sleep 0.02; done) & echo $! >{upgrade}'"
                ),
            ),
        ),
    ]);
    instance.wait_active("late");
    let named = std::fs::read_to_string(&late)
        .expect("written")
        .trim()
        .to_owned();
    assert_ne!(instance.main_pid("late"), 0, "pid {named} inside");
    for (unit, result) in [
        ("wrong", "timeout"),
        ("missing", "timeout"),
        ("dead", "timeout"),
        ("nothing", "protocol"),
    ] {
        instance.wait_state(unit, "failed");
        instance.has(unit, &[("Result", result), ("MainPID", "0")]);
    }
    instance.wait_active("guess");
    assert_ne!(instance.main_pid("guess"), 0);
    instance.wait_active("noguess");
    instance.has("noguess", &[("MainPID", "0"), ("SubState", "running")]);

    instance.wait_active("upgrade");
    let old = instance.main_pid("upgrade");
    signal(old, Signal::SIGUSR2);
    instance.wait_for("the new main process is known", |i| {
        let now = i.main_pid("upgrade");
        now != old && now != 0
    });
    instance.has("upgrade", &[("ActiveState", "active"), ("NRestarts", "0")]);
    let now = instance.main_pid("upgrade");
    signal(now, Signal::SIGKILL);
    instance.wait_state("upgrade", "failed");
    instance.has(
        "upgrade",
        &[("Result", "signal"), ("ExecMainPID", &now.to_string())],
    );
    std::fs::remove_dir_all(&dir).expect("removed");
    instance.shutdown();
}

#[test]
fn time_outs_end_what_hangs_and_say_so() {
    let deaf = "trap \"\" TERM; echo up; while :; do sleep 0.05; done";
    let instance = instance_of(&[
        (
            "start.service",
            service("Type=notify\nTimeoutStartSec=300ms\nExecStart=/bin/sleep 1000000"),
        ),
        (
            "pre.service",
            service("ExecStartPre=/bin/sleep 1000000\nTimeoutStartSec=300ms\nExecStart=/bin/true"),
        ),
        (
            "stop.service",
            service(&format!(
                "TimeoutStopSec=300ms\nExecStart=/bin/sh -c '{deaf}'\n\
                 ExecStopPost=/bin/sh -c 'echo post $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS'"
            )),
        ),
        (
            "usr.service",
            service(
                "KillSignal=SIGUSR1\nExecStart=/bin/bash -c 'trap \"echo usr1; exit 0\" USR1; \
                 trap \"echo term\" TERM; echo up; while :; do sleep 0.02; done'",
            ),
        ),
        (
            "nokill.service",
            service(&format!(
                "SendSIGKILL=no\nTimeoutStopSec=300ms\nExecStart=/bin/sh -c '{deaf}'"
            )),
        ),
        (
            "hangstop.service",
            service(
                "TimeoutStopSec=300ms\nExecStart=/bin/sleep 1000000\nExecStop=/bin/sleep 1000000",
            ),
        ),
    ]);
    for unit in ["start", "pre"] {
        instance.wait_state(unit, "failed");
        instance.has(unit, &[("Result", "timeout")]);
    }
    for unit in ["stop", "usr", "nokill"] {
        instance.wait_said(unit, "up");
    }
    instance.wait_active("hangstop");
    for unit in ["stop", "usr", "nokill", "hangstop"] {
        instance.run(&["stop", unit]);
    }
    assert_eq!(instance.said("stop"), "up\npost timeout killed KILL\n");
    instance.has("stop", &[("ActiveState", "failed"), ("Result", "timeout")]);
    let said = instance.said("usr");
    assert!(
        said.contains("\nusr1\n") && !said.contains("\nterm\n"),
        "{said}"
    );
    instance.has("usr", &[("ActiveState", "inactive"), ("Result", "success")]);
    instance.has(
        "nokill",
        &[("ActiveState", "failed"), ("Result", "timeout")],
    );
    instance.has(
        "hangstop",
        &[("ActiveState", "failed"), ("Result", "timeout")],
    );
    let left = instance.processes();
    assert!(
        !left.values().any(|command| command.contains("sleep")),
        "{left:?}"
    );
    instance.shutdown();
}

/// The main process pings while a file is there, and then hangs.
#[test]
fn a_service_that_hangs_is_ended_by_its_watchdog() {
    let ping = "socket(S,AF_UNIX,SOCK_DGRAM,0); $|=1; \
         my $to=pack(qq(S a*),AF_UNIX,$ENV{NOTIFY_SOCKET}); \
         print $ENV{WATCHDOG_PID} == $$ && $ENV{WATCHDOG_USEC}, chr(10); \
         for (1..20) { send(S,qq(WATCHDOG=1),0,$to); select(undef,undef,undef,0.1) } \
         print qq(hangs), chr(10); sleep 1000000";
    let instance = instance_of(&[(
        "a.service",
        service(&format!(
            "WatchdogSec=1s\nExecStart=:/usr/bin/perl -MSocket -e \"{ping}\"\n\
             ExecStopPost=/bin/sh -c 'echo post $SERVICE_RESULT $EXIT_STATUS'"
        )),
    )]);
    instance.wait_state("a", "failed");
    instance.has("a", &[("Result", "watchdog")]);
    assert_eq!(
        instance.said("a"),
        "1000000\nhangs\npost watchdog ABRT\n",
        "{:?}",
        instance.run(&["status", "a"])
    );
    instance.shutdown();
}

#[test]
fn the_end_of_a_service_starts_what_is_to_follow() {
    let tell = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo %i: $MONITOR_UNIT \
                $MONITOR_SERVICE_RESULT $MONITOR_EXIT_CODE $MONITOR_EXIT_STATUS'\n";
    let watched = |name: &str, lines: &str| {
        let text = service(lines);
        (
            format!("{name}.service"),
            format!(
                "[Unit]\nOnFailure=tell@%p-failed.service\nOnSuccess=tell@%p-over.service\n{text}"
            ),
        )
    };
    let units = [
        watched("bad", "ExecStart=/bin/sh -c 'exit 3'"),
        watched("good", "ExecStart=/bin/true"),
        watched(
            "loop",
            "ExecStart=/bin/false\nRestart=always\nRestartSec=1ms",
        ),
        ("tell@.service".to_owned(), tell.to_owned()),
    ];
    let units: Vec<(&str, String)> = units.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    let instance = instance_of(&units);
    for (unit, told) in [
        (
            "tell@bad-failed",
            "bad-failed: bad.service exit-code exited 3\n",
        ),
        (
            "tell@good-over",
            "good-over: good.service success exited 0\n",
        ),
        (
            "tell@loop-failed",
            "loop-failed: loop.service start-limit-hit exited 1\n",
        ),
    ] {
        instance.wait_said(unit, "\n");
        assert_eq!(instance.said(unit), told);
        instance.wait_state(unit, "inactive");
    }
    instance.shutdown();
}

/// Who gets the signal of a stop (systemd.kill(5)); nobody survives it, whatever the mode.
#[test]
fn kill_modes_choose_who_is_asked() {
    let tree = |mode: &str| {
        service(&format!(
            "KillMode={mode}\nTimeoutStopSec=2s\n\
             ExecStart=/bin/bash -c '(trap \"echo child; exit 0\" TERM; echo ready; \
             while :; do sleep 0.02; done) & trap \"echo main; exit 0\" TERM; \
             while :; do sleep 0.02; done'"
        ))
    };
    let modes = ["control-group", "mixed", "process", "none"];
    let units: Vec<(String, String)> = modes
        .iter()
        .map(|mode| (format!("{mode}.service"), tree(mode)))
        .collect();
    let units: Vec<(&str, String)> = units.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    let instance = instance_of(&units);
    for (mode, [main, child]) in
        modes
            .iter()
            .zip([[true, true], [true, false], [true, false], [false, false]])
    {
        instance.wait_said(mode, "ready");
        instance.run(&["stop", mode]).ok();
        let said = instance.said(mode);
        assert_eq!(
            (said.contains("main"), said.contains("child")),
            (main, child),
            "{mode}: {said}"
        );
        instance.has(mode, &[("ActiveState", "inactive")]);
        assert!(instance.unit_cgroups(&format!("{mode}.service")).is_empty());
    }
    let left = instance.processes();
    assert!(
        !left.values().any(|command| command.contains("sleep")),
        "{left:?}"
    );
    instance.shutdown();
}

#[test]
fn directories_are_made_given_and_removed() {
    if !crate::root_or_say_so("directories") {
        return;
    }
    let name = format!("gitproc-dirs-{}", std::process::id());
    let show = "stat -c \"%%a %%U %%n\" $RUNTIME_DIRECTORY";
    let unit = |tail: &str, preserve: &str, mode: &str| {
        service(&format!(
            "User=nobody\nRuntimeDirectory={name}-{tail}\nRuntimeDirectoryMode={mode}\n\
             RuntimeDirectoryPreserve={preserve}\nRestart=on-failure\nRestartSec=10ms\n\
             ExecStart=/bin/sh -c '{show}; ls -A $RUNTIME_DIRECTORY; touch $RUNTIME_DIRECTORY/mark; \
             exec sleep 1000000'"
        ))
    };
    let instance = instance_of(&[
        ("no.service", unit("no", "no", "0700")),
        ("restart.service", unit("restart", "restart", "0755")),
        ("yes.service", unit("yes", "yes", "2750")),
    ]);
    instance.wait_said("no", "-no\n");
    let shown = instance.said("no");
    let path = shown.split_whitespace().nth(2).expect("a path").to_owned();
    let base = path.strip_suffix("-no").expect("its name").to_owned();
    for (unit, mode) in [("no", "700"), ("restart", "755"), ("yes", "2750")] {
        instance.wait_said(unit, &format!("{mode} nobody {base}-{unit}"));
        instance.wait_for("it has left its mark", |_| {
            std::path::Path::new(&format!("{base}-{unit}/mark")).exists()
        });
        signal(instance.main_pid(unit), Signal::SIGKILL);
        instance.wait_for("it is back", |i| {
            i.property(unit, "NRestarts") == "1" && i.is_active(unit)
        });
        instance.wait_for("it has said so", |i| {
            i.said(unit).matches("nobody").count() == 2
        });
    }
    instance.wait_for("marks are left again", |_| {
        ["no", "restart", "yes"]
            .iter()
            .all(|unit| std::path::Path::new(&format!("{base}-{unit}/mark")).exists())
    });
    assert!(
        !instance.said("no").contains("mark"),
        "{}",
        instance.said("no")
    );
    for unit in ["restart", "yes"] {
        assert!(
            instance.said(unit).contains("\nmark\n"),
            "{}",
            instance.said(unit)
        );
    }
    for (unit, stays) in [("no", false), ("restart", false), ("yes", true)] {
        instance.run(&["stop", unit]).ok();
        let there = std::path::Path::new(&format!("{base}-{unit}")).exists();
        assert_eq!(there, stays, "{unit}");
    }
    let _ = std::fs::remove_dir_all(format!("{base}-yes"));
    instance.shutdown();
}

#[test]
fn environment_files_are_read_before_each_command() {
    let dir = std::env::temp_dir().join(format!("gitproc-env-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let at = dir.display();
    std::fs::write(dir.join("1.conf"), "A=one\nB=one\n").expect("written");
    std::fs::write(
        dir.join("2.conf"),
        "# remark\nB=\"two words\"\nexport C=not exported\n",
    )
    .expect("written");
    let instance = instance_of(&[
        (
            "read.service",
            service(&format!(
                "Type=oneshot\nEnvironment=A=zero Z=zero\nEnvironmentFile=-{at}/none\n\
                 EnvironmentFile={at}/*.conf\nExecStart=/bin/sh -c 'echo $Z $A $B; echo A=new >>{at}/2.conf'\n\
                 ExecStart=/bin/sh -c 'echo $A'"
            )),
        ),
        (
            "lacks.service",
            service(&format!(
                "EnvironmentFile={at}/none\nExecStart=/bin/echo never"
            )),
        ),
    ]);
    assert_eq!(instance.said("read"), "zero one two words\nnew\n");
    instance.wait_state("lacks", "failed");
    assert!(!instance.said("lacks").contains("never"));
    std::fs::remove_dir_all(&dir).expect("removed");
    instance.shutdown();
}

#[test]
fn identity_directory_and_prefixes_are_the_units() {
    if !crate::root_or_say_so("identity") {
        return;
    }
    let show = "id -u; id -g; id -G; pwd; echo $HOME $USER";
    let caps = "grep -E \"^Cap(Eff|Bnd|Amb)|^NoNew\" /proc/self/status";
    let once = |lines: &str| service(&format!("Type=oneshot\n{lines}"));
    let instance = instance_of(&[
        (
            "names.service",
            once(&format!(
                "User=daemon\nGroup=adm\nSupplementaryGroups=tty disk\nWorkingDirectory=~\n\
                 ExecStart=/bin/sh -c '{show}'"
            )),
        ),
        (
            "numbers.service",
            once(&format!(
                "User=12345\nGroup=23456\nSupplementaryGroups=34567\nWorkingDirectory=-/no/such\n\
                 ExecStart=/bin/sh -c '{show}'"
            )),
        ),
        (
            "lost.service",
            once("WorkingDirectory=/no/such\nExecStart=/bin/echo never"),
        ),
        (
            "prefixes.service",
            once(
                "User=nobody\nCapabilityBoundingSet=\nExecStart=/bin/id -u\nExecStart=+/bin/id -u\n\
                 ExecStart=!/bin/id -u\nExecStart=!!/bin/id -u\nExecStart=@/bin/sh name -c 'echo $0'\n\
                 ExecStart=-+/bin/false\nExecStart=:/bin/echo $HOME",
            ),
        ),
        (
            "groups.service",
            once(
                "User=daemon\nGroup=adm\nExecStart=+/bin/id -G\nExecStart=!/bin/id -G\n\
                 ExecStart=/bin/id -G",
            ),
        ),
        (
            "root.service",
            once("User=root\nExecStart=grep Groups /proc/self/status"),
        ),
        (
            "none.service",
            once(&format!(
                "CapabilityBoundingSet=\nExecStart=/bin/sh -c '{caps}'"
            )),
        ),
        (
            "without.service",
            once(&format!(
                "CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_NET_ADMIN\nExecStart=/bin/sh -c '{caps}'"
            )),
        ),
        (
            "ambient.service",
            once(&format!(
                "User=nobody\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nNoNewPrivileges=yes\n\
                 ExecStart=/bin/sh -c '{caps}'"
            )),
        ),
    ]);
    assert_eq!(
        instance.said("names"),
        "1\n4\n4 5 6\n/usr/sbin\n/usr/sbin daemon\n"
    );
    assert_eq!(
        instance.said("numbers").lines().take(4).collect::<Vec<_>>(),
        ["12345", "23456", "23456 34567", "/"]
    );
    instance.wait_state("lost", "failed");
    instance.has("lost", &[("ExecMainStatus", "200")]);
    assert_eq!(
        instance.said("prefixes"),
        "65534\n0\n0\n65534\nname\n$HOME\n",
        "{:?}",
        instance.run(&["status", "prefixes"])
    );
    // Root by its prefix, in the groups of the user: as under systemd.
    assert_eq!(instance.said("groups"), "0 4\n0 4\n4\n");
    assert_eq!(instance.said("root").trim_end(), "Groups:");
    let none = instance.said("none");
    assert!(
        none.contains("CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"),
        "{none}"
    );
    let without = instance.said("without");
    let bounding = without
        .lines()
        .find_map(|line| line.strip_prefix("CapBnd:\t"))
        .expect("shown");
    let bounding = u64::from_str_radix(bounding, 16).expect("hexadecimal");
    assert_eq!(bounding & (1 << 21 | 1 << 12), 0, "{without}");
    assert_ne!(bounding & 1, 0, "{without}");
    let ambient = instance.said("ambient");
    assert!(ambient.contains("CapEff:\t0000000000000400"), "{ambient}");
    assert!(
        ambient.contains("CapAmb:\t0000000000000400\nNoNewPrivs:\t1"),
        "{ambient}"
    );
    instance.shutdown();
}

#[test]
fn what_this_host_cannot_give_in_full_is_given_in_part_and_said() {
    let instance = instance_of(&[(
        "greedy.service",
        service(
            "Type=oneshot\nLimitNOFILE=infinity\nNice=-10\nOOMScoreAdjust=-500\n\
             ExecStart=/bin/sh -c 'ulimit -n; nice; cat /proc/self/oom_score_adj; echo end'",
        ),
    )]);
    let said = instance.said("greedy");
    assert!(said.contains("end\n"), "{said}");
    assert!(said.contains("LimitNOFILE=infinity"), "{said}");
    instance.has("greedy", &[("Result", "success")]);
    instance.shutdown();
}

#[test]
fn start_limits_count_and_reset_failed_forgives() {
    let instance = instance_of(&[(
        "loop.service",
        format!(
            "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=1h\n[Service]\nExecStart=/bin/echo go\n\
             Restart=always\nRestartSec=1ms{INSTALL}"
        ),
    )]);
    instance.wait_for("the limit is hit", |i| {
        i.property("loop", "Result") == "start-limit-hit"
    });
    assert_eq!(instance.said("loop"), "go\ngo\ngo\n");
    for _ in 0..3 {
        let refused = instance.run(&["start", "loop"]).fails(1, "reset-failed");
        assert_eq!(
            refused.stderr.matches("too quickly").count(),
            1,
            "{refused:?}"
        );
    }
    instance.run(&["reset-failed", "loop"]).ok();
    instance.run(&["start", "loop"]).ok();
    instance.wait_for("the limit is hit again", |i| {
        i.said("loop") == "go\n".repeat(6)
    });
    instance.shutdown();
}

#[test]
fn a_services_root_can_harm_neither_its_helper_nor_the_daemon() {
    if !crate::root_or_say_so("escape attempts") {
        return;
    }
    let flood = "perl -MSocket -e \"socket(S,AF_UNIX,SOCK_DGRAM,0); \
                 connect(S,pack_sockaddr_un(\\$ENV{NOTIFY_SOCKET})); \
                 setsockopt(S,SOL_SOCKET,SO_SNDBUF,4000000); send(S,chr(255) x 1000000,0); \
                 send(S,pack(q(C*),map {int rand 256} 1..2000),0) for 1..200; \
                 send(S,qq(STATUS=\\$_),0) for 1..10000; send(S,qq(STATUS=last\\nREADY=1),0)\"";
    let instance = instance_of(&[
        (
            "killer.service",
            service(
                "ExecStart=/bin/bash -c 'for s in $(seq 1 64); do kill -$s 1 2>/dev/null; done; \
                 kill -9 -1; echo alive; ls -l /proc/1/fd >/dev/null; exec sleep 1000000'",
            ),
        ),
        (
            "noisy.service",
            service(&format!(
                "Type=notify\nNotifyAccess=all\nTimeoutStartSec=50s\n\
                 ExecStart=/bin/bash -c '{flood}; exec sleep 1000000'"
            )),
        ),
        (
            "mute.service",
            service("ExecStart=/bin/bash -c 'echo last; exec >&- 2>&- <&-; exec sleep 1000000'"),
        ),
        (
            "stranger.service",
            service(
                "User=nobody\nExecStart=/bin/sh -c 'ls /proc/1/fd 2>/dev/null || echo denied; \
                 kill -9 1 2>/dev/null || echo refused; exec sleep 1000000'",
            ),
        ),
    ]);
    instance.wait_said("killer", "alive");
    instance.wait_active("noisy");
    instance.wait_for("the last status is known", |i| {
        i.property("noisy", "StatusText") == "last"
    });
    instance.wait_said("mute", "last");
    instance.wait_said("stranger", "denied\nrefused\n");
    for unit in ["killer", "noisy", "mute", "stranger"] {
        instance.has(unit, &[("ActiveState", "active"), ("NRestarts", "0")]);
    }
    instance.shutdown();
}

/// The helper is a process as others: when somebody kills it, the service is gone, and policy acts.
#[test]
fn a_helper_that_is_killed_is_reported_and_its_service_started_again() {
    if !crate::root_or_say_so("killed helpers") {
        return;
    }
    let instance = instance_of(&[
        (
            "again.service",
            service("ExecStart=/bin/sleep 1000000\nRestart=always\nRestartSec=10ms"),
        ),
        ("gone.service", service("ExecStart=/bin/sleep 1000000")),
    ]);
    let parent = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
        let fields = stat.rsplit(')').next().expect("a name").to_owned();
        fields
            .split_whitespace()
            .nth(1)
            .expect("ppid")
            .parse::<u32>()
            .expect("a number")
    };
    let before = instance.main_pid("again");
    for unit in ["again", "gone"] {
        signal(parent(instance.main_pid(unit)), Signal::SIGKILL);
    }
    instance.wait_for("it is back", |i| {
        let now = i.main_pid("again");
        now != before && now != 0
    });
    instance.wait_state("gone", "failed");
    instance.has("gone", &[("Result", "signal"), ("ExecMainStatus", "9")]);
    instance.shutdown();
}

#[test]
fn a_service_can_live_among_the_hosts_processes() {
    if !crate::root_or_say_so("namespaces") {
        return;
    }
    let show = "ExecStart=/bin/sh -c 'echo $$$$; exec sleep 1000000'";
    let instance = instance_of(&[
        ("own.service", service(show)),
        (
            "shared.service",
            service(&format!("PrivatePIDs=no\n{show}")),
        ),
    ]);
    for (name, same) in [("own", false), ("shared", true)] {
        instance.wait_said(name, "\n");
        let pid = instance.main_pid(name).to_string();
        assert_eq!(instance.said(name).trim() == pid, same, "{name}");
    }
    instance.run(&["stop", "shared"]).ok();
    assert!(instance.unit_cgroups("shared.service").is_empty());
    instance.shutdown();
}

#[test]
fn a_dynamic_user_has_a_number_and_lasting_directories_of_its_own() {
    if !crate::root_or_say_so("dynamic users") {
        return;
    }
    let name = format!("gitproc-du-{}", std::process::id());
    let show = format!(
        "ExecStart=/bin/sh -c 'id -u; id -g; echo $USER $STATE_DIRECTORY; echo x >>/var/lib/{name}/count; \
         wc -l </var/lib/{name}/count; ls /var/lib/private; stat -c %%u /var/lib/{name}/; \
         (: >/usr/no) 2>/dev/null || echo strict; id -un; id -gn; grep NoNew /proc/self/status'"
    );
    let unit = service(&format!(
        "Type=oneshot\nRemainAfterExit=yes\nDynamicUser=yes\nStateDirectory={name}\n{show}"
    ));
    let other =
        service("Type=oneshot\nRemainAfterExit=yes\nDynamicUser=yes\nExecStart=/bin/sh -c 'id -u'");
    let first = format!("{name}.service");
    let instance = instance_of(&[(&first, unit), ("other.service", other)]);
    instance.wait_said(&name, "NoNewPrivs");
    let said = instance.said(&name);
    let lines: Vec<&str> = said.lines().collect();
    let number: u32 = lines[0].parse().expect("a number");
    assert!((61_184..=65_519).contains(&number), "{said}");
    assert_eq!(lines[1], lines[0]);
    assert_eq!(lines[2], format!("{name} /var/lib/{name}"));
    assert_eq!(
        lines[3..],
        [
            "1",
            &name,
            lines[0],
            "strict",
            &name,
            &name,
            "NoNewPrivs:\t1"
        ],
        "{:?}",
        instance.run(&["status", &name])
    );
    assert_ne!(
        instance.said("other").trim(),
        lines[0],
        "two names share a number"
    );
    // The same number after a restart, and what it had.
    instance.run(&["restart", &name]).ok();
    let again = instance.said(&name);
    let again: Vec<&str> = again.lines().skip(lines.len()).collect();
    assert_eq!((again[0], again[3]), (lines[0], "2"));
    let private = std::fs::metadata("/var/lib/private").expect("made");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(private.permissions().mode() & 0o777, 0o700);
    instance.shutdown();
    std::fs::remove_file(format!("/var/lib/{name}")).expect("a link");
    std::fs::remove_dir_all(format!("/var/lib/private/{name}")).expect("made");
}

/// A device that no driver serves: who may open it is told that there is none, others that they may
/// not.
#[test]
fn devices_are_guarded() {
    if !crate::root_or_say_so("devices") {
        return;
    }
    let node = format!("/dev/gitproc-test-{}", std::process::id());
    let status = std::process::Command::new("mknod")
        .args([&node, "c", "10", "199"])
        .status();
    assert!(status.expect("coreutils").success());
    // In a file: for `-e` perl itself opens /dev/null.
    let program = std::env::temp_dir().join(format!("gitproc-test-{}.pl", std::process::id()));
    let text = "for my $device (@ARGV[0, 1]) \
         { print open(my $file, '<', $device) ? 'open ' : ($! + 0) . ' ' } \
         system('mknod', $ARGV[2], 'c', 10, 199); print $? >> 8, qq( end\\n)";
    std::fs::write(&program, text).expect("a script");
    let program = program.to_string_lossy();
    let look = format!("ExecStart=/usr/bin/perl {program} NODE /dev/null NODE-NAME\n");
    let units = [
        ("free", ""),
        ("strict", "DevicePolicy=strict\n"),
        ("closed", "DevicePolicy=closed\n"),
        (
            "allow",
            "DevicePolicy=strict\nDeviceAllow=NODE r\nDeviceAllow=/dev/null w\n",
        ),
        ("group", "DeviceAllow=char-misc r\n"),
    ]
    .map(|(name, lines)| {
        let lines = format!("Type=oneshot\nRemainAfterExit=yes\n{lines}{look}");
        let lines = lines.replace("NODE-NAME", &format!("{node}-{name}"));
        (
            format!("{name}.service"),
            service(&lines.replace("NODE", &node)),
        )
    });
    let units: Vec<(&str, String)> = units.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    let instance = instance_of(&units);
    let lacks = nix::errno::Errno::ENODEV as i32;
    for (name, seen) in [
        ("free", format!("{lacks} open 0")),
        ("strict", "1 1 1".to_owned()),
        ("closed", "1 open 1".to_owned()),
        ("allow", format!("{lacks} 1 1")),
        ("group", format!("{lacks} open 1")),
    ] {
        instance.wait_said(name, " end\n");
        let said = instance.said(name);
        let _ = std::fs::remove_file(format!("{node}-{name}"));
        // Who may not make one also says so, in words of its own.
        assert!(said.contains(&format!("{seen} end\n")), "{name}: {said}");
    }
    std::fs::remove_file(&node).expect("ours");
    std::fs::remove_file(&*program).expect("ours");
    instance.shutdown();
}

/// Who sends to a network that is denied is told so; what comes from there never arrives.
#[test]
fn packets_are_guarded() {
    if !crate::root_or_say_so("packets") {
        return;
    }
    let program = std::env::temp_dir().join(format!("gitproc-packets-{}.pl", std::process::id()));
    let text = r#"
use Socket qw(:all);
$| = 1;
sub place { my ($ip, $port) = @_; $ip =~ /:/ ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $ip))
                                             : pack_sockaddr_in($port, inet_pton(AF_INET, $ip)) }
sub udp { my ($ip) = @_;
    socket(my $s, $ip =~ /:/ ? AF_INET6 : AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    bind($s, place($ip, 0)) or die "bind: $!";
    $s }
sub sends { my ($ip) = @_; send(udp($ip), 'x', 0, place($ip, 9)) ? 'sent' : $!{EPERM} ? 'denied' : "$!" }
my @seen = map { sends($_) } qw(127.0.0.1 127.128.0.2 ::1);
# What comes in: the first of two is from 127.128.0.2.
my $inbox = udp('127.0.0.1');
for my $from (qw(127.128.0.2 127.0.0.1)) { send(udp($from), $from, 0, getsockname($inbox)) }
my $bits = ''; vec($bits, fileno($inbox), 1) = 1;
my $text = 'nothing';
recv($inbox, $text, 100, 0) if $seen[0] eq 'sent' && select($bits, undef, undef, 30);
print "@seen $text end\n";
"#;
    std::fs::write(&program, text).expect("a script");
    let many: Vec<String> = (0..4000)
        .map(|n| format!("10.{}.{}.0/24", n / 250, n % 250))
        .collect();
    let many = format!("IPAddressDeny={}\n", many.join(" "));
    let cases = [
        ("free", "", "sent sent sent 127.128.0.2"),
        (
            "none",
            "IPAddressDeny=any\n",
            "denied denied denied nothing",
        ),
        (
            "half",
            "IPAddressDeny=127.128.0.0/9\n",
            "sent denied sent 127.0.0.1",
        ),
        (
            "allow",
            "IPAddressDeny=any\nIPAddressAllow=127.0.0.0/9 ::/127\n",
            "sent denied sent 127.0.0.1",
        ),
        (
            "six",
            "IPAddressDeny=::/0\n",
            "sent sent denied 127.128.0.2",
        ),
        ("many", &many, "sent sent sent 127.128.0.2"),
        // One list with that of the slice around it.
        (
            "sliced",
            "Slice=kept.slice\nIPAddressAllow=127.0.0.0/9 ::/127\n",
            "sent denied sent 127.0.0.1",
        ),
    ];
    let start = format!("ExecStart=/usr/bin/perl {}\n", program.display());
    let units = cases.map(|(name, lines, _)| {
        let lines =
            format!("Type=oneshot\nRemainAfterExit=yes\nPrivateNetwork=yes\n{lines}{start}");
        (format!("{name}.service"), service(&lines))
    });
    let mut units: Vec<(&str, String)> =
        units.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    units.push(("kept.slice", "[Slice]\nIPAddressDeny=any\n".to_owned()));
    let instance = instance_of(&units);
    for (name, _, seen) in cases {
        instance.wait_said(name, " end\n");
        let said = instance.said(name);
        assert!(said.contains(&format!("{seen} end\n")), "{name}: {said}");
    }
    std::fs::remove_file(&program).expect("ours");
    instance.shutdown();
}

/// What outlives processes: shared memory, semaphores and queues of System V and of POSIX.
#[test]
fn ipc_objects_go_with_their_service() {
    if !crate::root_or_say_so("IPC objects") {
        return;
    }
    // A user of this test's own, who has no processes.
    let uid = 4_000_000 + std::process::id() % 100_000;
    let file = format!("/dev/shm/gitproc-test-{uid}");
    let make = format!(
        "shmget(0, 100, 01600); semget(0, 1, 01600); msgget(0, 01600); \
         open(F, '>', '{file}'); print qq(made\\\\n); sleep 1000"
    );
    let unit = |remove: &str| {
        service(&format!(
            "User={uid}\nGroup={uid}\nRemoveIPC={remove}\nExecStart=:/usr/bin/perl -e \"$| = 1; {make}\""
        ))
    };
    let found = || {
        let table = |kind: &str| {
            let text = std::fs::read_to_string(format!("/proc/sysvipc/{kind}")).expect("a table");
            let theirs = |line: &&str| line.split_whitespace().any(|word| word == uid.to_string());
            text.lines().filter(theirs).count()
        };
        let system_v = ["shm", "sem", "msg"].map(table);
        (system_v, std::path::Path::new(&file).exists())
    };
    let instance = instance_of(&[("left.service", unit("no")), ("gone.service", unit("yes"))]);
    instance.wait_said("left", "made\n");
    instance.wait_said("gone", "made\n");
    assert_eq!(found(), ([2, 2, 2], true));
    // While another service of the user runs, it may need them.
    instance.run(&["stop", "gone"]).ok();
    assert_eq!(found(), ([2, 2, 2], true));
    instance.run(&["start", "gone"]).ok();
    instance.wait_said("gone", "made\nmade\n");
    instance.run(&["stop", "left"]).ok();
    assert_eq!(found(), ([3, 3, 3], true));
    instance.run(&["stop", "gone"]).ok();
    assert_eq!(found(), ([0, 0, 0], false));
    instance.shutdown();
}

/// Two that share what a third has for itself; in the order in which they come and go.
#[test]
fn namespaces_are_shared_with_whom_the_unit_says() {
    if !crate::root_or_say_so("namespaces") {
        return;
    }
    let own = "PrivateNetwork=yes\nPrivateIPC=yes\nPrivateTmp=yes\n\
               ExecStart=/bin/sh -c 'echo >/tmp/%n; while :; do sleep 1000; done'\n\
               ExecReload=/bin/sh -c 'readlink /proc/self/ns/net /proc/self/ns/ipc; echo $(ls /tmp) end'";
    let first = format!("[Service]\n{own}\n");
    let joins = format!("[Unit]\nJoinsNamespaceOf=first.service\nAfter=first.service\n{first}");
    let mut instance = instance_of(&[
        ("first.service", first.clone()),
        ("second.service", joins.clone()),
        ("third.service", joins),
        ("alone.service", first),
    ]);
    let sees = |instance: &Instance, unit: &str| {
        let before = instance.said(unit).len();
        instance.run(&["reload", unit]).ok();
        let said = instance.said(unit)[before..].to_owned();
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 3, "{unit}: {said}");
        (lines[..2].to_vec(), lines[2].clone())
    };
    for unit in ["first", "second", "alone"] {
        instance.run(&["start", unit]).ok();
    }
    let shown = |services: &[&str]| {
        let files: Vec<String> = services
            .iter()
            .map(|name| format!("{name}.service"))
            .collect();
        format!("{} end", files.join(" "))
    };
    let (spaces, files) = sees(&instance, "first");
    assert_eq!(files, shown(&["first", "second"]));
    assert_eq!(sees(&instance, "second"), (spaces.clone(), files));
    let (others, files) = sees(&instance, "alone");
    assert!(others[0] != spaces[0] && others[1] != spaces[1]);
    assert_eq!(files, shown(&["alone"]));

    // The first goes; what it made stays for the second, also for a daemon that has not seen it.
    instance.run(&["stop", "first"]).ok();
    instance.kill_daemon();
    instance.start_daemon();
    assert_eq!(
        sees(&instance, "second"),
        (spaces.clone(), shown(&["first", "second"]))
    );
    // Who comes back joins it again; who is in nobody's list but the first's, does so by way of it.
    instance.run(&["start", "first"]).ok();
    instance.run(&["start", "third"]).ok();
    assert_eq!(sees(&instance, "first").0, spaces);
    let all = shown(&["first", "second", "third"]);
    assert_eq!(sees(&instance, "third"), (spaces, all));
    let private = || {
        let entries = std::fs::read_dir("/tmp").expect("/tmp").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let private: Vec<String> = names
            .filter(|name| name.starts_with("gitproc-private-"))
            .collect();
        private
            .into_iter()
            .filter(|name| {
                let dir = std::path::Path::new("/tmp").join(name).join("tmp");
                dir.join("second.service").exists() && dir.join("third.service").exists()
            })
            .count()
    };
    assert_eq!(private(), 1);
    for unit in ["second", "third", "first"] {
        instance.run(&["stop", unit]).ok();
    }
    assert_eq!(private(), 0, "it goes with the last");
    instance.shutdown();
}

/// Services that run one program with different lines: what each prints.
#[track_caller]
fn guarded(program: &str, cases: &[(&str, &str, &str)]) {
    let units: Vec<(String, String)> = cases
        .iter()
        .map(|(name, lines, _)| {
            let lines = format!(
                "Type=oneshot\nRemainAfterExit=yes\nPrivateNetwork=yes\n{lines}\n\
                 ExecStart=:/usr/bin/perl -MSocket=:all -e \"{program}\"\n"
            );
            (format!("{name}.service"), service(&lines))
        })
        .collect();
    let units: Vec<(&str, String)> = units.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    let instance = instance_of(&units);
    for (name, _, seen) in cases {
        instance.wait_said(name, " end\n");
        let said = instance.said(name);
        assert!(said.contains(&format!("{seen} end\n")), "{name}: {said}");
    }
    instance.shutdown();
}

#[test]
fn interfaces_are_guarded() {
    if !crate::root_or_say_so("interfaces") {
        return;
    }
    // One byte over the loopback interface.
    let program = "socket(S,AF_INET,SOCK_DGRAM,0); \
                   my $to = pack_sockaddr_in(9, inet_aton(q(127.0.0.1))); \
                   print send(S,1,0,$to) ? q(sent) : q(error ).($!+0), qq( end\\n)";
    guarded(
        program,
        &[
            ("free", "", "sent"),
            ("only", "RestrictNetworkInterfaces=lo", "sent"),
            ("other", "RestrictNetworkInterfaces=nosuch0", "error 1"),
            ("but", "RestrictNetworkInterfaces=~lo", "error 1"),
            ("butother", "RestrictNetworkInterfaces=~nosuch0", "sent"),
        ],
    );
}

#[test]
fn binds_are_guarded() {
    if !crate::root_or_say_so("binds") {
        return;
    }
    let program = "for ([AF_INET,SOCK_STREAM,80],[AF_INET,SOCK_STREAM,8000],[AF_INET,SOCK_DGRAM,8000],\
                   [AF_INET6,SOCK_STREAM,8000]) { \
                   my @a = @{$_}; socket(S,$a[0],$a[1],0) or die; \
                   my $at = $a[0] == AF_INET ? pack_sockaddr_in($a[2],INADDR_ANY) : \
                   pack_sockaddr_in6($a[2],inet_pton(AF_INET6,q(::1))); \
                   print bind(S,$at) ? q(ok ) : ($!+0).q( ); } print qq(- end\\n)";
    guarded(
        program,
        &[
            ("free", "", "ok ok ok ok -"),
            ("none", "SocketBindDeny=any", "1 1 1 1 -"),
            ("low", "SocketBindDeny=1-1023", "1 ok ok ok -"),
            (
                "one",
                "SocketBindDeny=any\nSocketBindAllow=ipv4:tcp:8000-8080",
                "1 ok 1 1 -",
            ),
            ("six", "SocketBindDeny=ipv6", "ok ok ok 1 -"),
        ],
    );
}
