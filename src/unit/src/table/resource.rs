//! Limits and shares of the control group (systemd.resource-control(5)).
use super::kind::{self, Kind};
use super::service::of;
use super::{Family, Row};
use crate::draft::{Context, Draft};
use crate::name::{UnitKind, UnitName};
use crate::property::PropertyValue::{self, Bool, Unsigned};
use crate::property::texts;
use crate::value::{ValueError, parse_permyriad, parse_size};

const PENDING: Kind = Kind::By("PENDING", |_, _, _| Ok(()));

fn kept(key: &'static str, kind: Kind, default: PropertyValue) -> Row {
    Row::kept(Family::Resource, key, kind, default)
}

macro_rules! memory {
    ($key:literal, $field:ident) => {
        Row::field(
            Family::Resource,
            $key,
            "size, percentage, infinity",
            |draft, cx, value| {
                let limit = parse_memory_limit(value, MemoryFloor::Refused, cx.facts.memory_bytes)?;
                draft.service.resources.$field = limit;
                Ok(())
            },
        )
        .shows(
            $key,
            of!(s => Unsigned(s.resources.$field.unwrap_or(u64::MAX))),
        )
    };
}

/// A protected amount of memory: nothing by default.
const PROTECTED: Kind = Kind::By("size, percentage, infinity", |value, cx, text| {
    *value = Unsigned(match text {
        "" => 0,
        text => parse_memory_limit(text, MemoryFloor::Allowed, cx.facts.memory_bytes)?
            .unwrap_or(u64::MAX),
    });
    Ok(())
});

/// A limit of memory that may be 0.
const SWAP: Kind = Kind::By("size, percentage, infinity", |value, cx, text| {
    *value = Unsigned(
        parse_memory_limit(text, MemoryFloor::Allowed, cx.facts.memory_bytes)?.unwrap_or(u64::MAX),
    );
    Ok(())
});

