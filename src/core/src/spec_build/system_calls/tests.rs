//! The programs, run by a machine as small as they need: what becomes of a call.
use super::*;
use gitproc_unit::{TreeEntry, UnitName};

/// A call as the kernel shows it to a filter.
#[derive(Debug, Clone, Copy)]
struct Call {
    arch: Arch,
    number: u32,
    arguments: [u64; 6],
}

/// Runs one program: the kernel's classic BPF, as far as these programs use it.
fn run(program: &CallProgram, call: Call) -> u32 {
    let word = |offset: u32| match offset {
        0 => call.number,
        4 => call.arch.audit(),
        offset => {
            let argument = call.arguments[(offset as usize - 16) / 8];
            match offset % 8 {
                0 => argument as u32,
                _ => (argument >> 32) as u32,
            }
        }
    };
    let (mut at, mut accumulator) = (0, 0u32);
    loop {
        let (code, yes, no, operand) = program.instructions[at];
        let holds = match code {
            0x20 => {
                accumulator = word(operand);
                at += 1;
                continue;
            }
            0x54 => {
                accumulator &= operand;
                at += 1;
                continue;
            }
            0x05 => {
                at += 1 + operand as usize;
                continue;
            }
            0x06 => return operand,
            0x15 => accumulator == operand,
            0x25 => accumulator > operand,
            0x35 => accumulator >= operand,
            other => panic!("an instruction that is not known: {other:#x}"),
        };
        at += 1 + usize::from(if holds { yes } else { no });
    }
}

fn programs(lines: &str, machine: &str) -> Vec<CallProgram> {
    let name = UnitName::parse("a.service").expect("a name");
    let text = format!("[Service]\nExecStart=/bin/x\n{lines}\n");
    let facts = HostFacts {
        architecture: machine.to_owned(),
        ..HostFacts::example()
    };
    let (unit, _) = gitproc_unit::load_alone(&name, TreeEntry::File(text), &facts);
    of(&unit.expect("a unit"), &facts)
}

/// The strictest answer of all programs; of equal ones, the last.
fn verdict(programs: &[CallProgram], call: Call) -> String {
    let mut strictest = 0x7fff_0000;
    for answer in programs.iter().map(|program| run(program, call)) {
        let rank = |answer: u32| (answer & 0xffff_0000) as i32;
        if rank(answer) <= rank(strictest) {
            strictest = answer;
        }
    }
    match (strictest & 0xffff_0000, strictest & 0xffff) {
        (0x8000_0000, _) => "kill".to_owned(),
        (0x0005_0000, number) => format!("errno {number}"),
        (0x7ffc_0000, _) => "log".to_owned(),
        (0x7fff_0000, _) => "allow".to_owned(),
        (other, _) => format!("{other:#x}"),
    }
}

fn call_of(arch: Arch, name: &str, arguments: &[u64]) -> Call {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let number = arch.number(name).expect(name);
    Call {
        arch,
        number: u32::try_from(number).expect("small"),
        arguments: all,
    }
}

fn check(lines: &str, name: &str, arguments: &[u64], expected: &str) {
    for (machine, arch) in [("x86-64", Arch::X86_64), ("arm64", Arch::Arm64)] {
        if arch.number(name).is_none() {
            continue;
        }
        let found = verdict(&programs(lines, machine), call_of(arch, name, arguments));
        assert_eq!(
            found, expected,
            "{lines}: {name}{arguments:x?} on {machine}"
        );
    }
}

#[test]
fn nothing_is_filtered_where_nothing_is_said() {
    assert_eq!(programs("", "x86-64"), []);
    assert_eq!(
        programs("RestrictNamespaces=no\nPrivateDevices=no", "x86-64"),
        []
    );
}

