//! Security technologies of the kernel and the firmware, and the daemon's own capabilities.
use super::{Unjudged, files, firmware};
use gitproc_unit::value::{capability_from_name, parse_bool};

/// The file by which the firmware tells whether it enforces signatures: four bytes of attributes,
/// then 1 or 0.
const SECURE_BOOT: &str =
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

pub fn security(parameter: &str) -> bool {
    let is_uefi = || firmware::is_uefi().unwrap_or(false);
    match parameter {
        "selinux" => files::exist("/sys/fs/selinux/enforce"),
        "smack" => files::exist("/sys/fs/smackfs/"),
        "apparmor" => files::line("/sys/module/apparmor/parameters/enabled")
            .is_some_and(|word| parse_bool(word.trim()) == Ok(true)),
        "audit" => gitproc_sys::probe::audit_is_there(),
        "ima" => files::exist("/sys/kernel/security/ima/"),
        "tomoyo" => files::exist("/sys/kernel/security/tomoyo/version"),
        "uefi-secureboot" => {
            is_uefi() && files::bytes(SECURE_BOOT).is_some_and(|bytes| bytes.get(4) == Some(&1))
        }
        "tpm2" => {
            let tables = [
                "/sys/firmware/acpi/tables/TPM2",
                "/sys/kernel/security/tpm0/binary_bios_measurements",
            ];
            files::exist("/sys/class/tpmrm/") && is_uefi() && tables.iter().any(files::exist)
        }
        _ => false,
    }
}

/// Services can have it: it is in our bounding set.
pub fn capability(parameter: &str) -> Result<bool, Unjudged> {
    let number =
        capability_from_name(parameter).map_err(|_| Unjudged::not(parameter, "capability"))?;
    let status = files::required("/proc/self/status")?.unwrap_or_default();
    let set = status.lines().find_map(|line| {
        let digits = line.strip_prefix("CapBnd:")?.trim();
        u64::from_str_radix(digits, 16).ok()
    });
    // A kernel that does not tell has all.
    Ok(set.is_none_or(|set| set & (1 << number) != 0))
}
