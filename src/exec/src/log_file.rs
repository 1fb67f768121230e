//! The file of a unit's log: records in, rotated when it is full ([`log_files`]).
//!
//! A full disk costs lines, which are counted and told.
use gitproc_core::log_files::{self, LogRotation, MAX_FILES};
use gitproc_core::log_policy::{INFO, WARNING};
use gitproc_core::logline::{Record, Tag, decode_head, encode};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The live file, and those that it was.
pub(crate) struct LogFile {
    path: PathBuf,
    rotation: LogRotation,
    /// What each file begins with: [`Tag::Invocation`].
    invocation: String,
    file: Option<File>,
    /// Bytes in the file.
    size: u64,
    /// Time of its first record, µs since the epoch; none: it is empty.
    begun_us: Option<u64>,
    /// Lines that could not be written since the last that could.
    dropped: u64,
    /// The file ends within a record, because the disk filled up there.
    torn: bool,
}

impl LogFile {
    pub(crate) fn new(path: &str, rotation: LogRotation) -> LogFile {
        LogFile {
            path: path.into(),
            rotation,
            invocation: String::new(),
            file: None,
            size: 0,
            begun_us: None,
            dropped: 0,
            torn: false,
        }
    }

    /// The invocation, for the files to come.
    pub(crate) fn begins_with(&mut self, invocation: &str) {
        invocation.clone_into(&mut self.invocation);
    }

    /// Writes whole records.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if self.dropped > 0 || self.torn {
            let mut heal = Vec::new();
            if self.torn {
                heal.push(b'\n');
            }
            if self.dropped > 0 {
                let text = format!(
                    "{} lines dropped, the log could not be written",
                    self.dropped
                );
                encode(own(Tag::Remark, &text), &mut heal);
            }
            let written = self.append(&heal).unwrap_or(0);
            if written < heal.len() {
                self.torn |= written > 0;
                self.dropped += count_lines(bytes);
                return;
            }
            (self.dropped, self.torn) = (0, false);
        }
        self.write_out(bytes);
    }

    /// Whole records, into as many files as they fill.
    fn write_out(&mut self, mut bytes: &[u8]) {
        if self.is_old() {
            self.rotate();
        }
        let mut fresh = false;
        while !bytes.is_empty() {
            if self.torn {
                // The disk is full: what follows would end the torn line.
                self.dropped += count_lines(bytes);
                return;
            }
            let fitting = match self.fitting(bytes) {
                0 if fresh => end_of_first(bytes),
                0 => {
                    self.rotate();
                    fresh = true;
                    continue;
                }
                fitting => fitting,
            };
            let written = self.append(&bytes[..fitting]).unwrap_or(0);
            self.torn |= written > 0 && bytes[written - 1] != b'\n';
            if written < fitting {
                self.dropped += count_lines(&bytes[written..]);
                return;
            }
            bytes = &bytes[fitting..];
            fresh = false;
        }
    }

    /// Whether its first record is too old for another beside it.
    fn is_old(&mut self) -> bool {
        let most = self.rotation.max_file_us;
        if most == 0 || self.open().is_err() {
            return false;
        }
        let now_us = gitproc_sys::host::realtime_us();
        self.begun_us
            .is_some_and(|begun| begun.saturating_add(most) <= now_us)
    }

    /// How many of the bytes, in whole records, there is room for in the file.
    fn fitting(&mut self, bytes: &[u8]) -> usize {
        let most = self.rotation.max_file_size;
        if most == 0 || self.open().is_err() {
            return bytes.len();
        }
        let room = usize::try_from(most.saturating_sub(self.size)).unwrap_or(usize::MAX);
        if bytes.len() <= room {
            return bytes.len();
        }
        let last = bytes[..room].iter().rposition(|byte| *byte == b'\n');
        last.map_or(0, |at| at + 1)
    }

    /// The file is full: it becomes the newest of the older ones, and the next line begins another.
    fn rotate(&mut self) {
        let mut head = Vec::new();
        match self.make_room() {
            Ok(()) => {
                self.file = None;
                if !self.invocation.is_empty() {
                    encode(own(Tag::Invocation, &self.invocation), &mut head);
                }
            }
            Err(cause) => {
                // It is tried again after as much more, and as long.
                self.size = 0;
                self.begun_us = Some(gitproc_sys::host::realtime_us());
                let text = format!("the log can't be rotated: {cause}");
                encode(own(Tag::Remark, &text), &mut head);
            }
        }
        let written = self.append(&head).unwrap_or(0);
        self.torn = written > 0 && written < head.len();
    }

    /// The oldest first, so that none takes the place of one that could not go.
    fn make_room(&self) -> std::io::Result<()> {
        let place = |number| log_files::nth(&self.path, number);
        let kept = self.rotation.max_files.min(MAX_FILES);
        for beyond in kept + 1..=MAX_FILES {
            missing_is_fine(std::fs::remove_file(place(beyond)))?;
        }
        for number in (0..kept).rev() {
            missing_is_fine(std::fs::rename(place(number), place(number + 1)))?;
        }
        match kept {
            0 => missing_is_fine(std::fs::remove_file(place(0))),
            _ => Ok(()),
        }
    }

    fn open(&mut self) -> std::io::Result<()> {
        if self.file.is_none() {
            let opened = File::options()
                .append(true)
                .create(true)
                .mode(0o640)
                .open(&self.path)?;
            self.size = opened.metadata()?.len();
            self.begun_us = match self.size {
                0 => None,
                _ => first_time(&self.path),
            };
            self.file = Some(opened);
        }
        Ok(())
    }

    /// Writes as much as goes; the count tells how much.
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.open()?;
        let mut written = 0;
        let Some(file) = &mut self.file else {
            return Ok(0);
        };
        while written < bytes.len() {
            match file.write(&bytes[written..]) {
                Ok(0) => break,
                Ok(more) => written += more,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.size += written as u64;
        if written > 0 && self.begun_us.is_none() {
            self.begun_us = Some(gitproc_sys::host::realtime_us());
        }
        Ok(written)
    }
}

