//! The files that a unit's log is made of ([`log_files`]), while a helper may be renaming them: by their
//! ids, none is passed over or taken twice.
use gitproc_core::log_files::{self, MAX_FILES};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How often a place among files that are being renamed is looked for.
const ATTEMPTS: u32 = 10;

/// Device and inode: what stays of a file when it is renamed.
pub type FileId = (u64, u64);

/// Of an open file.
pub fn id_of(file: &File) -> std::io::Result<FileId> {
    file.metadata().map(|found| (found.dev(), found.ino()))
}

/// The file after the one of this id; `None` while that is the live one, or the next one is not made
/// yet. After one that is gone comes the oldest that is left.
pub fn successor(path: &Path, id: FileId) -> std::io::Result<Option<File>> {
    for _ in 0..ATTEMPTS {
        let mut newer = None;
        let mut oldest = None;
        for file in Files::of(path) {
            let (number, file) = file?;
            if id_of(&file)? == id {
                if number == 0 {
                    return Ok(None);
                }
                newer = Some(number - 1);
                break;
            }
            oldest = Some(file);
        }
        let Some(newer) = newer else {
            return Ok(oldest);
        };
        let next = open(&log_files::nth(path, newer))?;
        // Unless all were renamed once more in between.
        let still = open(&log_files::nth(path, newer + 1))?;
        if still.as_ref().map(id_of).transpose()? == Some(id) {
            return Ok(next);
        }
    }
    Ok(None)
}

/// The files of a log that are there, with their numbers, from the live one back.
pub struct Files<'a> {
    path: &'a Path,
    next: u32,
}

impl Files<'_> {
    /// All that there are.
    pub fn of(path: &Path) -> Files<'_> {
        Files { path, next: 0 }
    }
}

impl Iterator for Files<'_> {
    type Item = std::io::Result<(u32, File)>;

    fn next(&mut self) -> Option<Self::Item> {
        /// One is missing for a moment while they are renamed.
        const GAP: u32 = 1;
        for number in self.next..=(self.next + GAP).min(MAX_FILES) {
            match open(&log_files::nth(self.path, number)) {
                Ok(None) => {}
                Ok(Some(file)) => {
                    self.next = number + 1;
                    return Some(Ok((number, file)));
                }
                Err(cause) => {
                    self.next = MAX_FILES + 1;
                    return Some(Err(cause));
                }
            }
        }
        None
    }
}

/// `None`: there is no such file.
pub fn open(path: &Path) -> std::io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}
