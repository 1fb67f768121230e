//! Filters of system calls of real units, against what systemd makes of them.
mod table;

use gitproc_unit::PropertyValue;
use gitproc_unit::value::{SyscallAction, SyscallArchitectures, SyscallFilter};
use table::{Row, check, same};

#[test]
fn filters_of_the_corpus() {
    check(include_str!("vectors/syscall-filter.tsv"), filter);
}

fn filter(row: &Row) -> Result<(), String> {
    let mut filter = SyscallFilter::default();
    for line in row.list("filter") {
        same(filter.apply(&line), Vec::new())?;
    }
    let PropertyValue::List(property) = filter.property() else {
        return Err("no struct".into());
    };
    let [allow, names] = &property[..] else {
        return Err("no pair".into());
    };
    same(allow, &PropertyValue::Bool(row.text("list") == "allow"))?;
    let names = texts(names);
    same(names.len() as u64, row.number("count"))?;
    let mut shown = names.join(" ");
    if row.text("names").starts_with("fnv1a ") {
        shown = format!("fnv1a {:016x}", fnv1a(&shown));
    }
    same(shown, row.text("names"))?;

    let mut action = SyscallAction::default();
    for line in row.list("error") {
        action = SyscallAction::parse(&line).map_err(|error| error.to_string())?;
    }
    let number = i64::try_from(row.number("error_number")).expect("an int");
    same(action.property(), PropertyValue::Signed(number))?;

    let mut architectures = SyscallArchitectures::default();
    for line in row.list("architectures") {
        same(architectures.apply(&line), Vec::new())?;
    }
    let shown = texts(&architectures.property()).join(" ");
    same(shown, row.text("architecture_names"))
}

fn texts(property: &PropertyValue) -> Vec<String> {
    let PropertyValue::List(items) = property else {
        panic!("no list: {property:?}");
    };
    let text = |item: &PropertyValue| match item {
        PropertyValue::Text(text) => text.clone(),
        other => panic!("no text: {other:?}"),
    };
    items.iter().map(text).collect()
}

fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
