//! Devices by their numbers on this host, and the guard of a service's cgroup.
use gitproc_core::devices::{DeviceAccess, DeviceKind, matches, program, wanted};
use gitproc_core::protocol::Failure;
use gitproc_core::spec::ExecStep;
use gitproc_sys::cgroup::UnitCgroup;
use gitproc_unit::Unit;
use gitproc_unit::value::DeviceRule;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// Drivers with their major numbers (proc(5)).
const DRIVERS: &str = "/proc/devices";

/// Keeps the unit's processes from all devices but those that it names, if it names any. The error
/// is for the start: a service that asks for it must not run without.
pub fn guard(unit: &Unit, cgroup: &UnitCgroup) -> Result<(), Failure> {
    let Some(rules) = wanted(unit) else {
        return Ok(());
    };
    let failed = |detail: String, errno: i32| Failure {
        step: ExecStep::Cgroup,
        errno,
        detail: format!("{detail} for DevicePolicy="),
    };
    let payload = cgroup.payload_fd();
    let payload = payload.map_err(|error| failed(error.to_string(), error.errno()))?;
    let payload = payload.ok_or_else(|| failed("there is no v2 cgroup".to_owned(), 0))?;
    let drivers = std::fs::read_to_string(DRIVERS).unwrap_or_default();
    let allowed: Vec<DeviceAccess> = rules
        .iter()
        .flat_map(|rule| numbers(rule, &drivers))
        .collect();
    gitproc_sys::bpf::guard_devices(payload.as_fd(), &program(&allowed))
        .map_err(|error| failed(error.to_string(), error.errno()))
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
