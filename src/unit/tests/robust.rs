//! No input makes the loader panic, and reading is a function of the text alone.
use gitproc_unit::{
    HostFacts, TreeEntry, TreeFiles, docs, load, parse_environment_file, parse_ini, table, value,
};
use proptest::prelude::*;

/// A line that looks like one of a unit file.
fn line() -> impl Strategy<Value = String> {
    let keys: Vec<&'static str> = table().iter().map(|row| row.key).collect();
    let value = prop_oneof![
        "\\PC{0,20}",
        "[-@:+!]{0,3}/bin/[a-z%$\"'\\\\ ;{}]{0,12}",
        "[0-9.]{0,5}[a-zA-Z%:]{0,5}",
        "[a-z%@-]{0,6}.(service|target)",
    ];
    prop_oneof![
        6 => (prop::sample::select(keys), value).prop_map(|(key, value)| format!("{key}={value}")),
        1 => prop::sample::select(vec!["[Unit]", "[Service]", "[Install]"]).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
        1 => Just("\\".to_owned()),
    ]
}

fn tree(text: String) -> TreeFiles {
    let mut tree = TreeFiles::default();
    for name in ["a.service", "b@.service", "c.target", "a.service.d/x.conf"] {
        tree.entries
            .insert(name.into(), TreeEntry::File(text.clone()));
    }
    tree
}

proptest! {
    #[test]
    fn load_never_panics(lines in prop::collection::vec(line(), 0..30)) {
        let tree = tree(format!("[Service]\n{}", lines.join("\n")));
        let facts = HostFacts::example();
        prop_assert_eq!(load(&tree, &facts), load(&tree, &facts));
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        load(&tree(text.clone()), &HostFacts::example());
        parse_ini("x", &text);
        let _ = parse_environment_file(&bytes);
        let _ = (value::parse_timespan(&text), value::parse_size(&text), value::parse_signal(&text));
    }

    #[test]
    fn spans_print_as_they_read(us in any::<u64>()) {
        prop_assert_eq!(value::parse_timespan(&value::format_timespan(us)), Ok(us));
    }
}

#[test]
fn docs_name_every_row() {
    let page = docs();
    assert!(
        table()
            .iter()
            .all(|row| page.contains(&format!("| `{}=` |", row.key)))
    );
}
