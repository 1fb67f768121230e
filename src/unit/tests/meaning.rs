//! What two texts that mean the same have in common, and what a change of each directive changes.
mod samples;

use gitproc_unit::{Code, HostFacts, Row, Unit, changed_properties, needs_restart, print, table};
use samples::{least, loaded, unit, values};
use std::collections::BTreeMap;

/// What a value brings along beside its directive's own property: `Section.Directive`, and the
/// further properties in the order of the table.
const BRINGS: &[(&str, &[&str])] = &[
    ("Unit.RequiresMountsFor", &["After"]),
    (
        "Unit.DefaultDependencies",
        &["After", "Before", "Requires", "Conflicts"],
    ),
    ("Unit.JobTimeoutSec", &["JobRunningTimeoutUSec"]),
    ("Unit.OnFailureIsolate", &["OnFailureJobMode"]),
    // Older spellings.
    ("Unit.StartLimitInterval", &["StartLimitIntervalUSec"]),
    ("Unit.BindTo", &["BindsTo"]),
    ("Unit.PropagateReloadTo", &["PropagatesReloadTo"]),
    ("Unit.PropagateReloadFrom", &["ReloadPropagatedFrom"]),
    ("Unit.RequiresOverridable", &["Requires"]),
    ("Unit.RequisiteOverridable", &["Requisite"]),
    ("Service.StartLimitInterval", &["StartLimitIntervalUSec"]),
    ("Service.StartLimitBurst", &["StartLimitBurst"]),
    ("Service.StartLimitAction", &["StartLimitAction"]),
    ("Service.FailureAction", &["FailureAction"]),
    ("Service.SuccessAction", &["SuccessAction"]),
    ("Service.RebootArgument", &["RebootArgument"]),
    ("Service.ReadWriteDirectories", &["ReadWritePaths"]),
    ("Service.ReadOnlyDirectories", &["ReadOnlyPaths"]),
    ("Service.InaccessibleDirectories", &["InaccessiblePaths"]),
    // Several in one.
    (
        "Service.TimeoutSec",
        &["TimeoutStartUSec", "TimeoutStopUSec", "TimeoutAbortUSec"],
    ),
    (
        "Service.StandardInputText",
        &["StandardInput", "StandardInputData"],
    ),
    // What shows as another as long as it is not set itself.
    ("Service.TimeoutStopSec", &["TimeoutAbortUSec"]),
    ("Service.KillSignal", &["RestartKillSignal"]),
    // Defaults that follow others.
    ("Service.WatchdogSec", &["NotifyAccess"]),
    ("Service.FileDescriptorStoreMax", &["NotifyAccess"]),
    ("Service.BusName", &["After", "Requires", "Type"]),
    (
        "Service.DynamicUser",
        &[
            "After",
            "Wants",
            "RequiresMountsFor",
            "User",
            "Group",
            "NoNewPrivileges",
            "ProtectSystem",
            "ProtectHome",
            "PrivateTmp",
            "RestrictSUIDSGID",
            "RemoveIPC",
        ],
    ),
    ("Service.StandardInput", &["After", "StandardOutput"]),
    ("Service.StandardInputData", &["StandardInput"]),
    (
        "Service.PrivateDevices",
        &["CapabilityBoundingSet", "DevicePolicy"],
    ),
    ("Service.ProtectKernelModules", &["CapabilityBoundingSet"]),
    ("Service.ProtectKernelLogs", &["CapabilityBoundingSet"]),
    ("Service.ProtectClock", &["CapabilityBoundingSet"]),
    ("Service.Delegate", &["OOMPolicy"]),
    (
        "Service.RootDirectory",
        &["After", "RequiresMountsFor", "MountAPIVFS"],
    ),
    (
        "Service.RootImage",
        &["After", "RequiresMountsFor", "MountAPIVFS"],
    ),
    ("Socket.Accept", &["Before", "TriggerLimitBurst"]),
    // Dependencies.
    ("Service.Sockets", &["After", "Wants"]),
    ("Service.WorkingDirectory", &["After", "RequiresMountsFor"]),
    ("Service.RuntimeDirectory", &["After", "RequiresMountsFor"]),
    ("Service.StateDirectory", &["After", "RequiresMountsFor"]),
    ("Service.CacheDirectory", &["After", "RequiresMountsFor"]),
    ("Service.LogsDirectory", &["After", "RequiresMountsFor"]),
    (
        "Service.ConfigurationDirectory",
        &["After", "RequiresMountsFor"],
    ),
    ("Service.StandardOutput", &["After"]),
    (
        "Service.PrivateTmp",
        &["After", "Wants", "RequiresMountsFor"],
    ),
    ("Service.Slice", &["After", "Requires"]),
    // The journal of a namespace is not that of the system.
    ("Service.LogNamespace", &["After", "Requires"]),
    ("Timer.OnCalendar", &["After"]),
    ("Timer.Persistent", &["After", "RequiresMountsFor"]),
    ("Timer.Unit", &["Before"]),
    ("Path.Unit", &["Before"]),
    ("Socket.Service", &["Before"]),
    ("Socket.ExecStartPre", &["After"]),
    ("Socket.ExecStartPost", &["After"]),
    ("Socket.ExecStopPre", &["After"]),
    ("Socket.ExecStopPost", &["After"]),
    ("Mount.What", &["RequiresMountsFor"]),
    ("Mount.Where", &["Description", "RequiresMountsFor"]),
    ("Swap.What", &["After", "Description", "RequiresMountsFor"]),
    ("Automount.Where", &["RequiresMountsFor"]),
    // One list for all of a kind.
    ("Timer.OnBootSec", &["TimersMonotonic"]),
    ("Timer.OnStartupSec", &["TimersMonotonic"]),
    ("Timer.OnUnitActiveSec", &["TimersMonotonic"]),
    ("Timer.OnUnitInactiveSec", &["TimersMonotonic"]),
    ("Path.PathExists", &["RequiresMountsFor"]),
    ("Path.PathExistsGlob", &["RequiresMountsFor", "Paths"]),
    ("Path.PathChanged", &["RequiresMountsFor", "Paths"]),
    ("Path.PathModified", &["RequiresMountsFor", "Paths"]),
    ("Path.DirectoryNotEmpty", &["RequiresMountsFor", "Paths"]),
    ("Socket.ListenDatagram", &["Listen"]),
    ("Socket.ListenNetlink", &["Listen"]),
    (
        "Socket.ListenSequentialPacket",
        &["RequiresMountsFor", "Listen"],
    ),
    ("Socket.ListenFIFO", &["RequiresMountsFor", "Listen"]),
    ("Socket.ListenSpecial", &["RequiresMountsFor", "Listen"]),
    ("Socket.ListenMessageQueue", &["Listen"]),
    ("Socket.ListenUSBFunction", &["RequiresMountsFor", "Listen"]),
];

