//! `docs/units.md`, written from the directive table.
use crate::diagnostic::Code;
use crate::load::silent;
use crate::meaning::property_text;
use crate::name::UnitKind;
use crate::property::PropertyValue;
use crate::table::{Body, Family, Row, Standing, table};
use std::fmt::Write;

/// The page as Markdown.
pub fn docs() -> String {
    let mut page = String::from(
        "# Unit files\n\n\
         What gitproc makes of each directive of systemd 252. Written from the directive table \
         (`src/unit/src/table/`); `UPDATE_DOCS=1 cargo test -p gitproc-unit` writes it anew. Where \
         the language differs from systemd's on purpose is in \
         [decision 0009](decisions/0009-where-the-unit-language-differs-from-systemd.md).\n\n\
         - **honoured**: as in systemd.\n\
         - **partly**: but for what is said.\n\
         - **not yet**: read, checked and shown; a warning with file and line says that it has no \
         effect.\n\
         - **needed**: not yet, and a unit that asks for it is refused.\n\
         - **refused**: never; named in a warning.\n\
         - **no meaning here**: read and shown without a word.\n\n\
         A value that can't be read, a section that is not known, and a key that is nearly a known \
         one refuse the commit. Other unknown keys are warned about. `X-` names are left alone.\n\n\
         Defaults are as `gitproc show` prints them: times in µs, sizes in bytes, signals by number. \
         *Property* is the name under which `show` has it; where there is none, the directive fills \
         another's. Units of kinds that are not run yet (`.socket`, `.timer`, `.path`, \
         `.mount` and so on) are read and shown, and a warning says that they are not run.\n\n\
         *Proved by* names the test that shows it to hold, mostly from inside of a service on the real \
         kernel; the file lies below `src/` or `tests/`.\n",
    );
    for family in Family::ALL {
        let rows = || table().iter().filter(|row| row.family == family);
        if rows().next().is_none() {
            continue;
        }
        let effect = |row: &&Row| matches!(row.standing, Standing::Honoured | Standing::Partly(_));
        let sections: Vec<String> = family
            .sections()
            .iter()
            .map(|section| format!("[{section}]"))
            .collect();
        // Writing to a String can't fail.
        let _ = write!(
            page,
            "\n## {}\n\nIn {}. {} of {} directives have effect.\n\n",
            title(family),
            sections.join(", "),
            rows().filter(effect).count(),
            rows().count()
        );
        let proved = has_proofs(family);
        page.push_str(match proved {
            true => {
                "| directive | value | default | property | standing | proved by |\n\
                 |---|---|---|---|---|---|\n"
            }
            false => {
                "| directive | value | default | property | standing |\n|---|---|---|---|---|\n"
            }
        });
        for row in rows() {
            let _ = write!(
                page,
                "| `{}=` | {} | {} | {} | {} |",
                row.key,
                row.value,
                default_of(row),
                row.property,
                standing(row)
            );
            let _ = match (proved, proof(row)) {
                (true, Some(test)) => writeln!(page, " `{test}` |"),
                (true, None) => writeln!(page, "  |"),
                (false, _) => writeln!(page),
            };
        }
    }
    specifiers(&mut page);
    findings(&mut page);
    page
}

/// Whether the directives of the family are each proved by a test that the page names.
pub fn has_proofs(family: Family) -> bool {
    matches!(family, Family::Exec | Family::Kill | Family::Resource)
}

/// `file::test`, below `src/` or `tests/`: what proves that the directive is honoured.
pub fn proof(row: &Row) -> Option<String> {
    let effect = matches!(row.standing, Standing::Honoured | Standing::Partly(_));
    let key = match row.body {
        Body::Alias { key, .. } => key,
        Body::Field { .. } | Body::Kept { .. } | Body::Nothing => row.key,
    };
    crate::table::proof(key).filter(|_| effect)
}

fn specifiers(page: &mut String) {
    page.push_str(
        "\n## Specifiers\n\n`%%` is a `%`; an unknown letter is an error; `%` before anything else \
         stands for itself.\n\n| specifier | what it is | in unit names and [Install] |\n|---|---|---|\n",
    );
    for specifier in crate::specifier::SPECIFIERS {
        let named = if specifier.in_names { "yes" } else { "" };
        let _ = writeln!(
            page,
            "| `%{}` | {} | {named} |",
            specifier.letter, specifier.meaning
        );
    }
}

fn findings(page: &mut String) {
    page.push_str(
        "\n## Findings\n\nWhat `gitproc verify` and a push say, by code (`-o json`, and \
         `LintIgnore=` in `[X-Gitproc]` for warnings).\n\n| code | what |\n|---|---|\n",
    );
    for code in Code::ALL {
        let _ = writeln!(page, "| `{}` | {} |", code.name(), code.what());
    }
}

fn title(family: Family) -> &'static str {
    match family {
        Family::Unit => "[Unit] (systemd.unit(5))",
        Family::Install => "[Install] (systemd.unit(5))",
        Family::Service => "[Service] (systemd.service(5))",
        Family::Exec => "Execution environment (systemd.exec(5))",
        Family::Kill => "Killing (systemd.kill(5))",
        Family::Resource => "Resource control (systemd.resource-control(5))",
        Family::Timer => "[Timer] (systemd.timer(5))",
        Family::Socket => "[Socket] (systemd.socket(5))",
        Family::Path => "[Path] (systemd.path(5))",
        Family::Mount => "[Mount] (systemd.mount(5))",
        Family::Automount => "[Automount] (systemd.automount(5))",
        Family::Swap => "[Swap] (systemd.swap(5))",
        Family::Scope => "[Scope] (systemd.scope(5))",
    }
}

/// The default as `show` prints it; nothing where it is empty or the host's.
fn default_of(row: &Row) -> String {
    let value = match &row.body {
        Body::Kept { default, .. } => Some(default.property()),
        Body::Field { shows, .. } => {
            let kind = match row.family.sections()[0] {
                "Service" => UnitKind::Service,
                _ => UnitKind::Target,
            };
            let shown = shows.first();
            shown.and_then(|shown| (shown.show)(silent(kind)))
        }
        Body::Alias { .. } | Body::Nothing => None,
    };
    match row.key {
        _ if row.value == "octal mode" => match value {
            Some(PropertyValue::Unsigned(mode)) => format!("{mode:04o}"),
            _ => String::new(),
        },
        // The unit's own name.
        "Description" => String::new(),
        "TasksMax" => "15% of the host's".to_owned(),
        _ => value.map_or(String::new(), |value| property_text(&value)),
    }
}

fn standing(row: &Row) -> String {
    match row.standing {
        Standing::Honoured => "honoured".into(),
        Standing::Partly(why) => format!("partly: {why}"),
        Standing::NotYet => "not yet".into(),
        Standing::Needed(why) => format!("needed: {why}"),
        Standing::Refused(why) => format!("refused: {why}"),
        Standing::Meaningless(why) => format!("no meaning here: {why}"),
        Standing::Owned => "left to its owner".into(),
    }
}
