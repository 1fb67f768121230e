//! Environment files (systemd.exec(5), EnvironmentFile=), and others in their format, such as
//! os-release(5). It is no shell's.
use super::{is_name, is_value};
use crate::utf8::first_invalid;
use crate::words::is_space;
use std::collections::BTreeMap;

/// Why an environment file can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentFileError {
    /// A key or a value is not UTF-8.
    #[error("line {line}: the assignment is not valid UTF-8")]
    Utf8 {
        /// From 1.
        line: u32,
    },
    /// A NUL, which no variable can hold.
    #[error("line {line}: the file holds a NUL")]
    Nul {
        /// From 1.
        line: u32,
    },
}

/// Where the reader of an environment file stands.
///
/// `Key --'='--> Start --text--> Value --newline--> Key`; quotes lead back to `Start`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Line,
    Comment,
    CommentEscape,
    Key,
    Start,
    Value,
    ValueEscape,
    Single,
    Double,
    DoubleEscape,
}

/// The variables of an environment file (systemd.exec(5), not a shell's), in order. Lines whose
/// key is no variable's name are dropped, as systemd drops them.
pub fn parse_environment_file(text: &[u8]) -> Result<Vec<(String, String)>, EnvironmentFileError> {
    let mut found = read_assignments(text)?;
    found.retain(|(key, value)| is_name(key) && is_value(value));
    Ok(found)
}

/// All assignments of a file in the format of environment files, such as os-release(5), whatever
/// their keys. A later one of the same key takes the place of the first.
pub fn read_assignments(text: &[u8]) -> Result<Vec<(String, String)>, EnvironmentFileError> {
    let mut found = Assignments::default();
    let mut line = 1;
    let mut state = State::Line;
    let (mut key, mut value) = (Vec::new(), Vec::new());
    // Up to where the value counts: unquoted white space at its end does not.
    let mut kept = 0;
    for &c in text {
        if c == 0 {
            return Err(EnvironmentFileError::Nul { line });
        }
        let newline = matches!(c, b'\n' | b'\r');
        let space = newline || matches!(c, b' ' | b'\t');
        state = match state {
            State::Line if c == b'#' || c == b';' => State::Comment,
            State::Line if space => State::Line,
            State::Line => {
                key.clear();
                value.clear();
                kept = 0;
                key.push(c);
                State::Key
            }
            State::Key if newline => State::Line,
            State::Key if c == b'=' => State::Start,
            State::Key => {
                key.push(c);
                State::Key
            }
            State::Start | State::Value if newline => {
                found.assign(&key, &value[..kept], line)?;
                State::Line
            }
            State::Start if c == b'\'' => State::Single,
            State::Start if c == b'"' => State::Double,
            State::Start | State::Value if c == b'\\' => {
                // White space before it is no longer at the end.
                kept = value.len();
                State::ValueEscape
            }
            State::Start if space => State::Start,
            State::Start | State::Value => {
                value.push(c);
                if !space {
                    kept = value.len();
                }
                State::Value
            }
            State::ValueEscape => {
                if !newline {
                    value.push(c);
                }
                kept = value.len();
                State::Value
            }
            State::Single if c == b'\'' => State::Start,
            State::Double if c == b'"' => State::Start,
            State::Double if c == b'\\' => State::DoubleEscape,
            State::Single | State::Double => {
                value.push(c);
                kept = value.len();
                state
            }
            State::DoubleEscape => {
                match c {
                    b'"' | b'\\' | b'`' | b'$' => value.push(c),
                    b'\n' => {}
                    _ => value.extend([b'\\', c]),
                }
                kept = value.len();
                State::Double
            }
            State::Comment if c == b'\\' => State::CommentEscape,
            State::Comment if newline => State::Line,
            State::Comment | State::CommentEscape => State::Comment,
        };
        line += u32::from(c == b'\n');
    }
    match state {
        State::Line | State::Comment | State::CommentEscape | State::Key => {}
        State::Start
        | State::Value
        | State::ValueEscape
        | State::Single
        | State::Double
        | State::DoubleEscape => found.assign(&key, &value[..kept], line)?,
    }
    Ok(found.list)
}

/// What has been read so far, and where in it each key is.
#[derive(Default)]
struct Assignments {
    list: Vec<(String, String)>,
    places: BTreeMap<String, usize>,
}

impl Assignments {
    fn assign(&mut self, key: &[u8], value: &[u8], line: u32) -> Result<(), EnvironmentFileError> {
        let text = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).ok();
            let text = text.filter(|text| first_invalid(text).is_none());
            text.map(str::to_owned)
                .ok_or(EnvironmentFileError::Utf8 { line })
        };
        let (key, value) = (text(key)?, text(value)?);
        let key = key.trim_end_matches(is_space);
        match self.places.get(key) {
            Some(&place) => self.list[place].1 = value,
            None => {
                self.places.insert(key.to_owned(), self.list.len());
                self.list.push((key.to_owned(), value));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_as_systemd_does() {
        let table: &[(&str, &[&str])] = &[
            (
                "a=b\\\nc\nd= d\\\ne  \\\nf  \ng=g\\ \ni=i\\",
                &["a=bc", "d=de  f", "g=g ", "i=i"],
            ),
            ("# c\n\nM=\"x y\"\nN=1", &["M=x y", "N=1"]),
            ("a=\nb=", &["a=", "b="]),
            (
                "a=\\ \\n\nd= \" \\n\\$\\`\\\\\n\"   \n",
                &["a= n", "d= \\n$`\\\n"],
            ),
            ("export A=1\nA-B=1\nA=1 # c\nB = 1", &["A=1 # c", "B=1"]),
            ("a='x'y\"z\"", &["a=xy\"z\""]),
        ];
        for (text, expected) in table {
            let found = parse_environment_file(text.as_bytes()).expect("readable");
            let found: Vec<String> = found.iter().map(|(k, v)| format!("{k}={v}")).collect();
            assert_eq!(found, *expected, "{text:?}");
        }
        assert!(parse_environment_file(b"a=\xff").is_err());
        assert!(parse_environment_file(b"# \xff\na=1").is_ok());
    }
}