#[test]
fn calls_meet_what_their_directive_says() {
    for (lines, name, arguments, expected) in [
        // Lists.
        ("SystemCallFilter=@system-service", "read", &[][..], "allow"),
        ("SystemCallFilter=@system-service", "execve", &[], "allow"),
        ("SystemCallFilter=@system-service", "mount", &[], "kill"),
        (
            "SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM",
            "mount",
            &[],
            "errno 1",
        ),
        (
            "SystemCallFilter=@system-service\nSystemCallFilter=~@resources",
            "setpriority",
            &[],
            "kill",
        ),
        ("SystemCallFilter=~@mount", "mount", &[], "kill"),
        ("SystemCallFilter=~@mount", "read", &[], "allow"),
        (
            "SystemCallFilter=~@mount:ENOSYS ptrace",
            "mount",
            &[],
            "errno 38",
        ),
        (
            "SystemCallFilter=~@mount:ENOSYS ptrace",
            "ptrace",
            &[],
            "kill",
        ),
        (
            "SystemCallFilter=~ptrace:kill\nSystemCallErrorNumber=EACCES",
            "ptrace",
            &[],
            "kill",
        ),
        (
            "SystemCallFilter=read\nSystemCallFilter=~read:EIO",
            "read",
            &[],
            "errno 5",
        ),
        (
            "SystemCallFilter=read\nSystemCallFilter=~read:kill\nSystemCallErrorNumber=EPERM",
            "read",
            &[],
            "kill",
        ),
        (
            "SystemCallFilter=read\nSystemCallFilter=~read:kill",
            "read",
            &[],
            "kill",
        ),
        (
            "SystemCallFilter=read\nSystemCallFilter=~read",
            "read",
            &[],
            "kill",
        ),
        (
            "SystemCallFilter=read\nSystemCallFilter=~read",
            "execve",
            &[],
            "allow",
        ),
        ("SystemCallLog=ptrace", "ptrace", &[], "log"),
        ("SystemCallLog=ptrace", "read", &[], "allow"),
        ("SystemCallLog=~ptrace", "ptrace", &[], "allow"),
        ("SystemCallLog=~ptrace", "read", &[], "log"),
        // Families.
        (
            "RestrictAddressFamilies=AF_UNIX AF_INET",
            "socket",
            &[1],
            "allow",
        ),
        (
            "RestrictAddressFamilies=AF_UNIX AF_INET",
            "socket",
            &[2],
            "allow",
        ),
        (
            "RestrictAddressFamilies=AF_UNIX AF_INET",
            "socket",
            &[10],
            "errno 97",
        ),
        (
            "RestrictAddressFamilies=AF_UNIX AF_INET",
            "socket",
            &[46],
            "errno 97",
        ),
        (
            "RestrictAddressFamilies=AF_UNIX AF_INET",
            "socket",
            &[0xffff_ffff],
            "errno 97",
        ),
        // The kernel looks at 32 bits.
        (
            "RestrictAddressFamilies=AF_UNIX",
            "socket",
            &[0x1_0000_0001],
            "allow",
        ),
        (
            "RestrictAddressFamilies=~AF_PACKET",
            "socket",
            &[17],
            "errno 97",
        ),
        (
            "RestrictAddressFamilies=~AF_PACKET",
            "socket",
            &[0x1_0000_0011],
            "errno 97",
        ),
        (
            "RestrictAddressFamilies=~AF_PACKET",
            "socket",
            &[2],
            "allow",
        ),
        ("RestrictAddressFamilies=none", "socket", &[1], "errno 97"),
        ("RestrictAddressFamilies=none", "socketpair", &[1], "allow"),
        // Namespaces.
        (
            "RestrictNamespaces=yes",
            "unshare",
            &[0x4000_0000],
            "errno 1",
        ),
        ("RestrictNamespaces=yes", "unshare", &[0x0000_0400], "allow"),
        ("RestrictNamespaces=yes", "clone", &[0x1000_0011], "errno 1"),
        ("RestrictNamespaces=yes", "clone", &[0x0000_0011], "allow"),
        ("RestrictNamespaces=yes", "clone3", &[], "errno 38"),
        (
            "RestrictNamespaces=yes",
            "setns",
            &[3, 0x4000_0000],
            "errno 1",
        ),
        ("RestrictNamespaces=yes", "setns", &[3, 0], "errno 1"),
        ("RestrictNamespaces=net", "unshare", &[0x4000_0000], "allow"),
        (
            "RestrictNamespaces=net",
            "unshare",
            &[0x5000_0000],
            "errno 1",
        ),
        (
            "RestrictNamespaces=net",
            "setns",
            &[3, 0x4000_0000],
            "allow",
        ),
        ("RestrictNamespaces=net", "setns", &[3, 0], "errno 1"),
        (
            "RestrictNamespaces=~user",
            "unshare",
            &[0x1000_0000],
            "errno 1",
        ),
        (
            "RestrictNamespaces=~user",
            "unshare",
            &[0x0002_0000],
            "allow",
        ),
        // Memory.
        ("MemoryDenyWriteExecute=yes", "mmap", &[0, 1, 7], "errno 1"),
        ("MemoryDenyWriteExecute=yes", "mmap", &[0, 1, 5], "allow"),
        ("MemoryDenyWriteExecute=yes", "mmap", &[0, 1, 3], "allow"),
        (
            "MemoryDenyWriteExecute=yes",
            "mprotect",
            &[0, 1, 5],
            "errno 1",
        ),
        (
            "MemoryDenyWriteExecute=yes",
            "mprotect",
            &[0, 1, 1],
            "allow",
        ),
        (
            "MemoryDenyWriteExecute=yes",
            "pkey_mprotect",
            &[0, 1, 4],
            "errno 1",
        ),
        (
            "MemoryDenyWriteExecute=yes",
            "shmat",
            &[0, 0, 0o100000],
            "errno 1",
        ),
        // Scheduling.
        (
            "RestrictRealtime=yes",
            "sched_setscheduler",
            &[0, 1],
            "errno 1",
        ),
        (
            "RestrictRealtime=yes",
            "sched_setscheduler",
            &[0, 2],
            "errno 1",
        ),
        (
            "RestrictRealtime=yes",
            "sched_setscheduler",
            &[0, 6],
            "errno 1",
        ),
        (
            "RestrictRealtime=yes",
            "sched_setscheduler",
            &[0, 0xffff_ffff],
            "errno 1",
        ),
        (
            "RestrictRealtime=yes",
            "sched_setscheduler",
            &[0, 3],
            "allow",
        ),
        (
            "RestrictRealtime=yes",
            "sched_setscheduler",
            &[0, 0],
            "allow",
        ),
        // Files.
        ("RestrictSUIDSGID=yes", "chmod", &[0, 0o4755], "errno 1"),
        ("RestrictSUIDSGID=yes", "chmod", &[0, 0o2755], "errno 1"),
        ("RestrictSUIDSGID=yes", "chmod", &[0, 0o1755], "allow"),
        ("RestrictSUIDSGID=yes", "fchmod", &[0, 0o6755], "errno 1"),
        (
            "RestrictSUIDSGID=yes",
            "fchmodat",
            &[0, 0, 0o4755],
            "errno 1",
        ),
        (
            "RestrictSUIDSGID=yes",
            "openat",
            &[0, 0, 0o101, 0o4755],
            "errno 1",
        ),
        (
            "RestrictSUIDSGID=yes",
            "openat",
            &[0, 0, 0o1, 0o4755],
            "allow",
        ),
        ("RestrictSUIDSGID=yes", "openat2", &[], "errno 38"),
        (
            "RestrictSUIDSGID=yes",
            "mknodat",
            &[0, 0, 0o104755],
            "errno 1",
        ),
        // Groups of calls.
        ("ProtectKernelModules=yes", "init_module", &[], "errno 1"),
        ("ProtectKernelModules=yes", "finit_module", &[], "errno 1"),
        ("ProtectKernelLogs=yes", "syslog", &[], "errno 1"),
        ("ProtectClock=yes", "clock_settime", &[], "errno 1"),
        ("ProtectClock=yes", "clock_gettime", &[], "allow"),
        ("ProtectHostname=yes", "sethostname", &[], "errno 1"),
        ("PrivateDevices=yes", "iopl", &[], "errno 1"),
        ("ProtectKernelTunables=yes", "_sysctl", &[], "errno 1"),
        ("LockPersonality=yes", "personality", &[0], "allow"),
        ("LockPersonality=yes", "personality", &[8], "errno 1"),
        (
            "LockPersonality=yes",
            "personality",
            &[0xffff_ffff],
            "errno 1",
        ),
    ] {
        check(lines, name, arguments, expected);
    }
}

