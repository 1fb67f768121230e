//! Limits and shares of the control group (systemd.resource-control(5)).
use super::device::{
    BLOCK_DEVICE_LIMIT, BLOCK_DEVICE_WEIGHT, DEVICE_LATENCY, DEVICE_LIMIT, DEVICE_RULE,
    DEVICE_WEIGHT, said_devices,
};
use super::kind::{self, Kind, SPELL_TEXT, number, resolved, spell_number, typed};
use super::network::{BPF_PATHS, BPF_PROGRAM, INTERFACES, NETWORKS, SOCKET_BIND};
use super::row::Write;
use super::service::{lines, of};
use super::{Family, Row};
use crate::name::{UnitKind, UnitName};
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, Unsigned};
use crate::property::texts;
use crate::settings::Setting;
use crate::settle::{DEFAULT_TASKS, runs_processes};
use crate::value::{
    Controllers, CpuSet, Interfaces, MemoryZero, ValueError, apply_controllers, apply_cpu_set,
    apply_delegate, format_permyriad, format_pressure_limit, format_size, parse_block_io_weight,
    parse_cpu_quota, parse_cpu_shares, parse_cpu_weight, parse_io_weight, parse_memory,
    parse_pressure_limit, parse_tasks_max,
};
use std::collections::BTreeSet;

fn kept(key: &'static str, kind: Kind, default: impl Into<Setting>) -> Row {
    Row::kept(Family::Resource, key, kind, default)
}

/// Size of a page in bytes, in which the kernel counts memory.
const PAGE: u64 = 4096;

/// Bytes; `u64::MAX` is no limit.
fn memory(text: &str, zero: MemoryZero, whole: u64) -> Result<u64, ValueError> {
    Ok(parse_memory(text, zero)?.of(whole, PAGE))
}

macro_rules! memory {
    ($key:literal, $field:ident) => {
        Row::field(
            Family::Resource,
            $key,
            MEMORY,
            |draft, cx, value| {
                let bytes = memory(value, MemoryZero::Refused, cx.facts.memory_bytes)?;
                draft.service.resources.$field = Some(bytes).filter(|bytes| *bytes < u64::MAX);
                Ok(())
            },
            lines!(s => vec![size(s.resources.$field.unwrap_or(u64::MAX))]),
        )
        .shows(
            $key,
            of!(s => Unsigned(s.resources.$field.unwrap_or(u64::MAX))),
        )
    };
}

macro_rules! amount {
    ($zero:ident) => {
        Kind::By(
            MEMORY,
            |value, cx, text| {
                *value = Unsigned(memory(text, MemoryZero::$zero, cx.facts.memory_bytes)?);
                Ok(())
            },
            spell_number!(size),
        )
    };
}

const MEMORY: &str = "size, percentage, infinity";
const PROTECTED: Kind = amount!(Protection);
const SWAP: Kind = amount!(Limit);
const OLD_LIMIT: Kind = amount!(Refused);

macro_rules! weight {
    ($what:literal, $parse:ident) => {
        Kind::By(
            $what,
            |value, _, text| {
                *value = Unsigned($parse(text)?);
                Ok(())
            },
            weight_lines,
        )
    };
}

fn weight_lines(weight: &PropertyValue) -> Vec<String> {
    match number(weight) {
        u64::MAX => Vec::new(),
        0 => vec!["idle".into()],
        weight => vec![weight.to_string()],
    }
}

fn size(bytes: u64) -> String {
    spelling::or_infinity(bytes, format_size)
}

