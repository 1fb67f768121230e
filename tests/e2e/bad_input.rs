//! Bad input gets a clear message, a non-zero exit, and what ran before still runs.
use crate::instance::{Instance, output, wait};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

const GOOD: (&str, &str) = (
    "good.service",
    "[Service]\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=multi-user.target\n",
);

/// Pushes a bad file onto an instance that runs `good.service`: the push is refused with `message`,
/// nothing changes, and the next good push goes through.
#[track_caller]
fn refused(name: &str, text: &str, message: &str) {
    let instance = Instance::with_units(&[GOOD]);
    let pid = instance.main_pid("good");
    assert_ne!(pid, 0, "good.service runs");
    instance.push(&[(name, text)]).fails(1, message);
    assert_eq!(instance.main_pid("good"), pid, "what ran before still runs");
    let status = instance.run(&["status"]).ok();
    assert!(status.stdout.contains("generation"), "{status:?}");
    // The mistake is mended in a new commit.
    instance.push(&[(name, "")]).ok();
    assert_eq!(instance.main_pid("good"), pid, "what ran before still runs");
}

#[test]
fn a_mistyped_key_is_refused_with_its_line_and_the_nearest_name() {
    refused(
        "web.service",
        "[Unit]\nDescription=x\n[Service]\nExecStrat=/bin/true\nExecStart=/bin/true\n",
        "web.service:4:1: unknown key 'ExecStrat' in [Service] (did you mean ExecStart?)",
    );
}

#[test]
fn a_line_that_is_no_assignment_is_refused() {
    refused(
        "web.service",
        "[Service]\nExecStart=/bin/true\nnonsense\n",
        "web.service:3:",
    );
}

#[test]
fn an_unknown_section_is_refused() {
    refused(
        "web.service",
        "[Servce]\nExecStart=/bin/true\n",
        "web.service:1: unknown section [Servce]",
    );
}

#[test]
fn a_service_without_a_command_is_refused() {
    refused("web.service", "[Service]\nType=simple\n", "ExecStart");
}

#[test]
fn an_ordering_cycle_is_named_edge_by_edge() {
    let unit = |after: &str| format!("[Unit]\nAfter={after}\n[Service]\nExecStart=/bin/true\n");
    let instance = Instance::with_units(&[GOOD]);
    let pid = instance.main_pid("good");
    let refused = instance
        .push(&[
            ("a.service", &unit("b.service")),
            ("b.service", &unit("a.service")),
        ])
        .fails(1, "ordering cycle");
    assert!(
        refused.stderr.contains("a.service: After=b.service"),
        "{refused:?}"
    );
    assert!(
        refused.stderr.contains("b.service: After=a.service"),
        "{refused:?}"
    );
    assert_eq!(instance.main_pid("good"), pid);
}

#[test]
fn a_requirement_that_does_not_exist_is_refused() {
    refused(
        "web.service",
        "[Unit]\nRequires=db.service\n[Service]\nExecStart=/bin/true\n",
        "there is no db.service in this commit",
    );
}

#[test]
fn invalid_utf8_is_refused_with_its_place() {
    let instance = Instance::with_units(&[GOOD]);
    let path = instance.clone_dir().join("bin.service");
    std::fs::write(path, b"[Service]\nExecStart=/bin/\xff\n").expect("written");
    instance.push(&[]).fails(1, "bin.service");
}

#[test]
fn an_unknown_user_fails_the_unit_with_217_and_nothing_else() {
    if !crate::root_or_say_so("an_unknown_user") {
        return;
    }
    let instance = Instance::with_units(&[GOOD]);
    let pid = instance.main_pid("good");
    let text = "[Service]\nExecStart=/bin/sleep 9\nUser=nosuchuser\n\
                [Install]\nWantedBy=multi-user.target\n";
    let pushed = instance.push(&[("web.service", text)]);
    assert!(pushed.stderr.contains("nosuchuser"), "{pushed:?}");
    assert_eq!(instance.property("web", "ActiveState"), "failed");
    assert_eq!(instance.property("web", "ExecMainStatus"), "217");
    let status = instance.run(&["status", "web"]);
    assert_eq!(status.code, 3, "{status:?}");
    assert!(status.stdout.contains("217/USER"), "{status:?}");
    assert_eq!(instance.main_pid("good"), pid);
}

#[test]
fn a_missing_binary_fails_the_unit_with_203() {
    let instance = Instance::with_units(&[GOOD]);
    let pid = instance.main_pid("good");
    let text = "[Service]\nType=exec\nExecStart=/no/such/binary\n\
                [Install]\nWantedBy=multi-user.target\n";
    let pushed = instance.push(&[("web.service", text)]);
    assert!(pushed.stderr.contains("/no/such/binary"), "{pushed:?}");
    assert_eq!(instance.property("web", "ExecMainStatus"), "203");
    assert_eq!(instance.property("web", "Result"), "exit-code");
    assert_eq!(instance.main_pid("good"), pid);
}

#[test]
fn a_unit_that_does_not_exist_is_said_with_exit_code_4() {
    let instance = Instance::with_units(&[GOOD]);
    for verb in ["status", "start", "stop", "restart", "show", "cat"] {
        let answer = instance.run(&[verb, "nosuch"]);
        assert_eq!(answer.code, 4, "{verb}: {answer:?}");
        assert!(
            answer.stderr.contains("nosuch.service"),
            "{verb}: {answer:?}"
        );
    }
}

