//! Commits: what they say, and those that gitproc makes itself.
use super::{branch_reference, find, refused, storage};
use crate::protocol::{CommitInfo, Failure, FailureKind, Person, Response};
use git2::{Commit, ErrorCode, Oid, Repository, Signature};
use std::collections::BTreeMap;

/// Longest list that a request for the log gets.
const MAX_LOG: usize = 10_000;
/// Longest name or address in a commit of ours, in bytes.
const MAX_PERSON: usize = 200;
/// Mode of a regular file in a tree.
const REGULAR: i32 = 0o100_644;

/// What commits of ours are committed by; their author is the person who asked.
const COMMITTER: (&str, &str) = ("gitproc", "gitproc@localhost");

pub(super) struct Rollback {
    pub(super) branch: String,
    pub(super) tree_of: String,
    pub(super) message: String,
    pub(super) author: Person,
    pub(super) expected: String,
}

pub(super) fn info(commit: &Commit<'_>) -> CommitInfo {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    CommitInfo {
        id: commit.id().to_string(),
        subject: lossy(commit.summary_bytes().unwrap_or_default()),
        author: lossy(commit.author().name_bytes()),
        time: commit.time().seconds(),
        parents: commit.parent_ids().map(|id| id.to_string()).collect(),
    }
}

pub(super) fn log(
    repository: &Repository,
    commit: &str,
    limit: usize,
) -> Result<Vec<CommitInfo>, Failure> {
    let mut next = Some(find(repository, commit)?);
    let mut commits = Vec::new();
    while let Some(commit) = next.filter(|_| commits.len() < limit.min(MAX_LOG)) {
        commits.push(info(&commit));
        // A shallow store ends where its parents are missing.
        next = commit.parent(0).ok();
    }
    Ok(commits)
}

/// Keeps a commit from gc, also after a forced push. Said again, it is not an error.
pub(super) fn keep(repository: &Repository, number: u64, commit: &str) -> Result<(), Failure> {
    let commit = find(repository, commit)?;
    let name = format!("refs/gitproc/gen/{number}");
    repository
        .reference(&name, commit.id(), true, "gitproc: generation")
        .map(drop)
        .map_err(storage(format_args!("writing {name}")))
}

pub(super) fn initial_commit(
    repository: &Repository,
    branch: &str,
    files: &BTreeMap<String, String>,
    author: &Person,
) -> Result<Response, Failure> {
    let reference = branch_reference(branch)?;
    if repository.find_reference(&reference).is_ok() {
        return Ok(Response::NothingToDo);
    }
    let failed = || storage("making the first commit");
    let mut builder = repository.treebuilder(None).map_err(failed())?;
    for (name, content) in files {
        let blob = repository.blob(content.as_bytes()).map_err(failed())?;
        builder
            .insert(name, blob, REGULAR)
            .map_err(storage(format_args!(
                "adding {} to the first commit",
                name.escape_debug()
            )))?;
    }
    let tree = builder
        .write()
        .and_then(|id| repository.find_tree(id))
        .map_err(failed())?;
    let author = signature(author)?;
    let id = repository
        .commit(None, &author, &committer()?, "First commit\n", &tree, &[])
        .map_err(failed())?;
    match repository.reference(&reference, id, false, "gitproc: first commit") {
        Ok(_) => find(repository, &id.to_string()).map(|commit| Response::Commit(info(&commit))),
        Err(error) if error.code() == ErrorCode::Exists => Ok(Response::NothingToDo),
        Err(error) => Err(failed()(error)),
    }
}

pub(super) fn rollback(repository: &Repository, wanted: &Rollback) -> Result<Response, Failure> {
    let reference = branch_reference(&wanted.branch)?;
    let head = find(repository, &wanted.expected)?;
    let old = find(repository, &wanted.tree_of)?;
    let moved = || {
        let branch = &wanted.branch;
        let message = format!(
            "branch '{branch}' moved in the meantime; look again, then repeat the rollback"
        );
        Failure::new(FailureKind::Moved, message)
    };
    let stands_at = |id: Oid| {
        repository
            .find_reference(&reference)
            .is_ok_and(|found| found.target() == Some(id))
    };
    if !stands_at(head.id()) {
        return Err(moved());
    }
    if head.tree_id() == old.tree_id() {
        return Ok(Response::NothingToDo);
    }
    let failed = || storage("making the rollback commit");
    let tree = old.tree().map_err(failed())?;
    let author = signature(&wanted.author)?;
    let id = repository
        .commit(
            None,
            &author,
            &committer()?,
            &wanted.message,
            &tree,
            &[&head],
        )
        .map_err(failed())?;
    match repository.reference_matching(&reference, id, true, head.id(), "gitproc: rollback") {
        Ok(_) => find(repository, &id.to_string()).map(|commit| Response::Commit(info(&commit))),
        Err(error) if matches!(error.code(), ErrorCode::Modified | ErrorCode::Locked) => {
            Err(moved())
        }
        Err(error) => Err(failed()(error)),
    }
}

fn committer() -> Result<Signature<'static>, Failure> {
    Signature::now(COMMITTER.0, COMMITTER.1).map_err(storage("reading the clock for a commit"))
}

fn signature(person: &Person) -> Result<Signature<'static>, Failure> {
    let long = person.name.len() > MAX_PERSON || person.mail.len() > MAX_PERSON;
    let odd = |text: &str| text.chars().any(|c| c.is_control() || c == '<' || c == '>');
    let bad = || {
        refused(format!(
            "'{}' can't be the author of a commit",
            person.name.escape_debug()
        ))
    };
    if long || odd(&person.name) || odd(&person.mail) {
        return Err(bad());
    }
    Signature::now(&person.name, &person.mail).map_err(|_| bad())
}
