//! What we make of real unit files, against what systemd 252 makes of them: property by property.
//!
//! Runs where the files and systemd's view of them are unpacked (`GITPROC_CORPUS=DIR`, with
//! `PACKAGE/FILE` and `systemd-view.jsonl` in it); `.ci/run` does that where it has them.
#![allow(clippy::disallowed_methods)] // a test of files may read files
use gitproc_unit::{
    HostFacts, PropertyValue, TreeEntry, UnitName, load_alone, properties_by_interface,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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

/// Differences that the machine explains on which the view was taken: property, units (a `*` stands
/// for any text), and why.
const EXPLAINED: &[(&str, &[&str], &str)] = &[
    (
        "After Before",
        &["systemd/*", "udev/*"],
        "other units of that machine were loaded with these, and say so in their own files",
    ),
    ("Before", &["auditd/auditd.service"], "as above"),
    ("Wants", &["systemd/*"], "as above"),
    (
        "TriggeredBy",
        &["systemd/*"],
        "the timers, sockets and paths of that machine",
    ),
    (
        "Names",
        &["systemd/*", "systemd-timesyncd/*", "udev/*"],
        "aliases by symlinks of that machine",
    ),
    (
        "After",
        &["cfengine3/cf-postgres.service"],
        "/tmp was a mount of its own there",
    ),
    (
        "Options",
        &["systemd/*.mount"],
        "it was mounted, and the kernel's options are shown",
    ),
    (
        "ReadWritePaths",
        &["systemd/systemd-localed.service"],
        "Debian's drop-in for it was installed there",
    ),
    (
        "StandardOutput StandardError",
        &["systemd/rc-local.service"],
        "as above",
    ),
    (
        "WatchdogUSec TimersMonotonic",
        &["systemd/*"],
        "these ran: the time that is in force, or the next elapse",
    ),
    (
        "CanStart CanStop",
        &["systemd/proc-sys-fs-binfmt_misc.automount"],
        "it could not be started in that machine",
    ),
    (
        "Conditions",
        &["systemd/kmod-static-nodes.service"],
        "%v is the kernel of that machine",
    ),
    (
        "After Requires CanStart",
        &["bip/bip-config.service"],
        "it is wrong in itself, and systemd stops half-way",
    ),
];

/// Where in the list a difference is explained: its row, property and unit.
fn explanation(property: &str, label: &str) -> Option<(usize, String, &'static str)> {
    let fits = |pattern: &str| match pattern.split_once('*') {
        Some((head, tail)) => label.starts_with(head) && label.ends_with(tail),
        None => label == pattern,
    };
    let rows = EXPLAINED.iter().enumerate();
    rows.filter(|(_, (properties, _, _))| properties.split(' ').any(|known| known == property))
        .find_map(|(at, (_, labels, _))| {
            let pattern = labels.iter().find(|pattern| fits(pattern))?;
            Some((at, property.to_owned(), *pattern))
        })
}

/// What gitproc shows that systemd 252 does not know.
const OURS: &[&str] = &[
    "FileDescriptorStorePreserve",
    "PrivatePIDs",
    "ReloadSignal",
    "RestartMaxDelayUSec",
    "RestartSteps",
];

#[derive(Default)]
struct Tally {
    compared: u64,
    explained: BTreeMap<String, u64>,
    /// Rows of the list that were of use.
    used: BTreeSet<(usize, String, &'static str)>,
    differences: Vec<String>,
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
        let made_up = ours.keys().filter(|name| view.get(name).is_none());
        let made_up = made_up.filter(|name| !OURS.contains(name));
        self.differences
            .extend(made_up.map(|name| format!("{section}.{name} of {label}: only ours")));
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
            if mine == theirs {
                continue;
            }
            let key = format!("{section}.{name}");
            match explanation(name, label) {
                Some(row) => {
                    self.used.insert(row);
                    *self.explained.entry(key).or_default() += 1;
                }
                None => {
                    let story = format!("{key} of {label}: ours {mine}, systemd's {theirs}");
                    self.differences.push(story.chars().take(600).collect());
                }
            }
        }
    }
}

fn sort(value: &mut Value) {
    if let Value::Array(items) = value {
        items.sort_by_key(Value::to_string);
    }
}

/// One unit of the view, with the file that it was loaded from; `None` for files that are no text.
fn compare_unit(tally: &mut Tally, dir: &Path, view: &Value, facts: &HostFacts) -> Option<()> {
    let label = view["label"].as_str().expect("PACKAGE/FILE");
    let unit = view["unit"].as_str().expect("a name");
    let text = String::from_utf8(std::fs::read(dir.join(label)).expect(label)).ok()?;
    let name = UnitName::parse(unit).expect(unit);
    let (unit, _) = load_alone(&name, TreeEntry::File(text), facts);
    let [generic, own] = properties_by_interface(&unit?, facts);
    for (section, theirs) in view.as_object().expect("an object") {
        match section.as_str() {
            "unit" | "label" => {}
            "Unit" => tally.compare(label, section, &generic, theirs),
            section => tally.compare(label, section, &own, theirs),
        }
    }
    Some(())
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
    let (mut units, mut unread) = (0, Vec::new());
    for line in view.lines() {
        let view: Value = serde_json::from_str(line).expect("one object per line");
        match compare_unit(&mut tally, dir, &view, &facts) {
            Some(()) => units += 1,
            None => unread.push(view["label"].to_string()),
        }
    }
    let explained: u64 = tally.explained.values().sum();
    println!(
        "{} values compared, {explained} differ for the machine's sake: {:?}",
        tally.compared, tally.explained
    );
    assert_eq!((units, unread), (1107, Vec::new()), "units compared");
    assert!(
        tally.differences.is_empty(),
        "{} differ:\n{}",
        tally.differences.len(),
        tally.differences.join("\n")
    );
    let useless = EXPLAINED.iter().enumerate().flat_map(|(at, row)| {
        let pairs = row.0.split(' ').flat_map(move |property| {
            row.1
                .iter()
                .map(move |pattern| (at, property.to_owned(), *pattern))
        });
        pairs
            .filter(|pair| !tally.used.contains(pair))
            .collect::<Vec<_>>()
    });
    let useless: Vec<_> = useless.collect();
    assert!(useless.is_empty(), "explain nothing: {useless:#?}");
}
