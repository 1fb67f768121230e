//! `memory.events` of a payload, held open: it tells that the kernel has killed something for want
//! of memory, also when that was not the main process.
//!
//! POLLPRI tells of a change since the last read *through the same descriptor*; so the one that is
//! polled is also the one that is read. (v1 has nothing like it: there the counter is read when a
//! process ends.)
use super::leaf::keyed;
use crate::error::{Context, Result};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Longest content that is read; the kernel writes half a dozen short lines.
const CONTENT_MAX: usize = 4096;

/// An open `memory.events`.
#[derive(Debug)]
pub struct MemoryEvents {
    file: File,
}

impl MemoryEvents {
    pub(super) fn open(path: &Path) -> Result<MemoryEvents> {
        let file = File::open(path).context("open", path.display())?;
        Ok(MemoryEvents { file })
    }

    /// Processes that the kernel has killed so far. From here on POLLPRI tells of changes.
    pub fn oom_kills(&self) -> Result<u64> {
        let mut content = [0; CONTENT_MAX];
        let length = self
            .file
            .read_at(&mut content, 0)
            .context("read", "memory.events")?;
        let text = String::from_utf8_lossy(&content[..length]);
        Ok(keyed(&text, "oom_kill").unwrap_or(0))
    }
}

impl AsFd for MemoryEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
