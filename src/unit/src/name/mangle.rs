//! From what a person types to a unit name.
use super::{UnitKind, UnitName, UnitNameError};
use crate::escape::{is_prefix_character, push_hex};
use crate::value::below;

/// Whether patterns may be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Globs {
    /// `*`, `?` and `[` keep their meaning; the result may be a pattern instead of a name.
    Keep,
    /// They are characters like others.
    Escape,
}

/// The unit name that `text` means: a path is its mount or device, what can't stand in a name is
/// escaped, and a text without a suffix gets that of `kind`. A name stays as it is.
pub fn mangle(text: &str, kind: UnitKind, globs: Globs) -> Result<String, UnitNameError> {
    if text.is_empty() {
        return Err(UnitNameError::Length(text.into()));
    }
    if UnitName::parse(text).is_ok() {
        return Ok(text.into());
    }
    let in_pattern = |c| c == '@' || is_prefix_character(c) || "[]!*?".contains(c);
    if globs == Globs::Keep && is_pattern(text) && text.chars().all(in_pattern) {
        return Ok(text.into());
    }
    let is_device = ["/dev", "/sys"]
        .iter()
        .any(|root| below(text, root).is_some_and(|rest| !rest.is_empty()));
    let path_kind = if is_device {
        UnitKind::Device
    } else {
        UnitKind::Mount
    };
    if text.starts_with('/')
        && let Ok(name) = UnitName::from_path(text, path_kind)
    {
        return Ok(name.as_str().into());
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        let legal = match globs {
            Globs::Keep => in_pattern(c),
            Globs::Escape => c == '@' || is_prefix_character(c),
        };
        match c {
            '/' => out.push('-'),
            _ if legal => out.push(c),
            _ => push_hex(byte, &mut out),
        }
    }
    let pattern = globs == Globs::Keep && is_pattern(&out);
    if !pattern && UnitName::parse(&out).is_err() {
        out = format!("{out}.{}", kind.suffix());
    }
    match globs {
        Globs::Keep => Ok(out),
        Globs::Escape => UnitName::parse(&out).map(String::from),
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}
