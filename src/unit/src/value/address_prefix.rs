//! Networks that a service may talk to (`IPAddressAllow=`, `IPAddressDeny=`).
use super::ValueError;
use super::integer::unsigned;
use super::list::{Split, each_word};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Words that stand for an IPv4 and an IPv6 network; `localhost` has more spellings.
const NAMED: [(&str, [AddressPrefix; 2]); 4] = [
    ("any", [v4([0, 0, 0, 0], 0), v6([0; 8], 0)]),
    (
        "localhost",
        [v4([127, 0, 0, 0], 8), v6([0, 0, 0, 0, 0, 0, 0, 1], 128)],
    ),
    (
        "link-local",
        [
            v4([169, 254, 0, 0], 16),
            v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 64),
        ],
    ),
    (
        "multicast",
        [v4([224, 0, 0, 0], 4), v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8)],
    ),
];

/// A network: an address whose bits behind the prefix are zero. IPv4 sorts before IPv6, shorter
/// prefixes before longer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPrefix {
    ip: IpAddr,
    length: u8,
}

impl AddressPrefix {
    /// The kernel's number of the address family: 2 or 10.
    pub fn family(&self) -> i32 {
        match self.ip {
            IpAddr::V4(_) => 2,
            IpAddr::V6(_) => 10,
        }
    }

    /// 4 or 16 bytes.
    pub fn bytes(&self) -> Vec<u8> {
        match self.ip {
            IpAddr::V4(ip) => ip.octets().into(),
            IpAddr::V6(ip) => ip.octets().into(),
        }
    }

    /// Bits of the prefix.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// The network that `ip` is in.
    fn around(ip: IpAddr, length: u8) -> AddressPrefix {
        let ip = match ip {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                Ipv4Addr::from_bits(ip.to_bits() & mask).into()
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                Ipv6Addr::from_bits(ip.to_bits() & mask).into()
            }
        };
        AddressPrefix { ip, length }
    }
}

impl Ord for AddressPrefix {
    fn cmp(&self, other: &AddressPrefix) -> std::cmp::Ordering {
        let key = |prefix: &AddressPrefix| (prefix.ip.is_ipv6(), prefix.length, prefix.ip);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for AddressPrefix {
    fn partial_cmp(&self, other: &AddressPrefix) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// `10.0.0.0/8`
impl std::fmt::Display for AddressPrefix {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.ip, self.length)
    }
}

/// Applies one line to the networks so far: networks, addresses and words such as `localhost`; an
/// empty line resets.
pub fn apply_address_prefixes(
    set: &mut BTreeSet<AddressPrefix>,
    text: &str,
) -> Result<(), ValueError> {
    if text.is_empty() {
        set.clear();
    }
    each_word(text, Split::Plain, |word| {
        let name = if is_localhost(word) {
            "localhost"
        } else {
            word
        };
        match super::choice(&NAMED, name) {
            Some(both) => set.extend(both),
            None => {
                set.insert(parse_address_prefix(word)?);
            }
        }
        Ok(())
    })
}

/// `10.0.0.0/8`, `::1`; without a length the whole address counts.
pub fn parse_address_prefix(text: &str) -> Result<AddressPrefix, ValueError> {
    let wanted = "network (such as 10.0.0.0/8, ::1, localhost, any)";
    let wrong = |_| ValueError::not(text, wanted);
    let (ip, length) = match text.split_once('/') {
        Some((ip, length)) => (ip, Some(length)),
        None => (text, None),
    };
    let ip: IpAddr = ip.parse().map_err(wrong)?;
    let bits: u8 = if ip.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => bits,
        Some(length) => {
            let length = unsigned(length, bits.into()).map_err(|err| err.say(text, wanted))?;
            u8::try_from(length).unwrap_or(bits)
        }
    };
    Ok(AddressPrefix::around(ip, length))
}

/// The names of the host itself (RFC 6761).
fn is_localhost(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let word = word.strip_suffix('.').unwrap_or(&word);
    let word = word.strip_suffix(".localdomain").unwrap_or(word);
    word == "localhost" || word.ends_with(".localhost")
}

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> AddressPrefix {
    AddressPrefix {
        ip: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        length,
    }
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], length: u8) -> AddressPrefix {
    AddressPrefix {
        ip: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)),
        length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_lines() {
        for (lines, networks) in [
            (&["any"][..], "0.0.0.0/0 ::/0"),
            (
                &["localhost", "x.LOCALHOST.localdomain."],
                "127.0.0.0/8 ::1/128",
            ),
            (
                &["link-local multicast"],
                "224.0.0.0/4 169.254.0.0/16 ff00::/8 fe80::/64",
            ),
            (
                &["10.1.2.3/8 10.0.0.0/8 10.1.2.3"],
                "10.0.0.0/8 10.1.2.3/32",
            ),
            (&["fe80::1/0x10"], "fe80::/16"),
            (&["any", ""], ""),
            (&["nope 10.0.0.0/33 1.2.3.4/0"], "0.0.0.0/0"),
        ] {
            let mut set = BTreeSet::new();
            for line in lines {
                let _ = apply_address_prefixes(&mut set, line);
            }
            let shown: Vec<String> = set.iter().map(ToString::to_string).collect();
            assert_eq!(shown.join(" "), networks, "{lines:?}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["10.0.0.0/8", "::1/128", "0.0.0.0/0"] {
            let prefix = parse_address_prefix(text).map(|prefix| prefix.to_string());
            assert_eq!(prefix.as_deref(), Ok(text));
        }
    }
}
