//! How values are spelled in a unit file, so that the readers of the table get them back: one way
//! for each way of reading. `%` is doubled where specifiers are resolved.
use crate::command::format_command;
use crate::ini::LINE_MAX;
use crate::model::ExecCommand;
use crate::quote::quote_argument;
use crate::specifier;
use crate::value::{format_signal, format_timespan, signal_name};
use crate::words::WHITE_SPACE;

/// Length of a line in bytes from which a list goes on on a new one. Half of what is read at all:
/// a single word is shorter than the other half, since it was read.
const LIST_LINE_MAX: usize = LINE_MAX / 2;

/// A flag.
pub(crate) fn yes_no(on: bool) -> String {
    if on { "yes" } else { "no" }.to_owned()
}

/// A text that is read with its specifiers resolved.
pub(crate) fn text(value: &str) -> String {
    specifier::escape(value)
}

/// A time span in µs.
pub(crate) fn span(us: u64) -> String {
    format_timespan(us)
}

/// A time span in ns.
pub(crate) fn nanoseconds(ns: u64) -> String {
    match (ns / 1_000, ns % 1_000) {
        (_, _) if ns == u64::MAX => span(ns),
        (us, 0) => span(us),
        (0, ns) => format!("{ns}ns"),
        (us, ns) => format!("{} {ns}ns", span(us)),
    }
}

/// An access mode.
pub(crate) fn mode(mode: u64) -> String {
    format!("{mode:04o}")
}

/// A signal by name.
pub(crate) fn signal(number: i32) -> String {
    signal_name(number).map_or_else(|| format_signal(number), str::to_owned)
}

/// A size, or what else is `infinity` at its end.
pub(crate) fn or_infinity(number: u64, spelled: fn(u64) -> String) -> String {
    match number {
        u64::MAX => "infinity".to_owned(),
        number => spelled(number),
    }
}

/// A word that [`crate::words::Split::LIST`] takes off: in quotes where it needs them, with a
/// backslash before quotes and backslashes.
pub(crate) fn list_word(word: &str) -> String {
    list_word_as_is(&text(word))
}

/// The same where specifiers are not resolved.
pub(crate) fn list_word_as_is(word: &str) -> String {
    match needs_quotes(word) {
        false => word.to_owned(),
        true => protected(word),
    }
}

/// A name in a list that a `~` at its beginning would invert; specifiers are not resolved.
pub(crate) fn listed_name(name: &str) -> String {
    match name.starts_with('~') {
        true => protected(name),
        false => list_word_as_is(name),
    }
}

/// In quotes, of which the text can't end any.
pub(crate) fn protected(word: &str) -> String {
    let inner = word.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{inner}\"")
}

/// A word that [`crate::words::Split::UNQUOTED_LIST`] takes off.
pub(crate) fn unquoted_word(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in text(word).chars() {
        if c == '\\' || WHITE_SPACE.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// What `-` marks as something that may be missing, or fail.
pub(crate) fn marked(optional: bool, written: &str) -> String {
    format!("{}{written}", if optional { "-" } else { "" })
}

/// A field that [`crate::words::Split::FIELDS`] takes off.
pub(crate) fn field(value: &str) -> String {
    text(value).replace('\\', "\\\\").replace(':', "\\:")
}

/// The same where C escapes count, too.
pub(crate) fn escaped_field(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in text(value).chars() {
        match c {
            '\\' | ':' => out.extend(['\\', c]),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// A word that [`crate::words::Split::RAW_LIST`] takes off, in which backslashes are plain.
pub(crate) fn raw_word(word: &str) -> String {
    raw_word_as_is(text(word))
}

/// The same where specifiers are not resolved, or are doubled already.
pub(crate) fn raw_word_as_is(word: String) -> String {
    let quotes = |c: char| c == '"' || c == '\'' || WHITE_SPACE.contains(c);
    // At the end of a line, a backslash would join the next one.
    if !word.is_empty() && !word.contains(quotes) && !word.ends_with('\\') {
        return word;
    }
    format!("\"{}\"", word.replace('"', "\"'\"'\""))
}

/// A word that [`crate::words::Split::ARGUMENTS`] takes off, with C escapes.
pub(crate) fn argument(word: &str) -> String {
    quote_argument(&text(word))
}

/// A command line.
pub(crate) fn command(command: &ExecCommand) -> String {
    format_command(command, text)
}

fn needs_quotes(word: &str) -> bool {
    let special = |c: char| "\"'\\".contains(c) || WHITE_SPACE.contains(c);
    word.is_empty() || word.contains(special)
}

/// Words on one line; on several when they would be too long for one, and on none when there are
/// none.
pub(crate) fn joined<T: Into<String>>(words: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        let word = word.into();
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < LIST_LINE_MAX => {
                line.push(' ');
                line.push_str(&word);
            }
            Some(_) | None => lines.push(word),
        }
    }
    lines
}
