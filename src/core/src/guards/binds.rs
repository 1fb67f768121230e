//! `SocketBindAllow=`, `SocketBindDeny=`: to which ports a service may bind sockets, as programs for
//! the kernel (BPF_PROG_TYPE_CGROUP_SOCK_ADDR).
//!
//! What a rule allows is allowed, else what a rule denies is denied, else all is allowed
//! (systemd.resource-control(5)).
use gitproc_unit::Family::Resource;
use gitproc_unit::value::SocketBind;
use gitproc_unit::{Setting, Unit};
use std::fmt::Write;

/// Both lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binds {
    /// `SocketBindAllow=`.
    pub allow: Vec<SocketBind>,
    /// `SocketBindDeny=`.
    pub deny: Vec<SocketBind>,
}

/// What the unit says; `None`: nothing is denied.
pub fn wanted(unit: &Unit) -> Option<Binds> {
    let list = |key| match unit.settings.get(Resource, key) {
        Setting::Sockets(rules) => rules.clone(),
        _ => Vec::new(),
    };
    let binds = Binds {
        allow: list("SocketBindAllow"),
        deny: list("SocketBindDeny"),
    };
    (!binds.deny.is_empty()).then_some(binds)
}

/// The program, for both families: 1 lets bind(2) go on, 0 fails it with EPERM.
///
/// Registers: r2 is the family, r3 the protocol, r4 the port.
pub fn program(binds: &Binds) -> Vec<u8> {
    // `family`, `protocol`, `user_port` of struct bpf_sock_addr; the port is as the network has it.
    let mut text = "ldxw r2, [r1+28]\nldxw r3, [r1+36]\nldxw r4, [r1+24]\nbe16 r4\n".to_owned();
    let allow = binds.allow.iter().map(|rule| (rule, 1));
    let deny = binds.deny.iter().map(|rule| (rule, 0));
    let all: Vec<(&SocketBind, u8)> = allow.chain(deny).collect();
    // Behind a rule that fits everything nothing is ever reached, which the kernel refuses.
    let last = all.iter().position(|(rule, _)| fits_all(rule));
    for (rule, answer) in all.iter().take(last.map_or(all.len(), |at| at + 1)) {
        append(&mut text, rule, *answer);
    }
    if last.is_none() {
        text.push_str("mov r0, 1\nexit\n");
    }
    rbpf::assembler::assemble(&text).expect("a program of ours")
}

/// `any`
fn fits_all(rule: &SocketBind) -> bool {
    *rule == SocketBind::default()
}

/// One rule: what it does not fit goes on behind it.
fn append(text: &mut String, rule: &SocketBind, answer: u8) {
    let last = u32::from(rule.first_port) + u32::from(rule.ports).saturating_sub(1);
    let mut tests = Vec::new();
    if rule.family != 0 {
        tests.push(format!("jne r2, {}", rule.family));
    }
    if rule.protocol != 0 {
        tests.push(format!("jne r3, {}", rule.protocol));
    }
    if rule.ports != 0 {
        tests.push(format!("jlt r4, {}", rule.first_port));
        tests.push(format!("jgt r4, {last}"));
    }
    for (at, test) in tests.iter().enumerate() {
        // The tests behind it, and two instructions that end.
        let _ = writeln!(text, "{test}, +{}", tests.len() - at - 1 + 2);
    }
    let _ = writeln!(text, "mov r0, {answer}\nexit");
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::testing::service;

    fn of(lines: &str) -> Option<Binds> {
        wanted(&service(lines))
    }

    /// Runs the program on a call by the library's own machine.
    fn binds(program: &[u8], family: u32, protocol: u32, port: u16) -> bool {
        let mut call = vec![0; 64];
        call[28..32].copy_from_slice(&family.to_ne_bytes());
        call[36..40].copy_from_slice(&protocol.to_ne_bytes());
        call[24..26].copy_from_slice(&port.to_be_bytes());
        let machine = rbpf::EbpfVmRaw::new(Some(program)).expect("a program");
        machine.execute_program(&mut call).expect("it ends") == 1
    }

    #[test]
    fn rules_are_tried_in_their_order() {
        const V4: u32 = 2;
        const V6: u32 = 10;
        const TCP: u32 = 6;
        const UDP: u32 = 17;
        for (lines, allowed, denied) in [
            (
                "SocketBindDeny=any\nSocketBindAllow=ipv4:tcp:8000-8080",
                &[(V4, TCP, 8000), (V4, TCP, 8080)][..],
                &[
                    (V4, TCP, 7999),
                    (V4, TCP, 8081),
                    (V4, UDP, 8000),
                    (V6, TCP, 8000),
                ][..],
            ),
            (
                "SocketBindDeny=udp\nSocketBindDeny=ipv6:443",
                &[(V4, TCP, 443), (V6, TCP, 444)],
                &[(V4, UDP, 1), (V6, UDP, 65535), (V6, TCP, 443)],
            ),
            (
                "SocketBindDeny=1-1023",
                &[(V4, TCP, 1024), (V6, UDP, 65535), (V4, TCP, 0)],
                &[(V4, TCP, 1), (V6, UDP, 1023)],
            ),
        ] {
            let program = program(&of(lines).expect("rules"));
            for (family, protocol, port) in allowed {
                assert!(binds(&program, *family, *protocol, *port), "{lines} {port}");
            }
            for (family, protocol, port) in denied {
                assert!(
                    !binds(&program, *family, *protocol, *port),
                    "{lines} {port}"
                );
            }
        }
        assert_eq!(of("SocketBindAllow=80"), None);
        let none = program(&of("SocketBindDeny=any\nSocketBindDeny=80").expect("rules"));
        assert!(!binds(&none, V4, TCP, 1));
    }
}
