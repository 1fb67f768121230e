//! A daemon as small as a test needs: it spawns the helper and speaks its protocol.
#![allow(dead_code, missing_docs, clippy::missing_panics_doc)] // each test uses a part of it
use gitproc_core::log_policy::Journal;
use gitproc_core::protocol::{Exit, FromHelper, HelperState, ToHelper, Whom};
use gitproc_core::spec::{
    self, ExecSpec, Identity, Ids, NamespaceMode, PrivilegeSpec, SEARCH_PATH, SPEC_VERSION,
    Scheduling, StartOnly, Streams,
};
use gitproc_core::spec_build::{self, SpecContext};
use gitproc_core::{CommitId, InvocationId};
use gitproc_sys::cgroup::{Hierarchy, Limits, UnitCgroup};
use gitproc_sys::spawn::{HelperSpawn, Namespaces, Spawned};
use gitproc_sys::{file, host, memfd, pidfd, socket};
use gitproc_unit::{
    ExecCommand, ExecRole, HostFacts, NotifyAccess, Privileges, ServiceSection, ServiceType,
    Severity, TreeEntry, UnitName,
};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// Longest wait for anything that the helper is to say.
const PATIENCE: Duration = Duration::from_secs(20);

/// True when root; else says so, and fails where CI promised root.
pub fn is_root(test: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    assert!(
        root || std::env::var_os("CI").is_none(),
        "{test} needs root, and CI=true says it has it"
    );
    if !root {
        eprintln!("{test}: needs root, not run");
    }
    root
}

/// `sh -c text` as a command.
pub fn sh(text: &str) -> ExecCommand {
    command(&["/bin/sh", "-c", text])
}

pub fn command(argv: &[&str]) -> ExecCommand {
    ExecCommand {
        path: argv[0].to_owned(),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        ignore_failure: false,
        no_expand: true,
        privileges: Privileges::Unit,
    }
}

fn identity(service: &ServiceSection) -> Identity {
    let user = service.user.as_deref().map(|name| {
        let found = nix::unistd::User::from_name(name).expect("a user database");
        found.unwrap_or_else(|| panic!("there is no user {name}"))
    });
    let group = service.group.as_deref().map(|name| {
        let found = nix::unistd::Group::from_name(name).expect("a group database");
        found
            .unwrap_or_else(|| panic!("there is no group {name}"))
            .gid
    });
    let gid = group.or(user.as_ref().map(|user| user.gid));
    let ids = user.as_ref().map(|user| Ids {
        uid: user.uid.as_raw(),
        gid: gid.unwrap_or(user.gid).as_raw(),
        groups: vec![gid.unwrap_or(user.gid).as_raw()],
    });
    Identity {
        dynamic: false,
        ids,
        user_name: user.as_ref().map(|user| user.name.clone()),
        home: user.map(|user| user.dir.display().to_string()),
        shell: None,
    }
}

/// One invocation, with its directory and its cgroup.
pub struct Service {
    pub dir: PathBuf,
    pub spec: ExecSpec,
    pub limits: Limits,
    pub unapplied: Vec<String>,
    instance: String,
    cgroups: Hierarchy,
    pub cgroup: Option<UnitCgroup>,
    pub helper: Option<Spawned>,
    link: Option<BufReader<UnixStream>>,
}

