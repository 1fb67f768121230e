//! A blocking client, one request at a time.
use crate::api::Method;
use crate::codec::{self, BadReply};
use crate::error::RpcError;
use crate::frame::{Lines, Oversized, RESPONSE_LINE_MAX};
use crate::message::{Id, Reply};
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest path that fits a socket address (`sun_path` of unix(7), without the NUL).
const SOCKET_PATH_MAX: usize = 107;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing there.
    #[error("there is no socket at {}", .0.display())]
    NoSocket(PathBuf),
    /// A socket that a dead daemon left behind.
    #[error("nobody listens on {}", .0.display())]
    NobodyListens(PathBuf),
    /// The socket's mode does not allow it.
    #[error("no permission to connect to {}", .0.display())]
    NotPermitted(PathBuf),
    /// Anything else.
    #[error("can't connect to {}", path.display())]
    Other {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The daemon says no.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// Nothing came within the time-out.
    #[error("the daemon does not answer")]
    TimedOut,
    /// The daemon went away.
    #[error("the daemon closed the connection")]
    Closed,
    /// The socket failed.
    #[error("can't {action} the daemon's socket")]
    Io {
        /// `read`, `write`
        action: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Parameters that are no JSON.
    #[error("can't encode the request")]
    Encode(#[source] serde_json::Error),
    /// An answer that is no JSON-RPC.
    #[error(transparent)]
    BadReply(#[from] BadReply),
    /// An answer without end.
    #[error("answer of the daemon: {0}")]
    Oversized(#[from] Oversized),
    /// An answer of another shape than the method's.
    #[error("the daemon's answer to '{method}' does not fit (client and daemon of one version?)")]
    BadResult {
        /// The method.
        method: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    lines: Lines,
    next_id: u64,
}

impl Client {
    /// Connects to the socket at `path`, which may be longer than a socket address allows.
    pub fn connect(path: &Path) -> Result<Client, ConnectError> {
        let stream = connect_stream(path)?;
        Ok(Client {
            stream,
            lines: Lines::new(RESPONSE_LINE_MAX),
            next_id: 1,
        })
    }

    /// How long to wait for each line of an answer; `None` waits for ever. After a time-out the
    /// connection is of no more use.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> Result<(), CallError> {
        let failed = |source| CallError::Io {
            action: "set the time-out of",
            source,
        };
        self.stream.set_read_timeout(timeout).map_err(failed)?;
        self.stream.set_write_timeout(timeout).map_err(failed)
    }

    /// Calls `M` and waits for its result. Notifications on the way are dropped.
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, CallError> {
        self.call_streaming::<M>(params, |_, _| ControlFlow::Continue(()))?
            .ok_or(CallError::Closed)
    }

    /// Calls `M`; `on_notification` gets the method and the parameters of each notification before
    /// the result. `None` when it broke off, after which the connection is of no more use.
    pub fn call_streaming<M: Method>(
        &mut self,
        params: &M::Params,
        mut on_notification: impl FnMut(&str, &RawValue) -> ControlFlow<()>,
    ) -> Result<Option<M::Result>, CallError> {
        let id = Id::from(self.next_id);
        self.next_id += 1;
        let line = codec::encode_request(&id, M::NAME, params).map_err(CallError::Encode)?;
        match self.stream.write_all(&line) {
            // A daemon that hangs up at once has said why.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.map_err(|source| io_error("write to", source))?,
        }
        loop {
            match codec::decode_reply(self.read_line()?)? {
                Reply::Notification { method, params } => {
                    if on_notification(&method, &params).is_break() {
                        return Ok(None);
                    }
                }
                // Errors about a line that could not be read have no id.
                Reply::Response(response) if response.id == id || response.id == Id::Null => {
                    let result = response.outcome?;
                    return serde_json::from_str(result.get())
                        .map(Some)
                        .map_err(|source| CallError::BadResult {
                            method: M::NAME,
                            source,
                        });
                }
                Reply::Response(_) => {} // to an earlier call that was broken off
            }
        }
    }

    fn read_line(&mut self) -> Result<&[u8], CallError> {
        let mut chunk = vec![0; CHUNK];
        while !self.lines.has_line()? {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(CallError::Closed),
                Ok(count) => self.lines.push(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(io_error("read from", source)),
            }
        }
        Ok(self.lines.next_line()?.expect("has_line said so"))
    }
}

/// Connects a plain stream to the socket at `path`, which may be longer than an address allows.
pub fn connect_stream(path: &Path) -> Result<UnixStream, ConnectError> {
    let connected = match path.as_os_str().len() <= SOCKET_PATH_MAX {
        true => UnixStream::connect(path),
        false => connect_by_directory(path),
    };
    connected.map_err(|source| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => ConnectError::NoSocket(path.into()),
        ErrorKind::ConnectionRefused => ConnectError::NobodyListens(path.into()),
        ErrorKind::PermissionDenied => ConnectError::NotPermitted(path.into()),
        _ => ConnectError::Other {
            path: path.into(),
            source,
        },
    })
}

/// By an open descriptor of the directory the path is short, however deep the directory lies.
fn connect_by_directory(path: &Path) -> io::Result<UnixStream> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let directory = File::open(directory)?;
    let by_fd = format!("/proc/self/fd/{}", directory.as_raw_fd());
    UnixStream::connect(Path::new(&by_fd).join(name))
}

fn io_error(action: &'static str, source: io::Error) -> CallError {
    match source.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => CallError::TimedOut,
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => CallError::Closed,
        _ => CallError::Io { action, source },
    }
}

#[cfg(test)]
mod tests;
