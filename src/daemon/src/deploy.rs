//! From the head of the branch to the engine's target, and back to a recorded outcome.
//!
//! One task. A trigger (hook, inotify, poll, operator) only says "look": the head is resolved,
//! compared with what is applied, judged, recorded as a pending generation, and handed to the
//! engine. A newer head replaces an apply under way. A refused head changes nothing.
use crate::announced::{Announced, Cause};
use crate::applied::Applied;
use crate::candidate::Candidate;
use crate::deployer::{DeployError, Deployed, Deployer, Trigger, Waiter, chain};
use crate::generations::Generations;
use crate::host::Host;
use crate::progress::Progress;
use crate::shell::{Change, Settled, Shell};
use crate::slices;
use crate::store::{Snapshot, Store, StoreError};
use gitproc_core::CommitId;
use gitproc_core::generation::{GenerationKind, GenerationRecord, Outcome};
use gitproc_rpc::api::ApplyReport;
use gitproc_unit::{Diagnostic, UnitName};
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Triggers that may wait. They coalesce: each is one look at the head.
const TRIGGERS: usize = 64;

/// The task.
#[derive(Debug)]
pub struct Deploy {
    store: Store,
    shell: Shell,
    host: Arc<Host>,
    target: UnitName,
    branch: String,
    generations: Generations,
    applied: Applied,
    announced: Arc<Announced>,
    triggers: mpsc::Receiver<Trigger>,
    deployed: watch::Sender<Arc<Deployed>>,
    apply: Option<Apply>,
}

/// An apply under way.
#[derive(Debug)]
struct Apply {
    record: GenerationRecord,
    diagnostics: Vec<Diagnostic>,
    progress: Progress,
    waiters: Vec<Waiter>,
    settled: oneshot::Receiver<Settled>,
}

impl Deploy {
    /// The task and its handle.
    pub fn new(
        store: Store,
        shell: Shell,
        host: Arc<Host>,
        target: UnitName,
        branch: String,
    ) -> (Deploy, Deployer) {
        let (sender, triggers) = mpsc::channel(TRIGGERS);
        let (deployed, watched) = watch::channel(Arc::default());
        let generations = Generations::new(host.layout.generations());
        let applied = Applied::new(&host.layout.state);
        let announced = Arc::new(Announced::default());
        let deployer = Deployer {
            triggers: sender,
            deployed: watched,
            announced: Arc::clone(&announced),
        };
        let deploy = Deploy {
            store,
            shell,
            host,
            target,
            branch,
            generations,
            applied,
            announced,
            triggers,
            deployed,
            apply: None,
        };
        (deploy, deployer)
    }

    /// Takes up what was deployed, looks at the head, and serves triggers until the daemon ends.
    pub async fn run(mut self) {
        let mut changes = self.shell.changes();
        if let Err(error) = self.resume().await {
            tracing::error!("{}, ignoring", chain(&error));
        }
        self.look(Trigger {
            actor: "start of the daemon".to_owned(),
            kind: GenerationKind::Push,
            reason: None,
            waiter: None,
        })
        .await;
        loop {
            tokio::select! {
                // Changes come before the end that they lead to, so that no line is missing.
                biased;
                change = changes.recv() => match change {
                    Ok(change) => self.changed(&change),
                    // Lines are lost, the outcome is not.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                settled = settled(&mut self.apply) => match settled {
                    Some(settled) => self.finish(settled).await,
                    None => return,
                },
                trigger = self.triggers.recv() => match trigger {
                    Some(trigger) => self.look(trigger).await,
                    None => return,
                },
            }
        }
    }

    /// The last generation is the target again: what was adopted is judged against it, and an
    /// apply that the last daemon did not finish goes on.
    async fn resume(&mut self) -> Result<(), DeployError> {
        let Some(record) = self.last_deployed() else {
            return Ok(());
        };
        let (record, snapshot) = match self.store.snapshot(&record.commit, None).await {
            Ok(snapshot) => (record, snapshot),
            Err(error) => self.take_up_copy(error)?,
        };
        let candidate = self.judge(snapshot).await;
        // An older daemon made none, or one was lost.
        if !self.applied.is_of(&candidate.commit) {
            self.copy(&candidate);
        }
        tracing::info!(
            generation = record.number.0,
            "generation {} ({}) is wanted again",
            record.number,
            record.commit.short()
        );
        self.set_target(record, candidate).await
    }

    async fn judge(&self, snapshot: Snapshot) -> Candidate {
        let candidate = Candidate::judge(snapshot, &self.host.facts, &self.target);
        candidate.on_this_host(&self.target, &self.host).await
    }

    /// Keeps a copy of what counts from now on.
    fn copy(&self, candidate: &Candidate) {
        if let Err(error) = self.applied.write(candidate) {
            let lost = "should the store break, what runs can't be taken up again from a copy";
            tracing::error!("{error}: {lost}, ignoring");
        }
    }

