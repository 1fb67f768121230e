//! One private instance of gitproc under a temporary root, and what can be done with it.
use crate::person::Person;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take before the test gives up: generous, since machines are shared.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Instance {
    pub root: PathBuf,
    daemon: Option<Child>,
    daemon_starts: u32,
    person: Person,
    program: PathBuf,
}

/// What a command said.
#[derive(Clone)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

impl Output {
    /// Asserts success.
    #[track_caller]
    pub fn ok(self) -> Output {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Asserts that it failed with `code`, and that stderr says `text`.
    #[track_caller]
    pub fn fails(self, code: i32, text: &str) -> Output {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stderr.contains(text), "expected {text:?} in {self:?}");
        self
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Instance {
    /// Made by `gitproc init`, without a daemon.
    pub fn init() -> Instance {
        Instance::init_as(Person::myself())
    }

    /// The same, by somebody else.
    pub fn init_as(person: Person) -> Instance {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root =
            std::env::temp_dir().join(format!("gitproc-e2e-{}-{number}", std::process::id()));
        std::fs::create_dir(&root).expect("a fresh temporary directory");
        person.own(&root);
        let instance = Instance {
            program: person.program(&root),
            person,
            root,
            daemon: None,
            daemon_starts: 0,
        };
        instance.run(&["init"]).ok();
        instance
    }

    /// With a daemon that answers.
    pub fn start() -> Instance {
        let mut instance = Instance::init();
        instance.start_daemon();
        instance
    }

    /// With a daemon, and these units applied.
    #[track_caller]
    pub fn with_units(files: &[(&str, &str)]) -> Instance {
        let instance = Instance::start();
        instance.push(files).ok();
        instance
    }

    pub fn binary() -> &'static str {
        env!("CARGO_BIN_EXE_gitproc")
    }

    // ── The daemon ──────────────────────────────────────────────────────────────────────────

    fn daemon_log(&self) -> PathBuf {
        self.root.join(format!("daemon-{}.log", self.daemon_starts))
    }

    /// What the daemon of this instance has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.daemon_log()).unwrap_or_default()
    }

    pub fn spawn_daemon(&mut self, arguments: &[&str]) -> Child {
        self.spawn_daemon_with(arguments, &[])
    }

