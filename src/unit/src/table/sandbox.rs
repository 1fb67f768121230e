//! What a process may see and do (systemd.exec(5), SANDBOXING and SYSTEM CALL FILTERING).
use super::image::{EXTENSION_IMAGES, MOUNT_IMAGES, ROOT_IMAGE_OPTIONS, marked};
use super::kind::{self, Kind, MARKED_PATHS, PATH, SPELL_TEXT, no_filter, spell_number};
use super::{Family, Row};
use crate::diagnostic::Severity;
use crate::draft::Context;
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::settings::Setting;
use crate::value::shape::bytes;
use crate::value::{
    AddressFamilies, SyscallAction, SyscallArchitectures, SyscallFilter, ValueError, absolute_path,
    apply_namespaces, apply_secure_bits, format_mount_propagation, format_namespaces,
    format_secure_bits, parse_bool, parse_mount_propagation, parse_personality,
};
use crate::words::{Split, WordError, Words};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

fn kept(key: &'static str, kind: Kind, default: impl Into<Setting>) -> Row {
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
        kept("RootHash", HEX, PropertyValue::empty()),
        kept("RootHashSignature", SIGNATURE, PropertyValue::empty()),
        kept("RootVerity", PATH, PropertyValue::blank()),
        kept("ExtensionDirectories", MARKED_PATHS, PropertyValue::empty()),
        kept("ExtensionImages", EXTENSION_IMAGES, PropertyValue::empty()),
        kept("MountImages", MOUNT_IMAGES, PropertyValue::empty()),
        kept("MountAPIVFS", FLAG_OR_UNSET, Bool(false)).follows(&["RootDirectory", "RootImage"]),
        kept(
            "ProtectSystem",
            Kind::FlagOrWord(&["no", "yes", "full", "strict"]),
            "no",
        )
        .follows(&["DynamicUser"]),
        kept(
            "ProtectHome",
            Kind::FlagOrWord(&["no", "yes", "read-only", "tmpfs"]),
            "no",
        )
        .follows(&["DynamicUser"]),
        flag("PrivateTmp").follows(&["DynamicUser"]),
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
            Kind::Word(&["default", "noaccess", "invisible", "ptraceable"]),
            "default",
        ),
        kept("ProcSubset", Kind::Word(&["all", "pid"]), "all"),
        kept("ReadWritePaths", MARKED_PATHS, PropertyValue::empty()),
        kept("ReadOnlyPaths", MARKED_PATHS, PropertyValue::empty()),
        kept("InaccessiblePaths", MARKED_PATHS, PropertyValue::empty()),
        kept("ExecPaths", MARKED_PATHS, PropertyValue::empty()),
        kept("NoExecPaths", MARKED_PATHS, PropertyValue::empty()),
        kept("BindPaths", BIND_PATHS, PropertyValue::empty()).twin("BindReadOnlyPaths"),
        kept("BindReadOnlyPaths", BIND_PATHS, PropertyValue::empty()).twin("BindPaths"),
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
        kept("RestrictNamespaces", NAMESPACES, PropertyValue::INFINITY),
        // System calls and the like.
        kept("SystemCallFilter", CALLS, no_calls()),
        kept("SystemCallLog", LOGGED_CALLS, no_calls()),
        kept(
            "SystemCallArchitectures",
            ARCHITECTURES,
            Setting::Architectures(SyscallArchitectures::default()),
        ),
        kept(
            "SystemCallErrorNumber",
            ERROR_NUMBER,
            SyscallAction::default().property(),
        ),
        kept(
            "RestrictAddressFamilies",
            FAMILIES,
            Setting::Families(AddressFamilies::default()),
        ),
        kept("RestrictFileSystems", FILE_SYSTEMS, no_filter()),
        flag("RestrictRealtime"),
        flag("RestrictSUIDSGID").follows(&["DynamicUser"]),
        flag("LockPersonality"),
        flag("MemoryDenyWriteExecute"),
        kept("Personality", PERSONALITY, PropertyValue::blank()),
        flag("RemoveIPC").follows(&["DynamicUser"]),
        kept("SecureBits", SECURE_BITS, Signed(0)),
        kept("SELinuxContext", LABEL, no_label()),
        kept("AppArmorProfile", LABEL, no_label()),
        kept("SmackProcessLabel", LABEL, no_label()),
    ];
    rows.shrink_to_fit();
    rows
}

