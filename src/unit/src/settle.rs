//! What only the end of the files decides: defaults that depend on other directives, settings that
//! imply others, and (in [`sense`]) whether a unit makes sense as a whole.
mod sense;

use crate::draft::Draft;
use crate::model::{Directories, ExecRole, NotifyAccess, ServiceSection, ServiceType};
use crate::name::{UnitKind, UnitName};
use crate::property::PropertyValue::{self, Bool, Signed, Unsigned};
use crate::settings::{Setting, Settings};
use crate::table::Family::{self, Exec, Resource, Service};
use crate::tree::HostFacts;
use crate::value::{Amount, DeviceRule, ValueError, capability_from_name};

const SECOND: u64 = 1_000_000;

/// Settles a draft for its kind. The error refuses the unit, which is settled all the same.
pub(crate) fn settle(
    draft: &mut Draft,
    name: &UnitName,
    facts: &HostFacts,
) -> Result<(), ValueError> {
    let kind = name.kind();
    draft.settings.forget_history();
    forget_history(&mut draft.service);
    settle_unit(draft, name);
    if kind == UnitKind::Service {
        settle_service(draft);
    }
    if runs_processes(kind) {
        imply(draft, name);
    }
    tasks(draft, kind, facts);
    if shares_resources(kind) {
        slice(draft, name);
    }
    match kind {
        UnitKind::Socket => settle_socket(draft, name),
        UnitKind::Mount => place(draft, name, Family::Mount, "Where"),
        UnitKind::Automount => place(draft, name, Family::Automount, "Where"),
        UnitKind::Swap => place(draft, name, Family::Swap, "What"),
        UnitKind::Service
        | UnitKind::Target
        | UnitKind::Timer
        | UnitKind::Path
        | UnitKind::Slice
        | UnitKind::Scope
        | UnitKind::Device => {}
    }
    trigger(draft, name);
    sense::check(draft, name)
}

/// What was said and taken back means what was never said.
fn forget_history(service: &mut ServiceSection) {
    service.exec.retain(|_, commands| !commands.is_empty());
    service
        .directories
        .retain(|_, made| *made != Directories::default());
}

/// Kinds with the directives of systemd.exec(5).
pub(crate) fn runs_processes(kind: UnitKind) -> bool {
    matches!(
        kind,
        UnitKind::Service | UnitKind::Socket | UnitKind::Mount | UnitKind::Swap
    )
}

/// Kinds with the directives of systemd.resource-control(5).
pub(crate) fn shares_resources(kind: UnitKind) -> bool {
    runs_processes(kind) || matches!(kind, UnitKind::Slice | UnitKind::Scope)
}

fn settle_unit(draft: &mut Draft, name: &UnitName) {
    let kind = name.kind();
    let host = matches!(
        kind,
        UnitKind::Mount
            | UnitKind::Automount
            | UnitKind::Swap
            | UnitKind::Slice
            | UnitKind::Scope
            | UnitKind::Device
    );
    if host && !draft.has("Unit", "IgnoreOnIsolate") {
        draft
            .settings
            .set(Family::Unit, "IgnoreOnIsolate", Setting::Plain(Bool(true)));
    }
    // The host may take its time to find a device, but not for ever.
    let waits = draft.has("Unit", "JobTimeoutSec") || draft.has("Unit", "JobRunningTimeoutSec");
    if kind == UnitKind::Device && !waits {
        let timeout = Setting::Plain(Unsigned(90 * SECOND));
        draft
            .settings
            .set(Family::Unit, "JobRunningTimeoutSec", timeout);
    }
    // What bounds a job bounds its running, too.
    if draft.has("Unit", "JobTimeoutSec") && !draft.has("Unit", "JobRunningTimeoutSec") {
        let timeout = draft.settings.get(Family::Unit, "JobTimeoutSec").clone();
        draft
            .settings
            .set(Family::Unit, "JobRunningTimeoutSec", timeout);
    }
    // Slices can't fail.
    if kind == UnitKind::Slice {
        draft.unit.on_failure.clear();
    }
    // Nothing waits for itself.
    for set in crate::dependencies::sets_mut(&mut draft.unit) {
        set.remove(name);
    }
    // Devices come when they come.
    draft
        .unit
        .before
        .retain(|other| other.kind() != UnitKind::Device);
}