    /// What was applied last, from our own copy, when the store can't be read.
    fn take_up_copy(
        &self,
        broken: StoreError,
    ) -> Result<(GenerationRecord, Snapshot), DeployError> {
        let path = self.applied.path().display();
        let snapshot = match self.applied.read() {
            Ok(snapshot) => snapshot,
            Err(error) => {
                tracing::error!("{error}: no copy of what runs");
                return Err(broken.into());
            }
        };
        let of_copy = |record: &GenerationRecord| record.commit == snapshot.commit;
        let Some(record) = self.generations.newest_first().flatten().find(of_copy) else {
            tracing::error!("{path}: no generation has its commit: no copy of what runs");
            return Err(broken.into());
        };
        tracing::error!(
            generation = record.number.0,
            "{}: going on with the copy of generation {} in {path}",
            chain(&broken),
            record.number
        );
        Ok((record, snapshot))
    }

    fn last_deployed(&self) -> Option<GenerationRecord> {
        for record in self.generations.newest_first() {
            match record {
                Ok(record) if record.outcome == Outcome::Rejected => {}
                Ok(record) => return Some(record),
                Err(error) => tracing::error!("{error}, ignoring"),
            }
        }
        None
    }

    async fn look(&mut self, trigger: Trigger) {
        let Trigger {
            actor,
            kind,
            reason,
            waiter,
        } = trigger;
        let cause = Cause {
            actor,
            kind,
            reason,
        };
        let looked = self.sync(cause).await;
        if let Err(error) = &looked {
            self.hold(chain(error));
        }
        let Some(waiter) = waiter else { return };
        match (looked, &mut self.apply) {
            // It waits for the apply that its head started, or found under way.
            (
                Ok(Looked {
                    commit: Some(commit),
                    report: None,
                }),
                Some(apply),
            ) if apply.record.commit == commit => {
                apply.waiters.push(waiter);
            }
            (Ok(looked), _) => {
                let report = looked.report.unwrap_or_else(|| nothing_done(looked.commit));
                let _ = waiter.report.send(Ok(report));
            }
            (Err(error), _) => _ = waiter.report.send(Err(error)),
        }
    }

    async fn sync(&mut self, cause: Cause) -> Result<Looked, DeployError> {
        let head = self.store.head(&self.branch).await?;
        if self.deployed.borrow().commit() == Some(&head) {
            self.publish(|deployed| deployed.pending = None);
            return Ok(Looked {
                commit: Some(head),
                report: None,
            });
        }
        let snapshot = self.store.snapshot(&head, None).await?;
        let candidate = self.judge(snapshot).await;
        if let Some(refusal) = candidate.refusal() {
            self.hold(format!("{refusal}; what runs stays as it is"));
            let report = ApplyReport {
                generation: None,
                commit: Some(head.clone()),
                outcome: Some(Outcome::Rejected),
                failed: Vec::new(),
                skipped: Vec::new(),
                diagnostics: candidate.diagnostics,
            };
            return Ok(Looked {
                commit: Some(head),
                report: Some(report),
            });
        }
        let cause = self.announced.take(&head).unwrap_or(cause);
        let before = Arc::clone(&self.deployed.borrow());
        let from = before.generation.as_ref().map(|_| before.units.as_ref());
        let record = GenerationRecord {
            number: self.generations.next(),
            commit: head.clone(),
            subject: candidate.subject.clone(),
            author: candidate.author.clone(),
            started_us: gitproc_sys::host::realtime_us(),
            finished_us: None,
            actor: cause.actor,
            reason: cause.reason,
            kind: if from.is_none() {
                GenerationKind::Initial
            } else {
                cause.kind
            },
            plan: candidate.plan(from, &self.host.slices.all(), &self.target),
            outcome: Outcome::Pending,
            detail: None,
        };
        // First the ref: should the store be full, no record is left of what never began.
        self.store.keep_generation(record.number, &head).await?;
        // Written ahead: a daemon that dies from here on goes on with it.
        self.generations.write(&record)?;
        self.copy(&candidate);
        tracing::info!(
            generation = record.number.0,
            "applying {} as generation {}: {} changes, {} unchanged",
            head.short(),
            record.number,
            record.plan.changes.len(),
            record.plan.unchanged
        );
        self.supersede();
        self.set_target(record, candidate).await?;
        Ok(Looked {
            commit: Some(head),
            report: None,
        })
    }

    /// The apply under way, if any, ends here: a newer one takes its place.
    fn supersede(&mut self) {
        if let Some(apply) = self.apply.take() {
            let detail = "a newer commit took its place".to_owned();
            let settled = Settled {
                superseded: true,
                ..Settled::default()
            };
            self.conclude(apply, Outcome::Superseded, Some(detail), settled);
        }
    }

