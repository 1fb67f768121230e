//! The `git` program, with nothing of the caller's environment that could steer it.
use crate::identity::Identity;
use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Where programs are sought when the caller has no PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn path() -> OsString {
    env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into())
}

/// git in the store, as its owner: no configuration but the store's own and `settings`.
pub(crate) fn as_owner(
    store: &Path,
    identity: Option<Identity>,
    settings: &[(&str, OsString)],
) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", path())
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .current_dir("/")
        // Ctrl-C on the daemon's terminal is for the daemon.
        .process_group(0);
    let safe = ("safe.directory", store.as_os_str().to_owned());
    let all: Vec<_> = settings.iter().chain([&safe]).collect();
    command.env("GIT_CONFIG_COUNT", all.len().to_string());
    for (number, (key, value)) in all.into_iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{number}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
    if let Some(Identity { uid, gid }) = identity {
        // Setting a uid as root also drops the supplementary groups.
        command.uid(uid).gid(gid);
    }
    command
}

/// git in a directory of the operator, with their own configuration, but never in another
/// repository that GIT_DIR and its like point at.
pub(crate) fn as_operator(directory: &Path) -> Command {
    let mut command = Command::new("git");
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") && !keeps(&name) {
            command.env_remove(name);
        }
    }
    command.current_dir(directory);
    command
}

/// What of GIT_* is about the person or their configuration, and not about a repository.
fn keeps(name: &OsString) -> bool {
    let kept = [
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_EXEC_PATH",
    ];
    kept.iter().any(|kept| name == kept)
}
