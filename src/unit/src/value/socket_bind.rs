//! What a service may bind sockets to (`SocketBindAllow=`, `SocketBindDeny=`).
use super::list::room;
use super::{ValueError, choice, parse_port_range, word_for};

/// Address families by the kernel's numbers.
const FAMILIES: [(&str, i32); 2] = [("ipv4", 2), ("ipv6", 10)];
/// IP protocols by their numbers.
const PROTOCOLS: [(&str, i32); 2] = [("tcp", 6), ("udp", 17)];
use crate::words::{Split, words};

/// `[FAMILY:][PROTOCOL:][PORTS]`; what is 0 is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SocketBind {
    /// The kernel's number of the address family.
    pub family: i32,
    /// The number of the IP protocol.
    pub protocol: i32,
    /// How many ports.
    pub ports: u16,
    /// The first of them.
    pub first_port: u16,
}

/// As in the directive.
impl std::fmt::Display for SocketBind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let family = word_for(&FAMILIES, &self.family).map(str::to_owned);
        let protocol = word_for(&PROTOCOLS, &self.protocol).map(str::to_owned);
        let last = self.first_port.saturating_add(self.ports.saturating_sub(1));
        let ports = match self.ports {
            0 => "any".into(),
            1 => self.first_port.to_string(),
            _ => format!("{}-{last}", self.first_port),
        };
        let parts: Vec<String> = family.into_iter().chain(protocol).chain([ports]).collect();
        out.write_str(&parts.join(":"))
    }
}

/// Applies one line to the list so far; the newest comes first, an empty line resets.
pub fn apply_socket_bind(list: &mut Vec<SocketBind>, text: &str) -> Result<(), ValueError> {
    match text {
        "" => list.clear(),
        text => {
            room(list.len())?;
            list.insert(0, parse_socket_bind(text)?);
        }
    }
    Ok(())
}

/// One such rule.
pub fn parse_socket_bind(text: &str) -> Result<SocketBind, ValueError> {
    let wrong = || ValueError::not(text, "rule for sockets (such as ipv4:tcp:8000-8080)");
    let mut rule = SocketBind::default();
    let parts = words(text, &Split::FIELDS).map_err(|err| ValueError(err.to_string()))?;
    let mut parts = parts.iter().map(String::as_str).peekable();
    // Each part may be missing, but the order is fixed.
    let family = parts.peek().and_then(|part| choice(&FAMILIES, part));
    if let Some(family) = family {
        rule.family = family;
        parts.next();
    }
    let protocol = parts.peek().and_then(|part| choice(&PROTOCOLS, part));
    if let Some(protocol) = protocol {
        rule.protocol = protocol;
        parts.next();
    }
    match parts.next() {
        // `parts` is never empty at first: something has been read.
        None | Some("any") => {}
        Some(ports) => {
            let (low, high) = parse_port_range(ports).map_err(|_| wrong())?;
            rule.ports = high - low + 1;
            rule.first_port = low;
        }
    }
    match parts.next() {
        None => Ok(rule),
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first() {
        let mut list = Vec::new();
        for line in ["ipv4", "any", "udp:1-65535"] {
            assert_eq!(apply_socket_bind(&mut list, line), Ok(()));
        }
        let shown: Vec<_> = list
            .iter()
            .map(|rule| (rule.family, rule.protocol, rule.ports, rule.first_port))
            .collect();
        assert_eq!(shown, [(0, 17, 65535, 1), (0, 0, 0, 0), (2, 0, 0, 0)]);
        assert!(apply_socket_bind(&mut list, "ipv4:").is_err());
        assert_eq!(apply_socket_bind(&mut list, ""), Ok(()));
        assert!(list.is_empty());
    }
}
