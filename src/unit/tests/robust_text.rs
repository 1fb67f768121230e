//! Words, command lines, names, specifiers and environment files: no input makes them panic, and
//! what is written is what is read back.
use gitproc_unit::command::parse_commands;
use gitproc_unit::environment::{assignment, read_assignments};
use gitproc_unit::escape::{escape, path_escape, path_unescape, unescape};
use gitproc_unit::name::{Globs, UNIT_NAME_MAX, alias, mangle, slice};
use gitproc_unit::quote::{Quoting, backslash, octal, quote};
use gitproc_unit::specifier::{self, resolve, resolve_name};
use gitproc_unit::utf8::is_character;
use gitproc_unit::value::{
    absolute_path, below, directory_of, filename_of, is_normalized_path, make_relative,
    simplify_path,
};
use gitproc_unit::words::{Escapes, Quotes, Split, Words, words};
use gitproc_unit::{
    ExecCommand, HostFacts, UnitKind, UnitName, c_escape, expand, parse_environment_file, parse_ini,
};
use proptest::prelude::*;

/// Text in which the characters that mean something are frequent.
fn dense() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab \t\"'\\\\;:$%{}=#x0-9@+!|/.ü-]{0,24}",
        "\\PC{0,16}",
        "(%[a-zA-Z%!]|\\$\\{?[A-Z]{1,2}\\}?|\\\\[a-zA-Z0-9]{1,4}|[ ab]){0,12}",
    ]
}

fn split() -> impl Strategy<Value = Split<'static>> {
    let quotes = prop::sample::select(vec![Quotes::Plain, Quotes::Remove, Quotes::Keep]);
    let escapes = prop::sample::select(vec![
        Escapes::Plain,
        Escapes::Drop,
        Escapes::C,
        Escapes::Separators,
        Escapes::CAndSeparators,
    ]);
    let separators = prop::sample::select(vec![" \t\n\r", ":", ": \t\n\r", "=\", "]);
    (separators, quotes, escapes, any::<[bool; 4]>()).prop_map(
        |(separators, quotes, escapes, flags)| {
            let [lenient, open_end, empty_fields, keep_separator] = flags;
            Split {
                separators,
                quotes,
                escapes,
                lenient,
                open_end,
                empty_fields,
                // Fields whose separator stays would be empty without end.
                keep_separator: keep_separator && !empty_fields,
            }
        },
    )
}

fn path() -> impl Strategy<Value = String> {
    "/{0,2}([a-z.]{1,3}/{1,2}|\\.\\./|\\./|é/){0,5}[a-z.-]{0,3}"
}

/// Arbitrary text that systemd takes for text.
fn sound() -> impl Strategy<Value = String> {
    let sound = |c: &char| *c != '\0' && is_character(*c);
    "[^\0]{0,24}".prop_map(move |text| text.chars().filter(sound).collect())
}

fn unit() -> UnitName {
    UnitName::parse(r"ab-c@d-e\x2df.service").expect("a name")
}