fn settle_service(draft: &mut Draft) {
    let starts = count(draft, ExecRole::Start) > 0;
    let bus = !draft.settings.text(Service, "BusName").is_empty();
    let settled = match draft.service_type {
        Some(service_type) => service_type,
        None if bus => ServiceType::Dbus,
        // Without Type= and ExecStart= it is a oneshot.
        None if !starts => ServiceType::Oneshot,
        None => ServiceType::Simple,
    };
    // A watchdog, or a store for descriptors, needs somebody to listen to.
    let zero = Setting::Plain(Unsigned(0));
    let watched = ["WatchdogSec", "FileDescriptorStoreMax"]
        .into_iter()
        .any(|key| *draft.settings.get(Service, key) != zero);
    let service = &mut draft.service;
    service.service_type = settled;
    service.timeout_start_us = match draft.timeout_start {
        Some(timeout) => timeout,
        None if settled == ServiceType::Oneshot => None,
        None => Some(90 * SECOND),
    };
    service.notify_access = match draft.notify_access {
        None | Some(NotifyAccess::None)
            if watched || matches!(settled, ServiceType::Notify | ServiceType::NotifyReload) =>
        {
            NotifyAccess::Main
        }
        access => access.unwrap_or(NotifyAccess::None),
    };
    if service.delegate.on && !draft.has("Service", "OOMPolicy") {
        draft.settings.set(Service, "OOMPolicy", "continue");
    }
}

/// What is named after a path, and does not say it.
fn place(draft: &mut Draft, name: &UnitName, family: Family, key: &str) {
    if draft.settings.text(family, key).is_empty()
        && let Ok(path) = name.to_path()
    {
        draft.settings.set(family, key, path.as_str());
    }
}

fn settle_socket(draft: &mut Draft, name: &UnitName) {
    let accepts = draft.settings.is_true(Family::Socket, "Accept");
    if accepts && !draft.has("Socket", "TriggerLimitBurst") {
        draft
            .settings
            .set(Family::Socket, "TriggerLimitBurst", Unsigned(200));
    }
    if draft
        .settings
        .text(Family::Socket, "FileDescriptorName")
        .is_empty()
    {
        draft
            .settings
            .set(Family::Socket, "FileDescriptorName", name.as_str());
    }
}

/// What one setting of the sandbox brings along.
fn imply(draft: &mut Draft, name: &UnitName) {
    let on = |draft: &Draft, key| draft.settings.is_true(Exec, key);
    draft.service.capability_bounding_set = draft.bounding_set.unwrap_or(u64::MAX);
    draft.service.ambient_capabilities = draft.ambient_set.unwrap_or(0);
    if name.kind() != UnitKind::Service && !draft.has(name.kind().section(), "KeyringMode") {
        draft.settings.set(Exec, "KeyringMode", "shared");
    }
    if on(draft, "DynamicUser") {
        dynamic_user(draft, name);
    }
    for (key, capabilities) in [
        ("PrivateDevices", &["cap_mknod", "cap_sys_rawio"][..]),
        ("ProtectKernelModules", &["cap_sys_module"]),
        ("ProtectKernelLogs", &["cap_syslog"]),
        ("ProtectClock", &["cap_sys_time", "cap_wake_alarm"]),
    ] {
        if on(draft, key) {
            for capability in capabilities {
                let number = capability_from_name(capability).expect("names of this file");
                draft.service.capability_bounding_set &= !(1 << number);
            }
        }
    }
    if on(draft, "PrivateDevices") && draft.settings.text(Resource, "DevicePolicy") == "auto" {
        draft.settings.set(Resource, "DevicePolicy", "closed");
    }
    devices(draft);
    let root = !matches!(draft.settings.text(Exec, "RootDirectory"), "" | "/")
        || !draft.settings.text(Exec, "RootImage").is_empty();
    if root && !draft.has(name.kind().section(), "MountAPIVFS") {
        draft
            .settings
            .set(Exec, "MountAPIVFS", Setting::Plain(Bool(true)));
    }
    if name.kind() != UnitKind::Service {
        return;
    }
    let data = draft.settings.get(Exec, "StandardInputData").property();
    let idle = draft.settings.text(Exec, "StandardInput") == "null";
    if idle && !data.items().is_empty() {
        draft.settings.set(Exec, "StandardInput", "data");
    }
    // Output goes where input comes from only where that can be written to: else to the journal.
    let input = draft.settings.text(Exec, "StandardInput");
    let two_way = ["socket", "tty", "fd:"]
        .iter()
        .any(|to| input.starts_with(to));
    let said = draft.has(name.kind().section(), "StandardOutput");
    let inherits = draft.settings.text(Exec, "StandardOutput") == "inherit";
    if !said || inherits {
        let output = if two_way { "inherit" } else { "journal" };
        draft.settings.set(Exec, "StandardOutput", output);
    }
    // Who asks for the journal by its name gets it, where the unit's own log alone is the rule.
    let asks = |key| {
        let says = draft.has(name.kind().section(), key);
        says && draft.settings.text(Exec, key).starts_with("journal")
    };
    let left_open = draft.settings.text(Exec, "X-ForwardToJournal") == "auto";
    if left_open && (asks("StandardOutput") || asks("StandardError")) {
        draft.settings.set(Exec, "X-ForwardToJournal", "available");
    }
}

