//! Architectures as system calls see them: the kernel's audit numbers, and the numbers of calls.

/// One whose calls can be filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arch {
    X86_64,
    X86,
    Arm64,
    Arm,
    Riscv64,
}

impl Arch {
    /// By systemd's name (`ConditionArchitecture=`).
    pub(super) fn of(name: &str) -> Option<Arch> {
        [
            Arch::X86_64,
            Arch::X86,
            Arch::Arm64,
            Arch::Arm,
            Arch::Riscv64,
        ]
        .into_iter()
        .find(|arch| arch.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86-64",
            Arch::X86 => "x86",
            Arch::Arm64 => "arm64",
            Arch::Arm => "arm",
            Arch::Riscv64 => "riscv64",
        }
    }

    /// The 32-bit one whose programs run here, too.
    pub(super) const fn plays(self) -> Option<Arch> {
        match self {
            Arch::X86_64 => Some(Arch::X86),
            Arch::Arm64 => Some(Arch::Arm),
            Arch::X86 | Arch::Arm | Arch::Riscv64 => None,
        }
    }

    /// AUDIT_ARCH_… (linux/audit.h).
    pub(super) const fn audit(self) -> u32 {
        match self {
            Arch::X86_64 => 0xc000_003e,
            Arch::X86 => 0x4000_0003,
            Arch::Arm64 => 0xc000_00b7,
            Arch::Arm => 0x4000_0028,
            Arch::Riscv64 => 0xc000_00f3,
        }
    }

    /// The number of a call; `None` where the architecture does not have it.
    pub(super) fn number(self, call: &str) -> Option<i64> {
        let number = match self {
            Arch::X86_64 => call
                .parse()
                .ok()
                .map(|call: syscalls::x86_64::Sysno| call.id()),
            Arch::X86 => call
                .parse()
                .ok()
                .map(|call: syscalls::x86::Sysno| call.id()),
            Arch::Arm64 => call
                .parse()
                .ok()
                .map(|call: syscalls::aarch64::Sysno| call.id()),
            Arch::Arm => call
                .parse()
                .ok()
                .map(|call: syscalls::arm::Sysno| call.id()),
            Arch::Riscv64 => call
                .parse()
                .ok()
                .map(|call: syscalls::riscv64::Sysno| call.id()),
        };
        number.map(i64::from)
    }
}
