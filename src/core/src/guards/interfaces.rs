//! `RestrictNetworkInterfaces=`: by which interfaces a service may send and receive, as a program for
//! the kernel (BPF_PROG_TYPE_CGROUP_SKB).
use gitproc_unit::Family::Resource;
use gitproc_unit::value::Interfaces;
use gitproc_unit::{Setting, Unit};
use std::fmt::Write;

/// What the unit says; `None`: all of them.
pub fn wanted(unit: &Unit) -> Option<&Interfaces> {
    match unit.settings.get(Resource, "RestrictNetworkInterfaces") {
        Setting::Interfaces(interfaces) if !interfaces.names.is_empty() => Some(interfaces),
        _ => None,
    }
}

/// The program, for both directions: 1 lets a packet through, 0 drops it. `numbers` are those of the
/// named interfaces that the host has.
pub fn program(numbers: &[u32], allow: bool) -> Vec<u8> {
    let (named, others) = (u8::from(allow), u8::from(!allow));
    // `ifindex` of struct __sk_buff.
    let mut text = "ldxw r2, [r1+40]\n".to_owned();
    for number in numbers
        .iter()
        .filter_map(|number| i32::try_from(*number).ok())
    {
        let _ = writeln!(text, "jne r2, {number}, +2\nmov r0, {named}\nexit");
    }
    let _ = writeln!(text, "mov r0, {others}\nexit");
    rbpf::assembler::assemble(&text).expect("a program of ours")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program on a packet by the library's own machine.
    fn passes(program: &[u8], interface: u32) -> bool {
        let mut packet = vec![0; 64];
        packet[40..44].copy_from_slice(&interface.to_ne_bytes());
        let machine = rbpf::EbpfVmRaw::new(Some(program)).expect("a program");
        machine.execute_program(&mut packet).expect("it ends") == 1
    }

    #[test]
    fn what_is_named_is_allowed_or_forbidden() {
        let only = program(&[2, 7], true);
        let but = program(&[2, 7], false);
        for (interface, named) in [(1, false), (2, true), (7, true), (8, false)] {
            assert_eq!(passes(&only, interface), named, "{interface}");
            assert_eq!(passes(&but, interface), !named, "{interface}");
        }
        assert!(!passes(&program(&[], true), 1), "none that is there");
    }
}
