//! Sections and keys of a unit file, with the place of each, as systemd's reader takes them.
//!
//! A pre-pass finds the logical lines (byte order mark, line ends, comments, continuations), checks
//! them and remembers where each came from; rust-ini reads the rest. Left to itself rust-ini joins
//! what systemd keeps apart, trims more than systemd does, and gives no places.
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::draft::FINDINGS_MAX;
use crate::text::excerpt;
use crate::utf8::{first_invalid, is_character};
use crate::words::is_space;
use ini::{Ini, ParseOption};

/// Longest line in bytes, and longest line with its continuations, as in systemd
/// (`LONG_LINE_MAX`).
pub const LINE_MAX: usize = 1 << 20;

/// One `[section]` header and what stands under it; repeated headers make repeated sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Between the brackets.
    pub name: String,
    /// Line of the header, from 1.
    pub line: u32,
    /// Where its bracket stands on that line, in characters, from 1.
    pub column: u32,
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// One assignment. Columns count characters, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Left of the first `=`, trimmed.
    pub key: String,
    /// Right of it, trimmed, continuation lines joined with a space.
    pub value: String,
    /// Line on which it begins, from 1.
    pub line: u32,
    /// Where the key begins on that line.
    pub key_column: u32,
    /// Line on which the value begins: a later one when the key's line goes on before it.
    pub value_line: u32,
    /// Where the value begins on its line; for an empty one, what follows the `=`.
    pub value_column: u32,
}

/// Reads `text`. What can't be read is left out and named in the diagnostics.
pub fn parse_ini(file: &str, text: &str) -> (Vec<Section>, Vec<Diagnostic>) {
    let mut plain = Plain::new(file);
    plain.read(text);
    let option = ParseOption {
        enabled_quote: false,
        enabled_escape: false,
        ..ParseOption::default()
    };
    match Ini::load_from_str_opt(&plain.text, option) {
        Ok(parsed) => plain.fill(&parsed),
        Err(err) => plain.error(0, format!("can't be read: {}", err.msg), None),
    }
    (plain.sections, plain.diagnostics)
}

/// The pre-pass and what it knows.
struct Plain<'a> {
    file: &'a str,
    /// What rust-ini is given: a header `[2]` for the third section, and `5=|value|` for its sixth
    /// key. The numbers keep apart what is called the same, the bars keep white space from being
    /// trimmed.
    text: String,
    /// Without values yet.
    sections: Vec<Section>,
    /// After a header that can't be read nobody knows where assignments belong: none are taken.
    lost: bool,
    diagnostics: Vec<Diagnostic>,
}

/// A line with its continuations, and where its pieces came from.
struct Logical {
    text: String,
    /// Offset in `text`, line and column of each piece.
    pieces: Vec<(usize, u32, u32)>,
}

impl Logical {
    /// Line and column of an offset.
    fn place(&self, offset: usize) -> (u32, u32) {
        let piece = self.pieces.iter().rev().find(|piece| piece.0 <= offset);
        let (start, line, column) = piece.copied().unwrap_or((0, 0, 1));
        let before = self.text[start..offset].chars().count();
        (line, column.saturating_add(before as u32))
    }
}

