//! The normal form of a unit, as the text of a unit file: what differs from what a silent unit of
//! its name is, in the order of the table, each value in its one spelling.
//!
//! Reading it back on the same host gives an equal unit. What the print says brings along as much as
//! what any file says, so a row is written only when the rest does not give its value; those whose
//! default follows others therefore come after these, and dependencies come last.
pub(crate) mod spelling;

use crate::draft::{Context, Draft};
use crate::load::names::Names;
use crate::model::{MeaningHash, Origin, Unit};
use crate::name::{NameForm, UnitName};
use crate::read::{Parsed, read};
use crate::settle::{settle, shares_resources};
use crate::table::{Body, Row, RowId, Write, by_id, find, table};
use crate::tree::HostFacts;
use crate::words::is_space;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The normal form of a unit that was read on this host.
pub fn print(unit: &Unit, facts: &HostFacts) -> String {
    let mut said = Said::new(unit);
    let mut given = said.read_back(facts);
    for stage in stages() {
        let said_before = said.lines.len();
        for &id in stage {
            said.add(id, unit, &given);
        }
        if said.lines.len() > said_before {
            given = said.read_back(facts);
        }
    }
    said.text()
}

/// Rows by when they are written: each after those that its default follows.
fn stages() -> &'static [Vec<RowId>] {
    static STAGES: LazyLock<Vec<Vec<RowId>>> = LazyLock::new(|| {
        let mut stages: BTreeMap<(bool, usize), Vec<RowId>> = BTreeMap::new();
        for (id, row) in (0..).zip(table()) {
            let stage = (grows(row), depth(row));
            stages.entry(stage).or_default().push(id);
        }
        stages.into_values().collect()
    });
    &STAGES
}

/// How many rows its default follows, one behind the other.
fn depth(row: &Row) -> usize {
    let section = row.family.sections()[0];
    let followed = row.follows.iter().filter_map(|key| find(section, key));
    let depths = followed.map(|(_, row)| depth(row) + 1);
    depths.max().unwrap_or(0)
}

/// Whether other directives may have added to it, whichever they are.
fn grows(row: &Row) -> bool {
    let write = match row.body {
        Body::Field { write, .. } => write,
        Body::Kept { .. } | Body::Alias { .. } | Body::Nothing => return false,
    };
    matches!(write, Write::Members(_))
}

/// What is written so far.
struct Said<'a> {
    name: &'a UnitName,
    /// By row; each line with its key.
    lines: BTreeMap<RowId, Vec<(String, String)>>,
}

impl<'a> Said<'a> {
    fn new(unit: &'a Unit) -> Said<'a> {
        Said {
            name: &unit.name,
            lines: BTreeMap::new(),
        }
    }

    /// The section of a row in this kind of unit.
    fn section(&self, row: &Row) -> Option<&'static str> {
        let own = self.name.kind().section();
        let sections = row.family.sections();
        let at_home = sections.contains(&own) || row.family.is_generic();
        let section = if sections.contains(&own) {
            own
        } else {
            sections[0]
        };
        at_home.then_some(section)
    }

    /// Writes a row whose value `given`, which is what is written so far, does not have.
    fn add(&mut self, id: RowId, unit: &Unit, given: &Unit) {
        let row = by_id(id);
        if self.section(row).is_none() {
            return;
        }
        let lines = row.lines_beyond(id, unit, given);
        if !lines.is_empty() {
            self.lines.insert(id, lines);
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for section in ["Unit", self.name.kind().section(), "Install"] {
            let rows = self.lines.iter();
            let here = rows.filter(|(id, _)| self.section(by_id(**id)) == Some(section));
            let mut header = format!("[{section}]\n");
            if !text.is_empty() {
                header.insert(0, '\n');
            }
            for (key, value) in here.flat_map(|(_, lines)| lines) {
                text.push_str(&std::mem::take(&mut header));
                text.push_str(&format!("{key}={}\n", self.held(value)));
            }
        }
        // An empty file would mask the unit.
        match text.is_empty() {
            true => "[Unit]\n".into(),
            false => text,
        }
    }

    /// A value that keeps both its ends. Spaces there come from specifiers that stood for nothing,
    /// as `%i` does but in instances (where such a space is lost).
    fn held(&self, value: &str) -> String {
        let nothing = match self.name.form() {
            NameForm::Plain => "%i",
            NameForm::Template | NameForm::Instance => "",
        };
        let front = value.starts_with(is_space);
        let back = value.ends_with(is_space);
        let backslashes = value.bytes().rev().take_while(|&b| b == b'\\').count();
        // The next line would go on with it.
        let joins = backslashes % 2 == 1;
        let front = if front { nothing } else { "" };
        let back = if back { nothing } else { "" };
        format!("{front}{value}{back}{}", if joins { " " } else { "" })
    }

    /// The unit that this is.
    fn read_back(&self, facts: &HostFacts) -> Unit {
        let mut draft = Draft::new();
        let mut unsaid = Vec::new();
        let mut cx = Context {
            name: self.name,
            facts,
            names: &Names::default(),
            file: "",
            line: 0,
            column: 0,
            diagnostics: &mut unsaid,
        };
        read(&mut draft, &mut cx, &Parsed::of("", &self.text()));
        let install = draft.asked.resolve(self.name, facts, &mut unsaid);
        // Half a unit may make no sense yet.
        let _ = settle(&mut draft, self.name, facts);
        crate::dependencies::imply(&mut draft, self.name, facts);
        Unit {
            name: self.name.clone(),
            origin: Origin::BuiltIn { reached: false },
            unit: draft.unit,
            service: shares_resources(self.name.kind()).then(|| Box::new(draft.service)),
            settings: draft.settings,
            triggers: draft.triggers,
            install,
            meaning: MeaningHash(0),
        }
    }
}
