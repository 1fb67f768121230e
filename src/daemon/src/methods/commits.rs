//! Methods about commits and generations.
use super::{deploy_error, leaving, store_error};
use crate::announced::Cause;
use crate::candidate::Candidate;
use crate::deployer::{Trigger, Waiter};
use crate::generations::Generations;
use crate::server::Client;
use gitproc_core::generation::GenerationKind;
use gitproc_core::generation::GenerationRecord;
use gitproc_core::{CommitId, Generation};
use gitproc_git::Person;
use gitproc_rpc::api::{
    ApplyReport, HistoryParams, PlanView, Progress, RevParams, RollbackParams, SyncParams,
    VerifyReport,
};
use gitproc_rpc::{ErrorKind, RpcError};
use tokio::sync::{mpsc, oneshot};

/// Progress lines that may wait for a slow reader; further ones are lost, the report is not.
const PROGRESS_LINES: usize = 1024;

/// Generations in an answer to whoever gives no number.
const HISTORY_USUAL: usize = 100;
/// Most generations in one answer, which has to fit into one line.
const HISTORY_MAX: usize = 1000;

/// Longest `--reason`, in bytes: it becomes the subject of a commit.
pub const REASON_MAX: usize = 1024;

async fn candidate(client: &Client, commit: &CommitId) -> Result<Candidate, RpcError> {
    let context = &client.context;
    let snapshot = context
        .store
        .snapshot(commit, None)
        .await
        .map_err(store_error)?;
    let target = &context.config.default_target;
    let candidate = Candidate::judge(snapshot, &context.host.facts, target);
    Ok(candidate.on_this_host(target, &context.host).await)
}

/// A generation number (`@N`, `gN`, `N`), or whatever git calls a commit.
pub(super) async fn resolve(client: &Client, rev: Option<&str>) -> Result<CommitId, RpcError> {
    let context = &client.context;
    let branch = &context.config.branch;
    let Some(rev) = rev else {
        return context.store.head(branch).await.map_err(store_error);
    };
    match generation(rev) {
        Some(number) => match generations(client).read(number) {
            Ok(record) => Ok(record.commit),
            Err(_) => {
                let message = format!("there is no generation {number}");
                Err(RpcError::new(ErrorKind::NoSuchRevision, message)
                    .with_hint("gitproc history lists them"))
            }
        },
        None => context
            .store
            .resolve(rev, branch)
            .await
            .map_err(store_error),
    }
}

/// `@12`, `g12`, or a number that is too short for a commit's id (git wants four digits).
fn generation(rev: &str) -> Option<Generation> {
    const SHORTEST_ID: usize = 4;
    let digits = match rev.strip_prefix(['@', 'g']) {
        Some(digits) => digits,
        None if rev.len() < SHORTEST_ID => rev,
        None => return None,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok().map(Generation)).flatten()
}

fn generations(client: &Client) -> Generations {
    Generations::new(client.context.host.layout.generations())
}

/// `plan`
pub async fn plan(client: &Client, params: RevParams) -> Result<PlanView, RpcError> {
    let commit = resolve(client, params.rev.as_deref()).await?;
    let candidate = candidate(client, &commit).await?;
    let deployed = client.context.deployer.deployed();
    let from = deployed
        .generation
        .as_ref()
        .map(|_| deployed.units.as_ref());
    Ok(PlanView {
        from: deployed.commit().cloned(),
        to: commit,
        plan: candidate.plan(
            from,
            &client.context.host.slices.all(),
            &client.context.config.default_target,
        ),
        diagnostics: candidate.diagnostics,
    })
}

/// `verify`
pub async fn verify(client: &Client, params: RevParams) -> Result<VerifyReport, RpcError> {
    let commit = resolve(client, params.rev.as_deref()).await?;
    let diagnostics = candidate(client, &commit).await?.diagnostics;
    Ok(VerifyReport {
        commit,
        diagnostics,
    })
}

