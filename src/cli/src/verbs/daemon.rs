//! Roles that other crates play: daemon, helper, git worker.
use super::Context;
use crate::args::{DaemonArgs, WorkerArgs};
use crate::failure::{FAILED, Failure};

/// `daemon`, in the foreground.
pub fn run(context: &Context, args: DaemonArgs) -> Result<u8, Failure> {
    let options = gitproc_daemon::Options {
        layout: context.place.layout.clone(),
        config: args.config,
        root: context.place.root.clone(),
        stop_services: args.stop_services,
    };
    match gitproc_daemon::run(options) {
        Ok(status) => Ok(status),
        Err(error) => Err(Failure::caused("daemon", &error)),
    }
}

/// `hold-cgroup`
pub fn hold_cgroup() -> Result<u8, Failure> {
    match gitproc_daemon::hold() {
        Ok(never) => match never {},
        Err(error) => Err(Failure::caused("hold-cgroup", &error)),
    }
}

/// `exec-helper`
pub fn exec_helper() -> Result<u8, Failure> {
    // An exit code beyond 255 can't be; were there one, it would be a failure.
    Ok(u8::try_from(gitproc_exec::run()).unwrap_or(FAILED))
}

/// `git-worker`
pub fn git_worker(args: &WorkerArgs) -> Result<u8, Failure> {
    Ok(gitproc_git::worker::serve(&args.store))
}
