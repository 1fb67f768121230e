//! Capability names and sets (capabilities(7)).
use super::ValueError;
use super::integer::signed;
use super::list::{Split, each_word};

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

/// Greatest number of a capability that a set of 64 bits can hold.
const NUMBER_MAX: i64 = 63;

/// Number of a capability by name, any case, or by number (0 to 63, known or not).
pub fn capability_from_name(name: &str) -> Result<u8, ValueError> {
    let wrong = || ValueError::not(name, "capability (such as CAP_NET_ADMIN)");
    if let Ok(number) = signed(name, i64::MIN, i64::MAX) {
        let in_set = (0..=NUMBER_MAX).contains(&number);
        let number = u8::try_from(number).ok().filter(|_| in_set);
        return number.ok_or_else(wrong);
    }
    let mut known = CAPABILITIES.iter();
    let at = known.position(|known| known.eq_ignore_ascii_case(name));
    at.and_then(|at| u8::try_from(at).ok()).ok_or_else(wrong)
}

/// Name of a capability, lower case.
pub fn capability_name(number: u8) -> Option<&'static str> {
    CAPABILITIES.get(usize::from(number)).copied()
}

/// Names of the set's known capabilities, by number, separated by spaces.
pub fn format_capabilities(set: u64) -> String {
    let known = (0u32..).zip(CAPABILITIES);
    let names: Vec<&str> = known
        .filter(|(number, _)| set >> number & 1 == 1)
        .map(|(_, name)| name)
        .collect();
    names.join(" ")
}

/// The set as one line of `CapabilityBoundingSet=` or `AmbientCapabilities=` that stands alone:
/// after `~` those that are not in it, if it is all but a few.
pub fn format_capability_set(set: u64) -> String {
    // What no kernel has a name for yet tells the two apart.
    let invert = set >> NUMBER_MAX & 1 == 1;
    let named = if invert { !set } else { set };
    let members = (0u8..64).filter(|number| named >> number & 1 == 1);
    let names = members.map(|number| match capability_name(number) {
        Some(name) => name.to_ascii_uppercase(),
        None => number.to_string(),
    });
    let names = names.collect::<Vec<_>>().join(" ");
    format!("{}{names}", if invert { "~" } else { "" })
}

/// Applies one line of `CapabilityBoundingSet=` (`initial`: `u64::MAX`) or `AmbientCapabilities=`
/// (`initial`: 0) to the set so far, bit n being capability n. `~` takes away; a line without
/// capabilities empties the set, or fills it with `~`; the first line, and one after a set that
/// is as it was at first, replaces.
///
/// Unknown names are left out of the set, and named by the error.
pub fn apply_capabilities(set: &mut u64, initial: u64, text: &str) -> Result<(), ValueError> {
    let (invert, names) = match text.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut named = 0u64;
    let outcome = each_word(names, Split::Unescaped, |name| {
        named |= 1 << capability_from_name(name)?;
        Ok(())
    });
    *set = match (named == 0 || *set == initial, invert) {
        (true, true) => !named,
        (true, false) => named,
        (false, true) => *set & !named,
        (false, false) => *set | named,
    };
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_lines() {
        let fold = |initial, lines: &[&str]| {
            let mut set = initial;
            for line in lines {
                apply_capabilities(&mut set, initial, line).expect("known names");
            }
            set
        };
        for (lines, bounding, ambient) in [
            (&["CAP_CHOWN cap_kill"][..], 0b10_0001, 0b10_0001),
            (&["CAP_CHOWN", "5", "~CAP_CHOWN"], 0b10_0000, 0b10_0000),
            (&["~CAP_CHOWN"], !1, !1),
            (&["~CAP_CHOWN", "CAP_CHOWN"], u64::MAX, u64::MAX),
            (&["CAP_KILL", ""], 0, 0),
            (&["", "~"], u64::MAX, u64::MAX),
            (&["", "CAP_CHOWN"], 1, 1),
            (&["", "~CAP_CHOWN"], 0, !1),
        ] {
            assert_eq!(fold(u64::MAX, lines), bounding, "{lines:?}");
            assert_eq!(fold(0, lines), ambient, "{lines:?}");
        }
    }

    #[test]
    fn unknown_names_are_left_out() {
        let mut set = u64::MAX;
        let outcome = apply_capabilities(&mut set, u64::MAX, "CAP_CHOWN CAP_NOPE 64");
        assert_eq!(set, 1);
        let message = outcome.expect_err("two are unknown").0;
        assert!(
            message.contains("'CAP_NOPE'") && message.contains("'64'"),
            "{message}"
        );
    }

    #[test]
    fn prints_what_it_reads() {
        for set in [0, 1, 0x3000, (1 << 41) - 1] {
            let mut again = 0;
            assert_eq!(
                apply_capabilities(&mut again, 0, &format_capabilities(set)),
                Ok(())
            );
            assert_eq!(again, set);
        }
    }
}
