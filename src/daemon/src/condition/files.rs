//! Small files of the kernel, which say one thing each.
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Most of a file that is read, in bytes: an OS release file or a kernel's command line is far shorter.
const FILE_MAX: u64 = 1 << 20;

/// The first line; `None` when there is no such file, or it can't be read.
pub fn line(path: impl AsRef<Path>) -> Option<String> {
    let text = bytes(path)?;
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().next().unwrap_or_default().to_owned())
}

/// All of it; `None` when there is no such file, or it can't be read.
pub fn bytes(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    read(path.as_ref()).ok()
}

/// A regular file, as far as it is read: what stands in its place and never ends, or never answers,
/// is none.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::options()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether the path leads to something.
pub fn exist(path: impl AsRef<Path>) -> bool {
    std::fs::metadata(path).is_ok()
}

/// All of it, where a missing file is an answer and any other failure is none.
pub fn required(path: &str) -> Result<Option<String>, super::Unjudged> {
    match read(Path::new(path)) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(super::Unjudged::new(format!("{path}: {error}"))),
    }
}
