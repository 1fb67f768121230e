//! What a process may do: ids, groups, capabilities, limits, priorities.
//!
//! For a single-threaded process between fork and exec, in this order: bounding set → keep
//! capabilities → groups, gid, uid → effective/permitted/inheritable → ambient → no_new_privs.
//! Each step is a function of its own, so that a failure can be told by its step.
use crate::error::{Context, Error, Result};
use caps::{CapSet, Capability, CapsHashSet};
use nix::sys::prctl;
use nix::unistd::{Gid, Uid};

/// Highest capability that the kernel may know (bits of a 64-bit set).
const CAPABILITIES: u32 = 64;

fn named(result: std::result::Result<(), caps::errors::CapsError>, what: &str) -> Result<()> {
    result.map_err(|cause| Error::new("set", what, std::io::Error::other(cause.to_string())))
}

/// The capabilities of `bits` (bit n is capability n) that this build knows.
fn set_of(bits: u64) -> CapsHashSet {
    caps::all()
        .into_iter()
        .filter(|capability| bits >> capability.index() & 1 == 1)
        .collect()
}

/// Drops from the bounding set whatever is not in `keep`, capabilities newer than this program
/// included.
pub fn limit_bounding_set(keep: u64) -> Result<()> {
    for capability in (0..CAPABILITIES).filter(|bit| keep >> bit & 1 == 0) {
        // SAFETY: plain integers.
        let found = unsafe { libc::prctl(libc::PR_CAPBSET_READ, capability, 0, 0, 0) };
        // Neither set (0) nor known (EINVAL): nothing to drop.
        if found != 1 {
            continue;
        }
        // SAFETY: plain integers.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } != 0 {
            return Err(Error::last(
                "drop from bounding set: capability",
                capability,
            ));
        }
    }
    Ok(())
}

/// Whether permitted capabilities stay when the user id leaves 0.
pub fn keep_capabilities(keep: bool) -> Result<()> {
    named(
        caps::securebits::set_keepcaps(keep),
        "keep-capabilities flag",
    )
}

/// Sets the supplementary groups, all of them, and all group ids; verifies.
pub fn set_groups(gid: u32, groups: &[u32]) -> Result<()> {
    let wanted: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    let own = Gid::from_raw(gid);
    nix::unistd::setgroups(&wanted).context("set", "supplementary groups")?;
    nix::unistd::setresgid(own, own, own).context("set group", gid)?;
    let found = nix::unistd::getresgid().context("verify group", gid)?;
    let mut now = nix::unistd::getgroups().context("verify", "supplementary groups")?;
    let mut wanted = wanted;
    now.sort_unstable_by_key(|gid| gid.as_raw());
    wanted.sort_unstable_by_key(|gid| gid.as_raw());
    match [found.real, found.effective, found.saved] == [own; 3] && now == wanted {
        true => Ok(()),
        false => Err(Error::new("verify group", gid, nix::errno::Errno::EPERM)),
    }
}

/// Sets all user ids; verifies, also that there is no way back to root.
pub fn set_user(uid: u32) -> Result<()> {
    let own = Uid::from_raw(uid);
    nix::unistd::setresuid(own, own, own).context("set user", uid)?;
    let found = nix::unistd::getresuid().context("verify user", uid)?;
    match [found.real, found.effective, found.saved] == [own; 3] {
        true => Ok(()),
        false => Err(Error::new("verify user", uid, nix::errno::Errno::EPERM)),
    }
}

/// Reduces effective, permitted and inheritable capabilities to `effective` and `inheritable`.
/// A capability that is not permitted can't be had back.
pub fn set_capabilities(effective: u64, inheritable: u64) -> Result<()> {
    let permitted = caps::read(None, CapSet::Permitted).map_err(|cause| {
        Error::new(
            "read",
            "capabilities",
            std::io::Error::other(cause.to_string()),
        )
    })?;
    let kept = |bits| {
        set_of(bits)
            .intersection(&permitted)
            .copied()
            .collect::<CapsHashSet>()
    };
    let (both, inherit) = (kept(effective | inheritable), kept(inheritable));
    named(
        caps::set(None, CapSet::Inheritable, &inherit),
        "inheritable capabilities",
    )?;
    named(
        caps::set(None, CapSet::Effective, &both),
        "effective capabilities",
    )?;
    named(
        caps::set(None, CapSet::Permitted, &both),
        "permitted capabilities",
    )
}

