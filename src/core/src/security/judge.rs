//! How each check looks at a unit.
use super::checks::Check;
use crate::spec_build::call_exists;
use gitproc_unit::Family::{Exec, Resource};
use gitproc_unit::value::{AddressPrefix, SyscallFilter, capability_from_name, system_call_group};
use gitproc_unit::{HostFacts, NotifyAccess, ServiceSection, Setting, Unit, UnitKind};

/// How a check is judged.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// A flag of the exec family: bad unless it is set.
    Setting(&'static str),
    /// A word of the exec family: bad unless it is this one.
    SettingIsNot(&'static str, &'static str),
    /// Bad when one of them is left.
    Capabilities(&'static [&'static str]),
    /// Bad when it may be made.
    Namespace(u64),
    /// Bad when they may be opened.
    Families(Sockets),
    /// Bad when a call of the group may be made.
    Calls(&'static str),
    /// What is no matter for root.
    Unprivileged(fn(&View<'_>) -> Found),
    /// In a way of its own.
    Own(fn(&View<'_>) -> Found),
}

/// Kinds of sockets (address_families(7)).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sockets {
    Internet,
    Unix,
    Netlink,
    Packet,
    Other,
}

/// What a check found.
pub(super) struct Found {
    /// 0 to the check's range; `None`: it does not matter here.
    pub(super) badness: Option<u32>,
    /// Empty: the check's own words.
    pub(super) description: String,
}

impl Found {
    fn bad(bad: bool) -> Found {
        Found::of(u32::from(bad))
    }

    fn of(badness: u32) -> Found {
        Found::said(badness, "")
    }

    fn said(badness: u32, description: impl Into<String>) -> Found {
        Found {
            badness: Some(badness),
            description: description.into(),
        }
    }

    fn no_matter(why: &str) -> Found {
        Found {
            badness: None,
            description: why.to_owned(),
        }
    }
}

/// Users that are root.
const ROOT: [&str; 2] = ["root", "0"];
/// A user that services should not share.
const NOBODY: &str = "nobody";

/// A service, seen by the checks.
pub(super) struct View<'a> {
    unit: &'a Unit,
    service: &'a ServiceSection,
    facts: &'a HostFacts,
}

impl<'a> View<'a> {
    pub(super) fn of(unit: &'a Unit, facts: &'a HostFacts) -> Option<View<'a>> {
        let service = unit.service.as_deref();
        let service = service.filter(|_| unit.name.kind() == UnitKind::Service)?;
        Some(View {
            unit,
            service,
            facts,
        })
    }

    pub(super) fn judge(&self, check: &Check) -> Found {
        let settings = &self.unit.settings;
        let mut found = match check.how {
            _ if check.late_only && !self.is_late() => {
                Found::no_matter("starts early, where it can't be had")
            }
            How::Setting(key) => Found::bad(!self.is_set(key)),
            How::SettingIsNot(key, word) => Found::bad(settings.text(Exec, key) != word),
            How::Capabilities(names) => Found::bad(
                names
                    .iter()
                    .any(|name| self.bounding_set() & bit(name) != 0),
            ),
            How::Namespace(flag) => {
                Found::bad(settings.number(Exec, "RestrictNamespaces") & flag != 0)
            }
            How::Families(kind) => Found::bad(!self.refuses(kind)),
            How::Calls(group) => self.calls(group),
            How::Unprivileged(_) if self.is_root() => {
                Found::no_matter("runs as root, which needs none")
            }
            How::Unprivileged(judge) | How::Own(judge) => judge(self),
        };
        if found.description.is_empty() {
            let words = match found.badness {
                Some(0) => check.good,
                _ => check.bad,
            };
            found.description = words.to_owned();
        }
        found
    }

    fn is_set(&self, key: &str) -> bool {
        self.unit.settings.is_true(Exec, key)
    }

    fn text(&self, key: &str) -> &str {
        self.unit.settings.text(Exec, key)
    }

    fn is_late(&self) -> bool {
        self.unit.unit.default_dependencies
    }

    fn is_root(&self) -> bool {
        match self.service.user.as_deref() {
            None => !self.is_set("DynamicUser"),
            Some(user) => ROOT.contains(&user),
        }
    }

    /// What is left of capabilities by all directives together.
    fn bounding_set(&self) -> u64 {
        let taken = [
            ("ProtectKernelModules", &["CAP_SYS_MODULE"][..]),
            ("ProtectKernelLogs", &["CAP_SYSLOG"]),
            ("ProtectClock", &["CAP_SYS_TIME", "CAP_WAKE_ALARM"]),
            ("PrivateDevices", &["CAP_MKNOD", "CAP_SYS_RAWIO"]),
        ];
        let set = taken.iter().filter(|(key, _)| self.is_set(key));
        let taken = set.flat_map(|(_, names)| names.iter());
        taken.fold(self.service.capability_bounding_set, |left, name| {
            left & !bit(name)
        })
    }

    /// As systemd has it: of several families of a kind the last one counts for all.
    fn refuses(&self, kind: Sockets) -> bool {
        let Setting::Families(families) = self.unit.settings.get(Exec, "RestrictAddressFamilies")
        else {
            return false;
        };
        let named = families.numbers().any(|family| kind_of(family) == kind);
        named != families.allow
    }

    fn calls(&self, group: &str) -> Found {
        let Setting::Calls(filter) = self.unit.settings.get(Exec, "SystemCallFilter") else {
            return Found::said(10, "may make any system call");
        };
        let listed = |call: &str| filter.calls().any(|(listed, _)| listed.name() == call);
        let (allows, worst) = match **filter {
            SyscallFilter::Unset => return Found::said(10, "may make any system call"),
            SyscallFilter::Allow(_) => (true, 9),
            SyscallFilter::Deny(_) => (false, 10),
        };
        let calls = system_call_group(group);
        let mut existing = calls.iter().filter(|call| call_exists(self.facts, call));
        match existing.find(|call| listed(call) == allows) {
            Some(call) => Found::said(
                worst,
                format!("may make system calls of {group}, such as {call}"),
            ),
            None => Found::said(0, format!("can't make the system calls of {group}")),
        }
    }
}

fn bit(name: &str) -> u64 {
    capability_from_name(name).map_or(0, |number| 1 << number)
}

fn kind_of(family: i32) -> Sockets {
    match family {
        1 => Sockets::Unix,
        2 | 10 => Sockets::Internet,
        16 => Sockets::Netlink,
        17 => Sockets::Packet,
        _ => Sockets::Other,
    }
}

pub(super) fn user(view: &View<'_>) -> Found {
    match view.service.user.as_deref() {
        Some(NOBODY) => Found::said(9, "runs as nobody, whom other services may run as, too"),
        _ if view.is_root() => Found::of(10),
        _ if view.is_set("DynamicUser") => Found::said(0, "runs as a user that is made for it"),
        _ => Found::said(0, "runs as a user that is not root"),
    }
}

pub(super) fn groups(view: &View<'_>) -> Found {
    Found::bad(!view.service.supplementary_groups.is_empty())
}

/// Other directives give a service mounts of its own, too. As in `systemd-analyze security
/// --offline`, that counts once it is said.
pub(super) fn mounts(view: &View<'_>) -> Found {
    let flags = [
        "PrivateDevices",
        "PrivateTmp",
        "ProtectControlGroups",
        "ProtectKernelTunables",
        "ProtectKernelModules",
    ];
    let words = ["ProtectHome", "ProtectSystem"];
    let implied =
        flags.iter().any(|key| view.is_set(key)) || words.iter().any(|key| view.text(key) != "no");
    match view.is_set("PrivateMounts") {
        true => Found::of(0),
        false if implied => Found::said(1, "keeps its mounts to itself by other directives only"),
        false => Found::of(1),
    }
}

pub(super) fn home(view: &View<'_>) -> Found {
    match view.text("ProtectHome") {
        "yes" => Found::of(0),
        "read-only" => Found::said(5, "may read home directories"),
        "tmpfs" => Found::said(1, "sees empty home directories"),
        _ => Found::of(10),
    }
}

pub(super) fn system(view: &View<'_>) -> Found {
    match view.text("ProtectSystem") {
        "strict" => Found::of(0),
        "full" => Found::said(3, "may write outside of /usr, /boot and /etc"),
        "yes" => Found::said(5, "may write outside of /usr and /boot"),
        _ => Found::of(10),
    }
}

pub(super) fn root(view: &View<'_>) -> Found {
    let host = |key| matches!(view.text(key), "" | "/");
    Found::bad(host("RootDirectory") && host("RootImage"))
}

pub(super) fn privileges(view: &View<'_>) -> Found {
    Found::bad(!view.service.no_new_privileges)
}

pub(super) fn umask(view: &View<'_>) -> Found {
    let kept = |bits: &u32| view.service.umask & bits == *bits;
    let worst = [
        (0o002, 10, "makes files that all may write"),
        (0o004, 5, "makes files that all may read"),
        (0o020, 2, "makes files that its group may write"),
        (0o040, 1, "makes files that its group may read"),
    ];
    let first = worst.iter().find(|(bits, _, _)| !kept(bits));
    match first {
        Some((_, badness, words)) => Found::said(*badness, *words),
        None => Found::said(0, "makes files for itself"),
    }
}

pub(super) fn proc(view: &View<'_>) -> Found {
    match view.text("ProtectProc") {
        "invisible" | "ptraceable" => Found::of(0),
        "noaccess" => Found::said(1, "sees that there are other processes"),
        _ => Found::of(3),
    }
}

pub(super) fn notify(view: &View<'_>) -> Found {
    Found::bad(view.service.notify_access == NotifyAccess::All)
}

pub(super) fn ipc(view: &View<'_>) -> Found {
    Found::bad(!view.is_set("RemoveIPC"))
}

pub(super) fn delegate(view: &View<'_>) -> Found {
    Found::bad(view.service.delegate.on)
}

pub(super) fn architectures(view: &View<'_>) -> Found {
    match view.unit.settings.get(Exec, "SystemCallArchitectures") {
        Setting::Architectures(set) if set.names().eq(["native"]) => Found::of(0),
        Setting::Architectures(set) if set.names().next().is_some() => {
            Found::said(8, "may make system calls of several architectures")
        }
        _ => Found::of(10),
    }
}

pub(super) fn addresses(view: &View<'_>) -> Found {
    let settings = &view.unit.settings;
    let programs = ["IPIngressFilterPath", "IPEgressFilterPath"];
    if programs
        .iter()
        .any(|key| !settings.texts(Resource, key).is_empty())
    {
        return Found::said(0, "has programs of its own that filter packets");
    }
    let list = |key| -> Vec<AddressPrefix> {
        match settings.get(Resource, key) {
            Setting::Networks(found) => found.iter().copied().collect(),
            _ => Vec::new(),
        }
    };
    let (allowed, denied) = (list("IPAddressAllow"), list("IPAddressDeny"));
    let denies_all = |family| {
        let all = |network: &&AddressPrefix| network.family() == family && network.length() == 0;
        denied.iter().any(|network| all(&network))
    };
    if !denies_all(2) || !denies_all(10) {
        return Found::of(10);
    }
    match allowed
        .iter()
        .filter(|network| !is_localhost(network))
        .count()
    {
        0 if allowed.is_empty() => Found::of(0),
        0 => Found::said(2, "talks to this host only by IP"),
        _ => Found::said(5, "talks to some by IP"),
    }
}

/// In 127.0.0.0/8, or ::1.
fn is_localhost(network: &AddressPrefix) -> bool {
    let bytes = network.bytes();
    match network.family() {
        2 => bytes[0] == 127,
        _ => bytes[..] == std::net::Ipv6Addr::LOCALHOST.octets(),
    }
}

pub(super) fn devices(view: &View<'_>) -> Found {
    let settings = &view.unit.settings;
    let named = matches!(settings.get(Resource, "DeviceAllow"), Setting::Devices(rules) if !rules.is_empty());
    match settings.text(Resource, "DevicePolicy") {
        "closed" | "strict" if named => Found::said(5, "has some devices beside the usual ones"),
        "closed" | "strict" => Found::of(0),
        _ => Found::of(10),
    }
}

pub(super) fn ambient(view: &View<'_>) -> Found {
    Found::bad(view.service.ambient_capabilities != 0)
}
