//! Verbs that change what runs.
use super::Context;
use crate::args::{JobArgs, KillArgs, Mode, RollbackArgs, SyncArgs, Whom};
use crate::failure::{FAILED, Failure, NO_SUCH_UNIT};
use crate::place::shell_word;
use crate::render;
use gitproc_core::generation::Outcome;
use gitproc_core::{JobMode, JobOutcome, JobResult, KillWhom, Verb};
use gitproc_rpc::api::{
    ApplyReport, Empty, Isolate, JobParams, Kill, KillParams, Method, Progress, Reload,
    ReloadOrRestart, ResetFailed, Restart, Rollback, RollbackParams, Shutdown, Start, Stop, Sync,
    SyncParams, TryReloadOrRestart, TryRestart, Units,
};
use serde_json::value::RawValue;
use std::ops::ControlFlow;

/// The verbs that ask for jobs.
pub fn job(context: &Context, verb: Verb, args: JobArgs) -> Result<u8, Failure> {
    let params = JobParams {
        units: args.units,
        no_block: args.no_block,
        job_mode: match args.job_mode {
            Mode::Replace => JobMode::Replace,
            Mode::Fail => JobMode::Fail,
            Mode::Isolate => JobMode::Isolate,
            Mode::IgnoreDependencies => JobMode::IgnoreDependencies,
            Mode::IgnoreRequirements => JobMode::IgnoreRequirements,
        },
    };
    let mut session = context.session()?;
    let outcomes = match verb {
        Verb::Start => session.call::<Start>(&params),
        Verb::Stop => session.call::<Stop>(&params),
        Verb::Restart => session.call::<Restart>(&params),
        Verb::TryRestart => session.call::<TryRestart>(&params),
        Verb::Reload => session.call::<Reload>(&params),
        Verb::ReloadOrRestart => session.call::<ReloadOrRestart>(&params),
        Verb::TryReloadOrRestart => session.call::<TryReloadOrRestart>(&params),
        Verb::Isolate => session.call::<Isolate>(&params),
    }?;
    context.output.show(&outcomes, || {
        let line = |outcome: &JobOutcome| match outcome.result {
            JobResult::Done => match &outcome.reason {
                Some(reason) => format!("{} skipped: {reason}\n", outcome.unit),
                None => format!("{} {}\n", outcome.unit, past(verb)),
            },
            _ => String::new(),
        };
        outcomes.iter().map(line).collect()
    })?;
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.result != JobResult::Done);
    match failed.clone().next() {
        None => Ok(0),
        Some(first) => {
            let message = failed.map(job_failure).collect::<Vec<_>>().join("; ");
            let exit = match first.result {
                JobResult::NotFound => NO_SUCH_UNIT,
                _ => FAILED,
            };
            let command = context.place.command();
            let next = match first.result {
                JobResult::NotFound => format!("{command} list --all"),
                _ => format!("{command} status {}", first.unit),
            };
            Err(Failure::new(exit, message).with_hint(next))
        }
    }
}

fn past(verb: Verb) -> &'static str {
    match verb {
        Verb::Start => "started",
        Verb::Stop => "stopped",
        Verb::Restart => "restarted",
        Verb::TryRestart => "restarted, if it ran",
        Verb::Reload => "reloaded",
        Verb::ReloadOrRestart => "reloaded or restarted",
        Verb::TryReloadOrRestart => "reloaded or restarted, if it ran",
        Verb::Isolate => "started, and the rest stopped",
    }
}

fn job_failure(outcome: &JobOutcome) -> String {
    let what = match outcome.result {
        JobResult::Done => "done",
        JobResult::Failed => "failed",
        JobResult::Dependency => "a unit that it needs did not come up",
        JobResult::Assert => "did not start",
        JobResult::Canceled => "another request took its place",
        JobResult::Timeout => "its job timed out",
        JobResult::Invalid => "does not apply to this unit now",
        JobResult::NotFound => "no such unit",
    };
    match &outcome.reason {
        Some(reason) => format!("{}: {what}: {reason}", outcome.unit),
        None => format!("{}: {what}", outcome.unit),
    }
}

