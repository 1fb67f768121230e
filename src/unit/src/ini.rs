//! Sections and keys of a unit file, with the line of each, as systemd's reader takes them.
//!
//! A pre-pass turns the text into plain `[section]` and `key=value` lines (byte order mark, CR,
//! comments, continuations) and remembers where each came from; rust-ini reads the rest. Left to
//! itself rust-ini joins what systemd keeps apart, and gives no line numbers.
use crate::diagnostic::{Diagnostic, Severity};
use ini::{Ini, ParseOption};

/// Longest logical line in bytes, as in systemd (`LONG_LINE_MAX`).
pub const LINE_MAX: usize = 1 << 20;

/// One `[section]` header and what stands under it; repeated headers make repeated sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Between the brackets.
    pub name: String,
    /// Line of the header, from 1.
    pub line: u32,
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Left of the first `=`, trimmed.
    pub key: String,
    /// Right of it, trimmed, continuation lines joined with a space.
    pub value: String,
    /// Line on which it begins, from 1.
    pub line: u32,
}

/// Reads `text`. What can't be read is left out and named in the diagnostics.
pub fn parse_ini(file: &str, text: &str) -> (Vec<Section>, Vec<Diagnostic>) {
    let mut plain = Plain::default();
    plain.read(file, text);
    let option = ParseOption {
        enabled_quote: false,
        enabled_escape: false,
        ..ParseOption::default()
    };
    let sections = match Ini::load_from_str_opt(&plain.text, option) {
        Ok(parsed) => number(&parsed, &plain),
        Err(err) => {
            plain.error(file, 0, format!("can't be read: {}", err.msg), None);
            Vec::new()
        }
    };
    (sections, plain.diagnostics)
}

/// Puts line numbers back: each header is given a name of its own (`3 Service`) by the pre-pass,
/// so that sections stay apart, and their keys are in order.
fn number(parsed: &Ini, plain: &Plain) -> Vec<Section> {
    let mut sections: Vec<Section> = plain
        .headers
        .iter()
        .map(|(name, line, _)| Section {
            name: name.clone(),
            line: *line,
            entries: Vec::new(),
        })
        .collect();
    for (index, section) in sections.iter_mut().enumerate() {
        let lines = &plain.headers[index].2;
        let Some(properties) = parsed.section(Some(index.to_string())) else {
            continue;
        };
        // The pre-pass prefixes each key with its number too: rust-ini groups equal keys.
        for (key, value) in properties.iter() {
            let Some((number, key)) = key.split_once(' ') else {
                continue;
            };
            let line = number.parse().ok().and_then(|n: usize| lines.get(n));
            section.entries.push(Entry {
                key: key.to_owned(),
                value: value.strip_suffix('|').unwrap_or(value).to_owned(),
                line: line.copied().unwrap_or(0),
            });
        }
        section.entries.sort_by_key(|entry| entry.line);
    }
    sections
}

/// The pre-pass and what it knows.
#[derive(Default)]
struct Plain {
    /// What rust-ini is given.
    text: String,
    /// Name and line of each header, and the line of each key under it.
    headers: Vec<(String, u32, Vec<u32>)>,
    diagnostics: Vec<Diagnostic>,
}

