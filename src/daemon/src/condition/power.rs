//! Whether the host runs from mains (systemd's `on_ac_power`).
use super::{Unjudged, files};
use gitproc_unit::value::parse_bool;
use std::path::{Path, PathBuf};

const SUPPLIES: &str = "/sys/class/power_supply";

pub fn ac_power(parameter: &str) -> Result<bool, Unjudged> {
    let wanted = parse_bool(parameter).map_err(|why| Unjudged::new(why.to_string()))?;
    Ok(on_mains(Path::new(SUPPLIES)) == wanted)
}

/// Something that is no battery is online, or nothing is known of batteries either.
fn on_mains(supplies: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(supplies) else {
        return true;
    };
    let mut battery = false;
    for supply in entries.flatten().map(|entry| entry.path()) {
        let kind = files::line(supply.join("type"));
        match kind.as_deref() {
            None => {}
            Some("USB") if !takes_power(&supply) => {}
            // The battery of a mouse does not feed the host.
            Some("Battery") => {
                battery |= files::line(supply.join("scope")).as_deref() != Some("Device");
            }
            Some(_) => {
                let online = files::line(supply.join("online"));
                if online.and_then(|text| text.parse().ok()).unwrap_or(0u32) > 0 {
                    return true;
                }
            }
        }
    }
    !battery
}

/// A USB-C port gives power or takes it; one that does not say takes it.
fn takes_power(supply: &Path) -> bool {
    let ports = std::fs::read_dir(supply.join("device/typec"));
    let ports: Vec<PathBuf> = match ports {
        Ok(ports) => ports.flatten().map(|port| port.path()).collect(),
        Err(_) => return true,
    };
    let roles: Vec<String> = ports
        .iter()
        .filter_map(|port| files::line(port.join("power_role")))
        .collect();
    let says = |word: &str| roles.iter().any(|role| role.contains(word));
    says("[sink]") || !says("[source]")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Supplies as files; the result.
    type Case<'a> = (&'a [(&'a str, &'a str)], bool);

    const CASES: &[Case<'_>] = &[
        (&[], true),
        (&[("AC/type", "Mains"), ("AC/online", "1")], true),
        (&[("AC/type", "Mains"), ("AC/online", "0")], true),
        (
            &[
                ("AC/type", "Mains"),
                ("AC/online", "0"),
                ("BAT/type", "Battery"),
            ],
            false,
        ),
        (&[("m/type", "Battery"), ("m/scope", "Device")], true),
        (
            &[
                ("BAT/type", "Battery"),
                ("usb/type", "USB"),
                ("usb/online", "1"),
                ("usb/device/typec/p/power_role", "[source] sink"),
            ],
            false,
        ),
    ];

    #[test]
    fn mains_and_batteries_are_told_apart() {
        for (number, (files, expected)) in CASES.iter().enumerate() {
            let name = format!("gitproc-power-{}-{number}", std::process::id());
            let dir = std::env::temp_dir().join(name);
            for (path, text) in *files {
                let path = dir.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, format!("{text}\n")).unwrap();
            }
            assert_eq!(on_mains(&dir), *expected, "{files:?}");
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}
