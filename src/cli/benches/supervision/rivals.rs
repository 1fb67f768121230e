//! The supervisors, each as its manual says, with a restart as soon as it can.
use crate::stage::{Stage, compile};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub trait Rival {
    fn name(&self) -> &'static str;
    /// A program that it needs and that is not there.
    fn missing(&self) -> Option<&'static str>;
    /// Whatever comes before its services are to start.
    fn prepare(&mut self, stage: &Stage);
    /// Has all services started; need not wait for them.
    fn start(&mut self, stage: &Stage);
    /// Its main process.
    fn pid(&self) -> u32;
    /// Asks for the state of one service. False when it has no such thing.
    fn status(&self, stage: &Stage) -> bool;
    fn list(&self, stage: &Stage) -> bool;
    /// Has all services stopped; need not wait for them.
    fn stop(&mut self, stage: &Stage);
    /// Ends itself.
    fn end(&mut self, stage: &Stage);
}

pub fn all() -> Vec<Box<dyn Rival>> {
    vec![
        Box::<Floor>::default(),
        Box::<Gitproc>::default(),
        Box::<Runit>::default(),
        Box::<S6>::default(),
        Box::<Supervisor>::default(),
    ]
}

fn is_missing(program: &'static str) -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(program).exists());
    (!found).then_some(program)
}

fn quiet(command: &mut Command) -> &mut Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}

fn succeeds(command: &mut Command) -> bool {
    quiet(command).status().expect("it runs").success()
}

fn run(command: &mut Command) {
    assert!(succeeds(command), "{command:?} fails");
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, text).expect("writable");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("ours");
}

/// A child that is ended when it is not needed any more.
#[derive(Default)]
struct Daemon(Option<Child>);

impl Daemon {
    fn start(&mut self, command: &mut Command) {
        self.0 = Some(command.spawn().expect("it starts"));
    }

    fn pid(&self) -> u32 {
        self.0.as_ref().expect("it was started").id()
    }

    fn signal(&self, signal: i32) {
        let pidfd = gitproc_sys::pidfd::open(self.pid()).expect("it lives");
        let _ = gitproc_sys::pidfd::send_signal(std::os::fd::AsFd::as_fd(&pidfd), signal);
    }

    fn wait(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.wait().expect("it can be waited for");
        }
    }
}

// ── The floor ───────────────────────────────────────────────────────────────────────────────────

#[derive(Default)]
struct Floor {
    daemon: Daemon,
    cgroup: PathBuf,
}

impl Rival for Floor {
    fn name(&self) -> &'static str {
        "floor (C)"
    }
    fn missing(&self) -> Option<&'static str> {
        None
    }
    fn prepare(&mut self, stage: &Stage) {
        compile("floor.c", &stage.dir.join("floor"));
        let mounts = std::fs::read_to_string("/proc/self/mounts").expect("/proc is there");
        let v2 = mounts.lines().find_map(|line| {
            let mut words = line.split(' ');
            let (place, kind) = (words.nth(1)?, words.next()?);
            (kind == "cgroup2").then(|| place.to_owned())
        });
        self.cgroup = Path::new(&v2.expect("cgroup v2 is mounted")).join("gitproc-bench-floor");
        std::fs::create_dir(&self.cgroup).expect("a fresh cgroup");
    }
    fn start(&mut self, stage: &Stage) {
        let mut floor = Command::new(stage.dir.join("floor"));
        floor
            .arg(&self.cgroup)
            .arg(stage.program())
            .arg(stage.socket());
        floor.arg(stage.size.to_string()).stdin(Stdio::piped());
        self.daemon.start(&mut floor);
    }
    fn pid(&self) -> u32 {
        self.daemon.pid()
    }
    fn status(&self, _: &Stage) -> bool {
        false
    }
    fn list(&self, _: &Stage) -> bool {
        false
    }
    fn stop(&mut self, _: &Stage) {
        let stdin = self
            .daemon
            .0
            .as_mut()
            .and_then(|child| child.stdin.as_mut());
        stdin
            .expect("a pipe")
            .write_all(b"stop\n")
            .expect("it reads");
    }
    fn end(&mut self, _: &Stage) {
        self.daemon.wait();
        std::fs::remove_dir(&self.cgroup).expect("it is empty");
    }
}

// ── gitproc ─────────────────────────────────────────────────────────────────────────────────────

#[derive(Default)]
struct Gitproc {
    daemon: Daemon,
    asked: Daemon,
}

impl Gitproc {
    fn command(stage: &Stage) -> Command {
        let mut command = Command::new(stage.dir.join("bin/gitproc"));
        command.arg("--root").arg(stage.dir.join("root"));
        command
    }
}