#[test]
fn a_repository_without_commits_says_how_to_make_the_first() {
    let instance = Instance::start();
    let status = instance.run(&["status"]).ok();
    assert!(!status.stdout.is_empty());
    // Its first commit holds no units; taking the branch away leaves an unborn one.
    let store = instance.root.join("var/lib/gitproc/store.git");
    for name in ["refs/heads/main", "packed-refs"] {
        let _ = std::fs::remove_file(store.join(name));
    }
    let synced = instance.run(&["sync"]);
    assert_eq!(synced.code, 1, "{synced:?}");
    assert!(synced.stderr.contains("no commits"), "{synced:?}");
}

#[test]
fn a_missing_branch_is_named_with_those_that_exist() {
    let mut instance = Instance::with_units(&[GOOD]);
    let pid = instance.main_pid("good");
    instance.terminate_daemon();
    let config = instance.root.join("etc/gitproc/gitproc.conf");
    std::fs::write(&config, "[Git]\nBranch=production\n").expect("written");
    instance.start_daemon();
    let synced = instance.run(&["sync"]);
    assert_eq!(synced.code, 1, "{synced:?}");
    assert!(synced.stderr.contains("production"), "{synced:?}");
    assert!(synced.stderr.contains("main"), "{synced:?}");
    assert_eq!(instance.main_pid("good"), pid, "what ran before still runs");
}

#[test]
fn a_bad_configuration_stops_the_daemon_with_file_and_line() {
    let mut instance = Instance::init();
    let config = instance.root.join("etc/gitproc/gitproc.conf");
    std::fs::write(&config, "[Git]\nBranhc=main\n").expect("written");
    let mut child = instance.spawn_daemon(&[]);
    let status = wait(&mut child).expect("it ends");
    assert_eq!(status.code(), Some(1), "{}", instance.log());
    assert!(
        instance.log().contains("gitproc.conf:2:"),
        "{}",
        instance.log()
    );
    assert!(instance.log().contains("Branhc"), "{}", instance.log());
}

fn speak(instance: &Instance, bytes: &[u8]) -> String {
    let socket = instance.root.join("run/gitproc/gitproc.sock");
    let mut stream = UnixStream::connect(socket).expect("the daemon listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout");
    // A daemon that has heard enough may hang up in the middle.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_broken_frame_is_answered_with_a_parse_error() {
    let instance = Instance::with_units(&[GOOD]);
    let answer = speak(&instance, b"{\"jsonrpc\": nonsense\n");
    assert!(answer.contains("-32700"), "{answer}");
    let answer = speak(
        &instance,
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nosuch\"}\n",
    );
    assert!(answer.contains("-32601"), "{answer}");
    assert!(instance.is_active("good"));
}

#[test]
fn an_oversized_frame_is_refused_and_the_daemon_goes_on() {
    let instance = Instance::with_units(&[GOOD]);
    let answer = speak(&instance, &vec![b'x'; 40 * 1024 * 1024]);
    assert!(answer.is_empty() || answer.contains("-32"), "{answer}");
    assert!(instance.is_active("good"));
}

#[test]
fn a_second_daemon_on_the_same_root_is_refused_with_the_pid_of_the_first() {
    let mut instance = Instance::with_units(&[GOOD]);
    let pid = instance.main_pid("good");
    let first = instance.daemon_pid().to_string();
    let mut second = instance.spawn_daemon(&[]);
    let status = wait(&mut second).expect("it ends");
    assert_eq!(status.code(), Some(1), "{}", instance.log());
    assert!(
        instance.log().contains(&first),
        "names {first}: {}",
        instance.log()
    );
    assert_eq!(instance.main_pid("good"), pid);
}

#[test]
fn a_socket_that_no_daemon_answers_is_exit_code_5() {
    let mut instance = Instance::with_units(&[GOOD]);
    instance.kill_daemon();
    instance.run(&["status"]).fails(5, "gitproc daemon");
    let never = Instance::init();
    never.run(&["status"]).fails(5, "gitproc daemon");
}

#[test]
fn a_push_without_a_daemon_fails_and_says_how_to_start_it() {
    let mut instance = Instance::with_units(&[GOOD]);
    instance.terminate_daemon();
    let pushed = instance.push(&[("x.service", GOOD.1)]);
    assert_ne!(pushed.code, 0, "{pushed:?}");
    assert!(pushed.stderr.contains("gitproc daemon"), "{pushed:?}");
}

#[test]
fn a_runtime_directory_from_before_a_reboot_is_cleared() {
    let mut instance = Instance::with_units(&[GOOD]);
    let pid = instance.main_pid("good");
    instance.run(&["stop", "good"]).ok();
    instance.terminate_daemon();
    // Another boot: nothing of the last one lives, and its records mean nothing.
    let run = instance.root.join("run/gitproc");
    std::fs::write(run.join("boot_id"), "00000000000000000000000000000000\n").expect("written");
    std::fs::create_dir_all(run.join("inv/0123456789abcdef0123456789abcdef")).expect("made");
    instance.start_daemon();
    instance.wait_active("good");
    assert_ne!(instance.main_pid("good"), pid);
    assert!(!run.join("inv/0123456789abcdef0123456789abcdef").exists());
}

#[test]
fn usage_errors_are_exit_code_2() {
    let mut command = Command::new(Instance::binary());
    let answer = output(command.arg("frobnicate"));
    assert_eq!(answer.code, 2, "{answer:?}");
}
