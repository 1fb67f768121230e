//! The helper on the real kernel: isolation, steps, tracking, logging, adoption.
#![allow(missing_docs)]
mod common;

use common::{Service, command, is_root, sh};
use gitproc_core::protocol::{FromHelper, ProcessEnd, ToHelper, Whom};
use gitproc_core::spec::{DirectorySpec, ExecStep, NamespaceMode, SPEC_VERSION};
use gitproc_sys::pidfd;
use gitproc_unit::{
    DirectoryKind, EnvironmentFile, ExecRole, NotifyAccess, Preserve, Privileges, Resource, Rlimit,
    ServiceType,
};
use std::os::fd::AsFd;

macro_rules! needs_root {
    ($name:literal) => {
        if !is_root($name) {
            return;
        }
    };
}

fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    })
}

fn main_pid(service: &mut Service) -> u32 {
    service.until(|message| match message {
        FromHelper::MainPid { pid } | FromHelper::Forked { pid, .. } => Some(*pid),
        _ => None,
    })
}

#[test]
fn a_command_is_reported_from_fork_to_exit() {
    let mut service = Service::new(sh("exit 7")).up();
    service.run(ExecRole::Start);
    let role = ExecRole::Start;
    assert!(matches!(
        service.next(),
        FromHelper::Forked {
            role: ExecRole::Start,
            ..
        }
    ));
    assert_eq!(service.next(), FromHelper::Execed { role, index: 0 });
    let exit = service.exit();
    assert_eq!((exit.end, exit.failure), (ProcessEnd::Exited(7), None));
    assert_eq!(service.next(), FromHelper::Empty);
    assert_eq!(service.quit(), pidfd::End::Exited(0));
}

#[test]
fn the_service_sees_its_own_namespace_only() {
    needs_root!("the_service_sees_its_own_namespace_only");
    let service = Service::new(sh("echo $$; ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm")).up();
    let log = service.output();
    let lines: Vec<&str> = log.lines().collect();
    assert!(
        lines[0].parse::<u32>().is_ok_and(|pid| pid > 1 && pid < 10),
        "{log}"
    );
    assert!(
        lines[1].parse::<u32>().is_ok_and(|count| count < 6),
        "{log}"
    );
    assert_eq!(lines[2], "gitproc-exec");
}

#[test]
fn reported_pids_are_the_hosts() {
    let mut service = Service::new(command(&["/bin/sleep", "1000"])).up();
    service.run(ExecRole::Start);
    let pid = main_pid(&mut service);
    service.execed();
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).expect("the pid is the host's");
    assert_eq!(name.trim(), "sleep");
    service.signal(Whom::Main, 15);
    assert_eq!(service.exit().end, ProcessEnd::Killed(15));
}

#[test]
fn identity_groups_and_capabilities_are_the_units() {
    needs_root!("identity_groups_and_capabilities_are_the_units");
    let show = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/self/status";
    let service = Service::new(sh(show)).under_nobody().with(|spec| {
        spec.privileges.capability_bounding_set = 1 << 10 | 1 << 6;
        spec.privileges.ambient_capabilities = 1 << 10;
        spec.privileges.no_new_privileges = true;
    });
    let log = service.up().output();
    for expected in [
        "Uid:\t65534\t65534\t65534\t65534",
        "Gid:\t65534\t65534\t65534\t65534",
        "Groups:\t4242 65534",
        "CapInh:\t0000000000000400",
        "CapPrm:\t0000000000000400",
        "CapEff:\t0000000000000400",
        "CapBnd:\t0000000000000440",
        "CapAmb:\t0000000000000400",
        "NoNewPrivs:\t1",
    ] {
        assert!(log.contains(expected), "expected {expected:?} in:\n{log}");
    }
}

#[test]
fn an_ordinary_user_keeps_no_capability() {
    needs_root!("an_ordinary_user_keeps_no_capability");
    let log = Service::new(sh("grep -E '^Cap(Prm|Eff|Inh|Amb)' /proc/self/status"))
        .under_nobody()
        .up()
        .output();
    assert_eq!(log.matches("\t0000000000000000\n").count(), 4, "{log}");
}

