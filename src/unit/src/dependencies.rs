//! Dependencies that no file spells out: `DefaultDependencies=`, what directives bring along, and
//! targets after what they pull in.
use crate::draft::Draft;
use crate::model::{DirectoryKind, Origin, ServiceType, Unit, UnitSection};
use crate::name::{UnitKind, UnitName};
use crate::property::PropertyValue;
use crate::settle::{runs_processes, shares_resources};
use crate::table::Family::{self, Exec, Resource};
use crate::tree::HostFacts;
use crate::value::simplify_path;
use std::collections::{BTreeMap, BTreeSet};

mod file_systems;

/// Every set of names in [Unit].
pub(crate) fn sets_mut(unit: &mut UnitSection) -> [&mut BTreeSet<UnitName>; 18] {
    [
        &mut unit.after,
        &mut unit.before,
        &mut unit.requires,
        &mut unit.wants,
        &mut unit.requisite,
        &mut unit.binds_to,
        &mut unit.part_of,
        &mut unit.conflicts,
        &mut unit.upholds,
        &mut unit.on_failure,
        &mut unit.on_success,
        &mut unit.propagates_reload_to,
        &mut unit.reload_propagated_from,
        &mut unit.propagates_stop_to,
        &mut unit.stop_propagated_from,
        &mut unit.joins_namespace_of,
        &mut unit.triggers,
        &mut unit.triggered_by,
    ]
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect("names of this file are valid")
}

/// Adds what systemd adds to a unit of its kind, from the unit alone.
pub(crate) fn imply(draft: &mut Draft, unit: &UnitName, facts: &HostFacts) {
    let kind = unit.kind();
    if shares_resources(kind) {
        in_slice(draft, unit);
    }
    if runs_processes(kind) && (kind != UnitKind::Socket || has_commands(draft)) {
        logs(draft);
        private_tmp(draft);
        directories(draft, facts);
        images(draft);
    }
    if kind == UnitKind::Service && draft.service.service_type == ServiceType::Dbus {
        requires_after(draft, name("dbus.socket"));
    }
    if matches!(kind, UnitKind::Mount | UnitKind::Automount | UnitKind::Swap) {
        file_systems::below(draft, kind);
    }
    if draft.settings.is_true(Family::Timer, "Persistent") {
        draft
            .unit
            .requires_mounts_for
            .insert("/var/lib/systemd/timers".into());
    }
    let watched = draft.triggers.paths.iter().chain(&draft.triggers.listens);
    let paths: Vec<String> = watched.filter_map(path_of).collect();
    draft.unit.requires_mounts_for.extend(paths);
    // What starts others comes before them; what is started may end first.
    let started: Vec<UnitName> = draft.unit.triggers.iter().cloned().collect();
    draft.unit.before.extend(started);
    let by: Vec<UnitName> = draft.unit.triggered_by.iter().cloned().collect();
    draft.unit.after.extend(by);
    if !draft.unit.requires_mounts_for.is_empty() || kind == UnitKind::Mount {
        draft.unit.after.insert(name("-.mount"));
    }
    if draft.unit.default_dependencies {
        defaults(draft, unit);
    }
}

/// The path that a path unit watches or a socket listens on, if it lies in a file system.
fn path_of(entry: &PropertyValue) -> Option<String> {
    let [kind, path, ..] = entry.items() else {
        return None;
    };
    let path = match kind.text() {
        "MessageQueue" => return None,
        // Shown with C escapes.
        "Stream" | "Datagram" | "SequentialPacket" => {
            let plain = crate::c_escape::unescape(path.text(), true, false).ok()?;
            String::from_utf8(plain).ok()?
        }
        _ => path.text().to_owned(),
    };
    path.starts_with('/').then(|| simplify_path(&path))
}

fn requires_after(draft: &mut Draft, other: UnitName) {
    draft.unit.requires.insert(other.clone());
    draft.unit.after.insert(other);
}

fn in_slice(draft: &mut Draft, unit: &UnitName) {
    let slice = draft.settings.text(Resource, "Slice");
    if let Ok(slice) = UnitName::parse(slice)
        && slice != *unit
    {
        requires_after(draft, slice);
    }
}

/// Who writes to the journal comes after its socket.
fn logs(draft: &mut Draft) {
    let journal = |key| {
        let to = draft.settings.text(Exec, key);
        matches!(to, "journal" | "journal+console" | "kmsg" | "kmsg+console")
    };
    let namespace = draft.settings.text(Exec, "LogNamespace").to_owned();
    if namespace.is_empty() {
        if journal("StandardOutput") || journal("StandardError") {
            draft.unit.after.insert(name("systemd-journald.socket"));
        }
        return;
    }
    // A namespace has a journal of its own.
    for socket in ["systemd-journald", "systemd-journald-varlink"] {
        if let Ok(socket) = UnitName::build(socket, Some(&namespace), UnitKind::Socket) {
            requires_after(draft, socket);
        }
    }
}

