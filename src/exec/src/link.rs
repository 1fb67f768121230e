//! One connection to the daemon: lines in, lines out, never blocking, bounded both ways.
use gitproc_core::protocol::{FromHelper, LINE_MAX, ToHelper};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Bytes that may wait for a daemon that does not read. Beyond, the link is closed: the state is
/// kept, and the next link begins with all of it.
const BACKLOG_MAX: usize = 1 << 20;

/// Bytes that wait before notifications of the service have to wait, too: far below the maximum, so
/// that what ends can always be told.
const BACKLOG_HIGH: usize = 64 * 1024;

/// A link. Once closed it stays closed.
pub(crate) struct Link {
    stream: UnixStream,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    open: bool,
}

impl Link {
    pub(crate) fn new(fd: OwnedFd) -> std::io::Result<Link> {
        let stream = UnixStream::from(fd);
        stream.set_nonblocking(true)?;
        Ok(Link {
            stream,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            open: true,
        })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    pub(crate) fn wants_write(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// The daemon is behind; what can wait should.
    pub(crate) fn is_backlogged(&self) -> bool {
        self.open && self.outgoing.len() > BACKLOG_HIGH
    }

    /// Queues a message and sends what goes at once.
    pub(crate) fn send(&mut self, message: &FromHelper) {
        if !self.open {
            return;
        }
        let sized = serde_json::to_writer(&mut self.outgoing, message);
        self.outgoing.push(b'\n');
        if sized.is_err() || self.outgoing.len() > BACKLOG_MAX {
            self.open = false;
        }
        self.flush();
    }

    /// Sends what the socket takes.
    pub(crate) fn flush(&mut self) {
        while self.open && !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(sent) => _ = self.outgoing.drain(..sent),
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => return,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.open = false,
            }
        }
    }

    /// Waits until everything is sent, `timeout_ms` at most: for the last words.
    pub(crate) fn flush_for(&mut self, timeout_ms: u16) {
        use nix::poll::{PollFd, PollFlags, poll};
        self.flush();
        if self.open && self.wants_write() {
            let _ = poll(
                &mut [PollFd::new(self.fd(), PollFlags::POLLOUT)],
                timeout_ms,
            );
            self.flush();
        }
    }

    /// The messages that have come. End of file, an unknown message or a line that is too long
    /// closes the link.
    pub(crate) fn receive(&mut self) -> Vec<ToHelper> {
        let mut chunk = [0; 4096];
        let mut messages = Vec::new();
        while self.open {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.open = false,
                Ok(length) => {
                    self.incoming.extend_from_slice(&chunk[..length]);
                    self.split(&mut messages);
                }
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => break,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.open = false,
            }
        }
        messages
    }

    fn split(&mut self, messages: &mut Vec<ToHelper>) {
        while let Some(end) = self.incoming.iter().position(|byte| *byte == b'\n') {
            match serde_json::from_slice(&self.incoming[..end]) {
                Ok(message) => messages.push(message),
                Err(_) => self.open = false,
            }
            self.incoming.drain(..=end);
        }
        if self.incoming.len() > LINE_MAX {
            self.open = false;
        }
    }
}
