//! Reading the log of one unit: its last lines, all lines, and new ones as they come. Blocking.
use crate::log_chain::{FileId, Files, id_of, open, successor};
use crate::log_filter::{LogContext, LogFilter};
use crate::log_seek::{first_time, offset_before};
use crate::log_tail::tail_offset;
use gitproc_core::logline::{IDENTIFIER_MAX, RECORD_MAX, Record, Tag, decode};
use gitproc_rpc::api::{LogBytes, LogEntry, LogStream};
use gitproc_unit::UnitName;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

/// Longest line that is taken: a record, its time, tag and identifier. What is longer is no record.
const LINE_MAX: u64 = (RECORD_MAX + IDENTIFIER_MAX + 64) as u64;

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the oldest line.
    Beginning,
    /// At so many lines before the end.
    Last(u64),
    /// Somewhat before this time, µs since the epoch.
    Near(u64),
    /// The same, at the beginning of a file, which tells the invocation.
    FileOf(u64),
}

/// The log of one unit, open at some place of one of its files ([`log_files`]).
#[derive(Debug)]
pub struct LogReader {
    unit: UnitName,
    path: PathBuf,
    file: Option<BufReader<File>>,
    /// The file is no longer the live one: what follows its end is in the next.
    rotated: bool,
    /// A line whose end has not been written yet.
    partial: Vec<u8>,
    filter: Arc<LogFilter>,
    /// The invocation that is being read, where that is known.
    context: Option<LogContext>,
}

impl LogReader {
    /// At `start`, for the lines that `filter` wants; also tells how many lines follow, when that was
    /// counted. A missing log is an empty one.
    pub fn open(
        unit: UnitName,
        path: PathBuf,
        start: Start,
        filter: Arc<LogFilter>,
    ) -> std::io::Result<(LogReader, u64)> {
        let mut count = 0;
        let mut begin: Option<(File, u64)> = None;
        let mut seen: Vec<FileId> = Vec::new();
        // From the newest back, as far as it takes.
        for file in Files::of(&path) {
            let (_, mut file) = file?;
            let id = id_of(&file)?;
            if seen.contains(&id) {
                continue; // it was renamed meanwhile
            }
            seen.push(id);
            let (offset, enough) = match start {
                Start::Beginning => (0, false),
                Start::Last(lines) => {
                    let (offset, found) = tail_offset(&mut file, lines - count)?;
                    count += found;
                    (offset, count >= lines)
                }
                Start::Near(since_us) | Start::FileOf(since_us) => {
                    let enough = first_time(&mut file)?.is_some_and(|first| first < since_us);
                    let offset = match start {
                        Start::FileOf(_) => 0,
                        _ => offset_before(&mut file, since_us)?,
                    };
                    (offset, enough)
                }
            };
            begin = Some((file, offset));
            if enough {
                break;
            }
        }
        let file = match begin {
            None => None,
            Some((mut file, offset)) => {
                file.seek(SeekFrom::Start(offset))?;
                Some(BufReader::new(file))
            }
        };
        let reader = LogReader {
            unit,
            path,
            file,
            rotated: false,
            partial: Vec::new(),
            filter,
            context: None,
        };
        Ok((reader, count))
    }

    /// The next entry; `None` at the end of what is written so far. Ask again after a change.
    pub fn next_entry(&mut self) -> std::io::Result<Option<LogEntry>> {
        loop {
            if let Some(line) = self.next_line()? {
                let Some(record) = decode(&line) else {
                    continue;
                };
                if record.tag == Tag::Invocation {
                    self.context = LogContext::parse(record.bytes);
                }
                let entry = entry(&self.unit, record);
                let wanted = |entry: &LogEntry| self.filter.wants(entry, self.context.as_ref());
                if let Some(entry) = entry.filter(wanted) {
                    return Ok(Some(entry));
                }
                continue;
            }
            if !self.go_on()? {
                return Ok(None);
            }
        }
    }

    fn next_line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let Some(file) = &mut self.file else {
            return Ok(None);
        };
        let room = LINE_MAX.saturating_sub(self.partial.len() as u64);
        file.by_ref()
            .take(room)
            .read_until(b'\n', &mut self.partial)?;
        if self.partial.last() == Some(&b'\n') {
            self.partial.pop();
            return Ok(Some(std::mem::take(&mut self.partial)));
        }
        if self.partial.len() as u64 >= LINE_MAX {
            // No record is that long; what follows up to the next newline is none either.
            self.partial.clear();
            return Ok(Some(Vec::new()));
        }
        Ok(None)
    }

    /// At the end of a file. True when there is something to read.
    fn go_on(&mut self) -> std::io::Result<bool> {
        let next = match &self.file {
            Some(file) => successor(&self.path, id_of(file.get_ref())?)?,
            None => open(&self.path)?,
        };
        let Some(next) = next else {
            return Ok(false);
        };
        if self.file.is_some() && !self.rotated {
            // What was written between our reading and the rotation; no more will be.
            self.rotated = true;
            return Ok(true);
        }
        self.file = Some(BufReader::new(next));
        self.rotated = false;
        self.partial.clear();
        Ok(true)
    }
}

/// Whether people see such a record.
pub fn is_seen(tag: Tag) -> bool {
    stream(tag).is_some()
}

fn stream(tag: Tag) -> Option<(LogStream, bool)> {
    match tag {
        Tag::Stdout { partial } => Some((LogStream::Stdout, partial)),
        Tag::Stderr { partial } => Some((LogStream::Stderr, partial)),
        Tag::Remark => Some((LogStream::Gitproc, false)),
        // A mark for programs; people see when a service started by its lines.
        Tag::Invocation => None,
    }
}

fn entry(unit: &UnitName, record: Record<'_>) -> Option<LogEntry> {
    let (stream, partial) = stream(record.tag)?;
    let message = match std::str::from_utf8(record.bytes) {
        Ok(text) => LogBytes::Text(text.to_owned()),
        Err(_) => LogBytes::Bytes(record.bytes.to_vec()),
    };
    Some(LogEntry {
        unit: unit.clone(),
        time_us: record.time_us,
        stream,
        priority: record.level,
        identifier: record.identifier.map(str::to_owned),
        partial,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;
    use gitproc_core::log_files::nth;
    use std::io::Write;

    #[test]
    fn what_was_written_between_the_last_look_and_a_rotation_is_read() {
        let root = TempDir::new("reader");
        let path = root.path().join("a.service.log");
        let write = |text: &str| {
            let opened = File::options().append(true).create(true).open(&path);
            let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
            written.expect("writable");
        };
        let unit = UnitName::parse("a.service").expect("a name");
        write("1 o one\n");
        let (mut reader, _) =
            LogReader::open(unit, path.clone(), Start::Last(0), Arc::default()).expect("readable");
        assert_eq!(reader.next_line().expect("readable"), None);
        write("2 o two\n");
        std::fs::rename(&path, nth(&path, 1)).expect("ours");
        write("3 o three\n");
        // As next_entry() goes on.
        assert!(reader.go_on().expect("readable"));
        let times: Vec<_> = std::iter::from_fn(|| reader.next_entry().expect("readable"))
            .map(|entry| entry.time_us)
            .collect();
        assert_eq!(times, [2, 3]);
    }
}
