//! Unit files without a daemon: `show --file`, and how a file on disk is read.
use super::Context;
use super::look::{Properties, property_lines, select};
use crate::args::ShowArgs;
use crate::failure::{FAILED, Failure};
use crate::output::print;
use gitproc_unit::{Diagnostic, HostFacts, Severity, TreeEntry, Unit, UnitName};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use std::path::Path;
use std::{fs, io};

/// Largest unit file, in bytes: systemd refuses a single line of that size.
const FILE_MAX: u64 = 1024 * 1024;

/// `show --file PATH…`: each file alone, as if it were the only one. One that can't be shown does
/// not stop the others.
pub fn show(context: &Context, args: &ShowArgs) -> Result<u8, Failure> {
    let facts = host_facts(context)?;
    let mut shown = true;
    for path in &args.file {
        shown &= match named(path, args.instance.as_deref()) {
            Ok((name, entry)) => show_file(context, args, (path, name, entry), &facts)?,
            Err(failure) => {
                eprint!("{failure}");
                false
            }
        };
    }
    Ok(if shown { 0 } else { FAILED })
}

/// The unit that a file is, and its content.
pub(super) fn named(path: &Path, instance: Option<&str>) -> Result<(UnitName, TreeEntry), Failure> {
    let name = unit_name(path)?;
    let name = match instance {
        Some(instance) => instance_of(&name, instance)?,
        None => name,
    };
    let entry = read(path)
        .map_err(|error| Failure::caused(format_args!("can't read {}", path.display()), &error))?;
    Ok((name, entry))
}

/// False when there is an error in it.
fn show_file(
    context: &Context,
    args: &ShowArgs,
    (path, name, entry): (&Path, UnitName, TreeEntry),
    facts: &HostFacts,
) -> Result<bool, Failure> {
    let (unit, findings) = gitproc_unit::load_alone(&name, entry, facts);
    let errors = complain(&findings, |_| path.display().to_string());
    if let Some(unit) = &unit {
        match args.normal {
            true => show_normal(context, unit, facts, args.file.len() > 1)?,
            false => show_unit(context, unit, &args.property, facts)?,
        }
    }
    Ok(errors == 0)
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

/// The unit as the text of a file; of `several`, each is named by a comment.
fn show_normal(
    context: &Context,
    unit: &Unit,
    facts: &HostFacts,
    several: bool,
) -> Result<(), Failure> {
    let normal = NormalView {
        unit: &unit.name,
        normal: gitproc_unit::print(unit, facts),
    };
    let text = || match several {
        true => format!("# {}\n{}", normal.unit, normal.normal),
        false => normal.normal.clone(),
    };
    context.output.show(&normal, text)
}

#[derive(serde::Serialize)]
struct NormalView<'a> {
    unit: &'a UnitName,
    normal: String,
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
pub(super) fn host_facts(context: &Context) -> Result<HostFacts, Failure> {
    gitproc_daemon::host_facts(&context.place.layout)
        .map_err(|error| Failure::caused("can't look at this host", &error))
}

/// A file as an entry of a tree; one that can't be read says why.
pub(super) fn read_entry(path: &Path) -> TreeEntry {
    read(path).unwrap_or_else(|error| TreeEntry::Problem(error.to_string()))
}

fn read(path: &Path) -> io::Result<TreeEntry> {
    let facts = fs::symlink_metadata(path)?;
    if facts.is_symlink() {
        let target = fs::read_link(path)?;
        return Ok(TreeEntry::Symlink(target.to_string_lossy().into_owned()));
    }
    let problem = |why: String| Ok(TreeEntry::Problem(why));
    if facts.is_dir() {
        return problem("is a directory, not a unit file".into());
    }
    // A pipe would be waited for.
    if !facts.is_file() {
        return problem("is no regular file".into());
    }
    if facts.len() > FILE_MAX {
        return problem(format!("larger than {FILE_MAX} bytes"));
    }
    match String::from_utf8(fs::read(path)?) {
        Ok(text) if text.contains('\0') => problem("a NUL byte in it".into()),
        Ok(text) => Ok(TreeEntry::File(text)),
        Err(error) => {
            let place = error.utf8_error().valid_up_to();
            problem(format!("invalid UTF-8 at byte {place}"))
        }
    }
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
pub(super) fn complain(findings: &[Diagnostic], given: impl Fn(&str) -> String) -> usize {
    for finding in findings {
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
    findings.iter().filter(error).count()
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
}
