//! Command lines of the Exec* directives (systemd.service(5), COMMAND LINES).
use crate::model::{ExecCommand, Privileges};
use crate::quote::quote_argument;
use crate::value::{ValueError, is_filename, is_valid_path, simplify_path};
use crate::words::{Split, WordError, Words};

/// Why a command line can't be taken, and what systemd would make of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct CommandLineError {
    /// What is wrong.
    #[source]
    pub error: ValueError,
    /// Whether systemd refuses the whole unit; else it warns, and goes on with `kept`.
    pub fatal: bool,
    /// The commands before the bad one.
    pub kept: Vec<ExecCommand>,
}

impl From<CommandLineError> for ValueError {
    fn from(error: CommandLineError) -> ValueError {
        error.error
    }
}

/// The commands of one line. `resolve` puts specifiers in. An empty line gives none.
pub fn parse_commands(
    line: &str,
    mut resolve: impl FnMut(&str) -> Result<String, ValueError>,
) -> Result<Vec<ExecCommand>, CommandLineError> {
    let mut commands = Vec::new();
    let mut words = Words::new(line);
    loop {
        let first = match words.take_lenient(&Split::ARGUMENTS) {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(commands),
            // Before it knows the path, systemd takes this for no command at all.
            Err(error) => return Err(failed(bad(error), false, commands)),
        };
        // Nothing between two semicolons, or before the first, is no command.
        if first == ";" {
            continue;
        }
        let (mut command, own_name, word) = prefixes(&first);
        let fatal = !command.ignore_failure;
        match arguments(&mut command, own_name, word, &mut words, &mut resolve) {
            Ok(More::Yes) => commands.push(command),
            Ok(More::No) => {
                commands.push(command);
                return Ok(commands);
            }
            Err(error) => return Err(failed(error, fatal, commands)),
        }
    }
}

/// Whether a backslash stands before something that it does not go with.
pub(crate) fn has_unknown_escape(line: &str) -> bool {
    if !line.contains('\\') {
        return false;
    }
    let mut words = Words::new(line);
    loop {
        if words.skip_lone("\\;") {
            continue;
        }
        match words.take(&Split::ARGUMENTS) {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(error) => return error == WordError::Escape,
        }
    }
}

/// The command as one line. `escape` puts back what `resolve` takes out of each word.
pub fn format_command(command: &ExecCommand, escape: impl Fn(&str) -> String) -> String {
    let word = |text: &str| quote_argument(&escape(text));
    let name = command.argv.first().map_or("", String::as_str);
    // The path as it was given is the name of the program, too; an '@' that begins the path was
    // no prefix only because one went before it.
    let same = simplify_path(name) == command.path && check(name).is_ok();
    let own_name = !same || name.starts_with('@');
    let mut first = String::new();
    first.push_str(if command.ignore_failure { "-" } else { "" });
    first.push_str(if own_name { "@" } else { "" });
    first.push_str(if command.no_expand { ":" } else { "" });
    first.push_str(match command.privileges {
        Privileges::Unit => "",
        Privileges::Full => "+",
        Privileges::Elevated => "!",
        Privileges::ElevatedWithoutAmbient => "!!",
    });
    first.push_str(if own_name { &command.path } else { name });
    let rest = command.argv.iter().skip(usize::from(!own_name));
    let rest = rest.map(|argument| match argument.as_str() {
        // Alone it would end the command.
        ";" => "\\;".to_owned(),
        argument => word(argument),
    });
    let words: Vec<String> = std::iter::once(word(&first)).chain(rest).collect();
    words.join(" ")
}

/// Whether a semicolon said that another command follows.
enum More {
    Yes,
    No,
}

fn arguments(
    command: &mut ExecCommand,
    own_name: bool,
    word: &str,
    words: &mut Words<'_>,
    resolve: &mut impl FnMut(&str) -> Result<String, ValueError>,
) -> Result<More, ValueError> {
    let path = resolve(word)?;
    check(&path)?;
    command.path = simplify_path(&path);
    if !own_name {
        command.argv.push(path);
    }
    let more = loop {
        if words.skip_lone(";") {
            break More::Yes;
        }
        if words.skip_lone("\\;") {
            command.argv.push(";".into());
            continue;
        }
        match words.take_lenient(&Split::ARGUMENTS).map_err(bad)? {
            Some(argument) => command.argv.push(resolve(&argument)?),
            None => break More::No,
        }
    };
    match command.argv.is_empty() {
        true => Err(ValueError(
            "'@' wants the name (argv[0]) after the path".into(),
        )),
        false => Ok(more),
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
    let unsafe_char = |c: char| c.is_ascii_control() || matches!(c, '"' | '\'' | '\\');
    if path.is_empty() {
        Err(ValueError("no path to an executable".into()))
    } else if path.contains(unsafe_char) {
        Err(ValueError::not(
            path,
            "safe path: it holds a quote, backslash or control character",
        ))
    } else if path.ends_with('/') {
        Err(ValueError::not(path, "executable: it names a directory"))
    } else if path.starts_with('/') && !is_valid_path(path) {
        Err(ValueError::not(path, "executable: it is too long"))
    } else if !path.starts_with('/') && !is_filename(path) {
        Err(ValueError::not(
            path,
            "executable: give an absolute path, or a name without '/'",
        ))
    } else {
        Ok(())
    }
}

fn failed(error: ValueError, fatal: bool, kept: Vec<ExecCommand>) -> CommandLineError {
    CommandLineError { error, fatal, kept }
}

fn bad(err: WordError) -> ValueError {
    ValueError(format!("bad command line: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Vec<ExecCommand>, CommandLineError> {
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
