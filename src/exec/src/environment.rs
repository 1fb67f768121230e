//! The environment of a command, in systemd's order: later ones win.
use gitproc_core::spec::ExecSpec;
use gitproc_unit::{DirectoryKind, ExecRole, parse_environment_file};
use std::io::Read;

/// Longest environment file that is read, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// Why an environment file stopped a command: errno, and what was tried.
pub(crate) type FileError = (i32, String);

/// Variables that are the same for every command of the invocation.
pub(crate) fn fixed(spec: &ExecSpec, notify_socket: Option<&str>) -> Vec<(String, String)> {
    let identity = &spec.identity;
    let user = [
        ("USER", &identity.user_name),
        ("LOGNAME", &identity.user_name),
        ("HOME", &identity.home),
        ("SHELL", &identity.shell),
    ];
    let mut env = vec![("PATH".to_owned(), spec.search_path.join(":"))];
    env.extend(
        user.into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))),
    );
    let secrets = spec.credentials.as_ref();
    env.extend(secrets.map(|secrets| ("CREDENTIALS_DIRECTORY".to_owned(), secrets.dir.clone())));
    let store = Some(spec.descriptor_store_max).filter(|max| *max > 0);
    env.extend(store.map(|max| ("FDSTORE".to_owned(), max.to_string())));
    env.extend(notify_socket.map(|path| ("NOTIFY_SOCKET".to_owned(), path.to_owned())));
    for directory in spec
        .directories
        .iter()
        .filter(|directory| !directory.paths.is_empty())
    {
        // What is in private/ has a link at the usual place, by which it is known.
        let base = match directory.private {
            true => directory
                .base
                .strip_suffix("/private")
                .unwrap_or(&directory.base),
            false => &directory.base,
        };
        let paths: Vec<_> = directory
            .paths
            .iter()
            .map(|path| format!("{base}/{path}"))
            .collect();
        env.push((variable(directory.kind).to_owned(), paths.join(":")));
    }
    env
}

fn variable(kind: DirectoryKind) -> &'static str {
    match kind {
        DirectoryKind::Runtime => "RUNTIME_DIRECTORY",
        DirectoryKind::State => "STATE_DIRECTORY",
        DirectoryKind::Cache => "CACHE_DIRECTORY",
        DirectoryKind::Logs => "LOGS_DIRECTORY",
        DirectoryKind::Configuration => "CONFIGURATION_DIRECTORY",
    }
}

/// Everything for one command. Reads the environment files, so it runs in the forked child: a file
/// that blocks holds up that command only. `passed` are the names of descriptors from 3 on. What
/// `UnsetEnvironment=` names is gone at last.
pub(crate) fn of_command(
    spec: &ExecSpec,
    role: ExecRole,
    fixed: &[(String, String)],
    of_run: &[(String, String)],
    passed: &[&str],
) -> Result<Vec<(String, String)>, FileError> {
    let mut env = fixed.to_vec();
    // The first process of the command, as it knows itself: it leaves no other to take this for its
    // own (systemd.exec(5)).
    let own = std::process::id().to_string();
    if let Some(us) = spec.watchdog_us.filter(|_| role == ExecRole::Start) {
        env.push(("WATCHDOG_PID".to_owned(), own.clone()));
        env.push(("WATCHDOG_USEC".to_owned(), us.to_string()));
    }
    if !passed.is_empty() {
        // sd_listen_fds(3)
        env.push(("LISTEN_PID".to_owned(), own.clone()));
        env.push(("LISTEN_FDS".to_owned(), passed.len().to_string()));
        env.push(("LISTEN_FDNAMES".to_owned(), passed.join(":")));
    }
    env.push(("SYSTEMD_EXEC_PID".to_owned(), own));
    env.extend_from_slice(of_run);
    env.extend_from_slice(&spec.environment);
    for file in &spec.environment_files {
        let found: Result<Vec<_>, _> =
            matches(&file.path).and_then(|paths| paths.iter().map(|path| read(path)).collect());
        match found {
            Ok(found) => env.extend(found.into_iter().flatten()),
            Err(_) if file.optional => {}
            Err(error) => return Err(error),
        }
    }
    env.retain(|(name, value)| !is_unset(&spec.unset_environment, name, value));
    Ok(env)
}

/// `NAME` takes a variable away whatever its value, `NAME=value` only with this one.
fn is_unset(unset: &[String], name: &str, value: &str) -> bool {
    unset.iter().any(|entry| match entry.split_once('=') {
        Some((unset, exactly)) => unset == name && exactly == value,
        None => entry == name,
    })
}

/// The files that a pattern stands for, sorted; none is an error, as is a plain path's absence.
fn matches(pattern: &str) -> Result<Vec<String>, FileError> {
    if !pattern.contains(['*', '?', '[']) {
        return Ok(vec![pattern.to_owned()]);
    }
    let found: Vec<String> = glob::glob(pattern)
        .map_err(|error| (0, format!("environment files {pattern}: {error}")))?
        .flatten()
        .filter_map(|path| path.into_os_string().into_string().ok())
        .collect();
    match found.is_empty() {
        true => Err((
            nix::errno::Errno::ENOENT as i32,
            format!("read environment files {pattern}"),
        )),
        false => Ok(found),
    }
}

fn read(path: &str) -> Result<Vec<(String, String)>, FileError> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes))
        .map_err(|cause| {
            (
                cause.raw_os_error().unwrap_or(0),
                format!("read environment file {path}"),
            )
        })?;
    parse_environment_file(&bytes).map_err(|error| (0, format!("environment file {path}: {error}")))
}

/// As execve wants it: one assignment per name, the last.
pub(crate) fn assignments(env: &[(String, String)]) -> Vec<String> {
    let last: std::collections::BTreeMap<_, _> = env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    last.into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}
