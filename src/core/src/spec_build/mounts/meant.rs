//! Which places of the file system the directives of a unit mean, as systemd 252 has it
//! (systemd.exec(5), SANDBOXING and PATHS).
use super::{USER_DATABASES, private_directories};
use crate::InvocationId;
use crate::spec::{Credentials, DirectorySpec, Mount, MountKind};
use gitproc_unit::Family::Exec;
use gitproc_unit::{DirectoryKind, PropertyValue, Settings, Unit};

/// What is at a place, and whether the host must have it.
type Place = (&'static str, Access, Need);

#[derive(Clone, Copy)]
enum Access {
    Hidden,
    ReadOnly,
    Spared,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

use Access::{Hidden, ReadOnly, Spared};
use Need::{Optional, Required};

const SYSTEM: &[Place] = &[
    ("/usr", ReadOnly, Required),
    ("/boot", ReadOnly, Optional),
    ("/efi", ReadOnly, Optional),
];
const CONFIGURATION: &[Place] = &[("/etc", ReadOnly, Required)];
/// Everything but what has directives of its own.
const ALL: &[Place] = &[
    ("/", ReadOnly, Required),
    ("/proc", Spared, Required),
    ("/sys", Spared, Required),
    ("/dev", Spared, Required),
    ("/home", Spared, Optional),
    ("/run/user", Spared, Optional),
    ("/root", Spared, Optional),
];
const HOMES: [&str; 3] = ["/home", "/run/user", "/root"];
const TUNABLES: &[Place] = &[
    ("/proc/acpi", ReadOnly, Optional),
    ("/proc/apm", ReadOnly, Optional),
    ("/proc/asound", ReadOnly, Optional),
    ("/proc/bus", ReadOnly, Optional),
    ("/proc/fs", ReadOnly, Optional),
    ("/proc/irq", ReadOnly, Optional),
    ("/proc/kallsyms", Hidden, Optional),
    ("/proc/kcore", Hidden, Optional),
    ("/proc/latency_stats", ReadOnly, Optional),
    ("/proc/mtrr", ReadOnly, Optional),
    ("/proc/scsi", ReadOnly, Optional),
    // Not with ProcSubset=pid.
    ("/proc/sys", ReadOnly, Optional),
    ("/proc/sysrq-trigger", ReadOnly, Optional),
    ("/proc/timer_stats", ReadOnly, Optional),
    ("/sys", ReadOnly, Required),
    ("/sys/fs/bpf", ReadOnly, Optional),
    // ProtectControlGroups= is about these.
    ("/sys/fs/cgroup", Spared, Optional),
    ("/sys/fs/selinux", Spared, Optional),
    ("/sys/kernel/debug", ReadOnly, Optional),
    ("/sys/kernel/tracing", ReadOnly, Optional),
];
const MODULES: &[Place] = &[
    ("/lib/modules", Hidden, Optional),
    ("/usr/lib/modules", Hidden, Optional),
];
const LOGS: &[Place] = &[
    ("/proc/kmsg", Hidden, Optional),
    ("/dev/kmsg", Hidden, Optional),
];
const CONTROL_GROUPS: &[Place] = &[("/sys/fs/cgroup", ReadOnly, Required)];
const HOST_NAME: &[Place] = &[
    ("/proc/sys/kernel/hostname", ReadOnly, Optional),
    ("/proc/sys/kernel/domainname", ReadOnly, Optional),
];

/// Those of `ProtectHome=tmpfs`: nothing fits in.
const EMPTY: &str = "mode=0755,size=4m,nr_inodes=1k,ro";
/// Bounds of `TemporaryFileSystem=` and of /run: a tenth of memory.
const BOUNDED: &str = "mode=0755,size=10%,nr_inodes=400k";

/// The mounts of a unit, in no order.
pub(super) fn mounts(
    unit: &Unit,
    tmp: InvocationId,
    directories: &[DirectorySpec],
    credentials: Option<&Credentials>,
    root: Option<&str>,
) -> Vec<Mount> {
    let settings = &unit.settings;
    let on = |key| settings.is_true(Exec, key);
    let mut found = Vec::new();
    let mut add = |directive: &str, places: &[Place]| {
        found.extend(places.iter().map(|place| fixed(directive, *place)));
    };
    match settings.text(Exec, "ProtectSystem") {
        "yes" => add("ProtectSystem=", SYSTEM),
        "full" => {
            add("ProtectSystem=", SYSTEM);
            add("ProtectSystem=", CONFIGURATION);
        }
        "strict" => add("ProtectSystem=", ALL),
        _ => {}
    }
    for (key, directive, places) in [
        ("ProtectKernelTunables", "ProtectKernelTunables=", TUNABLES),
        ("ProtectKernelModules", "ProtectKernelModules=", MODULES),
        ("ProtectKernelLogs", "ProtectKernelLogs=", LOGS),
        (
            "ProtectControlGroups",
            "ProtectControlGroups=",
            CONTROL_GROUPS,
        ),
        ("ProtectHostname", "ProtectHostname=", HOST_NAME),
    ] {
        if on(key) {
            add(directive, places);
        }
    }
    found.extend(homes(settings));
    if on("PrivateTmp") {
        let private = private_directories(tmp).map(|(source, path)| Mount {
            path: path.to_owned(),
            kind: MountKind::Private {
                source: format!("{source}/tmp"),
            },
            optional: false,
            directive: "PrivateTmp=".to_owned(),
        });
        found.extend(private);
    }
    if on("PrivateDevices") {
        found.push(made("PrivateDevices=", "/dev", MountKind::Devices));
    }
    if on("PrivateIPC") {
        let mut queues = made("PrivateIPC=", "/dev/mqueue", MountKind::Queues);
        queues.optional = true;
        found.push(queues);
    }
    found.extend(processes(settings));
    for (key, kind) in [
        ("ReadWritePaths", MountKind::ReadWrite),
        ("ReadOnlyPaths", MountKind::ReadOnly),
        ("InaccessiblePaths", MountKind::Inaccessible),
        ("ExecPaths", MountKind::Exec),
        ("NoExecPaths", MountKind::NoExec),
    ] {
        let paths = settings.texts(Exec, key);
        found.extend(
            paths
                .iter()
                .filter_map(|text| listed(key, text, &kind, root)),
        );
    }
    found.extend(binds(settings, "BindPaths", false));
    found.extend(binds(settings, "BindReadOnlyPaths", true));
    found.extend(temporary(settings));
    if !found.is_empty() || root.is_some() {
        found.extend(own_directories(directories, root));
        found.extend(credentials.map(secrets));
    }
    if root.is_some() && on("MountAPIVFS") {
        found.extend(kernels_own(settings));
    }
    found
}

fn made(directive: &str, path: &str, kind: MountKind) -> Mount {
    Mount {
        path: path.to_owned(),
        kind,
        optional: false,
        directive: directive.to_owned(),
    }
}

fn fixed(directive: &str, (path, access, need): Place) -> Mount {
    let kind = match access {
        Hidden => MountKind::Inaccessible,
        ReadOnly => MountKind::ReadOnly,
        Spared => MountKind::Spared,
    };
    Mount {
        optional: need == Optional,
        ..made(directive, path, kind)
    }
}

fn homes(settings: &Settings) -> Vec<Mount> {
    let kind = match settings.text(Exec, "ProtectHome") {
        "yes" => MountKind::Inaccessible,
        "read-only" => MountKind::ReadOnly,
        "tmpfs" => MountKind::Temporary {
            options: EMPTY.to_owned(),
        },
        _ => return Vec::new(),
    };
    let home = |path| Mount {
        optional: true,
        ..made("ProtectHome=", path, kind.clone())
    };
    HOMES.map(home).into()
}

/// Of proc(5): who is seen, and what.
fn processes(settings: &Settings) -> Option<Mount> {
    let hide = match settings.text(Exec, "ProtectProc") {
        "noaccess" => Some("hidepid=noaccess"),
        "invisible" => Some("hidepid=invisible"),
        "ptraceable" => Some("hidepid=ptraceable"),
        _ => None,
    };
    let subset = (settings.text(Exec, "ProcSubset") == "pid").then_some("subset=pid");
    let directive = match hide {
        Some(_) => "ProtectProc=",
        None => "ProcSubset=",
    };
    let options: Vec<&str> = hide.into_iter().chain(subset).collect();
    let kind = MountKind::Proc {
        options: options.join(","),
    };
    (!options.is_empty()).then(|| made(directive, "/proc", kind))
}

/// A path with `-` (may be missing) and `+` (below the root directory) before it. Without `+` it is
/// the host's: what is not below the root directory is nothing to the service.
fn listed(key: &str, text: &str, kind: &MountKind, root: Option<&str>) -> Option<Mount> {
    let (optional, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let path = match (text.strip_prefix('+'), root) {
        (Some(inside), _) => inside,
        (None, None) => text,
        (None, Some(root)) => match text.strip_prefix(root)? {
            "" => "/",
            below if below.starts_with('/') => below,
            _ => return None,
        },
    };
    Some(Mount {
        optional,
        ..made(&format!("{key}="), path, kind.clone())
    })
}

/// `[source, destination, may be missing, recursive]`
fn binds(settings: &Settings, key: &str, read_only: bool) -> Vec<Mount> {
    let property = settings.get(Exec, key).property();
    let bind = |item: &PropertyValue| match item.items() {
        [
            PropertyValue::Text(source),
            PropertyValue::Text(path),
            PropertyValue::Bool(optional),
            PropertyValue::Unsigned(flags),
        ] => {
            let kind = MountKind::Bind {
                source: source.clone(),
                recursive: *flags != 0,
                read_only,
                optional: *optional,
            };
            Some(made(&format!("{key}="), path, kind))
        }
        _ => None,
    };
    property.items().iter().filter_map(bind).collect()
}

fn temporary(settings: &Settings) -> Vec<Mount> {
    let property = settings.get(Exec, "TemporaryFileSystem").property();
    let mount = |item: &PropertyValue| {
        let [path, options] = item.items() else {
            return None;
        };
        let options = match options.text() {
            "" => BOUNDED.to_owned(),
            own => format!("{BOUNDED},{own}"),
        };
        let kind = MountKind::Temporary { options };
        Some(made("TemporaryFileSystem=", path.text(), kind))
    };
    property.items().iter().filter_map(mount).collect()
}

/// What is made for the service (`StateDirectory=` and its siblings) it can write to; in a root
/// directory of its own it is still the host's.
fn own_directories(directories: &[DirectorySpec], root: Option<&str>) -> Vec<Mount> {
    let mut found = Vec::new();
    for directory in directories {
        let directive = match directory.kind {
            DirectoryKind::Runtime => "RuntimeDirectory=",
            DirectoryKind::State => "StateDirectory=",
            DirectoryKind::Cache => "CacheDirectory=",
            DirectoryKind::Logs => "LogsDirectory=",
            DirectoryKind::Configuration => "ConfigurationDirectory=",
        };
        if directory.private {
            let options = EMPTY.to_owned();
            found.push(made(
                directive,
                &directory.base,
                MountKind::Temporary { options },
            ));
        }
        for path in &directory.paths {
            let path = format!("{}/{path}", directory.base);
            let kind = match root {
                Some(_) => MountKind::Bind {
                    source: path.clone(),
                    recursive: true,
                    read_only: directory.kind == DirectoryKind::Configuration,
                    optional: false,
                },
                None if directory.private => MountKind::Bind {
                    source: path.clone(),
                    recursive: true,
                    read_only: false,
                    optional: false,
                },
                None if directory.kind == DirectoryKind::Configuration => continue,
                None => MountKind::ReadWrite,
            };
            found.push(made(directive, &path, kind));
        }
    }
    found
}

/// Who looks the service's user up in the service finds it.
pub(super) fn user_databases(dir: &str) -> impl Iterator<Item = Mount> {
    USER_DATABASES.into_iter().map(move |(name, path)| Mount {
        optional: true,
        ..made(
            "DynamicUser=",
            path,
            MountKind::Bind {
                source: format!("{dir}/{name}"),
                recursive: false,
                read_only: true,
                optional: true,
            },
        )
    })
}

/// They stay within reach whatever becomes of /run.
fn secrets(credentials: &Credentials) -> Mount {
    let kind = MountKind::Bind {
        source: credentials.dir.clone(),
        recursive: false,
        read_only: true,
        optional: false,
    };
    made("LoadCredential=", &credentials.dir, kind)
}

/// `MountAPIVFS=`: the file systems of the kernel in a root directory that has none.
fn kernels_own(settings: &Settings) -> Vec<Mount> {
    let host = |path: &str| MountKind::Bind {
        source: path.to_owned(),
        recursive: true,
        read_only: false,
        optional: false,
    };
    let mut found = vec![
        made("MountAPIVFS=", "/sys", host("/sys")),
        made(
            "MountAPIVFS=",
            "/run",
            MountKind::Temporary {
                options: BOUNDED.to_owned(),
            },
        ),
    ];
    if processes(settings).is_none() {
        let options = String::new();
        found.push(made("MountAPIVFS=", "/proc", MountKind::Proc { options }));
    }
    if !settings.is_true(Exec, "PrivateDevices") {
        found.push(made("MountAPIVFS=", "/dev", host("/dev")));
    }
    found
}