/// `history`
pub async fn history(
    client: &Client,
    params: HistoryParams,
) -> Result<Vec<GenerationRecord>, RpcError> {
    let limit = params.limit.unwrap_or(HISTORY_USUAL).min(HISTORY_MAX);
    let generations = generations(client);
    let readable = generations
        .newest_first()
        .filter_map(|record| match record {
            Ok(record) => Some(record),
            Err(error) => {
                tracing::warn!("{error}, ignoring");
                None
            }
        });
    Ok(readable.take(limit).collect())
}

/// `sync`
pub async fn sync(client: &Client, params: SyncParams) -> Result<ApplyReport, RpcError> {
    let trigger = |waiter| Trigger {
        actor: client.caller.actor(),
        kind: GenerationKind::Push,
        reason: None,
        waiter,
    };
    if params.no_block {
        client
            .context
            .deployer
            .trigger(trigger(None))
            .await
            .map_err(leaving)?;
        return Ok(ApplyReport::default());
    }
    follow(client, trigger).await
}

/// Triggers a look at the head, passes progress lines on, and waits for the end. A client that
/// hangs up changes nothing: the apply is the daemon's.
pub async fn follow(
    client: &Client,
    trigger: impl FnOnce(Option<Waiter>) -> Trigger,
) -> Result<ApplyReport, RpcError> {
    let (progress, mut lines) = mpsc::channel(PROGRESS_LINES);
    let (report, ended) = oneshot::channel();
    let waiter = Waiter { progress, report };
    client
        .context
        .deployer
        .trigger(trigger(Some(waiter)))
        .await
        .map_err(leaving)?;
    // The sender goes when the report is there, so all lines come before it.
    while let Some(line) = lines.recv().await {
        if client.notify("progress", &Progress { line }).await.is_err() {
            break;
        }
    }
    match ended.await {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Err(deploy_error(error)),
        Err(_) => Err(leaving(crate::shell::Leaving)),
    }
}

/// `rollback`
pub async fn rollback(client: &Client, params: RollbackParams) -> Result<ApplyReport, RpcError> {
    let context = &client.context;
    if params
        .reason
        .as_ref()
        .is_some_and(|reason| reason.len() > REASON_MAX)
    {
        let message = format!("the reason is longer than {REASON_MAX} bytes");
        return Err(RpcError::new(ErrorKind::InvalidParams, message));
    }
    let to = resolve(client, Some(&params.to)).await?;
    let old = candidate(client, &to).await?;
    if let Some(refusal) = old.refusal() {
        return Err(
            RpcError::new(ErrorKind::CommitRefused, refusal).with_diagnostics(old.diagnostics)
        );
    }
    let head = resolve(client, None).await?;
    let message = message(&to, params.reason.as_deref());
    let author = Person {
        name: client.caller.name.clone(),
        mail: format!("{}@{}", client.caller.name, context.host.facts.host_name),
    };
    let made = context
        .store
        .rollback(&context.config.branch, &to, &head, message, author)
        .await
        .map_err(store_error)?;
    let cause = Cause {
        actor: client.caller.actor(),
        kind: GenerationKind::Rollback,
        reason: params.reason,
    };
    if let Some(made) = &made {
        context.deployer.announce(made.clone(), cause.clone());
        tracing::info!(
            "{} rolls back to {}: commit {}",
            client.caller.actor(),
            to.short(),
            made.short()
        );
    }
    follow(client, |waiter| Trigger {
        actor: cause.actor,
        kind: cause.kind,
        reason: cause.reason,
        waiter,
    })
    .await
}

fn message(to: &CommitId, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("Rollback to {}: {reason}\n", to.short()),
        None => format!("Rollback to {}\n", to.short()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_named_by_at_or_g_or_a_short_number() {
        for (text, number) in [
            ("@12", Some(12)),
            ("g7", Some(7)),
            ("good", None),
            ("@", None),
            ("12", Some(12)),
            ("1234", None),
            ("@1234", Some(1234)),
            ("", None),
            ("HEAD~1", None),
        ] {
            assert_eq!(generation(text), number.map(Generation), "{text}");
        }
    }
}
