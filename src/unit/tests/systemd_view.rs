//! What we make of real unit files, against what systemd 252 makes of them: property by property.
//!
//! Runs where the files and systemd's view of them are unpacked (`GITPROC_CORPUS=DIR`, with
//! `PACKAGE/FILE` and `systemd-view.jsonl` in it); `.ci/run` does that where it has them.
#![allow(clippy::disallowed_methods)] // a test of files may read files
use gitproc_unit::{
    HostFacts, PropertyValue, TreeEntry, TreeFiles, UnitName, load, properties_by_interface,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What is no configuration: it was read off the machine while the unit ran or did not.
const RUNTIME: &[&str] = &[
    "AccessSELinuxContext",
    "ActivationDetails",
    "ActiveState",
    "AssertResult",
    "CanClean",
    "CanFreeze",
    "CleanResult",
    "ConditionResult",
    "ControlPID",
    "DropInPaths",
    "ExecMainCode",
    "ExecMainExitTimestamp",
    "ExecMainExitTimestampMonotonic",
    "ExecMainPID",
    "ExecMainStartTimestamp",
    "ExecMainStartTimestampMonotonic",
    "ExecMainStatus",
    "Following",
    "FragmentPath",
    "FreezerState",
    "GID",
    "LastTriggerUSec",
    "LastTriggerUSecMonotonic",
    "LoadError",
    "LoadState",
    "MainPID",
    "Markers",
    "NAccepted",
    "NConnections",
    "NFileDescriptorStore",
    "NRefused",
    "NRestarts",
    "NeedDaemonReload",
    "NextElapseUSecMonotonic",
    "NextElapseUSecRealtime",
    "Perpetual",
    "Refs",
    "ReloadResult",
    "Result",
    "SliceOf",
    "StatusErrno",
    "StatusText",
    "SubState",
    "Transient",
    "UID",
    "UnitFilePreset",
    "UnitFileState",
    "WatchdogTimestamp",
    "WatchdogTimestampMonotonic",
    // What other units of that machine say of this one.
    "BoundBy",
    "ConflictedBy",
    "ConsistsOf",
    "OnFailureOf",
    "OnSuccessOf",
    "RequiredBy",
    "RequisiteOf",
    "UpheldBy",
    "WantedBy",
];

/// Sets whose order means nothing.
const SETS: &[&str] = &[
    "After",
    "Before",
    "BindsTo",
    "Conflicts",
    "Names",
    "OnFailure",
    "OnSuccess",
    "PartOf",
    "PropagatesReloadTo",
    "PropagatesStopTo",
    "ReloadPropagatedFrom",
    "Requires",
    "RequiresMountsFor",
    "Requisite",
    "StopPropagatedFrom",
    "TriggeredBy",
    "Triggers",
    "Upholds",
    "Wants",
    "JoinsNamespaceOf",
    // Kept in hash tables, with a new order in each boot.
    "IPAddressAllow",
    "IPAddressDeny",
    "LoadCredential",
    "LoadCredentialEncrypted",
    "SetCredential",
    "SetCredentialEncrypted",
];

/// The machine that systemd's view was taken on.
fn facts() -> HostFacts {
    HostFacts {
        host_name: "oracle-t1".into(),
        machine_id: "00112233445566778899aabbccddeeff".into(),
        // 15% of it is the default of TasksMax=, half of it that of LimitNPROC=.
        tasks_max: 192_730,
        ..HostFacts::example()
    }
}

#[derive(Default)]
struct Tally {
    compared: u64,
    differences: BTreeMap<String, Vec<String>>,
}

impl Tally {
    fn compare(
        &mut self,
        label: &str,
        section: &str,
        ours: &[(&str, PropertyValue)],
        view: &Value,
    ) {
        let ours: BTreeMap<&str, &PropertyValue> = ours.iter().map(|(k, v)| (*k, v)).collect();
        for (name, theirs) in view.as_object().expect("an object") {
            if RUNTIME.contains(&name.as_str()) {
                continue;
            }
            self.compared += 1;
            let mine = match ours.get(name.as_str()) {
                Some(value) => serde_json::to_value(value).expect("plain data"),
                None => Value::String("(nothing)".into()),
            };
            let (mut mine, mut theirs) = (mine, theirs.clone());
            if SETS.contains(&name.as_str()) {
                sort(&mut mine);
                sort(&mut theirs);
            }
            if mine != theirs {
                let story = format!("{label}: ours {mine} systemd's {theirs}");
                let key = format!("{section}.{name}");
                self.differences.entry(key).or_default().push(story);
            }
        }
    }
}

fn sort(value: &mut Value) {
    if let Value::Array(items) = value {
        items.sort_by_key(Value::to_string);
    }
}

#[test]
fn debian_units_mean_what_systemd_says() {
    let Some(dir) = std::env::var_os("GITPROC_CORPUS") else {
        eprintln!("GITPROC_CORPUS is not set: corpus not read");
        return;
    };
    let dir = Path::new(&dir);
    let view = std::fs::read_to_string(dir.join("systemd-view.jsonl")).expect("systemd's view");
    let facts = facts();
    let mut tally = Tally::default();
    for line in view.lines() {
        let view: Value = serde_json::from_str(line).expect("one object per line");
        let label = view["label"].as_str().expect("PACKAGE/FILE");
        let unit = view["unit"].as_str().expect("a name");
        let bytes = std::fs::read(dir.join(label)).expect(label);
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        let name = UnitName::parse(unit).expect(unit);
        let mut tree = TreeFiles::default();
        tree.entries.insert(unit.to_owned(), TreeEntry::File(text));
        let loaded = load(&tree, &facts);
        let found = loaded.units.units.get(&name).map(|unit| &**unit);
        let Some(found) = found.or_else(|| loaded.others.get(&name)) else {
            println!("{label}: no unit");
            continue;
        };
        let [generic, own] = properties_by_interface(found, &facts);
        for (section, theirs) in view.as_object().expect("an object") {
            match section.as_str() {
                "unit" | "label" => {}
                "Unit" => tally.compare(label, section, &generic, theirs),
                section => tally.compare(label, section, &own, theirs),
            }
        }
    }
    let count: usize = tally.differences.values().map(Vec::len).sum();
    println!("{} values compared, {count} differ", tally.compared);
    let show = std::env::var("SHOW")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(3);
    for (property, stories) in &tally.differences {
        println!("{property}: {}", stories.len());
        for story in stories.iter().take(show) {
            println!("    {}", story.chars().take(600).collect::<String>());
        }
    }
}