/// Devices that other settings need, where only some are allowed at all.
fn devices(draft: &mut Draft) {
    let Setting::Devices(rules) = draft.settings.get(Resource, "DeviceAllow") else {
        return;
    };
    if rules.is_empty() && draft.settings.text(Resource, "DevicePolicy") == "auto" {
        return;
    }
    let mut all = needed_devices(&draft.settings);
    all.extend_from_slice(rules);
    draft
        .settings
        .set(Resource, "DeviceAllow", Setting::Devices(all));
}

/// Rules for these, the newest first.
pub(crate) fn needed_devices(settings: &Settings) -> Vec<DeviceRule> {
    let mut rules = Vec::new();
    let mut need = |device: &str, access: &str| {
        let (device, access) = (device.to_owned(), access.to_owned());
        rules.insert(0, DeviceRule { device, access });
    };
    let listed = |key| !settings.get(Exec, key).property().items().is_empty();
    let image = !settings.text(Exec, "RootImage").is_empty();
    if image || listed("MountImages") {
        need("/dev/loop-control", "rw");
        need("/dev/mapper/control", "rw");
        need("block-loop", "rwm");
        need("block-blkext", "rwm");
        need("block-device-mapper", "rwm");
    }
    if settings.is_true(Exec, "ProtectClock") {
        need("char-rtc", "r");
    }
    rules
}

fn dynamic_user(draft: &mut Draft, name: &UnitName) {
    let settings = &mut draft.settings;
    settings.set(Exec, "PrivateTmp", Bool(true));
    settings.set(Exec, "RemoveIPC", Bool(true));
    settings.set(Exec, "RestrictSUIDSGID", Bool(true));
    draft.service.no_new_privileges = true;
    settings.set(Exec, "ProtectSystem", "strict");
    if settings.text(Exec, "ProtectHome") == "no" {
        settings.set(Exec, "ProtectHome", "read-only");
    }
    let user = draft.service.user.get_or_insert_with(|| {
        // A name of its own, made from the unit's where that can be one.
        name.prefix().to_owned()
    });
    if draft.service.group.is_none() {
        draft.service.group = Some(user.clone());
    }
}

/// Instances of a template share a slice; a slice lies in the one that its name says.
fn slice(draft: &mut Draft, name: &UnitName) {
    if !draft.settings.text(Resource, "Slice").is_empty() {
        return;
    }
    let slice = match (name.kind(), name.instance()) {
        (UnitKind::Slice, _) => match name.stem().rsplit_once('-') {
            Some((parent, _)) if !parent.is_empty() => format!("{parent}.slice"),
            Some(_) | None => "-.slice".to_owned(),
        },
        // File systems of the kernel itself, and those of the system, come before any slice.
        (UnitKind::Mount, None) if is_of_the_system(name.stem()) => "-.slice".to_owned(),
        (_, Some(_)) => format!("system-{}.slice", crate::escape::escape(name.prefix())),
        // What comes up before system.slice's own dependencies stays in it all the same.
        (_, None) => "system.slice".to_owned(),
    };
    draft
        .settings
        .set(Resource, "Slice", PropertyValue::Text(slice));
}

