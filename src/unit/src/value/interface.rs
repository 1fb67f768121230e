//! Network interfaces, and which of them a service may use.
use super::ValueError;
use super::integer::signed;
use super::list::{Split, each_word};
use crate::print::spelling::listed_name;
use std::collections::BTreeSet;

/// Longest name, in bytes (`IFNAMSIZ` without its NUL).
const NAME_MAX: usize = 15;
/// Longest alternative name, in bytes (`ALTIFNAMSIZ` without its NUL).
const LONG_NAME_MAX: usize = 127;

/// Whether an interface may be called so. Numbers are not names, nor are the two words that stand
/// for all interfaces in /proc/sys.
pub fn interface_is_valid(name: &str) -> bool {
    name.len() <= NAME_MAX && index(name).is_none() && is_name(name)
}

/// Whether the text can be an interface in an address: a name, a long one too, or a number.
pub(crate) fn interface_in_address_is_valid(text: &str) -> bool {
    index(text).is_some() || (text.len() <= LONG_NAME_MAX && is_name(text))
}

/// The number of an interface.
fn index(text: &str) -> Option<i64> {
    signed(text, 1, i64::from(i32::MAX)).ok()
}

fn is_name(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_graphic() && !matches!(b, b':' | b'/' | b'%');
    let number = name.bytes().all(|b| b.is_ascii_digit());
    let reserved = matches!(name, "." | ".." | "all" | "default");
    !name.is_empty() && name.bytes().all(legal) && !number && !reserved
}

/// `RestrictNetworkInterfaces=`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interfaces {
    /// Whether the names are those allowed; else they are those forbidden.
    pub allow: bool,
    /// The names.
    pub names: BTreeSet<String>,
}

impl Interfaces {
    /// The interfaces as lines of the directive.
    pub fn to_lines(&self) -> Vec<String> {
        let names = self.names.iter();
        let names: Vec<String> = names.map(|name| listed_name(name)).collect();
        let names = names.join(" ");
        match (self.allow, names.is_empty()) {
            // Only taking names back leaves such a list.
            (true, true) => vec!["lo".into(), String::new()],
            (false, true) => Vec::new(),
            (true, false) => vec![names],
            (false, false) => vec![format!("~{names}")],
        }
    }

    /// Applies one line: names that are added, with `~` taken away; an empty line takes the names
    /// back. The first line says whether the list allows or forbids.
    pub fn apply(&mut self, text: &str) -> Result<(), ValueError> {
        if text.is_empty() {
            self.names.clear();
            return Ok(());
        }
        let (allow, names) = match text.strip_prefix('~') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        if self.names.is_empty() {
            self.allow = allow;
        }
        each_word(names, Split::Unescaped, |name| {
            if !interface_is_valid(name) {
                return Err(ValueError::not(name, "network interface (such as eth0)"));
            }
            match self.allow == allow {
                true => self.names.insert(name.to_owned()),
                false => self.names.remove(name),
            };
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_shape() {
        for name in ["eth0", "wg-home", "a.b", "fifteen-letters"] {
            assert!(interface_is_valid(name), "{name}");
        }
        for name in [
            "", ".", "all", "default", "a b", "a:1", "a/b", "a%d", "12", "0", "é",
        ] {
            assert!(!interface_is_valid(name), "{name}");
        }
        assert!(!interface_is_valid("sixteen-letters-"));
        assert!(interface_in_address_is_valid("sixteen-letters-"));
        assert!(interface_in_address_is_valid("12") && !interface_in_address_is_valid("0"));
    }

    #[test]
    fn folds_lines() {
        for (lines, allow, names) in [
            (&["eth0 lo"][..], true, "eth0 lo"),
            (&["~eth0"], false, "eth0"),
            (&["eth0 lo", "~lo"], true, "eth0"),
            (&["~eth0", "eth0", "lo"], true, "lo"),
            (&["~eth0", ""], false, ""),
            (&["eth0 all"], true, "eth0"),
        ] {
            let mut interfaces = Interfaces::default();
            for line in lines {
                let _ = interfaces.apply(line);
            }
            let got: Vec<&str> = interfaces.names.iter().map(String::as_str).collect();
            assert_eq!(
                (interfaces.allow, got.join(" ").as_str()),
                (allow, names),
                "{lines:?}"
            );
        }
    }
}
