//! Addresses that sockets listen on (systemd.socket(5)), and how systemd prints them.
use super::endpoint::{Endpoint, endpoint, port};
use super::integer::{NumberError, unsigned};
use super::{ValueError, choice};
use crate::words::is_space;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Longest path or name of a UNIX socket, in bytes (`sun_path` without its NUL).
const UNIX_MAX: usize = 107;

/// Netlink protocols by the kernel's numbers (netlink(7)).
const NETLINK: [(&str, u32); 18] = [
    ("route", 0),
    ("firewall", 3),
    ("inet-diag", 4),
    ("nflog", 5),
    ("xfrm", 6),
    ("selinux", 7),
    ("iscsi", 8),
    ("audit", 9),
    ("fib-lookup", 10),
    ("connector", 11),
    ("netfilter", 12),
    ("ip6-fw", 13),
    ("dnrtmsg", 14),
    ("kobject-uevent", 15),
    ("generic", 16),
    ("scsitransport", 18),
    ("ecryptfs", 19),
    ("rdma", 20),
];

/// An address to listen on; its text is what systemd shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketAddress {
    /// A path, or `@` and the name of an abstract socket.
    Unix(String),
    /// A port of one address, or of all.
    Inet(Endpoint),
    /// A port of a virtual machine; `None`: of any.
    Vsock {
        /// Which machine.
        cid: Option<u32>,
        /// Which port of it.
        port: u32,
    },
    /// A kernel interface.
    Netlink {
        /// The kernel's number of the protocol.
        protocol: u32,
        /// Multicast groups.
        groups: u32,
    },
}

impl SocketAddress {
    /// The kernel's number of the address family.
    pub fn family(&self) -> i32 {
        match self {
            SocketAddress::Unix(_) => 1,
            SocketAddress::Inet(endpoint) => match endpoint.ip {
                IpAddr::V4(_) => 2,
                IpAddr::V6(_) => 10,
            },
            SocketAddress::Vsock { .. } => 40,
            SocketAddress::Netlink { .. } => 16,
        }
    }
}

/// The address on a line of `ListenStream=`, `ListenDatagram=`, `ListenSequentialPacket=` or
/// `ListenNetlink=`.
pub fn parse_listen(key: &str, text: &str) -> Result<SocketAddress, ValueError> {
    if key == "ListenNetlink" {
        return parse_netlink_address(text);
    }
    // /var/run is the old name of /run.
    let address = match text.strip_prefix("/var/run/") {
        Some(rest) => parse_socket_address(&format!("/run/{rest}"))?,
        None => parse_socket_address(text)?,
    };
    match address {
        SocketAddress::Inet(_) | SocketAddress::Vsock { .. } if key == "ListenSequentialPacket" => {
            Err(ValueError::not(
                text,
                "UNIX socket, which sequential packets need",
            ))
        }
        address => Ok(address),
    }
}

/// A UNIX socket, a port, or an address with its port. A port alone is one of all addresses, IPv6 and
/// IPv4.
pub fn parse_socket_address(text: &str) -> Result<SocketAddress, ValueError> {
    let wanted =
        "socket address (such as /run/x.sock, @name, 80, 127.0.0.1:80, [::1]:80, vsock::1)";
    let wrong = || ValueError::not(text, wanted);
    if text.starts_with(['/', '@']) {
        let length = 2..=UNIX_MAX;
        return match length.contains(&text.len()) {
            true => Ok(SocketAddress::Unix(text.to_owned())),
            false => Err(ValueError(format!(
                "the name of a UNIX socket must have 2 to {UNIX_MAX} bytes: '{}'",
                crate::text::excerpt(text)
            ))),
        };
    }
    if let Some(rest) = text.strip_prefix("vsock:") {
        let (cid, port) = rest.split_once(':').ok_or_else(wrong)?;
        let cid = match cid {
            "" => None,
            cid => Some(number(cid).map_err(|err| err.say(text, wanted))?),
        };
        let port = number(port).map_err(|err| err.say(text, wanted))?;
        // -1 is how the kernel says "any".
        let cid = cid.filter(|&cid| cid != u32::MAX);
        return Ok(SocketAddress::Vsock { cid, port });
    }
    match port(text) {
        Ok(port) => Ok(SocketAddress::Inet(Endpoint {
            ip: Ipv6Addr::UNSPECIFIED.into(),
            port: Some(port),
            scope: None,
            server: None,
        })),
        Err(NumberError::Range) => Err(ValueError::beyond(text, "port (1 to 65535)")),
        Err(NumberError::Form) => {
            let endpoint = endpoint(text).map_err(|err| err.say(text, wanted))?;
            match endpoint {
                Endpoint { port: None, .. }
                | Endpoint {
                    server: Some(_), ..
                } => Err(wrong()),
                endpoint => Ok(SocketAddress::Inet(endpoint)),
            }
        }
    }
}