/// Whether a mount is one that every system has from the start.
pub(crate) fn is_of_the_system(mount: &str) -> bool {
    let kernel = ["dev", "proc", "sys"];
    let top = mount.split('-').next().unwrap_or(mount);
    matches!(mount, "-" | "usr") || kernel.contains(&top)
}

/// 15% of what the host can run, as systemd's DefaultTasksMax= has it.
pub(crate) const DEFAULT_TASKS: Amount = Amount::Share(1_500);

/// A unit that runs processes and does not speak of tasks gets a part of the host's.
fn tasks(draft: &mut Draft, kind: UnitKind, facts: &HostFacts) {
    let default = DEFAULT_TASKS.of(facts.tasks_max, 1);
    let (count, is_default) = match draft.tasks_max {
        Some(count) => (count, false),
        None if runs_processes(kind) => (default, true),
        None => (u64::MAX, false),
    };
    let resources = &mut draft.service.resources;
    resources.tasks_max = Some(count).filter(|count| *count < u64::MAX);
    resources.tasks_max_is_default = is_default;
}

/// Timers, paths and sockets start the service of the same name unless they say otherwise.
fn trigger(draft: &mut Draft, name: &UnitName) {
    let own = |suffix: &str| format!("{}.{suffix}", name.stem());
    let family = match name.kind() {
        UnitKind::Timer => Family::Timer,
        UnitKind::Path => Family::Path,
        UnitKind::Socket => Family::Socket,
        UnitKind::Automount => {
            draft.unit.triggers.extend(UnitName::parse(&own("mount")));
            return;
        }
        UnitKind::Service
        | UnitKind::Target
        | UnitKind::Slice
        | UnitKind::Scope
        | UnitKind::Mount
        | UnitKind::Swap
        | UnitKind::Device => return,
    };
    let key = if family == Family::Socket {
        "Service"
    } else {
        "Unit"
    };
    let mut started = draft.settings.text(family, key).to_owned();
    if started.is_empty() {
        let accepts = family == Family::Socket && draft.settings.is_true(family, "Accept");
        started = match accepts {
            // One instance for each connection.
            true => format!("{}@.service", name.prefix()),
            false => own("service"),
        };
        if !accepts && family != Family::Socket {
            draft
                .settings
                .set(family, key, PropertyValue::Text(started.clone()));
        }
    }
    let started = UnitName::parse(&started).ok();
    draft
        .unit
        .triggers
        .extend(started.filter(|name| !name.is_template()));
}

fn count(draft: &Draft, role: ExecRole) -> usize {
    draft.service.exec.get(&role).map_or(0, Vec::len)
}

/// The number that systemd shows for facility and level together.
pub(crate) fn syslog_priority(facility: &Setting, level: &Setting) -> PropertyValue {
    match (facility, level) {
        (Setting::Plain(Signed(facility)), Setting::Plain(Signed(level))) => {
            Signed(facility << 3 | level)
        }
        (_, _) => Signed(30),
    }
}

/// How a unit is called that has no Description=.
pub(crate) fn description(unit: &crate::Unit) -> String {
    match unit.name.kind() {
        UnitKind::Slice if unit.name.stem() != "-" => match unit.name.to_path() {
            Ok(path) => format!("Slice {path}"),
            Err(_) => unit.name.to_string(),
        },
        UnitKind::Mount => unit.settings.text(Family::Mount, "Where").to_owned(),
        UnitKind::Swap => unit.settings.text(Family::Swap, "What").to_owned(),
        UnitKind::Slice
        | UnitKind::Service
        | UnitKind::Target
        | UnitKind::Timer
        | UnitKind::Path
        | UnitKind::Socket
        | UnitKind::Scope
        | UnitKind::Automount
        | UnitKind::Device => unit.name.to_string(),
    }
}
