//! Texts for people and for shells: quoted where they need it.
use crate::utf8::is_character;

/// The two ways to quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// `"a b"`, as systemd prints lists.
    Double,
    /// `$'a b'`, which POSIX shells read.
    Shell,
}

impl Quoting {
    /// Characters that need a backslash between the quotes, beside the backslash itself.
    const fn special(self) -> &'static str {
        match self {
            Quoting::Double => "\"`$",
            Quoting::Shell => "'",
        }
    }
}

/// `text`, in quotes unless it is plain. The empty text is `""`.
pub fn quote(text: &str, quoting: Quoting) -> String {
    let needs = |c: char| " \t\n\r\"\\`$*?['()<>|&;!".contains(c) || is_control(c);
    if text.is_empty() {
        return "\"\"".into();
    }
    if !text.contains(needs) {
        return text.to_owned();
    }
    let inner = backslash(text, quoting.special());
    match quoting {
        Quoting::Double => format!("\"{inner}\""),
        Quoting::Shell => format!("$'{inner}'"),
    }
}

/// A command line that a shell, or a person, reads as these words.
pub fn quote_words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = words.into_iter().map(|word| quote(word, Quoting::Double));
    quoted.collect::<Vec<_>>().join(" ")
}

/// `text` as a word of a command line or of `Environment=`: in quotes, with C escapes, unless it
/// is plain.
pub fn quote_argument(text: &str) -> String {
    let needs = |c: char| " \t\n\r\"'\\".contains(c) || is_control(c);
    match text.is_empty() || text.contains(needs) {
        true => format!("\"{}\"", backslash(text, "\"")),
        false => text.to_owned(),
    }
}

/// `text` with a backslash before each of `special` and before backslashes; control characters
/// become C escapes.
pub fn backslash(text: &str, special: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if is_control(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    out.push_str(&format!("\\{byte:03o}"));
                }
            }
            c if c == '\\' || special.contains(c) => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Bytes that need not be text: all but printable ASCII become `\ooo`.
pub fn octal(bytes: &[u8]) -> String {
    let one = |&byte: &u8| match byte {
        b' '..=b'~' if byte != b'\\' && byte != b'"' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    };
    bytes.iter().map(one).collect()
}

/// What no terminal should be given.
fn is_control(c: char) -> bool {
    c.is_ascii_control() || !is_character(c)
}
