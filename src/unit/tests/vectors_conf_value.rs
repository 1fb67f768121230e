//! Lines of directives, after the lines before them, against what systemd 252 makes of them.
mod table;

use gitproc_unit::value::{self, MemoryZero, ValueError};
use gitproc_unit::{HostFacts, TreeEntry, TreeFiles, load, properties, property_text};
use table::{Row, check, same};

type Outcome = Result<(), ValueError>;

/// Applies the lines before, then the line in question: what came of it, and of the last.
fn fold<T: Default>(row: &Row, apply: impl Fn(&mut T, &str) -> Outcome) -> (T, Outcome) {
    let mut state = T::default();
    for line in row.list("before") {
        apply(&mut state, &line).expect("a good line");
    }
    let outcome = apply(&mut state, &row.text("text"));
    (state, outcome)
}

/// The property of a service with this line.
fn shown(line: &str, property: &str) -> Vec<String> {
    let mut tree = TreeFiles::default();
    let text = format!("[Service]\nExecStart=/bin/true\n{line}\n");
    tree.entries
        .insert("a.service".into(), TreeEntry::File(text));
    let loaded = load(&tree, &HostFacts::example());
    let unit = loaded
        .units
        .units
        .values()
        .find(|unit| unit.service.is_some());
    let all = properties(unit.expect("the service"), &HostFacts::example());
    let found = all.into_iter().filter(|(name, _)| *name == property);
    found.map(|(_, value)| property_text(&value)).collect()
}

fn list(row: &Row, (got, outcome): (Vec<String>, Outcome)) -> Result<(), String> {
    same(got, row.list("value"))?;
    same(outcome.is_err(), row.text("outcome") == "warned")
}

fn one<T: ToString>(row: &Row, got: Result<T, ValueError>) -> Result<(), String> {
    let expected = row.option("value");
    same(expected.is_none(), row.text("outcome") == "refused")?;
    same(got.ok().map(|value| value.to_string()), expected)
}

#[test]
fn lines_of_directives() {
    check(include_str!("vectors/conf-value.tsv"), |row| {
        let text = row.text("text");
        match row.text("reads").as_str() {
            "path" => one(row, Ok(value::simplify_path(&text))),
            "log level" => one(row, value::parse_log_level(&text)),
            "log facility" => one(row, value::parse_log_facility(&text)),
            "int" => one(row, value::parse_i32(&text)),
            "unsigned" => one(row, value::parse_u32(&text)),
            "mode" => one(row, value::parse_mode(&text)),
            "words" => list(row, fold(row, value::apply_words)),
            "log fields" => list(row, fold(row, value::apply_log_fields)),
            "environment names" => list(row, fold(row, value::apply_environment_names)),
            "environment files" => {
                let files = shown(&format!("EnvironmentFile={text}"), "EnvironmentFiles");
                same(files.len(), row.list("value").len())?;
                same(files[0].contains(&text), true)
            }
            "capability set" => {
                let (set, outcome) = fold(row, |set: &mut u64, line: &str| {
                    value::apply_capabilities(set, u64::MAX, line)
                });
                same(set, row.number("value"))?;
                same(outcome.is_err(), row.text("outcome") == "warned")
            }
            memory => {
                let amount = value::parse_memory(&text, MemoryZero::of(memory));
                one(row, amount.map(|amount| amount.of(1 << 30, 4096)))
            }
        }
    });
}
