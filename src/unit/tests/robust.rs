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

/// A tree in which names, links, directories and [Install] meet in any way.
fn web() -> impl Strategy<Value = TreeFiles> {
    let names = [
        "a.service",
        "b.service",
        "a-b.service",
        "t@.service",
        "u@.service",
        "t@x.service",
        "u@x.service",
        "t@y.service",
        "a.target",
        "x@.target",
        "x@y.target",
        "default.target",
        "multi-user.target",
        "a.socket",
        "a.slice",
        "a-.service",
        "service",
        "target",
    ];
    let one = move || prop::sample::select(names.to_vec());
    let path = prop_oneof![
        3 => one().prop_map(str::to_owned),
        1 => (one(), prop::sample::select(vec!["1.conf", "2.conf", ".3.conf"]))
            .prop_map(|(name, file)| format!("{name}.d/{file}")),
        2 => (one(), prop::sample::select(vec!["wants", "requires"]), one())
            .prop_map(|(owner, kind, name)| format!("{owner}.{kind}/{name}")),
    ];
    let key = prop::sample::select(vec![
        "WantedBy",
        "RequiredBy",
        "Alias",
        "Also",
        "DefaultInstance",
    ]);
    let dependency = prop::sample::select(vec!["Wants", "After", "OnFailure", "PartOf"]);
    let entry = prop_oneof![
        2 => one().prop_map(|name| TreeEntry::Symlink(name.into())),
        2 => one().prop_map(|name| TreeEntry::Symlink(format!("../{name}"))),
        1 => Just(TreeEntry::Symlink("/dev/null".into())),
        1 => Just(TreeEntry::File(String::new())),
        1 => Just(TreeEntry::Problem("larger than 1048576 bytes".into())),
        5 => (key, one(), dependency, one(), prop::sample::select(vec!["", "%i", "%n", "t@a%i.service"]))
            .prop_map(|(key, asked, dependency, other, grown)| {
                TreeEntry::File(format!(
                    "[Unit]\n{dependency}={other} {grown}\n[Service]\nExecStart=/bin/true\n\
                     [Install]\n{key}={asked} {grown}\n"
                ))
            }),
    ];
    let entries = prop::collection::btree_map(path, entry, 0..25);
    entries.prop_map(|entries| TreeFiles { entries })
}

proptest! {
    #[test]
    fn names_are_resolved_in_any_tree(tree in web()) {
        let all = load(&tree, &HostFacts::example());
        for (alias, name) in &all.units.aliases {
            prop_assert!(all.unit(name).is_some_and(|unit| unit.name == *name), "{} of {}", alias, name);
            prop_assert!(!all.units.units.contains_key(alias), "{} twice", alias);
        }
        for unit in all.units.units.values().map(|unit| &**unit).chain(all.others.values()) {
            let sets = [&unit.unit.wants, &unit.unit.requires, &unit.unit.after];
            for name in sets.into_iter().flatten() {
                prop_assert!(!all.units.aliases.contains_key(name), "{} names {}", unit.name, name);
                prop_assert!(*name != unit.name, "{} names itself", name);
            }
        }
        prop_assert_eq!(&all, &load(&tree, &HostFacts::example()));
    }

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
