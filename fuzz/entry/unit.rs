//! The loader: text as fragment, template, drop-in and target. It ends, says the same twice, and
//! what it gives can be shown; a comment more means nothing.
use gitproc_unit::{
    HostFacts, Loaded, TreeEntry, TreeFiles, load, properties_by_interface, property_text,
};

pub fn run(text: &str) {
    let loaded = all(text);
    let facts = HostFacts::example();
    for unit in loaded.units.units.values() {
        for (_, value) in properties_by_interface(unit, &facts).iter().flatten() {
            property_text(value);
        }
    }
    // A byte order mark is one at the start only, and a file of no bytes masks its unit.
    if !text.starts_with('\u{feff}') && !text.is_empty() {
        let commented = all(&format!("# nothing\n; of note\n\n{text}"));
        assert_eq!(meanings(&loaded), meanings(&commented));
    }
}

fn all(text: &str) -> Loaded {
    let mut tree = TreeFiles::default();
    let paths = ["a.service", "b@.service", "b@.service.d/x.conf", "c.target"];
    for path in paths {
        let file = TreeEntry::File(text.to_owned());
        tree.entries.insert(path.into(), file);
    }
    let link = TreeEntry::Symlink("../b@.service".into());
    tree.entries
        .insert("c.target.wants/b@i.service".into(), link);
    load(&tree, &HostFacts::example())
}

fn meanings(loaded: &Loaded) -> Vec<String> {
    let units = loaded.units.units.iter();
    units
        .map(|(name, unit)| format!("{name} {:?}", unit.meaning))
        .collect()
}