/// Sets the ambient capabilities, which survive the exec of an ordinary program.
pub fn set_ambient(bits: u64) -> Result<()> {
    named(caps::clear(None, CapSet::Ambient), "ambient capabilities")?;
    for capability in set_of(bits) {
        named(
            caps::raise(None, CapSet::Ambient, capability),
            &format!("ambient capability {capability}"),
        )?;
    }
    Ok(())
}

/// Takes away what this process could pass on to programs: nothing inheritable, nothing ambient.
pub fn clear_ambient() -> Result<()> {
    named(caps::clear(None, CapSet::Ambient), "ambient capabilities")?;
    named(
        caps::clear(None, CapSet::Inheritable),
        "inheritable capabilities",
    )
}

/// CAP_SETPCAP, as a set: what [`set_secure_bits`] needs.
pub const SET_CAPABILITIES: u64 = 1 << 8;

/// Securebits of capabilities(7); needs [`SET_CAPABILITIES`].
pub fn set_secure_bits(bits: i32) -> Result<()> {
    // SAFETY: plain integers.
    match unsafe { libc::prctl(libc::PR_SET_SECUREBITS, bits, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(Error::last("set secure bits", bits)),
    }
}

/// Whether CAP_SYS_ADMIN is in effect.
pub fn can_administer() -> bool {
    caps::has_cap(None, CapSet::Effective, Capability::CAP_SYS_ADMIN).unwrap_or(false)
}

/// PR_SET_NO_NEW_PRIVS, for this process and all that come from it.
pub fn no_new_privileges() -> Result<()> {
    prctl::set_no_new_privs().context("set", "no_new_privs")
}

/// Sets the soft and hard limit of a resource (RLIMIT_…); `u64::MAX` is infinity.
pub fn set_rlimit(resource: RlimitResource, soft: u64, hard: u64) -> Result<()> {
    let limit = libc::rlimit64 {
        rlim_cur: soft,
        rlim_max: hard,
    };
    let none = std::ptr::null_mut();
    // SAFETY: the structure is valid; the old limit is not asked for.
    match unsafe { prlimit(resource, &limit, none) } {
        0 => Ok(()),
        _ => Err(Error::last(
            "set limit",
            format!("{resource:?} to {soft}:{hard}"),
        )),
    }
}

/// As [`set_rlimit`]; where this process may not raise its hard limit so far (no
/// CAP_SYS_RESOURCE), as near to it as it may, as systemd does. `Some` tells what holds instead,
/// soft and hard.
pub fn set_rlimit_closest(
    resource: RlimitResource,
    soft: u64,
    hard: u64,
) -> Result<Option<(u64, u64)>> {
    let refused = match set_rlimit(resource, soft, hard) {
        Ok(()) => return Ok(None),
        Err(refused) => refused,
    };
    if refused.errno() != libc::EPERM {
        return Err(refused);
    }
    let (_, highest) = rlimit(resource)?;
    // Nothing is above infinity: it was refused for another reason.
    if highest == u64::MAX {
        return Err(refused);
    }
    let (soft, hard) = (soft.min(highest), hard.min(highest));
    set_rlimit(resource, soft, hard)?;
    Ok(Some((soft, hard)))
}

/// The soft and hard limit that hold.
fn rlimit(resource: RlimitResource) -> Result<(u64, u64)> {
    let mut now = libc::rlimit64 {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: no new limit is given; the structure for the old one is valid.
    match unsafe { prlimit(resource, std::ptr::null(), &mut now) } {
        0 => Ok((now.rlim_cur, now.rlim_max)),
        _ => Err(Error::last("read limit", format!("{resource:?}"))),
    }
}

/// prlimit(2) itself, on the calling process: the C library's wrappers know fewer resources, and
/// differ in their types.
///
/// # Safety
/// Each pointer is null or points to a valid structure.
unsafe fn prlimit(
    resource: RlimitResource,
    new: *const libc::rlimit64,
    old: *mut libc::rlimit64,
) -> libc::c_long {
    // SAFETY: the caller vouches for the pointers; the rest is integers, 0 is this process.
    unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource.number(), new, old) }
}

