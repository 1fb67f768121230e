//! Whole units that systemd 252 was asked about: what their lines make of a property, or that the
//! unit is refused.
mod table;

use gitproc_unit::{HostFacts, TreeEntry, TreeFiles, UnitName, load, properties};
use serde_json::Value;
use table::{Row, check, same};

/// Properties whose order means nothing.
const SETS: &[&str] = &[
    "After",
    "Before",
    "Requires",
    "RequiresMountsFor",
    "Triggers",
    "Wants",
];

/// The machine that systemd was asked on.
fn facts() -> HostFacts {
    HostFacts {
        host_name: "oracle-t1".into(),
        tasks_max: 192_730,
        ..HostFacts::example()
    }
}

fn sorted(mut value: Value, property: &str) -> Value {
    if let (Value::Array(items), true) = (&mut value, SETS.contains(&property)) {
        items.sort_by_key(Value::to_string);
    }
    value
}

fn holds(row: &Row) -> Result<(), String> {
    let name = UnitName::parse(&row.text("unit")).map_err(|err| err.to_string())?;
    let facts = facts();
    let loaded = load(&tree(&name, row.text("text")), &facts);
    let property = row.text("property");
    let expected: Value = serde_json::from_str(&row.text("value")).map_err(|e| e.to_string())?;
    if property == "LoadState" {
        return same(loaded.has_errors(), true);
    }
    let unit = loaded.unit(&name).ok_or("it is not read")?;
    let shown = properties(unit, &facts);
    let found = shown.iter().find(|(key, _)| *key == property);
    let (_, value) = found.ok_or("it does not have the property")?;
    let value = serde_json::to_value(value).map_err(|err| err.to_string())?;
    same(sorted(value, &property), sorted(expected, &property))
}

/// The unit alone. Of templates, systemd was shown the file and asked about an instance.
fn tree(name: &UnitName, text: String) -> TreeFiles {
    let mut tree = TreeFiles::default();
    let template = name
        .template()
        .filter(|_| name.instance() == Some("inst-x"));
    let file = template.as_ref().unwrap_or(name).to_string();
    if template.is_some() {
        let link = TreeEntry::Symlink(file.clone());
        tree.entries.insert(name.to_string(), link);
    }
    tree.entries.insert(file, TreeEntry::File(text));
    tree
}

#[test]
fn units_mean_what_systemd_says() {
    check(include_str!("vectors/unit-lines.tsv"), holds);
}
