//! The log writer: two pipes in, records out (`core::logline`).
//!
//! A full disk costs lines, which are counted and told, never the service: the pipes are read on.
use crate::copies::Copies;
use crate::log_file::{LogFile, own};
use gitproc_core::log_files::LogRotation;
use gitproc_core::logline::{self, RECORD_MAX, Record, Tag, encode};
use gitproc_core::spec::Streams;
use std::io::{ErrorKind, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, BorrowedFd};

/// Size that is asked for each pipe, in bytes: what a service may write while the disk is slow.
const PIPE_BYTES: i32 = 256 * 1024;
/// Bytes that are read from one pipe before the other things are looked after.
const ROUND_BYTES: usize = 256 * 1024;

/// One of the two streams.
struct Stream {
    reader: PipeReader,
    identifier: Option<String>,
    copies: Copies,
    /// Begun, not ended.
    line: Vec<u8>,
    tag: fn(bool) -> Tag,
}

/// Writer of one unit's log during one invocation.
pub(crate) struct Log {
    file: LogFile,
    streams: [Stream; 2],
    /// Given to commands; closed at the end.
    writers: Option<[PipeWriter; 2]>,
    /// Records that are to be written in this round.
    pending: Vec<u8>,
}

impl Log {
    /// Lines of `unit` go to the file at `path`, and to wherever `streams` wants them beside.
    pub(crate) fn new(
        path: &str,
        rotation: LogRotation,
        unit: &str,
        streams: &Streams,
    ) -> gitproc_sys::Result<Log> {
        // One word, also where it heads a record of the kernel's log.
        let identifier = streams.identifier.as_deref().map(logline::identifier);
        let name = identifier.as_deref().unwrap_or(unit);
        let [out_copies, err_copies] = streams.copies.map(|copies| Copies::open(copies, name));
        let pipe = || {
            let (reader, writer) = std::io::pipe()
                .map_err(|cause| gitproc_sys::Error::new("make", "log pipe", cause))?;
            gitproc_sys::fd::enlarge_pipe(reader.as_fd(), PIPE_BYTES);
            gitproc_sys::fd::set_nonblocking(reader.as_fd())?;
            Ok((reader, writer))
        };
        let ((out, out_writer), (err, err_writer)) = (pipe()?, pipe()?);
        let stream = |reader, copies, tag| Stream {
            reader,
            copies,
            identifier: identifier.clone(),
            line: Vec::new(),
            tag,
        };
        let mut log = Log {
            file: LogFile::new(path, rotation),
            streams: [
                stream(out, out_copies.0, |partial| Tag::Stdout { partial }),
                stream(err, err_copies.0, |partial| Tag::Stderr { partial }),
            ],
            writers: Some([out_writer, err_writer]),
            pending: Vec::new(),
        };
        for lacking in out_copies.1.iter().chain(&err_copies.1) {
            log.note(Tag::Remark, lacking);
        }
        Ok(log)
    }

    /// The write ends, for stdout and stderr of a command.
    pub(crate) fn writers(&self) -> Option<[BorrowedFd<'_>; 2]> {
        self.writers
            .as_ref()
            .map(|writers| writers.each_ref().map(AsFd::as_fd))
    }

    pub(crate) fn readers(&self) -> [BorrowedFd<'_>; 2] {
        self.streams.each_ref().map(|stream| stream.reader.as_fd())
    }

    /// A record of gitproc's own.
    pub(crate) fn note(&mut self, tag: Tag, text: &str) {
        let bytes = text.replace('\n', " ");
        if tag == Tag::Invocation {
            self.file.begins_with(&bytes);
        }
        encode(own(tag, &bytes), &mut self.pending);
    }

    /// Reads what the pipes hold and writes it in one piece.
    pub(crate) fn pump(&mut self) {
        for stream in &mut self.streams {
            stream.read(&mut self.pending);
        }
        self.flush();
    }

    /// Nobody writes any more: lines without an end are lines.
    pub(crate) fn end_lines(&mut self) {
        self.pump();
        for stream in &mut self.streams {
            stream.end(&mut self.pending);
        }
        self.flush();
    }