/// `kill`
pub fn kill(context: &Context, args: KillArgs) -> Result<u8, Failure> {
    let whom = match args.kill_whom {
        Whom::Main => KillWhom::Main,
        Whom::Control => KillWhom::Control,
        Whom::All => KillWhom::All,
    };
    let done = context.session()?.call::<Kill>(&KillParams {
        units: args.units.clone(),
        signal: args.signal,
        whom,
    })?;
    context.output.show(&done, || {
        let units = args.units.join(" ");
        let command = context.place.command();
        format!(
            "signal {} sent; next: {command} status {units}\n",
            args.signal
        )
    })?;
    Ok(0)
}

/// `reset-failed`
pub fn reset_failed(context: &Context, units: Vec<String>) -> Result<u8, Failure> {
    let done = context.session()?.call::<ResetFailed>(&Units { units })?;
    context.output.show(&done, String::new)?;
    Ok(0)
}

/// `sync`
pub fn sync(context: &Context, args: &SyncArgs) -> Result<u8, Failure> {
    let params = SyncParams {
        no_block: args.no_block,
    };
    let report = apply::<Sync>(context, &params)?;
    if args.no_block {
        let command = context.place.command();
        context
            .output
            .remark(&format!("asked for; next: {command} status\n"))?;
    }
    Ok(report.as_ref().map_or(0, exit_of))
}

/// `rollback`
pub fn rollback(context: &Context, args: RollbackArgs) -> Result<u8, Failure> {
    let params = RollbackParams {
        to: args.rev,
        reason: args.reason,
    };
    let report = apply::<Rollback>(context, &params)?;
    if report
        .as_ref()
        .is_some_and(|report| report.generation.is_some())
    {
        let clone = context.place.layout.clone.to_string_lossy();
        let clone = shell_word(&clone);
        let remark = format!("next: git -C {clone} pull, since the store has a commit more\n");
        context.output.remark(&remark)?;
    }
    Ok(report.as_ref().map_or(0, exit_of))
}

/// `None` when whoever read the progress has gone away.
fn apply<M: Method<Result = ApplyReport>>(
    context: &Context,
    params: &M::Params,
) -> Result<Option<ApplyReport>, Failure> {
    let report = context
        .session()?
        .call_streaming::<M>(params, |method, raw| progress(context, method, raw))?;
    if let Some(report) = &report {
        context
            .output
            .show(report, || render::report(report, context.output.palette))?;
    }
    Ok(report)
}

fn progress(context: &Context, method: &str, raw: &RawValue) -> ControlFlow<()> {
    if let Some(progress) = progress_of(method, raw) {
        // What can't be shown is no reason to stop watching the apply.
        let _ = context.output.remark(&format!("{}\n", progress.line));
    }
    ControlFlow::Continue(())
}

/// The progress line of a notification; `None` for notifications of other kinds.
pub fn progress_of(method: &str, raw: &RawValue) -> Option<Progress> {
    match method {
        "progress" => serde_json::from_str(raw.get()).ok(),
        _ => None,
    }
}

/// 0 when everything that was asked for is now so.
pub fn exit_of(report: &ApplyReport) -> u8 {
    match report.outcome {
        None | Some(Outcome::Applied | Outcome::Pending) => 0,
        Some(Outcome::AppliedDegraded | Outcome::Superseded | Outcome::Rejected) => FAILED,
    }
}

/// `shutdown`
pub fn shutdown(context: &Context) -> Result<u8, Failure> {
    let done = context.session()?.call::<Shutdown>(&Empty {})?;
    context.output.show(&done, || {
        "every service is stopped, and the daemon with them\n".to_owned()
    })?;
    Ok(0)
}