const OLD_LIMIT: Kind = Kind::By("size, percentage, infinity", |value, cx, text| {
    *value = Unsigned(
        parse_memory_limit(text, MemoryFloor::Refused, cx.facts.memory_bytes)?.unwrap_or(u64::MAX),
    );
    Ok(())
});

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        memory!("MemoryMax", memory_max),
        memory!("MemoryHigh", memory_high),
        kept("MemoryMin", PROTECTED, Unsigned(0)),
        kept("MemoryLow", PROTECTED, Unsigned(0)),
        kept("MemorySwapMax", SWAP, PropertyValue::INFINITY),
        kept("DefaultMemoryMin", PROTECTED, Unsigned(0)),
        kept("DefaultMemoryLow", PROTECTED, Unsigned(0)),
        kept("MemoryLimit", OLD_LIMIT, PropertyValue::INFINITY),
        Row::field(
            Family::Resource,
            "CPUQuota",
            "percentage of one CPU",
            |draft, _, value| {
                draft.service.resources.cpu_quota_per_sec_us = match value {
                    "" => None,
                    value => match parse_permyriad(value) {
                        Some(share) if share > 0 => Some(u64::from(share) * 100),
                        Some(_) | None => {
                            return Err(ValueError::not(value, "percentage above 0 (such as 50%)"));
                        }
                    },
                };
                Ok(())
            },
        )
        .shows(
            "CPUQuotaPerSecUSec",
            of!(s => Unsigned(s.resources.cpu_quota_per_sec_us.unwrap_or(u64::MAX))),
        ),
        kept(
            "CPUQuotaPeriodSec",
            kind::SPAN_OR_EMPTY,
            PropertyValue::INFINITY,
        ),
        Row::field(
            Family::Resource,
            "TasksMax",
            "number, percentage, infinity",
            |draft, cx, value| {
                draft.service.resources.tasks_max = parse_tasks(value, cx.facts.tasks_max)?;
                Ok(())
            },
        )
        .shows(
            "TasksMax",
            of!(s => Unsigned(s.resources.tasks_max.unwrap_or(u64::MAX))),
        ),
        kept("CPUWeight", PENDING, PropertyValue::INFINITY),
        kept("StartupCPUWeight", PENDING, PropertyValue::INFINITY),
        kept("CPUShares", PENDING, PropertyValue::INFINITY),
        kept("StartupCPUShares", PENDING, PropertyValue::INFINITY),
        kept("AllowedCPUs", PENDING, PropertyValue::empty()),
        kept("StartupAllowedCPUs", PENDING, PropertyValue::empty()),
        kept("AllowedMemoryNodes", PENDING, PropertyValue::empty()),
        kept("StartupAllowedMemoryNodes", PENDING, PropertyValue::empty()),
        kept("IOWeight", PENDING, PropertyValue::INFINITY),
        kept("StartupIOWeight", PENDING, PropertyValue::INFINITY),
        kept("IODeviceWeight", PENDING, PropertyValue::empty()),
        kept("IOReadBandwidthMax", PENDING, PropertyValue::empty()),
        kept("IOWriteBandwidthMax", PENDING, PropertyValue::empty()),
        kept("IOReadIOPSMax", PENDING, PropertyValue::empty()),
        kept("IOWriteIOPSMax", PENDING, PropertyValue::empty()),
        kept("IODeviceLatencyTargetSec", PENDING, PropertyValue::empty()),
        kept("BlockIOWeight", PENDING, PropertyValue::INFINITY),
        kept("StartupBlockIOWeight", PENDING, PropertyValue::INFINITY),
        kept("BlockIODeviceWeight", PENDING, PropertyValue::empty()),
        kept("BlockIOReadBandwidth", PENDING, PropertyValue::empty()),
        kept("BlockIOWriteBandwidth", PENDING, PropertyValue::empty()),
        kept("DeviceAllow", PENDING, PropertyValue::empty()),
        kept(
            "DevicePolicy",
            Kind::Word(&["auto", "closed", "strict"]),
            "auto".into(),
        ),
        kept("IPAddressAllow", PENDING, PropertyValue::empty()),
        kept("IPAddressDeny", PENDING, PropertyValue::empty()),
        kept("IPIngressFilterPath", PENDING, PropertyValue::empty()),
        kept("IPEgressFilterPath", PENDING, PropertyValue::empty()),
        kept("BPFProgram", PENDING, PropertyValue::empty()),
        kept("SocketBindAllow", PENDING, PropertyValue::empty()),
        kept("SocketBindDeny", PENDING, PropertyValue::empty()),
        kept("RestrictNetworkInterfaces", PENDING, kind::no_filter()),
        kept("Slice", SLICE, PropertyValue::blank()),
        Row::field(
            Family::Resource,
            "Delegate",
            "yes, no, or controllers",
            delegate,
        )
        .shows("Delegate", of!(s => Bool(s.resources.delegate.is_some())))
        .shows(
            "DelegateControllers",
            of!(s => texts(s.resources.delegate.iter().flatten())),
        )
        .not_yet(),
        kept("DisableControllers", CONTROLLERS, PropertyValue::empty()),
        kept(
            "ManagedOOMSwap",
            Kind::WordOrEmpty(&["auto", "kill"]),
            "auto".into(),
        ),
        kept(
            "ManagedOOMMemoryPressure",
            Kind::WordOrEmpty(&["auto", "kill"]),
            "auto".into(),
        ),
        kept("ManagedOOMMemoryPressureLimit", PRESSURE, Unsigned(0)),
        kept(
            "ManagedOOMPreference",
            Kind::WordOrEmpty(&["none", "avoid", "omit"]),
            "none".into(),
        ),
    ];
    for (key, default) in [
        ("CPUAccounting", true),
        ("MemoryAccounting", true),
        ("TasksAccounting", true),
        ("IOAccounting", false),
        ("BlockIOAccounting", false),
        ("IPAccounting", false),
    ] {
        rows.push(kept(key, Kind::Flag, Bool(default)).meaningless(ACCOUNTING));
    }
    rows
}

const ACCOUNTING: &str =
    "each service has its own cgroup below gitproc's; the kernel counts whatever is asked for";

const SLICE: Kind = Kind::By("name of a slice", |value, cx, text| {
    *value = match text {
        "" => PropertyValue::blank(),
        text => {
            let name = cx.resolve(text)?;
            match UnitName::parse(&name) {
                Ok(slice) if slice.kind() == UnitKind::Slice => name.as_str().into(),
                Ok(_) | Err(_) => return Err(ValueError::not(&name, "slice")),
            }
        }
    };
    Ok(())
});

