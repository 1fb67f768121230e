//! Kinds of value of the directives that are kept as their property: how text becomes the value
//! that systemd shows. An error leaves the value as it was.
use crate::draft::Context;
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::settings::Setting;
use crate::value::{
    ValueError, absolute_path, parse_bool, parse_i32, parse_mode, parse_signal, parse_timespan,
    parse_u32,
};
use crate::words::{Split, Words};

/// Reads text into the value so far.
pub(crate) type Keep = fn(&mut PropertyValue, &mut Context<'_>, &str) -> Result<(), ValueError>;

/// The same for a value with a type of its own.
pub(crate) type KeepTyped = fn(&mut Setting, &mut Context<'_>, &str) -> Result<(), ValueError>;

/// Writes a value as texts that are read onto nothing, one a line; no text is one that is empty.
pub(crate) type Spell = fn(&PropertyValue) -> Vec<String>;

/// The same for a value with a type of its own.
pub(crate) type SpellTyped = fn(&Setting) -> Vec<String>;

/// How a kept value is read and written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// yes or no
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words; an empty value is the first again.
    WordOrEmpty(&'static [&'static str]),
    /// yes, no, or one of these words: `yes` and `no` are among them.
    FlagOrWord(&'static [&'static str]),
    /// Anything else that is kept as it shows: what it takes, in words, and the code.
    By(&'static str, Keep, Spell),
    /// A value with a type of its own.
    Typed(&'static str, KeepTyped, SpellTyped),
}

/// The kind of value that `$apply` folds line by line into `Setting::$variant`, and that `$spell`
/// writes as lines. Specifiers mean nothing in it.
macro_rules! typed {
    ($what:literal, $variant:ident, $apply:expr, $spell:expr) => {
        $crate::table::kind::Kind::Typed(
            $what,
            |value, _, text| {
                let $crate::settings::Setting::$variant(inner) = value else {
                    unreachable!("the default of the row is of the same type");
                };
                $apply(inner, text)
            },
            $crate::table::kind::spell_typed!($variant, $spell),
        )
    };
}

/// The same with specifiers resolved.
macro_rules! resolved {
    ($what:literal, $variant:ident, $apply:expr, $spell:expr) => {
        $crate::table::kind::Kind::Typed(
            $what,
            |value, cx, text| {
                let $crate::settings::Setting::$variant(inner) = value else {
                    unreachable!("the default of the row is of the same type");
                };
                $apply(inner, &cx.resolve(text)?)
            },
            $crate::table::kind::spell_typed!($variant, $spell),
        )
    };
}

/// What writes `Setting::$variant`.
macro_rules! spell_typed {
    ($variant:ident, $spell:expr) => {
        |value| {
            let $crate::settings::Setting::$variant(inner) = value else {
                unreachable!("the default of the row is of the same type");
            };
            $spell(inner)
        }
    };
}
pub(crate) use resolved;
pub(crate) use spell_typed;
pub(crate) use typed;

impl Kind {
    /// For `docs/units.md`.
    pub fn in_words(self) -> String {
        match self {
            Kind::Flag => "yes or no".to_owned(),
            Kind::Word(words) | Kind::WordOrEmpty(words) | Kind::FlagOrWord(words) => {
                words.join(", ")
            }
            Kind::By(what, _, _) | Kind::Typed(what, _, _) => what.to_owned(),
        }
    }

    /// Reads `text` into `value`, which is of the type that the row's default has.
    pub fn read(
        self,
        value: &mut Setting,
        cx: &mut Context<'_>,
        text: &str,
    ) -> Result<(), ValueError> {
        let plain: PropertyValue = match self {
            Kind::Typed(_, read, _) => return read(value, cx, text),
            Kind::By(_, read, _) => {
                let Setting::Plain(value) = value else {
                    unreachable!("the default of the row is plain");
                };
                return read(value, cx, text);
            }
            Kind::Flag => Bool(parse_bool(text)?),
            Kind::WordOrEmpty(words) if text.is_empty() => words[0].into(),
            Kind::FlagOrWord(words) => match parse_bool(text) {
                Ok(true) => "yes".into(),
                Ok(false) => "no".into(),
                Err(_) => known(text, words)?.into(),
            },
            Kind::Word(words) | Kind::WordOrEmpty(words) => known(text, words)?.into(),
        };
        *value = Setting::Plain(plain);
        Ok(())
    }

    /// The texts that give `value`, one a line.
    pub fn write(self, value: &Setting) -> Vec<String> {
        match (self, value) {
            (Kind::Typed(_, _, spell), value) => spell(value),
            (Kind::By(_, _, spell), Setting::Plain(value)) => spell(value),
            (Kind::Flag, Setting::Plain(value)) => vec![spelling::yes_no(*value == Bool(true))],
            (Kind::Word(_) | Kind::WordOrEmpty(_) | Kind::FlagOrWord(_), Setting::Plain(value)) => {
                vec![value.text().to_owned()]
            }
            (_, _) => unreachable!("the default of the row is plain"),
        }
    }
}

/// A text that is no list.
pub(crate) const SPELL_TEXT: Spell = |value| vec![spelling::text(value.text())];

/// Words with quotes where they need them.
pub(crate) const SPELL_WORDS: Spell = |value| {
    let words = value.items().iter().map(PropertyValue::text);
    spelling::joined(words.map(spelling::list_word))
};

/// A number, as `spell` has it.
macro_rules! spell_number {
    ($spell:expr) => {
        |value| vec![$spell($crate::table::kind::number(value))]
    };
}
pub(crate) use spell_number;

/// The bytes of a value that is shown as such.
pub(crate) fn bytes(value: &PropertyValue) -> Vec<u8> {
    let byte = |item: &PropertyValue| u8::try_from(number(item)).unwrap_or(0);
    value.items().iter().map(byte).collect()
}

/// The number; 0 of what is none.
pub(crate) fn number(value: &PropertyValue) -> u64 {
    match value {
        Unsigned(number) => *number,
        Bool(_) | Signed(_) | Text(_) | List(_) => 0,
    }
}

/// The number; 0 of what is none.
pub(crate) fn signed(value: &PropertyValue) -> i32 {
    match value {
        Signed(number) => i32::try_from(*number).unwrap_or(0),
        Bool(_) | Unsigned(_) | Text(_) | List(_) => 0,
    }
}

fn known(text: &str, words: &[&'static str]) -> Result<&'static str, ValueError> {
    let found = words.iter().find(|word| **word == text);
    found
        .copied()
        .ok_or_else(|| ValueError::not(text, &format!("known value (one of {})", words.join(", "))))
}

/// Text with its specifiers resolved.
pub(crate) const TEXT: Kind = Kind::By(
    "text",
    |value, cx, text| {
        *value = Text(cx.resolve(text)?);
        Ok(())
    },
    SPELL_TEXT,
);

/// An absolute path; empty is none.
pub(crate) const PATH: Kind = Kind::By(
    "path",
    |value, cx, text| {
        let path = cx.resolve(text)?;
        *value = match path.is_empty() {
            true => PropertyValue::blank(),
            false => Text(absolute_path(&path)?),
        };
        Ok(())
    },
    SPELL_TEXT,
);

/// Absolute paths, each of which may begin with `-` (may be missing) and `+` (below RootDirectory=).
pub(crate) const MARKED_PATHS: Kind = Kind::By(
    "paths, - and + before each",
    |value, cx, text| {
        each_word(value, text, &Split::LIST, |items, word| {
            let word = cx.resolve(word)?;
            let path = word.trim_start_matches('-');
            let (optional, path) = match word.len() - path.len() {
                0 => ("", word.as_str()),
                _ => ("-", &word[1..]),
            };
            let (inside, path) = match path.strip_prefix('+') {
                Some(path) => ("+", path),
                None => ("", path),
            };
            let path = absolute_path(path)?;
            items.push(Text(format!("{optional}{inside}{path}")));
            Ok(())
        })
    },
    SPELL_WORDS,
);

/// A path, and whether `-` before it marks it as one that may be missing.
pub(crate) fn marked_path(text: &str) -> Result<(String, bool), ValueError> {
    let (path, optional) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    Ok((absolute_path(path)?, optional))
}

/// A time span.
pub(crate) const SPAN: Kind = Kind::By(
    "time span",
    |value, _, text| {
        *value = Unsigned(parse_timespan(text)?);
        Ok(())
    },
    spell_number!(spelling::span),
);

/// A time span of which 0 is infinity.
pub(crate) const SPAN_OR_FOREVER: Kind = Kind::By(
    "time span, 0 is infinity",
    |value, _, text| {
        *value = match parse_timespan(text)? {
            0 => PropertyValue::INFINITY,
            us => Unsigned(us),
        };
        Ok(())
    },
    spell_number!(spelling::span),
);

/// A time span; empty is infinity.
pub(crate) const SPAN_OR_EMPTY: Kind = Kind::By(
    "time span",
    |value, _, text| {
        *value = match text {
            "" => PropertyValue::INFINITY,
            text => Unsigned(parse_timespan(text)?),
        };
        Ok(())
    },
    spell_number!(spelling::span),
);

/// A whole number from 0.
pub(crate) const UNSIGNED: Kind = Kind::By(
    "number",
    |value, _, text| {
        *value = Unsigned(parse_u32(text)?.into());
        Ok(())
    },
    spell_number!(|number: u64| number.to_string()),
);

/// A whole number.
pub(crate) const SIGNED: Kind = Kind::By(
    "number",
    |value, _, text| {
        *value = Signed(parse_i32(text)?.into());
        Ok(())
    },
    |value| vec![signed(value).to_string()],
);

/// An access mode.
pub(crate) const MODE: Kind = Kind::By(
    "octal mode",
    |value, _, text| {
        *value = Unsigned(parse_mode(text)?.into());
        Ok(())
    },
    spell_number!(spelling::mode),
);

/// A signal.
pub(crate) const SIGNAL: Kind = Kind::By(
    "signal",
    |value, _, text| {
        *value = Signed(parse_signal(text)?.into());
        Ok(())
    },
    |value| vec![spelling::signal(signed(value))],
);

/// What to do with the host when a unit ends so.
pub(crate) const ACTION: Kind = Kind::Word(&[
    "none",
    "reboot",
    "reboot-force",
    "reboot-immediate",
    "poweroff",
    "poweroff-force",
    "poweroff-immediate",
    "exit",
    "exit-force",
]);

/// Gives each word of `text` to `add`; an empty text empties the list. Words before a bad one stay.
pub(crate) fn each_word(
    value: &mut PropertyValue,
    text: &str,
    split: &Split<'_>,
    mut add: impl FnMut(&mut Vec<PropertyValue>, &str) -> Result<(), ValueError>,
) -> Result<(), ValueError> {
    if text.is_empty() {
        *value = PropertyValue::empty();
        return Ok(());
    }
    let items = value.items_mut();
    let mut wrong = Ok(());
    let mut rest = Words::new(text);
    // One bad word does not take the others away.
    while let Some(word) = rest
        .take(split)
        .map_err(|err| ValueError(err.to_string()))?
    {
        wrong = wrong.and(add(items, &word));
    }
    wrong
}

/// A pair that systemd shows as a struct.
pub(crate) fn pair(first: impl Into<PropertyValue>, second: PropertyValue) -> PropertyValue {
    List(vec![first.into(), second])
}

/// `[inverted or allowed, [names]]`, as filters are shown.
pub(crate) fn no_filter() -> PropertyValue {
    List(vec![Bool(false), PropertyValue::empty()])
}
