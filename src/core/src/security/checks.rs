//! The checks: systemd's names and weights (systemd-analyze(1), `security`), in our words.
use super::judge::How::{
    self, Calls, Capabilities, Families, Own, Setting, SettingIsNot, Unprivileged,
};
use super::judge::{self, Sockets};

/// One check.
pub(super) struct Check {
    /// As systemd names it.
    pub(super) name: &'static str,
    /// Against the other checks.
    pub(super) weight: u32,
    /// The greatest badness.
    pub(super) range: u32,
    /// Said where nothing is bad.
    pub(super) good: &'static str,
    /// Said of the greatest badness.
    pub(super) bad: &'static str,
    pub(super) how: How,
    /// What does not make sense for services that start early (`DefaultDependencies=no`).
    pub(super) late_only: bool,
    /// The line that helps.
    pub(super) remedy: &'static str,
}

const fn check(
    name: &'static str,
    weight: u32,
    how: How,
    [good, bad]: [&'static str; 2],
    remedy: &'static str,
) -> Check {
    Check {
        name,
        weight,
        range: 1,
        good,
        bad,
        how,
        late_only: false,
        remedy,
    }
}

impl Check {
    const fn of(self, range: u32) -> Check {
        Check { range, ..self }
    }

    const fn late_only(self) -> Check {
        Check {
            late_only: true,
            ..self
        }
    }
}

/// Of a capability, or several of a kind.
const fn capability(
    name: &'static str,
    weight: u32,
    capabilities: &'static [&'static str],
    words: [&'static str; 2],
) -> Check {
    const NONE: &str = "CapabilityBoundingSet= (with those that it needs)";
    check(name, weight, Capabilities(capabilities), words, NONE)
}

/// Of a kind of namespace, by its flag of clone(2).
const fn namespace(name: &'static str, weight: u32, flag: u64, words: [&'static str; 2]) -> Check {
    let how = How::Namespace(flag);
    check(name, weight, how, words, "RestrictNamespaces=yes")
}

/// Of a kind of socket.
const fn socket(name: &'static str, weight: u32, kind: Sockets, words: [&'static str; 2]) -> Check {
    const NAMED: &str = "RestrictAddressFamilies= (with those that it needs)";
    check(name, weight, Families(kind), words, NAMED)
}

/// Of a group of system calls.
const fn calls(name: &'static str, weight: u32, group: &'static str) -> Check {
    const LIST: &str =
        "SystemCallFilter=@system-service, then SystemCallFilter=~@privileged @resources";
    check(name, weight, Calls(group), ["", ""], LIST).of(10)
}

