//! Words for a POSIX shell, which git and the hook scripts go through.
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// `text` as one word: in single quotes, each quote inside as `'\''`.
pub(crate) fn word(text: &OsStr) -> OsString {
    let mut quoted = vec![b'\''];
    for byte in text.as_bytes() {
        match byte {
            b'\'' => quoted.extend_from_slice(br"'\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    OsString::from_vec(quoted)
}

/// Several words, with spaces between.
pub(crate) fn words<'a>(texts: impl IntoIterator<Item = &'a OsStr>) -> OsString {
    let quoted: Vec<OsString> = texts.into_iter().map(word).collect();
    quoted.join(OsStr::new(" "))
}
