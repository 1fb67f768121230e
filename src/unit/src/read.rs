//! Applies the text of a fragment or drop-in to a draft, assignment by assignment.
use crate::diagnostic::{Code, Severity};
use crate::draft::{Context, Draft, Place};
use crate::ini::{Entry, Section, parse_ini};
use crate::table::{Body, RowId, Standing, by_id, find, kept, table};
use crate::text::{excerpt, nearest};
use crate::value::ValueError;
use crate::{Diagnostic, Unit};
use std::collections::BTreeMap;

/// Sections that systemd knows, in some kind of unit.
pub(crate) const SECTIONS: [&str; 11] = [
    "Unit",
    "Service",
    "Install",
    "Socket",
    "Timer",
    "Path",
    "Mount",
    "Automount",
    "Swap",
    "Slice",
    "Scope",
];

/// Our own names among the `X-` ones: other programs' are left alone, these are a promise.
const OURS: [&str; 3] = ["X-Health", "X-Deploy", "X-ReadyWhen"];

/// A file taken apart. Templates and shared drop-ins are read many times and parsed once.
pub(crate) struct Parsed {
    sections: Vec<Section>,
    findings: Vec<Diagnostic>,
}

impl Parsed {
    pub fn of(file: &str, text: &str) -> Parsed {
        let (sections, findings) = parse_ini(file, text);
        Parsed { sections, findings }
    }
}

/// Reads a file into `draft`; findings go to the context.
pub(crate) fn read(draft: &mut Draft, cx: &mut Context<'_>, file: &Parsed) {
    for finding in &file.findings {
        cx.add(finding.clone());
    }
    for section in &file.sections {
        (cx.line, cx.column) = (section.line, 0);
        if accepts(cx, section) {
            read_section(draft, cx, section);
        }
    }
}

/// Reads what a file has in [Install].
pub(crate) fn read_install(draft: &mut Draft, cx: &mut Context<'_>, file: &Parsed) {
    let sections = file.sections.iter();
    for section in sections.filter(|section| section.name == "Install") {
        read_section(draft, cx, section);
    }
}

fn read_section(draft: &mut Draft, cx: &mut Context<'_>, section: &Section) {
    for entry in &section.entries {
        (cx.line, cx.column) = (entry.line, entry.key_column);
        assign(draft, cx, section, entry);
    }
}

/// Whether the section is one of this kind of unit; says so when not.
fn accepts(cx: &mut Context<'_>, found: &Section) -> bool {
    let name = found.name.as_str();
    let own = cx.name.kind().section();
    if (name == own && SECTIONS.contains(&name)) || name == "Unit" || name == "Install" {
        return true;
    }
    if name.starts_with("X-") {
        if OURS.contains(&name) {
            cx.report(
                Code::NotHonoured,
                Severity::Warning,
                format!("[{name}] is not honoured yet"),
                None,
            );
        }
    } else if SECTIONS.contains(&name) {
        let kind = cx.name.kind().suffix();
        cx.report(
            Code::UnknownSection,
            Severity::Error,
            format!("section [{name}] has no place in a .{kind}"),
            None,
        );
    } else {
        let hint =
            nearest(name, SECTIONS.into_iter()).map(|known| format!("did you mean [{known}]?"));
        cx.report(
            Code::UnknownSection,
            Severity::Error,
            format!("unknown section [{}]", excerpt(name)),
            hint,
        );
    }
    false
}

fn assign(draft: &mut Draft, cx: &mut Context<'_>, section: &Section, entry: &Entry) {
    let key = entry.key.as_str();
    let Some((id, row)) = find(&section.name, key) else {
        return unknown(cx, &section.name, key);
    };
    let place = cx.place();
    draft.given.insert(id);
    (cx.line, cx.column) = (entry.value_line, entry.value_column);
    let kind = cx.name.kind();
    let has_place = row.only_in.is_none_or(|kinds| kinds.contains(&kind));
    let result = match &row.body {
        _ if !has_place => Err(ValueError(format!(
            "it has no effect in a .{}",
            kind.suffix()
        ))),
        Body::Field { read, .. } => read(draft, cx, &entry.value),
        Body::Kept { kind, default, .. } => {
            let mut value = draft.settings.take(id, default);
            let result = kind.read(&mut value, cx, &entry.value);
            draft.settings.put(id, value, default);
            result
        }
        Body::Alias { .. } | Body::Nothing => Ok(()),
    };
    match result {
        // Taken back, it leaves others as if it had never been given; what lines only add to can't be.
        Ok(()) if entry.value.is_empty() && !row.only_grows() => {
            draft.said.remove(&id);
            if let Some((id, default)) = row.twin.and_then(|twin| kept(row.family, twin)) {
                draft.settings.put(id, default.clone(), default);
            }
        }
        Ok(()) => {
            draft.said.insert(id, place);
        }
        Err(err) => cx.report(
            Code::BadValue,
            Severity::Error,
            format!("{key}=: {err}"),
            None,
        ),
    }
}

/// What the unit says and nothing here acts on: each such directive once, at the last line that
/// gives it. What is at its default asks for nothing.
pub(crate) fn standings(
    said: &BTreeMap<RowId, Place>,
    unit: &Unit,
    silent: &Unit,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (&id, place) in said {
        let row = by_id(id);
        if row.is_default(id, unit, silent) {
            continue;
        }
        let key = row.key;
        let (severity, message, hint) = match row.standing {
            Standing::Needed(why) => (
                Severity::Error,
                format!("{key}= is not honoured yet"),
                Some(why.to_owned()),
            ),
            Standing::NotYet => (
                Severity::Warning,
                format!("{key}= is not honoured yet"),
                None,
            ),
            Standing::Refused(why) => (
                Severity::Warning,
                format!("{key}= is not honoured: {why}"),
                None,
            ),
            Standing::Honoured
            | Standing::Partly(_)
            | Standing::Meaningless(_)
            | Standing::Owned => continue,
        };
        diagnostics.push(Diagnostic {
            file: place.file.clone(),
            line: place.line,
            column: place.column,
            severity,
            code: Code::NotHonoured,
            message,
            hint,
        });
    }
}

fn unknown(cx: &mut Context<'_>, section: &str, key: &str) {
    if key.starts_with("X-") {
        if OURS.contains(&key) {
            cx.report(
                Code::NotHonoured,
                Severity::Warning,
                format!("{key}= is not honoured yet"),
                None,
            );
        }
        return;
    }
    let known = table()
        .iter()
        .filter(|row| row.family.sections().contains(&section));
    let elsewhere = table().iter().find(|row| row.key == key);
    let message = format!("unknown key '{}' in [{section}]", excerpt(key));
    if let Some(row) = elsewhere {
        let hint = format!("it belongs in [{}]", row.family.sections()[0]);
        cx.report(
            Code::UnknownKey,
            Severity::Warning,
            format!("{message}, ignoring"),
            Some(hint),
        );
    } else if let Some(near) = nearest(key, known.map(|row| row.key)) {
        // A slip of the keyboard changes what runs: the commit is refused.
        cx.report(
            Code::UnknownKey,
            Severity::Error,
            message,
            Some(format!("did you mean {near}?")),
        );
    } else {
        cx.report(
            Code::UnknownKey,
            Severity::Warning,
            format!("{message}, ignoring"),
            None,
        );
    }
}
