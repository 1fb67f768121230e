//! Address families of sockets, and which of them a service may use.
use super::ValueError;
use super::list::{Split, each_word};
use std::collections::BTreeSet;

/// Names by the kernel's numbers.
const FAMILIES: &[(&str, i32)] = &[
    ("AF_UNIX", 1),
    ("AF_INET", 2),
    ("AF_AX25", 3),
    ("AF_IPX", 4),
    ("AF_APPLETALK", 5),
    ("AF_NETROM", 6),
    ("AF_BRIDGE", 7),
    ("AF_ATMPVC", 8),
    ("AF_X25", 9),
    ("AF_INET6", 10),
    ("AF_ROSE", 11),
    ("AF_DECnet", 12),
    ("AF_NETBEUI", 13),
    ("AF_SECURITY", 14),
    ("AF_KEY", 15),
    ("AF_NETLINK", 16),
    ("AF_PACKET", 17),
    ("AF_ASH", 18),
    ("AF_ECONET", 19),
    ("AF_ATMSVC", 20),
    ("AF_RDS", 21),
    ("AF_SNA", 22),
    ("AF_IRDA", 23),
    ("AF_PPPOX", 24),
    ("AF_WANPIPE", 25),
    ("AF_LLC", 26),
    ("AF_IB", 27),
    ("AF_MPLS", 28),
    ("AF_CAN", 29),
    ("AF_TIPC", 30),
    ("AF_BLUETOOTH", 31),
    ("AF_IUCV", 32),
    ("AF_RXRPC", 33),
    ("AF_ISDN", 34),
    ("AF_PHONET", 35),
    ("AF_IEEE802154", 36),
    ("AF_CAIF", 37),
    ("AF_ALG", 38),
    ("AF_NFC", 39),
    ("AF_VSOCK", 40),
    ("AF_KCM", 41),
    ("AF_QIPCRTR", 42),
    ("AF_SMC", 43),
    ("AF_XDP", 44),
    ("AF_MCTP", 45),
];

/// Second names.
const SYNONYMS: &[(&str, i32)] = &[("AF_FILE", 1), ("AF_LOCAL", 1), ("AF_ROUTE", 16)];

/// The number of `AF_INET`, in any case.
pub fn parse_address_family(name: &str) -> Result<i32, ValueError> {
    let mut known = FAMILIES.iter().chain(SYNONYMS);
    let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
    let number = found.map(|&(_, number)| number);
    number.ok_or_else(|| ValueError::not(name, "address family (such as AF_INET)"))
}

/// `AF_INET` of 2.
pub fn address_family_name(number: i32) -> Option<&'static str> {
    let found = FAMILIES.iter().find(|&&(_, known)| known == number);
    found.map(|&(name, _)| name)
}

/// `RestrictAddressFamilies=`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressFamilies {
    /// Whether the families are those allowed; else they are those forbidden.
    pub allow: bool,
    /// `None`: nothing said, or `none`.
    families: Option<BTreeSet<i32>>,
}

impl AddressFamilies {
    /// Whether any socket is restricted.
    pub fn restricts(&self) -> bool {
        self.allow || self.families.as_ref().is_some_and(|set| !set.is_empty())
    }

    /// The families by number.
    pub fn numbers(&self) -> impl Iterator<Item = i32> + '_ {
        self.families.iter().flatten().copied()
    }

    /// The families by name, sorted.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = self.numbers().filter_map(address_family_name).collect();
        names.sort_unstable();
        names
    }

    /// The families as one line of the directive that stands alone.
    pub fn to_line(&self) -> String {
        let names = self.names().join(" ");
        match (self.allow, names.is_empty()) {
            (true, true) => "none".into(),
            (false, true) => String::new(),
            (true, false) => names,
            (false, false) => format!("~{names}"),
        }
    }

    /// Forgets how it came about that no family is listed, which only further lines could tell.
    pub(crate) fn settle(&mut self) {
        self.families.take_if(|families| families.is_empty());
    }

    /// Applies one line: names that are added, with `~` taken away; `none` forbids all; an empty
    /// line resets. The first line says whether the list allows or forbids.
    pub fn apply(&mut self, text: &str) -> Result<(), ValueError> {
        if matches!(text, "" | "none") {
            *self = AddressFamilies {
                allow: text == "none",
                families: None,
            };
            return Ok(());
        }
        let (allow, names) = match text.strip_prefix('~') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        if self.families.is_none() {
            self.allow = allow;
        }
        let add = self.allow == allow;
        let families = self.families.get_or_insert_default();
        each_word(names, Split::Unescaped, |name| {
            let family = parse_address_family(name)?;
            match add {
                true => families.insert(family),
                false => families.remove(&family),
            };
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_lines() {
        for (lines, allow, names) in [
            (
                &["AF_UNIX AF_INET6 AF_INET"][..],
                true,
                "AF_INET AF_INET6 AF_UNIX",
            ),
            (&["~AF_PACKET"], false, "AF_PACKET"),
            (&["AF_UNIX AF_INET", "~AF_INET"], true, "AF_UNIX"),
            (&["~AF_UNIX AF_INET", "AF_INET"], false, "AF_UNIX"),
            (&["none"], true, ""),
            (&["none", "~AF_UNIX"], false, "AF_UNIX"),
            (&["AF_UNIX", ""], false, ""),
            (&["af_local AF_ROUTE AF_NOPE"], true, "AF_NETLINK AF_UNIX"),
        ] {
            let mut families = AddressFamilies::default();
            for line in lines {
                let _ = families.apply(line);
            }
            assert_eq!(families.names().join(" "), names, "{lines:?}");
            assert_eq!(families.allow, allow, "{lines:?}");
        }
    }

    #[test]
    fn names_and_numbers_agree() {
        for &(name, number) in FAMILIES {
            assert_eq!(parse_address_family(name), Ok(number));
            assert_eq!(address_family_name(number), Some(name));
        }
        assert!(parse_address_family("2").is_err());
    }
}