impl Rival for Gitproc {
    fn name(&self) -> &'static str {
        "gitproc"
    }
    fn missing(&self) -> Option<&'static str> {
        is_missing("git")
    }
    fn prepare(&mut self, stage: &Stage) {
        // As packages have it: the program, and beside it the helper, linked statically.
        let bin = stage.dir.join("bin");
        for dir in [&bin, &stage.dir.join("root")] {
            std::fs::create_dir(dir).expect("fresh");
        }
        let install = |program: &Path| {
            let name = program.file_name().expect("a program");
            std::fs::copy(program, bin.join(name)).expect("it is built");
        };
        install(Path::new(env!("CARGO_BIN_EXE_gitproc")));
        install(&static_helper());
        run(Gitproc::command(stage).arg("init"));
        let mut daemon = Gitproc::command(stage);
        quiet(&mut daemon).arg("daemon").env_remove("NOTIFY_SOCKET");
        self.daemon.start(&mut daemon);
        let begin = Instant::now();
        while !succeeds(Gitproc::command(stage).arg("status")) {
            assert!(
                begin.elapsed() < Duration::from_secs(10),
                "the daemon does not answer"
            );
        }
        let clone = stage.dir.join("root/etc/gitproc/services");
        for number in 0..stage.size {
            let unit = format!(
                "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart={}\nUser=nobody\n\
                 Restart=always\nRestartSec=0\n",
                stage.command(number)
            );
            std::fs::write(clone.join(format!("u{number}.service")), unit).expect("writable");
        }
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=Bench", "-c", "user.email=bench@localhost"]);
            run(git.args(arguments).current_dir(&clone));
        };
        git(&["add", "-A"]);
        git(&["commit", "-qm", "Services of the bench"]);
        git(&["push", "-q"]);
    }
    fn start(&mut self, stage: &Stage) {
        self.asked
            .start(quiet(Gitproc::command(stage).args(["start", "u*.service"])));
    }
    fn pid(&self) -> u32 {
        self.daemon.pid()
    }
    fn status(&self, stage: &Stage) -> bool {
        succeeds(Gitproc::command(stage).args(["status", "u0"]))
    }
    fn list(&self, stage: &Stage) -> bool {
        succeeds(Gitproc::command(stage).arg("list"))
    }
    fn stop(&mut self, stage: &Stage) {
        self.asked.wait();
        self.asked
            .start(quiet(Gitproc::command(stage).args(["stop", "u*.service"])));
    }
    fn end(&mut self, stage: &Stage) {
        self.asked.wait();
        run(Gitproc::command(stage).arg("shutdown"));
        self.daemon.wait();
    }
}

/// Builds the helper as `.ci/run` does for packages.
fn static_helper() -> PathBuf {
    let musl = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let said = |arguments: &[&str]| {
        let said = Command::new("rustc").args(arguments).output();
        String::from_utf8(said.expect("rustc runs").stdout).expect("text")
    };
    let libraries = said(&["--print", "target-libdir", "--target", &musl]);
    let about = said(&["-vV"]);
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let target = match Path::new(libraries.trim()).is_dir() {
        true => &musl,
        false => host.expect("rustc names its host"),
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["rustc", "--quiet", "--release", "-p", "gitproc-exec"]);
    cargo.args(["--bin", "gitproc-exec", "--target", target]);
    cargo.args(["--", "-C", "target-feature=+crt-static"]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(cargo.status().expect("cargo runs").success());
    let profile = Path::new(env!("CARGO_BIN_EXE_gitproc")).parent();
    let all = profile.and_then(Path::parent).expect("two directories");
    all.join(target).join("release/gitproc-exec")
}

// ── runit ───────────────────────────────────────────────────────────────────────────────────────

#[derive(Default)]
struct Runit(Daemon);

impl Rival for Runit {
    fn name(&self) -> &'static str {
        "runit"
    }
    fn missing(&self) -> Option<&'static str> {
        is_missing("runsvdir")
    }
    fn prepare(&mut self, stage: &Stage) {
        for number in 0..stage.size {
            let dir = stage.dir.join(format!("services/u{number}"));
            std::fs::create_dir_all(&dir).expect("fresh");
            let text = format!(
                "#!/bin/sh\nexec chpst -u nobody {}\n",
                stage.command(number)
            );
            script(&dir.join("run"), &text);
        }
    }
    fn start(&mut self, stage: &Stage) {
        self.0.start(quiet(
            Command::new("runsvdir").arg(stage.dir.join("services")),
        ));
    }
    fn pid(&self) -> u32 {
        self.0.pid()
    }
    fn status(&self, stage: &Stage) -> bool {
        succeeds(
            Command::new("sv")
                .arg("status")
                .arg(stage.dir.join("services/u0")),
        )
    }
    fn list(&self, stage: &Stage) -> bool {
        let dirs = (0..stage.size).map(|n| stage.dir.join(format!("services/u{n}")));
        succeeds(Command::new("sv").arg("status").args(dirs))
    }
    fn stop(&mut self, _: &Stage) {
        // Each runsv ends its service, and then itself.
        self.0.signal(1);
    }
    fn end(&mut self, _: &Stage) {
        self.0.wait();
    }
}

