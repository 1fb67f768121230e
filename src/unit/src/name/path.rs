//! Names of units that are named after a path: mounts, swaps, devices.
use super::{UNIT_NAME_MAX, UnitKind, UnitName, UnitNameError, is_prefix};
use crate::escape::{path_escape, path_unescape};
use std::hash::Hasher;

/// Keys of the hash that stands for the end of too long a name. systemd's, so that both give the
/// same name to the same path.
const HASH_KEYS: (u64, u64) = (0x324a_3258_fb37_f2ec, 0x9aeb_210d_9b06_9f84);
/// Length of that hash in hex digits.
const HASH_DIGITS: usize = 16;

impl UnitName {
    /// `var-lib.mount` of `/var/lib`. A name that would be too long ends in a hash.
    pub fn from_path(path: &str, kind: UnitKind) -> Result<UnitName, UnitNameError> {
        let stem = path_escape(path).ok_or_else(|| UnitNameError::Path(path.into()))?;
        let name = format!("{stem}.{}", kind.suffix());
        match name.len() > UNIT_NAME_MAX {
            true => UnitName::parse(&hashed(&name, kind)),
            false => UnitName::parse(&name),
        }
    }

    /// `prefix@var-lib.service` of `/var/lib`.
    pub fn from_path_instance(
        prefix: &str,
        path: &str,
        kind: UnitKind,
    ) -> Result<UnitName, UnitNameError> {
        let instance = path_escape(path).ok_or_else(|| UnitNameError::Path(path.into()))?;
        UnitName::build(prefix, Some(&instance), kind)
    }

    /// The path that the prefix stands for.
    pub fn to_path(&self) -> Result<String, UnitNameError> {
        let path = path_unescape(self.prefix()).filter(|_| !self.is_hashed());
        path.ok_or_else(|| UnitNameError::Path(self.as_str().into()))
    }

    /// Whether the name ends in a hash, so that its path can't be told.
    pub fn is_hashed(&self) -> bool {
        let digits = self
            .stem()
            .rsplit_once('_')
            .map_or("", |(_, digits)| digits);
        is_prefix(self.stem())
            && digits.len() == HASH_DIGITS
            && digits
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    }
}

/// As much of `name` as fits, and a hash of the whole.
fn hashed(name: &str, kind: UnitKind) -> String {
    // Names are ASCII once they are escaped.
    let suffix = kind.suffix();
    let kept = UNIT_NAME_MAX - suffix.len() - HASH_DIGITS - 2;
    let hash = siphash(name).to_le_bytes();
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{hash}.{suffix}", &name[..kept])
}

/// SipHash-2-4 over the text and the NUL that ends it in C.
#[allow(deprecated)] // what replaces it promises no algorithm, and these names must stay
fn siphash(text: &str) -> u64 {
    let mut hasher = std::hash::SipHasher::new_with_keys(HASH_KEYS.0, HASH_KEYS.1);
    hasher.write(text.as_bytes());
    hasher.write(&[0]);
    hasher.finish()
}
