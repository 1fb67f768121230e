//! Paths as texts: whether they are sound, their shortest spelling, their parts. Nothing is looked
//! up on a disk.
use super::ValueError;

/// Longest path in bytes (`PATH_MAX` of Linux without the closing NUL).
pub const PATH_MAX: usize = 4095;
/// Longest file name in bytes (`NAME_MAX` of Linux).
pub const NAME_MAX: usize = 255;

/// Names of files that package managers and editors leave behind.
const BACKUP_SUFFIXES: &[&str] = &[
    "rpmnew",
    "rpmsave",
    "rpmorig",
    "dpkg-old",
    "dpkg-new",
    "dpkg-tmp",
    "dpkg-dist",
    "dpkg-bak",
    "dpkg-backup",
    "dpkg-remove",
    "ucf-new",
    "ucf-old",
    "ucf-dist",
    "swp",
    "bak",
    "old",
    "new",
];

/// The parts that count: no empty ones, no `.`.
pub fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
}

/// Whether `text` is written as a path rather than as a bare name.
pub fn is_path(text: &str) -> bool {
    text.contains('/')
}

/// Whether `text` can name a file in a directory.
pub fn is_filename(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && !is_path(text) && text.len() <= NAME_MAX
}

/// Whether the kernel could take `path`: not empty, nothing in it too long.
pub fn is_valid_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= PATH_MAX
        && components(path).all(|part| part.len() <= NAME_MAX)
}

/// Whether `path` is valid and never goes up by `..`.
pub fn is_safe_path(path: &str) -> bool {
    is_valid_path(path) && components(path).all(|part| part != "..")
}

/// Whether `path` is safe and has nothing to simplify, but perhaps a slash at its end.
pub fn is_normalized_path(path: &str) -> bool {
    is_safe_path(path) && !path.contains("//") && path.split('/').all(|part| part != ".")
}

/// Whether a root directory makes no difference: `""`, `/` and what means the same.
pub fn is_empty_or_root(path: &str) -> bool {
    path.is_empty() || (path.starts_with('/') && components(path).next().is_none())
}

/// Whether a file of this name is left alone where all files of a directory are read.
pub fn is_hidden_or_backup(name: &str) -> bool {
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    name.starts_with('.')
        || name.ends_with('~')
        || ["lost+found", "aquota.user", "aquota.group"].contains(&name)
        || BACKUP_SUFFIXES.contains(&suffix)
}

/// The path without doubled slashes, `.` parts and a closing slash.
pub fn simplify_path(path: &str) -> String {
    let parts: Vec<&str> = components(path).collect();
    match (path.starts_with('/'), parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) if !path.is_empty() => ".".into(),
        (false, _) => parts.join("/"),
    }
}

/// As [`simplify_path`], but a closing slash stays: it says that a directory is meant.
pub fn simplify_directory_path(path: &str) -> String {
    let mut simple = simplify_path(path);
    if path.ends_with('/') && !simple.ends_with('/') {
        simple.push('/');
    }
    simple
}

/// What is left of `path` below `prefix`, as it is written, and `""` when both are the same;
/// `None` when it does not lie there.
pub fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    if path.starts_with('/') != prefix.starts_with('/') {
        return None;
    }
    let mut rest = skip_nothing(path);
    for expected in components(prefix) {
        let (part, tail) = rest.split_once('/').unwrap_or((rest, ""));
        if part != expected || part.len() > NAME_MAX {
            return None;
        }
        rest = skip_nothing(tail);
    }
    Some(rest)
}

/// Skips slashes and `.` parts.
fn skip_nothing(path: &str) -> &str {
    let mut rest = path;
    loop {
        rest = match rest.strip_prefix('/').or_else(|| rest.strip_prefix("./")) {
            Some(tail) => tail,
            None if rest == "." => "",
            None => return rest,
        };
    }
}

/// How to write `to` from the directory `from`; both absolute. `None` when that can't be told:
/// `..` in `from` below where they part may lead anywhere.
pub fn make_relative(from: &str, to: &str) -> Option<String> {
    if !from.starts_with('/') || !to.starts_with('/') {
        return None;
    }
    let (mut from, mut to) = (components(from).peekable(), components(to).peekable());
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let mut parts = Vec::new();
    for part in from {
        if part == ".." {
            return None;
        }
        parts.push("..");
    }
    parts.extend(to);
    let relative = if parts.is_empty() {
        ".".into()
    } else {
        parts.join("/")
    };
    is_valid_path(&relative).then_some(relative)
}

/// Where `path` lies when `root` is the root directory (`RootDirectory=`).
pub fn prefix_root(root: &str, path: &str) -> String {
    let path = path.trim_start_matches('/');
    format!("{}/{path}", root.trim_end_matches('/'))
}

/// Why a path has no such part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathPartError {
    /// Empty, too long, or ends in `..`.
    #[error("not a valid path")]
    Invalid,
    /// `/` and `.` are directories only.
    #[error("path names no file")]
    NoFilename,
    /// `name` is in whatever directory is current.
    #[error("path names no directory")]
    NoDirectory,
}

/// The last part of a path.
pub fn filename_of(path: &str) -> Result<&str, PathPartError> {
    if !is_valid_path(path) {
        return Err(PathPartError::Invalid);
    }
    match components(path).next_back() {
        None => Err(PathPartError::NoFilename),
        Some("..") => Err(PathPartError::Invalid),
        Some(name) => Ok(name),
    }
}

/// The path without its last part, simplified.
pub fn directory_of(path: &str) -> Result<String, PathPartError> {
    let name = filename_of(path)?;
    let mut parts: Vec<&str> = components(path).collect();
    debug_assert_eq!(parts.last(), Some(&name));
    parts.pop();
    match (path.starts_with('/'), parts.is_empty()) {
        (true, _) => Ok(format!("/{}", parts.join("/"))),
        (false, false) => Ok(parts.join("/")),
        (false, true) => Err(PathPartError::NoDirectory),
    }
}

/// An absolute path without `..`, simplified.
pub fn absolute_path(text: &str) -> Result<String, ValueError> {
    match text.starts_with('/') {
        true => sound_path(text),
        false => Err(ValueError::not(text, "absolute path")),
    }
}

/// A relative path without `..`, simplified.
pub fn relative_path(text: &str) -> Result<String, ValueError> {
    match text.starts_with('/') {
        false => sound_path(text),
        true => Err(ValueError::not(text, "relative path")),
    }
}

fn sound_path(text: &str) -> Result<String, ValueError> {
    let simple = simplify_path(text);
    if !is_valid_path(&simple) {
        return Err(ValueError::not(text, "path: it is empty or too long"));
    }
    match is_safe_path(&simple) && crate::utf8::first_invalid(&simple).is_none() {
        true => Ok(simple),
        false => Err(ValueError::not(text, "path free of '..'")),
    }
}
