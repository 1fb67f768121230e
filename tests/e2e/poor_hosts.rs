//! Without root, without user namespaces, without cgroups: services run, and nothing is left of
//! them all the same.
use crate::instance::{DEADLINE, Instance, hermetic, output, pause, signal, wait};
use crate::person::Person;
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

/// A main process that ignores SIGTERM, and a grandchild in a session of its own, whose parent has
/// left. All of them have `mark` in their command lines.
fn straggler(mark: &Path) -> String {
    let mark = mark.display();
    format!(
        "[Service]\nTimeoutStopSec=300ms\nRestart=always\nRestartSec=50ms\n\
         ExecStart=/bin/sh -c 'trap \"\" TERM; (setsid tail -f {mark} &); tail -f {mark}; :'\n\
         [Install]\nWantedBy=multi-user.target\n"
    )
}

/// Processes of services of this instance.
fn tails(instance: &Instance) -> BTreeMap<u32, String> {
    let mut found = instance.processes();
    found.retain(|_, command| command.starts_with("tail -f "));
    found
}

fn parent(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let after_name = stat.rsplit(')').next().expect("a name in brackets");
    let field = after_name.split_whitespace().nth(1).expect("field 4");
    field.parse().expect("a pid")
}

/// What has to hold on every host, however poor.
fn services_run_and_nothing_is_left(person: Person, lacks: &[&str]) {
    let mut instance = Instance::init_as(person);
    let mark = instance.root.join("etc/gitproc/gitproc.conf");
    instance.start_daemon();
    let (log, status) = (instance.log(), instance.run(&["status"]).ok().stdout);
    for lack in lacks {
        assert!(log.contains(lack), "expected {lack:?} in {log}");
        assert!(status.contains(lack), "expected {lack:?} in {status}");
    }
    let text = straggler(&mark);
    instance
        .push(&[("a.service", &text), ("b.service", &text)])
        .ok();
    instance.wait_for("everybody is up", |instance| tails(instance).len() == 4);

    // The daemon dies, and the next one knows them all.
    let before = (instance.main_pid("a.service"), tails(&instance));
    instance.kill_daemon();
    assert_eq!(tails(&instance), before.1, "services outlive the daemon");
    instance.start_daemon();
    instance.wait_active("a.service");
    assert_eq!((instance.main_pid("a.service"), tails(&instance)), before);

    // A stop that is ignored ends in SIGKILL for all of them.
    instance.run(&["stop", "a.service"]).ok();
    assert_eq!(tails(&instance).len(), 2, "of b.service only");
    assert_eq!(instance.property("a.service", "ActiveState"), "failed");

    // A helper that dies leaves nobody either, and its service comes back.
    let old = tails(&instance);
    let main = instance.main_pid("b.service");
    signal(parent(main), Signal::SIGKILL);
    instance.wait_for("b.service comes back", |instance| {
        let now = tails(instance);
        now.len() == 2 && now.keys().all(|pid| !old.contains_key(pid))
    });
    instance.shutdown();
}

/// Without a cgroup nobody is asked about devices and packets. What `PrivateDevices=` does beside
/// that is enough to go on; other guards fail the start, or are named where that may be.
#[test]
fn without_guards_a_start_fails_unless_it_may_be_degraded() {
    if !crate::root_or_say_so("guards") {
        return;
    }
    let Some(person) = Person::without_cgroups() else {
        return;
    };
    let unit = |lines: &str| format!("[Service]\nType=exec\nExecStart=/bin/sleep 1000\n{lines}\n");
    let mut instance = Instance::init_as(person);
    instance.start_daemon();
    let guarded = unit("IPAddressDeny=any\nSocketBindDeny=any");
    instance
        .push(&[
            ("hidden.service", &unit("PrivateDevices=yes")),
            ("guarded.service", &guarded),
        ])
        .ok();
    instance.run(&["start", "hidden"]).ok();
    let said = |unit: &str| instance.run(&["logs", unit, "-o", "cat"]).stdout;
    assert!(
        said("hidden").contains("no v2 cgroup for DevicePolicy="),
        "{}",
        said("hidden")
    );
    instance
        .run(&["start", "guarded"])
        .fails(1, "status=219/CGROUP");
    instance.terminate_daemon();
    let config = instance.root.join("etc/gitproc/gitproc.conf");
    let mut text = std::fs::read_to_string(&config).expect("made by init");
    text.push_str("\n[Manager]\nAllowDegraded=yes\n");
    std::fs::write(&config, text).expect("ours");
    instance.start_daemon();
    instance.run(&["start", "guarded"]).ok();
    let said = instance.run(&["logs", "guarded", "-o", "cat"]).stdout;
    for directive in ["IPAddressDeny=", "SocketBindDeny="] {
        assert!(
            said.contains(&format!("no v2 cgroup for {directive}")),
            "{said}"
        );
    }
    instance.shutdown();
}