/// The name by which a change of a row is reported. Nothing is said of [Install]: what it changes
/// are other units.
fn own(row: &Row) -> Option<&str> {
    let older = row.value.starts_with("as `");
    let elsewhere = [
        "TimeoutSec",
        "StandardInputText",
        "OnFailureIsolate",
        "Sockets",
    ];
    match row.property.as_str() {
        "" if row.family.sections() == ["Install"] || older => None,
        "" if elsewhere.contains(&row.key) || is_listed(row) => None,
        "" => Some(row.key),
        property => Some(property),
    }
}

/// Whether it adds to a list that another row shows.
fn is_listed(row: &Row) -> bool {
    ["Listen", "On", "Path", "DirectoryNotEmpty"]
        .iter()
        .any(|start| row.key.starts_with(start))
}

/// The least unit with one more line.
fn with(row: &Row, value: &str) -> (gitproc_unit::UnitName, String) {
    let section = row.family.sections()[0];
    let (name, text) = least(section);
    (name, format!("{text}[{section}]\n{}={value}\n", row.key))
}

/// A row, its first value that makes a difference, and the units without and with it.
fn differences() -> Vec<(&'static Row, &'static str, Unit, Unit)> {
    let mut bases: BTreeMap<&str, Unit> = BTreeMap::new();
    let mut found = Vec::new();
    for row in table().iter().filter(|row| samples::has_effect(row)) {
        let section = row.family.sections()[0];
        let base = bases.entry(section).or_insert_with(|| {
            let (name, text) = least(section);
            unit(&name, &text)
        });
        let mut changed = values(row).into_iter().map(|value| {
            let (name, text) = with(row, value);
            (value, unit(&name, &text))
        });
        let (value, changed) = changed
            .find(|(_, changed)| changed != base)
            .unwrap_or_else(|| panic!("{}: no value makes a difference", row.key));
        found.push((row, value, base.clone(), changed));
    }
    found
}

