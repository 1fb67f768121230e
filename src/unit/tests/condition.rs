//! How condition and assert lines are read, and shown as systemd shows them.
#![allow(missing_docs)]
use gitproc_unit::{
    Condition, ConditionKind, HostFacts, Loaded, PropertyValue, Severity, TreeEntry, TreeFiles,
    UnitName, load, properties, table,
};
use std::collections::BTreeMap;

fn read(lines: &str) -> Loaded {
    let text = format!("[Unit]\n{lines}\n[Service]\nExecStart=/bin/x\n");
    let entries = BTreeMap::from([("a@i.service".to_owned(), TreeEntry::File(text))]);
    load(&TreeFiles { entries }, &HostFacts::example())
}

fn conditions(loaded: &Loaded) -> &[Condition] {
    let name = UnitName::parse("a@i.service").expect("a name");
    &loaded.units.units[&name].unit.conditions
}

fn errors(loaded: &Loaded) -> Vec<String> {
    let errors = loaded.diagnostics.iter();
    let errors = errors.filter(|found| found.severity == Severity::Error);
    errors.map(|found| found.message.clone()).collect()
}

const PATH: ConditionKind = ConditionKind::PathExists;
const USER: ConditionKind = ConditionKind::User;

#[test]
fn lines_are_read_as_systemd_reads_them() {
    for (text, kind, trigger, negate, parameter) in [
        ("PathExists=/etc/x", PATH, false, false, "/etc/x"),
        ("PathExists=|!/etc/x", PATH, true, true, "/etc/x"),
        ("PathExists=!//etc/./x/", PATH, false, true, "/etc/x"),
        ("PathExists=/etc/%i", PATH, false, false, "/etc/i"),
        ("User=| ! root", USER, true, true, "root"),
        ("User=!|root", USER, false, true, "|root"),
        ("User=|", USER, true, false, ""),
        ("User=%p", USER, false, false, "a"),
    ] {
        let loaded = read(&format!("Condition{text}"));
        let expected = Condition {
            kind,
            trigger,
            negate,
            parameter: parameter.to_owned(),
        };
        assert_eq!(conditions(&loaded), [expected], "{text}");
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    }
}

#[test]
fn what_systemd_ignores_is_refused() {
    for (text, word) in [
        ("ConditionPathExists=etc", "absolute path"),
        ("ConditionPathExists=| /etc", "absolute path"),
        ("ConditionPathExists=!", "absolute path"),
        ("ConditionNeedsUpdate=/a/../b", "'..'"),
        ("ConditionHost=%z", "unknown specifier"),
    ] {
        let loaded = read(&format!("ConditionUser=root\n{text}"));
        let errors = errors(&loaded);
        assert!(errors.len() == 1 && errors[0].contains(word), "{errors:?}");
        // What was read before stands.
        assert_eq!(conditions(&loaded).len(), 1, "{text}");
    }
}

#[test]
fn an_empty_value_resets_the_list_of_all_kinds() {
    let loaded = read("ConditionUser=a\nConditionHost=b\nAssertUser=c\nConditionMemory=\n");
    assert!(conditions(&loaded).is_empty());
    let name = UnitName::parse("a@i.service").expect("a name");
    assert_eq!(loaded.units.units[&name].unit.asserts.len(), 1);
}

#[test]
fn they_are_shown_last_one_first() {
    let loaded = read("ConditionPathExists=|/a\nConditionACPower=!yes\nAssertUser=c");
    let name = UnitName::parse("a@i.service").expect("a name");
    let shown: BTreeMap<&str, PropertyValue> =
        properties(&loaded.units.units[&name], &HostFacts::example())
            .into_iter()
            .collect();
    let text = |name: &str| gitproc_unit::property_text(&shown[name]);
    assert_eq!(
        text("Conditions"),
        "{ ConditionACPower no yes yes 0 } { ConditionPathExists yes no /a 0 }"
    );
    assert_eq!(text("Asserts"), "{ AssertUser no no c 0 }");
}

#[test]
fn each_kind_has_a_row_for_each_list() {
    for kind in ConditionKind::ALL {
        for prefix in ["Condition", "Assert"] {
            let key = format!("{prefix}{}", kind.name());
            let row = table().iter().find(|row| row.key == key);
            assert_eq!(row.map(|row| &*row.property), Some(&*format!("{prefix}s")));
        }
    }
}
