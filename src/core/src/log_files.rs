//! The files of a unit's log: the live one, and older ones beside it, `LOG.1` (the newest) to `LOG.N`.
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Most older files that are kept.
pub const MAX_FILES: u32 = 32;

/// When a log begins a new file, and how many older ones stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRotation {
    /// Bytes that end a file; 0: it grows for ever.
    pub max_file_size: u64,
    /// Older files that are kept, [`MAX_FILES`] at most.
    pub max_files: u32,
}

impl Default for LogRotation {
    fn default() -> LogRotation {
        LogRotation {
            max_file_size: 16 << 20,
            max_files: 4,
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
