//! Methods that change what runs.
use super::leaving;
use super::select::select;
use crate::run::Leave;
use crate::server::Client;
use crate::shell::Message;
use gitproc_core::api::{JobOutcome, Verb};
use gitproc_core::snapshot::ActiveState;
use gitproc_rpc::api::{Empty, JobParams, KillParams, Units};
use gitproc_rpc::{ErrorKind, RpcError};
use gitproc_unit::UnitName;

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident => $verb:ident;)*) => {
        $(
            $(#[$doc])*
            pub async fn $name(
                client: &Client,
                params: JobParams,
            ) -> Result<Vec<JobOutcome>, RpcError> {
                job(client, Verb::$verb, params).await
            }
        )*
    };
}

verbs! {
    /// `start`
    start => Start;
    /// `stop`
    stop => Stop;
    /// `restart`
    restart => Restart;
    /// `try-restart`
    try_restart => TryRestart;
    /// `reload`
    reload => Reload;
    /// `reload-or-restart`
    reload_or_restart => ReloadOrRestart;
    /// `try-reload-or-restart`
    try_reload_or_restart => TryReloadOrRestart;
    /// `isolate`
    isolate => Isolate;
}

async fn chosen(client: &Client, arguments: &[String]) -> Result<Vec<UnitName>, RpcError> {
    let known = client.context.shell.statuses().await.map_err(leaving)?;
    select(arguments, &known)
}

async fn job(client: &Client, verb: Verb, params: JobParams) -> Result<Vec<JobOutcome>, RpcError> {
    let units = chosen(client, &params.units).await?;
    if verb == Verb::Isolate && units.len() != 1 {
        let message = "isolate takes one unit".to_owned();
        return Err(RpcError::new(ErrorKind::InvalidParams, message));
    }
    let (actor, mode) = (client.caller.actor(), params.job_mode);
    tracing::info!("{actor} asks: {} {}", verb.as_str(), names(&units));
    let shell = client.context.shell.clone();
    if params.no_block {
        tokio::spawn(async move { shell.request(verb, mode, units).await });
        return Ok(Vec::new());
    }
    shell.request(verb, mode, units).await.map_err(leaving)
}

fn names(units: &[UnitName]) -> String {
    units
        .iter()
        .map(UnitName::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

/// `kill`
pub async fn kill(client: &Client, params: KillParams) -> Result<Empty, RpcError> {
    /// Highest signal number of Linux (SIGRTMAX).
    const SIGNAL_MAX: i32 = 64;
    if !(1..=SIGNAL_MAX).contains(&params.signal) {
        let message = format!("{} is no signal number", params.signal);
        return Err(RpcError::new(ErrorKind::InvalidParams, message));
    }
    let known = client.context.shell.statuses().await.map_err(leaving)?;
    let units = select(&params.units, &known)?;
    let is_dead = |unit: &&UnitName| {
        known
            .iter()
            .any(|status| status.unit == **unit && status.invocation.is_none())
    };
    if let Some(unit) = units.iter().find(is_dead) {
        let message = format!("{unit} has no processes to signal");
        return Err(RpcError::new(ErrorKind::NotActive, message));
    }
    tracing::info!(
        "{} asks: kill -{} {}",
        client.caller.actor(),
        params.signal,
        names(&units)
    );
    for unit in units {
        let message = Message::Kill {
            unit,
            whom: params.whom,
            signal: params.signal,
        };
        client.context.shell.send(message).await.map_err(leaving)?;
    }
    Ok(Empty {})
}

/// `reset-failed`
pub async fn reset_failed(client: &Client, params: Units) -> Result<Empty, RpcError> {
    let units = chosen(client, &params.units).await?;
    // A pattern that matches nothing must not mean "all".
    if units.is_empty() && !params.units.is_empty() {
        return Ok(Empty {});
    }
    let message = Message::ResetFailed { units };
    client.context.shell.send(message).await.map_err(leaving)?;
    Ok(Empty {})
}

/// `shutdown`
pub async fn shutdown(client: &Client, _: Empty) -> Result<Empty, RpcError> {
    let context = &client.context;
    tracing::info!("{} asks: shutdown", client.caller.actor());
    context.shell.stop_services().await.map_err(leaving)?;
    let left = context.shell.statuses().await.map_err(leaving)?;
    let alive = left
        .iter()
        .filter(|status| status.invocation.is_some() && status.active != ActiveState::Inactive);
    let alive: Vec<&str> = alive.map(|status| status.unit.as_str()).collect();
    let leave = Leave {
        stopped: true,
        status: 0,
    };
    let _ = context.exit.send(leave).await;
    match alive.is_empty() {
        true => Ok(Empty {}),
        false => {
            let message = format!("still running: {}", alive.join(" "));
            Err(RpcError::new(ErrorKind::JobFailed, message))
        }
    }
}
