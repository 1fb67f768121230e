//! `init`: configuration, directories, store and clone. Safe to run twice.
use super::Context;
use crate::failure::Failure;
use crate::place::{Place, shell_word};
use gitproc_git::clone::{CloneConfig, README, README_NAME, init_clone};
use gitproc_git::{HeadState, Identity, Person, Request, Worker, WorkerConfig, hooks, identity};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a fresh configuration says: everything as a comment, with its default.
const CONFIG: &str = "\
# Configuration of gitproc. Every line that is commented out shows the default.
# Further files in gitproc.conf.d/*.conf are read after this one; the later line wins.

[Git]
# The branch of the store that is followed.
#Branch=main
# How often the branch is looked at without a push telling of it. Pushes are noticed at once.
#PollIntervalSec=60

[Manager]
# What it pulls in by [Install] is what runs.
#DefaultTarget=default.target
# Services start although this host can't restrict them as their units say.
#AllowDegraded=no
# What units may ask of the whole host by FailureAction and its kin: exit, reboot, poweroff.
#AllowHostActions=

[Logs]
# A log of this size begins a new file: 64K at least; 0: it grows for ever.
#MaxFileSize=16M
# How many older files of each stay, 32 at most.
#MaxFiles=4
# A log of this age, from its first line, begins a new file; 0: at any age.
#MaxFileSec=0
# Lines go to systemd-journald too, also those of units that do not ask for it.
#ForwardToJournal=no
";

/// Others may pass: the store below belongs to a user of its own.
const DIRECTORY_MODE: u32 = 0o755;

/// What was made, for `-o json`.
#[derive(Debug, Serialize)]
pub struct Made {
    /// It was not there before.
    pub new: bool,
    /// The store has no commit: it was lost, and the clone has its commits.
    pub push_needed: bool,
    pub config: PathBuf,
    pub store: PathBuf,
    pub clone: PathBuf,
}

/// Makes what is missing, and says what to do next.
pub fn run(context: &Context) -> Result<u8, Failure> {
    let made = make(&context.place)?;
    context.output.show(&made, || {
        let command = context.place.command();
        let (config, store) = (made.config.display(), made.store.display());
        let clone = made.clone.display();
        let how = if made.new {
            "ready"
        } else {
            "was there already"
        };
        let next = match made.push_needed {
            true => format!(
                "the store is empty; with the daemon running, fill it from the clone: git -C {} push",
                shell_word(&made.clone.to_string_lossy())
            ),
            false => format!(
                "{command} daemon, then put a unit file into the clone, commit it, and git push"
            ),
        };
        format!(
            "config  {config}\nstore   {store}\nclone   {clone} ({how})\nnext: {next}\n"
        )
    })?;
    Ok(0)
}

/// Makes what is missing.
pub fn make(place: &Place) -> Result<Made, Failure> {
    let layout = &place.layout;
    for directory in [&layout.state, &layout.logs] {
        make_directory(directory)?;
    }
    write_config(&layout.config)?;
    let branch = gitproc_daemon::config::load(&layout.config, false)
        .map_err(|error| Failure::caused("configuration", &error))?
        .branch;

    let store = layout.store();
    let owner = Identity::of_this_host().map_err(|error| Failure::caused("store", &error))?;
    identity::prepare_store(&store, owner).map_err(|error| Failure::caused("store", &error))?;
    let exe = std::env::current_exe()
        .map_err(|error| Failure::caused("can't find this program", &error))?;
    let failed = |error: &dyn std::error::Error| Failure::caused("hooks of the store", error);
    let reachable = hooks::reachable_exe(&layout.hooks(), &exe).map_err(|error| failed(&error))?;
    let socket_args = [OsString::from("--socket"), layout.socket().into()];
    hooks::install(&layout.hooks(), &reachable, &socket_args).map_err(|error| failed(&error))?;
    // A first commit over services that run would stop them all: whoever has a clone pushes it.
    let has_clone = layout.clone.join(".git").exists();
    let push_needed = make_store(&store, &branch, owner, reachable, has_clone)?;

    let new = init_clone(&CloneConfig {
        clone: layout.clone.clone(),
        store: store.clone(),
        identity: owner,
        exe,
        root_args: match &place.root {
            Some(root) => vec!["--root".into(), root.into()],
            None => Vec::new(),
        },
        branch,
        operator: operator(),
    })
    .map_err(|error| Failure::caused("clone", &error))?;
    Ok(Made {
        new,
        push_needed,
        config: layout.config.clone(),
        store,
        clone: layout.clone.clone(),
    })
}

/// Makes the store; without a clone also its first commit, since the branch has to exist for a clone
/// to have an upstream. True when it is left without a commit.
fn make_store(
    store: &Path,
    branch: &str,
    identity: Option<Identity>,
    exe: PathBuf,
    has_clone: bool,
) -> Result<bool, Failure> {
    let failed = |error| Failure::caused("store", &error);
    let worker = Worker::spawn(WorkerConfig {
        exe,
        store: store.to_owned(),
        identity,
    })
    .map_err(failed)?;
    worker.init(branch).map_err(failed)?;
    if has_clone {
        let head = worker.head(branch).map_err(failed)?;
        return Ok(head == HeadState::NoCommits);
    }
    let request = Request::InitialCommit {
        branch: branch.to_owned(),
        files: BTreeMap::from([(README_NAME.to_owned(), README.to_owned())]),
        author: Person {
            name: "gitproc".to_owned(),
            mail: "gitproc@localhost".to_owned(),
        },
    };
    worker
        .call(request, gitproc_git::client::DEADLINE)
        .map(|_| false)
        .map_err(failed)
}

/// Name of the one who runs this, for commits of a clone where git knows none.
fn operator() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid());
    let name = || user.ok().flatten().map(|user| user.name);
    std::env::var("SUDO_USER")
        .ok()
        .or_else(name)
        .unwrap_or_else(|| "operator".to_owned())
}

/// Makes a directory, and those above it, that others may pass; one that exists stays as it is.
pub fn make_directory(path: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::caused(format_args!("can't make {}", path.display()), &error);
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_directory(parent)?;
    }
    fs::create_dir(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(DIRECTORY_MODE)))
        .map_err(failed)
}

fn write_config(path: &Path) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        make_directory(parent)?;
    }
    let failed = |error| Failure::caused(format_args!("can't write {}", path.display()), &error);
    match fs::File::create_new(path) {
        Ok(mut file) => std::io::Write::write_all(&mut file, CONFIG.as_bytes()).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitproc_core::log_files::LogRotation;
    use gitproc_daemon::config::{Config, load};

    #[test]
    fn every_line_that_is_commented_out_shows_the_default() {
        let path = std::env::temp_dir().join(format!("gitproc-init-{}", std::process::id()));
        let uncommented: String = CONFIG
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if setting.contains('=') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        assert!(uncommented.contains("\nBranch="), "{uncommented}");
        fs::write(&path, &uncommented).expect("writable");
        let loaded = load(&path, true);
        fs::remove_file(&path).expect("there");
        let config = loaded.expect("good");
        assert_eq!(config, Config::default());
        // Whoever adds a field here adds a line there.
        let Config {
            branch: _,
            poll_interval: _,
            default_target: _,
            allow_degraded: _,
            allowed_actions: _,
            forward_to_journal: _,
            log_rotation:
                LogRotation {
                    max_file_size: _,
                    max_files: _,
                    max_file_us: _,
                },
        } = config;
        let keys = uncommented.lines().filter(|line| {
            line.contains('=') && !line.starts_with('#') // neither prose nor a section
        });
        assert_eq!(keys.count(), 9, "{uncommented}");
    }
}