// ── s6 ──────────────────────────────────────────────────────────────────────────────────────────

#[derive(Default)]
struct S6(Daemon);

impl Rival for S6 {
    fn name(&self) -> &'static str {
        "s6"
    }
    fn missing(&self) -> Option<&'static str> {
        is_missing("s6-svscan").or(is_missing("execlineb"))
    }
    fn prepare(&mut self, stage: &Stage) {
        for number in 0..stage.size {
            let dir = stage.dir.join(format!("services/u{number}"));
            std::fs::create_dir_all(&dir).expect("fresh");
            let text = format!(
                "#!/usr/bin/env -S execlineb -P\ns6-setuidgid nobody {}\n",
                stage.command(number)
            );
            script(&dir.join("run"), &text);
        }
    }
    fn start(&mut self, stage: &Stage) {
        let mut svscan = Command::new("s6-svscan");
        svscan.arg("-c").arg((stage.size + 10).to_string());
        self.0.start(quiet(svscan.arg(stage.dir.join("services"))));
    }
    fn pid(&self) -> u32 {
        self.0.pid()
    }
    fn status(&self, stage: &Stage) -> bool {
        succeeds(Command::new("s6-svstat").arg(stage.dir.join("services/u0")))
    }
    fn list(&self, stage: &Stage) -> bool {
        // One at a time: that is how it is asked.
        let mut asked = (0..stage.size).map(|n| stage.dir.join(format!("services/u{n}")));
        asked.all(|dir| succeeds(Command::new("s6-svstat").arg(dir)))
    }
    fn stop(&mut self, stage: &Stage) {
        run(Command::new("s6-svscanctl")
            .arg("-t")
            .arg(stage.dir.join("services")));
    }
    fn end(&mut self, _: &Stage) {
        self.0.wait();
    }
}

// ── supervisor ──────────────────────────────────────────────────────────────────────────────────

#[derive(Default)]
struct Supervisor(Daemon);

impl Supervisor {
    fn control(stage: &Stage, arguments: &[&str]) -> bool {
        let mut control = Command::new("supervisorctl");
        control.arg("-c").arg(stage.dir.join("supervisor.conf"));
        succeeds(control.args(arguments))
    }
}

impl Rival for Supervisor {
    fn name(&self) -> &'static str {
        "supervisor"
    }
    fn missing(&self) -> Option<&'static str> {
        is_missing("supervisord")
    }
    fn prepare(&mut self, stage: &Stage) {
        let dir = stage.dir.display();
        let mut text = format!(
            "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={dir}/pid\nnodaemon=true\n\
             minfds=8192\nuser=root\n[unix_http_server]\nfile={dir}/ctl\n[supervisorctl]\n\
             serverurl=unix://{dir}/ctl\n[rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        );
        for number in 0..stage.size {
            text.push_str(&format!(
                "[program:u{number}]\ncommand={}\nuser=nobody\nautorestart=true\nstartsecs=0\n\
                 stdout_logfile=NONE\nstderr_logfile=NONE\n",
                stage.command(number)
            ));
        }
        std::fs::write(stage.dir.join("supervisor.conf"), text).expect("writable");
    }
    fn start(&mut self, stage: &Stage) {
        let mut daemon = Command::new("supervisord");
        daemon.arg("-c").arg(stage.dir.join("supervisor.conf"));
        self.0.start(quiet(&mut daemon));
    }
    fn pid(&self) -> u32 {
        self.0.pid()
    }
    fn status(&self, stage: &Stage) -> bool {
        Supervisor::control(stage, &["status", "u0"])
    }
    fn list(&self, stage: &Stage) -> bool {
        Supervisor::control(stage, &["status"])
    }
    fn stop(&mut self, stage: &Stage) {
        Supervisor::control(stage, &["stop", "all"]);
    }
    fn end(&mut self, stage: &Stage) {
        Supervisor::control(stage, &["shutdown"]);
        self.0.wait();
    }
}
