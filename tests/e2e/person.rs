//! Whoever runs the program in a test: root, an ordinary user, or someone on a poor host.
//!
//! Where root runs the tests, the ordinary user is a child of root that has given up everything, so
//! that a CI that runs as root covers both. Its uid is in no user database, as in many containers.
use crate::instance::{DEADLINE, pause};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Not used by any distribution (the range for containers begins at 65536).
const ORDINARY: u32 = 61_184;

/// How programs are started.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// To become, by root.
    uid: Option<u32>,
    /// Words before the program and its arguments.
    prefix: Vec<OsString>,
}

impl Person {
    /// Who runs the tests.
    pub fn myself() -> Person {
        Person::default()
    }

    /// Somebody without any privilege.
    pub fn ordinary() -> Person {
        Person {
            uid: nix::unistd::geteuid().is_root().then_some(ORDINARY),
            ..Person::default()
        }
    }

    /// Somebody without privilege, on a host where nobody may make user namespaces. `None` where
    /// that can't be staged: such a host has none anyway.
    pub fn without_user_namespaces() -> Option<Person> {
        // In an own user namespace the limit can be set; a second one gives the uid back, and with
        // that the limit is reached.
        const SCRIPT: &str = "u=$1; shift; echo 1 > /proc/sys/user/max_user_namespaces; \
             exec unshare --user --map-user=$u --map-group=$u -- \"$@\"";
        let ordinary = Person::ordinary();
        let uid = ordinary.uid();
        let words = [
            "unshare",
            "--user",
            "--map-root-user",
            "sh",
            "-c",
            SCRIPT,
            "sh",
        ];
        let mut prefix: Vec<OsString> = words.map(OsString::from).to_vec();
        prefix.push(uid.to_string().into());
        Person { prefix, ..ordinary }.if_it_works()
    }

    /// Root, on a host without any cgroup.
    pub fn without_cgroups() -> Option<Person> {
        const SCRIPT: &str = "umount -l /sys/fs/cgroup && exec \"$@\"";
        let words = ["unshare", "--mount", "sh", "-c", SCRIPT, "sh"];
        Person {
            uid: None,
            prefix: words.map(OsString::from).to_vec(),
        }
        .if_it_works()
    }

    fn if_it_works(self) -> Option<Person> {
        let tried = self.command("true").stderr(Stdio::null()).status();
        let works = tried.is_ok_and(|status| status.success());
        if !works {
            eprintln!("this host can't be made poorer, not run");
        }
        works.then_some(self)
    }

    /// A program as this person would start it.
    pub fn command(&self, program: impl Into<OsString>) -> Command {
        use std::os::unix::process::CommandExt;
        let mut words = self.prefix.iter().cloned().chain([program.into()]);
        let mut command = Command::new(words.next().expect("at least the program"));
        command.args(words);
        if let Some(uid) = self.uid {
            // Setting a uid as root also drops the supplementary groups.
            command.uid(uid).gid(uid).current_dir("/");
            for name in [
                "SUDO_USER",
                "XDG_RUNTIME_DIR",
                "XDG_CONFIG_HOME",
                "XDG_STATE_HOME",
            ] {
                command.env_remove(name);
            }
        }
        command
    }

    /// Their number.
    pub fn uid(&self) -> u32 {
        self.uid.unwrap_or_else(|| nix::unistd::geteuid().as_raw())
    }

    /// Gives them a directory that exists.
    pub fn own(&self, path: &Path) {
        if let Some(uid) = self.uid {
            std::os::unix::fs::chown(path, Some(uid), Some(uid)).expect("root can give it away");
        }
    }

    /// The program, where this person can execute it: the build directory may be closed to them.
    pub fn program(&self, below: &Path) -> PathBuf {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_gitproc"));
        if self.uid.is_none() || self.can_execute(&built) {
            return built;
        }
        let copy = below.join("gitproc");
        std::fs::copy(&built, &copy).expect("a copy of the program");
        // Another test's fork may hold the copy open for writing for a moment (ETXTBSY).
        let begin = Instant::now();
        while !self.can_execute(&copy) {
            assert!(
                begin.elapsed() < DEADLINE,
                "{} can't be executed",
                copy.display()
            );
            pause();
        }
        copy
    }

    fn can_execute(&self, program: &Path) -> bool {
        let mut command = self.command(program);
        let version = command
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    }
}
