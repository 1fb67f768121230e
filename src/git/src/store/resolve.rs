//! From what a user wrote to a commit. Parsed here: the text never reaches libgit2's revparse,
//! whose grammar reads reflogs, messages and regular expressions.
//!
//! `BASE ( ~N | ~ | ^ )*`, where BASE is `HEAD`, a branch, a tag, or at least four hex digits.
use super::{FULL_ID, find, refused, storage};
use crate::protocol::{Failure, FailureKind};
use git2::{Commit, ErrorCode, Repository};

/// Longest revision, in bytes.
const MAX_REV: usize = 300;
/// Furthest that `~N` goes back.
const MAX_BACK: u32 = 10_000;
/// Shortest hex prefix, as in git.
const MIN_PREFIX: usize = 4;

/// What names mean in a repository.
pub(super) struct Names<'a> {
    /// The reference that `HEAD` stands for.
    pub(super) head: &'a str,
    /// Where other names are looked for, in order.
    pub(super) spaces: &'a [&'a str],
}

/// Branches and tags.
pub(super) const SPACES: [&str; 2] = ["refs/heads/", "refs/tags/"];

pub(super) fn resolve<'r>(
    repository: &'r Repository,
    rev: &str,
    names: &Names<'_>,
) -> Result<Commit<'r>, Failure> {
    let (base, back) = parse(rev).ok_or_else(|| {
        let shown: String = rev.chars().take(MAX_REV).collect();
        refused(format!(
            "'{}' is not a revision (a commit's id, a branch, a tag or HEAD, with ~N for the Nth before it)",
            shown.escape_debug()
        ))
    })?;
    let mut commit = match base {
        "HEAD" => named(repository, names.head)?,
        base => lookup(repository, base, names.spaces)?,
    }
    .ok_or_else(|| {
        Failure::new(
            FailureKind::NotFound,
            format!("there is no commit '{base}'"),
        )
    })?;
    for step in 0..back {
        commit = commit.parent(0).map_err(|_| {
            let message =
                format!("'{rev}' goes back too far: '{base}' has {step} commits before it");
            Failure::new(FailureKind::NotFound, message)
        })?;
    }
    Ok(commit)
}

/// The base, and how many first parents to go back.
fn parse(rev: &str) -> Option<(&str, u32)> {
    let end = rev.find(['~', '^']).unwrap_or(rev.len());
    let (base, mut steps) = rev.split_at_checked(end)?;
    if base.is_empty() || base.starts_with('-') || rev.len() > MAX_REV {
        return None;
    }
    let mut back = 0_u32;
    while let Some(rest) = steps.strip_prefix(['~', '^']) {
        let tilde = steps.starts_with('~');
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        back = back.checked_add(match (number, tilde) {
            ("", _) | ("1", false) => 1,
            (number, true) => number.parse().ok()?,
            // `^2` is the merged side, which no generation came from.
            (_, false) => return None,
        })?;
        steps = after;
    }
    (steps.is_empty() && back <= MAX_BACK).then_some((base, back))
}

fn lookup<'r>(
    repository: &'r Repository,
    base: &str,
    spaces: &[&str],
) -> Result<Option<Commit<'r>>, Failure> {
    let hex = base.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex && base.len() == FULL_ID {
        return find(repository, &base.to_ascii_lowercase()).map(Some);
    }
    for space in spaces {
        let name = format!("{space}{base}");
        if git2::Reference::is_valid_name(&name)
            && let Some(commit) = named(repository, &name)?
        {
            return Ok(Some(commit));
        }
    }
    if !hex || !(MIN_PREFIX..FULL_ID).contains(&base.len()) {
        return Ok(None);
    }
    match repository.find_commit_by_prefix(&base.to_ascii_lowercase()) {
        Ok(commit) => Ok(Some(commit)),
        Err(error) => match error.code() {
            ErrorCode::NotFound => Ok(None),
            ErrorCode::Ambiguous => Err(Failure::new(
                FailureKind::Ambiguous,
                format!("several commits begin with {base}; give more digits"),
            )),
            _ => Err(storage(format_args!("looking for {base}"))(error)),
        },
    }
}

fn named<'r>(repository: &'r Repository, name: &str) -> Result<Option<Commit<'r>>, Failure> {
    match repository.find_reference(name) {
        Ok(found) => found
            .peel_to_commit()
            .map(Some)
            .map_err(storage(format_args!("reading {name}"))),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(storage(format_args!("reading {name}"))(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn revisions_have_a_small_grammar() {
        for (text, expected) in [
            ("HEAD", Some(("HEAD", 0))),
            ("HEAD~3", Some(("HEAD", 3))),
            ("main~", Some(("main", 1))),
            ("v1.0^^", Some(("v1.0", 2))),
            ("abcd~2^1~", Some(("abcd", 4))),
            ("main~0", Some(("main", 0))),
            ("main^2", None),
            ("main~99999", None),
            ("main~4294967296", None),
            ("main~x", None),
            ("main^{tree}", None),
            ("~1", None),
            ("--all", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
