//! Lines of the log as the journal of the host takes them (systemd.io/JOURNAL_NATIVE_PROTOCOL), so that
//! `journalctl -u UNIT` shows them.
//!
//! The unit's own log has every line. The journal must not hold a service up: lines that it does not
//! take at once wait in memory, and those that find no room there are counted and told.
use nix::poll::{PollFd, PollFlags, poll};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

/// Room that is asked for what the journal has not read yet, in bytes (as sd_journal_send(3) asks).
const SEND_BUFFER: usize = 8 << 20;
/// Most memory that lines take while they wait, in bytes.
const QUEUE_MAX: usize = 4 << 20;

/// Whose lines they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) unit: &'a str,
    pub(crate) invocation: &'a str,
    pub(crate) commit: Option<&'a str>,
}

/// The way to the journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: String,
    socket: Option<UnixDatagram>,
    /// Fields that are the same for each line.
    fields: Vec<u8>,
    /// The datagram, whose room is kept.
    message: Vec<u8>,
    /// Lines that it has not taken yet, each with its level.
    waiting: VecDeque<(u8, Vec<u8>)>,
    /// What they take.
    waiting_bytes: usize,
    /// Lines that found no room there, of which nobody knows yet.
    missed: u64,
}

impl Journal {
    /// Lines will be shown under `identifier`. Fails when there is no journal.
    pub(crate) fn open(
        path: &str,
        source: Source<'_>,
        identifier: &str,
        facility: u8,
        extra: &[String],
    ) -> std::io::Result<Journal> {
        let mut fields = Vec::new();
        let mut field = |name: &str, value: &str| add(&mut fields, name, value.as_bytes());
        field("SYSLOG_IDENTIFIER", identifier);
        field("SYSLOG_FACILITY", &facility.to_string());
        // What `journalctl -u` looks for in messages of root about a unit.
        field("OBJECT_SYSTEMD_UNIT", source.unit);
        field("GITPROC_UNIT", source.unit);
        field("GITPROC_INVOCATION", source.invocation);
        if let Some(commit) = source.commit {
            field("GITPROC_COMMIT", commit);
        }
        for (name, value) in extra.iter().filter_map(|extra| extra.split_once('=')) {
            field(name, value);
        }
        Ok(Journal {
            socket: Some(connect(path)?),
            path: path.to_owned(),
            fields,
            message: Vec::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            missed: 0,
        })
    }

    /// One line, without a newline.
    pub(crate) fn line(&mut self, level: u8, bytes: &[u8]) {
        if self.waiting.is_empty() && self.send(level, bytes).is_ok() {
            return;
        }
        let room = QUEUE_MAX.saturating_sub(self.waiting_bytes);
        if cost(bytes) > room {
            self.missed += 1;
            return;
        }
        self.waiting_bytes += cost(bytes);
        self.waiting.push_back((level, bytes.to_vec()));
    }

    /// Sends what waits, as much as is taken at once. When nothing waits any more: how many lines were
    /// lost, if any.
    pub(crate) fn flush(&mut self) -> Option<u64> {
        while let Some((level, bytes)) = self.waiting.pop_front() {
            if self.send(level, &bytes).is_err() {
                self.waiting.push_front((level, bytes));
                return None;
            }
            self.waiting_bytes -= cost(&bytes);
        }
        Some(std::mem::take(&mut self.missed)).filter(|missed| *missed > 0)
    }

    /// To be written to once there is room.
    pub(crate) fn wants_write(&self) -> Option<BorrowedFd<'_>> {
        let socket = self.socket.as_ref().filter(|_| !self.waiting.is_empty());
        socket.map(AsFd::as_fd)
    }

    /// Sends what waits, for so long at most; how many lines were lost.
    pub(crate) fn close(&mut self, limit: Duration) -> u64 {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(missed) = self.flush() {
                return missed;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let millis = u16::try_from(left.as_millis()).unwrap_or(u16::MAX);
            let ready = self.wants_write().map(|socket| {
                let mut fds = [PollFd::new(socket, PollFlags::POLLOUT)];
                poll(&mut fds, millis)
            });
            if !matches!(ready, Some(Ok(1..))) || millis == 0 {
                self.waiting_bytes = 0;
                let lost = std::mem::take(&mut self.waiting).len() as u64;
                return std::mem::take(&mut self.missed) + lost;
            }
        }
    }

    fn send(&mut self, level: u8, bytes: &[u8]) -> std::io::Result<()> {
        self.message.clone_from(&self.fields);
        add(&mut self.message, "PRIORITY", &[b'0' + level.min(7)]);
        add(&mut self.message, "MESSAGE", bytes);
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect(&self.path)?,
        };
        let sent = self.socket.insert(socket).send(&self.message);
        let too_long = |cause: &std::io::Error| cause.raw_os_error() == Some(nix::libc::EMSGSIZE);
        if sent.as_ref().is_err_and(too_long) {
            // No journal will ever take it; others must not wait behind it.
            self.missed += 1;
            return Ok(());
        }
        if sent
            .as_ref()
            .is_err_and(|cause| cause.kind() != ErrorKind::WouldBlock)
        {
            // Another journal may be there next time.
            self.socket = None;
        }
        sent.map(drop)
    }
}

