//! The repository itself, as the worker sees it. git2 does not leave this module.
mod history;
mod local;
mod resolve;
mod snapshot;
#[cfg(test)]
mod tests;

pub use local::{LocalRepository, RANGE_MAX};

use crate::protocol::{Failure, FailureKind, HeadState, MAX_BRANCHES_NAMED, Request, Response};
use git2::{ErrorCode, Oid, Repository, RepositoryInitOptions};
use std::path::Path;

/// Longest branch name, in bytes: a file name's limit.
const MAX_BRANCH: usize = 255;

/// What a store is set to, whatever the host's own git configuration says.
const SETTINGS: [(&str, &str); 9] = [
    // Objects named `..` or `.git` end here, before anybody reads them.
    ("receive.fsckObjects", "true"),
    // Generations are not for clones.
    ("transfer.hideRefs", "refs/gitproc"),
    ("receive.advertisePushOptions", "true"),
    // The branch that runs can be moved, not taken away.
    ("receive.denyDeleteCurrent", "refuse"),
    // A repository of unit files; more is a mistake.
    ("receive.maxInputSize", "64m"),
    // No process stays behind a push.
    ("gc.autoDetach", "false"),
    ("gc.auto", "1000"),
    ("core.logAllRefUpdates", "false"),
    ("core.sharedRepository", "umask"),
];

/// Does what a request says.
pub(crate) fn answer(store: &Path, request: Request) -> Result<Response, Failure> {
    match request {
        Request::Init { branch } => init(store, &branch).map(|()| Response::Done),
        Request::InitialCommit {
            branch,
            files,
            author,
        } => history::initial_commit(&open(store)?, &branch, &files, &author),
        Request::Head { branch } => head(&open(store)?, &branch).map(Response::Head),
        Request::Resolve { rev, branch } => {
            let repository = open(store)?;
            let names = resolve::Names {
                head: &branch_reference(&branch)?,
                spaces: &resolve::SPACES,
            };
            let commit = resolve::resolve(&repository, &rev, &names)?;
            Ok(Response::Commit(history::info(&commit)))
        }
        Request::Snapshot {
            commit,
            alternates,
            subdir,
        } => {
            let repository = open(store)?;
            snapshot::snapshot(&repository, &commit, &alternates, subdir.as_deref())
                .map(Response::Snapshot)
        }
        Request::RollbackCommit {
            branch,
            tree_of,
            message,
            author,
            expected,
        } => {
            let wanted = history::Rollback {
                branch,
                tree_of,
                message,
                author,
                expected,
            };
            history::rollback(&open(store)?, &wanted)
        }
        Request::KeepGeneration { number, commit } => {
            history::keep(&open(store)?, number, &commit).map(|()| Response::Done)
        }
        Request::Log { commit, limit } => {
            history::log(&open(store)?, &commit, limit).map(Response::Log)
        }
        Request::CommitInfo { commit } => {
            let repository = open(store)?;
            let commit = find(&repository, &commit)?;
            Ok(Response::Commit(history::info(&commit)))
        }
    }
}

/// A failure of the repository while `what` was done.
fn storage(what: impl std::fmt::Display) -> impl FnOnce(git2::Error) -> Failure {
    move |error| Failure::new(FailureKind::Storage, format!("{what}: {}", error.message()))
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Refused, message)
}

fn init(store: &Path, branch: &str) -> Result<(), Failure> {
    let reference = branch_reference(branch)?;
    if !store.join("HEAD").exists() {
        let mut options = RepositoryInitOptions::new();
        // A template of the host could bring hooks of its own.
        options
            .bare(true)
            .external_template(false)
            .initial_head(branch);
        Repository::init_opts(store, &options).map_err(storage(format_args!(
            "making the store {}",
            store.display()
        )))?;
    }
    let repository = open(store)?;
    repository
        .set_head(&reference)
        .map_err(storage("setting HEAD of the store"))?;
    let mut config = git2::Config::open(&store.join("config"))
        .map_err(storage("opening the store's configuration"))?;
    for (key, value) in SETTINGS {
        config
            .set_str(key, value)
            .map_err(storage(format_args!("setting {key}")))?;
    }
    Ok(())
}

