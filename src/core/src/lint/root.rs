//! Who a service runs as: root where nothing says why, nobody where files last.
use super::{Found, Service};
use gitproc_unit::{Code, DirectoryKind, ServiceType};

/// Directives by which somebody has thought about what the service may do.
const RESTRICTIONS: [&str; 26] = [
    "User",
    "DynamicUser",
    "CapabilityBoundingSet",
    "AmbientCapabilities",
    "NoNewPrivileges",
    "SystemCallFilter",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictSUIDSGID",
    "RestrictRealtime",
    "ProtectSystem",
    "ProtectHome",
    "ProtectKernelTunables",
    "ProtectKernelModules",
    "ProtectControlGroups",
    "ProtectProc",
    "PrivateDevices",
    "PrivateNetwork",
    "PrivateUsers",
    "MemoryDenyWriteExecute",
    "ReadOnlyPaths",
    "InaccessiblePaths",
    "TemporaryFileSystem",
    "DevicePolicy",
    "RootDirectory",
    "RootImage",
];

/// A service that stays, runs as root, and has no restriction at all. Oneshots prepare the host
/// and end, which mostly needs root: they are left alone.
pub(super) fn runs_as_root(service: &Service<'_, '_>, found: &mut Found) {
    let section = service.section;
    let lasts = section.service_type != ServiceType::Oneshot;
    let is_root = section
        .user
        .as_deref()
        .is_none_or(|user| matches!(user, "root" | "0"));
    if !service.case.as_root || !lasts || !is_root {
        return;
    }
    // `User=root` is a word about it, too.
    if RESTRICTIONS.iter().any(|key| service.is_set(key)) {
        return;
    }
    found.push(service.warn(
        ("ExecStart", ""),
        Code::RunsAsRoot,
        "runs as root, without any restriction".to_owned(),
        "add User=; if it needs root, bound it with NoNewPrivileges=yes or CapabilityBoundingSet=",
    ));
}

/// Files that outlast the service and belong to nobody belong to every service that runs as such.
pub(super) fn files_of_nobody(service: &Service<'_, '_>, found: &mut Found) {
    let section = service.section;
    if section.user.as_deref() != Some("nobody") {
        return;
    }
    let lasting = section.directories.iter().find(|(kind, directories)| {
        let lasts = match kind {
            DirectoryKind::Runtime => false,
            DirectoryKind::State
            | DirectoryKind::Cache
            | DirectoryKind::Logs
            | DirectoryKind::Configuration => true,
        };
        lasts && !directories.paths.is_empty()
    });
    if lasting.is_some() {
        found.push(service.warn(
            ("User", "nobody"),
            Code::FilesOfNobody,
            "User=nobody: its files can be changed by every other service of nobody".to_owned(),
            "give the service a user of its own",
        ));
    }
}