/// All of them, in systemd's order.
pub(super) const CHECKS: [Check; 81] = [
    check(
        "User=/DynamicUser=",
        2000,
        Own(judge::user),
        ["", "runs as root"],
        "User= (or DynamicUser=yes)",
    )
    .of(10),
    check(
        "SupplementaryGroups=",
        200,
        Unprivileged(judge::groups),
        ["has no groups but its own", "is in further groups"],
        "SupplementaryGroups=",
    ),
    check(
        "PrivateDevices=",
        1000,
        Setting("PrivateDevices"),
        ["sees no hardware", "may have access to hardware"],
        "PrivateDevices=yes",
    ),
    check(
        "PrivateMounts=",
        1000,
        Own(judge::mounts),
        ["keeps its mounts to itself", "may mount for the whole host"],
        "PrivateMounts=yes",
    ),
    check(
        "PrivateNetwork=",
        2500,
        Setting("PrivateNetwork"),
        ["is not on the host's network", "is on the host's network"],
        "PrivateNetwork=yes",
    ),
    check(
        "PrivateTmp=",
        1000,
        Setting("PrivateTmp"),
        [
            "does not see others' temporary files",
            "sees others' temporary files",
        ],
        "PrivateTmp=yes",
    )
    .late_only(),
    check(
        "PrivateUsers=",
        1000,
        Setting("PrivateUsers"),
        ["does not see the host's users", "sees the host's users"],
        "PrivateUsers=yes",
    ),
    check(
        "ProtectControlGroups=",
        1000,
        Setting("ProtectControlGroups"),
        ["can't change control groups", "may change control groups"],
        "ProtectControlGroups=yes",
    ),
    check(
        "ProtectKernelModules=",
        1000,
        Setting("ProtectKernelModules"),
        [
            "can't load or read kernel modules",
            "may load or read kernel modules",
        ],
        "ProtectKernelModules=yes",
    ),
    check(
        "ProtectKernelTunables=",
        1000,
        Setting("ProtectKernelTunables"),
        [
            "can't change the kernel's variables",
            "may change the kernel's variables",
        ],
        "ProtectKernelTunables=yes",
    ),
    check(
        "ProtectKernelLogs=",
        1000,
        Setting("ProtectKernelLogs"),
        ["can't read the kernel's log", "may read the kernel's log"],
        "ProtectKernelLogs=yes",
    ),
    check(
        "ProtectClock=",
        1000,
        Setting("ProtectClock"),
        ["can't set the clocks", "may set the clocks"],
        "ProtectClock=yes",
    ),
    check(
        "ProtectHome=",
        1000,
        Own(judge::home),
        ["does not see home directories", "has home directories"],
        "ProtectHome=yes",
    )
    .of(10)
    .late_only(),
    check(
        "ProtectHostname=",
        50,
        Setting("ProtectHostname"),
        ["can't change the host name", "may change the host name"],
        "ProtectHostname=yes",
    ),
    check(
        "ProtectSystem=",
        1000,
        Own(judge::system),
        [
            "can't write to the operating system",
            "may write to the whole operating system",
        ],
        "ProtectSystem=strict",
    )
    .of(10)
    .late_only(),
    check(
        "RootDirectory=/RootImage=",
        200,
        Own(judge::root),
        [
            "has a root directory of its own",
            "runs in the host's root directory",
        ],
        "RootDirectory=",
    )
    .late_only(),
    check(
        "LockPersonality=",
        100,
        Setting("LockPersonality"),
        [
            "can't change its execution domain",
            "may change its execution domain",
        ],
        "LockPersonality=yes",
    ),
    check(
        "MemoryDenyWriteExecute=",
        100,
        Setting("MemoryDenyWriteExecute"),
        [
            "can't have memory that is both written and executed",
            "may have memory that is both written and executed",
        ],
        "MemoryDenyWriteExecute=yes",
    ),
    check(
        "NoNewPrivileges=",
        1000,
        Own(judge::privileges),
        ["can't gain privileges", "may gain privileges"],
        "NoNewPrivileges=yes",
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_ADMIN",
        1500,
        &["CAP_SYS_ADMIN"],
        ["can't administer the host", "may administer the host"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)",
        1500,
        &["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"],
        [
            "can't change user, group or capabilities",
            "may change user, group and capabilities",
        ],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_PTRACE",
        1500,
        &["CAP_SYS_PTRACE"],
        ["can't trace others", "may trace others' processes"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_TIME",
        1000,
        &["CAP_SYS_TIME"],
        ["can't set the system's clock", "may set the system's clock"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_NET_ADMIN",
        1000,
        &["CAP_NET_ADMIN"],
        ["can't configure the network", "may configure the network"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_RAWIO",
        1000,
        &["CAP_SYS_RAWIO"],
        ["has no raw I/O", "has raw I/O"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_MODULE",
        1000,
        &["CAP_SYS_MODULE"],
        ["can't load kernel modules", "may load kernel modules"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_AUDIT_*",
        500,
        &["CAP_AUDIT_CONTROL", "CAP_AUDIT_READ", "CAP_AUDIT_WRITE"],
        ["has no part in auditing", "may read or change auditing"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYSLOG",
        500,
        &["CAP_SYSLOG"],
        ["can't work the kernel's log", "may work the kernel's log"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_(NICE|RESOURCE)",
        500,
        &["CAP_SYS_NICE", "CAP_SYS_RESOURCE"],
        [
            "can't raise its priority or limits",
            "may raise its priority and limits",
        ],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_MKNOD",
        500,
        &["CAP_MKNOD"],
        ["can't make device nodes", "may make device nodes"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_(CHOWN|FSETID|SETFCAP)",
        1000,
        &["CAP_CHOWN", "CAP_FSETID", "CAP_SETFCAP"],
        [
            "can't change who owns files, nor their capabilities",
            "may change who owns files, and their capabilities",
        ],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_(DAC_*|FOWNER|IPC_OWNER)",
        1000,
        &[
            "CAP_DAC_OVERRIDE",
            "CAP_DAC_READ_SEARCH",
            "CAP_FOWNER",
            "CAP_IPC_OWNER",
        ],
        [
            "is bound by the permissions of files",
            "may pass over the permissions of files",
        ],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_KILL",
        500,
        &["CAP_KILL"],
        ["can't signal others", "may signal others' processes"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_NET_(BIND_SERVICE|BROADCAST|RAW)",
        500,
        &["CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_RAW"],
        [
            "has no privileges on the network",
            "may use low ports and raw sockets",
        ],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_BOOT",
        100,
        &["CAP_SYS_BOOT"],
        ["can't reboot the host", "may reboot the host"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_MAC_*",
        100,
        &["CAP_MAC_ADMIN", "CAP_MAC_OVERRIDE"],
        [
            "can't change mandatory access control",
            "may change mandatory access control",
        ],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_LINUX_IMMUTABLE",
        75,
        &["CAP_LINUX_IMMUTABLE"],
        ["can't make files immutable", "may make files immutable"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_IPC_LOCK",
        50,
        &["CAP_IPC_LOCK"],
        ["can't lock much memory", "may lock memory"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_CHROOT",
        50,
        &["CAP_SYS_CHROOT"],
        [
            "can't change its root directory",
            "may change its root directory",
        ],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_BLOCK_SUSPEND",
        25,
        &["CAP_BLOCK_SUSPEND"],
        ["can't keep the host awake", "may keep the host awake"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_WAKE_ALARM",
        25,
        &["CAP_WAKE_ALARM"],
        ["can't wake the host up", "may wake the host up"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_LEASE",
        25,
        &["CAP_LEASE"],
        [
            "can't take leases on others' files",
            "may take leases on others' files",
        ],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_TTY_CONFIG",
        25,
        &["CAP_SYS_TTY_CONFIG"],
        ["can't hang terminals up", "may hang terminals up"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_BPF",
        25,
        &["CAP_BPF"],
        ["can't load BPF programs", "may load BPF programs"],
    ),
    capability(
        "CapabilityBoundingSet=~CAP_SYS_PACCT",
        25,
        &["CAP_SYS_PACCT"],
        [
            "can't switch accounting of processes",
            "may switch accounting of processes",
        ],
    ),
    check("UMask=", 100, Own(judge::umask), ["", ""], "UMask=0077").of(10),
    check(
        "KeyringMode=",
        1000,
        SettingIsNot("KeyringMode", "private"),
        ["has a keyring of its own", "shares a keyring"],
        "KeyringMode=private",
    ),
    check(
        "ProtectProc=",
        1000,
        Own(judge::proc),
        ["sees its own processes only", "sees all processes"],
        "ProtectProc=invisible",
    )
    .of(3),
    check(
        "ProcSubset=",
        10,
        SettingIsNot("ProcSubset", "pid"),
        [
            "sees nothing but processes in /proc",
            "sees all files of /proc",
        ],
        "ProcSubset=pid",
    ),
    check(
        "NotifyAccess=",
        1000,
        Own(judge::notify),
        [
            "its children can't speak for it",
            "all its processes may speak for it",
        ],
        "NotifyAccess=main",
    ),
    check(
        "RemoveIPC=",
        100,
        Unprivileged(judge::ipc),
        [
            "leaves no IPC objects behind",
            "may leave IPC objects behind",
        ],
        "RemoveIPC=yes",
    ),
    check(
        "Delegate=",
        100,
        Own(judge::delegate),
        [
            "does not manage control groups",
            "manages control groups of its own",
        ],
        "Delegate=no",
    ),
    check(
        "RestrictRealtime=",
        500,
        Setting("RestrictRealtime"),
        [
            "can't ask for realtime scheduling",
            "may ask for realtime scheduling",
        ],
        "RestrictRealtime=yes",
    ),
    check(
        "RestrictSUIDSGID=",
        1000,
        Setting("RestrictSUIDSGID"),
        ["can't make set-user-ID files", "may make set-user-ID files"],
        "RestrictSUIDSGID=yes",
    ),
    namespace(
        "RestrictNamespaces=~user",
        1500,
        0x1000_0000,
        ["can't make user namespaces", "may make user namespaces"],
    ),
    namespace(
        "RestrictNamespaces=~mnt",
        500,
        0x0002_0000,
        ["can't make mount namespaces", "may make mount namespaces"],
    ),
    namespace(
        "RestrictNamespaces=~ipc",
        500,
        0x0800_0000,
        ["can't make IPC namespaces", "may make IPC namespaces"],
    ),
    namespace(
        "RestrictNamespaces=~pid",
        500,
        0x2000_0000,
        ["can't make PID namespaces", "may make PID namespaces"],
    ),
    namespace(
        "RestrictNamespaces=~cgroup",
        500,
        0x0200_0000,
        ["can't make cgroup namespaces", "may make cgroup namespaces"],
    ),
    namespace(
        "RestrictNamespaces=~net",
        500,
        0x4000_0000,
        [
            "can't make network namespaces",
            "may make network namespaces",
        ],
    ),
    namespace(
        "RestrictNamespaces=~uts",
        100,
        0x0400_0000,
        [
            "can't make namespaces of host names",
            "may make namespaces of host names",
        ],
    ),
    socket(
        "RestrictAddressFamilies=~AF_(INET|INET6)",
        1500,
        Sockets::Internet,
        ["can't open Internet sockets", "may open Internet sockets"],
    ),
    socket(
        "RestrictAddressFamilies=~AF_UNIX",
        25,
        Sockets::Unix,
        ["can't open local sockets", "may open local sockets"],
    ),
    socket(
        "RestrictAddressFamilies=~AF_NETLINK",
        200,
        Sockets::Netlink,
        ["can't open netlink sockets", "may open netlink sockets"],
    ),
    socket(
        "RestrictAddressFamilies=~AF_PACKET",
        1000,
        Sockets::Packet,
        ["can't open packet sockets", "may open packet sockets"],
    ),
    socket(
        "RestrictAddressFamilies=~…",
        1250,
        Sockets::Other,
        ["can't open other sockets", "may open sockets of rare kinds"],
    ),
    check(
        "SystemCallArchitectures=",
        1000,
        Own(judge::architectures),
        [
            "makes system calls of this architecture only",
            "may make system calls of all architectures",
        ],
        "SystemCallArchitectures=native",
    )
    .of(10),
    calls("SystemCallFilter=~@swap", 1000, "@swap"),
    calls("SystemCallFilter=~@obsolete", 250, "@obsolete"),
    calls("SystemCallFilter=~@clock", 1000, "@clock"),
    calls("SystemCallFilter=~@cpu-emulation", 250, "@cpu-emulation"),
    calls("SystemCallFilter=~@debug", 1000, "@debug"),
    calls("SystemCallFilter=~@mount", 1000, "@mount"),
    calls("SystemCallFilter=~@module", 1000, "@module"),
    calls("SystemCallFilter=~@raw-io", 1000, "@raw-io"),
    calls("SystemCallFilter=~@reboot", 1000, "@reboot"),
    calls("SystemCallFilter=~@privileged", 700, "@privileged"),
    calls("SystemCallFilter=~@resources", 700, "@resources"),
    check(
        "IPAddressDeny=",
        1000,
        Own(judge::addresses),
        ["talks to nobody by IP", "talks to all the world by IP"],
        "IPAddressDeny=any (and IPAddressAllow= with whom it needs)",
    )
    .of(10),
    check(
        "DeviceAllow=",
        1000,
        Own(judge::devices),
        ["has the usual devices only", "has any device"],
        "DevicePolicy=closed",
    )
    .of(10),
    check(
        "AmbientCapabilities=",
        500,
        Own(judge::ambient),
        [
            "begins without capabilities as a user",
            "begins with capabilities as a user",
        ],
        "AmbientCapabilities= (with none)",
    ),
];