const CPU_WEIGHT: Kind = weight!("1 to 10000, or idle", parse_cpu_weight);
const CPU_SHARES: Kind = weight!("2 to 262144", parse_cpu_shares);
const IO_WEIGHT: Kind = weight!("1 to 10000", parse_io_weight);
const BLOCK_IO_WEIGHT: Kind = weight!("10 to 1000", parse_block_io_weight);
const CPUS: Kind = resolved!(
    "CPUs or nodes (0-3,8)",
    Cpus,
    apply_cpu_set,
    |set: &CpuSet| vec![set.to_line()]
);
const CONTROLLERS: Kind = typed!(
    "controllers",
    Controllers,
    apply_controllers,
    |set: &Controllers| { spelling::joined(set.names()) }
);

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        memory!("MemoryMax", memory_max),
        memory!("MemoryHigh", memory_high),
        kept("MemoryMin", PROTECTED, Unsigned(0)).honoured(),
        kept("MemoryLow", PROTECTED, Unsigned(0)).honoured(),
        kept("MemorySwapMax", SWAP, PropertyValue::INFINITY).honoured(),
        kept("DefaultMemoryMin", PROTECTED, Unsigned(0)),
        kept("DefaultMemoryLow", PROTECTED, Unsigned(0)),
        kept("MemoryLimit", OLD_LIMIT, PropertyValue::INFINITY).honoured(),
        Row::field(
            Family::Resource,
            "CPUQuota",
            "percentage of one CPU",
            |draft, _, value| {
                let quota = Some(parse_cpu_quota(value)?).filter(|us| *us < u64::MAX);
                draft.service.resources.cpu_quota_per_sec_us = quota;
                Ok(())
            },
            lines!(s => {
                // 1% is 10,000 µs per second.
                let quota = s.resources.cpu_quota_per_sec_us.into_iter();
                quota.map(|us| format_permyriad(us / 100)).collect()
            }),
        )
        .shows(
            "CPUQuotaPerSecUSec",
            of!(s => Unsigned(s.resources.cpu_quota_per_sec_us.unwrap_or(u64::MAX))),
        ),
        kept(
            "CPUQuotaPeriodSec",
            kind::SPAN_OR_EMPTY,
            PropertyValue::INFINITY,
        )
        .honoured(),
        Row::field(
            Family::Resource,
            "TasksMax",
            "number, percentage, infinity",
            |draft, cx, value| {
                let amount = parse_tasks_max(value)?;
                // Kinds that have no limit of their own get one by asking for the default.
                let amount = amount.or((!runs_processes(cx.name.kind())).then_some(DEFAULT_TASKS));
                draft.tasks_max = amount.map(|amount| amount.of(cx.facts.tasks_max, 1));
                Ok(())
            },
            lines!(s => match (s.resources.tasks_max, s.resources.tasks_max_is_default) {
                (_, true) => Vec::new(),
                (None, false) => vec!["infinity".into()],
                // None at all can be written as a share only.
                (Some(0), false) => vec!["0%".into()],
                (Some(count), false) => vec![count.to_string()],
            }),
        )
        .shows(
            "TasksMax",
            of!(s => Unsigned(s.resources.tasks_max.unwrap_or(u64::MAX))),
        ),
        kept("CPUWeight", CPU_WEIGHT, PropertyValue::INFINITY).honoured(),
        kept("StartupCPUWeight", CPU_WEIGHT, PropertyValue::INFINITY).meaningless(STARTED),
        kept("CPUShares", CPU_SHARES, PropertyValue::INFINITY).honoured(),
        kept("StartupCPUShares", CPU_SHARES, PropertyValue::INFINITY).meaningless(STARTED),
        kept("AllowedCPUs", CPUS, Setting::Cpus(CpuSet::default())).honoured(),
        kept("StartupAllowedCPUs", CPUS, Setting::Cpus(CpuSet::default())).meaningless(STARTED),
        kept("AllowedMemoryNodes", CPUS, Setting::Cpus(CpuSet::default())).honoured(),
        kept(
            "StartupAllowedMemoryNodes",
            CPUS,
            Setting::Cpus(CpuSet::default()),
        )
        .meaningless(STARTED),
        kept("IOWeight", IO_WEIGHT, PropertyValue::INFINITY).honoured(),
        kept("StartupIOWeight", IO_WEIGHT, PropertyValue::INFINITY).meaningless(STARTED),
        kept("IODeviceWeight", DEVICE_WEIGHT, Setting::Rates(Vec::new())).honoured(),
        kept(
            "IOReadBandwidthMax",
            DEVICE_LIMIT,
            Setting::Rates(Vec::new()),
        )
        .honoured(),
        kept(
            "IOWriteBandwidthMax",
            DEVICE_LIMIT,
            Setting::Rates(Vec::new()),
        )
        .honoured(),
        kept("IOReadIOPSMax", DEVICE_LIMIT, Setting::Rates(Vec::new())).honoured(),
        kept("IOWriteIOPSMax", DEVICE_LIMIT, Setting::Rates(Vec::new())).honoured(),
        kept(
            "IODeviceLatencyTargetSec",
            DEVICE_LATENCY,
            Setting::Rates(Vec::new()),
        )
        .honoured(),
        kept("BlockIOWeight", BLOCK_IO_WEIGHT, PropertyValue::INFINITY).honoured(),
        kept(
            "StartupBlockIOWeight",
            BLOCK_IO_WEIGHT,
            PropertyValue::INFINITY,
        )
        .meaningless(STARTED),
        kept(
            "BlockIODeviceWeight",
            BLOCK_DEVICE_WEIGHT,
            Setting::Rates(Vec::new()),
        )
        .honoured(),
        kept(
            "BlockIOReadBandwidth",
            BLOCK_DEVICE_LIMIT,
            Setting::Rates(Vec::new()),
        )
        .twin("BlockIOWriteBandwidth")
        .honoured(),
        kept(
            "BlockIOWriteBandwidth",
            BLOCK_DEVICE_LIMIT,
            Setting::Rates(Vec::new()),
        )
        .honoured(),
        kept("DeviceAllow", DEVICE_RULE, Setting::Devices(Vec::new()))
            .said(said_devices)
            .honoured(),
        kept(
            "DevicePolicy",
            Kind::Word(&["auto", "closed", "strict"]),
            "auto",
        )
        .follows(&["PrivateDevices"])
        .honoured(),
        kept(
            "IPAddressAllow",
            NETWORKS,
            Setting::Networks(BTreeSet::new()),
        )
        .honoured(),
        kept(
            "IPAddressDeny",
            NETWORKS,
            Setting::Networks(BTreeSet::new()),
        )
        .honoured(),
        kept("IPIngressFilterPath", BPF_PATHS, PropertyValue::empty()),
        kept("IPEgressFilterPath", BPF_PATHS, PropertyValue::empty()),
        kept("BPFProgram", BPF_PROGRAM, PropertyValue::empty()),
        kept("SocketBindAllow", SOCKET_BIND, Setting::Sockets(Vec::new())).honoured(),
        kept("SocketBindDeny", SOCKET_BIND, Setting::Sockets(Vec::new())).honoured(),
        kept(
            "RestrictNetworkInterfaces",
            INTERFACES,
            Setting::Interfaces(Interfaces::default()),
        )
        .honoured(),
        // Slices lie where their names say.
        kept("Slice", SLICE, PropertyValue::blank())
            .only_in(&[
                UnitKind::Service,
                UnitKind::Socket,
                UnitKind::Mount,
                UnitKind::Swap,
                UnitKind::Scope,
            ])
            .honoured(),
        Row::field(
            Family::Resource,
            "Delegate",
            "yes, no, or controllers",
            |draft, _, value| apply_delegate(&mut draft.service.delegate, value),
            lines!(s => vec![s.delegate.to_line()]),
        )
        .shows("Delegate", of!(s => Bool(s.delegate.on)))
        .shows(
            "DelegateControllers",
            of!(s => texts(s.delegate.controllers.names())),
        )
        .only_in(&[UnitKind::Service, UnitKind::Scope]),
        kept(
            "DisableControllers",
            CONTROLLERS,
            Setting::Controllers(Controllers::default()),
        ),
        kept(
            "ManagedOOMSwap",
            Kind::WordOrEmpty(&["auto", "kill"]),
            "auto",
        )
        .only_in(WATCHED)
        .meaningless(OOMD),
        kept(
            "ManagedOOMMemoryPressure",
            Kind::WordOrEmpty(&["auto", "kill"]),
            "auto",
        )
        .only_in(WATCHED)
        .meaningless(OOMD),
        kept("ManagedOOMMemoryPressureLimit", PRESSURE, Unsigned(0))
            .only_in(WATCHED)
            .meaningless(OOMD),
        kept(
            "ManagedOOMPreference",
            Kind::Word(&["none", "avoid", "omit"]),
            "none",
        )
        .meaningless(OOMD),
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

const STARTED: &str = "the host has started before gitproc: the setting without Startup holds";
const OOMD: &str = "systemd-oomd looks after systemd's own units only";
const ACCOUNTING: &str =
    "each service has its own cgroup below gitproc's; the kernel counts whatever is asked for";

/// Kinds that systemd-oomd watches.
const WATCHED: &[UnitKind] = &[UnitKind::Service, UnitKind::Slice, UnitKind::Scope];

/// What a unit lies in; it can't be taken back.
const SLICE: Kind = Kind::By(
    "name of a slice",
    |value, cx, text| {
        let name = cx.resolve_name(text)?;
        let wanted = || ValueError::not(&name, "slice (such as web.slice)");
        let slice = UnitName::parse(&name).map_err(|_| wanted())?;
        if slice.kind() != UnitKind::Slice || slice.is_template() {
            return Err(wanted());
        }
        *value = name.as_str().into();
        Ok(())
    },
    SPELL_TEXT,
);

const PRESSURE: Kind = Kind::By(
    "percentage",
    |value, _, text| {
        *value = Unsigned(parse_pressure_limit(text)?.into());
        Ok(())
    },
    spell_number!(format_pressure_limit),
);
