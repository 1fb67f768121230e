//! `DevicePolicy=`, `DeviceAllow=`: which devices a service may use, as a program for the kernel
//! (BPF_PROG_TYPE_CGROUP_DEVICE), assembled by a library.
use gitproc_unit::Family::Resource;
use gitproc_unit::value::DeviceRule;
use gitproc_unit::{Setting, Unit};
use rbpf::insn_builder::{Arch, BpfCode, Cond, Instruction, IntoBytes, MemSize, Source};

/// A kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DeviceKind {
    Block,
    Character,
}

/// Devices by number, and what may be done with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAccess {
    /// Which of both.
    pub kind: DeviceKind,
    /// `None`: all.
    pub major: Option<u32>,
    /// `None`: all.
    pub minor: Option<u32>,
    /// Of `r`, `w` and `m` (mknod).
    pub access: String,
}

/// What everybody needs (systemd.resource-control(5), DevicePolicy=closed).
const USUAL: [(&str, &str); 8] = [
    ("/dev/null", "rwm"),
    ("/dev/zero", "rwm"),
    ("/dev/full", "rwm"),
    ("/dev/random", "rwm"),
    ("/dev/urandom", "rwm"),
    ("/dev/tty", "rwm"),
    ("/dev/ptmx", "rwm"),
    ("char-pts", "rw"),
];

/// What the unit lets its service use, by name: the host knows the numbers. `None`: all.
pub fn wanted(unit: &Unit) -> Option<Vec<DeviceRule>> {
    let rules = match unit.settings.get(Resource, "DeviceAllow") {
        Setting::Devices(rules) => rules.clone(),
        _ => Vec::new(),
    };
    let usual = || {
        USUAL.map(|(device, access)| DeviceRule {
            device: device.to_owned(),
            access: access.to_owned(),
        })
    };
    match unit.settings.text(Resource, "DevicePolicy") {
        "strict" => Some(rules),
        "closed" => Some(usual().into_iter().chain(rules).collect()),
        _ if rules.is_empty() => None,
        _ => Some(usual().into_iter().chain(rules).collect()),
    }
}

/// Whether a group of devices (`char-*`, `block-loop`) has one whose driver is called `name`.
pub fn matches(pattern: &str, kind: DeviceKind, name: &str) -> bool {
    let wanted = match kind {
        DeviceKind::Block => pattern.strip_prefix("block-"),
        DeviceKind::Character => pattern.strip_prefix("char-"),
    };
    wanted.is_some_and(|wanted| fits(wanted.as_bytes(), name.as_bytes()))
}

/// `*` and `?` as in fnmatch(3).
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            fits(rest, name) || !name.is_empty() && fits(pattern, &name[1..])
        }
        (Some((b'?', rest)), Some((_, others))) => fits(rest, others),
        (Some((a, rest)), Some((b, others))) => a == b && fits(rest, others),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Bits of an access (BPF_DEVCG_ACC_… of linux/bpf.h).
fn bits(access: &str) -> i32 {
    let bit = |c| match c {
        'm' => 1,
        'r' => 2,
        'w' => 4,
        _ => 0,
    };
    access.chars().map(bit).fold(0, |bits, bit| bits | bit)
}

const ALL_ACCESS: i32 = 7;

/// Registers: what the kernel asks, taken apart.
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const BEYOND: u8 = 6;

/// The program: 1 lets the access through, 0 refuses it with EPERM.
pub fn program(allowed: &[DeviceAccess]) -> Vec<u8> {
    let mut code = BpfCode::new();
    // struct bpf_cgroup_dev_ctx { access_type, major, minor }, of 32 bits each.
    let mut load = |register: u8, offset: i16| {
        code.load_x(MemSize::Word)
            .set_dst(register)
            .set_src(1)
            .set_off(offset)
            .push();
    };
    load(KIND, 0);
    load(ACCESS, 0);
    load(MAJOR, 4);
    load(MINOR, 8);
    code.right_shift(Source::Imm, Arch::X64)
        .set_dst(ACCESS)
        .set_imm(16)
        .push();
    code.bit_and(Source::Imm, Arch::X64)
        .set_dst(KIND)
        .set_imm(0xffff)
        .push();
    for device in allowed {
        append(&mut code, device);
    }
    finish(&mut code, 0);
    code.into_bytes().to_vec()
}