/// `ListenNetlink=`: a protocol and, perhaps, groups: `kobject-uevent 1`.
pub fn parse_netlink_address(text: &str) -> Result<SocketAddress, ValueError> {
    let wanted = "netlink address (such as kobject-uevent 1)";
    let text = text.trim_start_matches(is_space);
    let (name, groups) = text.split_once(is_space).unwrap_or((text, ""));
    let protocol = match choice(&NETLINK, name) {
        Some(protocol) => protocol,
        None => unsigned(name, u64::from(i32::MAX.unsigned_abs()))
            .and_then(|number| u32::try_from(number).map_err(|_| NumberError::Range))
            .map_err(|err| err.say(name, wanted))?,
    };
    let groups = match groups.trim_start_matches(is_space) {
        "" => 0,
        groups => number(groups).map_err(|err| err.say(text, wanted))?,
    };
    Ok(SocketAddress::Netlink { protocol, groups })
}

fn number(text: &str) -> Result<u32, NumberError> {
    let number = unsigned(text, u64::from(u32::MAX))?;
    u32::try_from(number).map_err(|_| NumberError::Range)
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SocketAddress::Unix(name) => out.write_str(&escape(name)),
            SocketAddress::Inet(endpoint) => endpoint.fmt(out),
            SocketAddress::Vsock { cid: None, port } => write!(out, "vsock::{port}"),
            SocketAddress::Vsock {
                cid: Some(cid),
                port,
            } => write!(out, "vsock:{cid}:{port}"),
            SocketAddress::Netlink { protocol, groups } => {
                match NETLINK.iter().find(|(_, known)| known == protocol) {
                    Some((name, _)) => write!(out, "{name} {groups}"),
                    None => write!(out, "{protocol} {groups}"),
                }
            }
        }
    }
}

/// With C escapes for what is not printable ASCII.
fn escape(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            11 => out.push_str("\\v"),
            b'\\' | b'"' | b'\'' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..127 => out.push(char::from(byte)),
            byte => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_systemd_shows() {
        for (text, shown) in [
            ("80", "[::]:80"),
            ("0x50", "[::]:80"),
            ("0.0.0.0:143", "0.0.0.0:143"),
            ("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1"),
            ("[::1.2.3.4]:1", "[::1.2.3.4]:1"),
            ("[fe80::1]:53%eth0", "[fe80::1]:53%eth0"),
            ("vsock:4294967295:7", "vsock::7"),
            ("@fcm_clif", "@fcm_clif"),
            ("/run/a b\"é", "/run/a b\\\"\\303\\251"),
        ] {
            let address = parse_socket_address(text).map(|address| address.to_string());
            assert_eq!(address.as_deref(), Ok(shown), "{text}");
        }
        for text in [
            "",
            "/",
            "@",
            " 80",
            "0",
            "::1",
            "1.2.3.4",
            "01.2.3.4:5",
            "a:80",
            "[::1]:80#x",
        ] {
            assert!(parse_socket_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prints_netlink() {
        for (text, shown) in [
            ("audit", "audit 0"),
            ("route\t 1361", "route 1361"),
            ("2", "2 0"),
        ] {
            let address = parse_netlink_address(text).map(|address| address.to_string());
            assert_eq!(address.as_deref(), Ok(shown), "{text}");
        }
        assert!(parse_netlink_address("audit 1 ").is_err());
    }
}
