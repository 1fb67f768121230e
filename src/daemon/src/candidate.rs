//! A commit that was read and judged: its units, and what is wrong with them. Pure.
use crate::store::Snapshot;
use gitproc_core::{CommitId, graph, plan};
use gitproc_unit::{Diagnostic, HostFacts, Severity, TreeFiles, UnitName, UnitSet};
use std::sync::Arc;

/// A commit, loaded.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The commit.
    pub commit: CommitId,
    /// First line of its message.
    pub subject: String,
    /// Name of its author.
    pub author: String,
    /// Its files, for `cat`.
    pub files: Arc<TreeFiles>,
    /// Its units.
    pub units: Arc<UnitSet>,
    /// What is wrong with it; errors refuse it.
    pub diagnostics: Vec<Diagnostic>,
}

impl Candidate {
    /// Loads and checks a commit's tree.
    pub fn judge(snapshot: Snapshot, facts: &HostFacts) -> Candidate {
        let loaded = gitproc_unit::load(&snapshot.files, facts);
        let mut diagnostics = loaded.diagnostics;
        diagnostics.extend(graph::check(&loaded.units));
        Candidate {
            commit: snapshot.commit,
            subject: snapshot.subject,
            author: snapshot.author,
            files: Arc::new(snapshot.files),
            units: Arc::new(loaded.units),
            diagnostics,
        }
    }

    /// What refuses it.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Error)
    }

    /// Whether it can't be applied.
    pub fn is_refused(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Why it can't be applied, in one line.
    pub fn refusal(&self) -> Option<String> {
        let first = self.errors().next()?;
        let more = match self.errors().count() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(format!("{} is refused: {first}{more}", self.commit.short()))
    }

    /// What it changes against what is deployed.
    pub fn plan(&self, from: Option<&UnitSet>, target: &UnitName) -> plan::Plan {
        plan::diff(from, &self.units, target)
    }
}
