//! Filters of system calls (seccomp(2)).
use crate::error::{Error, Result};

/// One instruction of the classic BPF machine: code, jump if true, jump if false, operand.
pub type Instruction = (u16, u8, u8, u32);

/// Loads a filter for the calling process and all that come from it. It needs CAP_SYS_ADMIN or
/// no_new_privs.
pub fn load(program: &[Instruction]) -> Result<()> {
    let whole = |&(code, jt, jf, k): &Instruction| libc::sock_filter { code, jt, jf, k };
    let mut filter: Vec<libc::sock_filter> = program.iter().map(whole).collect();
    let length = u16::try_from(filter.len())
        .map_err(|_| Error::new("load", "filter", nix::errno::Errno::E2BIG))?;
    let program = libc::sock_fprog {
        len: length,
        filter: filter.as_mut_ptr(),
    };
    let operation = libc::SECCOMP_SET_MODE_FILTER;
    let flags = libc::SECCOMP_FILTER_FLAG_LOG;
    // SAFETY: the program and the instructions that it points to outlive the call, which copies them.
    match unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, &program) } {
        0 => Ok(()),
        _ => Err(Error::last("load", "filter of system calls")),
    }
}
