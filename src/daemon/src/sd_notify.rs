//! Telling systemd how far we are (sd_notify(3)), when it asked for it.
use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The socket named by NOTIFY_SOCKET.
#[derive(Debug)]
pub struct Supervisor {
    address: Option<OsString>,
}

impl Supervisor {
    /// From the environment.
    pub fn from_environment() -> Supervisor {
        Supervisor {
            address: std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()),
        }
    }

    /// The daemon answers, and what lived has been adopted.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// The daemon is about to end.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    fn send(&self, state: &str) {
        let Some(name) = &self.address else { return };
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            _ => SocketAddr::from_pathname(name),
        };
        let sent = address
            .and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
        if let Err(cause) = sent {
            tracing::warn!("notify {}: {cause}, ignoring", name.to_string_lossy());
        }
    }
}
