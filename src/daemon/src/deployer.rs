//! The handle to the task that deploys ([`crate::deploy`]): what is deployed, and asking for a look.
use crate::announced::{Announced, Cause};
use crate::records::RecordError;
use crate::shell::Leaving;
use crate::store::StoreError;
use gitproc_core::CommitId;
use gitproc_core::generation::{GenerationKind, GenerationRecord};
use gitproc_rpc::api::ApplyReport;
use gitproc_unit::{Diagnostic, TreeFiles, UnitName, UnitSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// What is deployed; a copy for readers.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    /// The generation; `None` before the first.
    pub generation: Option<GenerationRecord>,
    /// Its units.
    pub units: Arc<UnitSet>,
    /// Its files.
    pub files: Arc<TreeFiles>,
    /// Its warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// Units that failed when it was applied, and why.
    pub failed: Vec<(UnitName, String)>,
    /// Units that were skipped then because of their conditions, and why.
    pub skipped: Vec<(UnitName, String)>,
    /// Why the head of the branch is not what is deployed.
    pub pending: Option<String>,
    /// An apply is under way.
    pub applying: bool,
}

impl Deployed {
    /// The commit that is deployed.
    pub fn commit(&self) -> Option<&CommitId> {
        self.generation.as_ref().map(|record| &record.commit)
    }
}

/// Why a sync did not lead to an apply.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record could not be written, so nothing was changed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The daemon ends.
    #[error(transparent)]
    Leaving(#[from] Leaving),
}

/// A look at the head.
#[derive(Debug)]
pub struct Trigger {
    /// Who asks, for the record.
    pub actor: String,
    /// Why a new generation comes about.
    pub kind: GenerationKind,
    /// `--reason`
    pub reason: Option<String>,
    /// Who waits for the end.
    pub waiter: Option<Waiter>,
}

/// Someone who waits for the end of an apply.
#[derive(Debug)]
pub struct Waiter {
    /// Lines for people. A waiter that does not keep up loses lines, not the report.
    pub progress: mpsc::Sender<String>,
    /// How it ended.
    pub report: oneshot::Sender<Result<ApplyReport, DeployError>>,
}

/// Handle to the task.
#[derive(Debug, Clone)]
pub struct Deployer {
    pub(crate) triggers: mpsc::Sender<Trigger>,
    pub(crate) deployed: watch::Receiver<Arc<Deployed>>,
    pub(crate) announced: Arc<Announced>,
}

impl Deployer {
    /// Asks for a look.
    pub async fn trigger(&self, trigger: Trigger) -> Result<(), Leaving> {
        self.triggers.send(trigger).await.map_err(|_| Leaving)
    }

    /// Says who brings `commit`, before the branch moves to it, or at once afterwards.
    pub fn announce(&self, commit: CommitId, cause: Cause) {
        self.announced.announce(commit, cause);
    }

    /// What is deployed now.
    pub fn deployed(&self) -> Arc<Deployed> {
        Arc::clone(&self.deployed.borrow())
    }
}

/// An error with its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
