//! The methods of `gitproc_rpc::api`, by name.
pub mod commits;
pub mod hooks;
pub mod jobs;
pub mod logs;
pub mod look;
pub mod select;

use crate::config::Config;
use crate::deployer::{DeployError, Deployer};
use crate::driver::Unapplied;
use crate::host::Host;
use crate::peer::People;
use crate::run::Leave;
use crate::server::{Client, answer};
use crate::shell::{Leaving, Shell};
use crate::store::{Store, StoreError};
use gitproc_git::FailureKind;
use gitproc_rpc::api::{self, Method};
use gitproc_rpc::{ErrorKind, Id, Request, Response, RpcError};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What methods work with.
#[derive(Debug)]
pub struct Context {
    /// Settings.
    pub config: Config,
    /// The host.
    pub host: Arc<Host>,
    /// The loop.
    pub shell: Shell,
    /// The store.
    pub store: Store,
    /// What is deployed.
    pub deployer: Deployer,
    /// Who may what.
    pub people: People,
    /// Limits that could not be applied.
    pub unapplied: watch::Receiver<Unapplied>,
    /// Tells the main task to end.
    pub exit: mpsc::Sender<Leave>,
}

/// Calls the method that the request names; rights have been checked.
pub async fn call(client: &Client, request: &Request, id: Id) -> Response {
    macro_rules! methods {
        ($($method:ident => $function:path;)*) => {
            match request.method.as_str() {
                $(api::$method::NAME => {
                    answer::<api::$method, _>(request, id, |params| $function(client, params)).await
                })*
                other => {
                    let message = format!("no method '{other}'");
                    Response::error(id, RpcError::new(ErrorKind::MethodNotFound, message))
                }
            }
        };
    }
    methods! {
        Ping => look::ping;
        Status => look::status;
        List => look::list;
        UnitStatuses => look::unit_statuses;
        Show => look::show;
        Security => look::security;
        Cat => look::cat;
        Start => jobs::start;
        Stop => jobs::stop;
        Restart => jobs::restart;
        TryRestart => jobs::try_restart;
        Reload => jobs::reload;
        ReloadOrRestart => jobs::reload_or_restart;
        TryReloadOrRestart => jobs::try_reload_or_restart;
        Isolate => jobs::isolate;
        Kill => jobs::kill;
        ResetFailed => jobs::reset_failed;
        Logs => logs::logs;
        PlanFor => commits::plan;
        Sync => commits::sync;
        Rollback => commits::rollback;
        History => commits::history;
        Verify => commits::verify;
        Shutdown => jobs::shutdown;
        PreReceive => hooks::pre_receive;
        PostReceive => hooks::post_receive;
    }
}

/// As an error object.
pub fn leaving(_: Leaving) -> RpcError {
    RpcError::new(ErrorKind::ShuttingDown, "the daemon is shutting down")
}

/// As an error object.
pub fn store_error(error: StoreError) -> RpcError {
    let kind = match error.kind() {
        Some(FailureKind::NotFound | FailureKind::Ambiguous) => ErrorKind::NoSuchRevision,
        Some(FailureKind::Moved) => ErrorKind::Superseded,
        Some(FailureKind::Refused | FailureKind::Unsupported | FailureKind::Storage) | None => {
            ErrorKind::Git
        }
    };
    let answer = RpcError::new(kind, crate::deployer::chain(&error));
    match kind {
        ErrorKind::NoSuchRevision => {
            answer.with_hint("gitproc history lists what was deployed, git log the commits")
        }
        _ => answer,
    }
}

/// As an error object.
pub fn deploy_error(error: DeployError) -> RpcError {
    match error {
        DeployError::Store(error) => store_error(error),
        DeployError::Leaving(gone) => leaving(gone),
        DeployError::Record(error) => {
            RpcError::new(ErrorKind::Internal, crate::deployer::chain(&error))
        }
    }
}
