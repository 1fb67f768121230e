//! Properties that no directive sets: they follow from others.
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
        kind == UnitKind::Service && commands.is_some_and(|commands| !commands.is_empty())
    });
    generic.extend([
        ("Id", Text(unit.name.to_string())),
        ("Names", texts([&unit.name])),
        ("Triggers", texts(&unit.unit.triggers)),
        ("TriggeredBy", texts(&unit.unit.triggered_by)),
        ("CanReload", Bool(reloads || kind == UnitKind::Mount)),
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
    if runs_processes(kind) {
        let setting = |key| unit.settings.get(Family::Exec, key);
        specific.extend([
            ("CPUAffinityFromNUMA", Bool(false)),
            ("SameProcessGroup", Bool(kind == UnitKind::Mount)),
        ]);
        let priority = syslog_priority(setting("SyslogFacility"), setting("SyslogLevel"));
        specific.push(("SyslogPriority", priority));
        for (key, stream) in [
            ("StandardInputFileDescriptorName", "StandardInput"),
            ("StandardOutputFileDescriptorName", "StandardOutput"),
            ("StandardErrorFileDescriptorName", "StandardError"),
        ] {
            let name = unit
                .settings
                .text(Family::Exec, stream)
                .strip_prefix("fd:")
                .unwrap_or("");
            specific.push((key, name.into()));
            // Where a stream goes in full is ours to know; systemd shows the kind of it.
            if let Some((how @ ("file" | "append" | "truncate"), _)) =
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
