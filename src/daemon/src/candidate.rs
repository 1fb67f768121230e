//! A commit that was read and judged: its units, and what is wrong with them. Pure, but for
//! [`Candidate::on_this_host`].
use crate::host::Host;
use crate::host_view::HostView;
use crate::slices;
use crate::store::Snapshot;
use gitproc_core::lint::{self, Subject};
use gitproc_core::{CommitId, plan};
use gitproc_unit::{Diagnostic, HostFacts, Severity, TreeFiles, UnitName, UnitSet};
use std::sync::Arc;
use std::time::Duration;

/// How long the host may be looked at for warnings: a name service, or a file system of the
/// network, that does not answer holds up nobody.
const HOST_DEADLINE: Duration = Duration::from_secs(5);

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
    /// Its slices.
    pub slices: slices::Units,
    /// What is wrong with it; errors refuse it.
    pub diagnostics: Vec<Diagnostic>,
}

impl Candidate {
    /// Loads and checks a commit's tree, as far as that goes without looking at the host.
    pub fn judge(snapshot: Snapshot, facts: &HostFacts, target: &UnitName) -> Candidate {
        let loaded = gitproc_unit::load(&snapshot.files, facts);
        let subject = Subject {
            tree: &snapshot.files,
            units: &loaded.units,
            target,
            as_root: facts.uid == 0,
        };
        let diagnostics = lint::judge(&loaded, &subject);
        Candidate {
            commit: snapshot.commit,
            subject: snapshot.subject,
            author: snapshot.author,
            files: Arc::new(snapshot.files),
            slices: slices::of(&loaded.others),
            units: Arc::new(loaded.units),
            diagnostics,
        }
    }

    /// Adds what this host lacks for it: only warnings, so that a deadline may cut them off.
    pub async fn on_this_host(mut self, target: &UnitName, host: &Host) -> Candidate {
        let (files, units) = (Arc::clone(&self.files), Arc::clone(&self.units));
        let target = target.clone();
        let view = HostView::of(host);
        let looking = tokio::task::spawn_blocking(move || {
            let subject = Subject {
                tree: &files,
                units: &units,
                target: &target,
                as_root: false,
            };
            lint::judge_on_host(&subject, &view)
        });
        match tokio::time::timeout(HOST_DEADLINE, looking).await {
            Ok(Ok(found)) => {
                self.diagnostics.extend(found);
                self.diagnostics.sort();
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(
                    "no answer from files or users of this host in {HOST_DEADLINE:?}: {} is not \
                     checked against them, ignoring",
                    self.commit.short()
                );
            }
        }
        self
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

    /// What it changes against what is deployed, and against the slices that there are.
    pub fn plan(
        &self,
        from: Option<&UnitSet>,
        slices: &slices::Units,
        target: &UnitName,
    ) -> plan::Plan {
        plan::diff(from, &self.units, target).with_slices(slices, &self.slices)
    }
}