impl Service {
    pub fn new(start: ExecCommand) -> Service {
        let invocation = InvocationId(host::getrandom_u128().expect("randomness"));
        let dir = std::env::temp_dir().join(format!("gitproc-test-{invocation}"));
        std::fs::create_dir(&dir).expect("a fresh name");
        std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o711))
            .expect("ours");
        let root = nix::unistd::geteuid().is_root();
        let spec = ExecSpec {
            version: SPEC_VERSION,
            invocation,
            unit: UnitName::parse("test.service").expect("a name"),
            commit: None,
            service_type: ServiceType::Simple,
            commands: BTreeMap::from([(ExecRole::Start, vec![start])]),
            namespace: if root {
                NamespaceMode::Pid
            } else {
                NamespaceMode::None
            },
            delegate: false,
            remarks: Vec::new(),
            join_cgroup_files: Vec::new(),
            log_file: dir.join("log").display().to_string(),
            log_rotation: Default::default(),
            identity: Identity {
                dynamic: false,
                ids: None,
                user_name: None,
                home: None,
                shell: None,
            },
            directories: Vec::new(),
            pid_file: None,
            guess_main_pid: true,
            notify_access: NotifyAccess::None,
            descriptor_store_max: 0,
            watchdog_us: None,
            working_directory: "/".to_owned(),
            working_directory_optional: false,
            environment: Vec::new(),
            environment_files: Vec::new(),
            unset_environment: Vec::new(),
            search_path: SEARCH_PATH.split(':').map(str::to_owned).collect(),
            umask: 0o022,
            start_only: StartOnly::default(),
            streams: Streams::default(),
            scheduling: Scheduling::default(),
            privileges: PrivilegeSpec::default(),
            namespaces: spec::Namespaces::default(),
            mounts: spec::Mounts::default(),
            credentials: None,
            system_calls: Vec::new(),
            allow_degraded: false,
        };
        Service {
            spec,
            limits: Limits::default(),
            unapplied: Vec::new(),
            instance: format!("gitproc-test-{invocation}"),
            cgroups: if root {
                Hierarchy::detect()
            } else {
                Hierarchy::none("not root")
            },
            cgroup: None,
            helper: None,
            link: None,
            dir,
        }
    }

    /// A service of these lines of [Service], as the daemon would tell the helper about it; its main
    /// process is `sh -c script`. `User=` and `Group=` by name are looked up.
    pub fn of_unit(lines: &str, script: &str) -> Service {
        let mut service = Service::new(sh(script));
        let name = service.spec.unit.clone();
        let file = TreeEntry::File(format!("[Service]\n{lines}\nExecStart=true\n"));
        let facts = HostFacts::example();
        let (unit, diagnostics) = gitproc_unit::load_alone(&name, file, &facts);
        let wrong: Vec<_> = diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        let unit = unit.expect("a unit");
        let section = unit.service.as_deref().expect("a service");
        let context = SpecContext {
            dir: "/nonexistent",
            unapplied: &[],
            joins: gitproc_core::spec_build::Joins::default(),
            invocation: service.spec.invocation,
            commit: &CommitId("0".repeat(40)),
            identity: identity(section),
            namespace: service.spec.namespace,
            join_cgroup_files: Vec::new(),
            log_file: service.spec.log_file.clone(),
            log_rotation: Default::default(),
            journal: Journal {
                socket: dir_of(&service.spec.log_file) + "/journal",
                by_default: false,
            },
            lang: None,
            environment: &BTreeMap::from([("PASSED".to_owned(), "from the daemon".to_owned())]),
            allow_degraded: false,
        };
        let commands = service.spec.commands.clone();
        service.spec = spec_build::build(&unit, section, &facts, context);
        service.spec.commands.extend(commands);
        service
    }

    /// What `sh -c script` prints as the main process of a service of these lines.
    pub fn view(lines: &str, script: &str) -> String {
        Service::of_unit(lines, script).up().output()
    }

    pub fn with(mut self, change: impl FnOnce(&mut ExecSpec)) -> Service {
        change(&mut self.spec);
        self
    }

    pub fn under_nobody(self) -> Service {
        let ids = Ids {
            uid: 65534,
            gid: 65534,
            groups: vec![65534, 4242],
        };
        self.with(|spec| spec.identity.ids = Some(ids))
    }

    /// Makes the helper; it waits for go.
    pub fn spawn(&mut self) {
        let name = self.spec.unit.to_string();
        let (cgroup, unapplied) = self
            .cgroups
            .create(&self.instance, &[], &name, &self.limits)
            .expect("cgroup");
        self.unapplied = unapplied;
        let realtime = self.spec.scheduling.cpu.is_some_and(|cpu| cpu.priority > 0);
        self.spec.join_cgroup_files = cgroup.join_files(realtime);
        // Another build of the helper (the static one) can be put in its place.
        let program = std::env::var_os("GITPROC_TEST_HELPER")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_gitproc-exec").into());
        let exe = file::open_program(program.as_ref()).expect("built");
        let spec = serde_json::to_vec(&self.spec).expect("plain data");
        let spec = memfd::sealed("spec", &spec).expect("memfd");
        let (link, other) = socket::pair().expect("pair");
        let dir = file::open_dir(&self.dir).expect("ours");
        let shim = cgroup.shim_fd().expect("made above");
        let null = || std::fs::File::open("/dev/null").expect("everywhere").into();
        let payload: OwnedFd = cgroup
            .payload_fd()
            .expect("made above")
            .unwrap_or_else(null);
        let (pid, user) = match self.spec.namespace {
            NamespaceMode::Pid => (true, false),
            NamespaceMode::UserPid => (true, true),
            NamespaceMode::None => (false, false),
        };
        let nothing = std::fs::File::open("/dev/null").expect("everywhere");
        let spawned = HelperSpawn {
            exe: exe.as_fd(),
            argv: &["gitproc-exec"],
            envp: &[],
            cgroup: shim.as_ref().map(AsFd::as_fd),
            namespaces: Namespaces {
                pid,
                mount: pid,
                user,
            },
            fds: [
                spec.as_fd(),
                other.as_fd(),
                dir.as_fd(),
                payload.as_fd(),
                nothing.as_fd(),
                nothing.as_fd(),
                nothing.as_fd(),
            ],
        };
        self.helper = Some(spawned.spawn().expect("the helper starts"));
        self.cgroup = Some(cgroup);
        self.attach(link);
    }

    fn attach(&mut self, link: UnixStream) {
        link.set_read_timeout(Some(PATIENCE)).expect("a socket");
        self.link = Some(BufReader::new(link));
    }

    /// A new link, as an adopting daemon makes it; returns the state of the greeting.
    pub fn reconnect(&mut self) -> HelperState {
        let dir = file::open_dir(&self.dir).expect("ours");
        self.attach(socket::connect_at(dir.as_fd(), "ctl.sock").expect("the helper listens"));
        self.hello()
    }

    pub fn drop_link(&mut self) {
        self.link = None;
    }

    pub fn hello(&mut self) -> HelperState {
        match self.next() {
            FromHelper::Hello { state, .. } => state,
            other => panic!("expected Hello, got {other:?}"),
        }
    }

    /// Spawn, go, ready.
    pub fn up(mut self) -> Service {
        self.spawn();
        self.hello();
        self.send(&ToHelper::Go);
        assert_eq!(self.next(), FromHelper::Ready, "set-up\n{}", self.log());
        self
    }

    pub fn send(&mut self, message: &ToHelper) {
        let mut line = serde_json::to_vec(message).expect("plain data");
        line.push(b'\n');
        self.link
            .as_mut()
            .expect("linked")
            .get_mut()
            .write_all(&line)
            .expect("the helper reads");
    }

    pub fn next(&mut self) -> FromHelper {
        let mut line = String::new();
        let read = self.link.as_mut().expect("linked").read_line(&mut line);
        assert!(
            matches!(read, Ok(1..)),
            "the helper says nothing more: {read:?}"
        );
        serde_json::from_str(&line).expect("a message")
    }

    /// The first message that `pick` takes; others before it are skipped.
    pub fn until<T>(&mut self, pick: impl Fn(&FromHelper) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(&self.next()) {
                return found;
            }
        }
    }

    pub fn run(&mut self, role: ExecRole) {
        self.send(&ToHelper::Run {
            role,
            index: 0,
            environment: Vec::new(),
        });
    }

    /// Runs a command and waits for its end.
    pub fn run_to_end(&mut self, role: ExecRole) -> Exit {
        self.run(role);
        self.exit()
    }

    pub fn exit(&mut self) -> Exit {
        self.until(|message| match message {
            FromHelper::Exited(exit) => Some(exit.clone()),
            _ => None,
        })
    }

    pub fn execed(&mut self) {
        self.until(|message| matches!(message, FromHelper::Execed { .. }).then_some(()));
    }

    pub fn signal(&mut self, whom: Whom, signal: i32) {
        self.send(&ToHelper::Signal { whom, signal });
    }

    /// Ends the helper and waits for it; returns its exit.
    pub fn quit(&mut self) -> pidfd::End {
        self.send(&ToHelper::Quit);
        self.helper_end()
    }

    pub fn helper_end(&mut self) -> pidfd::End {
        let helper = self.helper.as_ref().expect("spawned");
        assert!(
            pidfd::wait(helper.pidfd.as_fd(), 20_000).expect("a pidfd"),
            "the helper lives on"
        );
        pidfd::reap(helper.pidfd.as_fd())
            .expect("our child")
            .expect("it has ended")
    }

    /// Payloads of the log's records, one per line.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.spec.log_file).unwrap_or_default();
        let records = bytes
            .split(|byte| *byte == b'\n')
            .filter_map(gitproc_core::logline::decode);
        let ours = records.filter(|record| record.tag != gitproc_core::logline::Tag::Invocation);
        ours.map(|record| String::from_utf8_lossy(record.bytes).into_owned() + "\n")
            .collect()
    }

    /// The identifier that each line of the log carries.
    pub fn identifiers(&self) -> Vec<Option<String>> {
        let bytes = std::fs::read(&self.spec.log_file).unwrap_or_default();
        bytes
            .split(|byte| *byte == b'\n')
            .filter_map(gitproc_core::logline::decode)
            .filter(|record| record.tag != gitproc_core::logline::Tag::Invocation)
            .map(|record| record.identifier.map(str::to_owned))
            .collect()
    }

    /// Level and text of each line that the service wrote.
    pub fn lines(&self) -> Vec<(u8, String)> {
        let bytes = std::fs::read(&self.spec.log_file).unwrap_or_default();
        let text = |record: gitproc_core::logline::Record<'_>| {
            let text = String::from_utf8_lossy(record.bytes).into_owned();
            (record.level, text)
        };
        use gitproc_core::logline::Tag;
        bytes
            .split(|byte| *byte == b'\n')
            .filter_map(gitproc_core::logline::decode)
            .filter(|record| matches!(record.tag, Tag::Stdout { .. } | Tag::Stderr { .. }))
            .map(text)
            .collect()
    }

    /// The files of the log.
    pub fn log_files(&self) -> Vec<std::path::PathBuf> {
        let dir = dir_of(&self.spec.log_file);
        let entries = std::fs::read_dir(dir).expect("ours").flatten();
        let paths = entries.map(|entry| entry.path());
        paths
            .filter(|path| path.to_string_lossy().starts_with(&self.spec.log_file))
            .collect()
    }

    /// Where the journal of the host would listen.
    pub fn journal(&self) -> String {
        dir_of(&self.spec.log_file) + "/journal"
    }

    /// What gitproc itself remarked in the log.
    pub fn remarks(&self) -> Vec<String> {
        let bytes = std::fs::read(&self.spec.log_file).unwrap_or_default();
        bytes
            .split(|byte| *byte == b'\n')
            .filter_map(gitproc_core::logline::decode)
            .filter(|record| record.tag == gitproc_core::logline::Tag::Remark)
            .map(|record| String::from_utf8_lossy(record.bytes).into_owned())
            .collect()
    }

    /// What `sh -c text` prints, run as the main process.
    pub fn output(mut self) -> String {
        let exit = self.run_to_end(ExecRole::Start);
        assert_eq!(exit.failure, None, "{}", self.log());
        self.quit();
        self.log()
    }

    pub fn wait_for(&self, what: &str, holds: impl Fn() -> bool) {
        let give_up = host::monotonic_us() + PATIENCE.as_micros() as u64;
        while !holds() {
            assert!(
                host::monotonic_us() < give_up,
                "{what}: not within {PATIENCE:?}\n{}",
                self.log()
            );
            // A poll on nothing: there is no event for what the tests look at from outside.
            let _ = nix::poll::poll(&mut [], 5u8);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(helper) = &self.helper {
            let _ = pidfd::send_signal(helper.pidfd.as_fd(), 9);
            let _ = pidfd::wait(helper.pidfd.as_fd(), 5_000);
            let _ = pidfd::reap(helper.pidfd.as_fd());
        }
        // As the daemon does.
        for (private, _) in spec_build::mounts::private_directories(self.spec.invocation) {
            let _ = std::fs::remove_dir_all(private);
        }
        let cleaned = self.cgroups.remove_instance(&self.instance);
        let _ = std::fs::remove_dir_all(&self.dir);
        if let (Err(error), false) = (cleaned, std::thread::panicking()) {
            panic!("{}", error.in_full());
        }
    }
}

fn dir_of(path: &str) -> String {
    path.rsplit_once('/').expect("absolute").0.to_owned()
}
