//! [Install] (systemd.unit(5)). That a unit is in the commit is what enables it.
//!
//! What the words mean depends on `DefaultInstance=`, which may stand anywhere: here they are only
//! collected, and resolved when all files of the unit have been read.
use super::row::Write;
use super::{Family, Row, Standing};
use crate::draft::{Context, Draft};
use crate::load::install::Key;
use crate::print::spelling;
use crate::value::ValueError;
use crate::words::{Split, words};

/// Most words in the lists of one [Install]: each of them becomes a link, and is looked up again.
const ASKED_MAX: usize = 1_000;

macro_rules! names {
    ($key:literal, $variant:ident, $field:ident) => {
        Row::field(
            Family::Install,
            $key,
            "unit names",
            |draft, cx, value| collect(draft, cx, Key::$variant, value),
            Write::Lines(|unit| {
                let names = unit.install.$field.iter();
                spelling::joined(names.map(ToString::to_string))
            }),
        )
    };
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        names!("WantedBy", WantedBy, wanted_by),
        names!("RequiredBy", RequiredBy, required_by),
        names!("Also", Also, also),
        names!("Alias", Alias, alias),
        Row::field(
            Family::Install,
            "DefaultInstance",
            "text",
            |draft, cx, value| {
                draft.asked.default_instance = Some((value.to_owned(), cx.place()));
                Ok(())
            },
            Write::Lines(|unit| unit.install.default_instance.iter().cloned().collect()),
        ),
        Row::nothing(Family::Install, "X-*", Standing::Owned),
    ]
}

fn collect(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    key: Key,
    value: &str,
) -> Result<(), ValueError> {
    // Also= is read by another hand than the lists beside it, and nothing resets it.
    if value.is_empty() && key != Key::Also {
        draft.asked.words.retain(|asked| asked.key != key);
    }
    let split = match key {
        Key::Also => Split::NAMES,
        Key::WantedBy | Key::RequiredBy | Key::Alias => Split::RAW_LIST,
    };
    for word in words(value, &split).map_err(|err| ValueError(err.to_string()))? {
        if draft.asked.words.len() >= ASKED_MAX {
            return Err(ValueError(format!(
                "more than {ASKED_MAX} names in [Install]"
            )));
        }
        draft.asked.add(key, word, cx.place());
    }
    Ok(())
}
