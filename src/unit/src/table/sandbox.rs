//! What a process may see and do (systemd.exec(5), SANDBOXING and SYSTEM CALL FILTERING).
use super::kind::{self, Kind, MARKED_PATHS, PATH, no_filter};
use super::{Family, Row, one_of};
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::value::{ValueError, absolute_path};

const PENDING: Kind = Kind::By("PENDING", |_, _, _| Ok(()));

fn kept(key: &'static str, kind: Kind, default: PropertyValue) -> Row {
    Row::kept(Family::Exec, key, kind, default)
}

fn flag(key: &'static str) -> Row {
    kept(key, Kind::Flag, Bool(false))
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        // File systems.
        kept("RootDirectory", PATH, PropertyValue::blank()).needed(ROOT),
        kept("RootImage", PATH, PropertyValue::blank()).needed(ROOT),
        kept(
            "RootImageOptions",
            ROOT_IMAGE_OPTIONS,
            PropertyValue::empty(),
        ),
        kept("RootHash", PENDING, PropertyValue::empty()),
        kept("RootHashSignature", PENDING, PropertyValue::empty()),
        kept("RootVerity", PATH, PropertyValue::blank()),
        kept("ExtensionDirectories", MARKED_PATHS, PropertyValue::empty()),
        kept("ExtensionImages", PENDING, PropertyValue::empty()),
        kept("MountImages", PENDING, PropertyValue::empty()),
        kept("MountAPIVFS", Kind::Flag, Bool(false)),
        kept(
            "ProtectSystem",
            Kind::FlagOrWord(&["no", "yes", "full", "strict"]),
            "no".into(),
        ),
        kept(
            "ProtectHome",
            Kind::FlagOrWord(&["no", "yes", "read-only", "tmpfs"]),
            "no".into(),
        ),
        flag("PrivateTmp"),
        flag("PrivateDevices"),
        flag("PrivateMounts"),
        flag("ProtectKernelTunables"),
        flag("ProtectKernelModules"),
        flag("ProtectKernelLogs"),
        flag("ProtectControlGroups"),
        flag("ProtectClock"),
        flag("ProtectHostname"),
        kept(
            "ProtectProc",
            Kind::WordOrEmpty(&["default", "noaccess", "invisible", "ptraceable"]),
            "default".into(),
        ),
        kept(
            "ProcSubset",
            Kind::WordOrEmpty(&["all", "pid"]),
            "all".into(),
        ),
        kept("ReadWritePaths", MARKED_PATHS, PropertyValue::empty()),
        kept("ReadOnlyPaths", MARKED_PATHS, PropertyValue::empty()),
        kept("InaccessiblePaths", MARKED_PATHS, PropertyValue::empty()),
        kept("ExecPaths", MARKED_PATHS, PropertyValue::empty()),
        kept("NoExecPaths", MARKED_PATHS, PropertyValue::empty()),
        kept("BindPaths", BIND_PATHS, PropertyValue::empty()),
        kept("BindReadOnlyPaths", BIND_PATHS, PropertyValue::empty()),
        kept("TemporaryFileSystem", TEMPORARY, PropertyValue::empty()),
        kept("MountFlags", MOUNT_FLAGS, Unsigned(0)),
        Row::alias(Family::Exec, "ReadWriteDirectories", "ReadWritePaths"),
        Row::alias(Family::Exec, "ReadOnlyDirectories", "ReadOnlyPaths"),
        Row::alias(Family::Exec, "InaccessibleDirectories", "InaccessiblePaths"),
        // Namespaces.
        flag("PrivateNetwork"),
        flag("PrivateUsers"),
        flag("PrivateIPC"),
        kept("NetworkNamespacePath", PATH, PropertyValue::blank()),
        kept("IPCNamespacePath", PATH, PropertyValue::blank()),
        kept("RestrictNamespaces", PENDING, PropertyValue::INFINITY),
        // System calls and the like.
        kept("SystemCallFilter", PENDING, no_filter()),
        kept("SystemCallLog", PENDING, no_filter()),
        kept("SystemCallArchitectures", PENDING, PropertyValue::empty()),
        kept("SystemCallErrorNumber", PENDING, Signed(0x7fff_fffe)),
        kept("RestrictAddressFamilies", PENDING, no_filter()),
        kept("RestrictFileSystems", PENDING, no_filter()),
        flag("RestrictRealtime"),
        flag("RestrictSUIDSGID"),
        flag("LockPersonality"),
        flag("MemoryDenyWriteExecute"),
        kept("Personality", PERSONALITY, PropertyValue::blank()),
        flag("RemoveIPC"),
        kept("SecureBits", SECURE_BITS, Signed(0)),
        kept("SELinuxContext", LABEL, no_label()),
        kept("AppArmorProfile", LABEL, no_label()),
        kept("SmackProcessLabel", LABEL, no_label()),
    ];
    rows.shrink_to_fit();
    rows
}

