//! Devices by their numbers on this host.
use gitproc_core::guards::devices::{DeviceAccess, DeviceKind, matches};
use gitproc_unit::value::DeviceRule;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// Drivers with their major numbers (proc(5)).
const DRIVERS: &str = "/proc/devices";

/// What the rules mean on this host.
pub fn allowed(rules: &[DeviceRule]) -> Vec<DeviceAccess> {
    let drivers = std::fs::read_to_string(DRIVERS).unwrap_or_default();
    let numbers = |rule| numbers(rule, &drivers);
    rules.iter().flat_map(numbers).collect()
}

/// What a rule means here; nothing, where the host has no such device.
fn numbers(rule: &DeviceRule, drivers: &str) -> Vec<DeviceAccess> {
    let access = |kind, major, minor| DeviceAccess {
        kind,
        major,
        minor,
        access: rule.access.clone(),
    };
    if !rule.device.starts_with('/') {
        let found = majors(drivers).filter(|(kind, _, name)| matches(&rule.device, *kind, name));
        return found
            .map(|(kind, major, _)| access(kind, Some(major), None))
            .collect();
    }
    let Ok(found) = std::fs::metadata(&rule.device) else {
        return Vec::new();
    };
    let kind = match found.file_type() {
        kind if kind.is_char_device() => DeviceKind::Character,
        kind if kind.is_block_device() => DeviceKind::Block,
        _ => return Vec::new(),
    };
    let major = nix::sys::stat::major(found.rdev());
    let minor = nix::sys::stat::minor(found.rdev());
    let number = |number: u64| u32::try_from(number).ok();
    vec![access(kind, number(major), number(minor))]
}

/// Kind, number and name of each driver.
fn majors(text: &str) -> impl Iterator<Item = (DeviceKind, u32, &str)> {
    let mut kind = DeviceKind::Character;
    text.lines().filter_map(move |line| {
        match line {
            "Character devices:" => kind = DeviceKind::Character,
            "Block devices:" => kind = DeviceKind::Block,
            _ => {}
        }
        let (major, name) = line.trim().split_once(' ')?;
        Some((kind, major.parse().ok()?, name.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "Character devices:\n  1 mem\n136 pts\n137 pts\n\nBlock devices:\n  7 loop\n259 blkext\n";

    #[test]
    fn rules_become_numbers() {
        let of = |device: &str| {
            let rule = DeviceRule {
                device: device.to_owned(),
                access: "rw".to_owned(),
            };
            let found = numbers(&rule, TEXT);
            found
                .iter()
                .map(|access| (access.kind, access.major, access.minor))
                .collect::<Vec<_>>()
        };
        let character = DeviceKind::Character;
        assert_eq!(of("/dev/null"), [(character, Some(1), Some(3))]);
        assert_eq!(
            of("char-pts"),
            [(character, Some(136), None), (character, Some(137), None)]
        );
        assert_eq!(of("block-*").len(), 2);
        assert_eq!(of("/dev/no-such-device"), []);
        assert_eq!(of("/etc/passwd"), []);
    }
}
