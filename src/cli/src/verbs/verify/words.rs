//! What the arguments of `verify` mean: what exists on disk is a path, all else is a revision.
use super::is_unit;
use crate::failure::{Failure, USAGE};
use std::path::{Path, PathBuf};

/// One argument.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A unit file or a drop-in.
    File(PathBuf),
    /// A directory, as a commit's tree.
    Directory(PathBuf),
    /// `REV`, `REV:DIR`
    Commit(Spec),
    /// `A..B`, `A..B:DIR`
    Range(Range),
}

/// A revision, and the directory of the units in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub rev: String,
    pub subdir: Option<String>,
}

/// Commits of `to` that `from` has not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub from: String,
    pub to: String,
    pub subdir: Option<String>,
}

impl Word {
    /// The path of a file.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Word::File(path) => Some(path),
            Word::Directory(_) | Word::Commit(_) | Word::Range(_) => None,
        }
    }
}

/// Reads all arguments.
pub(super) fn read(all: &[String]) -> Result<Vec<Word>, Failure> {
    all.iter().map(|text| word(text)).collect()
}

fn word(text: &str) -> Result<Word, Failure> {
    let path = Path::new(text);
    if path.is_dir() {
        return Ok(Word::Directory(path.to_owned()));
    }
    if path.symlink_metadata().is_ok() {
        return Ok(Word::File(path.to_owned()));
    }
    if text.is_empty() {
        return Err(usage(
            "an empty argument names neither a file nor a commit".into(),
        ));
    }
    if is_unit(text) || text.ends_with(".conf") || text.ends_with('/') || path.is_absolute() {
        return Err(usage(format!("there is no file '{text}'")));
    }
    let (revs, subdir) = match text.split_once(':') {
        Some((_, "")) => {
            return Err(usage(format!(
                "'{text}' names no directory after its colon"
            )));
        }
        Some((revs, subdir)) => (revs, Some(subdir.to_owned())),
        None => (text, None),
    };
    let Some((from, to)) = revs.split_once("..") else {
        let rev = revs.to_owned();
        return match rev.is_empty() {
            true => Err(usage(format!("'{text}' names no commit before its colon"))),
            false => Ok(Word::Commit(Spec { rev, subdir })),
        };
    };
    if to.starts_with('.') || to.contains("..") {
        let message = format!("'{text}' is no range of commits, such as main..HEAD");
        return Err(usage(message));
    }
    // As in git, what is left out is HEAD.
    let side = |rev: &str| match rev {
        "" => "HEAD".to_owned(),
        rev => rev.to_owned(),
    };
    Ok(Word::Range(Range {
        from: side(from),
        to: side(to),
        subdir,
    }))
}

/// The command line makes no sense.
pub(super) fn usage(message: String) -> Failure {
    Failure::new(USAGE, message).with_hint("gitproc verify --help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_paths_or_revisions() {
        let commit = |rev: &str, subdir: Option<&str>| {
            Word::Commit(Spec {
                rev: rev.into(),
                subdir: subdir.map(str::to_owned),
            })
        };
        let range = |from: &str, to: &str, subdir: Option<&str>| {
            Word::Range(Range {
                from: from.into(),
                to: to.into(),
                subdir: subdir.map(str::to_owned),
            })
        };
        for (text, expected) in [
            ("/", Some(Word::Directory("/".into()))),
            ("/dev/null", Some(Word::File("/dev/null".into()))),
            ("HEAD~1", Some(commit("HEAD~1", None))),
            ("v1:units", Some(commit("v1", Some("units")))),
            ("a..b", Some(range("a", "b", None))),
            ("a..:x/y", Some(range("a", "HEAD", Some("x/y")))),
            ("..b", Some(range("HEAD", "b", None))),
            ("a...b", None),
            ("a..b..c", None),
            ("", None),
            (":x", None),
            ("HEAD:", None),
            ("nosuch.service", None),
            ("/no/such", None),
            ("web.service.d/nosuch.conf", None),
        ] {
            assert_eq!(word(text).ok(), expected, "{text}");
        }
    }
}
