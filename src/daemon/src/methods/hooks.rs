//! What the store's hooks ask: may these refs move, and now that they have, apply them.
use super::commits::{REASON_MAX, follow};
use super::store_error;
use crate::announced::Cause;
use crate::candidate::Candidate;
use crate::deployer::{Deployed, Trigger};
use crate::server::Client;
use gitproc_core::CommitId;
use gitproc_core::generation::GenerationKind;
use gitproc_core::plan::Plan;
use gitproc_rpc::api::{ApplyReport, HookParams, HookVerdict, RefUpdate};
use gitproc_rpc::{ErrorKind, RpcError};
use gitproc_unit::{Diagnostic, Severity};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Warnings shown to a pusher; the rest is counted.
const LINES_MAX: usize = 50;

/// `hook.pre-receive`
pub async fn pre_receive(client: &Client, params: HookParams) -> Result<HookVerdict, RpcError> {
    let mut verdict = HookVerdict {
        accepted: true,
        lines: Vec::new(),
    };
    let cause = match cause(&params) {
        Ok(cause) => cause,
        Err(line) => {
            return Ok(HookVerdict {
                accepted: false,
                lines: vec![line],
            });
        }
    };
    for update in &params.updates {
        let (accepted, lines) = match judge_name(update, &client.context.config.branch) {
            Named::Followed => followed(client, update, &params, &cause).await?,
            Named::Other(line) => (true, vec![line]),
            Named::Refused(line) => (false, vec![line]),
        };
        verdict.accepted &= accepted;
        verdict.lines.extend(lines);
    }
    Ok(verdict)
}

/// What the name of a ref decides.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    /// The deployed branch moves to a commit.
    Followed,
    /// Kept, and nothing follows from it.
    Other(String),
    /// No.
    Refused(String),
}

fn judge_name(update: &RefUpdate, branch: &str) -> Named {
    let name = update.reference.as_str();
    let deleted = update.new.bytes().all(|byte| byte == b'0');
    if name.starts_with("refs/gitproc/") || name.starts_with("refs/notes/gitproc/") {
        return Named::Refused(format!("{name} is gitproc's own and can't be pushed"));
    }
    match (name.strip_prefix("refs/heads/") == Some(branch), deleted) {
        (true, false) => Named::Followed,
        (true, true) => Named::Refused(format!("branch {branch} is deployed and can't be deleted")),
        (false, false) => Named::Other(format!(
            "{name} is kept; gitproc deploys branch {branch} only"
        )),
        (false, true) => Named::Other(format!("{name} goes; gitproc deploys branch {branch} only")),
    }
}

async fn followed(
    client: &Client,
    update: &RefUpdate,
    params: &HookParams,
    cause: &Cause,
) -> Result<(bool, Vec<String>), RpcError> {
    let context = &client.context;
    let commit = CommitId(update.new.clone());
    let quarantine = params.quarantine.as_ref().map(PathBuf::from);
    let snapshot = context
        .store
        .snapshot(&commit, quarantine)
        .await
        .map_err(store_error)?;
    let target = &context.config.default_target;
    let candidate = Candidate::judge(snapshot, &context.host.facts, target);
    let candidate = candidate.on_this_host(target, &context.host).await;
    if !candidate.is_refused() {
        context.deployer.announce(commit, cause.clone());
    }
    let deployed = context.deployer.deployed();
    let from = deployed
        .generation
        .as_ref()
        .map(|_| deployed.units.as_ref());
    let plan = candidate.plan(from, &context.host.slices.all(), target);
    let host = &context.host.facts.host_name;
    Ok((
        !candidate.is_refused(),
        lines(host, &deployed, &candidate, &plan),
    ))
}

/// What the pusher reads: errors alone, or the warnings that the commit brings, and the plan.
fn lines(host: &str, deployed: &Deployed, candidate: &Candidate, plan: &Plan) -> Vec<String> {
    let shown = match candidate.is_refused() {
        true => Severity::Error,
        false => Severity::Warning,
    };
    // Said at each push again, they would be read at none.
    let known: BTreeSet<_> = deployed.diagnostics.iter().map(Diagnostic::kin).collect();
    let of_severity = || {
        let all = candidate.diagnostics.iter();
        all.filter(|found| found.severity == shown)
    };
    let findings =
        || of_severity().filter(|found| candidate.is_refused() || !known.contains(&found.kin()));
    let mut lines: Vec<String> = findings()
        .take(LINES_MAX)
        .map(ToString::to_string)
        .collect();
    let more = findings().count().saturating_sub(LINES_MAX);
    if more > 0 {
        lines.push(format!("(and {more} more)"));
    }
    if candidate.is_refused() {
        lines.push("nothing was changed".to_owned());
        return lines;
    }
    let old = of_severity().count() - findings().count();
    if old > 0 {
        let commit = candidate.commit.short();
        let warnings = if old == 1 { "warning" } else { "warnings" };
        lines.push(format!(
            "(and {old} {warnings} as before: gitproc verify {commit} lists them all)"
        ));
    }
    let from = deployed.commit().map_or("nothing", CommitId::short);
    lines.push(format!(
        "gitproc {host} · plan {from} → {}",
        candidate.commit.short()
    ));
    match plan.is_empty() {
        true => lines.push("  no unit changes".to_owned()),
        false => lines.extend(plan.lines().into_iter().map(|line| format!("  {line}"))),
    }
    lines
}

