//! From a commit to the files that concern units, by object id, never by a work tree.
//!
//! Looked at: the top of the units directory, and one level of `*.d`, `*.wants` and `*.requires`
//! below it; nothing of what units are made of lies deeper. git2 passes tree entries named `..`,
//! so names are checked here.
use super::history::info;
use super::{find, refused, storage};
use crate::protocol::{Failure, FailureKind, Snapshot};
use git2::{ErrorCode, ObjectType, Odb, Oid, Repository, Tree};
use gitproc_unit::{TreeEntry, TreeFiles, UnitKind};
use std::path::PathBuf;

/// Largest unit file, in bytes: systemd's own limit for a line.
const MAX_FILE: usize = 1 << 20;
/// Longest target of a symbolic link, in bytes (PATH_MAX).
const MAX_LINK: usize = 4096;
/// Entries that are looked at in one commit, of whatever kind.
const MAX_ENTRIES: usize = 50_000;
/// All unit files of a commit together, in bytes: keeps the answer below `MAX_ANSWER`.
const MAX_TOTAL: usize = 16 << 20;
/// Alternates of one request: the quarantine, and what it stands on.
const MAX_ALTERNATES: usize = 8;
/// Most parts that the path of the units directory has.
const MAX_SUBDIR_PARTS: usize = 16;

/// Directories whose files concern units.
const DIRECTORIES: [&[u8]; 3] = [b".d", b".wants", b".requires"];

/// How a Git LFS pointer begins.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// File types in a tree entry's mode.
const TYPE_MASK: i32 = 0o170_000;
const DIRECTORY: i32 = 0o040_000;
const REGULAR: i32 = 0o100_000;
const SYMLINK: i32 = 0o120_000;
const SUBMODULE: i32 = 0o160_000;

pub(super) fn snapshot(
    repository: &Repository,
    commit: &str,
    alternates: &[PathBuf],
    subdir: Option<&str>,
) -> Result<Snapshot, Failure> {
    let odb = repository
        .odb()
        .map_err(storage("opening the store's objects"))?;
    if alternates.len() > MAX_ALTERNATES {
        return Err(refused(format!(
            "more than {MAX_ALTERNATES} object directories"
        )));
    }
    for path in alternates {
        let shown = path.display();
        let text = path
            .to_str()
            .filter(|_| path.is_absolute() && path.is_dir());
        let text = text.ok_or_else(|| refused(format!("{shown} is not a directory of objects")))?;
        odb.add_disk_alternate(text)
            .map_err(storage(format_args!("adding the objects in {shown}")))?;
    }
    let commit = find(repository, commit)?;
    let top = commit
        .tree()
        .map_err(storage(format_args!("reading the tree of {}", commit.id())))?;
    let mut reader = Reader {
        repository,
        odb,
        files: TreeFiles::default(),
        seen: 0,
        total: 0,
    };
    let units = reader.descend(top, subdir)?;
    reader.read_units(&units)?;
    Ok(Snapshot {
        commit: info(&commit),
        files: reader.files,
    })
}

struct Reader<'r> {
    repository: &'r Repository,
    odb: Odb<'r>,
    files: TreeFiles,
    seen: usize,
    /// Bytes read.
    total: usize,
}

impl<'r> Reader<'r> {
    fn descend(&self, top: Tree<'r>, subdir: Option<&str>) -> Result<Tree<'r>, Failure> {
        let Some(subdir) = subdir else { return Ok(top) };
        let missing = || {
            let message = format!("the commit has no directory '{}'", subdir.escape_debug());
            Failure::new(FailureKind::NotFound, message)
        };
        let mut tree = top;
        let parts = subdir
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".");
        for (depth, part) in parts.enumerate() {
            if depth >= MAX_SUBDIR_PARTS || !is_safe(part.as_bytes()) {
                return Err(missing());
            }
            let id = tree
                .iter()
                .find(|entry| entry.name_bytes() == part.as_bytes() && kind(entry) == DIRECTORY)
                .map(|entry| entry.id())
                .ok_or_else(missing)?;
            tree = self.tree(id, part)?;
        }
        Ok(tree)
    }