    /// With these variables in its environment.
    pub fn spawn_daemon_with(&mut self, arguments: &[&str], variables: &[(&str, &str)]) -> Child {
        self.daemon_starts += 1;
        let log = std::fs::File::create(self.daemon_log()).expect("a log file");
        // Programs of the host that a test puts others in the place of.
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.root.join("bin").display());
        self.person
            .command(&self.program)
            .arg("--root")
            .arg(&self.root)
            .arg("daemon")
            .args(arguments)
            .env("PATH", path)
            .envs(variables.iter().copied())
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("gitproc daemon starts")
    }

    pub fn start_daemon(&mut self) {
        self.start_daemon_with(&[]);
    }

    /// With these variables in its environment.
    pub fn start_daemon_with(&mut self, variables: &[(&str, &str)]) {
        assert!(self.daemon.is_none(), "one daemon at a time");
        let child = self.spawn_daemon_with(&[], variables);
        self.daemon = Some(child);
        self.wait_for("the daemon answers", |instance| {
            instance.run(&["status"]).code == 0
        });
    }

    pub fn daemon_pid(&self) -> u32 {
        self.daemon.as_ref().expect("a daemon runs").id()
    }

    /// kill -9
    pub fn kill_daemon(&mut self) {
        let mut child = self.daemon.take().expect("a daemon runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it can be waited for");
    }

    /// SIGTERM, which leaves services running.
    pub fn terminate_daemon(&mut self) {
        let mut child = self.daemon.take().expect("a daemon runs");
        signal(child.id(), nix::sys::signal::Signal::SIGTERM);
        let status = wait(&mut child).unwrap_or_else(|| panic!("the daemon ends\n{}", self.log()));
        assert!(status.success(), "{status}\n{}", self.log());
    }

    /// It ends by itself, with this status.
    pub fn daemon_exits(&mut self, code: i32) {
        let mut child = self.daemon.take().expect("a daemon runs");
        let status = wait(&mut child).unwrap_or_else(|| panic!("the daemon ends\n{}", self.log()));
        assert_eq!(status.code(), Some(code), "{}", self.log());
    }

    /// It ends by itself, or has ended.
    pub fn forget_daemon(&mut self) {
        self.daemon_exits(0);
    }

    // ── The command line ────────────────────────────────────────────────────────────────────

    pub fn run(&self, arguments: &[&str]) -> Output {
        output(&mut self.command(arguments))
    }

    /// To be run by the caller.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.person.command(&self.program);
        // Not in the repository of this project, which is nobody's business here.
        command.current_dir(&self.root);
        command.arg("--root").arg(&self.root).args(arguments);
        hermetic(&mut command);
        command
    }

    /// Whether the daemon has a thread of this name.
    pub fn has_thread(&self, name: &str) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.daemon_pid()));
        let mut tasks = tasks.expect("it lives").flatten();
        tasks.any(|task| {
            let comm = std::fs::read_to_string(task.path().join("comm"));
            comm.is_ok_and(|comm| comm.trim() == name)
        })
    }

    /// One property of a unit, as `gitproc show -p` prints it.
    pub fn property(&self, unit: &str, name: &str) -> String {
        let shown = self.run(&["show", unit, "-p", name]);
        shown
            .stdout
            .trim()
            .strip_prefix(&format!("{name}="))
            .unwrap_or_default()
            .to_owned()
    }

    pub fn main_pid(&self, unit: &str) -> u32 {
        self.property(unit, "MainPID").parse().unwrap_or(0)
    }

    pub fn is_active(&self, unit: &str) -> bool {
        self.property(unit, "ActiveState") == "active"
    }

    // ── The clone ───────────────────────────────────────────────────────────────────────────

    pub fn clone_dir(&self) -> PathBuf {
        self.root.join("etc/gitproc/services")
    }

    pub fn git(&self, arguments: &[&str]) -> Output {
        let mut command = self.person.command("git");
        command.args(arguments).current_dir(self.clone_dir());
        output(hermetic(&mut command))
    }

    /// Writes files into the clone and commits them. An empty text removes the file.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            let path = self.clone_dir().join(name);
            if text.is_empty() {
                std::fs::remove_file(&path).expect("it was there");
                continue;
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).expect("a directory");
            }
            std::fs::write(&path, text).expect("written");
        }
        self.git(&["add", "-A"]).ok();
        self.git(&["commit", "-q", "--allow-empty", "-m", "test"])
            .ok();
        self.git(&["rev-parse", "HEAD"])
            .ok()
            .stdout
            .trim()
            .to_owned()
    }

    pub fn push(&self, files: &[(&str, &str)]) -> Output {
        self.commit(files);
        self.git(&["push"])
    }

    // ── Waiting ─────────────────────────────────────────────────────────────────────────────

    #[track_caller]
    pub fn wait_for(&self, what: &str, condition: impl Fn(&Instance) -> bool) {
        let begin = Instant::now();
        while !condition(self) {
            assert!(
                begin.elapsed() < DEADLINE,
                "waited in vain: {what}\n{}",
                self.log()
            );
            pause();
        }
    }

    #[track_caller]
    pub fn wait_active(&self, unit: &str) {
        self.wait_for(&format!("{unit} is active"), |instance| {
            instance.is_active(unit)
        });
    }

    // ── What is left ────────────────────────────────────────────────────────────────────────

    /// Processes whose environment or command line names this instance's root, by pid.
    pub fn processes(&self) -> BTreeMap<u32, String> {
        let root = self.root.display().to_string();
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            let read = |name: &str| {
                let mut bytes = Vec::new();
                if let Ok(mut file) = std::fs::File::open(entry.path().join(name)) {
                    let _ = file.read_to_end(&mut bytes);
                }
                String::from_utf8_lossy(&bytes).replace('\0', " ")
            };
            let command = read("cmdline");
            if read("stat").contains(") Z ") {
                continue; // dead; whoever adopted it has not reaped it yet
            }
            if pid != std::process::id()
                && (command.contains(&root) || read("cgroup").contains(&self.cgroup_name()))
            {
                found.insert(pid, command);
            }
        }
        found
    }

    /// The name of this instance in cgroup paths.
    pub fn cgroup_name(&self) -> String {
        gitproc_core::layout::Layout::under(&self.root).instance
    }

    /// Directories of cgroup hierarchies that carry this instance's name.
    pub fn cgroups(&self) -> Vec<PathBuf> {
        let name = self.cgroup_name();
        let mut found = Vec::new();
        let mut open = vec![PathBuf::from("/sys/fs/cgroup")];
        while let Some(dir) = open.pop() {
            let Ok(entries) = std::fs::read_dir(&dir) else {
                continue;
            };
            for entry in entries.flatten() {
                if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    continue;
                }
                if entry.file_name().to_string_lossy() == name {
                    found.push(entry.path());
                } else if dir.components().count() < 6 {
                    open.push(entry.path());
                }
            }
        }
        found
    }

    /// cgroups of one unit, in whatever slices they lie.
    pub fn unit_cgroups(&self, unit: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = self.cgroups();
        while let Some(dir) = open.pop() {
            let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                if path.ends_with(unit) {
                    found.push(path);
                } else if path.is_dir() {
                    open.push(path);
                }
            }
        }
        found
    }

    /// Stops everything in order, and checks that nothing is left.
    pub fn shutdown(mut self) {
        self.run(&["shutdown"]).ok();
        let mut child = self.daemon.take().expect("a daemon runs");
        let ended = wait(&mut child);
        assert!(
            ended.is_some_and(|status| status.success()),
            "{ended:?}\n{}",
            self.log()
        );
        assert_eq!(self.processes(), BTreeMap::new(), "processes are left");
        assert_eq!(self.cgroups(), Vec::<PathBuf>::new(), "cgroups are left");
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- daemon's log of {}\n{}",
                self.root.display(),
                self.log()
            );
        }
        // Without a cgroup only the invocation directories tell of helpers.
        let invocations = std::fs::read_dir(self.root.join("run/gitproc/inv"));
        let held = invocations.is_ok_and(|mut entries| entries.next().is_some());
        if self.daemon.is_none() && (held || !self.processes().is_empty()) {
            // The daemon was killed by the test: only a daemon can stop what it left.
            let child = self.spawn_daemon(&[]);
            self.daemon = Some(child);
            let begin = Instant::now();
            while self.run(&["status"]).code != 0 && begin.elapsed() < DEADLINE {
                pause();
            }
        }
        if let Some(mut child) = self.daemon.take() {
            let _ = self.run(&["shutdown"]);
            if wait(&mut child).is_none() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Nothing of the user's own git configuration or terminal reaches the test.
pub fn hermetic(command: &mut Command) -> &mut Command {
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("NO_COLOR", "1")
}

/// Runs a command to its end, with a deadline.
pub fn output(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|cause| panic!("{command:?} starts: {cause}"));
    // Read both ends to their end, so that no pipe fills up.
    let mut stdout = child.stdout.take().expect("piped");
    let mut stderr = child.stderr.take().expect("piped");
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    });
    let errors = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stderr.read_to_end(&mut bytes);
        bytes
    });
    let status = wait(&mut child).unwrap_or_else(|| {
        let _ = child.kill();
        panic!("{command:?} does not end");
    });
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Output {
        code: status.code().unwrap_or(-1),
        stdout: text(reader.join().expect("a reader")),
        stderr: text(errors.join().expect("a reader")),
    }
}

/// Waits for a child, with a deadline.
pub fn wait(child: &mut Child) -> Option<std::process::ExitStatus> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if begin.elapsed() > DEADLINE {
            return None;
        }
        pause();
    }
}

/// A short rest between two looks at a condition.
pub fn pause() {
    let none: &mut [nix::poll::PollFd<'_>] = &mut [];
    let _ = nix::poll::poll(none, nix::poll::PollTimeout::from(20u8));
}

pub fn signal(pid: u32, signal: nix::sys::signal::Signal) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).expect("a pid"));
    nix::sys::signal::kill(pid, signal).expect("the process is there");
}

/// `path` exists.
pub fn exists(path: impl AsRef<Path>) -> bool {
    path.as_ref().exists()
}
