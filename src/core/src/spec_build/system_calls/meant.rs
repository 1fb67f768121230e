//! Which calls the directives of a unit forbid, as systemd 252 has it (systemd.exec(5), SANDBOXING
//! and SYSTEM CALL FILTERING), in the order in which it loads them.
use super::{Action, Filter, Rule, Test};
use gitproc_unit::Family::Exec;
use gitproc_unit::value::{SyscallAction, SyscallFilter, system_call_group};
use gitproc_unit::{Setting, Settings, Unit};

/// Errors of errno(3).
const EPERM: i32 = 1;
const ENOSYS: i32 = 38;
const EAFNOSUPPORT: i32 = 97;
/// All address families that the kernel has are below (linux/socket.h).
const FAMILIES: i32 = 46;
/// S_ISUID and S_ISGID of inode(7).
const SET_ID: [u64; 2] = [0o4000, 0o2000];
/// O_CREAT of open(2), on all architectures that have filters here.
const CREATE: u64 = 0o100;
/// PROT_WRITE and PROT_EXEC of mmap(2), SHM_EXEC of shmat(2).
const WRITE: u64 = 2;
const EXECUTE: u64 = 4;
const SHARED_EXECUTE: u64 = 0o100000;
/// Scheduling policies of sched(7) that are not realtime; the highest of all.
const ORDINARY_POLICIES: [u64; 3] = [0, 3, 5];
const HIGHEST_POLICY: u64 = 5;
/// Namespaces of clone(2); setns(2) takes any kind with 0.
const NAMESPACES: [u64; 8] = [
    0x0200_0000,
    0x0800_0000,
    0x4000_0000,
    0x0002_0000,
    0x2000_0000,
    0x1000_0000,
    0x0400_0000,
    0x0000_0080,
];
/// `RestrictNamespaces=` is not set; it forbids nothing.
const NAMESPACES_UNSET: u64 = u64::MAX;
const ALL_NAMESPACES: u64 = 0x7e02_0000;

pub(super) fn filters(unit: &Unit) -> Vec<Filter> {
    let settings = &unit.settings;
    let on = |key| settings.is_true(Exec, key);
    let mut filters = Vec::new();
    filters.extend(families(settings));
    if on("MemoryDenyWriteExecute") {
        filters.push(memory());
    }
    if on("RestrictRealtime") {
        filters.push(realtime());
    }
    if on("RestrictSUIDSGID") {
        filters.push(set_id());
    }
    filters.extend(namespaces(settings));
    for (key, directive, calls) in [
        (
            "ProtectKernelTunables",
            "ProtectKernelTunables=",
            &["_sysctl"][..],
        ),
        (
            "ProtectKernelModules",
            "ProtectKernelModules=",
            &["@module"],
        ),
        ("ProtectKernelLogs", "ProtectKernelLogs=", &["syslog"]),
        ("ProtectClock", "ProtectClock=", &["@clock"]),
        (
            "ProtectHostname",
            "ProtectHostname=",
            &["sethostname", "setdomainname"],
        ),
        ("PrivateDevices", "PrivateDevices=", &["@raw-io"]),
    ] {
        if on(key) {
            filters.push(forbids(directive, calls));
        }
    }
    if on("LockPersonality") {
        filters.push(personality(settings));
    }
    filters.extend(logged(settings));
    filters.extend(listed(settings));
    filters
}

fn rule(call: &'static str, action: Action, tests: &[(u8, Test)]) -> Rule {
    Rule {
        call,
        action,
        tests: tests.to_vec(),
    }
}

fn denying(directive: &'static str, rules: Vec<Rule>) -> Filter {
    Filter {
        directive,
        default: Action::Allow,
        rules,
    }
}

/// Calls and groups of calls that fail.
fn forbids(directive: &'static str, calls: &[&'static str]) -> Filter {
    let all = calls.iter().flat_map(|call| match call.starts_with('@') {
        true => system_call_group(call),
        false => vec![*call],
    });
    let rules = all.map(|call| rule(call, Action::Errno(EPERM), &[]));
    denying(directive, rules.collect())
}

fn families(settings: &Settings) -> Option<Filter> {
    let Setting::Families(families) = settings.get(Exec, "RestrictAddressFamilies") else {
        return None;
    };
    if !families.restricts() {
        return None;
    }
    let refuse = |test| rule("socket", Action::Errno(EAFNOSUPPORT), &[(0, test)]);
    let named: Vec<i32> = families.numbers().collect();
    let refused = (0..FAMILIES).filter(|family| named.contains(family) != families.allow);
    let mut rules: Vec<Rule> = refused
        .map(|family| refuse(Test::Equal(family.unsigned_abs().into())))
        .collect();
    if families.allow {
        rules.push(refuse(Test::Above((FAMILIES - 1).unsigned_abs().into())));
    }
    Some(denying("RestrictAddressFamilies=", rules))
}

