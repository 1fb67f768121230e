//! Applies the text of a fragment or drop-in to a draft, assignment by assignment.
use crate::diagnostic::{Code, Severity};
use crate::draft::{Context, Draft};
use crate::ini::{Entry, Section, parse_ini};
use crate::name::UnitKind;
use crate::table::{Standing, find, table};
use crate::text::{excerpt, nearest};
use crate::value::parse_bool;

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

/// Reads `text` into `draft`; findings go to the context.
pub(crate) fn read(draft: &mut Draft, cx: &mut Context<'_>, text: &str) {
    let (sections, findings) = parse_ini(cx.file, text);
    cx.diagnostics.extend(findings);
    for section in &sections {
        (cx.line, cx.column) = (section.line, 0);
        if !accepts(cx, section) {
            continue;
        }
        for entry in &section.entries {
            (cx.line, cx.column) = (entry.line, entry.key_column);
            assign(draft, cx, section, entry);
        }
    }
}

/// Whether the section is one of this kind of unit; says so when not.
fn accepts(cx: &mut Context<'_>, section: &Section) -> bool {
    let name = section.name.as_str();
    let own = cx.name.kind() == UnitKind::Service && name == "Service";
    if own || name == "Unit" || name == "Install" {
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
    let Some(row) = find(&section.name, key) else {
        return unknown(cx, &section.name, key);
    };
    if let Some(honour) = row.honour {
        cx.column = entry.value_column;
        if let Err(err) = honour(draft, cx, &entry.value) {
            cx.report(
                Code::BadValue,
                Severity::Error,
                format!("{key}=: {err}"),
                None,
            );
        }
        return;
    }
    let warning = match row.standing {
        Standing::Needed(why) => {
            // Switched off, or reset to nothing, it asks for nothing.
            if !entry.value.is_empty() && parse_bool(&entry.value) != Ok(false) {
                let message = format!("{key}= is not honoured yet");
                cx.report(
                    Code::NotHonoured,
                    Severity::Error,
                    message,
                    Some(why.to_owned()),
                );
            }
            return;
        }
        Standing::NotYet => format!("{key}= is not honoured yet"),
        Standing::Refused(why) => format!("{key}= is not honoured: {why}"),
        Standing::Honoured | Standing::Partly(_) | Standing::Meaningless(_) | Standing::Owned => {
            return;
        }
    };
    cx.report(Code::NotHonoured, Severity::Warning, warning, None);
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
    let known = table().iter().filter(|row| row.section == section);
    let elsewhere = table().iter().find(|row| row.key == key);
    let message = format!("unknown key '{}' in [{section}]", excerpt(key));
    if let Some(row) = elsewhere {
        let hint = format!("it belongs in [{}]", row.section);
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