impl<'a> Plain<'a> {
    fn new(file: &'a str) -> Plain<'a> {
        Plain {
            file,
            text: String::new(),
            sections: Vec::new(),
            lost: false,
            diagnostics: Vec::new(),
        }
    }

    fn read(&mut self, text: &str) {
        let mut pending: Option<Logical> = None;
        let mut mark_seen = false;
        for (number, raw) in (1u32..).zip(lines(text)) {
            // Its own mark aside, a line that begins so is a comment wherever it stands.
            let line = match raw.strip_prefix('\u{feff}').filter(|_| !mark_seen) {
                Some(rest) => {
                    mark_seen = true;
                    rest
                }
                None => raw,
            };
            if line.trim_start_matches(is_space).starts_with(['#', ';']) {
                continue;
            }
            if let Some(place) = first_invalid(line) {
                self.invalid(number, line, place);
                pending = None;
                continue;
            }
            let mut logical = pending.take().unwrap_or(Logical {
                text: String::new(),
                pieces: Vec::new(),
            });
            if line.len() >= LINE_MAX || logical.text.len() + line.len() > LINE_MAX {
                // systemd reads no further either.
                return self.error(number, "line is longer than 1 MiB".into(), None);
            }
            logical.pieces.push((logical.text.len(), number, 1));
            logical.text.push_str(line);
            let backslashes = logical.text.bytes().rev().take_while(|&b| b == b'\\');
            if backslashes.count() % 2 == 1 {
                logical.text.pop();
                logical.text.push(' ');
                pending = Some(logical);
            } else {
                self.line(&logical);
            }
        }
        if let Some(logical) = pending {
            self.line(&logical);
        }
    }

    fn line(&mut self, logical: &Logical) {
        let line = logical.text.trim_matches(is_space);
        let indent = logical.text.len() - logical.text.trim_start_matches(is_space).len();
        if line.is_empty() {
            return;
        }
        if let Some(rest) = line.strip_prefix('[') {
            return self.header(logical.place(indent), line, rest.strip_suffix(']'));
        }
        if self.lost {
            return;
        }
        let (number, key_column) = logical.place(indent);
        let Some((key, value)) = line.split_once('=') else {
            return self.error(
                number,
                format!("'{}' is no assignment", excerpt(line)),
                Some("write Key=value; a value goes on after a line that ends in \\"),
            );
        };
        let after = indent + key.len() + 1;
        let (key, trimmed) = (
            key.trim_end_matches(is_space),
            value.trim_start_matches(is_space),
        );
        if key.is_empty() {
            return self.error(number, "no key stands before the '='".into(), None);
        }
        let Some(section) = self.sections.last_mut() else {
            return self.error(
                number,
                format!("{}= stands before any section", excerpt(key)),
                Some("begin with [Unit] or [Service]"),
            );
        };
        // Sections of others can hold what they like.
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !section.name.starts_with("X-") && !key.chars().all(legal) {
            let message = format!("'{}' is no key", excerpt(key));
            return self.error(number, message, None);
        }
        let start = match trimmed.is_empty() {
            true => after,
            false => after + value.len() - trimmed.len(),
        };
        let (value_line, value_column) = logical.place(start);
        self.text
            .push_str(&format!("{}=|{trimmed}|\n", section.entries.len()));
        section.entries.push(Entry {
            key: key.to_owned(),
            value: String::new(),
            line: number,
            key_column,
            value_line,
            value_column,
        });
    }

    fn header(&mut self, (line, column): (u32, u32), text: &str, name: Option<&str>) {
        let unsafe_char = |c: char| c.is_ascii_control() || "[]\"'\\".contains(c);
        let name = name.filter(|name| !name.is_empty() && !name.contains(unsafe_char));
        self.lost = name.is_none();
        let Some(name) = name else {
            return self.error(
                line,
                format!("bad section header '{}'", excerpt(text)),
                Some("a header stands alone on its line, like [Service]"),
            );
        };
        self.text.push_str(&format!("[{}]\n", self.sections.len()));
        self.sections.push(Section {
            name: name.to_owned(),
            line,
            column,
            entries: Vec::new(),
        });
    }

    /// Takes the values from what rust-ini read.
    fn fill(&mut self, parsed: &Ini) {
        for (index, section) in self.sections.iter_mut().enumerate() {
            let Some(properties) = parsed.section(Some(index.to_string())) else {
                continue;
            };
            for (number, value) in properties.iter() {
                let entry = number.parse().ok();
                let entry = entry.and_then(|number: usize| section.entries.get_mut(number));
                let value = value.strip_prefix('|').and_then(|v| v.strip_suffix('|'));
                if let (Some(entry), Some(value)) = (entry, value) {
                    value.clone_into(&mut entry.value);
                }
            }
        }
    }

    fn invalid(&mut self, number: u32, line: &str, (offset, c): (usize, char)) {
        let column = line[..offset].chars().count() + 1;
        let what = match is_character(c) {
            true => "a NUL".to_owned(),
            false => format!("U+{:04X}, which is no character", u32::from(c)),
        };
        self.error(number, format!("column {column} holds {what}"), None);
    }

    fn error(&mut self, line: u32, message: String, hint: Option<&str>) {
        // One more than are kept: that there are too many is said where they are.
        if self.diagnostics.len() > FINDINGS_MAX {
            return;
        }
        self.diagnostics.push(Diagnostic {
            file: self.file.to_owned(),
            line,
            column: 0,
            severity: Severity::Error,
            code: match line {
                0 => Code::Unreadable,
                _ => Code::Syntax,
            },
            message,
            hint: hint.map(str::to_owned),
        });
    }
}

/// The physical lines. A line ends at LF, at CR, or at both in any order.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let (line, tail) = text.split_at(end);
        let both = tail.starts_with("\r\n") || tail.starts_with("\n\r");
        rest = Some(&tail[if both { 2 } else { 1 }..]);
        Some(line)
    })
}

#[cfg(test)]
mod tests;
