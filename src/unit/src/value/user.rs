//! User and group names, and their numbers.
use super::ValueError;
use super::integer::{NumberError, digits};

/// Numbers that stand for "nobody asked": (uid_t) -1, in 32 and in 16 bits.
const INVALID_IDS: [u64; 2] = [0xffff_ffff, 0xffff];
/// Longest strict name in bytes: it must fit the record of a login (utmp).
const STRICT_MAX: usize = 31;

/// A user or group number: plain decimal digits, so that nothing else is taken for one.
pub fn parse_uid(text: &str) -> Result<u32, ValueError> {
    id(text).map_err(|err| err.say(text, "user or group number (such as 1000)"))
}

/// `LOW-HIGH` of such numbers, or one of them twice.
pub fn parse_uid_range(text: &str) -> Result<(u32, u32), ValueError> {
    let wanted = "range of user numbers (such as 1000-1999)";
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let both = id(low).and_then(|low| Ok((low, id(high)?)));
    match both.map_err(|err| err.say(text, wanted))? {
        (low, high) if low <= high => Ok((low, high)),
        (_, _) => Err(ValueError::not(text, wanted)),
    }
}

fn id(text: &str) -> Result<u32, NumberError> {
    if text.starts_with('0') && text != "0" {
        return Err(NumberError::Form);
    }
    let number = digits(text, 10)?;
    if INVALID_IDS.contains(&number) {
        return Err(NumberError::Range);
    }
    u32::try_from(number).map_err(|_| NumberError::Range)
}

/// How much a name may dare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameRules {
    /// What directory services come up with is good, too: dots, `@`, spaces, letters of all
    /// scripts. Otherwise what POSIX and utmp can hold.
    pub relaxed: bool,
    /// A number is good, too.
    pub numeric: bool,
}

impl NameRules {
    /// For `User=`, `Group=` and `SupplementaryGroups=`.
    pub const DIRECTIVE: NameRules = NameRules {
        relaxed: true,
        numeric: true,
    };
}

/// Whether a user or a group may be called so.
pub fn user_name_is_valid(name: &str, rules: NameRules) -> bool {
    if name.is_empty() {
        return false;
    }
    if id(name).is_ok() {
        return rules.numeric;
    }
    if rules.relaxed {
        relaxed(name)
    } else {
        strict(name)
    }
}

/// The name if it is valid.
pub fn parse_user_name(name: &str, rules: NameRules) -> Result<String, ValueError> {
    match user_name_is_valid(name, rules) {
        true => Ok(name.to_owned()),
        false => Err(ValueError::not(name, "user or group name")),
    }
}

/// What would not break a line of passwd(5), and can't be taken for a number or a directory.
fn relaxed(name: &str) -> bool {
    let padded = name.starts_with(' ') || name.ends_with(' ');
    let breaks = name.chars().any(|c| is_c0(c) || c == ':' || c == '/');
    let number = name.strip_prefix('-').unwrap_or(name);
    let numeric = number.bytes().all(|b| b.is_ascii_digit());
    !(padded || breaks || numeric || name == "." || name == "..")
}

fn strict(name: &str) -> bool {
    let first = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let other = |b: u8| first(b) || b.is_ascii_digit() || b == b'-';
    name.len() <= STRICT_MAX && name.bytes().next().is_some_and(first) && name.bytes().all(other)
}

/// ASCII control characters.
fn is_c0(c: char) -> bool {
    c.is_ascii_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_like_numbers() {
        assert_eq!(parse_uid("4294967294"), Ok(4_294_967_294));
        for text in [
            "",
            "-1",
            "+1",
            " 1",
            "1 ",
            "01",
            "0x1",
            "65535",
            "4294967295",
            "1a",
        ] {
            assert!(parse_uid(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_have_limits() {
        let strict = NameRules::default();
        assert!(user_name_is_valid(&"a".repeat(31), strict));
        assert!(!user_name_is_valid(&"a".repeat(32), strict));
        assert!(user_name_is_valid(&"a".repeat(300), NameRules::DIRECTIVE));
        for name in [" a", "a ", "a/b", "a\tb", "-", "4294967295"] {
            assert!(!user_name_is_valid(name, NameRules::DIRECTIVE), "{name}");
        }
    }
}