proptest! {
    #[test]
    fn every_text_is_taken_apart_in_the_end(text in dense(), split in split()) {
        let mut left = Words::new(&text);
        // An error leaves off where it is, and reading may go on from there.
        for _ in 0..=2 * text.len() + 2 {
            let before = left.offset();
            match left.take_lenient(&split) {
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => prop_assert!(left.offset() >= before),
            }
        }
        let _ = left.rest();
    }

    #[test]
    fn quoted_words_are_read_back(list in prop::collection::vec(sound(), 0..6)) {
        // In a unit file a dollar and a backtick are not escaped by a backslash.
        let sound: Vec<String> = list.iter().map(|word| word.replace(['$', '`'], "")).collect();
        let line: Vec<String> = sound.iter().map(|word| quote(word, Quoting::Double)).collect();
        prop_assert_eq!(words(&line.join(" "), &Split::ARGUMENTS), Ok(sound));
    }

    #[test]
    fn escapes_of_c_are_undone(text in sound(), bytes in prop::collection::vec(any::<u8>(), 0..24)) {
        let escaped = backslash(&text, "\"'");
        prop_assert_eq!(c_escape::unescape(&escaped, false, false), Ok(text.into_bytes()));
        prop_assert_eq!(c_escape::unescape(&octal(&bytes), false, true), Ok(bytes));
    }

    #[test]
    fn command_lines_never_panic(line in dense()) {
        let facts = HostFacts::example();
        let variables = [("A".to_owned(), line.clone()), ("AB".to_owned(), "x \"y".to_owned())];
        let commands = match parse_commands(&line, |word| resolve(word, &unit(), &facts)) {
            Ok(commands) => commands,
            Err(error) => error.kept,
        };
        for command in commands {
            prop_assert!(!command.path.is_empty() && !command.argv.is_empty());
            expand(&command, &variables);
        }
    }

    #[test]
    fn plain_command_lines_are_read_back(path in "/[a-z]{1,8}", list in prop::collection::vec("[a-z ;#|é\"'\\\\-]{0,8}", 0..5)) {
        let arguments: Vec<String> = list.iter().map(|word| quote(word, Quoting::Double)).collect();
        // Quoted, a semicolon is an argument.
        let line = format!("{path} {}", arguments.join(" "));
        let argv: Vec<String> = std::iter::once(path.clone()).chain(list).collect();
        let expected = ExecCommand {
            path,
            argv,
            ignore_failure: false,
            no_expand: false,
            privileges: Default::default(),
        };
        prop_assert_eq!(parse_commands(&line, |word| Ok(word.to_owned())), Ok(vec![expected]));
    }

    #[test]
    fn unit_names_are_unescaped_to_what_was_escaped(text in "[^\0]{0,24}") {
        let escaped = escape(&text);
        prop_assert_eq!(unescape(&escaped), Some(text.clone()));
        let _ = (unescape(&text), path_unescape(&text));
        if let Ok(name) = UnitName::build("p", Some(&escaped), UnitKind::Service) {
            prop_assert_eq!(resolve("%I", &name, &HostFacts::example()), Ok(text));
        }
    }

    #[test]
    fn paths_become_names_and_paths_again(path in path()) {
        let Some(escaped) = path_escape(&path) else { return Ok(()) };
        let absolute = simplify_path(&format!("/{path}"));
        prop_assert_eq!(path_unescape(&escaped), Some(absolute.clone()));
        let name = UnitName::from_path(&path, UnitKind::Mount).expect("every path has a name");
        prop_assert_eq!(name.to_path(), Ok(absolute));
    }

    #[test]
    fn long_paths_have_names_that_differ(path in "/[a-z/]{240,600}", other in "/[a-z/]{240,600}") {
        let name = |path| UnitName::from_path(path, UnitKind::Mount).expect("every path has a name");
        prop_assert!(name(&path).as_str().len() <= UNIT_NAME_MAX);
        prop_assert_eq!(name(&path) == name(&other), simplify_path(&path) == simplify_path(&other));
    }

    #[test]
    fn what_is_typed_becomes_a_name(text in dense(), link in "[a-z@.-]{1,6}\\.(service|slice|mount)") {
        if let Ok(name) = mangle(&text, UnitKind::Service, Globs::Escape) {
            prop_assert!(UnitName::parse(&name).is_ok());
            prop_assert_eq!(mangle(&name, UnitKind::Service, Globs::Escape), Ok(name.clone()));
        }
        let _ = mangle(&text, UnitKind::Service, Globs::Keep);
        alias::grows_with_instance(&text);
        if let Ok(name) = UnitName::parse(&link) {
            let _ = (alias::check(&name, &unit()), alias::check(&unit(), &name));
            prop_assert_eq!(slice::path(&name).is_ok(), slice::is_slice(&name));
        }
    }

    #[test]
    fn paths_are_simplified_once(path in path(), other in path()) {
        let simple = simplify_path(&path);
        prop_assert_eq!(&simplify_path(&simple), &simple);
        if let Ok(absolute) = absolute_path(&path) {
            prop_assert!(is_normalized_path(&absolute));
        }
        if let (Ok(name), Ok(directory)) = (filename_of(&path), directory_of(&path)) {
            prop_assert_eq!(simplify_path(&format!("{directory}/{name}")), simple.clone());
        }
        let named = !path.is_empty() && !other.is_empty();
        if let Some(rest) = below(&path, &other).filter(|_| named) {
            prop_assert_eq!(simplify_path(&format!("{other}/{rest}")), simple);
        }
        if let (Ok(from), Ok(to)) = (absolute_path(&path), absolute_path(&other)) {
            prop_assert!(make_relative(&from, &to).is_some());
        }
    }

    #[test]
    fn specifiers_never_panic_and_escape_is_undone(text in dense()) {
        let facts = HostFacts::example();
        let _ = (resolve(&text, &unit(), &facts), resolve_name(&text, &unit(), &facts));
        prop_assert_eq!(resolve(&specifier::escape(&text), &unit(), &facts), Ok(text));
    }

    #[test]
    fn environment_files_never_panic(text in "([A-B]{1,2}=?|[ \t\"'\\\\#;\n\r]|[a-z$é]){0,40}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (read_assignments(&bytes), parse_environment_file(&bytes));
        let variables = parse_environment_file(text.as_bytes()).expect("it is text");
        for (name, value) in variables {
            let line = format!("{name}={value}");
            prop_assert_eq!(assignment(&line), Some((name.as_str(), value.as_str())));
        }
    }

    #[test]
    fn variables_are_read_back(value in sound()) {
        let quoted: String = value.chars().flat_map(|c| {
            let mark = "\"\\`$".contains(c).then_some('\\');
            mark.into_iter().chain([c])
        }).collect();
        let file = format!("A=\"{quoted}\"\n");
        prop_assert_eq!(parse_environment_file(file.as_bytes()), Ok(vec![("A".to_owned(), value)]));
    }

    #[test]
    fn places_lie_in_the_file(text in "(\\[[AB]\\]|[a-c]=| |\\\\\n|\n|\r|#|é|x){0,40}") {
        let (sections, _) = parse_ini("x", &format!("[A]\n{text}"));
        for entry in sections.iter().flat_map(|section| &section.entries) {
            prop_assert!(entry.line >= 1 && entry.value_line >= entry.line);
            prop_assert!(entry.key_column >= 1 && entry.value_column >= 1);
        }
    }
}
