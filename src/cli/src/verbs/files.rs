//! Unit files without a daemon: `show --file`, and `verify` of paths.
use super::Context;
use super::look::{Properties, property_lines, select};
use crate::args::ShowArgs;
use crate::failure::{FAILED, Failure};
use crate::output::print;
use gitproc_rpc::api::{RevParams, Verify};
use gitproc_unit::{Diagnostic, HostFacts, Loaded, Severity, TreeEntry, TreeFiles, Unit, UnitName};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use std::fs;
use std::path::{Path, PathBuf};

/// Largest unit file, in bytes: systemd refuses a single line of that size.
const FILE_MAX: u64 = 1024 * 1024;
/// Most files that one directory is read for, so that a wrong directory is noticed.
const FILES_MAX: usize = 20_000;

/// `show --file PATH…`: each file alone, as if it were the only one.
pub fn show(context: &Context, args: &ShowArgs) -> Result<u8, Failure> {
    let mut errors = 0;
    let facts = host_facts(context)?;
    for path in &args.file {
        match show_file(context, args, path, &facts) {
            Ok(found) => errors += found,
            // The other files are shown all the same.
            Err(failure) => {
                eprintln!("{failure}");
                errors += 1;
            }
        }
    }
    Ok(if errors > 0 { FAILED } else { 0 })
}

/// One file; says how many errors are in it.
fn show_file(
    context: &Context,
    args: &ShowArgs,
    path: &Path,
    facts: &HostFacts,
) -> Result<usize, Failure> {
    let name = unit_name(path)?;
    let name = match &args.instance {
        Some(instance) => instance_of(&name, instance)?,
        None => name,
    };
    let mut tree = TreeFiles::default();
    tree.entries.insert(name.as_str().to_owned(), read(path)?);
    let loaded = gitproc_unit::load(&tree, facts);
    let errors = complain(&loaded, |_| path.display().to_string());
    if let Some(unit) = loaded.unit(&name) {
        show_unit(context, unit, &args.property, facts)?;
    }
    Ok(errors)
}

/// As in `systemd-view.jsonl`: one object per D-Bus interface, named like the unit's section.
fn show_unit(
    context: &Context,
    unit: &Unit,
    wanted: &[String],
    facts: &HostFacts,
) -> Result<(), Failure> {
    let [generic, own] = gitproc_unit::properties_by_interface(unit, facts)
        .map(|properties| select(properties, wanted));
    if context.output.json() {
        return context.output.json_line(&UnitView {
            unit: &unit.name,
            generic: Properties(&generic),
            section: unit.name.kind().section(),
            own: Properties(&own),
        });
    }
    print(&format!(
        "{}{}",
        property_lines(&generic),
        property_lines(&own)
    ))
}

struct UnitView<'a> {
    unit: &'a UnitName,
    generic: Properties<'a, &'static str>,
    section: &'static str,
    own: Properties<'a, &'static str>,
}

impl Serialize for UnitView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("unit", self.unit)?;
        map.serialize_entry("Unit", &self.generic)?;
        map.serialize_entry(self.section, &self.own)?;
        map.end()
    }
}

/// This host, as the daemon would see it.
fn host_facts(context: &Context) -> Result<HostFacts, Failure> {
    gitproc_daemon::host_facts(&context.place.layout)
        .map_err(|error| Failure::caused("can't look at this host", &error))
}

/// `verify PATH|REV…`
pub fn verify(context: &Context, what: &[String]) -> Result<u8, Failure> {
    let paths: Vec<&Path> = what
        .iter()
        .map(Path::new)
        .filter(|path| path.exists())
        .collect();
    let revs: Vec<&String> = what
        .iter()
        .filter(|word| !Path::new(word).exists())
        .collect();
    let facts = host_facts(context)?;
    let mut findings = Vec::new();
    let (files, directories): (Vec<&Path>, Vec<&Path>) =
        paths.into_iter().partition(|path| !path.is_dir());
    if !files.is_empty() {
        findings.extend(verify_files(&files, &facts)?);
    }
    for directory in &directories {
        findings.extend(verify_directory(directory, &facts)?);
    }
    if what.is_empty() || !revs.is_empty() {
        findings.extend(verify_commits(context, &revs)?);
    }
    context
        .output
        .show(&findings, || match findings.is_empty() {
            true => "no errors, no warnings\n".to_owned(),
            false => findings
                .iter()
                .map(|finding| format!("{finding}\n"))
                .collect(),
        })?;
    let errors = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    Ok(if errors { FAILED } else { 0 })
}

/// The daemon has the store; each revision is checked there.
fn verify_commits(context: &Context, revs: &[&String]) -> Result<Vec<Diagnostic>, Failure> {
    let mut session = context.session().map_err(|mut failure| {
        for rev in revs {
            failure.message = format!("there is no file '{rev}', and {}", failure.message);
        }
        failure
    })?;
    let wanted: Vec<Option<String>> = match revs.is_empty() {
        true => vec![None],
        false => revs.iter().map(|rev| Some((*rev).clone())).collect(),
    };
    let mut findings = Vec::new();
    for rev in wanted {
        findings.extend(session.call::<Verify>(&RevParams { rev })?.diagnostics);
    }
    Ok(findings)
}

