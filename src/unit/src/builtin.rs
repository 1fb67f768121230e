//! Well-known units (systemd.special(7)) that a host has without any file of the commit.
use crate::meaning;
use crate::model::{InstallSection, MeaningHash, Origin, Triggers, Unit, UnitSection};
use crate::name::UnitName;
use crate::settings::Settings;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What a booted host has reached; they count as active.
const REACHED: &str = "
    basic bluetooth boot-complete cryptsetup cryptsetup-pre default factory-reset first-boot-complete
    getty getty-pre graphical integritysetup integritysetup-pre local-fs local-fs-pre
    machines multi-user network network-online network-pre nss-lookup nss-user-lookup paths
    printer remote-cryptsetup remote-fs remote-fs-pre remote-veritysetup rpcbind
    runlevel2 runlevel3 runlevel4 runlevel5 slices smartcard sockets sound swap sysinit
    system-update-pre time-set time-sync timers usb-gadget veritysetup veritysetup-pre";
/// What a running host never reaches: a service ordered before them just runs.
const NEVER: &str = "
    ctrl-alt-del emergency exit final halt hibernate hybrid-sleep initrd initrd-fs
    initrd-root-device initrd-root-fs initrd-switch-root initrd-usr-fs kbrequest kexec poweroff
    reboot rescue runlevel0 runlevel1 runlevel6 shutdown sigpwr sleep soft-reboot suspend
    suspend-then-hibernate system-update umount";

/// Every built-in unit: the targets, and the socket that `Type=dbus` asks for.
pub(crate) fn units() -> impl Iterator<Item = Unit> {
    // Each tree gets copies: made once, they cost a small tree more than its own files otherwise.
    static ALL: LazyLock<Vec<Unit>> = LazyLock::new(|| made().collect());
    ALL.iter().cloned()
}

fn made() -> impl Iterator<Item = Unit> {
    let each = |reached: bool, names: &'static str| {
        names
            .split_whitespace()
            .map(move |stem| target(stem, reached))
    };
    let bus = UnitName::parse("dbus.socket").expect("names of this file are valid");
    each(true, REACHED)
        .chain(each(false, NEVER))
        .chain(std::iter::once(unit(bus, true)))
}

/// Whether a host has such a unit.
pub(crate) fn is_built_in(name: &UnitName) -> bool {
    static NAMES: LazyLock<BTreeSet<UnitName>> =
        LazyLock::new(|| units().map(|unit| unit.name).collect());
    NAMES.contains(name)
}

fn name(stem: &str) -> UnitName {
    UnitName::parse(&format!("{stem}.target")).expect("names of this file are valid")
}

fn target(stem: &str, reached: bool) -> Unit {
    let mut unit = unit(name(stem), reached);
    unit.unit.wants = match stem {
        // What graphical.target pulls in on a host is pulled in here by default.target itself, so
        // that a tree may replace either.
        "default" => [name("multi-user"), name("graphical")].into(),
        _ => Default::default(),
    };
    unit
}

fn unit(name: UnitName, reached: bool) -> Unit {
    let mut unit = Unit {
        unit: UnitSection {
            description: format!("{name} of the host"),
            ..UnitSection::default()
        },
        name,
        origin: Origin::BuiltIn { reached },
        service: None,
        settings: Settings::default(),
        triggers: Triggers::default(),
        install: InstallSection::default(),
        meaning: MeaningHash(0),
    };
    unit.meaning = meaning::meaning(&unit, |_| false);
    unit
}