#[test]
fn other_architectures_meet_the_same_or_are_kept_out() {
    let verdict_of = |lines: &str, call| verdict(&programs(lines, "x86-64"), call);
    let mount = call_of(Arch::X86, "mount", &[]);
    assert_eq!(verdict_of("SystemCallFilter=~@mount", mount), "kill");
    let read = call_of(Arch::X86, "read", &[]);
    assert_eq!(verdict_of("SystemCallFilter=~@mount", read), "allow");
    assert_eq!(verdict_of("SystemCallArchitectures=native", read), "kill");
    let both = "SystemCallArchitectures=native x86\nSystemCallFilter=~@mount";
    assert_eq!(verdict_of(both, read), "allow");
    assert_eq!(verdict_of(both, mount), "kill");
    // mmap2 is what 32-bit programs call.
    let map = call_of(Arch::X86, "mmap2", &[0, 1, 7]);
    assert_eq!(verdict_of("MemoryDenyWriteExecute=yes", map), "errno 1");
    // x32: the same architecture, other numbers.
    let mut x32 = call_of(Arch::X86_64, "mount", &[]);
    x32.number |= 0x4000_0000;
    for lines in [
        "SystemCallFilter=~@mount",
        "ProtectClock=yes",
        "SystemCallArchitectures=native",
    ] {
        assert_eq!(verdict_of(lines, x32), "errno 38", "{lines}");
    }
}

#[test]
fn an_architecture_without_filters_can_not_have_them() {
    let found = programs("RestrictRealtime=yes", "s390x");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].directive, "RestrictRealtime=");
    assert!(found[0].instructions.is_empty());
    assert_eq!(programs("", "s390x"), []);
}

#[test]
fn programs_are_of_a_size_that_the_kernel_takes() {
    for program in programs(
        "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources:EPERM",
        "x86-64",
    ) {
        assert!((1..4096).contains(&program.instructions.len()));
    }
}
