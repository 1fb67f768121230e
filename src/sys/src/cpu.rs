//! What the processor says of itself: features, the hypervisor, how many are ours.

/// Processors that this process may run on.
pub fn available_cpus() -> crate::Result<u32> {
    use crate::error::Context;
    let set = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0))
        .context("read", "CPU affinity")?;
    let count = (0..nix::sched::CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false));
    Ok(u32::try_from(count.count()).unwrap_or(u32::MAX))
}

pub use arch::{has_feature, hypervisor};

#[cfg(target_arch = "x86_64")]
mod arch {
    use std::arch::x86_64::{__cpuid, __cpuid_count, __get_cpuid_max, CpuidResult};

    /// The four registers of an answer.
    #[derive(Clone, Copy)]
    enum Register {
        Ebx,
        Ecx,
        Edx,
    }
    use Register::{Ebx, Ecx, Edx};

    /// Number and name of a bit; the names are those of /proc/cpuinfo, and systemd's selection.
    type Bit = (u32, &'static str);

    /// Leaf, register, and what its bits say.
    const FEATURES: &[(u32, Register, &[Bit])] = &[
        (
            1,
            Edx,
            &[
                (0, "fpu"),
                (1, "vme"),
                (2, "de"),
                (3, "pse"),
                (4, "tsc"),
                (5, "msr"),
                (6, "pae"),
                (7, "mce"),
                (8, "cx8"),
                (9, "apic"),
                (11, "sep"),
                (12, "mtrr"),
                (13, "pge"),
                (14, "mca"),
                (15, "cmov"),
                (16, "pat"),
                (17, "pse36"),
                (19, "clflush"),
                (23, "mmx"),
                (24, "fxsr"),
                (25, "sse"),
                (26, "sse2"),
                (28, "ht"),
            ],
        ),
        (
            1,
            Ecx,
            &[
                (0, "pni"),
                (1, "pclmul"),
                (3, "monitor"),
                (9, "ssse3"),
                (12, "fma3"),
                (13, "cx16"),
                (19, "sse4_1"),
                (20, "sse4_2"),
                (22, "movbe"),
                (23, "popcnt"),
                (25, "aes"),
                (26, "xsave"),
                (27, "osxsave"),
                (28, "avx"),
                (29, "f16c"),
                (30, "rdrand"),
            ],
        ),
        (
            7,
            Ebx,
            &[
                (3, "bmi1"),
                (5, "avx2"),
                (8, "bmi2"),
                (18, "rdseed"),
                (19, "adx"),
                (29, "sha_ni"),
            ],
        ),
        (
            0x8000_0001,
            Edx,
            &[(11, "syscall"), (27, "rdtscp"), (29, "lm")],
        ),
        (0x8000_0001, Ecx, &[(0, "lahf_lm"), (5, "abm")]),
        (0x8000_0007, Edx, &[(8, "constant_tsc")]),
    ];

    /// Whether the processor has a feature by systemd's name for it.
    pub fn has_feature(name: &str) -> bool {
        FEATURES.iter().any(|(leaf, register, bits)| {
            let bit = bits.iter().find(|(_, known)| *known == name);
            bit.is_some_and(|(bit, _)| {
                cpuid(*leaf).is_some_and(|answer| {
                    let value = match register {
                        Ebx => answer.ebx,
                        Ecx => answer.ecx,
                        Edx => answer.edx,
                    };
                    value & (1 << bit) != 0
                })
            })
        })
    }

    /// What the hypervisor calls itself, when there is one.
    #[allow(unused_unsafe)] // newer compilers know that the instruction is safe
    pub fn hypervisor() -> Option<[u8; 12]> {
        if cpuid(1)?.ecx & (1 << 31) == 0 {
            return None;
        }
        // The leaf lies outside of the ranges that say how long they are.
        // SAFETY: every x86-64 processor has the instruction.
        let answer = unsafe { __cpuid(0x4000_0000) };
        let mut name = [0; 12];
        for (part, register) in [answer.ebx, answer.ecx, answer.edx].iter().enumerate() {
            name[part * 4..][..4].copy_from_slice(&register.to_le_bytes());
        }
        Some(name)
    }

    #[allow(unused_unsafe)]
    fn cpuid(leaf: u32) -> Option<CpuidResult> {
        // SAFETY: every x86-64 processor has the instruction.
        let (max, _) = unsafe { __get_cpuid_max(leaf & 0x8000_0000) };
        if leaf > max {
            return None;
        }
        // SAFETY: as above, and it has the leaf.
        let answer = unsafe { __cpuid_count(leaf, 0) };
        Some(answer)
    }
}

/// Only x86 has an instruction that ordinary programs may ask.
#[cfg(not(target_arch = "x86_64"))]
mod arch {
    /// Whether the processor has a feature by systemd's name for it: it has none.
    pub fn has_feature(_: &str) -> bool {
        false
    }

    /// What the hypervisor calls itself: it can't be asked.
    pub fn hypervisor() -> Option<[u8; 12]> {
        None
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_processor_is_asked() {
        assert!(super::available_cpus().expect("it can be asked") >= 1);
        assert_eq!(super::has_feature("lm"), cfg!(target_arch = "x86_64"));
        assert!(!super::has_feature("a"));
    }
}