const ROOT: &str = "without it the service would run in the host's own root directory";

/// MS_BIND without and with MS_REC (mount(2)), as systemd shows them.
const RECURSIVE: u64 = 1 << 14;

const BIND_PATHS: Kind = Kind::By(
    "source:destination:rbind or norbind",
    |value, cx, text| {
        if text.is_empty() {
            *value = PropertyValue::empty();
            return Ok(());
        }
        let mut wrong = Ok(());
        let mut rest = Words::new(text);
        let bad = |err: WordError| ValueError(err.to_string());
        // A colon behind a field says that the next one belongs to the same mount; a source that is
        // none leaves what follows to be the next source.
        while let Some(source) = rest.take(&Split::PATH_FIELDS).map_err(bad)? {
            if source.is_empty() {
                continue;
            }
            let outcome = bind(cx, &source, |split| {
                match text[..rest.offset()].ends_with(':') {
                    true => rest.take(split).map_err(bad),
                    false => Ok(None),
                }
            });
            match outcome {
                Ok(mount) => value.items_mut().push(mount),
                Err(err) => wrong = wrong.and(Err(err)),
            }
        }
        wrong
    },
    |value| spelling::joined(value.items().iter().filter_map(spelled_bind)),
);

fn spelled_bind(mount: &PropertyValue) -> Option<String> {
    let [
        Text(source),
        Text(destination),
        Bool(optional),
        Unsigned(flags),
    ] = mount.items()
    else {
        return None;
    };
    // Quotes keep a colon from ending the field.
    let field = |path: &str| match path.contains(':') {
        true => spelling::protected(&spelling::text(path)),
        false => spelling::list_word(path),
    };
    let source_field = field(&marked(*optional, source));
    Some(match (source == destination, *flags == 0) {
        (true, false) => source_field,
        (false, false) => format!("{source_field}:{}", field(destination)),
        (_, true) => format!("{source_field}:{}:norbind", field(destination)),
    })
}