#[test]
fn a_plus_keeps_the_helpers_identity() {
    needs_root!("a_plus_keeps_the_helpers_identity");
    for (privileges, uid) in [
        (Privileges::Full, "0"),
        (Privileges::Elevated, "0"),
        (Privileges::Unit, "65534"),
    ] {
        let service = Service::new(sh("id -u")).under_nobody().with(|spec| {
            spec.commands.get_mut(&ExecRole::Start).expect("set")[0].privileges = privileges;
        });
        assert_eq!(service.up().output().trim(), uid, "{privileges:?}");
    }
}

#[test]
fn limits_and_priorities_hold_before_the_first_instruction() {
    needs_root!("limits_and_priorities_hold_before_the_first_instruction");
    let show = "ulimit -n; ulimit -Hn; ulimit -c; nice; cat /proc/self/oom_score_adj; umask; pwd; \
                grep -E '^(SigBlk|SigIgn)' /proc/self/status";
    let service = Service::new(sh(show)).with(|spec| {
        spec.scheduling.rlimits.insert(
            Resource::Nofile,
            Rlimit {
                soft: 300,
                hard: 400,
            },
        );
        spec.scheduling.rlimits.insert(
            Resource::Core,
            Rlimit {
                soft: u64::MAX,
                hard: u64::MAX,
            },
        );
        spec.scheduling.nice = Some(5);
        spec.scheduling.oom_score_adjust = Some(123);
        spec.umask = 0o077;
        spec.working_directory = "/usr".to_owned();
    });
    // SIGPIPE alone is ignored, as systemd's IgnoreSIGPIPE= has it by default.
    let clean = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001000\n";
    assert_eq!(
        service.up().output(),
        format!("300\n400\nunlimited\n5\n123\n0077\n/usr\n{clean}")
    );
}

#[test]
fn a_limit_above_the_hosts_is_had_as_far_as_it_goes_and_said() {
    // No process may have as many, with whatever capability (fs.nr_open).
    let (_, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)
        .expect("there is a limit");
    let everything = Rlimit {
        soft: u64::MAX,
        hard: u64::MAX,
    };
    let mut service = Service::new(sh("ulimit -n; ulimit -Hn"))
        .with(|spec| _ = spec.scheduling.rlimits.insert(Resource::Nofile, everything))
        .up();
    let exit = service.run_to_end(ExecRole::Start);
    assert_eq!((exit.end, exit.failure), (ProcessEnd::Exited(0), None));
    service.quit();
    let remarks = service.remarks();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].contains("LimitNOFILE=infinity"), "{remarks:?}");
    assert!(
        service.log().contains(&format!("{hard}\n{hard}\n")),
        "{}",
        service.log()
    );
}

#[test]
fn control_commands_are_told_the_main_process_as_the_service_sees_it() {
    let service = Service::new(sh("echo main $$; exec sleep 1000")).with(|spec| {
        spec.commands
            .insert(ExecRole::Reload, vec![sh("echo reload $MAINPID")]);
        spec.commands.insert(
            ExecRole::StopPost,
            vec![sh("echo stop-post ${MAINPID:-none}")],
        );
    });
    let mut service = service.up();
    service.run(ExecRole::Start);
    service.execed();
    service.wait_for("the main process speaks", || {
        service.log().contains("main ")
    });
    service.run_to_end(ExecRole::Reload);
    service.signal(Whom::Main, 15);
    service.exit();
    service.run_to_end(ExecRole::StopPost);
    service.quit();
    let log = service.log();
    let main = log.lines().find_map(|line| line.strip_prefix("main "));
    let main = main.expect("it spoke");
    let told = format!("reload {main}\nstop-post none\n");
    assert!(log.ends_with(&told), "{log}");
}

#[test]
fn a_service_that_notifies_faster_than_the_daemon_reads_waits_and_is_not_given_up() {
    needs_root!("a_service_that_notifies_faster_than_the_daemon_reads_waits");
    // More than the sockets on the way hold.
    let flood = "use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0); \
        connect(S, pack_sockaddr_un($ENV{NOTIFY_SOCKET})) or die; \
        send(S, 'STATUS=' . 'x' x 500 . $_, 0) or die for 0..4999; \
        send(S, \"READY=1\\nSTATUS=done\", 0) or die";
    let mut service = Service::new(command(&["/usr/bin/perl", "-e", flood]))
        .with(|spec| {
            spec.service_type = ServiceType::Notify;
            spec.notify_access = NotifyAccess::All;
        })
        .up();
    service.run(ExecRole::Start);
    service.execed();
    let last = std::cell::RefCell::new((String::new(), 0));
    service.wait_for("the helper takes no more", || {
        let state = std::fs::read_to_string(service.dir.join("state.json")).unwrap_or_default();
        let (before, times) = last.take();
        let times = if state == before { times + 1 } else { 0 };
        let heard = state.contains("xxxx");
        last.replace((state, times));
        heard && times > 20
    });
    let ready = service.until(|message| match message {
        FromHelper::Notify(notify) if notify.ready => Some(notify.status.clone()),
        _ => None,
    });
    assert_eq!(ready.as_deref(), Some("done"));
    assert_eq!(service.exit().end, ProcessEnd::Exited(0));
}

