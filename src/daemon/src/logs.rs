//! Reading service logs: the last lines, all lines, and new ones as they come; several units merged
//! by time. Blocking; [`crate::methods::logs`] runs it on a thread of its own.
use gitproc_core::log_files::{self, MAX_FILES};
use gitproc_core::logline::{IDENTIFIER_MAX, RECORD_MAX, Record, Tag, decode, decode_head};
use gitproc_rpc::api::{LogBytes, LogEntry, LogStream};
use gitproc_unit::UnitName;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How much is read at a time when the beginning of the last lines is looked for.
const CHUNK: u64 = 64 * 1024;

/// Longest line that is taken: a record, its time, tag and identifier. What is longer is no record.
const LINE_MAX: u64 = (RECORD_MAX + IDENTIFIER_MAX + 64) as u64;

/// How often a place among files that are being renamed is looked for.
const ATTEMPTS: u32 = 10;

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
}

/// Device and inode: what stays of a file when it is renamed.
type FileId = (u64, u64);

fn id_of(file: &File) -> std::io::Result<FileId> {
    file.metadata().map(|found| (found.dev(), found.ino()))
}

impl LogReader {
    /// At the last `lines` lines, or at the beginning of the oldest file; also tells how many lines
    /// follow, when that was counted. A missing log is an empty one.
    pub fn open(
        unit: UnitName,
        path: PathBuf,
        lines: Option<u64>,
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
            let offset = match lines {
                None => 0,
                Some(lines) => {
                    let (offset, found) = tail_offset(&mut file, lines - count)?;
                    count += found;
                    offset
                }
            };
            begin = Some((file, offset));
            if lines.is_some_and(|lines| count >= lines) {
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
        };
        Ok((reader, count))
    }

    /// The next entry; `None` at the end of what is written so far. Ask again after a change.
    pub fn next_entry(&mut self) -> std::io::Result<Option<LogEntry>> {
        loop {
            if let Some(line) = self.next_line()? {
                if let Some(entry) = decode(&line).and_then(|record| entry(&self.unit, record)) {
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

/// The file after the one of this id; `None` while that is the live one, or the next one is not made
/// yet. After one that is gone comes the oldest that is left.
fn successor(path: &Path, id: FileId) -> std::io::Result<Option<File>> {
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
struct Files<'a> {
    path: &'a Path,
    next: u32,
}

impl Files<'_> {
    fn of(path: &Path) -> Files<'_> {
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

fn open(path: &Path) -> std::io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Where the last `lines` lines begin, read from the end; and how many there are.
fn tail_offset(file: &mut File, lines: u64) -> std::io::Result<(u64, u64)> {
    let length = file.seek(SeekFrom::End(0))?;
    if lines == 0 {
        return Ok((length, 0));
    }
    let mut counter = TailCounter {
        wanted: lines,
        found: 0,
        begin: length,
        line: Vec::new(),
    };
    let mut end = length;
    let mut chunk = Vec::new();
    while end > 0 {
        let begin = end.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(begin))?;
        chunk.resize((end - begin) as usize, 0);
        file.read_exact(&mut chunk)?;
        for (index, byte) in chunk.iter().enumerate().rev() {
            if counter.step(begin + index as u64, *byte) {
                return Ok((counter.begin, counter.found));
            }
        }
        end = begin;
    }
    counter.finish();
    Ok((counter.begin, counter.found))
}

/// Walks a file backwards and counts its lines that people see.
struct TailCounter {
    wanted: u64,
    found: u64,
    /// Where the earliest counted line begins.
    begin: u64,
    /// First bytes of the line being walked, in reverse; only its head decides what it is.
    line: Vec<u8>,
}

impl TailCounter {
    /// True when enough were found.
    fn step(&mut self, offset: u64, byte: u8) -> bool {
        if byte != b'\n' {
            // Backwards the head comes last: keep the last bytes that were pushed.
            if self.line.len() == 2 * HEAD_MAX {
                self.line.drain(..HEAD_MAX);
            }
            self.line.push(byte);
            return false;
        }
        self.end_line(offset + 1);
        self.found == self.wanted
    }

    fn finish(&mut self) {
        self.end_line(0);
    }

    fn end_line(&mut self, begin: u64) {
        let head: Vec<u8> = self.line.drain(..).rev().take(HEAD_MAX).collect();
        let seen = decode_head(&head).is_some_and(|(_, tag, _)| stream(tag).is_some());
        if seen {
            self.found += 1;
            self.begin = begin;
        }
    }
}

/// Bytes that decide what a record is: a time of up to 20 digits and the tag.
const HEAD_MAX: usize = 32;

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
        identifier: record.identifier.map(str::to_owned),
        partial,
        message,
    })
}

/// Several logs, merged by time.
#[derive(Debug)]
pub struct MergedLogs {
    readers: Vec<(LogReader, Option<LogEntry>)>,
    /// Entries to leave out, so that the last ones of all units together remain.
    skip: u64,
}

impl MergedLogs {
    /// Of `units`, with their files; the last `lines` of all together.
    pub fn open(
        units: Vec<(UnitName, PathBuf)>,
        lines: Option<u64>,
    ) -> std::io::Result<MergedLogs> {
        let mut readers = Vec::new();
        let mut total = 0;
        for (unit, path) in units {
            let (reader, count) = LogReader::open(unit, path, lines)?;
            total += count;
            readers.push((reader, None));
        }
        Ok(MergedLogs {
            readers,
            skip: total.saturating_sub(lines.unwrap_or(total)),
        })
    }