    /// Reads until the pipes are empty. A foreign process that holds one open is not waited for.
    pub(crate) fn close(&mut self) {
        self.writers = None;
        while self
            .streams
            .iter_mut()
            .any(|stream| stream.read(&mut self.pending))
        {
            self.flush();
        }
        self.end_lines();
    }

    /// Writes what waits: a remark of this round, which no pipe will announce.
    pub(crate) fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.file.write(&self.pending);
            // The room is kept for the next round, so that busy services cause no allocations.
            self.pending.clear();
        }
    }
}

impl Stream {
    /// Reads one round; true when there may be more.
    fn read(&mut self, out: &mut Vec<u8>) -> bool {
        let mut chunk = [0; 16 * 1024];
        let mut total = 0;
        while total < ROUND_BYTES {
            match self.reader.read(&mut chunk) {
                Ok(0) => return false,
                Ok(length) => {
                    total += length;
                    self.take(&chunk[..length], out);
                }
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let time_us = gitproc_sys::host::realtime_us();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (piece, ended) = match piece.strip_suffix(b"\n") {
                Some(piece) => (piece, true),
                None => (piece, false),
            };
            self.line.extend_from_slice(piece);
            while self.line.len() > RECORD_MAX {
                let record = Record {
                    time_us,
                    tag: (self.tag)(true),
                    identifier: self.identifier.as_deref(),
                    bytes: &self.line[..RECORD_MAX],
                };
                encode(record, out);
                self.copies.line(&self.line[..RECORD_MAX]);
                self.line.drain(..RECORD_MAX);
            }
            if ended {
                encode(
                    Record {
                        time_us,
                        tag: (self.tag)(false),
                        identifier: self.identifier.as_deref(),
                        bytes: &self.line,
                    },
                    out,
                );
                self.copies.line(&self.line);
                self.line.clear();
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if !self.line.is_empty() {
            self.take(b"\n", out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitproc_core::logline::decode;
    use std::io::Write;

    fn logged(write: impl FnOnce(&mut PipeWriter), name: &str) -> Vec<(Tag, Vec<u8>)> {
        let path = std::env::temp_dir().join(format!("gitproc-log-{name}-{}", std::process::id()));
        let rotation = LogRotation::default();
        let path_text = path.to_str().expect("text");
        let mut log =
            Log::new(path_text, rotation, "a.service", &Streams::default()).expect("pipes");
        let mut writer = log.writers.as_mut().expect("open")[0]
            .try_clone()
            .expect("dup");
        write(&mut writer);
        drop(writer);
        log.close();
        let bytes = std::fs::read(&path).expect("written");
        std::fs::remove_file(&path).expect("ours");
        let record = |line: &[u8]| {
            let record = decode(line).expect("a record");
            (record.tag, record.bytes.to_vec())
        };
        bytes
            .strip_suffix(b"\n")
            .expect("ends")
            .split(|b| *b == b'\n')
            .map(record)
            .collect()
    }

    #[test]
    fn any_bytes_come_through_and_the_last_line_needs_no_end() {
        let found = logged(
            |pipe| pipe.write_all(b"a\0\xff\n\nend").expect("room"),
            "bytes",
        );
        let tag = Tag::Stdout { partial: false };
        assert_eq!(
            found,
            [
                (tag, b"a\0\xff".to_vec()),
                (tag, vec![]),
                (tag, b"end".to_vec())
            ]
        );
    }

    #[test]
    fn a_long_line_is_split_and_whole_again_when_joined() {
        let line = vec![b'x'; RECORD_MAX * 2 + 7];
        let found = logged(
            |pipe| {
                pipe.write_all(&line).expect("room");
                pipe.write_all(b"\n").expect("room");
            },
            "long",
        );
        let partial = |partial| Tag::Stdout { partial };
        let tags: Vec<_> = found.iter().map(|(tag, _)| *tag).collect();
        assert_eq!(tags, [partial(true), partial(true), partial(false)]);
        assert_eq!(found.concat_bytes(), line);
    }

    trait Concat {
        fn concat_bytes(&self) -> Vec<u8>;
    }

    impl Concat for Vec<(Tag, Vec<u8>)> {
        fn concat_bytes(&self) -> Vec<u8> {
            self.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
        }
    }
}