const ROOT: &str = "without it the service would run in the host's own root directory";

/// `[(PARTITION:)OPTIONS]`: mount options per partition of the image; alone they are for root.
const ROOT_IMAGE_OPTIONS: Kind = Kind::By("partition:options", |value, cx, text| {
    kind::each_word(value, text, |items, word| {
        let word = cx.resolve(word)?;
        let (partition, options) = word.split_once(':').unwrap_or(("root", &word));
        items.push(kind::pair(partition, options.into()));
        Ok(())
    })
});

/// MS_BIND without and with MS_REC (mount(2)), as systemd shows them.
const RECURSIVE: u64 = 1 << 14;

const BIND_PATHS: Kind = Kind::By("source:destination:rbind or norbind", |value, cx, text| {
    kind::each_word(value, text, |items, word| {
        let mut parts = word.split(':').map(|part| cx.resolve(part));
        let source = parts.next().transpose()?.unwrap_or_default();
        let (optional, source) = match source.strip_prefix('-') {
            Some(rest) => (true, absolute_path(rest)?),
            None => (false, absolute_path(&source)?),
        };
        let destination = match parts.next().transpose()? {
            Some(path) if !path.is_empty() => absolute_path(&path)?,
            Some(_) | None => source.clone(),
        };
        let flags = match parts.next().transpose()?.as_deref() {
            None | Some("" | "rbind") => RECURSIVE,
            Some("norbind") => 0,
            Some(other) => return Err(ValueError::not(other, "bind option (rbind, norbind)")),
        };
        if parts.next().is_some() {
            return Err(ValueError::not(
                word,
                "bind mount (source:destination:option)",
            ));
        }
        items.push(List(vec![
            Text(source),
            Text(destination),
            Bool(optional),
            Unsigned(flags),
        ]));
        Ok(())
    })
});

const TEMPORARY: Kind = Kind::By("path:options", |value, cx, text| {
    kind::each_word(value, text, |items, word| {
        let (path, options) = word.split_once(':').unwrap_or((word, ""));
        let path = absolute_path(&cx.resolve(path)?)?;
        items.push(kind::pair(path.as_str(), Text(cx.resolve(options)?)));
        Ok(())
    })
});

/// mount(2), propagation.
const PROPAGATIONS: &[(&str, u64)] = &[
    ("", 0),
    ("shared", 1 << 20),
    ("slave", 1 << 19),
    ("private", 1 << 18),
];

const MOUNT_FLAGS: Kind = Kind::By("shared, slave, private", |value, _, text| {
    *value = Unsigned(one_of(text, PROPAGATIONS)?);
    Ok(())
});

const PERSONALITIES: &[&str] = &[
    "", "x86", "x86-64", "arm64", "arm64-be", "arm", "arm-be", "ppc", "ppc-le", "ppc64",
    "ppc64-le", "s390", "s390x",
];

const PERSONALITY: Kind = Kind::By("architecture", |value, _, text| {
    match PERSONALITIES.contains(&text) {
        true => *value = text.into(),
        false => return Err(ValueError::not(text, "architecture (x86, x86-64, …)")),
    }
    Ok(())
});

/// prctl(2), PR_SET_SECUREBITS.
const SECURE_BIT_NAMES: &[(&str, i64)] = &[
    ("noroot", 1 << 0),
    ("noroot-locked", 1 << 1),
    ("no-setuid-fixup", 1 << 2),
    ("no-setuid-fixup-locked", 1 << 3),
    ("keep-caps", 1 << 4),
    ("keep-caps-locked", 1 << 5),
];

const SECURE_BITS: Kind = Kind::By(
    "keep-caps, noroot, no-setuid-fixup, each with -locked",
    |value, _, text| {
        let mut bits = match value {
            Signed(bits) if !text.is_empty() => *bits,
            _ => 0,
        };
        for word in text.split_whitespace() {
            bits |= one_of(word, SECURE_BIT_NAMES)?;
        }
        *value = Signed(bits);
        Ok(())
    },
);

fn no_label() -> PropertyValue {
    List(vec![Bool(false), PropertyValue::blank()])
}

const LABEL: Kind = Kind::By("label, - before it", |value, cx, text| {
    let (ignore, label) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    *value = match label.is_empty() {
        true => no_label(),
        false => List(vec![Bool(ignore), Text(cx.resolve(label)?)]),
    };
    Ok(())
});
