//! Paths as texts: systemd's answers.
mod table;

use gitproc_unit::value::{
    PathPartError, absolute_path, below, directory_of, filename_of, is_empty_or_root, is_filename,
    is_hidden_or_backup, is_normalized_path, is_path, is_safe_path, is_valid_path, make_relative,
    prefix_root, relative_path, simplify_directory_path, simplify_path,
};
use table::{check, same};

#[test]
fn paths_are_judged_and_taken_apart() {
    check(include_str!("vectors/path.tsv"), |row| {
        let path = row.text("path");
        let path = path.as_str();
        let is = |answer| Some(if answer { "yes" } else { "no" }.to_owned());
        let other = || row.text("other");
        let expected = row.option("result");
        let got = match row.text("what").as_str() {
            "absolute" => is(absolute_path(path).is_ok()),
            "is-path" => is(is_path(path)),
            "filename" => is(is_filename(path)),
            "hidden" => is(is_hidden_or_backup(path)),
            "empty-or-root" => is(is_empty_or_root(path)),
            "valid" => {
                let safe = is_valid_path(path) && path.split('/').all(|part| part != "..");
                same(is_safe_path(path), safe)?;
                is(is_valid_path(path))
            }
            "simplify" => Some(simplify_path(path)),
            "simplify-directory" => Some(simplify_directory_path(path)),
            "relative" => make_relative(path, &other()),
            "below" => {
                let rest = below(path, &other()).map(str::to_owned);
                same(rest.iter().all(|rest| path.ends_with(rest.as_str())), true)?;
                rest
            }
            "in-root" => Some(prefix_root(&other(), path)),
            "filename-of" => {
                let got = filename_of(path);
                let slash = got.is_ok_and(|name| !path.ends_with(name));
                same(outcome(got.map(|_| ()), slash), other().as_str())?;
                got.ok().map(str::to_owned)
            }
            "directory-of" => {
                let got = directory_of(path);
                let judged = outcome(got.as_ref().map(|_| ()).map_err(|why| *why), false);
                same(judged, other().as_str())?;
                got.ok()
            }
            what => return Err(format!("what is {what}?")),
        };
        same(got, expected)
    });
}

fn outcome(got: Result<(), PathPartError>, slash: bool) -> &'static str {
    match got {
        Ok(()) if slash => "slash",
        Ok(()) => "plain",
        Err(PathPartError::Invalid) => "invalid",
        Err(PathPartError::NoFilename) => "no-filename",
        Err(PathPartError::NoDirectory) => "no-directory",
    }
}

#[test]
fn only_sound_paths_are_values() {
    for (text, absolute) in [
        ("/a//b/./c/", Some("/a/b/c")),
        ("/", Some("/")),
        ("/a/../b", None),
        ("/a\u{fffe}", None),
        ("a/b", None),
        ("", None),
    ] {
        assert_eq!(absolute_path(text).ok().as_deref(), absolute, "{text:?}");
    }
    for (text, relative) in [
        ("a//b/", Some("a/b")),
        ("a/..", None),
        ("/a", None),
        ("", None),
    ] {
        assert_eq!(relative_path(text).ok().as_deref(), relative, "{text:?}");
    }
    for (text, normalized) in [
        ("/", true),
        ("/a/b/", true),
        ("a/b", true),
        ("/a/./b", false),
        ("//", false),
        ("a//b", false),
        ("./a", false),
        ("/a/..", false),
        ("", false),
    ] {
        assert_eq!(is_normalized_path(text), normalized, "{text:?}");
    }
}
