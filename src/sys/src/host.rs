//! Small facts from the kernel: clocks, randomness, the boot id.
use crate::error::{Context, Result};
use nix::time::{ClockId, clock_gettime};

/// The boot id; a different one means that everything under /run is from another life.
pub fn boot_id() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    let text = std::fs::read_to_string(path).context("read", path)?;
    Ok(text.trim().to_owned())
}

/// 128 random bits.
pub fn getrandom_u128() -> Result<u128> {
    let mut bytes = [0u8; 16];
    // SAFETY: the buffer is as long as said. Up to 256 bytes come whole and uninterrupted.
    match unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) } {
        16 => Ok(u128::from_ne_bytes(bytes)),
        _ => Err(crate::Error::last("read", "random bytes")),
    }
}

/// µs since the epoch.
pub fn realtime_us() -> u64 {
    clock_us(ClockId::CLOCK_REALTIME)
}

/// µs on CLOCK_MONOTONIC, the same for every process of the host.
pub fn monotonic_us() -> u64 {
    clock_us(ClockId::CLOCK_MONOTONIC)
}

fn clock_us(clock: ClockId) -> u64 {
    let now = clock_gettime(clock).expect("every Linux has these two clocks");
    let (seconds, nanos) = (now.tv_sec().max(0) as u64, now.tv_nsec().max(0) as u64);
    seconds * 1_000_000 + nanos / 1_000
}

/// Makes the calling process adopt orphaned descendants (PR_SET_CHILD_SUBREAPER).
pub fn become_subreaper() -> Result<()> {
    nix::sys::prctl::set_child_subreaper(true).context("become", "subreaper")
}
