//! The log writer: two pipes in, records out (`core::logline`).
//!
//! A full disk costs lines, which are counted and told, never the service: the pipes are read on.
use crate::copies::Copies;
use crate::journal::{Journal, Source};
use crate::log_file::{LogFile, own};
use gitproc_core::log_files::LogRotation;
use gitproc_core::log_policy::{LogPolicy, RateLimiter, Verdict};
use gitproc_core::logline::{self, RECORD_MAX, Record, Tag, encode};
use gitproc_core::spec::Streams;
use std::io::{ErrorKind, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Size that is asked for each pipe, in bytes: what a service may write while the disk is slow.
const PIPE_BYTES: i32 = 256 * 1024;
/// How long the journal has at the end for what waits.
const JOURNAL_LIMIT: Duration = Duration::from_secs(1);
/// Bytes that are read from one pipe before the other things are looked after.
const ROUND_BYTES: usize = 256 * 1024;

/// One of the two streams.
struct Stream {
    reader: PipeReader,
    /// Begun, not ended.
    line: Vec<u8>,
    sink: Sink,
}

/// Where pieces of its lines go.
struct Sink {
    copies: Copies,
    tag: fn(bool) -> Tag,
    /// Of the line whose first pieces have been taken.
    going_on: Option<Fate>,
}

/// What becomes of a line.
#[derive(Clone, Copy)]
struct Fate {
    level: u8,
    kept: bool,
}

/// What holds for the lines of both streams.
struct Shared {
    identifier: Option<String>,
    policy: LogPolicy,
    limiter: Option<RateLimiter>,
    began: Instant,
    journal: Option<Journal>,
    /// Records that are to be written in this round.
    pending: Vec<u8>,
}

/// Writer of one unit's log during one invocation.
pub(crate) struct Log {
    file: LogFile,
    streams: [Stream; 2],
    /// Given to commands; closed at the end.
    writers: Option<[PipeWriter; 2]>,
    shared: Shared,
}

impl Log {
    /// Lines of `source` go to the file at `path`, and to wherever `streams` wants them beside.
    pub(crate) fn new(
        path: &str,
        rotation: LogRotation,
        source: Source<'_>,
        streams: &Streams,
    ) -> gitproc_sys::Result<Log> {
        // One word, also where it heads a record of the kernel's log.
        let identifier = streams.identifier.as_deref().map(logline::identifier);
        let name = identifier.as_deref().unwrap_or(source.unit);
        let policy = streams.policy.clone();
        let [out_copies, err_copies] = streams
            .copies
            .map(|copies| Copies::open(copies, name, policy.facility));
        let (journal, no_journal) = match &policy.journal {
            None => (None, None),
            Some(copy) => {
                let path = &copy.socket;
                match Journal::open(path, source, name, policy.facility, &policy.fields) {
                    Ok(journal) => (Some(journal), None),
                    Err(cause) if copy.optional && cause.kind() == ErrorKind::NotFound => {
                        (None, None)
                    }
                    Err(cause) => {
                        let why = format!("lines are not sent to the journal at {path}: {cause}");
                        (None, Some(why))
                    }
                }
            }
        };
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
            line: Vec::new(),
            sink: Sink {
                copies,
                tag,
                going_on: None,
            },
        };
        let mut log = Log {
            file: LogFile::new(path, rotation),
            streams: [
                stream(out, out_copies.0, |partial| Tag::Stdout { partial }),
                stream(err, err_copies.0, |partial| Tag::Stderr { partial }),
            ],
            writers: Some([out_writer, err_writer]),
            shared: Shared {
                identifier,
                limiter: policy.limit.map(RateLimiter::new),
                policy,
                began: Instant::now(),
                journal,
                pending: Vec::new(),
            },
        };
        for lacking in out_copies.1.iter().chain(&err_copies.1).chain(&no_journal) {
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

    /// The journal, while it is to be written to.
    pub(crate) fn journal_wants_write(&self) -> Option<BorrowedFd<'_>> {
        self.shared.journal.as_ref().and_then(Journal::wants_write)
    }

    /// A record of gitproc's own.
    pub(crate) fn note(&mut self, tag: Tag, text: &str) {
        let bytes = text.replace('\n', " ");
        if tag == Tag::Invocation {
            self.file.begins_with(&bytes);
        }
        encode(own(tag, &bytes), &mut self.shared.pending);
    }

    /// Reads what the pipes hold and writes it in one piece.
    pub(crate) fn pump(&mut self) {
        for stream in &mut self.streams {
            stream.read(&mut self.shared);
        }
        let missed = self.shared.journal.as_mut().and_then(Journal::flush);
        self.shared.tell_missed(missed.unwrap_or(0));
        self.flush();
    }

    /// Nobody writes any more: lines without an end are lines.
    pub(crate) fn end_lines(&mut self) {
        self.pump();
        for stream in &mut self.streams {
            stream.end(&mut self.shared);
        }
        self.flush();
    }

    /// Reads until the pipes are empty. A foreign process that holds one open is not waited for.
    pub(crate) fn close(&mut self) {
        self.writers = None;
        while self
            .streams
            .iter_mut()
            .any(|stream| stream.read(&mut self.shared))
        {
            self.flush();
        }
        self.end_lines();
        self.shared.tell_what_is_left();
        self.flush();
    }

    /// Writes what waits: a remark of this round, which no pipe will announce.
    pub(crate) fn flush(&mut self) {
        if !self.shared.pending.is_empty() {
            self.file.write(&self.shared.pending);
            // The room is kept for the next round, so that busy services cause no allocations.
            self.shared.pending.clear();
        }
    }
}

impl Stream {
    /// Reads one round; true when there may be more.
    fn read(&mut self, shared: &mut Shared) -> bool {
        let mut chunk = [0; 16 * 1024];
        let mut total = 0;
        while total < ROUND_BYTES {
            match self.reader.read(&mut chunk) {
                Ok(0) => return false,
                Ok(length) => {
                    total += length;
                    self.take(&chunk[..length], shared);
                }
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    fn take(&mut self, bytes: &[u8], shared: &mut Shared) {
        let time_us = gitproc_sys::host::realtime_us();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (piece, ended) = match piece.strip_suffix(b"\n") {
                Some(piece) => (piece, true),
                None => (piece, false),
            };
            self.line.extend_from_slice(piece);
            while self.line.len() > RECORD_MAX {
                let piece = &self.line[..RECORD_MAX];
                self.sink.piece(time_us, piece, true, shared);
                self.line.drain(..RECORD_MAX);
            }
            if ended {
                self.sink.piece(time_us, &self.line, false, shared);
                self.line.clear();
            }
        }
    }

    fn end(&mut self, shared: &mut Shared) {
        if !self.line.is_empty() {
            self.take(b"\n", shared);
        }
    }
}

impl Sink {
    /// A piece of a line, which `goes_on` or ends.
    fn piece(&mut self, time_us: u64, bytes: &[u8], goes_on: bool, shared: &mut Shared) {
        let (fate, bytes) = match self.going_on {
            Some(fate) => (fate, bytes),
            None => shared.judge(bytes),
        };
        self.going_on = goes_on.then_some(fate);
        if !fate.kept {
            return;
        }
        let record = Record {
            time_us,
            tag: (self.tag)(goes_on),
            level: fate.level,
            identifier: shared.identifier.as_deref(),
            bytes,
        };
        encode(record, &mut shared.pending);
        self.copies.line(fate.level, bytes);
        if let Some(journal) = &mut shared.journal {
            journal.line(fate.level, bytes);
        }
    }
}

impl Shared {
    /// What becomes of a line that begins so, and its text without what tells its level.
    fn judge<'a>(&mut self, line: &'a [u8]) -> (Fate, &'a [u8]) {
        let (level, text) = self.policy.level_of(line);
        let kept = self.policy.keeps(level) && self.admits(level);
        (Fate { level, kept }, text)
    }

    fn admits(&mut self, level: u8) -> bool {
        let Some(limiter) = &mut self.limiter else {
            return true;
        };
        let now_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        match limiter.admit(now_us, level) {
            Verdict::Suppress => false,
            Verdict::Keep { suppressed } => {
                self.tell_suppressed(suppressed);
                true
            }
        }
    }

    /// What only a next line would tell.
    fn tell_what_is_left(&mut self) {
        let suppressed = self.limiter.as_mut().map(RateLimiter::take_suppressed);
        self.tell_suppressed(suppressed.unwrap_or(0));
        let journal = self.journal.as_mut();
        let missed = journal.map(|journal| journal.close(JOURNAL_LIMIT));
        self.tell_missed(missed.unwrap_or(0));
    }

    fn tell_suppressed(&mut self, lines: u64) {
        if lines > 0 {
            let text = format!("{lines} lines suppressed (LogRateLimitBurst=)");
            encode(own(Tag::Remark, &text), &mut self.pending);
        }
    }

    fn tell_missed(&mut self, lines: u64) {
        if lines > 0 {
            let text = format!("{lines} lines did not reach the journal; they are in this log");
            encode(own(Tag::Remark, &text), &mut self.pending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitproc_core::logline::decode;
    use std::io::Write;

    fn source() -> Source<'static> {
        Source {
            unit: "a.service",
            invocation: "1f",
            commit: None,
        }
    }

    fn logged(write: impl FnOnce(&mut PipeWriter), name: &str) -> Vec<(Tag, Vec<u8>)> {
        let path = std::env::temp_dir().join(format!("gitproc-log-{name}-{}", std::process::id()));
        let rotation = LogRotation::default();
        let path_text = path.to_str().expect("text");
        let mut log = Log::new(path_text, rotation, source(), &Streams::default()).expect("pipes");
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
