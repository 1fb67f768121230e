//! Unit files on disk, read as a commit's tree would be.
use super::words::usage;
use super::{Judge, is_unit};
use crate::failure::{FAILED, Failure};
use crate::verbs::files::read_entry;
use gitproc_unit::{Code, Diagnostic, TreeEntry, TreeFiles};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Most files that one directory is read for, so that a wrong directory is noticed.
const FILES_MAX: usize = 20_000;
/// Most files of a directory that are read to judge one of them: an editor asks at each key.
const NEIGHBOURS_MAX: usize = 500;

/// Directories whose files concern units.
const DIRECTORIES: [&str; 3] = [".d", ".wants", ".requires"];

/// A directory is read as a commit's tree would be.
pub(super) fn verify_directory(
    judge: &Judge,
    directory: &Path,
) -> Result<Vec<Diagnostic>, Failure> {
    let tree = read_tree(directory, FILES_MAX)?.ok_or_else(|| {
        let message = format!("{} has more than {FILES_MAX} files", directory.display());
        Failure::new(FAILED, message)
    })?;
    let place = directory.display().to_string();
    let mut found = judge.judge(&tree, &place);
    for finding in &mut found {
        if finding.code != Code::NoUnits && directory != Path::new(".") {
            finding.file = directory.join(&finding.file).display().to_string();
        }
    }
    Ok(found)
}

/// Files given together are one set of units, among the others of their directories: those are
/// read, too, and what is wrong with them is not said.
pub(super) fn verify_files(judge: &Judge, paths: &[&Path]) -> Result<Vec<Diagnostic>, Failure> {
    let mut given: BTreeMap<String, &Path> = BTreeMap::new();
    let mut tree = TreeFiles::default();
    let mut bases: BTreeSet<PathBuf> = BTreeSet::new();
    for path in paths {
        let (name, base) = place_in_tree(path)?;
        tree.entries.insert(name.clone(), read_entry(path));
        if given.get(&name).is_some_and(|other| other != path) {
            let message = format!("{name} is given twice, from different directories");
            return Err(usage(message));
        }
        given.insert(name, path);
        bases.insert(base);
    }
    let mut alone = false;
    for base in bases {
        // A directory that can't be listed has files all the same.
        match read_tree(&base, NEIGHBOURS_MAX) {
            Ok(Some(neighbours)) => {
                for (name, entry) in neighbours.entries {
                    tree.entries.entry(name).or_insert(entry);
                }
            }
            Ok(None) | Err(_) => alone = true,
        }
    }
    let mut found = judge.judge(&tree, "");
    found.retain(|finding| match finding.code {
        // Said at one of the files that make it.
        Code::Cycle | Code::Conflict => {
            let names = given.keys();
            names
                .into_iter()
                .any(|name| finding.message.contains(name.as_str()))
        }
        Code::MissingRequirement | Code::MissingWanted | Code::NeverStarted if alone => false,
        // Some of what was left out can be of the files given.
        Code::TooMany => true,
        _ => given.contains_key(&finding.file),
    });
    for finding in &mut found {
        if let Some(path) = given.get(&finding.file) {
            finding.file = path.display().to_string();
        }
    }
    Ok(found)
}

/// Where a file would lie in a commit's tree, and the directory that is that tree.
fn place_in_tree(path: &Path) -> Result<(String, PathBuf), Failure> {
    let text =
        |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
    let absolute =
        std::path::absolute(path).map_err(|error| Failure::caused(path.display(), &error))?;
    let name = text(absolute.file_name());
    let parent = absolute.parent();
    let directory = text(parent.and_then(Path::file_name));
    match (name, directory, parent) {
        (Some(name), _, Some(parent)) if is_unit(&name) => Ok((name, parent.to_owned())),
        (Some(name), Some(directory), Some(parent))
            if name.ends_with(".conf") && directory.ends_with(".d") =>
        {
            let base = parent.parent().unwrap_or(parent);
            Ok((format!("{directory}/{name}"), base.to_owned()))
        }
        _ => Err(usage(format!(
            "{} is no unit file (NAME.service, NAME.target, …), nor a drop-in \
             (NAME.service.d/*.conf)",
            path.display()
        ))),
    }
}

/// What of a directory concerns units; `None` when there is more than `most`.
fn read_tree(directory: &Path, most: usize) -> Result<Option<TreeFiles>, Failure> {
    let mut tree = TreeFiles::default();
    for (name, path) in list(directory)? {
        let collects = DIRECTORIES.iter().any(|suffix| name.ends_with(suffix));
        if !collects && !is_unit(&name) {
            continue;
        }
        if collects && path.is_symlink() {
            let why = "a link to a directory is not followed; put the files here";
            tree.entries.insert(name, TreeEntry::Problem(why.into()));
        } else if collects && path.is_dir() {
            for (inner, path) in list(&path)? {
                if !path.is_dir() || path.is_symlink() {
                    let entry = read_entry(&path);
                    tree.entries.insert(format!("{name}/{inner}"), entry);
                }
            }
        } else if is_unit(&name) {
            tree.entries.insert(name, read_entry(&path));
        }
        if tree.entries.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(tree))
}

/// Names and paths of what is in a directory; names that are no text can't be units.
fn list(directory: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let failed =
        |error| Failure::caused(format_args!("can't read {}", directory.display()), &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitproc_core::host_action::HostVerb;
    use gitproc_core::lint::{Host, Known, Look};
    use gitproc_unit::{HostFacts, UnitName};

    /// A host of which nothing is known.
    struct Unsure;

    impl Host for Unsure {
        fn look(&self, _: &str) -> Look {
            Look::Unsure
        }
        fn find(&self, _: &str) -> Look {
            Look::Unsure
        }
        fn user(&self, _: &str) -> Known {
            Known::Unsure
        }
        fn group(&self, _: &str) -> Known {
            Known::Unsure
        }
        fn may(&self, _: HostVerb) -> Known {
            Known::Unsure
        }
    }

    #[test]
    fn files_have_their_place_in_a_tree() {
        for (path, expected) in [
            ("/x/web.service", Some(("web.service", "/x"))),
            (
                "/x/web.service.d/a.conf",
                Some(("web.service.d/a.conf", "/x")),
            ),
            ("/x/service.d/a.conf", Some(("service.d/a.conf", "/x"))),
            ("/x/README.md", None),
            ("/x/conf/a.conf", None),
            ("/", None),
        ] {
            let place = place_in_tree(Path::new(path)).ok();
            let expected = expected.map(|(name, base)| (name.to_owned(), PathBuf::from(base)));
            assert_eq!(place, expected, "{path}");
        }
    }

    #[test]
    fn the_examples_have_neither_errors_nor_warnings() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../units-example");
        let judge = Judge {
            facts: HostFacts::example(),
            host: Box::new(Unsure),
            target: UnitName::parse("default.target").expect("a valid name"),
            as_root: true,
        };
        let found = verify_directory(&judge, &examples).expect("they can be read");
        assert!(found.is_empty(), "{found:#?}");
    }
}
