//! [Path] (systemd.path(5)). Paths are read and shown; they are not watched yet.
use super::kind::{Kind, MODE, SPELL_TEXT, spell_number};
use super::row::Write;
use super::unit::unit_name;
use super::{Family, Row};
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Text, Unsigned};
use crate::value::list::room;
use crate::value::{ValueError, absolute_path, parse_timespan, parse_u32};

fn kept(key: &'static str, kind: Kind, default: PropertyValue) -> Row {
    Row::kept(Family::Path, key, kind, default)
}

macro_rules! watches {
    ($key:literal) => {
        watches!($key, Write::Elsewhere)
    };
    ($key:literal, $write:expr) => {
        Row::field(
            Family::Path,
            $key,
            "path",
            |draft, cx, value| {
                if value.is_empty() {
                    draft.triggers.paths.clear();
                    return Ok(());
                }
                let path = absolute_path(&cx.resolve(value)?)?;
                room(draft.triggers.paths.len())?;
                // systemd shows the newest line first.
                draft
                    .triggers
                    .paths
                    .insert(0, List(vec![$key.into(), Text(path)]));
                Ok(())
            },
            $write,
        )
        .not_yet()
    };
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        watches!("PathExists", WATCHED)
            .shows("Paths", |unit| Some(List(unit.triggers.paths.clone()))),
        watches!("PathExistsGlob"),
        watches!("PathChanged"),
        watches!("PathModified"),
        watches!("DirectoryNotEmpty"),
        kept("Unit", TRIGGERED, PropertyValue::blank()),
        kept("MakeDirectory", Kind::Flag, Bool(false)),
        kept("DirectoryMode", MODE, Unsigned(0o755)),
        kept(
            "TriggerLimitIntervalSec",
            TRIGGER_LIMIT,
            Unsigned(TRIGGER_LIMIT_US),
        ),
        kept("TriggerLimitBurst", BURST, Unsigned(200)),
    ]
}

const WATCHED: Write = Write::Shared(|unit| {
    let line = |entry: &PropertyValue| match entry.items() {
        [key, path] => Some((key.text().to_owned(), spelling::text(path.text()))),
        _ => None,
    };
    unit.triggers.paths.iter().rev().filter_map(line).collect()
});

/// The time within which starts are counted; 2 s.
pub(super) const TRIGGER_LIMIT_US: u64 = 2_000_000;

/// Infinity stands for the default.
pub(super) const TRIGGER_LIMIT: Kind = Kind::By(
    "time span",
    |value, _, text| {
        *value = Unsigned(match parse_timespan(text)? {
            u64::MAX => TRIGGER_LIMIT_US,
            us => us,
        });
        Ok(())
    },
    spell_number!(spelling::span),
);

/// The largest number stands for the default.
const BURST: Kind = Kind::By(
    "number",
    |value, _, text| {
        *value = Unsigned(match parse_u32(text)? {
            u32::MAX => 200,
            burst => burst.into(),
        });
        Ok(())
    },
    spell_number!(|number: u64| number.to_string()),
);

/// The unit that is started; unless set, the service of the same name.
pub(super) const TRIGGERED: Kind = Kind::By(
    "unit name",
    |value, cx, text| {
        let name = unit_name(cx, text)?;
        if !value.text().is_empty() {
            return Err(ValueError("there is a Unit= already".into()));
        }
        if name == *cx.name {
            return Err(ValueError(format!("{name} can't start itself")));
        }
        *value = Text(name.to_string());
        Ok(())
    },
    SPELL_TEXT,
);
