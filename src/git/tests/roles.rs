//! The processes around the store, with real git. This program is its own `gitproc`: the tests run
//! it as worker, as hook, and as the far end of a push.
use gitproc_git::clone::{CloneConfig, README, README_NAME, init_clone};
use gitproc_git::transport::{Service, Session};
use gitproc_git::{
    Identity, Person, Request, Response, Worker, WorkerConfig, WorkerError, hooks, identity,
    transport, worker,
};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// Far above what any request here takes.
const LONG: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let words: Vec<&str> = arguments
        .iter()
        .skip(1)
        .filter_map(|word| word.to_str())
        .collect();
    match words.as_slice() {
        ["git-worker", "--store", store] => ExitCode::from(worker::serve(Path::new(store))),
        ["--root", root, "receive-pack", _] => far_end(Path::new(root), Service::ReceivePack),
        ["--root", root, "upload-pack", _] => far_end(Path::new(root), Service::UploadPack),
        ["--root", root, "hook", name] => hook(Path::new(root), name),
        _ => run_tests(&words),
    }
}

fn run_tests(words: &[&str]) -> ExitCode {
    let tests: [(&str, fn()); 7] = [
        (
            "a_closed_directory_does_not_hide_the_program",
            a_closed_directory_does_not_hide_the_program,
        ),
        ("a_worker_is_nobody_special", a_worker_is_nobody_special),
        (
            "an_overrun_deadline_costs_one_worker",
            an_overrun_deadline_costs_one_worker,
        ),
        ("a_dead_worker_is_replaced", a_dead_worker_is_replaced),
        ("a_worker_refuses_to_be_root", a_worker_refuses_to_be_root),
        ("a_fresh_clone_pushes_at_once", a_fresh_clone_pushes_at_once),
        (
            "hooks_are_written_once_and_mended",
            hooks_are_written_once_and_mended,
        ),
    ];
    if words.contains(&"--list") {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    if env::var_os("GIT_CONFIG_GLOBAL").is_none_or(|path| path != "/dev/null") {
        // Once more, without the git configuration of whoever runs the tests.
        let mut hermetic = Command::new(env::current_exe().expect("our path"));
        hermetic
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
        let status = hermetic.args(words).status().expect("we run again");
        return if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let filters: Vec<_> = words.iter().filter(|word| !word.starts_with('-')).collect();
    for (name, test) in tests {
        if filters.is_empty() || filters.iter().any(|filter| name.contains(**filter)) {
            eprintln!("test {name} ...");
            test(); // a panic tells which claim failed, and makes the program fail
        }
    }
    println!("all passed");
    ExitCode::SUCCESS
}

/// A root that the store's owner can reach, which goes with its tests.
struct Root {
    directory: tempfile::TempDir,
    exe: PathBuf,
    identity: Option<Identity>,
}

impl Root {
    fn new() -> Root {
        let directory = tempfile::tempdir().expect("a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("mode");
        let own = env::current_exe().expect("our path");
        let exe = hooks::reachable_exe(&directory.path().join("hooks"), &own).expect("a program");
        let identity = Identity::of_this_host().expect("an owner");
        identity::prepare_store(&directory.path().join("store.git"), identity).expect("a place");
        Root {
            directory,
            exe,
            identity,
        }
    }

    fn store(&self) -> PathBuf {
        self.directory.path().join("store.git")
    }

    fn worker(&self) -> Worker {
        let config = WorkerConfig {
            exe: self.exe.clone(),
            store: self.store(),
            identity: self.identity,
        };
        Worker::spawn(config).expect("a worker")
    }
}

fn status_field(pid: u32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.expect("the field")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn a_worker_is_nobody_special() {
    let root = Root::new();
    let worker = root.worker();
    worker.init("main").expect("a store");
    let pid = worker.pid().expect("it lives");
    assert_eq!(status_field(pid, "NoNewPrivs"), "1");
    let expected = root
        .identity
        .map_or(nix::unistd::getuid().as_raw(), |identity| identity.uid);
    assert_eq!(
        status_field(pid, "Uid"),
        [expected.to_string().as_str(); 4].join(" ")
    );
    assert_eq!(
        fs::metadata(root.store().join("HEAD")).expect("HEAD").uid(),
        expected
    );
    if root.identity.is_some() {
        for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(status_field(pid, set), "0".repeat(16), "{set}");
        }
        assert_eq!(status_field(pid, "Groups"), "");
    }
    let environment = fs::read(format!("/proc/{pid}/environ")).expect("its environment");
    assert!(
        !environment.windows(5).any(|word| word == b"PATH="),
        "the environment is cleared"
    );
}

/// To a worker that the test started itself, and has not reaped.
fn signal(worker: &Worker, signal: Signal) {
    let pid = worker
        .pid()
        .and_then(|pid| i32::try_from(pid).ok())
        .expect("it lives");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).expect("ours to signal");
}

fn an_overrun_deadline_costs_one_worker() {
    let root = Root::new();
    let worker = root.worker();
    worker.init("main").expect("a store");
    let first = worker.pid();
    let request = || Request::Head {
        branch: "main".into(),
    };
    signal(&worker, Signal::SIGSTOP);
    let late = worker.call(request(), Duration::from_millis(50));
    assert!(matches!(late, Err(WorkerError::Deadline(_))), "{late:?}");
    assert_eq!(worker.pid(), None, "it was killed");
    assert!(
        matches!(worker.call(request(), LONG), Ok(Response::Head(_))),
        "the next call works"
    );
    assert_ne!(worker.pid(), first);
}

fn a_dead_worker_is_replaced() {
    let root = Root::new();
    let worker = root.worker();
    worker.init("main").expect("a store");
    signal(&worker, Signal::SIGKILL);
    // Whether its end is seen before or during the call is a race; the second call always works.
    let _ = worker.head("main");
    worker.head("main").expect("a new worker");
}

fn a_worker_refuses_to_be_root() {
    if !nix::unistd::geteuid().is_root() {
        assert!(env::var_os("CI").is_none(), "this test needs root");
        eprintln!("needs root, not run");
        return;
    }
    let root = Root::new();
    let config = WorkerConfig {
        exe: root.exe.clone(),
        store: root.store(),
        identity: None,
    };
    let worker = Worker::spawn(config).expect("it starts");
    let answer = worker.init("main");
    assert!(matches!(answer, Err(WorkerError::Died(_))), "{answer:?}");
    assert!(!root.store().join("HEAD").exists(), "nothing was touched");
}

fn a_fresh_clone_pushes_at_once() {
    let root = Root::new();
    let base = root.directory.path();
    let worker = root.worker();
    worker.init("main").expect("a store");
    let first = Request::InitialCommit {
        branch: "main".into(),
        files: BTreeMap::from([(README_NAME.into(), README.into())]),
        author: Person {
            name: "root".into(),
            mail: "root@localhost".into(),
        },
    };
    assert!(matches!(
        worker.call(first.clone(), LONG),
        Ok(Response::Commit(_))
    ));
    assert_eq!(
        worker.call(first, LONG).expect("asked again"),
        Response::NothingToDo
    );
    let root_args = [OsString::from("--root"), base.into()];
    hooks::install(&base.join("hooks"), &root.exe, &root_args).expect("hooks");
    let heard = base.join("heard");
    fs::create_dir(&heard).expect("a directory");
    fs::set_permissions(&heard, fs::Permissions::from_mode(0o777)).expect("mode");
    let config = CloneConfig {
        clone: base.join("it's a clone"),
        store: root.store(),
        identity: root.identity,
        exe: root.exe.clone(),
        root_args: root_args.to_vec(),
        branch: "main".into(),
        operator: "tester".into(),
    };
    assert!(init_clone(&config).expect("a clone"));
    assert!(!init_clone(&config).expect("said again"), "nothing new");
    let clone = &config.clone;
    assert_eq!(
        fs::read_to_string(clone.join(README_NAME)).expect("README"),
        README
    );
    fs::write(clone.join("a.service"), "[Service]\nExecStart=/bin/true\n").expect("a unit");
    git(clone, &["add", "a.service"], true);
    git(clone, &["commit", "-q", "-m", "add a"], true);
    let said = git(clone, &["push"], true);
    assert!(said.contains("remote: seen by pre-receive"), "{said}");
    assert!(said.contains("remote: seen by post-receive"), "{said}");
    let head = worker.head("main").expect("the head");
    let commit = head.commit().expect("a commit").to_owned();
    let snapshot = worker.snapshot(&commit, vec![], None).expect("a snapshot");
    assert!(snapshot.files.entries.contains_key("a.service"));
    assert_eq!(snapshot.commit.author, "tester");
    git(clone, &["fetch"], true);
    // The hook refuses: the push fails, and the branch stays.
    fs::write(clone.join("refuse.service"), "x").expect("a unit");
    git(clone, &["add", "."], true);
    git(clone, &["commit", "-q", "-m", "refuse"], true);
    fs::write(heard.join("refuse"), "").expect("a mark");
    git(clone, &["push"], false);
    assert_eq!(
        worker.head("main").expect("the head").commit(),
        Some(commit.as_str())
    );
}

/// git as an operator without any configuration of their own (see `run_tests`).
fn git(directory: &Path, arguments: &[&str], succeeds: bool) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .expect("git runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.success(),
        succeeds,
        "git {arguments:?}: {said}"
    );
    said
}

/// What the daemon's git socket does, without the daemon.
fn far_end(root: &Path, service: Service) -> ExitCode {
    let session = Session {
        service,
        store: root.join("store.git"),
        hooks: root.join("hooks"),
        identity: Identity::of_this_host().expect("an owner"),
        pusher: "tester".into(),
        protocol: env::var("GIT_PROTOCOL").ok(),
    };
    let copy = |fd: std::io::Result<OwnedFd>| fd.expect("a descriptor");
    let stdin = copy(std::io::stdin().as_fd().try_clone_to_owned());
    let stdout = copy(std::io::stdout().as_fd().try_clone_to_owned());
    let stderr = copy(std::io::stderr().as_fd().try_clone_to_owned());
    let mut child = transport::spawn(&session, stdin, stdout, stderr).expect("git runs");
    match child.wait().expect("it ends").success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn hook(root: &Path, name: &str) -> ExitCode {
    assert_eq!(env::var("GITPROC_PUSHER").as_deref(), Ok("tester"));
    println!("seen by {name}");
    match name == "pre-receive" && root.join("heard/refuse").exists() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

fn a_closed_directory_does_not_hide_the_program() {
    if !nix::unistd::geteuid().is_root() {
        assert!(env::var_os("CI").is_none(), "this test needs root");
        eprintln!("needs root, not run");
        return;
    }
    let mut root = Root::new();
    let closed = tempfile::tempdir().expect("a directory");
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).expect("mode");
    let exe = closed.path().join("gitproc");
    fs::copy(env::current_exe().expect("our path"), &exe).expect("a copy");
    let hooks = root.directory.path().join("hooks");
    let reached = hooks::reachable_exe(&hooks, &exe).expect("a program");
    assert_eq!(reached, hooks.join("gitproc"));
    let made = fs::metadata(&reached).expect("the copy").ino();
    hooks::reachable_exe(&hooks, &exe).expect("a program");
    assert_eq!(
        fs::metadata(&reached).expect("the copy").ino(),
        made,
        "it was left alone"
    );
    root.exe = reached;
    root.worker()
        .init("main")
        .expect("the copy runs as the store's owner");
}

fn hooks_are_written_once_and_mended() {
    let directory = tempfile::tempdir().expect("a directory");
    let hooks = directory.path().join("hooks");
    let install = || hooks::install(&hooks, Path::new("/opt/it's/gitproc"), &[]).expect("hooks");
    install();
    let script = hooks.join("pre-receive");
    let written = fs::metadata(&script).expect("the script").ino();
    let text = fs::read_to_string(&script).expect("its text");
    assert!(
        text.ends_with("exec '/opt/it'\\''s/gitproc' 'hook' 'pre-receive'\n"),
        "{text}"
    );
    install();
    assert_eq!(
        fs::metadata(&script).expect("the script").ino(),
        written,
        "it was left alone"
    );
    fs::write(&script, "exit 0\n").expect("tampered with");
    install();
    assert_eq!(fs::read_to_string(&script).expect("its text"), text);
    assert_eq!(
        fs::metadata(&script).expect("the script").mode() & 0o7777,
        0o755
    );
}
