//! The clone that people edit, made as the operator, without a daemon.
//!
//! The store belongs to somebody else, so it is read once as a bundle that git writes as the
//! store's owner; from then on pushes and fetches go through the daemon's socket.
use crate::identity::Identity;
use crate::{program, quote};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the first commit holds, for `Request::InitialCommit`.
pub const README: &str = "\
# Services of this host

Each `NAME.service` or `NAME.target` in this directory is a unit, as in systemd; drop-ins go to
`NAME.service.d/*.conf`. What says `WantedBy=multi-user.target` in `[Install]` runs, and what it needs.

    git add NAME.service && git commit -m 'run NAME' && git push

The push checks everything, shows what will change, and applies it. `gitproc status` shows the
host, and `gitproc rollback HEAD~1` returns to the commit before.
";

/// Name of the first commit's file.
pub const README_NAME: &str = "README.md";

/// Who commits in a clone of an operator who has told git nothing about themselves.
const FALLBACK_MAIL_HOST: &str = "localhost";

/// Which clone of which store.
#[derive(Debug, Clone)]
pub struct CloneConfig {
    /// Directory to make.
    pub clone: PathBuf,
    /// The bare store, which has `branch`.
    pub store: PathBuf,
    /// Owner of the store; has to be given by root.
    pub identity: Option<Identity>,
    /// The `gitproc` program, absolute.
    pub exe: PathBuf,
    /// `--root R`, or nothing.
    pub root_args: Vec<OsString>,
    /// The deployed branch.
    pub branch: String,
    /// Name of the operator, for commits where git knows none.
    pub operator: String,
}

/// The clone could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    /// A file or directory.
    #[error("{what} {}", path.display())]
    Io {
        /// `making`
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program is missing.
    #[error("running git (is it installed?)")]
    NoGit(#[source] io::Error),
    /// git says why.
    #[error("git {command} failed: {stderr}")]
    Git {
        /// Its arguments.
        command: String,
        /// Its last words.
        stderr: String,
    },
    /// Other people's files.
    #[error("{} exists and is not a git repository; move it away first", .0.display())]
    NotEmpty(PathBuf),
}

/// Makes the clone, or sets up the remote of one that exists; true when it is new. Safe to repeat.
pub fn init_clone(config: &CloneConfig) -> Result<bool, CloneError> {
    let clone = &config.clone;
    let new = !clone.join(".git").exists();
    if new {
        make_directory(clone)?;
        let head = format!("--initial-branch={}", config.branch);
        run(git(
            clone,
            &["init", "--quiet", "--object-format=sha1", &head],
        ))?;
    }
    configure(config)?;
    if new {
        fetch_first(config)?;
        let upstream = format!("origin/{}", config.branch);
        let branch = &config.branch;
        run(git(
            clone,
            &["checkout", "--quiet", "-B", branch, "--track", &upstream],
        ))?;
    }
    Ok(new)
}

fn make_directory(clone: &Path) -> Result<(), CloneError> {
    let failed = |what| {
        move |source| CloneError::Io {
            what,
            path: clone.to_owned(),
            source,
        }
    };
    fs::create_dir_all(clone).map_err(failed("making"))?;
    match fs::read_dir(clone).map_err(failed("reading"))?.next() {
        None => Ok(()),
        Some(_) => Err(CloneError::NotEmpty(clone.to_owned())),
    }
}

/// All of it is local to the clone; the operator's own configuration stays as it is.
fn configure(config: &CloneConfig) -> Result<(), CloneError> {
    let pack = |service: &str| {
        let arguments = config.root_args.iter().map(OsString::as_os_str);
        let service = OsStr::new(service);
        quote::words(
            [config.exe.as_os_str()]
                .into_iter()
                .chain(arguments)
                .chain([service]),
        )
    };
    let branch = &config.branch;
    let mut settings: Vec<(String, OsString)> = vec![
        ("remote.origin.url".into(), config.store.clone().into()),
        (
            "remote.origin.fetch".into(),
            "+refs/heads/*:refs/remotes/origin/*".into(),
        ),
        ("remote.origin.receivepack".into(), pack("receive-pack")),
        ("remote.origin.uploadpack".into(), pack("upload-pack")),
        (format!("branch.{branch}.remote"), "origin".into()),
        (
            format!("branch.{branch}.merge"),
            format!("refs/heads/{branch}").into(),
        ),
        ("push.default".into(), "simple".into()),
    ];
    let host = FALLBACK_MAIL_HOST;
    let operator = &config.operator;
    for (key, value) in [
        ("user.name", operator.clone()),
        ("user.email", format!("{operator}@{host}")),
    ] {
        let known = git(&config.clone, &["config", "--get", key])
            .stdout(Stdio::null())
            .status()
            .map_err(CloneError::NoGit)?;
        if !known.success() {
            settings.push((key.into(), value.into()));
        }
    }
    for (key, value) in settings {
        let mut command = git(&config.clone, &["config", "--replace-all", &key]);
        command.arg(value);
        run(command)?;
    }
    Ok(())
}

fn fetch_first(config: &CloneConfig) -> Result<(), CloneError> {
    let bundle = config.clone.join(".git/gitproc-first.bundle");
    let failed = |what| {
        let path = bundle.clone();
        move |source| CloneError::Io { what, path, source }
    };
    let file = File::create(&bundle).map_err(failed("making"))?;
    let mut command = program::as_owner(&config.store, config.identity, &[]);
    command
        .arg("-C")
        .arg(&config.store)
        .args(["bundle", "create", "--quiet", "-", "--branches"]);
    run_into(command, Stdio::from(file))?;
    let mut command = git(&config.clone, &["fetch", "--quiet"]);
    command
        .arg(&bundle)
        .arg("+refs/heads/*:refs/remotes/origin/*");
    run(command)?;
    fs::remove_file(&bundle).map_err(failed("removing"))
}

fn git(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = program::as_operator(directory);
    command.args(arguments);
    command
}

fn run(command: Command) -> Result<(), CloneError> {
    run_into(command, Stdio::null())
}

fn run_into(mut command: Command, stdout: Stdio) -> Result<(), CloneError> {
    let output = command
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .output()
        .map_err(CloneError::NoGit)?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
            Err(CloneError::Git {
                command: arguments.join(" "),
                stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            })
        }
    }
}