/// The resources of setrlimit(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the kernel's
pub enum RlimitResource {
    Cpu,
    Fsize,
    Data,
    Stack,
    Core,
    Rss,
    Nproc,
    Nofile,
    Memlock,
    As,
    Locks,
    Sigpending,
    Msgqueue,
    Nice,
    Rtprio,
    Rttime,
}

impl RlimitResource {
    /// The kernel's number; the variants stand in its order (asm-generic/resource.h).
    const fn number(self) -> u32 {
        self as u32
    }
}

/// Nice level, -20 to 19.
pub fn set_nice(level: i32) -> Result<()> {
    // SAFETY: plain integers.
    match unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, level) } {
        0 => Ok(()),
        _ => Err(Error::last("set nice level", level)),
    }
}

/// As [`set_nice`]; where this process may not be that little nice (no CAP_SYS_NICE), as near to it
/// as it may, as systemd does. `Some` tells what holds instead.
pub fn set_nice_closest(level: i32) -> Result<Option<i32>> {
    let refused = match set_nice(level) {
        Ok(()) => return Ok(None),
        Err(refused) => refused,
    };
    // SAFETY: plain integers. -1 is a level as well as an error; of ourselves it is no error.
    let now = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    let privilege = matches!(refused.errno(), libc::EPERM | libc::EACCES);
    if !privilege || level > now {
        return Err(refused);
    }
    // RLIMIT_NICE counts the other way round: 1 is nice 19, 40 is nice -20 (setrlimit(2)).
    let (soft, _) = rlimit(RlimitResource::Nice)?;
    let lowest = 20 - i32::try_from(soft.clamp(1, 40)).unwrap_or(1);
    let nearest = lowest.max(level).min(now);
    if nearest < now {
        set_nice(nearest)?;
    }
    Ok(Some(nearest))
}

/// `oom_score_adj`, -1000 to 1000.
pub fn set_oom_score_adjust(value: i32) -> Result<()> {
    let path = "/proc/self/oom_score_adj";
    std::fs::write(path, value.to_string()).context("write", path)
}

/// File mode creation mask.
pub fn set_umask(mask: u32) {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(mask));
}

/// Version of capget(2)/capset(2) with 64-bit sets.
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct CapHeader {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CapData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Makes CAP_SYS_ADMIN of a fresh user namespace survive the exec of a program whose user is not
/// root inside. System calls only, for use between clone and exec.
pub(crate) fn raw_keep_sys_admin() -> bool {
    let bit = 1u32 << Capability::CAP_SYS_ADMIN.index();
    let header = CapHeader {
        version: CAPABILITY_VERSION_3,
        pid: 0,
    };
    let low = CapData {
        effective: bit,
        permitted: bit,
        inheritable: bit,
    };
    let high = CapData {
        effective: 0,
        permitted: 0,
        inheritable: 0,
    };
    let data = [low, high];
    let number = libc::c_ulong::from(Capability::CAP_SYS_ADMIN.index());
    let raise = libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong;
    // SAFETY: both structures have the layout of capset(2); the rest is integers.
    unsafe {
        libc::syscall(libc::SYS_capset, std::ptr::from_ref(&header), data.as_ptr()) == 0
            && libc::prctl(libc::PR_CAP_AMBIENT, raise, number, 0, 0) == 0
    }
}