fn memory() -> Filter {
    let refuse = |call, argument, mask| {
        rule(
            call,
            Action::Errno(EPERM),
            &[(argument, Test::Bits(mask, mask))],
        )
    };
    let both = WRITE | EXECUTE;
    denying(
        "MemoryDenyWriteExecute=",
        vec![
            // 32-bit machines have two of them, of which the older one hides its arguments.
            refuse("mmap2", 2, both),
            refuse("mmap", 2, both),
            refuse("mprotect", 2, EXECUTE),
            refuse("pkey_mprotect", 2, EXECUTE),
            refuse("shmat", 2, SHARED_EXECUTE),
        ],
    )
}

fn realtime() -> Filter {
    let refuse = |test| rule("sched_setscheduler", Action::Errno(EPERM), &[(1, test)]);
    let policies = 0..=HIGHEST_POLICY;
    let mut rules: Vec<Rule> = policies
        .filter(|policy| !ORDINARY_POLICIES.contains(policy))
        .map(|policy| refuse(Test::Equal(policy)))
        .collect();
    // Negative ones are large here.
    rules.push(refuse(Test::Above(HIGHEST_POLICY)));
    denying("RestrictRealtime=", rules)
}

fn set_id() -> Filter {
    let mut rules = Vec::new();
    for bit in SET_ID {
        let mode = Test::Bits(bit, bit);
        let made = Test::Bits(CREATE, CREATE);
        let tests: [(&'static str, &[(u8, Test)]); 9] = [
            ("chmod", &[(1, mode)]),
            ("fchmod", &[(1, mode)]),
            ("fchmodat", &[(2, mode)]),
            ("fchmodat2", &[(2, mode)]),
            ("mknod", &[(1, mode)]),
            ("mknodat", &[(2, mode)]),
            ("open", &[(1, made), (2, mode)]),
            ("openat", &[(2, made), (3, mode)]),
            ("creat", &[(1, mode)]),
        ];
        let refuse = |(call, tests): (_, &[_])| rule(call, Action::Errno(EPERM), tests);
        rules.extend(tests.map(refuse));
    }
    // Its mode lies in memory, where no filter sees it.
    rules.push(rule("openat2", Action::Errno(ENOSYS), &[]));
    denying("RestrictSUIDSGID=", rules)
}

fn namespaces(settings: &Settings) -> Option<Filter> {
    let allowed = settings.number(Exec, "RestrictNamespaces");
    if allowed == NAMESPACES_UNSET || allowed & ALL_NAMESPACES == ALL_NAMESPACES {
        return None;
    }
    let refuse = |call, tests: &[_]| rule(call, Action::Errno(EPERM), tests);
    // Its flags lie in memory, where no filter sees them; the C library goes back to clone(2).
    let mut rules = vec![rule("clone3", Action::Errno(ENOSYS), &[])];
    match allowed & ALL_NAMESPACES {
        0 => rules.push(refuse("setns", &[])),
        _ => rules.push(refuse("setns", &[(1, Test::Equal(0))])),
    }
    for flag in NAMESPACES.into_iter().filter(|flag| allowed & flag == 0) {
        let asked = Test::Bits(flag, flag);
        rules.push(refuse("unshare", &[(0, asked)]));
        rules.push(refuse("setns", &[(1, asked)]));
        // The lowest byte of clone's flags is a signal, and no namespace of time.
        if flag > 0xff {
            rules.push(refuse("clone", &[(0, asked)]));
        }
    }
    Some(denying("RestrictNamespaces=", rules))
}

fn personality(settings: &Settings) -> Filter {
    let wanted = super::super::privileges::personality(settings).unwrap_or(0);
    let refuse = rule(
        "personality",
        Action::Errno(EPERM),
        &[(0, Test::Differs(wanted))],
    );
    denying("LockPersonality=", vec![refuse])
}

fn logged(settings: &Settings) -> Option<Filter> {
    let Setting::Calls(filter) = settings.get(Exec, "SystemCallLog") else {
        return None;
    };
    let (default, action) = match **filter {
        SyscallFilter::Unset => return None,
        SyscallFilter::Allow(_) => (Action::Allow, Action::Log),
        SyscallFilter::Deny(_) => (Action::Log, Action::Allow),
    };
    let rules = filter
        .calls()
        .map(|(call, _)| rule(call.name(), action, &[]));
    Some(Filter {
        directive: "SystemCallLog=",
        default,
        rules: rules.collect(),
    })
}

fn listed(settings: &Settings) -> Option<Filter> {
    let Setting::Calls(filter) = settings.get(Exec, "SystemCallFilter") else {
        return None;
    };
    let refused = match settings.get(Exec, "SystemCallErrorNumber") {
        Setting::Plain(value) => fate(SyscallAction::of_property(value)),
        _ => Action::Kill,
    };
    let (default, action) = match **filter {
        SyscallFilter::Unset => return None,
        SyscallFilter::Allow(_) => (refused, Action::Allow),
        SyscallFilter::Deny(_) => (Action::Allow, refused),
    };
    let rules = filter
        .calls()
        .map(|(call, own)| rule(call.name(), own.map_or(action, fate), &[]));
    Some(Filter {
        directive: "SystemCallFilter=",
        default,
        rules: rules.collect(),
    })
}

fn fate(action: SyscallAction) -> Action {
    match action {
        SyscallAction::Kill => Action::Kill,
        SyscallAction::Errno(number) => Action::Errno(number),
    }
}