/// One bind mount, whose further fields come from `next`.
fn bind(
    cx: &Context<'_>,
    source: &str,
    mut next: impl FnMut(&Split<'_>) -> Result<Option<String>, ValueError>,
) -> Result<PropertyValue, ValueError> {
    let (source, optional) = super::image::optional(cx.resolve(source)?)?;
    let destination = match next(&Split::PATH_FIELDS)? {
        Some(path) => absolute_path(&cx.resolve(&path)?)?,
        None => source.clone(),
    };
    // All that is left of the word.
    let flags = match next(&Split::LIST)?.as_deref() {
        None | Some("" | "rbind") => RECURSIVE,
        Some("norbind") => 0,
        Some(other) => return Err(ValueError::not(other, "bind option (rbind, norbind)")),
    };
    Ok(List(vec![
        Text(source),
        Text(destination),
        Bool(optional),
        Unsigned(flags),
    ]))
}

const TEMPORARY: Kind = Kind::By(
    "path:options",
    |value, cx, text| {
        kind::each_word(value, text, &Split::LIST, |items, word| {
            let (path, options) = word.split_once(':').unwrap_or((word, ""));
            let path = absolute_path(&cx.resolve(path)?)?;
            items.push(kind::pair(path.as_str(), Text(options.to_owned())));
            Ok(())
        })
    },
    |value| {
        let word = |item: &PropertyValue| match item.items() {
            [path, options] if options.text().is_empty() => Some(spelling::list_word(path.text())),
            // No specifiers are resolved in the options.
            [path, options] => {
                let path = spelling::text(path.text());
                Some(spelling::list_word_as_is(&format!(
                    "{path}:{}",
                    options.text()
                )))
            }
            _ => None,
        };
        spelling::joined(value.items().iter().filter_map(word))
    },
);

const MOUNT_FLAGS: Kind = Kind::By(
    "shared, slave, private",
    |value, _, text| {
        *value = Unsigned(parse_mount_propagation(text)?);
        Ok(())
    },
    spell_number!(|flag| format_mount_propagation(flag).to_owned()),
);

const PERSONALITY: Kind = Kind::By(
    "architecture",
    |value, cx, text| {
        let machine = parse_personality(text, &cx.facts.architecture)?;
        *value = Text(machine.unwrap_or_default());
        Ok(())
    },
    SPELL_TEXT,
);

const SECURE_BITS: Kind = Kind::By(
    "keep-caps, noroot, no-setuid-fixup, each with -locked",
    |value, _, text| {
        let mut bits = 0;
        let wrong = apply_secure_bits(&mut bits, text);
        *value = Signed(bits.into());
        wrong
    },
    |value| vec![format_secure_bits(kind::signed(value))],
);

const NAMESPACES: Kind = Kind::By(
    "yes, no, or kinds of namespace; ~ inverts",
    |value, _, text| {
        let mut allowed = match value {
            Unsigned(allowed) => *allowed,
            Bool(_) | Signed(_) | Text(_) | List(_) => u64::MAX,
        };
        apply_namespaces(&mut allowed, text)?;
        *value = Unsigned(allowed);
        Ok(())
    },
    spell_number!(format_namespaces),
);

const FAMILIES: Kind = kind::typed!(
    "address families, none; ~ inverts",
    Families,
    AddressFamilies::apply,
    |families: &AddressFamilies| vec![families.to_line()]
);

fn no_calls() -> Setting {
    Setting::Calls(Box::default())
}

const CALLS: Kind = Kind::Typed(
    "system calls and @groups, with :errno; ~ inverts",
    |value, cx, text| {
        let Setting::Calls(filter) = value else {
            unreachable!("the default of the row is of the same type");
        };
        skipped(cx, "SystemCallFilter", filter.apply(text));
        Ok(())
    },
    kind::spell_typed!(Calls, |filter: &SyscallFilter| filter.to_lines()),
);

const LOGGED_CALLS: Kind = Kind::Typed(
    "system calls and @groups; ~ inverts",
    |value, cx, text| {
        let Setting::Calls(filter) = value else {
            unreachable!("the default of the row is of the same type");
        };
        skipped(cx, "SystemCallLog", filter.apply_log(text));
        Ok(())
    },
    kind::spell_typed!(Calls, |filter: &SyscallFilter| filter.to_log_lines()),
);

const ARCHITECTURES: Kind = Kind::Typed(
    "architectures, or native",
    |value, cx, text| {
        let Setting::Architectures(set) = value else {
            unreachable!("the default of the row is of the same type");
        };
        skipped(cx, "SystemCallArchitectures", set.apply(text));
        Ok(())
    },
    kind::spell_typed!(Architectures, |set: &SyscallArchitectures| {
        spelling::joined(set.names())
    }),
);

/// Names come and go with kernels: a unit may name more than this version knows.
fn skipped(cx: &mut Context<'_>, key: &str, complaints: Vec<ValueError>) {
    for complaint in complaints {
        let message = format!("{key}=: {complaint}, ignoring");
        cx.report(crate::Code::BadValue, Severity::Warning, message, None);
    }
}

const ERROR_NUMBER: Kind = Kind::By(
    "errno, or kill",
    |value, _, text| {
        *value = SyscallAction::parse(text)?.property();
        Ok(())
    },
    |value| vec![SyscallAction::of_property(value).to_string()],
);

/// Groups of file systems, which a kernel that knows them resolves.
const FILE_SYSTEM_GROUPS: &[&str] = &[
    "@basic-api",
    "@anonymous",
    "@application",
    "@auxiliary-block",
    "@common-block",
    "@historical-block",
    "@known",
    "@network",
    "@privileged-api",
    "@security",
    "@temporary",
];

/// `[allowed, [names]]`
const FILE_SYSTEMS: Kind = Kind::By(
    "file systems and @groups; ~ inverts",
    |value, _, text| {
        if text.is_empty() {
            *value = no_filter();
            return Ok(());
        }
        let (allow, names) = match text.strip_prefix('~') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        let (first, known) = match std::mem::replace(value, no_filter()) {
            List(items) => match <[PropertyValue; 2]>::try_from(items) {
                Ok([Bool(first), List(known)]) => (first, known),
                Ok(_) | Err(_) => (allow, Vec::new()),
            },
            Bool(_) | Unsigned(_) | Signed(_) | Text(_) => (allow, Vec::new()),
        };
        let first = if known.is_empty() { allow } else { first };
        let mut known = List(known);
        let wrong = kind::each_word(&mut known, names, &Split::LIST, |known, name| {
            if name.starts_with('@') && !FILE_SYSTEM_GROUPS.contains(&name) {
                return Err(ValueError::not(name, "group of file systems"));
            }
            let place = known.binary_search_by(|other| other.text().cmp(name));
            match (place, allow == first) {
                (Err(at), true) => known.insert(at, name.into()),
                (Ok(at), false) => {
                    known.remove(at);
                }
                (Ok(_), true) | (Err(_), false) => {}
            }
            Ok(())
        });
        *value = List(vec![Bool(first), known]);
        wrong
    },
    |value| {
        let [Bool(allow), List(names)] = value.items() else {
            return Vec::new();
        };
        let names = names.iter().map(PropertyValue::text);
        let names: Vec<String> = names.map(spelling::listed_name).collect();
        match (*allow, names.is_empty()) {
            // Only taking names back leaves such a list.
            (true, true) => vec!["tmpfs".into(), "~tmpfs".into()],
            (false, true) => Vec::new(),
            (true, false) => vec![names.join(" ")],
            (false, false) => vec![format!("~{}", names.join(" "))],
        }
    },
);

fn path_or_none(path: &str) -> PropertyValue {
    match path.is_empty() {
        true => PropertyValue::empty(),
        false => path.into(),
    }
}

/// Hexadecimal digits; a path goes to RootHashPath instead.
const HEX: Kind = Kind::By(
    "hexadecimal digits, or path",
    |value, _, text| {
        if text.is_empty() || text.starts_with('/') {
            *value = path_or_none(text);
            return Ok(());
        }
        let plain: String = text.split_whitespace().collect();
        let digits = plain.as_bytes().chunks(2);
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        };
        let decoded: Option<Vec<u8>> = digits.map(byte).collect();
        let decoded = decoded.filter(|bytes| bytes.len() >= 16);
        let decoded = decoded.ok_or_else(|| ValueError::not(text, "hash of 16 bytes or more"))?;
        *value = bytes(&decoded);
        Ok(())
    },
    |value| match value {
        List(_) => {
            let digits = kind::bytes(value)
                .into_iter()
                .map(|byte| format!("{byte:02x}"));
            vec![digits.collect()]
        }
        path => vec![path.text().to_owned()],
    },
);

