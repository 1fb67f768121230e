//! The directive table: one row per directive that systemd 252 knows, with what it is worth here.
//!
//! Parser, `show`, warnings and `docs/units.md` are driven by it. A directive is one row plus the
//! code that honours it.
mod automount;
mod credentials;
pub(crate) mod derived;
mod device;
mod directories;
mod environment;
mod exec;
mod filter;
mod image;
mod install;
mod kill;
pub(crate) mod kind;
mod limits;
mod mount;
mod network;
mod path;
mod proofs;
mod resource;
mod row;
mod sandbox;
mod service;
mod socket;
mod stdio;
mod timer;
mod unit;

use crate::property::PropertyValue;
use crate::settings::Setting;
use crate::value::ValueError;
use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use kind::{bytes, number, signed};
pub(crate) use proofs::proof;
pub(crate) use row::{Body, Read, Shown, Write};
pub use row::{Family, Row, Standing};
pub(crate) use service::shown_commands;

/// Place of a row in [`table`].
pub(crate) type RowId = u16;

/// Every row, by family.
pub fn table() -> &'static [Row] {
    static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
        [
            unit::rows(),
            install::rows(),
            service::rows(),
            exec::rows(),
            credentials::rows(),
            directories::rows(),
            limits::rows(),
            stdio::rows(),
            sandbox::rows(),
            kill::rows(),
            resource::rows(),
            timer::rows(),
            socket::rows(),
            path::rows(),
            mount::rows(),
            automount::rows(),
        ]
        .concat()
    });
    &TABLE
}

/// The row of a directive in a section; an older spelling leads to the row it stands for.
pub(crate) fn find(section: &str, key: &str) -> Option<(RowId, &'static Row)> {
    static INDEX: LazyLock<HashMap<(&str, &str), RowId>> = LazyLock::new(|| {
        let rows = (0..).zip(table());
        rows.flat_map(|(id, row)| {
            let sections = row.family.sections().iter();
            sections.map(move |section| ((*section, row.key), id))
        })
        .collect()
    });
    let id = *INDEX.get(&(section, key))?;
    let row = by_id(id);
    match row.body {
        Body::Alias {
            section: other,
            key,
        } => find(other.unwrap_or(section), key),
        Body::Field { .. } | Body::Kept { .. } | Body::Nothing => Some((id, row)),
    }
}

/// The row with that place.
pub(crate) fn by_id(id: RowId) -> &'static Row {
    &table()[usize::from(id)]
}

/// Place and default of a directive that is kept as its property.
pub(crate) fn kept(family: Family, key: &str) -> Option<(RowId, &'static Setting)> {
    let section = family.sections()[0];
    let (id, row) = find(section, key)?;
    match &row.body {
        Body::Kept { default, .. } => Some((id, default)),
        Body::Field { .. } | Body::Alias { .. } | Body::Nothing => None,
    }
}

/// One of a few words.
pub(crate) fn one_of<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Result<T, ValueError> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|&(_, value)| value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        ValueError::not(text, &format!("known value (one of {})", known.join(", ")))
    })
}

/// The word of a value.
fn spelled<T: PartialEq>(value: T, words: &[(&'static str, T)]) -> String {
    crate::value::word_for(words, &value)
        .unwrap_or("")
        .to_owned()
}

/// The word of a value, as a property.
fn word_of<T: PartialEq>(value: T, words: &[(&'static str, T)]) -> PropertyValue {
    PropertyValue::Text(spelled(value, words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_directive_has_one_row() {
        let mut seen = HashSet::new();
        for row in table() {
            for section in row.family.sections() {
                assert!(
                    seen.insert((section, row.key)),
                    "[{section}] {}= twice",
                    row.key
                );
            }
        }
    }

    #[test]
    fn older_spellings_lead_somewhere() {
        for row in table() {
            if let Body::Alias { .. } = row.body {
                let section = row.family.sections()[0];
                assert!(find(section, row.key).is_some(), "{}", row.key);
            }
        }
    }
}
