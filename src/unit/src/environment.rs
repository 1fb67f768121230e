//! Variables: how command lines use them, and how environment files give them.
use crate::model::ExecCommand;
use crate::utf8::first_invalid;
use crate::words::{Split, is_space, words};
use std::collections::BTreeMap;

/// Longest assignment in bytes (`ARG_MAX` of Linux with the usual stack limit).
const ASSIGNMENT_MAX: usize = 2 << 20;

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

/// argv of `cmd` with the variables of `env` put in; a later variable of a name wins.
pub fn expand(cmd: &ExecCommand, env: &[(String, String)]) -> Vec<String> {
    if cmd.no_expand {
        return cmd.argv.clone();
    }
    let mut argv = Vec::with_capacity(cmd.argv.len());
    for word in &cmd.argv {
        match word.strip_prefix('$') {
            // A word of its own: split, and gone when empty.
            Some(name) if !name.starts_with(['$', '{']) => {
                let value = look_up(env, name).unwrap_or("");
                let split = words(value, &Split::VARIABLE);
                argv.extend(split.expect("this split takes everything"));
            }
            _ => argv.push(substitute(word, env)),
        }
    }
    argv
}

fn look_up<'a>(env: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = env.iter().rev().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// `${V}` and `$$` inside a word; everything else stands for itself.
fn substitute(word: &str, env: &[(String, String)]) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, tail)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(tail) = tail.strip_prefix('$') {
            out.push('$');
            rest = tail;
            continue;
        }
        let Some(inner) = tail.strip_prefix('{') else {
            out.push('$');
            rest = tail;
            continue;
        };
        // A colon before the brace closes makes it no variable: shell forms stay literal. So does
        // a brace that never closes, with all that follows.
        let end = inner.find(['}', ':']);
        match end.map(|end| (&inner[..end], &inner[end..])) {
            Some((name, tail)) if tail.starts_with('}') => {
                out.push_str(look_up(env, name).unwrap_or(""));
                rest = &tail[1..];
            }
            Some((name, tail)) => {
                out.push_str(&rest[before.len()..before.len() + 2 + name.len()]);
                rest = tail;
            }
            None => {
                out.push_str(&rest[before.len()..]);
                rest = "";
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether a variable may be called so.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= ASSIGNMENT_MAX - 2
}

/// Whether a variable may have this value. Control characters may stand in it.
pub fn is_value(value: &str) -> bool {
    first_invalid(value).is_none() && value.len() <= ASSIGNMENT_MAX - 3
}

/// Name and value of `NAME=value`; `None` unless both are sound.
pub fn assignment(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let sound = is_name(name) && is_value(value) && text.len() < ASSIGNMENT_MAX;
    sound.then_some((name, value))
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
    fn expands_words_as_systemd_does() {
        let env: Vec<(String, String)> = [
            ("FOO", "BAR BAR"),
            ("BAR", "waldo"),
            ("EMPTY", ""),
            ("Q", "a \"b c\" d"),
            ("D", "$BAR"),
        ]
        .map(|(k, v)| (k.into(), v.into()))
        .into();
        let table: &[(&str, &[&str])] = &[
            ("FOO$FOO", &["FOO$FOO"]),
            ("FOO${FOO}$FOO", &["FOOBAR BAR$FOO"]),
            ("${FOO}", &["BAR BAR"]),
            ("$FOO", &["BAR", "BAR"]),
            ("$FOO$FOO", &[]),
            ("${FOO}${BAR}", &["BAR BARwaldo"]),
            ("${FOO", &["${FOO"]),
            ("FOO$$${FOO}", &["FOO$BAR BAR"]),
            ("$$FOO${FOO}", &["$FOOBAR BAR"]),
            ("${FOO:+|${BAR}|}}", &["${FOO:+|waldo|}}"]),
            ("$EMPTY", &[]),
            ("${UNSET}", &[""]),
            ("$Q", &["a", "b c", "d"]),
            ("$D", &["$BAR"]),
            ("$FOO-x", &[]),
            ("${FOO:-d}", &["${FOO:-d}"]),
            ("\"$FOO\"", &["\"$FOO\""]),
        ];
        for (word, expected) in table {
            let cmd = ExecCommand {
                path: "/x".into(),
                argv: vec![word.to_string()],
                ignore_failure: false,
                no_expand: false,
                privileges: Default::default(),
            };
            assert_eq!(expand(&cmd, &env), *expected, "{word}");
        }
    }

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