/// The controllers of cgroup v2 that `Delegate=yes` hands over, as systemd orders them.
const DELEGATED: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];
/// All that systemd knows by name; those of v1 among them.
const KNOWN: [&str; 12] = [
    "cpu",
    "cpuacct",
    "cpuset",
    "io",
    "blkio",
    "memory",
    "devices",
    "pids",
    "bpf-firewall",
    "bpf-devices",
    "bpf-foreign",
    "bpf-socket-bind",
];

fn delegate(draft: &mut Draft, _: &mut Context<'_>, text: &str) -> Result<(), ValueError> {
    let resources = &mut draft.service.resources;
    if text.is_empty() {
        resources.delegate = Some(Vec::new());
        return Ok(());
    }
    match crate::value::parse_bool(text) {
        Ok(true) => resources.delegate = Some(DELEGATED.map(str::to_owned).to_vec()),
        Ok(false) => resources.delegate = None,
        Err(_) => {
            let mut list = resources.delegate.take().unwrap_or_default();
            for word in text.split_whitespace() {
                controller(&mut list, word)?;
            }
            resources.delegate = Some(list);
        }
    }
    Ok(())
}

/// Adds a controller, in systemd's order.
fn controller(list: &mut Vec<String>, word: &str) -> Result<(), ValueError> {
    if !KNOWN.contains(&word) {
        return Err(ValueError::not(
            word,
            "controller (cpu, memory, io, pids, cpuset)",
        ));
    }
    if !list.iter().any(|known| known == word) {
        list.push(word.to_owned());
    }
    list.sort_by_key(|name| KNOWN.iter().position(|known| known == name));
    Ok(())
}

const CONTROLLERS: Kind = Kind::By("controllers", |value, _, text| {
    let mut list: Vec<String> = match text.is_empty() {
        true => Vec::new(),
        false => value
            .items()
            .iter()
            .map(|item| item.text().to_owned())
            .collect(),
    };
    let wrong = text
        .split_whitespace()
        .try_for_each(|word| controller(&mut list, word));
    *value = texts(list);
    wrong
});

/// A share of 2^32, as systemd-oomd takes it.
const PRESSURE: Kind = Kind::By("percentage", |value, _, text| {
    *value = match text {
        "" => Unsigned(0),
        text => match parse_permyriad(text) {
            Some(share) if share <= 10_000 => {
                let share = u64::from(share);
                Unsigned((share * u64::from(u32::MAX) + 5_000) / 10_000)
            }
            Some(_) | None => return Err(ValueError::not(text, "percentage (such as 60%)")),
        },
    };
    Ok(())
});

#[derive(PartialEq)]
enum MemoryFloor {
    Refused,
    Allowed,
}
fn parse_memory_limit(
    text: &str,
    floor: MemoryFloor,
    whole: u64,
) -> Result<Option<u64>, ValueError> {
    if matches!(text, "" | "infinity") {
        return Ok(None);
    }
    let bytes = match parse_permyriad(text) {
        Some(share) if share <= 10_000 => (u128::from(whole) * u128::from(share) / 10_000) as u64,
        Some(_) => return Err(ValueError::not(text, "percentage up to 100%")),
        None => parse_size(text)?,
    };
    if bytes == 0 && floor == MemoryFloor::Refused {
        return Err(ValueError(
            "no memory at all can't be meant; leave the value empty for no limit".into(),
        ));
    }
    Ok(Some(bytes))
}
fn parse_tasks(text: &str, whole: u64) -> Result<Option<u64>, ValueError> {
    if matches!(text, "" | "infinity") {
        return Ok(None);
    }
    match (parse_permyriad(text), text.parse::<u64>()) {
        (Some(share), _) if (1..=10_000).contains(&share) => {
            Ok(Some(whole * u64::from(share) / 10_000))
        }
        (None, Ok(count)) if count > 0 => Ok(Some(count)),
        (_, _) => Err(ValueError::not(
            text,
            "number of tasks above 0, percentage, or infinity",
        )),
    }
}
