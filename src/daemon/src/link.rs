//! The link to one helper: JSON lines both ways, bounded.
use crate::lines::{LineError, Lines};
use gitproc_core::protocol::{FromHelper, LINE_MAX, PROTOCOL_VERSION, ToHelper};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// How long a helper may take to read one line. It is single-threaded and does nothing that
/// blocks; the socket buffer holds hundreds of lines.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// What can be wrong with a link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Reading or framing.
    #[error(transparent)]
    Line(#[from] LineError),
    /// Writing.
    #[error("write: {0}")]
    Write(std::io::Error),
    /// The helper does not read.
    #[error("the helper does not read")]
    Deaf,
    /// No message of this protocol.
    #[error("no message of the helper protocol: {0}")]
    Garbage(serde_json::Error),
    /// A helper of another version.
    #[error("the helper speaks version {0} of the protocol, not {PROTOCOL_VERSION}")]
    Version(u32),
}

/// One link.
#[derive(Debug)]
pub struct Link {
    lines: Lines<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Link {
    /// Over a connected socket.
    pub fn new(stream: std::os::unix::net::UnixStream) -> Result<Link, LinkError> {
        let prepare = || {
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream)
        };
        let (read, write) = prepare().map_err(LineError::Read)?.into_split();
        Ok(Link {
            lines: Lines::new(read, LINE_MAX),
            write,
        })
    }

    /// The next message; `None` at the end. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<FromHelper>, LinkError> {
        let line = match self.lines.next().await {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(None),
            // A helper that died without having read all is reported so; it is the end as well.
            Err(LineError::Read(cause)) if cause.kind() == std::io::ErrorKind::ConnectionReset => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let message = serde_json::from_slice(&line).map_err(LinkError::Garbage)?;
        match message {
            FromHelper::Hello { version, .. } if version != PROTOCOL_VERSION => {
                Err(LinkError::Version(version))
            }
            message => Ok(Some(message)),
        }
    }

    /// Says something to the helper.
    pub async fn send(&mut self, message: &ToHelper) -> Result<(), LinkError> {
        let mut line = serde_json::to_vec(message).map_err(LinkError::Garbage)?;
        line.push(b'\n');
        tokio::time::timeout(SEND_TIMEOUT, self.write.write_all(&line))
            .await
            .map_err(|_| LinkError::Deaf)?
            .map_err(LinkError::Write)
    }
}