#[test]
fn each_directive_changes_its_property_and_what_follows_from_it() {
    let restarts = |section: &&str, property: &&str| {
        let here = |row: &&Row| row.family.sections().contains(section);
        let mut rows = table().iter().filter(here);
        rows.any(|row| row.property == **property && row.restarts)
    };
    let facts = HostFacts::example();
    let mut wrong = Vec::new();
    for (row, value, base, changed) in differences() {
        let label = format!("{}.{}", row.family.sections()[0], row.key);
        let brought = BRINGS.iter().find(|(key, _)| *key == label);
        let brought = brought.map_or(&[][..], |(_, properties)| properties);
        let mut expected: Vec<&str> = brought.iter().copied().chain(own(row)).collect();
        let mut properties = changed_properties(&base, &changed);
        expected.sort_unstable();
        properties.sort_unstable();
        if properties != expected {
            wrong.push(format!("{label}={value}: {properties:?}, not {expected:?}"));
        }
        let expected = row.restarts
            || brought
                .iter()
                .any(|property| restarts(&row.family.sections()[0], property));
        if needs_restart(&base, &changed) != expected {
            wrong.push(format!("{label}={value}: restart should be {expected}"));
        }
        if print(&base, &facts) == print(&changed, &facts) {
            wrong.push(format!("{label}={value}: prints the same"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_row_is_printed_and_read_back() {
    let facts = HostFacts::example();
    let mut sections: Vec<&str> = table()
        .iter()
        .flat_map(|row| row.family.sections())
        .copied()
        .collect();
    sections.sort_unstable();
    sections.dedup();
    let longest = table().iter().map(|row| values(row).len()).max();
    for section in sections {
        // Each time another value of all rows at once.
        for place in 0..longest.unwrap_or(0) {
            let (name, mut text) = least(section);
            text.push_str(&format!("[{section}]\n"));
            for row in table() {
                let values = values(row);
                let value = values.get(place % values.len().max(1));
                let kind = name.kind();
                let here = row.family.sections().contains(&section)
                    && row.only_in.is_none_or(|kinds| kinds.contains(&kind));
                if let (true, Some(value)) = (here, value) {
                    text.push_str(&format!("{}={value}\n", row.key));
                }
            }
            let all = loaded(&name, &text);
            let bad = |code: &Code| matches!(code, Code::BadValue | Code::Syntax);
            let mut found = all.diagnostics.iter();
            if let Some(finding) = found.find(|finding| bad(&finding.code)) {
                panic!("{finding}\n{text}");
            }
            let written = unit(&name, &text);
            let printed = print(&written, &facts);
            let again = unit(&name, &printed);
            let changed = changed_properties(&written, &again);
            assert!(
                again == written,
                "{changed:?} of\n{text}\nprinted as\n{printed}"
            );
            assert_eq!(print(&again, &facts), printed);
        }
    }
}

/// Lines of [Service], or of [Unit] where the first says so, that mean the same.
const SAME: &[&[&str]] = &[
    &[
        "RestartSec=300",
        "RestartSec=5min",
        "RestartSec = 300s",
        "RestartSec=4min 60s",
    ],
    &["RestartSec=0.5", "RestartSec=500ms"],
    &[
        "PrivateTmp=yes",
        "PrivateTmp=true",
        "PrivateTmp=1",
        "PrivateTmp=ON",
    ],
    &["KillSignal=SIGUSR1", "KillSignal=USR1", "KillSignal=10"],
    &["KillSignal=SIGTERM", "KillSignal=15", "KillSignal=TERM", ""],
    &[
        "KillSignal=RTMIN+30",
        "KillSignal=SIGRTMAX",
        "KillSignal=64",
    ],
    &[
        "ReadOnlyPaths=/a//b/ /c",
        "ReadOnlyPaths=/a/b\nReadOnlyPaths=/c/.",
        "ReadOnlyDirectories=\"/a/b\" /c",
    ],
    &["WorkingDirectory=/a//b/", "WorkingDirectory=/a/./b"],
    &["UMask=0022", "UMask=22", ""],
    &[
        "MemoryMax=1G",
        "MemoryMax=1024M",
        "MemoryMax=1073741824",
        "MemoryMax=12.5%",
    ],
    &["MemoryMax=infinity", "MemoryMax=", ""],
    &["CPUQuota=50%", "CPUQuota=50.0%", "CPUQuota=500‰"],
    &["LimitNOFILE=0x10", "LimitNOFILE=16", "LimitNOFILE=16:16"],
    &[
        "Environment=A=b C=d",
        "Environment=A=b\nEnvironment=\"C=d\"",
        "Environment='A=\\x62' C=d",
    ],
    &["Environment=A=x A=b", "Environment=A=b"],
    &[
        "ExecStop=/bin/a b; ",
        "ExecStop=/bin/a 'b;'",
        "ExecStop=\\\n  /bin/a \\\n# a comment\n  \"b;\"",
    ],
    &[
        "ExecStop=/bin/a ; /bin/b",
        "ExecStop=/bin/a\nExecStop=/bin/b",
        "ExecStop=/bin/c\nExecStop=\nExecStop=/bin/a\nExecStop=/bin/b",
    ],
    &["ExecStop=-@/bin/a /bin/a x", "ExecStop=-/bin/a \\x78"],
    &["ExecStop=/bin/a\nExecStop=", ""],
    &[
        "SuccessExitStatus=TEMPFAIL 1",
        "SuccessExitStatus=1\nSuccessExitStatus=75 0x1",
    ],
    &[
        "CapabilityBoundingSet=CAP_CHOWN CAP_KILL",
        "CapabilityBoundingSet=cap_kill\nCapabilityBoundingSet=0",
    ],
    &["CapabilityBoundingSet=~", ""],
    &[
        "RestrictAddressFamilies=AF_UNIX AF_INET",
        "RestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=af_local",
    ],
    &[
        "RestrictAddressFamilies=none",
        "RestrictAddressFamilies=AF_UNIX\nRestrictAddressFamilies=~AF_UNIX",
    ],
    &[
        "RestrictAddressFamilies=~AF_UNIX\nRestrictAddressFamilies=AF_UNIX",
        "",
    ],
    &[
        "SystemCallFilter=~@clock read",
        "SystemCallFilter=~read\nSystemCallFilter=~@clock",
    ],
    &[
        "SystemCallFilter=~",
        "SystemCallFilter=~read\nSystemCallFilter=read",
        "",
    ],
    &["SystemCallErrorNumber=EPERM", "SystemCallErrorNumber=1"],
    &[
        "StateDirectory=b a",
        "StateDirectory=a\nStateDirectory=b//",
        "StateDirectory=a b a",
    ],
    &["StateDirectory=b:x a:y", "StateDirectory=a:y b:x"],
    &[
        "StateDirectoryMode=0755",
        "StateDirectory=a\nStateDirectory=",
        "",
    ],
    &[
        "IPAddressAllow=localhost",
        "IPAddressAllow=::1\nIPAddressAllow=127.0.0.0/8",
    ],
    &["SyslogFacility=daemon", "SyslogFacility=3", ""],
    &["StandardOutput=syslog", "StandardOutput=journal"],
    &["X-LogMaxFileSec=infinity", "X-LogMaxFileSec=0"],
    &[
        "StandardOutput=journal\nX-ForwardToJournal=no",
        "X-ForwardToJournal=no",
    ],
    &["StandardInputText=hi", "StandardInputData=aGkK"],
    &["RootHash=/a\nRootHash=", ""],
    &[
        "Delegate=yes",
        "Delegate=memory pids cpu\nDelegate=io cpuset",
    ],
    &["AllowedCPUs=0-3 8", "AllowedCPUs=8\nAllowedCPUs=0,1,2,3"],
    &["TimeoutSec=7", "TimeoutStartSec=7\nTimeoutStopSec=7s"],
    &["TimeoutStopSec=0", "TimeoutStopSec=infinity"],
    &["Type=simple", ""],
    &["RuntimeDirectoryPreserve=1", "RuntimeDirectoryPreserve=yes"],
    &["User=%u", "User=root"],
    &[
        "[Unit]\nAfter=a.service b.service",
        "[Unit]\nAfter=b.service\nAfter=a.service a.service",
    ],
    &["[Unit]\nAfter=basic.target sysinit.target", "[Unit]"],
    &[
        "[Unit]\nStartLimitIntervalSec=7\n",
        "[Unit]\nStartLimitInterval=7s",
        "StartLimitInterval=7",
    ],
    &[
        "[Unit]\nConditionPathExists=|!/a//b/",
        "[Unit]\nConditionPathExists=|!/a/b",
    ],
    &[
        "[Unit]\nOnFailureIsolate=yes",
        "[Unit]\nOnFailureJobMode=isolate",
    ],
    &[
        "[Unit]\n# a\n\n  Description = a b  \n;c",
        "[Unit]\nDescription=a b",
        "[Unit]\n[X-Other]\nA=b\n[Unit]\nDescription=a\\\nb",
    ],
];

/// Lines that look alike and mean something else.
const OTHER: &[[&str; 2]] = &[
    ["ExecStop=/bin/a b c", "ExecStop=/bin/a \"b c\""],
    ["ExecStop=/bin//a", "ExecStop=/bin/a"],
    ["ExecStop=/bin/a", "ExecStop=+/bin/a"],
    [
        "ExecStop=/bin/a\nExecStop=/bin/b",
        "ExecStop=/bin/b\nExecStop=/bin/a",
    ],
    ["Environment=A=b C=d", "Environment=\"A=b C=d\""],
    [
        "SystemCallFilter=read\nSystemCallFilter=~read",
        "SystemCallFilter=read\nSystemCallFilter=~read:EPERM",
    ],
    ["CapabilityBoundingSet=", ""],
    // In words, lines go to the host's journal too.
    ["StandardOutput=journal", ""],
    // The configuration may say something else.
    ["X-LogMaxFileSec=infinity", ""],
    ["ReadOnlyPaths=/a", "ReadOnlyPaths=-/a"],
    [
        "EnvironmentFile=/a\nEnvironmentFile=/b",
        "EnvironmentFile=/b\nEnvironmentFile=/a",
    ],
];

fn service(lines: &str) -> Unit {
    let (name, text) = least("Service");
    unit(&name, &format!("{text}{lines}\n"))
}

#[test]
fn what_means_the_same_is_equal() {
    let facts = HostFacts::example();
    for same in SAME {
        let first = service(same[0]);
        for lines in *same {
            let other = service(lines);
            assert_eq!(
                changed_properties(&first, &other),
                <[&str; 0]>::default(),
                "{lines}"
            );
            assert_eq!(first, other, "{} and {lines}", same[0]);
            assert_eq!(print(&first, &facts), print(&other, &facts), "{lines}");
        }
    }
}

#[test]
fn what_means_something_else_is_not() {
    let facts = HostFacts::example();
    for [one, other] in OTHER {
        let (a, b) = (service(one), service(other));
        assert!(needs_restart(&a, &b), "{one} and {other}");
        assert_ne!(print(&a, &facts), print(&b, &facts), "{one} and {other}");
    }
    let socket = |lines: &str| {
        let (name, text) = least("Socket");
        unit(&name, &format!("{text}{lines}\n"))
    };
    let (a, b) = (
        socket("ExecStartPre=/bin/a"),
        socket("ExecStartPre=+/bin/a"),
    );
    assert!(needs_restart(&a, &b));
}
