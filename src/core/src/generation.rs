//! What was deployed, when, by whom, why, and what became of it.
use crate::{CommitId, Generation, plan::Plan};
use serde::{Deserialize, Serialize};

/// One deployed state; written before it is applied, and again when the outcome is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationRecord {
    /// Its number.
    pub number: Generation,
    /// The commit whose tree it is.
    pub commit: CommitId,
    /// First line of the commit message.
    pub subject: String,
    /// Name of the commit's author.
    pub author: String,
    /// When the apply began, µs since the epoch.
    pub started_us: u64,
    /// When the outcome was known, µs since the epoch.
    pub finished_us: Option<u64>,
    /// Who asked: `uid 1000 (ada)`, `git push by ada`, `poll`.
    pub actor: String,
    /// `--reason`
    pub reason: Option<String>,
    /// Push, rollback, …
    pub kind: GenerationKind,
    /// What it changes.
    pub plan: Plan,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, when it is not simply applied.
    pub detail: Option<String>,
}

/// How a generation came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationKind {
    /// The first one of this store, or the one found at a fresh start.
    Initial,
    /// New commit on the branch.
    Push,
    /// `gitproc rollback`
    Rollback,
}

/// What became of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Under way.
    Pending,
    /// Every unit of the plan came up.
    Applied,
    /// Applied, and some unit failed; the detail says which.
    AppliedDegraded,
    /// A newer commit took its place before it was done.
    Superseded,
    /// The commit was refused; nothing changed.
    Rejected,
}