    async fn set_target(
        &mut self,
        record: GenerationRecord,
        candidate: Candidate,
    ) -> Result<(), DeployError> {
        let units = Arc::clone(&candidate.units);
        let (host, slices) = (Arc::clone(&self.host), candidate.slices.clone());
        // Before the first service: it starts with the limits of its own commit.
        let limiting = tokio::task::spawn_blocking(move || slices::take_on(&host, slices));
        if let Err(error) = limiting.await {
            tracing::error!("limit the slices: {error}, ignoring");
        }
        let settled = self.shell.target(record.commit.clone(), units).await?;
        self.apply = Some(Apply {
            progress: Progress::new(&record.plan),
            record: record.clone(),
            diagnostics: candidate.diagnostics.clone(),
            waiters: Vec::new(),
            settled,
        });
        self.publish(|deployed| {
            *deployed = Deployed {
                generation: Some(record),
                units: candidate.units,
                files: candidate.files,
                diagnostics: candidate.diagnostics,
                failed: Vec::new(),
                skipped: Vec::new(),
                pending: None,
                applying: true,
            }
        });
        Ok(())
    }

    fn changed(&mut self, change: &Change) {
        let Some(apply) = &mut self.apply else { return };
        if let Some(line) = apply.progress.line(change) {
            for waiter in &apply.waiters {
                let _ = waiter.progress.try_send(line.clone());
            }
        }
    }

    async fn finish(&mut self, settled: Settled) {
        let Some(apply) = self.apply.take() else {
            return;
        };
        let (outcome, detail) = match (settled.superseded, settled.failed.is_empty()) {
            (true, _) => (Outcome::Superseded, None),
            (false, true) => (Outcome::Applied, None),
            (false, false) => (Outcome::AppliedDegraded, Some(failures(&settled.failed))),
        };
        self.conclude(apply, outcome, detail, settled);
    }

    /// Records the outcome, and tells those who wait.
    fn conclude(
        &mut self,
        mut apply: Apply,
        outcome: Outcome,
        detail: Option<String>,
        settled: Settled,
    ) {
        let number = apply.record.number;
        // A generation that was taken up again after a restart has its outcome already.
        if apply.record.outcome == Outcome::Pending {
            apply.record.outcome = outcome;
            apply.record.detail = detail;
            apply.record.finished_us = Some(gitproc_sys::host::realtime_us());
            if let Err(error) = self.generations.write(&apply.record) {
                tracing::error!(generation = number.0, "{error}, ignoring");
            }
            let text = conclusion(&apply.record);
            match outcome {
                Outcome::AppliedDegraded => tracing::warn!(generation = number.0, "{text}"),
                _ => tracing::info!(generation = number.0, "{text}"),
            }
        }
        let record = apply.record.clone();
        self.publish(|deployed| {
            deployed.applying = false;
            if deployed.generation.as_ref().map(|known| known.number) == Some(number) {
                deployed.generation = Some(record);
                deployed.failed = settled.failed.clone();
                deployed.skipped = settled.skipped.clone();
            }
        });
        for waiter in apply.waiters {
            let _ = waiter.report.send(Ok(ApplyReport {
                generation: Some(number),
                commit: Some(apply.record.commit.clone()),
                outcome: Some(outcome),
                failed: settled.failed.clone(),
                skipped: settled.skipped.clone(),
                diagnostics: apply.diagnostics.clone(),
            }));
        }
    }

    /// The head can't be applied. Said once, not at each poll.
    fn hold(&self, why: String) {
        if self.deployed.borrow().pending.as_ref() != Some(&why) {
            tracing::error!("{why}");
            self.publish(|deployed| deployed.pending = Some(why));
        }
    }

    fn publish(&self, change: impl FnOnce(&mut Deployed)) {
        self.deployed
            .send_modify(|deployed| change(Arc::make_mut(deployed)));
    }
}

/// What a look at the head led to.
struct Looked {
    commit: Option<CommitId>,
    /// `None`: nothing to do, or an apply is under way.
    report: Option<ApplyReport>,
}

fn nothing_done(commit: Option<CommitId>) -> ApplyReport {
    ApplyReport {
        commit,
        ..ApplyReport::default()
    }
}

/// Pends for ever when nothing is under way; `None` when the loop has gone.
async fn settled(apply: &mut Option<Apply>) -> Option<Settled> {
    match apply {
        Some(apply) => (&mut apply.settled).await.ok(),
        None => std::future::pending().await,
    }
}

fn failures(failed: &[(UnitName, String)]) -> String {
    let one = |(unit, reason): &(UnitName, String)| format!("{unit} failed: {reason}");
    failed.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// How a generation ended, in one line.
fn conclusion(record: &GenerationRecord) -> String {
    let (commit, number) = (record.commit.short(), record.number);
    let detail = record.detail.as_deref().unwrap_or_default();
    match record.outcome {
        Outcome::Pending => format!("applying {commit} as generation {number}"),
        Outcome::Applied => format!("deployed {commit} as generation {number}"),
        Outcome::AppliedDegraded => format!("applied as generation {number}, degraded: {detail}"),
        Outcome::Superseded => {
            format!("generation {number} ({commit}): a newer commit took its place")
        }
        Outcome::Rejected => format!("{commit} is refused: {detail}"),
    }
}