#[test]
fn an_ordinary_user_has_a_pid_namespace_by_a_user_namespace() {
    services_run_and_nothing_is_left(Person::ordinary(), &["running without root"]);
}

#[test]
fn without_user_namespaces_descent_tells_who_belongs_to_a_service() {
    let Some(person) = Person::without_user_namespaces() else {
        return;
    };
    let lacks = ["running without root", "no PID namespace of their own"];
    services_run_and_nothing_is_left(person, &lacks);
}

#[test]
fn without_any_cgroup_services_run_and_it_is_said() {
    if !crate::root_or_say_so("without_any_cgroup_services_run_and_it_is_said") {
        return;
    }
    let Some(person) = Person::without_cgroups() else {
        return;
    };
    services_run_and_nothing_is_left(person, &["no cgroup to track and kill services by"]);
}

/// A home directory of somebody and the daemon in it, gone at the end.
struct Home(PathBuf, Option<Child>);

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.1.take() {
            // `--stop-services`: it takes its services along.
            let _ = nix::sys::signal::kill(pid_of(&daemon), Signal::SIGTERM);
            let _ = wait(&mut daemon);
        }
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn pid_of(child: &Child) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a pid"))
}

/// init, daemon, push and status without --root: everything lies below HOME.
fn lives_at_home(name: &str, environment: &[(&str, &str)]) {
    let person = Person::ordinary();
    let path = std::env::temp_dir().join(format!("gitproc-home-{name}-{}", std::process::id()));
    std::fs::create_dir(&path).expect("a fresh temporary directory");
    let mut home = Home(path.clone(), None);
    person.own(&path);
    let program = person.program(&path);
    let command = |program: &Path| {
        let mut command = person.command(program);
        hermetic(&mut command)
            .env("HOME", &path)
            .env_remove("NOTIFY_SOCKET")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_STATE_HOME")
            .envs(
                environment
                    .iter()
                    .map(|(key, below)| (key, path.join(below))),
            );
        command
    };
    for (_, below) in environment {
        std::fs::create_dir(path.join(below)).expect("a directory");
        person.own(&path.join(below));
    }
    let run = |words: &[&str]| output(command(&program).args(words));
    let clone = path.join(".config/gitproc/services");
    let git =
        |words: &[&str]| output(command(Path::new("git")).arg("-C").arg(&clone).args(words)).ok();
    run(&["init"]).ok();
    let log = std::fs::File::create(path.join("daemon.log")).expect("a log file");
    let daemon = command(&program)
        .args(["daemon", "--stop-services"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts");
    home.1 = Some(daemon);
    let begin = Instant::now();
    while run(&["status"]).code != 0 {
        let begun = begin.elapsed();
        let log = || std::fs::read_to_string(path.join("daemon.log"));
        assert!(begun < DEADLINE, "the daemon does not answer: {:?}", log());
        pause();
    }
    let unit = "[Service]\nExecStart=/bin/sleep 100000\nStateDirectory=s\nRuntimeDirectory=r\n\
                [Install]\nWantedBy=multi-user.target\n";
    std::fs::write(clone.join("a.service"), unit).expect("a unit file");
    git(&["add", "-A"]);
    git(&["commit", "-qm", "test"]);
    git(&["push", "-q"]);
    let status = run(&["status"]).ok();
    assert!(status.stdout.contains("a.service"), "{status:?}");
    assert!(path.join(".local/state/s").is_dir(), "StateDirectory=");
    run(&["shutdown"]).ok();
    let mut daemon = home.1.take().expect("it runs");
    assert!(wait(&mut daemon).is_some_and(|status| status.success()));
}

#[test]
fn an_ordinary_user_needs_no_root_option() {
    lives_at_home("xdg", &[("XDG_RUNTIME_DIR", "runtime")]);
}

#[test]
fn nor_a_login_session() {
    lives_at_home("plain", &[]);
}

#[test]
fn a_unit_file_alone_is_read_with_the_facts_of_this_host() {
    let person = Person::ordinary();
    let dir = std::env::temp_dir().join(format!("gitproc-facts-{}", std::process::id()));
    std::fs::create_dir(&dir).expect("a fresh temporary directory");
    let home = Home(dir.clone(), None);
    person.own(&dir);
    let unit = dir.join("a.service");
    std::fs::write(
        &unit,
        "[Service]\nExecStart=/bin/true\nEnvironment=H=%h U=%U\n",
    )
    .expect("a file");
    let mut command = person.command(person.program(&dir));
    let command = command
        .args(["show", "-p", "Environment", "--file"])
        .arg(&unit);
    let shown = output(hermetic(command).env("HOME", &dir)).ok().stdout;
    let uid = person.uid();
    // An ordinary user, whoever runs the tests.
    assert!(shown.contains(&format!("H={}", dir.display())), "{shown}");
    assert!(shown.contains(&format!("U={uid}")), "{shown}");
    drop(home);
}
