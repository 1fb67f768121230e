//! What the calling process is given of CPUs, memory nodes and disks, and whom it plays.
use crate::error::{Context, Error, Result};

/// Flag of sched_setscheduler(2): children begin anew.
const RESET_ON_FORK: i32 = 0x4000_0000;
/// Bits of a word of the masks below.
const WORD: u32 = u64::BITS;
/// Highest CPU or node that is taken: what a mask of the kernel can hold (CONFIG_NR_CPUS).
const HIGHEST: u32 = 8191;
/// ioprio_set(2): one process; 0 is the caller.
const IOPRIO_WHO_PROCESS: libc::c_int = 1;
/// The class stands above the level in an IO priority.
const IOPRIO_CLASS_SHIFT: i32 = 13;

/// sched_setscheduler(2); `policy` is a SCHED_… of sched(7).
pub fn set_cpu_policy(policy: i32, priority: i32, reset_on_fork: bool) -> Result<()> {
    let flags = if reset_on_fork { RESET_ON_FORK } else { 0 };
    // SAFETY: plain integers. That of musl has more of them, which the kernel does not look at.
    let mut parameter: libc::sched_param = unsafe { std::mem::zeroed() };
    parameter.sched_priority = priority;
    // SAFETY: the structure is valid; 0 is the caller. The kernel's own call: musl has none.
    let set = unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            0,
            policy | flags,
            std::ptr::from_ref(&parameter),
        )
    };
    match set {
        0 => Ok(()),
        _ => Err(Error::last(
            "set scheduling policy",
            format!("{policy} with priority {priority}"),
        )),
    }
}

/// sched_setaffinity(2). CPUs that the host does not have are left out by the kernel; only such is
/// an error.
pub fn set_cpu_affinity(cpus: &[u32]) -> Result<()> {
    let mask = mask(cpus);
    // SAFETY: the mask and its length belong together; 0 is the caller.
    let set = unsafe {
        libc::syscall(
            libc::SYS_sched_setaffinity,
            0,
            std::mem::size_of_val(mask.as_slice()),
            mask.as_ptr(),
        )
    };
    match set {
        0 => Ok(()),
        _ => Err(Error::last("run on", format!("CPUs {cpus:?}"))),
    }
}

/// set_mempolicy(2); `mode` is one of its MPOL_….
pub fn set_memory_policy(mode: i32, nodes: &[u32]) -> Result<()> {
    let mask = mask(nodes);
    let (pointer, bits) = match nodes.is_empty() {
        true => (std::ptr::null(), 0),
        false => (mask.as_ptr(), mask.len() * WORD as usize),
    };
    // SAFETY: the mask has that many bits, or there is none.
    match unsafe { libc::syscall(libc::SYS_set_mempolicy, mode, pointer, bits) } {
        0 => Ok(()),
        _ => Err(Error::last("set memory policy", mode)),
    }
}

/// ioprio_set(2).
pub fn set_io_priority(class: i32, level: i32) -> Result<()> {
    let priority = class << IOPRIO_CLASS_SHIFT | level;
    // SAFETY: plain integers.
    match unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, priority) } {
        0 => Ok(()),
        _ => Err(Error::last(
            "set IO priority",
            format!("class {class}, level {level}"),
        )),
    }
}

/// How late a timer may be, in ns (prctl(2), PR_SET_TIMERSLACK).
pub fn set_timer_slack(ns: u64) -> Result<()> {
    nix::sys::prctl::set_timerslack(ns).context("set timer slack", ns)
}

/// `coredump_filter` of core(5).
pub fn set_dump_filter(mask: u64) -> Result<()> {
    let path = "/proc/self/coredump_filter";
    std::fs::write(path, format!("0x{mask:x}")).context("write", path)
}

/// personality(2).
pub fn set_personality(personality: u64) -> Result<()> {
    // SAFETY: a plain integer.
    match unsafe { libc::syscall(libc::SYS_personality, personality) } {
        -1 => Err(Error::last("set personality", personality)),
        _ => Ok(()),
    }
}

/// A bit for each number.
fn mask(numbers: &[u32]) -> Vec<u64> {
    let numbers = || numbers.iter().copied().filter(|number| *number <= HIGHEST);
    let words = numbers().max().map_or(1, |highest| highest / WORD + 1);
    let mut mask = vec![0; words as usize];
    for number in numbers() {
        mask[(number / WORD) as usize] |= 1 << (number % WORD);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_a_bit_for_each_number() {
        assert_eq!(mask(&[]), [0]);
        assert_eq!(mask(&[0, 3]), [0b1001]);
        assert_eq!(mask(&[64]), [0, 1]);
        assert_eq!(mask(&[1, u32::MAX]), [2]);
    }
}
