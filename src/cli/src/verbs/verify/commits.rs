//! Commits: from the repository in which the person stands, else from the daemon's store.
use super::disk::verify_directory;
use super::words::{Range, Spec};
use super::{Finding, Judge, plain};
use crate::failure::{FAILED, Failure, USAGE};
use crate::verbs::Context;
use gitproc_core::CommitId;
use gitproc_git::{CommitInfo, FailureKind, LocalRepository};
use gitproc_rpc::api::{RevParams, Verify};
use gitproc_unit::{Code, Diagnostic, Severity};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Without arguments: the files of the work tree; of a bare repository its HEAD; where there is no
/// repository, the head of the daemon's branch.
pub(super) fn verify_here(context: &Context, judge: &Judge) -> Result<Vec<Finding>, Failure> {
    match LocalRepository::here().map_err(explain)? {
        Some(repository) => match repository.work_tree() {
            Some(top) => Ok(plain(verify_directory(judge, &shown(top))?).collect()),
            None => local(judge, &repository, "HEAD", None),
        },
        None => of_daemon(context, None),
    }
}

/// The work tree as a person here would write it.
fn shown(top: &std::path::Path) -> std::path::PathBuf {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let same = top.canonicalize().ok().zip(here.ok());
    match same {
        Some((top, here)) if top == here => ".".into(),
        _ => top.to_owned(),
    }
}

/// One commit.
pub(super) fn verify_commit(
    context: &Context,
    judge: &Judge,
    spec: &Spec,
) -> Result<Vec<Finding>, Failure> {
    // Generations are the daemon's.
    let repository = match spec.rev.starts_with('@') {
        true => None,
        false => LocalRepository::here().map_err(explain)?,
    };
    match (repository, &spec.subdir) {
        (Some(repository), subdir) => local(judge, &repository, &spec.rev, subdir.as_deref()),
        (None, None) => of_daemon(context, Some(&spec.rev)),
        (None, Some(_)) => Err(no_repository(&spec.rev)),
    }
}

fn no_repository(rev: &str) -> Failure {
    let message = format!("'{rev}' is neither a file nor read from the daemon's store this way");
    Failure::new(USAGE, message).with_hint("run this in a git repository, such as the clone")
}

fn local(
    judge: &Judge,
    repository: &LocalRepository,
    rev: &str,
    subdir: Option<&str>,
) -> Result<Vec<Finding>, Failure> {
    let commit = repository.resolve(rev).map_err(explain)?;
    let found = Commits::new(judge, repository, subdir).findings(&commit.id)?;
    let tag = |diagnostic: &Diagnostic| Finding {
        commit: Some(CommitId(commit.id.clone())),
        diagnostic: diagnostic.clone(),
        tagged: false,
    };
    Ok(found.iter().map(tag).collect())
}

/// The daemon has the store; the revision is checked there.
fn of_daemon(context: &Context, rev: Option<&str>) -> Result<Vec<Finding>, Failure> {
    let mut session = context.session().map_err(|failure| match rev {
        // Without anybody to ask, what was typed names nothing.
        Some(rev) if !rev.starts_with('@') => Failure::new(
            USAGE,
            format!(
                "there is no file '{rev}', no git repository here, and {}",
                failure.message
            ),
        )
        .with_hint("name a file, or run this in a git repository, such as the clone"),
        Some(_) | None => failure,
    })?;
    let rev = rev.map(str::to_owned);
    let report = session.call::<Verify>(&RevParams { rev })?;
    let tag = |diagnostic| Finding {
        commit: Some(report.commit.clone()),
        diagnostic,
        tagged: false,
    };
    Ok(report.diagnostics.into_iter().map(tag).collect())
}

/// Every commit of a range, the oldest first; of each what its parents did not have.
pub(super) fn verify_range(judge: &Judge, range: &Range) -> Result<Vec<Finding>, Failure> {
    let Range { from, to, subdir } = range;
    let repository = LocalRepository::here().map_err(explain)?;
    let repository = repository.ok_or_else(|| no_repository(&format!("{from}..{to}")))?;
    let from = repository.resolve(from).map_err(explain)?;
    let to = repository.resolve(to).map_err(explain)?;
    let mut commits = Commits::new(judge, &repository, subdir.as_deref());
    let mut found = Vec::new();
    for commit in repository.range(&from.id, &to.id).map_err(explain)? {
        let old = commits.of_parents(&commit, &from.id)?;
        let known: BTreeSet<_> = old
            .iter()
            .flat_map(|all| all.iter().map(Diagnostic::kin))
            .collect();
        for diagnostic in commits.findings(&commit.id)?.iter() {
            if !known.contains(&diagnostic.kin()) {
                found.push(Finding {
                    commit: Some(CommitId(commit.id.clone())),
                    diagnostic: diagnostic.clone(),
                    tagged: true,
                });
            }
        }
    }
    Ok(found)
}

/// Findings of commits, each judged once.
struct Commits<'a> {
    judge: &'a Judge,
    repository: &'a LocalRepository,
    subdir: Option<&'a str>,
    known: BTreeMap<String, Rc<[Diagnostic]>>,
}

impl<'a> Commits<'a> {
    fn new(
        judge: &'a Judge,
        repository: &'a LocalRepository,
        subdir: Option<&'a str>,
    ) -> Commits<'a> {
        Commits {
            judge,
            repository,
            subdir,
            known: BTreeMap::new(),
        }
    }

    fn findings(&mut self, commit: &str) -> Result<Rc<[Diagnostic]>, Failure> {
        if let Some(known) = self.known.get(commit) {
            return Ok(Rc::clone(known));
        }
        let found: Rc<[Diagnostic]> = match self.repository.snapshot(commit, self.subdir) {
            Ok(snapshot) => self
                .judge
                .judge(&snapshot.files, CommitId(commit.into()).short())
                .into(),
            // The commit itself is wrong, which a push of it would be told, too.
            Err(failure) if failure.kind == FailureKind::Refused => [Diagnostic {
                file: CommitId(commit.to_owned()).short().to_owned(),
                line: 0,
                column: 0,
                severity: Severity::Error,
                code: Code::Unreadable,
                message: failure.message,
                hint: None,
            }]
            .into(),
            Err(failure) => return Err(explain(failure)),
        };
        self.known.insert(commit.to_owned(), Rc::clone(&found));
        Ok(found)
    }

    /// What is not news: the findings of the parents; of a first commit, those of the range's
    /// begin. Where the directory of the units is not there yet, nothing was found.
    fn of_parents(
        &mut self,
        commit: &CommitInfo,
        from: &str,
    ) -> Result<Vec<Rc<[Diagnostic]>>, Failure> {
        let mut found = match self.findings(from) {
            Ok(findings) => vec![findings],
            Err(_) if self.subdir.is_some() => Vec::new(),
            Err(failure) => return Err(failure),
        };
        for parent in &commit.parents {
            // A shallow clone ends where parents are missing.
            found.extend(self.findings(parent));
        }
        Ok(found)
    }
}

fn explain(failure: gitproc_git::protocol::Failure) -> Failure {
    let exit = match failure.kind {
        // What was typed names nothing.
        FailureKind::NotFound | FailureKind::Ambiguous | FailureKind::Refused => USAGE,
        FailureKind::Moved | FailureKind::Unsupported | FailureKind::Storage => FAILED,
    };
    Failure::new(exit, failure.message)
}