/// Time of the first record of a file, µs since the epoch.
fn first_time(path: &Path) -> Option<u64> {
    let mut head = [0; 64];
    let length = File::open(path).ok()?.read(&mut head).ok()?;
    decode_head(&head[..length]).map(|(head, _)| head.time_us)
}

/// A record of gitproc's own, of now. The text is one line.
pub(crate) fn own(tag: Tag, text: &str) -> Record<'_> {
    Record {
        time_us: gitproc_sys::host::realtime_us(),
        tag,
        // What gitproc remarks is that something was not as it should be.
        level: match tag {
            Tag::Remark => WARNING,
            _ => INFO,
        },
        identifier: None,
        bytes: text.as_bytes(),
    }
}

fn missing_is_fine(done: std::io::Result<()>) -> std::io::Result<()> {
    match done {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Length of the first record.
fn end_of_first(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.map_or(bytes.len(), |at| at + 1)
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_that_fails_is_told_and_costs_no_line() {
        let dir = std::env::temp_dir().join(format!("gitproc-unrotated-{}", std::process::id()));
        let path = dir.join("log");
        // Nothing can take the place of a directory with something in it.
        std::fs::create_dir_all(dir.join("log.1/x")).expect("fresh");
        let rotation = LogRotation {
            max_file_size: 100,
            max_files: 1,
            max_file_us: 0,
        };
        let mut log = LogFile::new(path.to_str().expect("text"), rotation);
        for number in 1..=3 {
            let mut record = Vec::new();
            encode(own(Tag::Remark, &format!("{number:070}")), &mut record);
            log.write(&record);
        }
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(
            text.matches("the log can't be rotated: ").count(),
            2,
            "{text}"
        );
        let kept = |number: u32| text.contains(&format!("{number:070}\n"));
        assert!((1..=3).all(kept), "{text}");
        std::fs::remove_dir_all(&dir).expect("ours");
    }

    #[test]
    fn a_file_that_began_long_ago_makes_room_for_the_next() {
        let dir = std::env::temp_dir().join(format!("gitproc-old-log-{}", std::process::id()));
        std::fs::create_dir(&dir).expect("fresh");
        let path = dir.join("log");
        // Of an earlier invocation, in 1970.
        std::fs::write(&path, "1000 o old\n").expect("ours");
        let rotation = LogRotation {
            max_file_size: 0,
            max_files: 4,
            max_file_us: 3_600_000_000,
        };
        let mut log = LogFile::new(path.to_str().expect("text"), rotation);
        for text in ["one", "two"] {
            let mut record = Vec::new();
            encode(own(Tag::Remark, text), &mut record);
            log.write(&record);
        }
        let read = |number| std::fs::read_to_string(log_files::nth(&path, number));
        assert_eq!(read(1).expect("rotated"), "1000 o old\n");
        let live = read(0).expect("there");
        assert!(live.contains(" one\n") && live.contains(" two\n"), "{live}");
        assert!(read(2).is_err(), "once");
        std::fs::remove_dir_all(&dir).expect("ours");
    }

    #[test]
    fn a_full_file_makes_room_for_the_next_and_the_oldest_goes() {
        let dir = std::env::temp_dir().join(format!("gitproc-rotate-{}", std::process::id()));
        std::fs::create_dir(&dir).expect("fresh");
        let path = dir.join("log");
        let names = || {
            let entries = std::fs::read_dir(&dir).expect("ours").flatten();
            let names = entries.map(|entry| entry.file_name().into_string().expect("text"));
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        let rotation = |max_files| LogRotation {
            max_file_size: 100,
            max_files,
            max_file_us: 0,
        };
        let write = |log: &mut LogFile, numbers: std::ops::Range<u32>| {
            for number in numbers {
                let mut record = Vec::new();
                encode(own(Tag::Remark, &format!("{number:080}")), &mut record);
                log.write(&record);
            }
        };
        let last = |number: u32| {
            let text = std::fs::read_to_string(log_files::nth(&path, number)).expect("there");
            let line = text.lines().last().expect("a line");
            line.rsplit(' ')
                .next()
                .expect("text")
                .trim_start_matches('0')
                .to_owned()
        };
        let mut log = LogFile::new(path.to_str().expect("text"), rotation(2));
        log.begins_with("id commit");
        write(&mut log, 1..8);
        assert_eq!(names(), ["log", "log.1", "log.2"]);
        assert_eq!([last(2), last(1), last(0)], ["5", "6", "7"]);
        let first = std::fs::read_to_string(log_files::nth(&path, 1)).expect("there");
        assert!(
            first
                .lines()
                .next()
                .is_some_and(|line| line.ends_with(" i id commit"))
        );
        // Another helper, with less to keep.
        let mut log = LogFile::new(path.to_str().expect("text"), rotation(1));
        write(&mut log, 8..10);
        assert_eq!(names(), ["log", "log.1"]);
        assert_eq!([last(1), last(0)], ["8", "9"]);
        let mut log = LogFile::new(path.to_str().expect("text"), rotation(0));
        write(&mut log, 10..13);
        assert_eq!(names(), ["log"]);
        assert_eq!(last(0), "12");
        std::fs::remove_dir_all(&dir).expect("ours");
    }
}