#[test]
fn cgroup_limits_are_in_force_or_named() {
    needs_root!("cgroup_limits_are_in_force_or_named");
    let mut service = Service::new(sh(
        "head -c 200000000 /dev/zero | tail -c 190000000 | wc -c; echo $?",
    ));
    service.limits.memory_max = Some(32 << 20);
    service.limits.tasks_max = Some(10);
    service.limits.cpu_quota_per_sec_us = Some(500_000);
    let mut service = service.up();
    service.run_to_end(ExecRole::Start);
    let group = service.cgroup.as_ref().expect("made");
    let (usage, oom_kills) = (group.usage(), group.oom_kills());
    if service
        .unapplied
        .iter()
        .any(|text| text.starts_with("MemoryMax"))
    {
        eprintln!("no memory limit on this host: {:?}", service.unapplied);
        return;
    }
    assert!(
        usage.memory_peak.is_some_and(|peak| peak <= 33 << 20),
        "{usage:?}"
    );
    assert!(oom_kills.is_some_and(|kills| kills > 0), "{oom_kills:?}");
    assert!(usage.cpu_usage_ns.is_some_and(|ns| ns > 0), "{usage:?}");
    service.quit();
}

#[test]
fn steps_that_fail_have_systemds_status() {
    type Change<'a> = &'a dyn Fn(Service) -> Service;
    let cases: [(&str, ExecStep, Change<'_>); 4] = [
        ("a missing binary", ExecStep::Exec, &|_| {
            Service::new(command(&["/no/such/binary"]))
        }),
        ("a missing name", ExecStep::Exec, &|_| {
            Service::new(command(&["no-such-binary"]))
        }),
        ("a missing directory", ExecStep::Chdir, &|service| {
            service.with(|spec| spec.working_directory = "/no/such".to_owned())
        }),
        (
            "a missing environment file",
            ExecStep::EnvironmentFile,
            &|service| {
                service.with(|spec| {
                    let path = "/no/such/file".to_owned();
                    spec.environment_files.push(EnvironmentFile {
                        path,
                        optional: false,
                    });
                })
            },
        ),
    ];
    for (what, step, change) in cases {
        let mut service = change(Service::new(sh("true"))).up();
        let exit = service.run_to_end(ExecRole::Start);
        assert_eq!(exit.end, ProcessEnd::Exited(step.status()), "{what}");
        let failure = exit
            .failure
            .unwrap_or_else(|| panic!("{what}: no account of the failure"));
        assert_eq!(
            (failure.step, failure.errno),
            (step, 2),
            "{what}: {}",
            failure.detail
        );
    }
}

#[test]
fn a_directory_that_cannot_be_made_fails_the_set_up() {
    let mut service = Service::new(sh("true"));
    std::fs::write(service.dir.join("file"), "").expect("ours");
    let base = service.dir.join("file").display().to_string();
    service.spec.directories.push(DirectorySpec {
        kind: DirectoryKind::State,
        base,
        paths: vec!["x".to_owned()],
        mode: 0o755,
        private: false,
        links: Vec::new(),
        preserve: Preserve::No,
    });
    service.spawn();
    service.hello();
    service.send(&ToHelper::Go);
    match service.next() {
        FromHelper::Failed(failure) => assert_eq!(failure.step, ExecStep::StateDirectory),
        other => panic!("expected Failed, got {other:?}"),
    }
    service.helper_end();
}

#[test]
fn directories_and_environment_reach_the_command() {
    let mut service = Service::new(sh(
        "echo $RUNTIME_DIRECTORY; echo $A-$B-$C-$HOME; echo $PATH",
    ));
    let base = service.dir.join("run").display().to_string();
    std::fs::write(service.dir.join("one.env"), "A=file\nB='quoted text'\n").expect("ours");
    let pattern = service.dir.join("*.env").display().to_string();
    let paths = vec!["x".to_owned(), "y/z".to_owned()];
    service.spec.directories.push(DirectorySpec {
        kind: DirectoryKind::Runtime,
        base: base.clone(),
        paths,
        mode: 0o750,
        private: false,
        links: Vec::new(),
        preserve: Preserve::No,
    });
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    service.spec.environment = vec![variable("A", "unit"), variable("C", "unit")];
    service.spec.environment_files.push(EnvironmentFile {
        path: pattern,
        optional: false,
    });
    service.spec.identity.home = Some("/home/x".to_owned());
    let service = service.up();
    assert!(
        std::fs::metadata(format!("{base}/y/z"))
            .expect("made")
            .is_dir()
    );
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let expected = format!("{base}/x:{base}/y/z\nfile-quoted text-unit-/home/x\n{path}\n");
    assert_eq!(service.output(), expected);
}

#[test]
fn a_forking_service_is_known_by_its_pid_file() {
    let mut service = Service::new(sh("true"));
    let file = service.dir.join("pid").display().to_string();
    // Written by the background process itself, so before or after the first one has ended.
    let start = format!("sh -c 'echo $$ > {file}; exec sleep 1000' & exit 0");
    service
        .spec
        .commands
        .insert(ExecRole::Start, vec![sh(&start)]);
    service.spec.service_type = ServiceType::Forking;
    service.spec.pid_file = Some(file);
    let mut service = service.up();
    assert_eq!(
        service.run_to_end(ExecRole::Start).end,
        ProcessEnd::Exited(0)
    );
    let pid = main_pid(&mut service);
    assert!(alive(pid), "host pid {pid} of the main process");
    service.signal(Whom::Main, 9);
    let end = service.until(|message| match message {
        FromHelper::MainExited(end) => Some(*end),
        _ => None,
    });
    assert_eq!(end, ProcessEnd::Killed(9));
}

#[test]
fn a_forking_service_without_a_pid_file_is_guessed() {
    let mut service = Service::new(sh("sleep 1000 & exit 0"))
        .with(|spec| spec.service_type = ServiceType::Forking)
        .up();
    service.run_to_end(ExecRole::Start);
    let pid = main_pid(&mut service);
    let name = || std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    service.wait_for("the main process is sleep", || name().trim() == "sleep");
    service.signal(Whom::All, 15);
    service.until(|message| {
        (*message == FromHelper::MainExited(ProcessEnd::Killed(15))).then_some(())
    });
    service.until(|message| (*message == FromHelper::Empty).then_some(()));
}

#[test]
fn a_grandchild_in_its_own_session_is_gone_after_quit() {
    let mut service = Service::new(sh("setsid sh -c 'setsid sleep 1000 & wait' & wait")).up();
    service.run(ExecRole::Start);
    let helper = service.helper.as_ref().expect("spawned").pid;
    let found = || sleepers_below(helper);
    service.wait_for("the grandchild runs", || !found().is_empty());
    let pids = found();
    assert_eq!(service.quit(), pidfd::End::Exited(0));
    assert!(pids.iter().all(|pid| !alive(*pid)), "{pids:?} live on");
}

#[test]
fn stop_post_runs_in_a_payload_that_was_killed() {
    needs_root!("stop_post_runs_in_a_payload_that_was_killed");
    let mut service = Service::new(sh("exec sleep 1000"))
        .with(|spec| {
            let show = vec![sh("echo cleaned up; cat /proc/self/cgroup")];
            spec.commands.insert(ExecRole::StopPost, show);
        })
        .up();
    service.run(ExecRole::Start);
    service.execed();
    let cgroup = service.cgroup.as_ref().expect("made");
    cgroup.kill_payload().expect("killed");
    assert_eq!(service.exit().end, ProcessEnd::Killed(9));
    let exit = service.run_to_end(ExecRole::StopPost);
    assert_eq!((exit.end, exit.failure), (ProcessEnd::Exited(0), None));
    service.quit();
    let log = service.log();
    assert!(log.starts_with("cleaned up\n"), "{log}");
    if service.cgroup.as_ref().expect("made").path().is_some() {
        let v2 = log.lines().find(|line| line.starts_with("0::"));
        assert!(v2.is_some_and(|line| line.ends_with("/payload")), "{log}");
    }
}

/// Host pids named sleep that descend from `root`.
fn sleepers_below(root: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        open.extend(
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if name.trim() == "sleep" {
            found.push(pid);
        }
    }
    found
}

#[test]
fn the_log_keeps_any_bytes() {
    let mut service = Service::new(sh(
        r"printf 'a\000\377b\n'; printf err >&2; head -c 100000 /dev/zero | tr '\0' x",
    ))
    .up();
    service.run_to_end(ExecRole::Start);
    service.quit();
    let bytes = std::fs::read(&service.spec.log_file).expect("written");
    let records: Vec<_> = bytes
        .strip_suffix(b"\n")
        .expect("ends")
        .split(|byte| *byte == b'\n')
        .map(|line| gitproc_core::logline::decode(line).expect("a record"))
        .collect();
    assert_eq!(records[0].tag, gitproc_core::logline::Tag::Invocation);
    assert!(records.iter().any(|record| record.bytes == b"a\0\xffb"));
    assert!(records.iter().any(|record| record.bytes == b"err"
        && record.tag == gitproc_core::logline::Tag::Stderr { partial: false }));
    let long: usize = records
        .iter()
        .map(|record| record.bytes.iter().filter(|b| **b == b'x').count())
        .sum();
    assert_eq!(long, 100_000);
}

#[test]
fn quit_does_not_wait_for_a_foreign_holder_of_the_pipe() {
    let mut service = Service::new(sh("echo said; sleep 1000")).up();
    service.run(ExecRole::Start);
    let pid = main_pid(&mut service);
    service.execed();
    let held = std::fs::File::options()
        .write(true)
        .open(format!("/proc/{pid}/fd/1"))
        .expect("same user");
    service.wait_for("the line is logged", || service.log() == "said\n");
    assert_eq!(service.quit(), pidfd::End::Exited(0));
    drop(held);
    assert_eq!(service.log(), "said\n");
}

/// Sends a datagram to $NOTIFY_SOCKET, with what Debian always has.
fn notify(text: &str) -> String {
    format!(
        "perl -MSocket -e 'socket(S,AF_UNIX,SOCK_DGRAM,0); my $p=$ENV{{NOTIFY_SOCKET}}; $p=~s/^@/\\0/; \
         send(S,\"{text}\",0,pack(\"S a*\",AF_UNIX,$p)) or die $!;'"
    )
}

#[test]
fn notifications_are_filtered_by_sender() {
    for (access, heard) in [(NotifyAccess::All, true), (NotifyAccess::Main, false)] {
        // perl is a child of the main process: `main` must not hear it.
        let script = format!("{}; exit 0", notify("READY=1\\nSTATUS=up"));
        let mut service = Service::new(sh(&script)).with(|spec| {
            spec.service_type = ServiceType::Notify;
            spec.notify_access = access;
        });
        if service.spec.namespace == NamespaceMode::None {
            // The sender may be gone before it can be looked up without a namespace.
            service
                .spec
                .commands
                .insert(ExecRole::Start, vec![sh("true")]);
            continue;
        }
        service = service.up();
        let exit = service.run_to_end(ExecRole::Start);
        assert_eq!(exit.end, ProcessEnd::Exited(0), "{}", service.log());
        let state = service.reconnect();
        assert_eq!(state.notified_ready, heard, "{access:?}");
        assert_eq!(state.status_text.is_some(), heard, "{access:?}");
    }
}

#[test]
fn a_main_process_is_heard_also_under_another_user() {
    needs_root!("a_main_process_is_heard_also_under_another_user");
    let script = format!(
        "exec {}",
        notify("READY=1").replace("or die $!;", "or die $!; sleep 1000")
    );
    let mut service = Service::new(sh(&script)).under_nobody().with(|spec| {
        spec.service_type = ServiceType::Notify;
        spec.notify_access = NotifyAccess::Main;
    });
    service = service.up();
    service.run(ExecRole::Start);
    service.until(|message| match message {
        FromHelper::Notify(notify) => notify.ready.then_some(()),
        FromHelper::Exited(exit) => panic!("{exit:?}"),
        _ => None,
    });
}

#[test]
fn end_of_file_before_go_runs_nothing() {
    let mut service = Service::new(sh("true"));
    service.spawn();
    service.hello();
    service.drop_link();
    assert_eq!(service.helper_end(), pidfd::End::Exited(0));
    assert!(!service.dir.join("log").exists() && !service.dir.join("ctl.sock").exists());
}

#[test]
fn a_spec_of_another_version_is_refused() {
    let mut service = Service::new(sh("true")).with(|spec| spec.version = SPEC_VERSION + 1);
    service.spawn();
    assert_eq!(service.helper_end(), pidfd::End::Exited(65));
}

#[test]
fn a_lost_link_changes_nothing_and_a_new_one_begins_with_the_state() {
    let mut service = Service::new(command(&["/bin/sleep", "1000"])).up();
    service.run(ExecRole::Start);
    let pid = main_pid(&mut service);
    service.execed();
    service.drop_link();
    let state = service.reconnect();
    assert_eq!(
        (state.main_pid, state.main_execed, state.ready),
        (Some(pid), true, true)
    );
    let kept = std::fs::read(service.dir.join("state.json")).expect("kept");
    let kept: gitproc_core::protocol::HelperState = serde_json::from_slice(&kept).expect("whole");
    assert_eq!(kept, state);
    service.signal(Whom::Main, 9);
    assert_eq!(service.exit().end, ProcessEnd::Killed(9));
}

#[test]
fn a_killed_helper_takes_its_namespace_along() {
    needs_root!("a_killed_helper_takes_its_namespace_along");
    let mut service = Service::new(command(&["/bin/sleep", "1000"])).up();
    service.run(ExecRole::Start);
    let pid = main_pid(&mut service);
    service.execed();
    let helper = service.helper.as_ref().expect("spawned");
    pidfd::send_signal(helper.pidfd.as_fd(), 9).expect("ours");
    assert_eq!(service.helper_end(), pidfd::End::Killed(9));
    service.wait_for("the service is gone", || !alive(pid));
}

#[test]
fn the_helper_is_deaf_to_signals_but_sigkill() {
    let mut service = Service::new(sh("true")).up();
    let helper = service.helper.as_ref().expect("spawned");
    for signal in [1, 2, 15] {
        pidfd::send_signal(helper.pidfd.as_fd(), signal).expect("ours");
    }
    assert_eq!(
        service.run_to_end(ExecRole::Start).end,
        ProcessEnd::Exited(0)
    );
    assert_eq!(service.quit(), pidfd::End::Exited(0));
}

#[test]
fn without_a_namespace_descendants_are_found_and_ended_too() {
    let mut service = Service::new(sh("setsid sh -c 'sleep 1000 & sleep 1000' & exit 0"))
        .with(|spec| spec.namespace = NamespaceMode::None)
        .up();
    service.run_to_end(ExecRole::Start);
    let helper = service.helper.as_ref().expect("spawned").pid;
    service.wait_for("both run", || sleepers_below(helper).len() == 2);
    let pids = sleepers_below(helper);
    assert_eq!(service.quit(), pidfd::End::Exited(0));
    assert!(pids.iter().all(|pid| !alive(*pid)), "{pids:?} live on");
}

#[test]
fn in_a_user_namespace_the_service_has_a_pid_namespace_and_no_capability() {
    if let Err(error) = gitproc_sys::probe::probe_user_pid_namespace() {
        eprintln!("no user namespace here: {}", error.in_full());
        return;
    }
    if nix::unistd::geteuid().is_root() {
        // Root inside would keep its capabilities; the ordinary user is the case.
        eprintln!("run as an ordinary user to try the user namespace");
        return;
    }
    let service = Service::new(sh("echo $$; grep CapEff /proc/self/status"))
        .with(|spec| spec.namespace = NamespaceMode::UserPid);
    let log = service.up().output();
    assert!(
        log.lines().next().is_some_and(|pid| pid.len() == 1),
        "{log}"
    );
    assert!(log.contains("0000000000000000"), "{log}");
}

#[test]
fn a_waiting_helper_is_small() {
    needs_root!("a_waiting_helper_is_small");
    let mut service = Service::new(command(&["/bin/sleep", "1000"])).up();
    service.run(ExecRole::Start);
    service.execed();
    let pid = service.helper.as_ref().expect("spawned").pid;
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("root");
    let kib = |key: &str| -> u64 {
        let line = rollup
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .expect("always there");
        line.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number")
    };
    eprintln!(
        "helper: {} KiB resident, {} KiB proportional",
        kib("Rss:"),
        kib("Pss:")
    );
    // Far above what it is, far below what a leak or a second copy of the daemon would be.
    assert!(kib("Rss:") < 8 << 10, "{rollup}");
}