const SIGNATURE: Kind = Kind::By(
    "base64:DATA, or path",
    |value, _, text| {
        *value = match text.strip_prefix("base64:") {
            None if text.is_empty() || text.starts_with('/') => path_or_none(text),
            None => return Err(ValueError::not(text, "signature (base64:…, or a path)")),
            Some(data) => {
                let decoded = BASE64.decode(data);
                let decoded = decoded.map_err(|_| ValueError::not(data, "base64"))?;
                bytes(&decoded)
            }
        };
        Ok(())
    },
    |value| match value {
        List(_) => vec![format!("base64:{}", BASE64.encode(kind::bytes(value)))],
        path => vec![path.text().to_owned()],
    },
);

/// An empty value takes the setting back.
const FLAG_OR_UNSET: Kind = Kind::By(
    "yes or no",
    |value, _, text| {
        *value = Bool(!text.is_empty() && parse_bool(text)?);
        Ok(())
    },
    |value| vec![spelling::yes_no(*value == Bool(true))],
);

fn no_label() -> PropertyValue {
    List(vec![Bool(false), PropertyValue::blank()])
}

const LABEL: Kind = Kind::By(
    "label, - before it",
    |value, cx, text| {
        let (ignore, label) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        *value = List(vec![Bool(ignore), Text(cx.resolve(label)?)]);
        Ok(())
    },
    |value| match value.items() {
        [Bool(ignore), label] => vec![marked(*ignore, &spelling::text(label.text()))],
        _ => Vec::new(),
    },
);
