//! The files of a unit's log: the live one, and older ones beside it, `LOG.1` (the newest) to `LOG.N`.
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Most older files that are kept.
pub const MAX_FILES: u32 = gitproc_unit::value::LOG_FILES_MAX;

/// When a log begins a new file, and how many older ones stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRotation {
    /// Bytes that end a file; 0: it grows for ever.
    pub max_file_size: u64,
    /// Older files that are kept, [`MAX_FILES`] at most.
    pub max_files: u32,
    /// µs from the first line of a file to the last; 0: it may be any.
    #[serde(default)]
    pub max_file_us: u64,
}

impl Default for LogRotation {
    fn default() -> LogRotation {
        LogRotation {
            max_file_size: 16 << 20,
            max_files: 4,
            max_file_us: 0,
        }
    }
}

/// The live file of the log at `path` is 0, the older ones follow.
pub fn nth(path: &Path, number: u32) -> PathBuf {
    match number {
        0 => path.to_owned(),
        _ => {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{number}"));
            name.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_files_have_numbers() {
        let path = Path::new("/var/log/a.service.log");
        assert_eq!(nth(path, 0), path);
        assert_eq!(nth(path, 12), Path::new("/var/log/a.service.log.12"));
    }
}
