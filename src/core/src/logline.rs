//! The format of a unit's log file: one record per line, readable with any tool.
//!
//! `<µs since the epoch> <tag>[<level>][:<identifier>] <bytes>\n`, where the tag is
//! `o`/`e`: a whole line of stdout/stderr; `O`/`E`: a piece of a line that goes on in the next
//! record of that stream; `i`: an invocation begins, the bytes are `<invocation> <commit or ->`;
//! `-`: a remark of gitproc itself (lines dropped, …). Bytes are as the service wrote them (NUL and
//! invalid UTF-8 included), without the newline. The level is a digit of syslog(3), left out where it is
//! 6 (info). The identifier is `SyslogIdentifier=`, if the unit
//! has one, without white space and control characters ([`identifier`]).

use crate::log_policy::INFO;

/// Longest payload of one record, in bytes; a longer line is split.
pub const RECORD_MAX: usize = 48 * 1024;

/// Longest identifier, in bytes; what is more is cut off.
pub const IDENTIFIER_MAX: usize = 255;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Line of stdout; `partial` when it goes on.
    Stdout {
        /// The line goes on in the next record of the stream.
        partial: bool,
    },
    /// Line of stderr.
    Stderr {
        /// The line goes on in the next record of the stream.
        partial: bool,
    },
    /// An invocation begins.
    Invocation,
    /// gitproc's own remark.
    Remark,
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// µs since the epoch.
    pub time_us: u64,
    /// What it is.
    pub tag: Tag,
    /// 0 (emerg) to 7 (debug), syslog(3).
    pub level: u8,
    /// Under which name the service wants its lines to be shown, as [`identifier`] gives it.
    pub identifier: Option<&'a str>,
    /// As the service wrote it, without the newline.
    pub bytes: &'a [u8],
}

impl Tag {
    const fn letter(self) -> u8 {
        match self {
            Tag::Stdout { partial: false } => b'o',
            Tag::Stdout { partial: true } => b'O',
            Tag::Stderr { partial: false } => b'e',
            Tag::Stderr { partial: true } => b'E',
            Tag::Invocation => b'i',
            Tag::Remark => b'-',
        }
    }
}

/// `SyslogIdentifier=` as a record can carry it: white space and control characters are `_`.
pub fn identifier(text: &str) -> String {
    let plain = |c: char| match c.is_whitespace() || c.is_control() {
        true => '_',
        false => c,
    };
    let mut short = String::new();
    for c in text.chars().map(plain) {
        if short.len() + c.len_utf8() > IDENTIFIER_MAX {
            break;
        }
        short.push(c);
    }
    short
}

/// Appends a record to `out`. `bytes` must hold no newline.
pub fn encode(record: Record<'_>, out: &mut Vec<u8>) {
    debug_assert!(!record.bytes.contains(&b'\n'), "a record is one line");
    out.extend_from_slice(record.time_us.to_string().as_bytes());
    out.extend_from_slice(&[b' ', record.tag.letter()]);
    if record.level != INFO {
        out.push(b'0' + record.level.min(7));
    }
    if let Some(identifier) = record.identifier {
        out.push(b':');
        out.extend_from_slice(identifier.as_bytes());
    }
    out.push(b' ');
    out.extend_from_slice(record.bytes);
    out.push(b'\n');
}

/// What a record begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// µs since the epoch.
    pub time_us: u64,
    /// What it is.
    pub tag: Tag,
    /// 0 (emerg) to 7 (debug), syslog(3).
    pub level: u8,
}

/// The head of a line, of which only the beginning need be there, and what follows.
pub fn decode_head(line: &[u8]) -> Option<(Head, &[u8])> {
    let space = line.iter().position(|b| *b == b' ')?;
    let time_us = std::str::from_utf8(&line[..space]).ok()?.parse().ok()?;
    let (&letter, rest) = line[space + 1..].split_first()?;
    let tag = match letter {
        b'o' => Tag::Stdout { partial: false },
        b'O' => Tag::Stdout { partial: true },
        b'e' => Tag::Stderr { partial: false },
        b'E' => Tag::Stderr { partial: true },
        b'i' => Tag::Invocation,
        b'-' => Tag::Remark,
        _ => return None,
    };
    let (level, rest) = match rest.split_first() {
        Some((digit @ b'0'..=b'7', rest)) => (digit - b'0', rest),
        _ => (INFO, rest),
    };
    let head = Head {
        time_us,
        tag,
        level,
    };
    matches!(rest.first(), Some(b' ' | b':')).then_some((head, rest))
}

/// Reads a line (without its newline) back; `None` when it is no record (a torn write).
pub fn decode(line: &[u8]) -> Option<Record<'_>> {
    let (head, rest) = decode_head(line)?;
    let (identifier, bytes) = match rest.strip_prefix(b":") {
        None => (None, rest.strip_prefix(b" ")?),
        Some(rest) => {
            let space = rest.iter().position(|b| *b == b' ')?;
            let identifier = std::str::from_utf8(&rest[..space]).ok()?;
            (Some(identifier), &rest[space + 1..])
        }
    };
    Some(Record {
        time_us: head.time_us,
        tag: head.tag,
        level: head.level,
        identifier,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_went_in() {
        for (tag, level, identifier) in [
            (Tag::Stdout { partial: false }, INFO, None),
            (Tag::Stdout { partial: false }, 3, Some("web:1")),
            (Tag::Stderr { partial: true }, 7, Some("")),
            (Tag::Remark, 0, None),
        ] {
            let record = Record {
                time_us: 1_700_000_000_000_000,
                tag,
                level,
                identifier,
                bytes: b"a\0\xff b ",
            };
            let mut out = Vec::new();
            encode(record, &mut out);
            assert_eq!(out.pop(), Some(b'\n'));
            assert_eq!(decode(&out), Some(record));
        }
    }

    #[test]
    fn a_torn_line_is_no_record() {
        for torn in [
            &b""[..],
            b"17",
            b"17 ",
            b"17 o",
            b"17 o:",
            b"17 o:x",
            b"17 ox y",
            b"17 o8 y",
            b"17 o33 y",
            b"x o y",
            b"17 q y",
        ] {
            assert_eq!(decode(torn), None, "{torn:?}");
        }
    }

    #[test]
    fn identifiers_are_one_word_of_bounded_length() {
        assert_eq!(identifier("my app\t\u{1}"), "my_app__");
        let long = "ä".repeat(IDENTIFIER_MAX);
        assert_eq!(identifier(&long), "ä".repeat(IDENTIFIER_MAX / 2));
    }
}
