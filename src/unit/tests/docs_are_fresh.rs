//! docs/units.md is what the directive table says.
#![allow(clippy::disallowed_methods)] // a test of files may read files

#[test]
fn docs_units_md_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/units.md");
    let wanted = gitproc_unit::docs();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &wanted).expect("docs/ is writable");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/units.md is stale: run UPDATE_DOCS=1 cargo test -p gitproc-unit"
    );
}
