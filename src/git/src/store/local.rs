//! A repository of the person who asks, in which they stand: read as they are, with git's own
//! rules about whose repositories may be opened. The daemon never comes here.
use super::{find, history, resolve, snapshot, storage};
use crate::protocol::{CommitInfo, Failure, FailureKind, Snapshot};
use git2::{ErrorCode, Repository, Sort};
use std::path::Path;

/// Most commits of one range.
pub const RANGE_MAX: usize = 1_000;

/// Where names are looked for: branches, tags, and the branches of remotes.
const SPACES: [&str; 3] = ["refs/heads/", "refs/tags/", "refs/remotes/"];

/// A repository found from the current directory (or by `GIT_DIR`).
pub struct LocalRepository {
    repository: Repository,
}

impl LocalRepository {
    /// The repository of the current directory; `None` where there is none.
    pub fn here() -> Result<Option<LocalRepository>, Failure> {
        match Repository::open_from_env() {
            Ok(repository) => Ok(Some(LocalRepository { repository })),
            Err(error) => match error.code() {
                ErrorCode::NotFound => Ok(None),
                ErrorCode::Owner => Err(Failure::new(
                    FailureKind::Refused,
                    "the repository here belongs to another user \
                     (git config --global --add safe.directory DIR, if you trust it)",
                )),
                _ => {
                    let opening = storage("opening the repository of the current directory");
                    Err(opening(error))
                }
            },
        }
    }

    /// Top of the files that are checked out; `None` of a bare repository.
    pub fn work_tree(&self) -> Option<&Path> {
        self.repository.workdir()
    }

    /// The commit that a person means: `HEAD` is what is checked out.
    pub fn resolve(&self, rev: &str) -> Result<CommitInfo, Failure> {
        let unborn = |error: git2::Error| error.code() == ErrorCode::UnbornBranch;
        if rev.starts_with("HEAD") && self.repository.head().is_err_and(unborn) {
            let message = "this repository has no commits yet";
            return Err(Failure::new(FailureKind::NotFound, message));
        }
        let names = resolve::Names {
            head: "HEAD",
            spaces: &SPACES,
        };
        resolve::resolve(&self.repository, rev, &names).map(|commit| history::info(&commit))
    }

    /// Commits that `to` has and `from` has not, the oldest first; full ids.
    pub fn range(&self, from: &str, to: &str) -> Result<Vec<CommitInfo>, Failure> {
        let failed = || storage("walking the commits of the range");
        let mut walk = self.repository.revwalk().map_err(failed())?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)
            .map_err(failed())?;
        walk.push(find(&self.repository, to)?.id())
            .map_err(failed())?;
        walk.hide(find(&self.repository, from)?.id())
            .map_err(failed())?;
        let mut commits = Vec::new();
        for id in walk {
            if commits.len() == RANGE_MAX {
                return Err(super::refused(format!(
                    "the range has more than {RANGE_MAX} commits"
                )));
            }
            let id = id.map_err(failed())?.to_string();
            commits.push(history::info(&find(&self.repository, &id)?));
        }
        Ok(commits)
    }

    /// The files of a commit that concern units; `subdir` is their directory in it.
    pub fn snapshot(&self, commit: &str, subdir: Option<&str>) -> Result<Snapshot, Failure> {
        snapshot::snapshot(&self.repository, commit, &[], subdir)
    }
}
