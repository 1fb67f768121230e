//! Capabilities, secure bits, keyring, personality.
use crate::spec::{Keyring, PrivilegeSpec};
use gitproc_unit::Family::Exec;
use gitproc_unit::{PropertyValue, ServiceSection, Setting, Settings, Unit};

/// PER_LINUX and PER_LINUX32 of personality(2): the machine itself, and the 32-bit one that it
/// plays.
const LINUX: u64 = 0;
const LINUX32: u64 = 8;

/// What the unit may do.
pub(super) fn of(unit: &Unit, service: &ServiceSection) -> PrivilegeSpec {
    let settings = &unit.settings;
    let secure_bits = match settings.get(Exec, "SecureBits") {
        Setting::Plain(PropertyValue::Signed(bits)) => i32::try_from(*bits).unwrap_or(0),
        _ => 0,
    };
    PrivilegeSpec {
        no_new_privileges: service.no_new_privileges,
        capability_bounding_set: service.capability_bounding_set,
        ambient_capabilities: service.ambient_capabilities,
        secure_bits,
        keyring: match settings.text(Exec, "KeyringMode") {
            "inherit" => Keyring::Inherit,
            "shared" => Keyring::Shared,
            _ => Keyring::Private,
        },
        personality: personality(settings),
        ignore_sigpipe: settings.is_true(Exec, "IgnoreSIGPIPE"),
    }
}

/// `Personality=`, as personality(2) takes it.
pub(super) fn personality(settings: &Settings) -> Option<u64> {
    match settings.text(Exec, "Personality") {
        "" => None,
        "x86" | "arm" | "ppc" | "ppc-le" | "s390" | "sparc" => Some(LINUX32),
        _ => Some(LINUX),
    }
}
