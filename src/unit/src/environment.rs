//! Variables: how command lines use them, and how environment files give them.
use crate::model::ExecCommand;
use crate::words::{Escapes, words};

/// Why an environment file can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentFileError {
    /// A key or a value is not UTF-8.
    #[error("line {line}: the assignment is not valid UTF-8")]
    Utf8 {
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
            Some(name) if !name.starts_with(['$', '{']) && !name.is_empty() => {
                let value = look_up(env, name).unwrap_or("");
                argv.extend(words(value, Escapes::Plain).unwrap_or_default());
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
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('$') {
            out.push('$');
            rest = tail;
            continue;
        }
        // A colon before the brace closes makes it no variable: shell forms stay literal.
        let name = rest.strip_prefix('{').and_then(|tail| {
            let end = tail.find(['}', ':'])?;
            (tail.as_bytes()[end] == b'}').then_some(&tail[..end])
        });
        match name {
            Some(name) => {
                out.push_str(look_up(env, name).unwrap_or(""));
                rest = &rest[name.len() + 2..];
            }
            None => out.push('$'),
        }
    }
    out.push_str(rest);
    out
}

/// Whether a variable may be called so.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
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

/// The assignments of an environment file (systemd.exec(5), not a shell's), in order. Lines whose
/// key is no variable's name are dropped, as systemd drops them.
pub fn parse_environment_file(text: &[u8]) -> Result<Vec<(String, String)>, EnvironmentFileError> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut state = State::Line;
    let (mut key, mut value) = (Vec::new(), Vec::new());
    // Up to where the value counts: unquoted white space at its end does not.
    let mut kept = 0;
    for &c in text {
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
                assign(&mut found, &key, &value[..kept], line)?;
                State::Line
            }
            State::Start if c == b'\'' => State::Single,
            State::Start if c == b'"' => State::Double,
            State::Start | State::Value if c == b'\\' => State::ValueEscape,
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
        | State::DoubleEscape => assign(&mut found, &key, &value[..kept], line)?,
    }
    Ok(found)
}

fn assign(
    found: &mut Vec<(String, String)>,
    key: &[u8],
    value: &[u8],
    line: u32,
) -> Result<(), EnvironmentFileError> {
    let text = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map(str::to_owned);
        text.map_err(|_| EnvironmentFileError::Utf8 { line })
    };
    let (key, value) = (text(key)?, text(value)?);
    // U+FFFE is where systemd draws its line for UTF-8, too.
    if value.contains('\u{fffe}') {
        return Err(EnvironmentFileError::Utf8 { line });
    }
    let key = key.trim();
    if is_name(key) {
        found.retain(|(known, _)| known != key);
        found.push((key.to_owned(), value));
    }
    Ok(())
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