    fn read_units(&mut self, units: &Tree<'r>) -> Result<(), Failure> {
        for entry in units.iter() {
            self.count()?;
            let name = entry.name_bytes();
            let collects = DIRECTORIES.iter().any(|suffix| name.ends_with(suffix));
            if !is_safe(name) {
                // Never a mistake of an editor: somebody made this object by hand.
                if is_hostile(name) || collects || is_unit(name) {
                    return Err(bad_name(name, ""));
                }
                continue;
            }
            let Ok(name) = str::from_utf8(name) else {
                continue;
            };
            match kind(&entry) {
                DIRECTORY if collects => self.read_directory(entry.id(), name)?,
                SYMLINK if collects => self.problem(
                    name,
                    "a link to a directory is not followed; put the files here",
                ),
                DIRECTORY if is_unit(name.as_bytes()) => {
                    self.problem(name, "is a directory, not a unit file")
                }
                SUBMODULE if is_unit(name.as_bytes()) || collects => {
                    self.problem(name, "is a submodule, which is not read")
                }
                REGULAR | SYMLINK if is_unit(name.as_bytes()) => {
                    self.read_file(entry.id(), kind(&entry), name.to_owned())?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_directory(&mut self, id: Oid, directory: &str) -> Result<(), Failure> {
        let tree = self.tree(id, directory)?;
        for entry in tree.iter() {
            self.count()?;
            let name = match str::from_utf8(entry.name_bytes()) {
                Ok(name) if is_safe(name.as_bytes()) => name,
                _ => return Err(bad_name(entry.name_bytes(), directory)),
            };
            let path = format!("{directory}/{name}");
            match kind(&entry) {
                REGULAR | SYMLINK => self.read_file(entry.id(), kind(&entry), path)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_file(&mut self, id: Oid, kind: i32, path: String) -> Result<(), Failure> {
        let limit = if kind == SYMLINK { MAX_LINK } else { MAX_FILE };
        let failed = |error: git2::Error| storage(format_args!("reading {path}"))(error);
        let size = match self.odb.read_header(id) {
            Ok((size, ObjectType::Blob)) => size,
            Ok(_) => {
                return Err(refused(format!(
                    "{path} is not a file in the commit's tree"
                )));
            }
            Err(error) if error.code() == ErrorCode::NotFound => {
                self.problem(
                    &path,
                    "its content is missing in the store (a partial clone?)",
                );
                return Ok(());
            }
            Err(error) => return Err(failed(error)),
        };
        let entry = if size > limit {
            TreeEntry::Problem(format!("{size} bytes, more than the {limit} allowed"))
        } else {
            self.total += size;
            if self.total > MAX_TOTAL {
                return Err(refused(format!(
                    "the unit files of the commit have more than {MAX_TOTAL} bytes"
                )));
            }
            let blob = self.odb.read(id).map_err(failed)?;
            match (text(blob.data()), kind) {
                (Ok(target), SYMLINK) => TreeEntry::Symlink(target),
                (Ok(content), _) => TreeEntry::File(content),
                (Err(problem), _) => TreeEntry::Problem(problem),
            }
        };
        self.files.entries.insert(path, entry);
        Ok(())
    }

    fn tree(&self, id: Oid, path: &str) -> Result<Tree<'r>, Failure> {
        self.repository
            .find_tree(id)
            .map_err(storage(format_args!("reading directory {path}")))
    }

    fn problem(&mut self, path: &str, why: &str) {
        self.files
            .entries
            .insert(path.to_owned(), TreeEntry::Problem(why.to_owned()));
    }

    fn count(&mut self) -> Result<(), Failure> {
        self.seen += 1;
        match self.seen > MAX_ENTRIES {
            true => Err(refused(format!(
                "the units directory has more than {MAX_ENTRIES} entries"
            ))),
            false => Ok(()),
        }
    }
}

fn kind(entry: &git2::TreeEntry<'_>) -> i32 {
    entry.filemode_raw() & TYPE_MASK
}

fn is_unit(name: &[u8]) -> bool {
    let stem = |kind: UnitKind| name.strip_suffix(kind.suffix().as_bytes());
    UnitKind::ALL
        .into_iter()
        .any(|kind| stem(kind).is_some_and(|stem| stem.ends_with(b".")))
}

/// Names that would mean another place, or git's own.
fn is_hostile(name: &[u8]) -> bool {
    matches!(name, b"" | b"." | b"..") || name.eq_ignore_ascii_case(b".git") || name.contains(&b'/')
}

fn is_safe(name: &[u8]) -> bool {
    !is_hostile(name) && str::from_utf8(name).is_ok_and(|text| !text.chars().any(char::is_control))
}

fn bad_name(name: &[u8], directory: &str) -> Failure {
    let place = if directory.is_empty() {
        "the units directory"
    } else {
        directory
    };
    refused(format!(
        "'{}' in {place} can't be the name of a file",
        name.escape_ascii()
    ))
}

/// The content as text, or why it is none.
fn text(bytes: &[u8]) -> Result<String, String> {
    if bytes.starts_with(LFS) {
        return Err("a Git LFS pointer; commit the file itself".to_owned());
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!("NUL at byte {at}"));
    }
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(format!("invalid UTF-8 at byte {}", error.valid_up_to())),
    }
}
