//! Lines of the log as the journal of the host takes them (systemd.io/JOURNAL_NATIVE_PROTOCOL), so that
//! `journalctl -u UNIT` shows them.
//!
//! The unit's own log has every line. The journal must not hold a service up: a line that it does not
//! take at once is counted and told.
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;

/// Room that is asked for what the journal has not read yet, in bytes (as sd_journal_send(3) asks).
const SEND_BUFFER: usize = 8 << 20;

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
    /// Lines that it did not take since the last that it took.
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
        field("GITPROC_INVOCATION_ID", source.invocation);
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
            missed: 0,
        })
    }

    /// One line, without a newline. When it was taken after others that were not: how many those are.
    pub(crate) fn line(&mut self, level: u8, bytes: &[u8]) -> Option<u64> {
        self.message.clone_from(&self.fields);
        add(&mut self.message, "PRIORITY", &[b'0' + level.min(7)]);
        add(&mut self.message, "MESSAGE", bytes);
        match self.send() {
            Ok(()) => Some(std::mem::take(&mut self.missed)).filter(|missed| *missed > 0),
            Err(cause) => {
                if cause.kind() != ErrorKind::WouldBlock {
                    // Another journal may be there for the next line.
                    self.socket = None;
                }
                self.missed += 1;
                None
            }
        }
    }

    /// How many lines it did not take, of which nobody knows yet.
    pub(crate) fn take_missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    fn send(&mut self) -> std::io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect(&self.path)?,
        };
        let sent = self.socket.insert(socket).send(&self.message);
        sent.map(drop)
    }
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
        assert_eq!(journal.line(4, b"x\xff"), None);
        let mut buffer = [0; 1024];
        let length = theirs.recv(&mut buffer).expect("sent");
        let expected = b"SYSLOG_IDENTIFIER=a\nSYSLOG_FACILITY=3\nOBJECT_SYSTEMD_UNIT=a.service\n\
            GITPROC_UNIT=a.service\nGITPROC_INVOCATION_ID=1f\nGITPROC_COMMIT=c0ffee\n\
            TWO\n\x03\0\0\0\0\0\0\x001\n2\nPRIORITY=4\nMESSAGE=x\xff\n";
        assert_eq!(
            buffer[..length].escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
        // Nobody reads: some time it is full.
        let mut sent = 0;
        while journal.missed == 0 {
            assert_eq!(journal.line(6, &[b'x'; 40_000]), None);
            sent += 1;
        }
        for _ in 1..sent {
            theirs.recv(&mut buffer).expect("sent");
        }
        assert_eq!(journal.line(6, b"there is room"), Some(1));
        // It goes, and comes back.
        drop(theirs);
        std::fs::remove_file(&path).expect("ours");
        assert_eq!(journal.line(6, b"lost"), None);
        assert_eq!(journal.line(6, b"lost"), None);
        let _theirs = UnixDatagram::bind(&path).expect("ours");
        assert_eq!(journal.line(6, b"again"), Some(2));
        assert_eq!(journal.take_missed(), 0);
        std::fs::remove_dir_all(&dir).expect("ours");
    }
}
