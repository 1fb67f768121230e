//! Command lines of the Exec* directives (systemd.service(5), COMMAND LINES).
use crate::model::{ExecCommand, Privileges};
use crate::value::{ValueError, simplify_path};
use crate::words::{Escapes, WordError, is_space, next_word};

/// The commands of one line. `resolve` puts specifiers in. An empty line gives none.
pub fn parse_commands(
    line: &str,
    mut resolve: impl FnMut(&str) -> Result<String, ValueError>,
) -> Result<Vec<ExecCommand>, ValueError> {
    let mut commands = Vec::new();
    let mut rest = line;
    loop {
        // Nothing between two semicolons, or before the first, is no command.
        if let Some(tail) = lone(rest, ";") {
            rest = tail;
            continue;
        }
        let Some(first) = next_word(&mut rest, Escapes::Strict).map_err(bad)? else {
            return Ok(commands);
        };
        let (mut command, own_name, word) = prefixes(&first);
        let path = resolve(word)?;
        check(&path)?;
        command.path = simplify_path(&path);
        if !own_name {
            command.argv.push(path);
        }
        while let Some(argument) = argument(&mut rest)? {
            command.argv.push(resolve(&argument)?);
        }
        if command.argv.first().is_none_or(String::is_empty) {
            return Err(ValueError(
                "'@' wants the name (argv[0]) after the path".into(),
            ));
        }
        commands.push(command);
    }
}

/// Takes the prefixes off the first word. Combinations that make no sense stay in the word, and
/// fail as a path.
fn prefixes(word: &str) -> (ExecCommand, bool, &str) {
    let mut command = ExecCommand {
        path: String::new(),
        argv: Vec::new(),
        ignore_failure: false,
        no_expand: false,
        privileges: Privileges::Unit,
    };
    let mut own_name = false;
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        match (c, command.privileges) {
            ('-', _) if !command.ignore_failure => command.ignore_failure = true,
            ('@', _) if !own_name => own_name = true,
            (':', _) if !command.no_expand => command.no_expand = true,
            ('+', Privileges::Unit) => command.privileges = Privileges::Full,
            ('!', Privileges::Unit) => command.privileges = Privileges::Elevated,
            ('!', Privileges::Elevated) => {
                command.privileges = Privileges::ElevatedWithoutAmbient;
            }
            _ => break,
        }
        rest = &rest[1..];
    }
    (command, own_name, rest)
}

fn check(path: &str) -> Result<(), ValueError> {
    let unsafe_char = |c: char| c.is_control() || matches!(c, '"' | '\'' | '\\');
    if path.is_empty() {
        Err(ValueError("no path to an executable".into()))
    } else if path.contains(unsafe_char) {
        Err(ValueError::not(
            path,
            "safe path: it holds a quote, backslash or control character",
        ))
    } else if path.ends_with('/') {
        Err(ValueError::not(path, "executable: it names a directory"))
    } else if !path.starts_with('/') && (path.contains('/') || path == "." || path == "..") {
        Err(ValueError::not(
            path,
            "executable: give an absolute path, or a name without '/'",
        ))
    } else if path.split('/').any(|part| part == "..") {
        Err(ValueError::not(path, "normalised path: it holds '..'"))
    } else {
        Ok(())
    }
}

/// The next argument; `None` at the end of the command, past a `;` that stands alone.
fn argument(rest: &mut &str) -> Result<Option<String>, ValueError> {
    if let Some(tail) = lone(rest, ";") {
        *rest = tail;
        return Ok(None);
    }
    if let Some(tail) = lone(rest, "\\;") {
        *rest = tail;
        return Ok(Some(";".into()));
    }
    next_word(rest, Escapes::Relaxed).map_err(bad)
}

/// What follows `word`, when it comes next and stands alone.
fn lone<'a>(rest: &'a str, word: &str) -> Option<&'a str> {
    let tail = rest.trim_start_matches(is_space).strip_prefix(word)?;
    (tail.is_empty() || tail.starts_with(is_space)).then_some(tail)
}

fn bad(err: WordError) -> ValueError {
    ValueError(format!("bad command line: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Vec<ExecCommand>, ValueError> {
        parse_commands(line, |word| Ok(word.to_owned()))
    }

    #[test]
    #[allow(clippy::type_complexity)] // a table reads best where it stands
    fn reads_command_lines() {
        let table: &[(&str, &[(&str, &[&str])])] = &[
            ("/a///b c///", &[("/a/b", &["/a///b", "c///"])]),
            ("@/a zero one", &[("/a", &["zero", "one"])]),
            ("", &[]),
            ("; /a ; ; /b", &[("/a", &["/a"]), ("/b", &["/b"])]),
            ("/a ; /b", &[("/a", &["/a"]), ("/b", &["/b"])]),
            ("/a ;; \\; x;", &[("/a", &["/a", ";;", ";", "x;"])]),
            (
                "/a \"x y\" 'z'q \\q \\x41",
                &[("/a", &["/a", "x y", "zq", "\\q", "A"])],
            ),
            ("sh -c 'a | b'", &[("sh", &["sh", "-c", "a | b"])]),
        ];
        for (line, expected) in table {
            let commands = parse(line).expect(line);
            let got: Vec<(&str, Vec<&str>)> = commands
                .iter()
                .map(|c| (c.path.as_str(), c.argv.iter().map(String::as_str).collect()))
                .collect();
            let expected: Vec<(&str, Vec<&str>)> =
                expected.iter().map(|(p, a)| (*p, a.to_vec())).collect();
            assert_eq!(got, expected, "{line}");
        }
    }

    #[test]
    fn reads_prefixes_in_any_order() {
        let all = parse("-@:!!/a zero").expect("legal");
        assert!(all[0].ignore_failure && all[0].no_expand);
        assert_eq!(all[0].privileges, Privileges::ElevatedWithoutAmbient);
        assert_eq!(all[0].argv, ["zero"]);
        for line in [
            "@/a", "++/a", "--/a", "+!/a", "/a/", "a/b", "/a \"x", "-", "\\q/a",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
