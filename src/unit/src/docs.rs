//! `docs/units.md`, written from the directive table.
use crate::table::{Row, Standing, table};
use std::fmt::Write;

/// The page as Markdown.
pub fn docs() -> String {
    let mut page = String::from(
        "# Unit files\n\n\
         What gitproc makes of each directive of systemd 252. Written from the directive table \
         (`src/unit/src/table/`); `UPDATE_DOCS=1 cargo test -p gitproc-unit` writes it anew.\n\n\
         - **honoured**: as in systemd.\n\
         - **partly**: but for what is said.\n\
         - **not yet**: read, named in a warning with file and line, without effect.\n\
         - **needed**: not yet, and a unit that asks for it is refused.\n\
         - **refused**: never; named in a warning.\n\
         - **no meaning here**: read without a word.\n\n\
         A value that can't be read, a section that is not known, and a key that is nearly a known \
         one refuse the commit. Other unknown keys are warned about. `X-` names are left alone.\n",
    );
    for section in ["Unit", "Service", "Install"] {
        let rows = || table().iter().filter(|row| row.section == section);
        let honoured = rows().filter(|row| row.honour.is_some()).count();
        // Writing to a String can't fail.
        let _ = write!(
            page,
            "\n## [{section}]\n\n{honoured} of {} directives have effect.\n\n",
            rows().count()
        );
        page.push_str("| directive | value | standing |\n|---|---|---|\n");
        for row in rows() {
            let _ = writeln!(
                page,
                "| `{}=` | {} | {} |",
                row.key,
                row.value,
                standing(row)
            );
        }
    }
    page
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