impl Plain {
    fn read(&mut self, file: &str, text: &str) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut pending: Option<(u32, String)> = None;
        for (number, raw) in (1u32..).zip(text.split('\n')) {
            let line = raw.strip_suffix('\r').unwrap_or(raw);
            if line.trim_start().starts_with(['#', ';']) {
                continue;
            }
            let (start, mut logical) = pending.take().unwrap_or((number, String::new()));
            if logical.len() + line.len() > LINE_MAX {
                self.error(file, start, "line is longer than 1 MiB".into(), None);
                continue;
            }
            logical.push_str(line);
            let trailing = logical.bytes().rev().take_while(|&b| b == b'\\').count();
            if trailing % 2 == 1 {
                logical.pop();
                logical.push(' ');
                pending = Some((start, logical));
            } else {
                self.line(file, start, logical.trim());
            }
        }
        if let Some((start, logical)) = pending {
            self.line(file, start, logical.trim());
        }
    }

    fn line(&mut self, file: &str, number: u32, line: &str) {
        if line.is_empty() {
            return;
        }
        if let Some(rest) = line.strip_prefix('[') {
            return match rest.strip_suffix(']') {
                Some(name) if !name.is_empty() && !name.contains(['[', ']']) => {
                    self.text.push_str(&format!("[{}]\n", self.headers.len()));
                    self.headers.push((name.to_owned(), number, Vec::new()));
                }
                _ => self.error(
                    file,
                    number,
                    format!("bad section header '{}'", crate::text::excerpt(line)),
                    Some("a header stands alone on its line, like [Service]"),
                ),
            };
        }
        let Some((key, value)) = line.split_once('=') else {
            return self.error(
                file,
                number,
                format!("'{}' is no assignment", crate::text::excerpt(line)),
                Some("write Key=value; a value goes on after a line that ends in \\"),
            );
        };
        let (key, value) = (key.trim(), value.trim());
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if key.is_empty() || !key.bytes().all(legal) {
            let key = crate::text::excerpt(key);
            return self.error(file, number, format!("'{key}' is no key"), None);
        }
        // A bare CR or NUL would end the line for rust-ini and not for systemd.
        if value.contains(['\r', '\0']) {
            return self.error(file, number, format!("{key}= holds a CR or NUL"), None);
        }
        let Some((_, _, lines)) = self.headers.last_mut() else {
            return self.error(
                file,
                number,
                format!("{key}= stands before any section"),
                Some("begin with [Unit] or [Service]"),
            );
        };
        // The bar keeps rust-ini from reading on after a value that ends in a backslash.
        self.text
            .push_str(&format!("{} {key}={value}|\n", lines.len()));
        lines.push(number);
    }

    fn error(&mut self, file: &str, line: u32, message: String, hint: Option<&str>) {
        self.diagnostics.push(Diagnostic {
            file: file.to_owned(),
            line,
            severity: Severity::Error,
            message,
            hint: hint.map(str::to_owned),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = Vec<(String, u32, Vec<(String, String, u32)>)>;

    fn pairs(text: &str) -> Pairs {
        let (sections, diagnostics) = parse_ini("x", text);
        assert_eq!(diagnostics, [], "{text:?}");
        sections
            .into_iter()
            .map(|s| {
                let entries = s.entries.into_iter().map(|e| (e.key, e.value, e.line));
                (s.name, s.line, entries.collect())
            })
            .collect()
    }

    fn entry(key: &str, value: &str, line: u32) -> (String, String, u32) {
        (key.into(), value.into(), line)
    }

    #[test]
    fn reads_what_systemd_reads() {
        let text = "\u{feff}[A]\r\nx=1\r\n# c\r\nx=2 # kept\r\n[B]\ny=a \\\n# inside\n; too\n  b\\\n\nz=\n[A]\nx=\"q\\n\"\n";
        assert_eq!(
            pairs(text),
            [
                (
                    "A".into(),
                    1,
                    vec![entry("x", "1", 2), entry("x", "2 # kept", 4)]
                ),
                (
                    "B".into(),
                    5,
                    vec![entry("y", "a    b", 6), entry("z", "", 11)]
                ),
                ("A".into(), 12, vec![entry("x", "\"q\\n\"", 13)]),
            ]
        );
    }

    #[test]
    fn a_backslash_before_white_space_ends_the_line() {
        // Not its last character, so the line does not go on; then white space is trimmed.
        assert_eq!(
            pairs("[A]\nx=1\\ \ny=2\n"),
            [(
                "A".into(),
                1,
                vec![entry("x", "1\\", 2), entry("y", "2", 3)]
            )]
        );
    }

    #[test]
    fn optional_features_of_rust_ini_are_off() {
        // Feature unification could turn them on from anywhere in the workspace.
        let inline = pairs("[S]\na=b ; c # d\n");
        assert_eq!(
            inline[0].2[0].1, "b ; c # d",
            "feature inline-comment is on"
        );
        let case = pairs("[S]\na=1\nA=2\n");
        assert_eq!(case[0].2.len(), 2, "feature case-insensitive is on");
        assert_eq!(case[0].2[1].0, "A", "feature case-insensitive is on");
    }

    #[test]
    fn names_what_it_cant_read() {
        for (text, message) in [
            (
                "[A\nx=1\n",
                "x:1: bad section header '[A' (a header stands alone on its line, like [Service])",
            ),
            (
                "x=1\n",
                "x:1: x= stands before any section (begin with [Unit] or [Service])",
            ),
            (
                "[A]\nfoo: bar\n",
                "x:2: 'foo: bar' is no assignment (write Key=value; a value goes on after a line that ends in \\)",
            ),
            ("[A]\nfo o=bar\n", "x:2: 'fo o' is no key"),
        ] {
            let (_, diagnostics) = parse_ini("x", text);
            assert_eq!(diagnostics[0].to_string(), message);
        }
    }
}
