//! What a unit asks of its control group, as the files of cgroup v2 take it: pure, one row of
//! [`plain`] for each directive (systemd.resource-control(5); the kernel's cgroup-v2.rst).
//!
//! `MemoryMax=`, `MemoryHigh=`, `CPUQuota=` and `TasksMax=` can also come from cgroup v1, and are
//! told apart.
use gitproc_unit::Family::{Resource, Service};
use gitproc_unit::{PropertyValue, Setting, Settings, Unit};

/// A line for a file of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSetting {
    /// For messages: `CPUWeight`.
    pub directive: &'static str,
    /// Below the group: `cpu.weight`. What stands before the dot is the controller.
    pub file: &'static str,
    /// What is written.
    pub text: String,
}

/// The same for a disk, which the host has to name by its number: `MAJOR:MINOR ` goes before the
/// text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskSetting {
    /// A device, or a path on the file system that is on it.
    pub device: String,
    /// The rest.
    pub setting: GroupSetting,
}

/// Nothing is set, or no limit.
const UNSET: u64 = u64::MAX;

/// What is written as it is.
pub fn plain(unit: &Unit) -> Vec<GroupSetting> {
    let settings = &unit.settings;
    let number = |key: &'static str| Some(settings.number(Resource, key));
    let set = |key| number(key).filter(|number| *number != UNSET);
    let above_zero = |key| number(key).filter(|number| *number != 0);
    let limit = |number: u64| match number {
        UNSET => "max".to_owned(),
        number => number.to_string(),
    };
    let rows: [(&'static str, &'static str, Option<String>); 10] = [
        ("CPUWeight", "cpu.weight", cpu_weight(settings)),
        (
            "CPUWeight",
            "cpu.idle",
            (set("CPUWeight") == Some(0)).then(|| "1".to_owned()),
        ),
        ("AllowedCPUs", "cpuset.cpus", list(settings, "AllowedCPUs")),
        (
            "AllowedMemoryNodes",
            "cpuset.mems",
            list(settings, "AllowedMemoryNodes"),
        ),
        (
            "MemoryMin",
            "memory.min",
            above_zero("MemoryMin").map(limit),
        ),
        (
            "MemoryLow",
            "memory.low",
            above_zero("MemoryLow").map(limit),
        ),
        (
            "MemorySwapMax",
            "memory.swap.max",
            set("MemorySwapMax").map(limit),
        ),
        (
            "IOWeight",
            "io.weight",
            io_weight(settings).map(|weight| format!("default {weight}")),
        ),
        (
            "OOMPolicy",
            "memory.oom.group",
            (settings.text(Service, "OOMPolicy") == "kill").then(|| "1".to_owned()),
        ),
        ("MemoryLimit", "memory.max", memory_limit(unit).map(limit)),
    ];
    let setting = |(directive, file, text): (_, _, Option<String>)| {
        let text = text?;
        Some(GroupSetting {
            directive,
            file,
            text,
        })
    };
    rows.into_iter().filter_map(setting).collect()
}

/// What is written for disks.
pub fn disks(unit: &Unit) -> Vec<DiskSetting> {
    type DiskRow = (&'static str, &'static str, fn(u64) -> String);
    let rows: [DiskRow; 9] = [
        ("BlockIODeviceWeight", "io.weight", |weight| {
            weight_of_old(weight).to_string()
        }),
        ("IODeviceWeight", "io.weight", |weight| weight.to_string()),
        ("IOReadBandwidthMax", "io.max", |bytes| {
            format!("rbps={}", rate(bytes))
        }),
        ("IOWriteBandwidthMax", "io.max", |bytes| {
            format!("wbps={}", rate(bytes))
        }),
        ("IOReadIOPSMax", "io.max", |times| {
            format!("riops={}", rate(times))
        }),
        ("IOWriteIOPSMax", "io.max", |times| {
            format!("wiops={}", rate(times))
        }),
        ("IODeviceLatencyTargetSec", "io.latency", |us| {
            format!("target={us}")
        }),
        ("BlockIOReadBandwidth", "io.max", |bytes| {
            format!("rbps={}", rate(bytes))
        }),
        ("BlockIOWriteBandwidth", "io.max", |bytes| {
            format!("wbps={}", rate(bytes))
        }),
    ];
    let mut found = Vec::new();
    for (directive, file, text) in rows {
        let Setting::Rates(rates) = unit.settings.get(Resource, directive) else {
            continue;
        };
        found.extend(rates.iter().map(|(device, number)| DiskSetting {
            device: device.clone(),
            setting: GroupSetting {
                directive,
                file,
                text: text(*number),
            },
        }));
    }
    found
}

fn rate(number: u64) -> String {
    match number {
        UNSET => "max".to_owned(),
        number => number.to_string(),
    }
}