fn open(store: &Path) -> Result<Repository, Failure> {
    Repository::open_bare(store).map_err(|error| explain_open(store, &error))
}

fn explain_open(store: &Path, error: &git2::Error) -> Failure {
    let shown = store.display();
    let text = error.message().to_ascii_lowercase();
    let unsupported = |message| Failure::new(FailureKind::Unsupported, message);
    if text.contains("refstorage") {
        unsupported(format!(
            "{shown} keeps its refs as a reftable, which gitproc can't read yet (git -C {shown} refs migrate --ref-format=files)"
        ))
    } else if text.contains("objectformat") || text.contains("sha256") {
        unsupported(format!(
            "{shown} is a SHA-256 repository, which gitproc can't read yet (set it aside and run gitproc init, which makes a SHA-1 store)"
        ))
    } else if !store.join("HEAD").exists() {
        Failure::new(
            FailureKind::Storage,
            format!("there is no store in {shown} (gitproc init makes it)"),
        )
    } else {
        Failure::new(
            FailureKind::Storage,
            format!("opening the store {shown}: {}", error.message()),
        )
    }
}

/// `refs/heads/BRANCH`, if git allows such a branch.
fn branch_reference(branch: &str) -> Result<String, Failure> {
    let reference = format!("refs/heads/{branch}");
    let odd = branch.len() > MAX_BRANCH || branch.starts_with('-') || branch == "HEAD";
    match odd || !git2::Reference::is_valid_name(&reference) {
        true => Err(refused(format!(
            "'{}' can't be the name of a branch",
            branch.escape_debug()
        ))),
        false => Ok(reference),
    }
}

fn head(repository: &Repository, branch: &str) -> Result<HeadState, Failure> {
    let reference = branch_reference(branch)?;
    match repository.find_reference(&reference) {
        Ok(found) => {
            let commit = found
                .peel_to_commit()
                .map_err(storage(format_args!("reading branch '{branch}'")))?;
            Ok(HeadState::At {
                commit: commit.id().to_string(),
            })
        }
        Err(error) if error.code() == ErrorCode::NotFound => {
            let branches = branches(repository)?;
            Ok(match branches.is_empty() {
                true => HeadState::NoCommits,
                false => HeadState::NoBranch { branches },
            })
        }
        Err(error) => Err(storage(format_args!("reading branch '{branch}'"))(error)),
    }
}

fn branches(repository: &Repository) -> Result<Vec<String>, Failure> {
    let references = repository
        .references_glob("refs/heads/*")
        .map_err(storage("listing the branches"))?;
    let mut names = Vec::new();
    for reference in references {
        let reference = reference.map_err(storage("listing the branches"))?;
        names.push(String::from_utf8_lossy(reference.shorthand_bytes()).into_owned());
    }
    names.sort();
    names.truncate(MAX_BRANCHES_NAMED);
    Ok(names)
}

/// A commit by its full id.
fn find<'r>(repository: &'r Repository, id: &str) -> Result<git2::Commit<'r>, Failure> {
    let missing = || {
        Failure::new(
            FailureKind::NotFound,
            format!("there is no commit {}", id.escape_debug()),
        )
    };
    let oid = match id.len() == FULL_ID && id.bytes().all(|b| b.is_ascii_hexdigit()) {
        true => Oid::from_str(id).map_err(|_| missing())?,
        false => return Err(missing()),
    };
    repository
        .find_commit(oid)
        .map_err(|error| match error.code() {
            ErrorCode::NotFound => missing(),
            _ => storage(format_args!("reading commit {id}"))(error),
        })
}

/// Hex digits of a full SHA-1 id.
const FULL_ID: usize = 40;
