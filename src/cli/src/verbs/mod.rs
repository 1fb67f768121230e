//! What each verb does. One file per kind of verb; here is who is called for which.
mod act;
pub mod daemon;
mod files;
mod hook;
pub mod init;
mod logs;
mod look;
mod pack;
mod security;
mod verify;

use crate::args::{Arguments, Format, Verb};
use crate::failure::{Failure, USAGE};
use crate::output::Output;
use crate::place::Place;
use crate::session::Session;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a verb needs to know.
pub struct Context {
    pub place: Place,
    pub output: Output,
}

impl Context {
    /// A conversation with this instance's daemon.
    pub fn session(&self) -> Result<Session, Failure> {
        Session::open(&self.place)
    }
}

/// Does what the arguments say. The code to exit with.
pub fn run(arguments: Arguments) -> Result<u8, Failure> {
    let output = Output::of(&arguments.global);
    let only_logs = matches!(
        output.format,
        Some(Format::Short | Format::Cat | Format::Export)
    );
    if only_logs && !matches!(arguments.verb, Verb::Logs(_)) {
        return Err(Failure::new(
            USAGE,
            "-o short, -o cat and -o export are for logs; here: table or json",
        ));
    }
    let place = || Place::of(&arguments.global);
    let context = match &arguments.verb {
        // These two run in places where not even HOME needs to be known.
        Verb::ExecHelper { .. } => return daemon::exec_helper(),
        Verb::HoldCgroup => return daemon::hold_cgroup(),
        Verb::GitWorker(args) => return daemon::git_worker(args),
        _ => &Context {
            place: place()?,
            output,
        },
    };
    use gitproc_core::Verb as Job;
    match arguments.verb {
        Verb::Demo(args) => crate::demo::run(context, &args),
        Verb::Init => init::run(context),
        Verb::Daemon(args) => daemon::run(context, args),
        Verb::Status(args) if args.units.is_empty() => look::host(context),
        Verb::Status(args) => look::units(context, args.units),
        Verb::List(args) => look::list(context, args),
        Verb::Show(args) if args.file.is_empty() => look::show(context, args),
        Verb::Show(args) => files::show(context, &args),
        Verb::Security(args) => security::run(context, args),
        Verb::Cat(args) => look::cat(context, args.units),
        Verb::Plan(args) => look::plan(context, args.rev),
        Verb::History(args) => look::history(context, args.limit),
        Verb::Start(args) => act::job(context, Job::Start, args),
        Verb::Stop(args) => act::job(context, Job::Stop, args),
        Verb::Restart(args) => act::job(context, Job::Restart, args),
        Verb::TryRestart(args) => act::job(context, Job::TryRestart, args),
        Verb::Reload(args) => act::job(context, Job::Reload, args),
        Verb::ReloadOrRestart(args) => act::job(context, Job::ReloadOrRestart, args),
        Verb::TryReloadOrRestart(args) => act::job(context, Job::TryReloadOrRestart, args),
        Verb::Isolate(args) => act::job(context, Job::Isolate, args),
        Verb::Kill(args) => act::kill(context, args),
        Verb::ResetFailed(args) => act::reset_failed(context, args.units),
        Verb::Sync(args) => act::sync(context, &args),
        Verb::Rollback(args) => act::rollback(context, args),
        Verb::Shutdown => act::shutdown(context),
        Verb::Logs(args) => logs::run(context, args),
        Verb::Verify(args) => verify::run(context, &args),
        Verb::Hook(args) => hook::run(context, args.hook),
        Verb::ReceivePack(args) => pack::run(context, pack::Service::ReceivePack, &args),
        Verb::UploadPack(args) => pack::run(context, pack::Service::UploadPack, &args),
        Verb::ExecHelper { .. } | Verb::HoldCgroup | Verb::GitWorker(_) => {
            unreachable!("they have returned above")
        }
    }
}

/// µs since the epoch.
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}