    /// The next entry; `None` at the end of what is written so far.
    pub fn next_entry(&mut self) -> std::io::Result<Option<LogEntry>> {
        loop {
            for (reader, ahead) in &mut self.readers {
                if ahead.is_none() {
                    *ahead = reader.next_entry()?;
                }
            }
            let earliest = self
                .readers
                .iter_mut()
                .filter(|(_, ahead)| ahead.is_some())
                .min_by_key(|(_, ahead)| ahead.as_ref().map(|entry| entry.time_us));
            let Some((_, ahead)) = earliest else {
                return Ok(None);
            };
            let entry = ahead.take();
            match self.skip {
                0 => return Ok(entry),
                _ => self.skip -= 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;
    use gitproc_core::logline::encode;
    use std::io::Write;

    fn unit(name: &str) -> UnitName {
        UnitName::parse(name).expect("a name")
    }

    fn write(path: &Path, times: impl IntoIterator<Item = u64>) {
        let mut bytes = Vec::new();
        for time_us in times {
            let tag = Tag::Stdout { partial: false };
            encode(
                Record {
                    time_us,
                    tag,
                    identifier: Some("somewhat-longer-than-the-head-of-a-record"),
                    bytes: format!("line {time_us}").as_bytes(),
                },
                &mut bytes,
            );
            encode(
                Record {
                    time_us,
                    tag: Tag::Invocation,
                    identifier: None,
                    bytes: b"x -",
                },
                &mut bytes,
            );
        }
        File::options()
            .append(true)
            .create(true)
            .open(path)
            .and_then(|mut file| file.write_all(&bytes))
            .expect("writable");
    }

    fn times(logs: &mut MergedLogs) -> Vec<u64> {
        std::iter::from_fn(|| logs.next_entry().expect("readable"))
            .map(|entry| entry.time_us)
            .collect()
    }

    #[test]
    fn the_last_lines_are_found_whatever_the_size_of_the_file() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        write(&path, 1..=20_000);
        for lines in [0, 1, 7, 5_000, 20_000, 30_000] {
            let files = vec![(unit("a.service"), path.clone())];
            let mut logs = MergedLogs::open(files, Some(lines)).expect("readable");
            let expected: Vec<u64> = (20_001 - lines.min(20_000)..=20_000).collect();
            assert_eq!(times(&mut logs), expected, "the last {lines}");
        }
    }

    #[test]
    fn units_are_merged_by_time_and_the_last_of_all_together_remain() {
        let root = TempDir::new("logs");
        let paths = ["a.service", "b.service"].map(|name| (unit(name), root.path().join(name)));
        write(&paths[0].1, [1, 3, 5, 7]);
        write(&paths[1].1, [2, 4, 6]);
        let mut all = MergedLogs::open(paths.to_vec(), None).expect("readable");
        assert_eq!(times(&mut all), [1, 2, 3, 4, 5, 6, 7]);
        let mut last = MergedLogs::open(paths.to_vec(), Some(3)).expect("readable");
        assert_eq!(times(&mut last), [5, 6, 7]);
    }

    #[test]
    fn following_goes_on_across_torn_writes_and_rotation() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        let mut logs =
            MergedLogs::open(vec![(unit("a.service"), path.clone())], Some(5)).expect("empty");
        assert_eq!(times(&mut logs), [0; 0]);
        write(&path, [1]);
        assert_eq!(times(&mut logs), [1]);
        let mut file = File::options().append(true).open(&path).expect("there");
        file.write_all(b"2 o half").expect("writable");
        assert_eq!(times(&mut logs), [0; 0]);
        file.write_all(b" a line\n").expect("writable");
        assert_eq!(times(&mut logs), [2]);
        std::fs::rename(&path, root.path().join("a.service.log.1")).expect("ours");
        write(&path, [3]);
        assert_eq!(times(&mut logs), [3]);
    }

    /// As a helper does it, which keeps three.
    fn rotate(path: &Path) {
        for number in (0..3).rev() {
            let _ = std::fs::rename(
                log_files::nth(path, number),
                log_files::nth(path, number + 1),
            );
        }
    }

    #[test]
    fn the_last_lines_are_found_in_older_files_too() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        for first in [1, 11, 21] {
            write(&path, first..first + 10);
            rotate(&path);
        }
        // The live file is not made yet; then it is.
        for newest in [30, 31] {
            for lines in [0, 1, 10, 11, 25, 40] {
                let files = vec![(unit("a.service"), path.clone())];
                let mut logs = MergedLogs::open(files, Some(lines)).expect("readable");
                let first = (newest + 1_u64).saturating_sub(lines).max(1);
                let expected: Vec<u64> = (first..=newest).collect();
                assert_eq!(times(&mut logs), expected, "the last {lines} of {newest}");
            }
            let files = vec![(unit("a.service"), path.clone())];
            let mut logs = MergedLogs::open(files, None).expect("readable");
            assert_eq!(times(&mut logs), (1..=newest).collect::<Vec<u64>>());
            if newest == 30 {
                write(&path, [31]);
            }
        }
    }

