//! What a process may see and do (systemd.exec(5), SANDBOXING and SYSTEM CALL FILTERING).
use super::filter::{
    ARCHITECTURES, CALLS, ERROR_NUMBER, FAMILIES, FILE_SYSTEMS, LOGGED_CALLS, NAMESPACES, no_calls,
};
use super::image::{EXTENSION_IMAGES, HEX, MOUNT_IMAGES, ROOT_IMAGE_OPTIONS, SIGNATURE};
use super::kind::{self, Kind, MARKED_PATHS, PATH, SPELL_TEXT, no_filter, spell_number};
use super::{Family, Row};
use crate::draft::Context;
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::settings::Setting;
use crate::value::{
    AddressFamilies, SyscallAction, SyscallArchitectures, ValueError, absolute_path,
    apply_secure_bits, format_mount_propagation, format_secure_bits, parse_bool,
    parse_mount_propagation, parse_personality,
};
use crate::words::{Split, WordError, Words};

fn kept(key: &'static str, kind: Kind, default: impl Into<Setting>) -> Row {
    Row::kept(Family::Exec, key, kind, default)
}

fn flag(key: &'static str) -> Row {
    kept(key, Kind::Flag, Bool(false))
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        // File systems.
        kept("RootDirectory", PATH, PropertyValue::blank()).honoured(),
        kept("RootImage", PATH, PropertyValue::blank()).needed(IMAGE),
        kept(
            "RootImageOptions",
            ROOT_IMAGE_OPTIONS,
            PropertyValue::empty(),
        )
        .refused(IMAGES),
        kept("RootHash", HEX, PropertyValue::empty()).refused(IMAGES),
        kept("RootHashSignature", SIGNATURE, PropertyValue::empty()).refused(IMAGES),
        kept("RootVerity", PATH, PropertyValue::blank()).refused(IMAGES),
        kept("ExtensionDirectories", MARKED_PATHS, PropertyValue::empty()).refused(IMAGES),
        kept("ExtensionImages", EXTENSION_IMAGES, PropertyValue::empty()).refused(IMAGES),
        kept("MountImages", MOUNT_IMAGES, PropertyValue::empty()).refused(IMAGES),
        kept("MountAPIVFS", FLAG_OR_UNSET, Bool(false))
            .follows(&["RootDirectory", "RootImage"])
            .honoured(),
        kept(
            "ProtectSystem",
            Kind::FlagOrWord(&["no", "yes", "full", "strict"]),
            "no",
        )
        .follows(&["DynamicUser"])
        .honoured(),
        kept(
            "ProtectHome",
            Kind::FlagOrWord(&["no", "yes", "read-only", "tmpfs"]),
            "no",
        )
        .follows(&["DynamicUser"])
        .honoured(),
        flag("PrivateTmp").follows(&["DynamicUser"]).honoured(),
        flag("PrivateDevices").honoured(),
        flag("PrivateMounts").honoured(),
        flag("ProtectKernelTunables").honoured(),
        flag("ProtectKernelModules").honoured(),
        flag("ProtectKernelLogs").honoured(),
        flag("ProtectControlGroups").honoured(),
        flag("ProtectClock").honoured(),
        flag("ProtectHostname").honoured(),
        kept(
            "ProtectProc",
            Kind::Word(&["default", "noaccess", "invisible", "ptraceable"]),
            "default",
        )
        .honoured(),
        kept("ProcSubset", Kind::Word(&["all", "pid"]), "all").honoured(),
        kept("ReadWritePaths", MARKED_PATHS, PropertyValue::empty()).honoured(),
        kept("ReadOnlyPaths", MARKED_PATHS, PropertyValue::empty()).honoured(),
        kept("InaccessiblePaths", MARKED_PATHS, PropertyValue::empty()).honoured(),
        kept("ExecPaths", MARKED_PATHS, PropertyValue::empty()).honoured(),
        kept("NoExecPaths", MARKED_PATHS, PropertyValue::empty()).honoured(),
        kept("BindPaths", BIND_PATHS, PropertyValue::empty())
            .twin("BindReadOnlyPaths")
            .honoured(),
        kept("BindReadOnlyPaths", BIND_PATHS, PropertyValue::empty())
            .twin("BindPaths")
            .honoured(),
        kept("TemporaryFileSystem", TEMPORARY, PropertyValue::empty()).honoured(),
        kept("MountFlags", MOUNT_FLAGS, Unsigned(0)).honoured(),
        Row::alias(Family::Exec, "ReadWriteDirectories", "ReadWritePaths"),
        Row::alias(Family::Exec, "ReadOnlyDirectories", "ReadOnlyPaths"),
        Row::alias(Family::Exec, "InaccessibleDirectories", "InaccessiblePaths"),
        // Namespaces.
        flag("PrivateNetwork").honoured(),
        flag("PrivateUsers").honoured(),
        flag("PrivateIPC").honoured(),
        kept("NetworkNamespacePath", PATH, PropertyValue::blank()).honoured(),
        kept("IPCNamespacePath", PATH, PropertyValue::blank()).honoured(),
        kept("RestrictNamespaces", NAMESPACES, PropertyValue::INFINITY).honoured(),
        // System calls and the like.
        kept("SystemCallFilter", CALLS, no_calls()).honoured(),
        kept("SystemCallLog", LOGGED_CALLS, no_calls()).honoured(),
        kept(
            "SystemCallArchitectures",
            ARCHITECTURES,
            Setting::Architectures(SyscallArchitectures::default()),
        )
        .honoured(),
        kept(
            "SystemCallErrorNumber",
            ERROR_NUMBER,
            SyscallAction::default().property(),
        )
        .honoured(),
        kept(
            "RestrictAddressFamilies",
            FAMILIES,
            Setting::Families(AddressFamilies::default()),
        )
        .honoured(),
        kept("RestrictFileSystems", FILE_SYSTEMS, no_filter()),
        flag("RestrictRealtime").honoured(),
        flag("RestrictSUIDSGID")
            .follows(&["DynamicUser"])
            .honoured(),
        flag("LockPersonality").honoured(),
        flag("MemoryDenyWriteExecute").honoured(),
        kept("Personality", PERSONALITY, PropertyValue::blank()).honoured(),
        flag("RemoveIPC").follows(&["DynamicUser"]).honoured(),
        kept("SecureBits", SECURE_BITS, Signed(0)).honoured(),
        kept("SELinuxContext", LABEL, no_label()),
        kept("AppArmorProfile", LABEL, no_label()),
        kept("SmackProcessLabel", LABEL, no_label()),
        // Of later versions of systemd, where it is `no` by default.
        kept("PrivatePIDs", Kind::Flag, Bool(true))
            .property("")
            .honoured(),
    ]
}

const IMAGES: &str =
    "images and layers of file systems are not mounted: unpack them, and use BindReadOnlyPaths=";
const IMAGE: &str =
    "images of file systems are not mounted: unpack it, and name the directory by RootDirectory=";

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
    let source_field = field(&spelling::marked(*optional, source));
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
    let (source, optional) = kind::marked_path(&cx.resolve(source)?)?;
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
        [Bool(ignore), label] => vec![spelling::marked(*ignore, &spelling::text(label.text()))],
        _ => Vec::new(),
    },
);