/// Bytes that a line takes while it waits.
fn cost(bytes: &[u8]) -> usize {
    bytes.len() + size_of::<(u8, Vec<u8>)>()
}

fn connect(path: &str) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // As much of it as the host grants.
    let _ = nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::SndBuf, &SEND_BUFFER);
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
}

/// A value with a newline goes with its length before it.
fn add(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_is_full_or_gone_is_told_of_and_used_again() {
        let dir = std::env::temp_dir().join(format!("gitproc-journal-{}", std::process::id()));
        std::fs::create_dir(&dir).expect("fresh");
        let path = dir.join("socket");
        let text = path.to_str().expect("text");
        let source = Source {
            unit: "a.service",
            invocation: "1f",
            commit: Some("c0ffee"),
        };
        let extra = ["TWO=1\n2".to_owned()];
        assert!(Journal::open(text, source, "a", 3, &extra).is_err());
        let theirs = UnixDatagram::bind(&path).expect("ours");
        let mut journal = Journal::open(text, source, "a", 3, &extra).expect("there");
        journal.line(4, b"x\xff");
        let mut buffer = [0; 1024];
        let length = theirs.recv(&mut buffer).expect("sent");
        let expected = b"SYSLOG_IDENTIFIER=a\nSYSLOG_FACILITY=3\nOBJECT_SYSTEMD_UNIT=a.service\n\
            GITPROC_UNIT=a.service\nGITPROC_INVOCATION=1f\nGITPROC_COMMIT=c0ffee\n\
            TWO\n\x03\0\0\0\0\0\0\x001\n2\nPRIORITY=4\nMESSAGE=x\xff\n";
        assert_eq!(
            buffer[..length].escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
        // Nobody reads: some time it is full, then no more may wait.
        let mut written = 0;
        while journal.missed == 0 {
            journal.line(6, format!("{written:040000}").as_bytes());
            written += 1;
        }
        assert!(journal.wants_write().is_some() && journal.waiting_bytes <= QUEUE_MAX);
        journal.line(6, &[b'x'; 40_000]);
        // All that found room comes in order.
        let mut told = None;
        let mut large = vec![0; 64 * 1024];
        for number in 0..written - 1 {
            told = told.or(journal.flush());
            let length = theirs.recv(&mut large).expect("sent");
            let text = String::from_utf8_lossy(&large[..length]).into_owned();
            assert!(text.ends_with(&format!("{number:040000}\n")), "{number}");
        }
        assert_eq!(told.or(journal.flush()), Some(2));
        assert_eq!((journal.waiting_bytes, journal.flush()), (0, None));
        assert!(journal.wants_write().is_none());
        // What is too long for any journal holds nothing up.
        journal.line(6, &vec![b'x'; 64 << 20]);
        assert_eq!(journal.flush(), Some(1));
        // It goes, and comes back.
        drop(theirs);
        std::fs::remove_file(&path).expect("ours");
        journal.line(6, b"kept");
        journal.line(6, b"kept too");
        let theirs = UnixDatagram::bind(&path).expect("ours");
        assert_eq!(journal.flush(), None);
        for text in ["MESSAGE=kept\n", "MESSAGE=kept too\n"] {
            let length = theirs.recv(&mut buffer).expect("sent");
            assert!(buffer[..length].ends_with(text.as_bytes()));
        }
        // What still waits at the end is lost.
        drop(theirs);
        std::fs::remove_file(&path).expect("ours");
        journal.line(6, b"lost");
        assert_eq!(journal.close(Duration::from_millis(1)), 1);
        std::fs::remove_dir_all(&dir).expect("ours");
    }
}
