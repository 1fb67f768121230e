//! Small files of the kernel, which say one thing each.
use std::io::ErrorKind;
use std::path::Path;

/// The first line; `None` when there is no such file, or it can't be read.
pub fn line(path: impl AsRef<Path>) -> Option<String> {
    let text = bytes(path)?;
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().next().unwrap_or_default().to_owned())
}

/// All of it; `None` when there is no such file, or it can't be read.
pub fn bytes(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    std::fs::read(path).ok()
}

/// Whether the path leads to something.
pub fn exist(path: impl AsRef<Path>) -> bool {
    std::fs::metadata(path).is_ok()
}

/// All of it, where a missing file is an answer and any other failure is none.
pub fn required(path: &str) -> Result<Option<String>, super::Unjudged> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(super::Unjudged::new(format!("{path}: {error}"))),
    }
}
