//! Escaping of arbitrary text in unit names: `/` is written `-`, most else `\x2d`.
use crate::value::{is_empty_or_root, is_normalized_path, simplify_path};

/// What may stand in the prefix of a unit name as it is.
pub(crate) fn is_prefix_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || ":-_.\\".contains(c)
}

/// `text` as a part of a unit name.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match char::from(byte) {
            '/' => out.push('-'),
            // A unit file whose name begins with a dot would be hidden.
            '.' if at == 0 => push_hex(byte, &mut out),
            '-' | '\\' => push_hex(byte, &mut out),
            c if is_prefix_character(c) => out.push(c),
            _ => push_hex(byte, &mut out),
        }
    }
    out
}

/// Undoes [`escape`]; `None` when a backslash begins no `\x2d`, or the bytes make no text.
pub fn unescape(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'-' => bytes.push(b'/'),
            b'\\' => {
                let &[b'x', high, low] = tail.first_chunk()? else {
                    return None;
                };
                let digit = |byte| char::from(byte).to_digit(16);
                bytes.push((digit(high)? * 16 + digit(low)?) as u8);
                rest = &tail[3..];
            }
            byte => bytes.push(byte),
        }
    }
    // A NUL ends a text of C, and no name or path can hold one.
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(text)
}

/// A path as a part of a unit name: `/var/lib` is `var-lib`, and `/` is `-`. `None` for a path
/// with `..`.
pub fn path_escape(path: &str) -> Option<String> {
    let path = simplify_path(path);
    if is_empty_or_root(&path) {
        return Some("-".into());
    }
    is_normalized_path(&path).then(|| escape(path.trim_matches('/')))
}

/// Undoes [`path_escape`]; the path is absolute.
pub fn path_unescape(part: &str) -> Option<String> {
    if part == "-" {
        return Some("/".into());
    }
    let inner = unescape(part)?;
    let path = format!("/{inner}");
    let sound = !inner.is_empty() && !inner.starts_with('/') && !inner.ends_with('/');
    (sound && is_normalized_path(&path)).then_some(path)
}

pub(crate) fn push_hex(byte: u8, out: &mut String) {
    out.push_str(&format!("\\x{byte:02x}"));
}
