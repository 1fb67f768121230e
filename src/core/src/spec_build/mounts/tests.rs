//! Which mounts a unit means, and in which order.
use super::*;
use gitproc_unit::{HostFacts, TreeEntry, UnitName};

/// `kind path`, in short.
fn planned(lines: &str) -> Vec<String> {
    let name = UnitName::parse("a.service").expect("a name");
    let text = format!("[Service]\nExecStart=/bin/x\n{lines}\n");
    let (unit, _) = gitproc_unit::load_alone(&name, TreeEntry::File(text), &HostFacts::example());
    let mounts = of(&unit.expect("a unit"), InvocationId(7), &[], None, None);
    assert_eq!(
        mounts.own,
        !mounts.mounts.is_empty() || mounts.root.is_some()
    );
    mounts.mounts.iter().map(short).collect()
}

fn short(mount: &Mount) -> String {
    let kind = match &mount.kind {
        MountKind::Inaccessible => "hide",
        MountKind::Bind { .. } => "bind",
        MountKind::Private { .. } => "private",
        MountKind::Devices => "devices",
        MountKind::Proc { .. } => "proc",
        MountKind::ReadOnly => "ro",
        MountKind::ReadWrite => "rw",
        MountKind::NoExec => "noexec",
        MountKind::Exec => "exec",
        MountKind::Temporary { .. } => "tmpfs",
        MountKind::Queues => "queues",
        MountKind::Spared => "spare",
    };
    format!("{kind} {}", mount.path)
}

#[test]
fn directives_mean_places() {
    for (lines, places) in [
        ("", &[][..]),
        ("ProtectSystem=yes", &["ro /boot", "ro /efi", "ro /usr"]),
        (
            "ProtectSystem=full",
            &["ro /boot", "ro /efi", "ro /etc", "ro /usr"],
        ),
        (
            "ProtectSystem=strict",
            &[
                "ro /",
                "spare /dev",
                "spare /home",
                "spare /proc",
                "spare /root",
                "spare /run/user",
                "spare /sys",
            ],
        ),
        (
            "ProtectHome=yes",
            &["hide /home", "hide /root", "hide /run/user"],
        ),
        ("PrivateTmp=yes", &["private /tmp", "private /var/tmp"]),
        ("PrivateDevices=yes", &["devices /dev"]),
        // What nothing restricts need not be spared.
        (
            "ProtectKernelModules=yes\nProtectHostname=yes",
            &[
                "hide /lib/modules",
                "ro /proc/sys/kernel/domainname",
                "ro /proc/sys/kernel/hostname",
                "hide /usr/lib/modules",
            ],
        ),
        ("ProtectControlGroups=yes", &["ro /sys/fs/cgroup"]),
        ("ProtectProc=invisible\nProcSubset=pid", &["proc /proc"]),
        (
            "DynamicUser=no\nReadOnlyPaths=/b /a /a/x",
            &["ro /a", "ro /a/x", "ro /b"],
        ),
        (
            "TemporaryFileSystem=/var\nBindPaths=/var/lib/x",
            &["tmpfs /var", "bind /var/lib/x"],
        ),
        ("RootDirectory=/r\nMountAPIVFS=no", &[]),
        (
            "RootDirectory=/r",
            &["bind /dev", "proc /proc", "tmpfs /run", "bind /sys"],
        ),
        (
            "RootDirectory=/r\nMountAPIVFS=no\nReadOnlyPaths=/r/a +/b /other",
            &["ro /a", "ro /b"],
        ),
    ] {
        assert_eq!(planned(lines), places, "{lines}");
    }
}

#[test]
fn what_takes_precedence_is_done() {
    for (lines, places) in [
        // The same place.
        ("ReadOnlyPaths=/a\nReadWritePaths=/a", &["ro /a"][..]),
        ("ReadOnlyPaths=/a\nInaccessiblePaths=/a", &["hide /a"]),
        ("NoExecPaths=/a\nExecPaths=/a", &["noexec /a"]),
        ("NoExecPaths=/a\nReadOnlyPaths=/a", &["ro /a", "noexec /a"]),
        (
            "TemporaryFileSystem=/a\nReadOnlyPaths=/a",
            &["ro /a", "tmpfs /a"],
        ),
        ("TemporaryFileSystem=/a\nBindPaths=/b:/a", &["bind /a"]),
        (
            "ProtectSystem=yes\nReadWritePaths=/usr",
            &["ro /boot", "ro /efi", "ro /usr"],
        ),
        // Below it.
        (
            "InaccessiblePaths=/a\nReadWritePaths=/a/b /ab",
            &["hide /a", "rw /ab"],
        ),
        (
            "ReadOnlyPaths=/a\nReadWritePaths=/a/b",
            &["ro /a", "rw /a/b"],
        ),
        // A dash sorts before a slash, and is no parent.
        (
            "ReadOnlyPaths=/a/b /a-c /a",
            &["ro /a", "ro /a/b", "ro /a-c"],
        ),
    ] {
        assert_eq!(planned(lines), places, "{lines}");
    }
}

#[test]
fn a_service_that_asks_for_nothing_sees_what_the_host_sees() {
    let name = UnitName::parse("a.service").expect("a name");
    let unit = |lines: &str| {
        let text = format!("[Service]\nExecStart=/bin/x\n{lines}\n");
        let file = TreeEntry::File(text);
        let (unit, _) = gitproc_unit::load_alone(&name, file, &HostFacts::example());
        of(&unit.expect("a unit"), InvocationId(7), &[], None, None)
    };
    assert!(!unit("").own);
    assert!(unit("PrivateMounts=yes").own);
    assert!(unit("MountFlags=slave").own);
    assert_eq!(unit("MountFlags=slave").propagation, 1 << 19);
    assert!(!unit("RootDirectory=/").own);
}
