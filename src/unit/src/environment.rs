//! Variables: what they may be called, and how command lines use them. Files of them: `file`.
mod file;

use crate::model::ExecCommand;
use crate::utf8::first_invalid;
use crate::words::{Split, words};
pub use file::{EnvironmentFileError, parse_environment_file, read_assignments};

/// Longest assignment in bytes (`ARG_MAX` of Linux with the usual stack limit).
const ASSIGNMENT_MAX: usize = 2 << 20;

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
}
