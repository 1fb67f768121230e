//! The directories that are made for a service (systemd.exec(5)): `RuntimeDirectory=` and its
//! siblings.
use super::image::field as field_of;
use super::row::Write;
use super::service::{lines, of};
use super::{Family, Row, one_of, spelled, word_of};
use crate::draft::{Context, Draft};
use crate::model::{Directories, DirectoryKind, Preserve, ServiceSection};
use crate::print::spelling;
use crate::property::PropertyValue::{self, List, Text, Unsigned};
use crate::property::texts;
use crate::value::list::room;
use crate::value::{ValueError, parse_bool, parse_mode, relative_path};
use crate::words::{Split, Words};

/// When what a service leaves is kept.
pub(super) const PRESERVE: &[(&str, Preserve)] = &[
    ("no", Preserve::No),
    ("yes", Preserve::Yes),
    ("restart", Preserve::Restart),
];

macro_rules! preserved {
    ($key:literal, $kept:ident) => {
        field(
            $key,
            "no, yes, restart",
            |draft, _, value| {
                draft.service.$kept = preserve(value)?;
                Ok(())
            },
            lines!(s => vec![spelled(s.$kept, PRESERVE)]),
        )
        .shows($key, of!(s => word_of(s.$kept, PRESERVE)))
    };
}
pub(super) use preserved;

macro_rules! directory {
    ($key:literal, $mode:literal, $($links:literal,)? $kind:ident) => {
        [
            field(
                $key,
                "relative paths, each with :link",
                |draft, cx, value| directories(draft, cx, DirectoryKind::$kind, value),
                lines!(s => {
                    let made = s.directories.get(&DirectoryKind::$kind);
                    made.map_or_else(Vec::new, directory_lines)
                }),
            )
            .shows($key, of!(s => texts(s.directories.get(&DirectoryKind::$kind).iter().flat_map(|d| &d.paths))))
            $(.shows($links, of!(s => links(s, DirectoryKind::$kind))))?,
            field(
                $mode,
                "octal mode",
                |draft, _, value| {
                    let kind = draft.service.directories.entry(DirectoryKind::$kind);
                    kind.or_default().mode = parse_mode(value)?;
                    Ok(())
                },
                lines!(s => vec![spelling::mode(mode(s, DirectoryKind::$kind).into())]),
            )
            .shows($mode, of!(s => Unsigned(mode(s, DirectoryKind::$kind).into()))),
        ]
    };
}

fn field(key: &'static str, value: &str, read: super::row::Read, write: Write) -> Row {
    Row::field(Family::Exec, key, value, read, write)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![preserved!(
        "RuntimeDirectoryPreserve",
        runtime_directory_preserve
    )];
    rows.extend(directory!(
        "RuntimeDirectory",
        "RuntimeDirectoryMode",
        "RuntimeDirectorySymlink",
        Runtime
    ));
    rows.extend(directory!(
        "StateDirectory",
        "StateDirectoryMode",
        "StateDirectorySymlink",
        State
    ));
    rows.extend(directory!(
        "CacheDirectory",
        "CacheDirectoryMode",
        "CacheDirectorySymlink",
        Cache
    ));
    rows.extend(directory!(
        "LogsDirectory",
        "LogsDirectoryMode",
        "LogsDirectorySymlink",
        Logs
    ));
    rows.extend(directory!(
        "ConfigurationDirectory",
        "ConfigurationDirectoryMode",
        Configuration
    ));
    rows
}

/// A flag, or `restart`.
pub(super) fn preserve(value: &str) -> Result<Preserve, ValueError> {
    one_of(value, PRESERVE).or_else(|error| match parse_bool(value) {
        Ok(true) => Ok(Preserve::Yes),
        Ok(false) => Ok(Preserve::No),
        Err(_) => Err(error),
    })
}

fn directories(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    kind: DirectoryKind,
    value: &str,
) -> Result<(), ValueError> {
    let made = draft.service.directories.entry(kind).or_default();
    if value.is_empty() {
        made.paths.clear();
        made.links.clear();
    }
    let mut wrong = Ok(());
    let mut rest = Words::new(value);
    loop {
        // What can't be taken apart ends the list.
        let word = match rest.take(&Split::RAW_LIST) {
            Ok(Some(word)) => fields(&word),
            Ok(None) => break,
            Err(err) => Err(ValueError(err.to_string())),
        };
        let (path, link) = match word {
            Ok(fields) => fields,
            Err(err) => {
                wrong = wrong.and(Err(err));
                break;
            }
        };
        let outcome = directory(cx, kind, &path, link.as_deref()).and_then(|(path, link)| {
            room(made.paths.len().max(made.links.len()))?;
            if let Some(link) = link {
                made.links.push((path.clone(), link));
            }
            if !made.paths.contains(&path) {
                made.paths.push(path);
            }
            Ok(())
        });
        wrong = wrong.and(outcome);
    }
    // Parents come before what lies in them, as systemd orders them, and the links follow.
    made.paths.sort();
    made.links.sort_by(|(a, _), (b, _)| a.cmp(b));
    wrong
}

/// `path:link`; what follows has no meaning.
fn fields(word: &str) -> Result<(String, Option<String>), ValueError> {
    let mut fields = Words::new(word);
    let path = field_of(&mut fields)?.ok_or_else(|| ValueError::not(word, "path"))?;
    Ok((path, field_of(&mut fields)?))
}

/// A relative path, and the link to it that is to be made.
fn directory(
    cx: &Context<'_>,
    kind: DirectoryKind,
    path: &str,
    link: Option<&str>,
) -> Result<(String, Option<String>), ValueError> {
    let relative = |text: &str| {
        let path = cx.resolve(text)?;
        match relative_path(&path) {
            Ok(path) if path != "." => Ok(path),
            Ok(_) | Err(_) => Err(ValueError::not(&path, "relative path free of '..'")),
        }
    };
    let path = relative(path)?;
    // Dynamic users have theirs there.
    if path.split('/').next() == Some("private") {
        return Err(ValueError::not(&path, "relative path outside of private/"));
    }
    match link {
        None => Ok((path, None)),
        Some(_) if kind == DirectoryKind::Configuration => {
            Err(ValueError::not(&path, "path alone: it can't be linked to"))
        }
        Some(link) => {
            let link = relative(link)?;
            Ok((path, Some(link)))
        }
    }
}

fn links(service: &ServiceSection, kind: DirectoryKind) -> PropertyValue {
    let links = service.directories.get(&kind).map(|dirs| &dirs.links);
    let link = |(path, link): &(String, String)| {
        List(vec![Text(path.clone()), Text(link.clone()), Unsigned(0)])
    };
    List(links.into_iter().flatten().map(link).collect())
}

fn mode(service: &ServiceSection, kind: DirectoryKind) -> u32 {
    let made = service.directories.get(&kind);
    made.map_or_else(|| Directories::default().mode, |made| made.mode)
}

/// Paths, each with its links behind it.
fn directory_lines(made: &Directories) -> Vec<String> {
    let field = spelling::escaped_field;
    let mut words = Vec::new();
    for path in &made.paths {
        let mut links = made.links.iter().filter(|(of, _)| of == path).peekable();
        if links.peek().is_none() {
            words.push(field(path));
        }
        words.extend(links.map(|(path, link)| format!("{}:{}", field(path), field(link))));
    }
    spelling::joined(words.into_iter().map(spelling::raw_word_as_is))
}