/// `hook.post-receive`
pub async fn post_receive(client: &Client, params: HookParams) -> Result<ApplyReport, RpcError> {
    let branch = format!("refs/heads/{}", client.context.config.branch);
    if !params
        .updates
        .iter()
        .any(|update| update.reference == branch)
    {
        return Ok(ApplyReport::default());
    }
    let cause =
        cause(&params).map_err(|message| RpcError::new(ErrorKind::InvalidParams, message))?;
    let mut report = follow(client, |waiter| Trigger {
        actor: cause.actor,
        kind: cause.kind,
        reason: cause.reason,
        waiter,
    })
    .await?;
    if report.outcome.is_none() {
        already_applied(&client.context.deployer.deployed(), &mut report);
    }
    Ok(report)
}

/// Who pushes, and why (`git push -o reason=TEXT`); or what is wrong with the options.
fn cause(params: &HookParams) -> Result<Cause, String> {
    let mut reason = None;
    for option in &params.options {
        match option.strip_prefix("reason=") {
            Some(text) if text.len() > REASON_MAX => {
                return Err(format!("the reason is longer than {REASON_MAX} bytes"));
            }
            Some(text) => reason = Some(text.to_owned()),
            None => {
                return Err(format!(
                    "unknown push option '{}' (there is reason=TEXT)",
                    option.escape_debug()
                ));
            }
        }
    }
    let pusher = params.pusher.as_deref().unwrap_or("an unknown user");
    Ok(Cause {
        actor: format!("git push by {pusher}"),
        kind: GenerationKind::Push,
        reason,
    })
}

/// inotify may have been faster than the hook: the pusher is told what became of it all the same.
fn already_applied(deployed: &Deployed, report: &mut ApplyReport) {
    let Some(record) = &deployed.generation else {
        return;
    };
    if report.commit.as_ref() == Some(&record.commit) {
        report.generation = Some(record.number);
        report.outcome = Some(record.outcome);
        report.failed = deployed.failed.clone();
        report.skipped = deployed.skipped.clone();
        report.diagnostics = deployed.diagnostics.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(reference: &str, new: &str) -> RefUpdate {
        RefUpdate {
            old: "0".repeat(40),
            new: new.to_owned(),
            reference: reference.to_owned(),
        }
    }

    #[test]
    fn only_the_deployed_branch_is_judged_by_its_commit() {
        let some = "1".repeat(40);
        let none = "0".repeat(40);
        assert_eq!(
            judge_name(&update("refs/heads/main", &some), "main"),
            Named::Followed
        );
        for (reference, new) in [
            ("refs/heads/main", &none),
            ("refs/gitproc/gen/1", &some),
            ("refs/gitproc/gen/1", &none),
        ] {
            let judged = judge_name(&update(reference, new), "main");
            assert!(
                matches!(judged, Named::Refused(_)),
                "{reference} {new}: {judged:?}"
            );
        }
        for reference in ["refs/heads/topic", "refs/heads/main2", "refs/tags/main"] {
            let judged = judge_name(&update(reference, &some), "main");
            assert!(matches!(judged, Named::Other(_)), "{reference}: {judged:?}");
        }
    }

    #[test]
    fn push_options_give_the_reason_or_are_refused() {
        let params = |options: &[&str]| HookParams {
            updates: Vec::new(),
            quarantine: None,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            pusher: Some("ada".to_owned()),
        };
        let given = cause(&params(&["reason=port clash"])).expect("known");
        assert_eq!(given.actor, "git push by ada");
        assert_eq!(given.reason.as_deref(), Some("port clash"));
        assert_eq!(cause(&params(&[])).expect("none").reason, None);
        assert_eq!(
            cause(&params(&["force"])),
            Err("unknown push option 'force' (there is reason=TEXT)".to_owned())
        );
    }

    #[test]
    fn the_plan_is_read_as_the_design_shows_it() {
        let candidate = Candidate {
            slices: Default::default(),
            commit: CommitId("6c47665".repeat(5)),
            subject: String::new(),
            author: String::new(),
            files: std::sync::Arc::default(),
            units: std::sync::Arc::default(),
            diagnostics: Vec::new(),
        };
        let empty = lines("web01", &Deployed::default(), &candidate, &Plan::default());
        assert_eq!(
            empty,
            [
                "gitproc web01 · plan nothing → 6c47665",
                "  no unit changes"
            ]
        );
    }
}
