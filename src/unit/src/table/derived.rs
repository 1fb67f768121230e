//! Properties that no directive sets: they follow from others.
use crate::load::UnitFileState;
use crate::model::{ExecRole, Unit};
use crate::name::UnitKind;
use crate::property::PropertyValue::{self, Bool, Text};
use crate::property::texts;
use crate::settle::{runs_processes, syslog_priority};
use crate::table::Family;

type Properties = Vec<(&'static str, PropertyValue)>;

/// Adds them to what the table shows.
pub(crate) fn add(unit: &Unit, generic: &mut Properties, specific: &mut Properties) {
    let kind = unit.name.kind();
    let reloads = unit.service.as_deref().is_some_and(|service| {
        let commands = service.exec.get(&ExecRole::Reload);
        commands.is_some_and(|commands| !commands.is_empty())
    });
    let reloads = match kind {
        UnitKind::Service => reloads,
        UnitKind::Mount => true,
        // Others pass it on, where they are told to whom.
        UnitKind::Socket
        | UnitKind::Target
        | UnitKind::Timer
        | UnitKind::Path
        | UnitKind::Slice
        | UnitKind::Scope
        | UnitKind::Automount
        | UnitKind::Swap
        | UnitKind::Device => !unit.unit.propagates_reload_to.is_empty(),
    };
    generic.extend([
        ("Id", Text(unit.name.to_string())),
        (
            "Names",
            texts(std::iter::once(&unit.name).chain(&unit.install.names)),
        ),
        // For what has no file systemd shows an empty text.
        (
            "UnitFileState",
            unit.install.state.map_or("", UnitFileState::as_str).into(),
        ),
        ("Triggers", texts(&unit.unit.triggers)),
        ("TriggeredBy", texts(&unit.unit.triggered_by)),
        ("CanReload", Bool(reloads)),
        (
            "CanIsolate",
            Bool(unit.settings.is_true(Family::Unit, "AllowIsolate")),
        ),
        (
            "CanStart",
            Bool(!unit.settings.is_true(Family::Unit, "RefuseManualStart")),
        ),
        (
            "CanStop",
            Bool(!unit.settings.is_true(Family::Unit, "RefuseManualStop")),
        ),
    ]);
    if kind == UnitKind::Service {
        // As in systemd: what is in force since the last start, and nothing is for a file.
        replace(specific, "WatchdogUSec", PropertyValue::INFINITY);
    }
    if kind == UnitKind::Mount {
        // What systemd executes for it; it does not say so before it has.
        specific.extend(
            ["ExecMount", "ExecUnmount", "ExecRemount"].map(|key| (key, PropertyValue::empty())),
        );
    }
    if kind == UnitKind::Swap {
        specific
            .extend(["ExecActivate", "ExecDeactivate"].map(|key| (key, PropertyValue::empty())));
    }
    if kind == UnitKind::Device {
        specific.push(("SysFSPath", PropertyValue::blank()));
    }
    if runs_processes(kind) {
        if kind != UnitKind::Service {
            specific.push(("NonBlocking", Bool(false)));
        }
        // A hash in a file has a property of its own.
        for (key, path) in [
            ("RootHash", "RootHashPath"),
            ("RootHashSignature", "RootHashSignaturePath"),
        ] {
            let file = unit.settings.text(Family::Exec, key);
            specific.push((path, file.into()));
            if unit
                .settings
                .get(Family::Exec, key)
                .property()
                .items()
                .is_empty()
            {
                replace(specific, key, PropertyValue::empty());
            }
        }
        let setting = |key| unit.settings.get(Family::Exec, key);
        // Nodes without a policy are preferred ones.
        let nodes = unit.settings.get(Family::Exec, "NUMAMask").property();
        let policy = unit.settings.get(Family::Exec, "NUMAPolicy").property();
        if !nodes.items().is_empty() && policy == PropertyValue::Signed(-1) {
            replace(specific, "NUMAPolicy", PropertyValue::Signed(1));
        }
        // With `numa` the CPUs are those of the nodes, which only the host knows.
        let from_nodes = unit.settings.text(Family::Exec, "CPUAffinity") == "numa";
        if from_nodes {
            replace(specific, "CPUAffinity", PropertyValue::empty());
        }
        specific.extend([
            ("CPUAffinityFromNUMA", Bool(from_nodes)),
            ("SameProcessGroup", Bool(kind == UnitKind::Mount)),
        ]);
        let priority = syslog_priority(setting("SyslogFacility"), setting("SyslogLevel"));
        specific.push(("SyslogPriority", priority));
        for (key, stream) in [
            ("StandardInputFileDescriptorName", "StandardInput"),
            ("StandardOutputFileDescriptorName", "StandardOutput"),
            ("StandardErrorFileDescriptorName", "StandardError"),
        ] {
            let name = unit.settings.text(Family::Exec, stream).strip_prefix("fd:");
            let name = match (name, stream) {
                (Some(""), "StandardInput") => "stdin",
                (Some(""), "StandardOutput") => "stdout",
                (Some(""), _) => "stderr",
                (name, _) => name.unwrap_or(""),
            };
            specific.push((key, name.into()));
            // Where a stream goes in full is ours to know; systemd shows the kind of it.
            if let Some((how @ ("fd" | "file" | "append" | "truncate"), _)) =
                unit.settings.text(Family::Exec, stream).split_once(':')
            {
                replace(specific, stream, how.into());
            }
        }
    }
}

fn replace(properties: &mut Properties, name: &str, value: PropertyValue) {
    if let Some(found) = properties.iter_mut().find(|(known, _)| *known == name) {
        found.1 = value;
    }
}
