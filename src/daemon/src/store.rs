//! The store, seen from the loop's side: requests to the git worker, one at a time, off the loop.
//!
//! The worker is a child without privileges that opens the repository; nothing here does.
use gitproc_core::{CommitId, Generation};
use gitproc_git::client::DEADLINE;
use gitproc_git::{FailureKind, HeadState, Person, Request, Response, Worker, WorkerError};
use gitproc_unit::TreeFiles;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a commit.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The commit.
    pub commit: CommitId,
    /// First line of its message.
    pub subject: String,
    /// Its author.
    pub author: String,
    /// Its files.
    pub files: TreeFiles,
}

/// Why the store did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is none.
    #[error("there is no store at {} (make one with: {})", path.display(), init_command(root.as_deref()))]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// `--root` of the daemon.
        root: Option<PathBuf>,
    },
    /// The branch is not there.
    #[error("{0}")]
    NoHead(String),
    /// The worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The worker answered something else than was asked.
    #[error("the git worker answered {0} with something else")]
    Answer(&'static str),
    /// The thread that waited for it is gone.
    #[error("the request to the git worker was abandoned")]
    Abandoned,
}

impl StoreError {
    /// What kind of failure the worker reported, if it was that.
    pub fn kind(&self) -> Option<FailureKind> {
        match self {
            StoreError::Worker(WorkerError::Failed(failure)) => Some(failure.kind),
            _ => None,
        }
    }
}

fn init_command(root: Option<&Path>) -> String {
    match root {
        Some(root) => format!("gitproc --root {} init", root.display()),
        None => "gitproc init".to_owned(),
    }
}

/// Handle to the worker.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    /// `--root` of the daemon, for hints.
    root: Option<PathBuf>,
    /// Callers take turns; called on blocking threads only.
    worker: Arc<Worker>,
}

impl Store {
    /// The store at `path`, read by `worker`.
    pub fn new(path: PathBuf, root: Option<PathBuf>, worker: Worker) -> Store {
        Store {
            path,
            root,
            worker: Arc::new(worker),
        }
    }

    async fn ask(&self, request: Request) -> Result<Response, StoreError> {
        if !self.path.is_dir() {
            return Err(StoreError::Missing {
                path: self.path.clone(),
                root: self.root.clone(),
            });
        }
        let worker = Arc::clone(&self.worker);
        let asked = tokio::task::spawn_blocking(move || worker.call(request, DEADLINE));
        Ok(asked.await.map_err(|_| StoreError::Abandoned)??)
    }

    /// Where the branch stands. No commit yet and no such branch are errors that say what to do.
    pub async fn head(&self, branch: &str) -> Result<CommitId, StoreError> {
        let request = Request::Head {
            branch: branch.to_owned(),
        };
        match self.ask(request).await? {
            Response::Head(HeadState::At { commit }) => Ok(CommitId(commit)),
            Response::Head(state @ (HeadState::NoCommits | HeadState::NoBranch { .. })) => {
                let why = state.explain(&self.path, branch).unwrap_or_default();
                Err(StoreError::NoHead(why))
            }
            _ => Err(StoreError::Answer("head")),
        }
    }

    /// Finds the commit that a person means.
    pub async fn resolve(&self, rev: &str, branch: &str) -> Result<CommitId, StoreError> {
        let request = Request::Resolve {
            rev: rev.to_owned(),
            branch: branch.to_owned(),
        };
        match self.ask(request).await? {
            Response::Commit(info) => Ok(CommitId(info.id)),
            _ => Err(StoreError::Answer("resolve")),
        }
    }

    /// Reads a commit; `quarantine` is the object directory of a push that is not accepted yet.
    pub async fn snapshot(
        &self,
        commit: &CommitId,
        quarantine: Option<PathBuf>,
    ) -> Result<Snapshot, StoreError> {
        let request = Request::Snapshot {
            commit: commit.0.clone(),
            alternates: quarantine.into_iter().collect(),
            subdir: None,
        };
        match self.ask(request).await? {
            Response::Snapshot(found) => Ok(Snapshot {
                commit: CommitId(found.commit.id),
                subject: found.commit.subject,
                author: found.commit.author,
                files: found.files,
            }),
            _ => Err(StoreError::Answer("snapshot")),
        }
    }

    /// Keeps a deployed commit from being collected.
    pub async fn keep_generation(
        &self,
        number: Generation,
        commit: &CommitId,
    ) -> Result<(), StoreError> {
        let request = Request::KeepGeneration {
            number: number.0,
            commit: commit.0.clone(),
        };
        self.ask(request).await.map(drop)
    }

    /// A new commit on the branch with the tree of an old one, if the branch still is at
    /// `expected`; `None` when it has that tree already.
    pub async fn rollback(
        &self,
        branch: &str,
        tree_of: &CommitId,
        expected: &CommitId,
        message: String,
        author: Person,
    ) -> Result<Option<CommitId>, StoreError> {
        let request = Request::RollbackCommit {
            branch: branch.to_owned(),
            tree_of: tree_of.0.clone(),
            message,
            author,
            expected: expected.0.clone(),
        };
        match self.ask(request).await? {
            Response::Commit(info) => Ok(Some(CommitId(info.id))),
            Response::NothingToDo => Ok(None),
            _ => Err(StoreError::Answer("rollback")),
        }
    }
}