/// Files given together are one set of units.
fn verify_files(paths: &[&Path], facts: &HostFacts) -> Result<Vec<Diagnostic>, Failure> {
    let mut tree = TreeFiles::default();
    for path in paths {
        let name = unit_name(path)?.as_str().to_owned();
        if tree.entries.insert(name.clone(), read(path)?).is_some() {
            let message = format!("{name} is given twice, from different directories");
            return Err(Failure::new(FAILED, message));
        }
    }
    let given = |file: &str| {
        let same = |path: &&&Path| path.file_name().is_some_and(|name| name == file);
        paths
            .iter()
            .find(same)
            .map_or_else(|| file.to_owned(), |path| path.display().to_string())
    };
    Ok(findings(&tree, facts, given))
}

/// A directory is read as a commit's tree would be.
fn verify_directory(directory: &Path, facts: &HostFacts) -> Result<Vec<Diagnostic>, Failure> {
    let mut tree = TreeFiles::default();
    for (name, path) in list(directory)? {
        if name == ".git" {
            continue;
        }
        match path.is_dir() && !path.is_symlink() {
            true => {
                for (inner, path) in list(&path)? {
                    if !path.is_dir() || path.is_symlink() {
                        tree.entries.insert(format!("{name}/{inner}"), read(&path)?);
                    }
                }
            }
            false => {
                tree.entries.insert(name, read(&path)?);
            }
        }
        if tree.entries.len() > FILES_MAX {
            let message = format!("{} has more than {FILES_MAX} files", directory.display());
            return Err(Failure::new(FAILED, message));
        }
    }
    Ok(findings(&tree, facts, |file| {
        directory.join(file).display().to_string()
    }))
}

fn findings(
    tree: &TreeFiles,
    facts: &HostFacts,
    given: impl Fn(&str) -> String,
) -> Vec<Diagnostic> {
    let loaded = gitproc_unit::load(tree, facts);
    let mut found = loaded.diagnostics;
    found.extend(gitproc_core::graph::check(&loaded.units));
    for finding in &mut found {
        finding.file = given(&finding.file);
    }
    found
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

fn read(path: &Path) -> Result<TreeEntry, Failure> {
    let failed = |error: std::io::Error| {
        Failure::caused(format_args!("can't read {}", path.display()), &error)
    };
    if path.is_symlink() {
        let target = fs::read_link(path).map_err(failed)?;
        return Ok(TreeEntry::Symlink(target.to_string_lossy().into_owned()));
    }
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > FILE_MAX {
        return Ok(TreeEntry::Problem(format!("larger than {FILE_MAX} bytes")));
    }
    let bytes = fs::read(path).map_err(failed)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => TreeEntry::Problem("a NUL byte in it".into()),
        Ok(text) => TreeEntry::File(text),
        Err(error) => {
            let place = error.utf8_error().valid_up_to();
            TreeEntry::Problem(format!("invalid UTF-8 at byte {place}"))
        }
    })
}

fn unit_name(path: &Path) -> Result<UnitName, Failure> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    UnitName::parse(&name.unwrap_or_default())
        .map_err(|error| Failure::caused(path.display(), &error))
}

fn instance_of(name: &UnitName, instance: &str) -> Result<UnitName, Failure> {
    if !name.is_template() {
        return Ok(name.clone());
    }
    let text = format!("{}@{instance}.{}", name.prefix(), name.kind().suffix());
    UnitName::parse(&text).map_err(|error| Failure::caused("--instance", &error))
}

/// Findings to stderr; how many of them are errors.
fn complain(loaded: &Loaded, given: impl Fn(&str) -> String) -> usize {
    for finding in &loaded.diagnostics {
        let file = given(&finding.file);
        eprintln!(
            "{}",
            Diagnostic {
                file,
                ..finding.clone()
            }
        );
    }
    let error = |finding: &&Diagnostic| finding.severity == Severity::Error;
    loaded.diagnostics.iter().filter(error).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_become_instances_and_others_stay() {
        let name = |text| UnitName::parse(text).expect("a name");
        let made = instance_of(&name("a@.service"), "x").expect("a name");
        assert_eq!(made.as_str(), "a@x.service");
        let made = instance_of(&name("a.service"), "x").expect("a name");
        assert_eq!(made.as_str(), "a.service");
        assert!(instance_of(&name("a@.service"), "x y").is_err());
    }

    #[test]
    fn the_examples_have_neither_errors_nor_warnings() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../units-example");
        let found = verify_directory(&examples, &HostFacts::example()).expect("they can be read");
        assert!(found.is_empty(), "{found:#?}");
    }
}
