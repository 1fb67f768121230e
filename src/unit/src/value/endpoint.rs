//! IP addresses with a port, an interface and a name: `[fe80::1]:53%eth0#example.com`.
use super::ValueError;
use super::integer::{NumberError, unsigned};
use super::interface::interface_in_address_is_valid;
use crate::words::is_space;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `[fe80::1]:53%eth0#example.com` and parts of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The address.
    pub ip: IpAddr,
    /// `None`: not given.
    pub port: Option<u16>,
    /// The interface, as a name or a number.
    pub scope: Option<String>,
    /// The name that a server there goes by.
    pub server: Option<String>,
}

/// An address with what may stand around it.
pub fn parse_endpoint(text: &str) -> Result<Endpoint, ValueError> {
    endpoint(text).map_err(|err| err.say(text, "address (such as 127.0.0.1:80, [::1]:80)"))
}

pub(crate) fn endpoint(text: &str) -> Result<Endpoint, NumberError> {
    let (rest, server) = split_tail(text, '#')?;
    let (rest, scope) = split_tail(rest, '%')?;
    if !scope.is_none_or(interface_in_address_is_valid) {
        return Err(NumberError::Form);
    }
    let form = |_| NumberError::Form;
    let (ip, port) = match (rest.strip_prefix('['), rest.rsplit_once(':')) {
        (Some(rest), Some(_)) => {
            let (ip, tail) = rest.rsplit_once("]:").ok_or(NumberError::Form)?;
            (IpAddr::V6(ip.parse().map_err(form)?), Some(port(tail)?))
        }
        (_, Some((ip, tail))) => match rest.parse::<Ipv6Addr>() {
            Ok(ip) => (ip.into(), None),
            Err(_) => {
                let ip: Ipv4Addr = ip.parse().map_err(form)?;
                (ip.into(), Some(port(tail)?))
            }
        },
        (_, None) => (IpAddr::V4(rest.parse().map_err(form)?), None),
    };
    Ok(Endpoint {
        ip,
        port,
        scope: scope.map(str::to_owned),
        server: server.map(str::to_owned),
    })
}

/// What stands before and after `mark`, which must be followed by something.
fn split_tail(text: &str, mark: char) -> Result<(&str, Option<&str>), NumberError> {
    match text.split_once(mark) {
        None => Ok((text, None)),
        Some((_, "")) => Err(NumberError::Form),
        Some((rest, tail)) => Ok((rest, Some(tail))),
    }
}

/// 1 to 65535.
pub(crate) fn port(text: &str) -> Result<u16, NumberError> {
    if text.starts_with(is_space) {
        return Err(NumberError::Form);
    }
    let number = unsigned(text, u64::from(u16::MAX))?;
    match u16::try_from(number) {
        Ok(0) => Err(NumberError::Form),
        Ok(port) => Ok(port),
        Err(_) => Err(NumberError::Range),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ip, self.port) {
            (IpAddr::V4(ip), None) => write!(out, "{ip}")?,
            (IpAddr::V4(ip), Some(port)) => write!(out, "{ip}:{port}")?,
            (IpAddr::V6(ip), None) => out.write_str(&ipv6(ip))?,
            (IpAddr::V6(ip), Some(port)) => write!(out, "[{}]:{port}", ipv6(ip))?,
        }
        // An IPv4 address has no scope.
        if let (Some(scope), true) = (&self.scope, self.ip.is_ipv6()) {
            write!(out, "%{scope}")?;
        }
        match &self.server {
            Some(server) => write!(out, "#{server}"),
            None => Ok(()),
        }
    }
}

/// As the C library prints it: `::1.2.3.4` keeps its dots.
fn ipv6(ip: Ipv6Addr) -> String {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
            let bits = u32::from(high) << 16 | u32::from(low);
            format!("::{}", Ipv4Addr::from(bits))
        }
        _ => ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_reads() {
        for text in [
            "1.2.3.4",
            "1.2.3.4:5",
            "::1",
            "[::1.2.3.4]:5",
            "fe80::1%eth0#a.b",
            "::",
        ] {
            let printed = parse_endpoint(text).map(|endpoint| endpoint.to_string());
            assert_eq!(printed.as_deref(), Ok(text));
        }
        for text in [
            "",
            "a",
            "[::1]",
            "[1.2.3.4]:5",
            "1.2.3.4:",
            "1.2.3.4:0",
            "::1%",
            "::1#",
            "::1%0",
        ] {
            assert!(parse_endpoint(text).is_err(), "{text}");
        }
    }
}
