//! Lists about devices: what may be done with them, and how fast (systemd.resource-control(5)).
use super::Family;
use super::kind::{self, Kind};
use crate::model::Unit;
use crate::print::spelling;
use crate::settings::Setting;
use crate::value::{DeviceNumber, DeviceRule, device};

/// A list about devices: `$add` adds what a line says about one.
macro_rules! device {
    ($what:literal, $variant:ident, $add:expr, $spell:expr) => {
        Kind::Typed(
            $what,
            |value, cx, text| {
                let Setting::$variant(list) = value else {
                    unreachable!("the default of the row is of the same type");
                };
                device::apply(list, text, $add, |device| cx.resolve(device))
            },
            kind::spell_typed!($variant, $spell),
        )
    };
}

pub(super) const DEVICE_WEIGHT: Kind = device!(
    "device and weight",
    Rates,
    device::add_weight,
    |list: &Vec<_>| rates(list, plain)
);
pub(super) const BLOCK_DEVICE_WEIGHT: Kind = device!(
    "device and weight",
    Rates,
    device::add_block_weight,
    |list: &Vec<_>| rates(list, plain)
);
pub(super) const DEVICE_LIMIT: Kind =
    device!("device and rate", Rates, device::add_limit, |list: &Vec<
        _,
    >| rates(
        list, plain
    ));
pub(super) const BLOCK_DEVICE_LIMIT: Kind = device!(
    "device and rate",
    Rates,
    device::add_block_limit,
    |list: &Vec<_>| rates(list, plain)
);
pub(super) const DEVICE_LATENCY: Kind = device!(
    "device and time span",
    Rates,
    device::add_latency,
    |list: &Vec<_>| rates(list, spelling::span)
);
pub(super) const DEVICE_RULE: Kind = device!(
    "device and access (rwm)",
    Devices,
    device::add_rule,
    |rules: &Vec<DeviceRule>| {
        // The newest comes first.
        let line =
            |rule: &DeviceRule| format!("{} {}", spelling::list_word(&rule.device), rule.access);
        rules.iter().rev().map(line).collect()
    }
);
/// `DEVICE NUMBER` of each, the number as `spell` has it.
fn rates(rates: &[DeviceNumber], spell: fn(u64) -> String) -> Vec<String> {
    let line =
        |(path, number): &DeviceNumber| format!("{} {}", spelling::list_word(path), spell(*number));
    rates.iter().map(line).collect()
}

fn plain(number: u64) -> String {
    number.to_string()
}

/// The rules but for those that other settings need.
pub(super) fn said_devices(unit: &Unit) -> Setting {
    let setting = unit.settings.get(Family::Resource, "DeviceAllow");
    let needed = crate::settle::needed_devices(&unit.settings);
    match setting {
        Setting::Devices(rules) if rules.starts_with(&needed) => {
            Setting::Devices(rules[needed.len()..].to_vec())
        }
        setting => setting.clone(),
    }
}
