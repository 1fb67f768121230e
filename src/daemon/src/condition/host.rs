//! Conditions on which host this is, and on what the daemon was given.
use super::{Surroundings, Unjudged, files};
use gitproc_sys::pattern;
use nix::sys::utsname::{UtsName, uname};

/// What uname(2) says.
pub fn names() -> Result<UtsName, Unjudged> {
    uname().map_err(|errno| Unjudged::new(format!("uname: {errno}")))
}

pub fn architecture(parameter: &str) -> Result<bool, Unjudged> {
    let machine = names()?.machine().to_string_lossy().into_owned();
    Ok(parameter == "native" || parameter == crate::host::architecture(&machine))
}

pub fn host(parameter: &str) -> Result<bool, Unjudged> {
    if let Some(wanted) = id128(parameter) {
        let id = files::required("/etc/machine-id")?;
        let id = id.as_deref().map(str::trim).and_then(id128);
        return id
            .map(|id| id == wanted)
            .ok_or_else(|| Unjudged::new("this host has no machine id"));
    }
    let names = names()?;
    let name = names.nodename().to_string_lossy();
    Ok(pattern::fits(parameter, &name, true))
}

/// 32 hex digits, or the same in the groups of a UUID.
fn id128(text: &str) -> Option<u128> {
    let dashes: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    let shaped = match text.len() {
        32 => dashes.is_empty(),
        36 => dashes == [8, 13, 18, 23],
        _ => false,
    };
    let digits = text.replace('-', "");
    let plain = digits.bytes().all(|c| c.is_ascii_hexdigit());
    (shaped && plain).then(|| u128::from_str_radix(&digits, 16).ok())?
}

/// `NAME`, or `NAME=value`, among the variables.
pub fn environment(parameter: &str, surroundings: &Surroundings) -> bool {
    has_word(&surroundings.environment, parameter)
}

/// The word itself or, when it has no `=`, the word with a value.
pub fn has_word(words: &[String], wanted: &str) -> bool {
    words.iter().any(|word| match wanted.contains('=') {
        true => word == wanted,
        false => word
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('=')),
    })
}

/// A credential of this name, encrypted or not, was given to the daemon.
pub fn credential(name: &str, surroundings: &Surroundings) -> bool {
    let directories = ["CREDENTIALS_DIRECTORY", "ENCRYPTED_CREDENTIALS_DIRECTORY"];
    let given = directories
        .iter()
        .filter_map(|variable| surroundings.variable(variable));
    is_credential_name(name)
        && given
            .filter(|directory| directory.starts_with('/'))
            .any(|directory| files::exist(format!("{directory}/{name}")))
}

/// File names that can also name a descriptor.
fn is_credential_name(name: &str) -> bool {
    let printable = |c: u8| (b' '..0x7f).contains(&c) && !matches!(c, b'/' | b':');
    let short = (1..=255).contains(&name.len());
    short && name != "." && name != ".." && name.bytes().all(printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_two_shapes() {
        let id = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
        for (text, expected) in [
            ("00112233445566778899aabbccddeeff", Some(id)),
            ("00112233-4455-6677-8899-AABBCCDDEEFF", Some(id)),
            ("0011223344556677-8899aabbccddeeff", None),
            ("+0112233445566778899aabbccddeeff", None),
            ("web01", None),
        ] {
            assert_eq!(id128(text), expected, "{text}");
        }
    }
}
