//! Programs that the kernel asks about the processes of a cgroup (bpf(2)).
use crate::error::{Error, Result};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// BPF_PROG_LOAD and BPF_PROG_ATTACH.
const LOAD: libc::c_int = 5;
const ATTACH: libc::c_int = 8;
/// BPF_F_ALLOW_MULTI: beside those of others; all must allow.
const BESIDE_OTHERS: u32 = 2;
/// Of an instruction, in bytes.
const INSTRUCTION: usize = 8;

/// What a program is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// May this device be opened or made (BPF_CGROUP_DEVICE)?
    Device,
    /// May this packet reach the processes (BPF_CGROUP_INET_INGRESS)?
    Ingress,
    /// May this packet leave them (BPF_CGROUP_INET_EGRESS)?
    Egress,
    /// May a socket be bound to this IPv4 address (BPF_CGROUP_INET4_BIND)?
    Bind4,
    /// The same for IPv6 (BPF_CGROUP_INET6_BIND).
    Bind6,
}

impl Question {
    /// BPF_PROG_TYPE_CGROUP_DEVICE, …_SKB, …_SOCK_ADDR.
    fn program_type(self) -> u32 {
        match self {
            Question::Device => 15,
            Question::Ingress | Question::Egress => 8,
            Question::Bind4 | Question::Bind6 => 18,
        }
    }

    /// Where the program is attached.
    fn attach_type(self) -> u32 {
        match self {
            Question::Ingress => 0,
            Question::Egress => 1,
            Question::Device => 6,
            Question::Bind4 => 8,
            Question::Bind6 => 9,
        }
    }

    fn program(self) -> &'static str {
        match self {
            Question::Device => "program for devices",
            Question::Ingress | Question::Egress => "program for packets",
            Question::Bind4 | Question::Bind6 => "program for sockets",
        }
    }
}

/// The beginning of `union bpf_attr` for each command.
#[repr(C)]
struct LoadAttr {
    program_type: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    /// Some types of programs differ by where they are attached.
    attach_type: u32,
}

#[repr(C)]
struct AttachAttr {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

/// From now on the kernel asks `program` about the processes in `cgroup` and below it. It holds as
/// long as the cgroup.
pub fn guard(cgroup: BorrowedFd<'_>, question: Question, program: &[u8]) -> Result<()> {
    let license = c"GPL";
    let attributes = LoadAttr {
        program_type: question.program_type(),
        count: u32::try_from(program.len() / INSTRUCTION).unwrap_or(u32::MAX),
        instructions: program.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name: [0; 16],
        interface: 0,
        attach_type: question.attach_type(),
    };
    let size = std::mem::size_of::<LoadAttr>();
    // SAFETY: the attributes and what they point to outlive the call, which copies all of it.
    let loaded = unsafe { libc::syscall(libc::SYS_bpf, LOAD, &attributes, size) };
    if loaded < 0 {
        return Err(Error::last("load", question.program()));
    }
    // SAFETY: the kernel has just made this number for us.
    let loaded = unsafe { OwnedFd::from_raw_fd(loaded as i32) };
    let number = |fd: i32| fd.unsigned_abs();
    let attributes = AttachAttr {
        target: number(cgroup.as_raw_fd()),
        program: number(loaded.as_raw_fd()),
        kind: question.attach_type(),
        flags: BESIDE_OTHERS,
    };
    let size = std::mem::size_of::<AttachAttr>();
    // SAFETY: as above.
    match unsafe { libc::syscall(libc::SYS_bpf, ATTACH, &attributes, size) } {
        0 => Ok(()),
        _ => Err(Error::last("attach", question.program())),
    }
}