/// Images need modules of the kernel, where a unit may not open every device anyway.
fn images(draft: &mut Draft) {
    let root = !draft.settings.text(Exec, "RootImage").is_empty();
    if root {
        // It makes the devices appear that stand for the image.
        draft.unit.after.insert(name("systemd-udevd.service"));
    }
    let listed = !draft
        .settings
        .get(Exec, "MountImages")
        .property()
        .items()
        .is_empty();
    if !listed && !root {
        return;
    }
    let open = draft.settings.text(Resource, "DevicePolicy") == "auto";
    let rules = draft.settings.get(Resource, "DeviceAllow").property();
    if open && rules.items().is_empty() {
        return;
    }
    for module in ["loop", "dm_mod", "dm_verity"] {
        let loads = name(&format!("modprobe@{module}.service"));
        draft.unit.wants.insert(loads.clone());
        draft.unit.after.insert(loads);
    }
}

/// Whether a socket has anything to execute.
fn has_commands(draft: &Draft) -> bool {
    [
        "ExecStartPre",
        "ExecStartPost",
        "ExecStopPre",
        "ExecStopPost",
    ]
    .into_iter()
    .any(|key| {
        let commands = draft.settings.get(Family::Socket, key).property();
        !commands.items().is_empty()
    })
}

fn private_tmp(draft: &mut Draft) {
    if !draft.settings.is_true(Exec, "PrivateTmp") {
        return;
    }
    draft.unit.wants.insert(name("tmp.mount"));
    draft
        .unit
        .after
        .extend([name("tmp.mount"), name("systemd-tmpfiles-setup.service")]);
    draft.unit.requires_mounts_for.insert("/var/tmp".into());
}

/// The file systems on which the directories of a unit lie.
fn directories(draft: &mut Draft, facts: &HostFacts) {
    let mounts = &mut draft.unit.requires_mounts_for;
    let roots = ["RootDirectory", "RootImage"].map(|key| draft.settings.text(Exec, key));
    mounts.extend(
        roots
            .into_iter()
            .filter(|root| !root.is_empty())
            .map(str::to_owned),
    );
    let working = draft.service.working_directory.as_ref();
    mounts.extend(
        working
            .filter(|directory| !directory.optional)
            .and_then(|directory| directory.path.clone()),
    );
    for (kind, made) in &draft.service.directories {
        let below = match kind {
            DirectoryKind::Runtime => &facts.runtime_dir,
            DirectoryKind::State => &facts.state_dir,
            DirectoryKind::Cache => &facts.cache_dir,
            DirectoryKind::Logs => &facts.logs_dir,
            DirectoryKind::Configuration => &facts.config_dir,
        };
        mounts.extend(made.paths.iter().map(|path| format!("{below}/{path}")));
        let kept = matches!(
            kind,
            DirectoryKind::State | DirectoryKind::Cache | DirectoryKind::Logs
        );
        if kept && !made.paths.is_empty() {
            draft.unit.after.insert(name("systemd-remount-fs.service"));
        }
    }
}

fn defaults(draft: &mut Draft, unit: &UnitName) {
    let shutdown = name("shutdown.target");
    if *unit == shutdown {
        return;
    }
    let kind = unit.kind();
    match kind {
        UnitKind::Service => {
            requires_after(draft, name("sysinit.target"));
            draft.unit.after.insert(name("basic.target"));
        }
        UnitKind::Timer => {
            requires_after(draft, name("sysinit.target"));
            draft.unit.before.insert(name("timers.target"));
            if !draft.triggers.calendar.is_empty() {
                let clock = [name("time-set.target"), name("time-sync.target")];
                draft.unit.after.extend(clock);
            }
        }
        UnitKind::Path => {
            requires_after(draft, name("sysinit.target"));
            draft.unit.before.insert(name("paths.target"));
        }
        UnitKind::Socket => {
            requires_after(draft, name("sysinit.target"));
            draft.unit.before.insert(name("sockets.target"));
        }
        UnitKind::Mount | UnitKind::Automount => return file_systems::defaults(draft, unit),
        UnitKind::Swap => {
            let swap = name("swap.target");
            draft.unit.before.extend([swap, name("umount.target")]);
            draft.unit.conflicts.insert(name("umount.target"));
            return;
        }
        UnitKind::Target | UnitKind::Slice | UnitKind::Scope => {}
        UnitKind::Device => return,
    }
    draft.unit.conflicts.insert(shutdown.clone());
    draft.unit.before.insert(shutdown);
}

/// Puts targets after what they pull in, which needs the whole set.
pub(crate) fn order_targets(units: &mut BTreeMap<UnitName, Unit>) {
    let after: Vec<(UnitName, Vec<UnitName>)> = units
        .values()
        .filter(|unit| has_defaults(unit) && unit.name.kind() == UnitKind::Target)
        .map(|target| (target.name.clone(), pulled_first(target, units)))
        .collect();
    for (target, first) in after {
        if let Some(unit) = units.get_mut(&target) {
            unit.unit.after.extend(first);
        }
    }
}

fn has_defaults(unit: &Unit) -> bool {
    matches!(unit.origin, Origin::Tree { .. }) && unit.unit.default_dependencies
}

/// What a target pulls in and so waits for, unless one of the two says the opposite.
fn pulled_first(target: &Unit, units: &BTreeMap<UnitName, Unit>) -> Vec<UnitName> {
    let u = &target.unit;
    [&u.requires, &u.wants, &u.requisite, &u.binds_to]
        .into_iter()
        .flatten()
        .filter(|&name| {
            units.get(name).is_some_and(|other| {
                other.unit.default_dependencies
                    && !u.before.contains(name)
                    && !other.unit.after.contains(&target.name)
            })
        })
        .cloned()
        .collect()
}
