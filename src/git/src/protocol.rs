//! What the daemon and the worker say to each other: JSON, one line per message.
//!
//! Every request has exactly one answer, a [`Reply`]. Commits are full lower-case hex.
use gitproc_unit::TreeFiles;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Longest request, in bytes: a snapshot's alternates or a rollback's message fit many times over.
pub const MAX_REQUEST: usize = 1 << 20;

/// Longest answer, in bytes: the largest snapshot, with every byte escaped by JSON.
pub const MAX_ANSWER: usize = 128 << 20;

/// What the worker can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// Make the store where there is none, and set its configuration. → [`Response::Done`]
    Init {
        /// What HEAD points at.
        branch: String,
    },
    /// A first commit on a branch that does not exist. → [`Response::Commit`]; on a branch that
    /// exists → [`Response::NothingToDo`]
    InitialCommit {
        /// The branch to make.
        branch: String,
        /// Contents by name; all at the top level.
        files: BTreeMap<String, String>,
        /// Who makes it.
        author: Person,
    },
    /// Where a branch stands. → [`Response::Head`]
    Head {
        /// Without `refs/heads/`.
        branch: String,
    },
    /// Find a commit: hex prefix, branch, tag, `HEAD`, each with `~n` or `^`. → [`Response::Commit`]
    Resolve {
        /// As the user wrote it.
        rev: String,
        /// What `HEAD` means.
        branch: String,
    },
    /// The files of a commit that concern units. → [`Response::Snapshot`]
    Snapshot {
        /// Full id.
        commit: String,
        /// Further object directories (the quarantine of a push).
        alternates: Vec<PathBuf>,
        /// Directory of the units within the tree; the top when `None`.
        subdir: Option<String>,
    },
    /// A new commit on top of the branch, with an old tree. → [`Response::Commit`], or
    /// [`Response::NothingToDo`] where the branch has that tree already.
    RollbackCommit {
        /// The branch to move.
        branch: String,
        /// The commit whose tree returns, full id.
        tree_of: String,
        /// Commit message.
        message: String,
        /// Who asked for it.
        author: Person,
        /// Where the branch has to stand, full id; it does not move otherwise.
        expected: String,
    },
    /// Keep a deployed commit alive as `refs/gitproc/gen/N`. → [`Response::Done`]
    KeepGeneration {
        /// N.
        number: u64,
        /// Full id.
        commit: String,
    },
    /// A commit and its first parents, newest first. → [`Response::Log`]
    Log {
        /// Full id.
        commit: String,
        /// At most this many.
        limit: usize,
    },
    /// One commit. → [`Response::Commit`]
    CommitInfo {
        /// Full id.
        commit: String,
    },
}

/// Name and address in a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// `root`
    pub name: String,
    /// `root@localhost`
    pub mail: String,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It was done.
    Ok(Response),
    /// It was not.
    Failed(Failure),
}

/// The answer to a request that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// Nothing more to say.
    Done,
    /// What was asked for is so already.
    NothingToDo,
    /// Where the branch stands.
    Head(HeadState),
    /// The commit that was found or made.
    Commit(CommitInfo),
    /// The files.
    Snapshot(Snapshot),
    /// Commits, newest first.
    Log(Vec<CommitInfo>),
}

/// Where a branch stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum HeadState {
    /// At a commit.
    At {
        /// Full id.
        commit: String,
    },
    /// The store has no branch at all.
    NoCommits,
    /// The store has branches, but not this one.
    NoBranch {
        /// Those that it has (the first [`crate::protocol::MAX_BRANCHES_NAMED`]).
        branches: Vec<String>,
    },
}

/// Branches named in a message: enough to see the right one.
pub const MAX_BRANCHES_NAMED: usize = 10;

impl HeadState {
    /// The commit, if there is one.
    pub fn commit(&self) -> Option<&str> {
        match self {
            HeadState::At { commit } => Some(commit),
            HeadState::NoCommits | HeadState::NoBranch { .. } => None,
        }
    }

    /// For people: why there is no commit, and what to do; `None` where there is one.
    pub fn explain(&self, store: &Path, branch: &str) -> Option<String> {
        let store = store.display();
        match self {
            HeadState::At { .. } => None,
            HeadState::NoCommits => Some(format!(
                "no commits yet in {store} (git push to make the first)"
            )),
            HeadState::NoBranch { branches } => Some(format!(
                "branch '{branch}' does not exist in {store} (it has: {}; push to {branch}, or set Branch={} in gitproc.conf)",
                branches.join(", "),
                branches.first().map_or("", String::as_str),
            )),
        }
    }
}

/// A commit, without its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// Full id.
    pub id: String,
    /// First line of the message; bytes that are not UTF-8 are replaced.
    pub subject: String,
    /// Name of the author.
    pub author: String,
    /// When it was committed, in seconds since 1970 (UTC).
    pub time: i64,
    /// Full ids.
    pub parents: Vec<String>,
}

/// A commit and its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The commit.
    pub commit: CommitInfo,
    /// Those of its files that concern units.
    pub files: TreeFiles,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// For programs.
    pub kind: FailureKind,
    /// For people.
    pub message: String,
}

/// Kinds of [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// No such revision, commit or directory.
    NotFound,
    /// The revision can mean several commits.
    Ambiguous,
    /// The branch moved in between; look again.
    Moved,
    /// The request, or what the commit holds, breaks a rule; saying it again will not help.
    Refused,
    /// A store of a format that can't be read here.
    Unsupported,
    /// The store is missing, unreadable or damaged.
    Storage,
}

impl Failure {
    /// Shorthand.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
        }
    }
}
