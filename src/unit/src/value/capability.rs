//! Capability names and sets (capabilities(7)).
use super::ValueError;

/// Names by number.
pub const CAPABILITIES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// Number of a capability by name, any case, or by number.
pub fn capability_from_name(name: &str) -> Option<u8> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
        return name.parse().ok().filter(|&n| n < 63);
    }
    let at = CAPABILITIES
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name))?;
    u8::try_from(at).ok()
}

/// Name of a capability, lower case.
pub fn capability_name(number: u8) -> Option<&'static str> {
    CAPABILITIES.get(usize::from(number)).copied()
}

/// Applies one line of `CapabilityBoundingSet=` to the set so far (`None`: nothing said yet).
/// A bare `~` fills the set, `~CAP_X` takes away, an empty line clears it.
pub fn parse_capabilities(before: Option<u64>, text: &str) -> Result<u64, ValueError> {
    let (invert, names) = match text.trim().strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut set = 0u64;
    for name in names.split_whitespace() {
        let number =
            capability_from_name(name).ok_or_else(|| ValueError::not(name, "capability"))?;
        set |= 1 << number;
    }
    Ok(match (invert, before) {
        (true, None) => !set,
        (true, Some(before)) if set != 0 => before & !set,
        (true, Some(_)) => u64::MAX,
        (false, _) if set == 0 => 0,
        (false, before) => before.unwrap_or(0) | set,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_lines() {
        let fold = |lines: &[&str]| {
            lines
                .iter()
                .try_fold(None, |set, line| parse_capabilities(set, line).map(Some))
        };
        assert_eq!(fold(&["CAP_CHOWN cap_kill"]), Ok(Some(0b10_0001)));
        assert_eq!(
            fold(&["CAP_CHOWN", "CAP_KILL", "~CAP_CHOWN"]),
            Ok(Some(0b10_0000))
        );
        assert_eq!(fold(&["~CAP_CHOWN"]), Ok(Some(!1)));
        assert_eq!(fold(&[""]), Ok(Some(0)));
        assert_eq!(fold(&["", "~"]), Ok(Some(u64::MAX)));
        assert!(fold(&["CAP_NOPE"]).is_err());
    }
}