    #[test]
    fn following_misses_no_file_however_many_rotations_went_by() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        write(&path, [1]);
        let files = vec![(unit("a.service"), path.clone())];
        let mut logs = MergedLogs::open(files, Some(0)).expect("readable");
        assert_eq!(times(&mut logs), [0; 0]);
        // Written after our last look, and before the rotation.
        write(&path, [2]);
        rotate(&path);
        assert_eq!(times(&mut logs), [2]);
        write(&path, [3]);
        rotate(&path);
        write(&path, [4]);
        rotate(&path);
        write(&path, [5]);
        assert_eq!(times(&mut logs), [3, 4, 5]);
        // More than are kept: what is left goes on.
        for time in 6..12 {
            rotate(&path);
            write(&path, [time]);
        }
        assert_eq!(times(&mut logs), [8, 9, 10, 11]);
    }

    #[test]
    fn bytes_that_are_no_text_come_as_numbers_and_torn_lines_are_left_out() {
        let root = TempDir::new("logs");
        let path = root.path().join("a.service.log");
        std::fs::write(&path, b"garbage\n1 o \xff\n").expect("writable");
        let (mut reader, _) = LogReader::open(unit("a.service"), path, None).expect("readable");
        let entry = reader.next_entry().expect("readable").expect("one record");
        assert_eq!(entry.message, LogBytes::Bytes(vec![0xff]));
    }
}
