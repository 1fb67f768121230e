//! The directive table: one row per directive that systemd 252 knows, with what it is worth here.
//!
//! Parser, `show`, warnings and `docs/units.md` are driven by it. A directive is one row plus the
//! code that honours it.
mod exec;
mod families;
mod install;
mod resource;
mod service;
mod unit;

use crate::draft::{Context, Draft};
use crate::model::Unit;
use crate::property::PropertyValue;
use crate::value::ValueError;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a directive is worth here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As in systemd.
    Honoured,
    /// Honoured, but for what is said here.
    Partly(&'static str),
    /// Read, named in a warning, without effect.
    NotYet,
    /// Not honoured yet, and the unit is refused: what would run without it, in words.
    Needed(&'static str),
    /// Never honoured, and why; named in a warning.
    Refused(&'static str),
    /// Has no meaning here, and why; read without a word.
    Meaningless(&'static str),
    /// Belongs to others; left alone.
    Owned,
}

/// Reads a value into the draft.
pub(crate) type Honour = fn(&mut Draft, &mut Context<'_>, &str) -> Result<(), ValueError>;
/// Shows a property; `None` where the host's own default holds.
pub(crate) type Show = fn(&Unit) -> Option<PropertyValue>;

/// One directive.
#[derive(Debug, Clone)]
pub struct Row {
    /// Without brackets.
    pub section: &'static str,
    /// Left of the `=`.
    pub key: &'static str,
    /// Name of the D-Bus property that shows it.
    pub property: String,
    /// What kind of value it takes, in words; empty for what is not read.
    pub value: &'static str,
    /// What it is worth here.
    pub standing: Standing,
    pub(crate) honour: Option<Honour>,
    pub(crate) shows: Vec<(&'static str, Show)>,
    /// Whether processes must be restarted for a change to take effect.
    pub(crate) restarts: bool,
}

impl Row {
    /// An honoured directive.
    fn new(section: &'static str, key: &'static str, value: &'static str, honour: Honour) -> Row {
        Row {
            section,
            key,
            property: key.to_owned(),
            value,
            standing: Standing::Honoured,
            honour: Some(honour),
            shows: Vec::new(),
            restarts: section == "Service",
        }
    }

    /// Names a property and how to show it; the first is the directive's own.
    fn shows(mut self, property: &'static str, show: Show) -> Row {
        if self.shows.is_empty() {
            self.property = property.to_owned();
        }
        self.shows.push((property, show));
        self
    }

    /// It adds to a property that another row shows.
    fn of(mut self, property: &str) -> Row {
        property.clone_into(&mut self.property);
        self
    }

    fn partly(mut self, why: &'static str) -> Row {
        self.standing = Standing::Partly(why);
        self
    }

    /// Only the daemon uses it: a change holds at once.
    fn live(mut self) -> Row {
        self.restarts = false;
        self
    }
}

/// Rows without code: names separated by white space.
fn bare(section: &'static str, standing: Standing, names: &'static str) -> Vec<Row> {
    let row = |key: &'static str| Row {
        section,
        key,
        property: match key.strip_suffix("Sec") {
            Some(stem) => format!("{stem}USec"),
            None => key.to_owned(),
        },
        value: "",
        standing,
        honour: None,
        shows: Vec::new(),
        restarts: false,
    };
    names.split_whitespace().map(row).collect()
}

/// Every row, by section.
pub fn table() -> &'static [Row] {
    static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
        [
            unit::rows(),
            service::rows(),
            exec::rows(),
            resource::rows(),
            families::rows(),
            install::rows(),
        ]
        .concat()
    });
    &TABLE
}

/// The row of a directive.
pub(crate) fn find(section: &str, key: &str) -> Option<&'static Row> {
    static INDEX: LazyLock<HashMap<(&str, &str), &Row>> = LazyLock::new(|| {
        table()
            .iter()
            .map(|row| ((row.section, row.key), row))
            .collect()
    });
    INDEX.get(&(section, key)).copied()
}

/// One of a few words.
fn one_of<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Result<T, ValueError> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|&(_, value)| value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        ValueError::not(text, &format!("known value (one of {})", known.join(", ")))
    })
}

/// The word of a value.
fn word_of<T: PartialEq>(value: T, words: &[(&'static str, T)]) -> PropertyValue {
    let found = words.iter().find(|(_, known)| *known == value);
    PropertyValue::Text(found.map_or("", |(word, _)| word).to_owned())
}

/// A list of texts.
fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> PropertyValue {
    let text = |item: T| PropertyValue::Text(item.to_string());
    PropertyValue::List(items.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_directive_has_one_row() {
        let mut seen = HashSet::new();
        for row in table() {
            assert!(
                seen.insert((row.section, row.key)),
                "[{}] {}= twice",
                row.section,
                row.key
            );
        }
        assert!(seen.len() > 330, "only {} rows", seen.len());
    }

    #[test]
    fn what_is_honoured_has_code() {
        for row in table() {
            let honoured = matches!(row.standing, Standing::Honoured | Standing::Partly(_));
            assert_eq!(honoured, row.honour.is_some(), "{}", row.key);
        }
    }
}