/// `CPUShares=` of old, of which 1024 are 100 of today's, counts where nothing else is said.
fn cpu_weight(settings: &Settings) -> Option<String> {
    let weight = match settings.number(Resource, "CPUWeight") {
        UNSET => match settings.number(Resource, "CPUShares") {
            UNSET => return None,
            shares => (shares * 100 / 1024).clamp(1, 10_000),
        },
        // Idle, which has a file of its own.
        0 => return None,
        weight => weight,
    };
    Some(weight.to_string())
}

/// A weight of old, of which 500 are 100 of today's.
fn weight_of_old(weight: u64) -> u64 {
    (weight * 100 / 500).clamp(1, 10_000)
}

/// `BlockIOWeight=` where nothing of today says otherwise.
fn io_weight(settings: &Settings) -> Option<u64> {
    match settings.number(Resource, "IOWeight") {
        UNSET => match settings.number(Resource, "BlockIOWeight") {
            UNSET => None,
            weight => Some(weight_of_old(weight)),
        },
        weight => Some(weight),
    }
}

/// `MemoryLimit=` of old, where no `MemoryMax=` is said.
fn memory_limit(unit: &Unit) -> Option<u64> {
    let max = unit.service.as_ref()?.resources.memory_max;
    let old = unit.settings.number(Resource, "MemoryLimit");
    (max.is_none() && old != UNSET).then_some(old)
}

fn list(settings: &Settings, key: &str) -> Option<String> {
    match settings.get(Resource, key) {
        Setting::Cpus(set) if !set.is_unset() => Some(set.to_line().replace(' ', ",")),
        _ => None,
    }
}

/// µs over which `CPUQuota=` is counted; `None`: as usual.
pub fn quota_period_us(unit: &Unit) -> Option<u64> {
    match unit.settings.get(Resource, "CPUQuotaPeriodSec") {
        Setting::Plain(PropertyValue::Unsigned(us)) if *us != UNSET => Some(*us),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::service as unit;

    #[test]
    fn directives_become_lines_of_files() {
        for (lines, files) in [
            ("", &[][..]),
            ("CPUWeight=200", &["cpu.weight 200"]),
            ("CPUWeight=idle", &["cpu.idle 1"]),
            ("CPUShares=2048", &["cpu.weight 200"]),
            ("CPUShares=2048\nCPUWeight=5", &["cpu.weight 5"]),
            ("CPUShares=2", &["cpu.weight 1"]),
            ("AllowedCPUs=0-3 8", &["cpuset.cpus 0-3,8"]),
            ("AllowedMemoryNodes=0", &["cpuset.mems 0"]),
            (
                "MemoryMin=1M\nMemoryLow=2M",
                &["memory.min 1048576", "memory.low 2097152"],
            ),
            ("MemoryLow=infinity", &["memory.low max"]),
            ("MemorySwapMax=0", &["memory.swap.max 0"]),
            ("IOWeight=50", &["io.weight default 50"]),
            ("BlockIOWeight=1000", &["io.weight default 200"]),
            ("OOMPolicy=kill", &["memory.oom.group 1"]),
            ("OOMPolicy=continue", &[]),
            ("MemoryLimit=1M", &["memory.max 1048576"]),
            ("MemoryLimit=1M\nMemoryMax=2M", &[]),
        ] {
            let found = plain(&unit(lines));
            let found: Vec<String> = found
                .iter()
                .map(|setting| format!("{} {}", setting.file, setting.text))
                .collect();
            assert_eq!(found, files, "{lines}");
        }
    }

    #[test]
    fn disks_are_named_by_the_host() {
        for (lines, wanted) in [
            (
                "IOReadBandwidthMax=/dev/vda 1M",
                "/dev/vda io.max rbps=1000000",
            ),
            ("IOWriteBandwidthMax=/var 2K", "/var io.max wbps=2000"),
            ("IOReadIOPSMax=/dev/vda 100", "/dev/vda io.max riops=100"),
            ("IODeviceWeight=/dev/vda 20", "/dev/vda io.weight 20"),
            (
                "BlockIODeviceWeight=/dev/vda 1000",
                "/dev/vda io.weight 200",
            ),
            (
                "IODeviceLatencyTargetSec=/dev/vda 25ms",
                "/dev/vda io.latency target=25000",
            ),
        ] {
            let found = disks(&unit(lines));
            let found: Vec<String> = found
                .iter()
                .map(|disk| {
                    format!(
                        "{} {} {}",
                        disk.device, disk.setting.file, disk.setting.text
                    )
                })
                .collect();
            assert_eq!(found, [wanted], "{lines}");
        }
    }

    #[test]
    fn a_quota_may_have_a_period() {
        assert_eq!(
            quota_period_us(&unit("CPUQuotaPeriodSec=10ms")),
            Some(10_000)
        );
        assert_eq!(quota_period_us(&unit("")), None);
    }
}