/// One rule: what does not fit goes on behind it.
fn append(code: &mut BpfCode, device: &DeviceAccess) {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let kind = match device.kind {
        DeviceKind::Block => 1,
        DeviceKind::Character => 2,
    };
    let access = bits(&device.access);
    let mut tests = vec![(KIND, kind)];
    tests.extend(device.major.map(|major| (MAJOR, number(major))));
    tests.extend(device.minor.map(|minor| (MINOR, number(minor))));
    // Behind the tests: two instructions that end, and three for the access unless all is allowed.
    let bounded = access != ALL_ACCESS;
    let tail = if bounded { 5 } else { 2 };
    for (at, (register, wanted)) in tests.iter().enumerate() {
        let behind = tests.len() - at - 1 + tail;
        let behind = i16::try_from(behind).expect("a rule is short");
        code.jump_conditional(Cond::NotEquals, Source::Imm)
            .set_dst(*register)
            .set_imm(*wanted)
            .set_off(behind)
            .push();
    }
    if bounded {
        code.mov(Source::Reg, Arch::X64)
            .set_dst(BEYOND)
            .set_src(ACCESS)
            .push();
        code.bit_and(Source::Imm, Arch::X64)
            .set_dst(BEYOND)
            .set_imm(ALL_ACCESS & !access)
            .push();
        code.jump_conditional(Cond::NotEquals, Source::Imm)
            .set_dst(BEYOND)
            .set_imm(0)
            .set_off(2)
            .push();
    }
    finish(code, 1);
}

fn finish(code: &mut BpfCode, answer: i32) {
    code.mov(Source::Imm, Arch::X64)
        .set_dst(0)
        .set_imm(answer)
        .push();
    code.exit().push();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::service;

    fn device(
        kind: DeviceKind,
        major: Option<u32>,
        minor: Option<u32>,
        access: &str,
    ) -> DeviceAccess {
        DeviceAccess {
            kind,
            major,
            minor,
            access: access.to_owned(),
        }
    }

    /// Runs the program on a question of the kernel's, by the library's own machine.
    fn allows(program: &[u8], kind: u32, access: &str, major: u32, minor: u32) -> bool {
        let access = bits(access).unsigned_abs();
        let mut question = Vec::new();
        for word in [access << 16 | kind, major, minor] {
            question.extend_from_slice(&word.to_le_bytes());
        }
        let machine = rbpf::EbpfVmRaw::new(Some(program)).expect("a program");
        machine.execute_program(&mut question).expect("it ends") == 1
    }

    #[test]
    fn a_program_lets_through_what_its_rules_allow() {
        use DeviceKind::{Block, Character};
        let rules = [
            device(Character, Some(1), Some(3), "rwm"),
            device(Character, Some(136), None, "rw"),
            device(Block, Some(8), None, "r"),
            device(Block, None, None, "m"),
        ];
        let program = program(&rules);
        for (kind, access, major, minor, expected) in [
            (2, "rw", 1, 3, true),
            (2, "m", 1, 3, true),
            (2, "r", 1, 4, false),
            (1, "r", 1, 3, false),
            (2, "rw", 136, 7, true),
            (2, "m", 136, 7, false),
            (1, "r", 8, 0, true),
            (1, "w", 8, 0, false),
            (1, "rw", 8, 0, false),
            (1, "m", 253, 1, true),
            (1, "rm", 253, 1, false),
            (2, "r", 10, 229, false),
        ] {
            assert_eq!(
                allows(&program, kind, access, major, minor),
                expected,
                "{kind} {access} {major}:{minor}"
            );
        }
        assert!(!allows(&super::program(&[]), 2, "r", 1, 3), "none at all");
    }

    #[test]
    fn policies_mean_devices() {
        let of = |lines: &str| {
            let rules = wanted(&service(lines));
            rules.map(|rules| {
                rules
                    .iter()
                    .map(|rule| rule.device.clone())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(of(""), None);
        assert_eq!(of("DevicePolicy=strict"), Some(Vec::new()));
        assert_eq!(of("DevicePolicy=closed").expect("some").len(), USUAL.len());
        assert_eq!(of("PrivateDevices=yes").expect("some").len(), USUAL.len());
        assert_eq!(
            of("DevicePolicy=strict\nDeviceAllow=/dev/fuse rw"),
            Some(vec!["/dev/fuse".to_owned()])
        );
        let with = of("DeviceAllow=char-input r").expect("some");
        assert!(with.contains(&"char-input".to_owned()) && with.contains(&"/dev/null".to_owned()));
    }

    #[test]
    fn groups_are_named_by_pattern() {
        assert!(matches("char-*", DeviceKind::Character, "pts"));
        assert!(matches("char-pt?", DeviceKind::Character, "pts"));
        assert!(!matches("char-pts", DeviceKind::Block, "pts"));
        assert!(!matches("block-loop", DeviceKind::Block, "loops"));
        assert!(matches("block-*oo*", DeviceKind::Block, "loop"));
    }
}
