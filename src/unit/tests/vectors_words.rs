//! Words, fields, escapes and quoting: systemd's answers.
mod table;

use gitproc_unit::quote::{Quoting, backslash, octal, quote, quote_words};
use gitproc_unit::words::{Escapes, Quotes, Split, WHITE_SPACE, Words, words};
use gitproc_unit::{c_escape, words::WordError};
use std::collections::BTreeMap;
use table::{Row, check, rows, same};

/// The split that a row asks for; `warns` is how words are taken, not how they are made.
fn split<'a>(how: &[String], separators: &'a str) -> Split<'a> {
    let has = |flag: &str| how.iter().any(|one| one == flag);
    let escapes = match (has("raw"), has("c"), has("separators")) {
        (true, _, _) => Escapes::Plain,
        (_, true, true) => Escapes::CAndSeparators,
        (_, true, false) => Escapes::C,
        (_, false, true) => Escapes::Separators,
        (_, false, false) => Escapes::Drop,
    };
    let quotes = match (has("unquote"), has("keep-quotes")) {
        (true, _) => Quotes::Remove,
        (false, true) => Quotes::Keep,
        (false, false) => Quotes::Plain,
    };
    Split {
        separators,
        quotes,
        escapes,
        lenient: has("lenient"),
        open_end: has("open-end"),
        empty_fields: has("empty-fields"),
        keep_separator: has("keep-separator"),
    }
}

/// Takes one word and compares it, and where it leaves off.
fn step(left: &mut Words<'_>, row: &Row) -> Result<(), String> {
    let how = row.list("how");
    let separators = row.option("separators");
    let split = split(&how, separators.as_deref().unwrap_or(WHITE_SPACE));
    let got = match how.iter().any(|one| one == "warns") {
        true => left.take_lenient(&split),
        false => left.take(&split),
    };
    let got = match got {
        Ok(Some(word)) => ("word", Some(word)),
        Ok(None) => ("end", None),
        Err(_) => ("error", None),
    };
    same(got, (row.text("outcome").as_str(), row.option("word")))?;
    match row.option("rest").as_deref() {
        None => Ok(()),
        Some("end") => same(left.rest(), None),
        Some(offset) => same(Some(left.offset()), offset.parse().ok()),
    }
}

#[test]
fn words_are_taken_one_after_another() {
    let mut cases: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
    for row in rows(include_str!("vectors/take-word.tsv")) {
        cases.entry(row.number("case")).or_default().push(row);
    }
    assert_eq!(cases.len(), 46);
    let mut wrong = Vec::new();
    for steps in cases.values() {
        let text = steps[0].text("text");
        let mut left = Words::new(&text);
        for row in steps {
            wrong.extend(
                step(&mut left, row)
                    .err()
                    .map(|why| format!("line {}: {text:?}: {why}", row.line)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_are_split_into_lists() {
    check(include_str!("vectors/split-list.tsv"), |row| {
        let separators = row.option("separators");
        let split = split(
            &row.list("how"),
            separators.as_deref().unwrap_or(WHITE_SPACE),
        );
        let expected = match row.text("outcome").as_str() {
            "split" => Some(row.rest("words")),
            _ => None,
        };
        same(words(&row.text("text"), &split).ok(), expected)
    });
}

#[test]
fn named_splits_differ_where_directives_do() {
    type Case<'a> = (&'a Split<'a>, &'a str, Result<&'a [&'a str], WordError>);
    let table: &[Case<'_>] = &[
        (&Split::ARGUMENTS, "a  b\tc", Ok(&["a", "b", "c"])),
        (&Split::ARGUMENTS, r#""" x"#, Ok(&["", "x"])),
        (
            &Split::ARGUMENTS,
            r"a\sb \x41\101\u00e9",
            Ok(&["a b", "AAé"]),
        ),
        (&Split::ARGUMENTS, r#"a "b"#, Err(WordError::Quote)),
        (
            &Split::NAMES,
            r#"a\x2db.service "c""#,
            Ok(&[r"a\x2db.service", r#""c""#]),
        ),
        (&Split::RAW_LIST, r#"a\sb "c d""#, Ok(&[r"a\sb", "c d"])),
        (&Split::LIST, r#"a\ b "c d""#, Ok(&["a b", "c d"])),
        (&Split::LIST, r"a\", Err(WordError::Backslash)),
        (
            &Split::UNQUOTED_LIST,
            r#"a\ b "c d""#,
            Ok(&["a b", "\"c", "d\""]),
        ),
        (
            &Split::ARGUMENTS,
            r#"a\sb "c\td" x"y z"'q'"#,
            Ok(&["a b", "c\td", "xy zq"]),
        ),
        (&Split::ARGUMENTS, r"\q", Err(WordError::Escape)),
        (
            &Split::ARGUMENTS.lenient(),
            r"\q \x00",
            Ok(&[r"\q", r"\x00"]),
        ),
        (&Split::ARGUMENTS, r"\xff", Err(WordError::Utf8)),
        (&Split::ARGUMENTS, r"\ud800", Err(WordError::Utf8)),
        (&Split::VARIABLE, r#"a "b c\"#, Ok(&["a", "b c"])),
        (&Split::FIELDS, r"a\:b::c:", Ok(&["a:b", "", "c", ""])),
        (&Split::FIELDS, "", Ok(&[""])),
        (&Split::FIELDS.on(","), "a,,b", Ok(&["a", "", "b"])),
        (&Split::PATH_FIELDS, "a:b c", Ok(&["a", "b", "c"])),
    ];
    for (split, text, expected) in table {
        let expected = expected.map(|list| list.iter().map(|word| word.to_string()).collect());
        assert_eq!(words(text, split), expected, "{text}");
    }
}

#[test]
fn escapes_and_quotes_are_made_and_undone() {
    check(include_str!("vectors/escape.tsv"), |row| {
        let (text, how) = (|| row.text("text"), row.option("how").unwrap_or_default());
        let got = match row.text("what").as_str() {
            "c" => {
                let bytes = c_escape::unescape(&text(), how == "lenient", how == "nul").ok();
                bytes.map(|bytes| String::from_utf8(bytes).expect("text"))
            }
            "backslash" => Some(backslash(&text(), &how)),
            "quote" if how == "shell" => Some(quote(&text(), Quoting::Shell)),
            "quote" => Some(quote(&text(), Quoting::Double)),
            "words" => Some(quote_words(row.list("text").iter().map(String::as_str))),
            "octal" if how == "hex" => Some(octal(&bytes_of(&text()))),
            "octal" => Some(octal(text().as_bytes())),
            other => return Err(format!("what is {other}?")),
        };
        same(got, row.option("result"))
    });
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    (0..hex.len()).step_by(2).map(byte).collect()
}
