//! `IPAddressAllow=`, `IPAddressDeny=`: whom a service may talk to, as programs for the kernel
//! (BPF_PROG_TYPE_CGROUP_SKB), assembled by a library.
//!
//! Who is on the list that allows may pass, else who is on the list that denies may not, else all
//! may (systemd.resource-control(5)). What is no IP passes.
use gitproc_unit::Family::Resource;
use gitproc_unit::value::AddressPrefix;
use gitproc_unit::{Setting, Unit};
use std::fmt::Write;

/// Which way a packet goes, and so whose address counts: that of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the service: the source counts.
    Ingress,
    /// From the service: the destination counts.
    Egress,
}

/// Both lists of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    /// `IPAddressAllow=`.
    pub allow: Vec<AddressPrefix>,
    /// `IPAddressDeny=`.
    pub deny: Vec<AddressPrefix>,
}

/// What the units say together: a service and the slices that it is in. `None`: nobody is kept out.
pub fn wanted<'a>(units: impl IntoIterator<Item = &'a Unit>) -> Option<Networks> {
    let mut networks = Networks::default();
    for unit in units {
        let list = |key| match unit.settings.get(Resource, key) {
            Setting::Networks(found) => found.iter().copied().collect(),
            _ => Vec::new(),
        };
        networks.allow.extend(list("IPAddressAllow"));
        networks.deny.extend(list("IPAddressDeny"));
    }
    (!networks.deny.is_empty()).then_some(networks)
}

/// ETH_P_IP, ETH_P_IPV6 of linux/if_ether.h.
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// As the kernel has them in `__sk_buff`: in the order of the network.
const fn protocol(number: u16) -> u16 {
    number.to_be()
}

/// The program: 1 lets a packet through, 0 drops it (a sender gets EPERM).
///
/// Registers: r6 is the protocol; r2 to r5 the address, in four words; r7 and r8 are compared.
pub fn program(networks: &Networks, direction: Direction) -> Vec<u8> {
    let (v4, v6) = match direction {
        Direction::Ingress => (12, 8),
        Direction::Egress => (16, 24),
    };
    let (ipv4, ipv6) = (protocol(IPV4), protocol(IPV6));
    // bpf_skb_load_bytes (26) reads from the packet's IP header on. Where it fails, nothing passes.
    let mut text = format!(
        "mov r9, r1
         ldxw r6, [r1+16]
         stdw [r10-16], 0
         stdw [r10-8], 0
         jeq r6, {ipv4}, +3
         jeq r6, {ipv6}, +5
         mov r0, 1
         exit
         mov r2, {v4}
         mov r4, 4
         ja +2
         mov r2, {v6}
         mov r4, 16
         mov r1, r9
         mov r3, r10
         add r3, -16
         call 26
         jeq r0, 0, +2
         mov r0, 0
         exit
         ldxw r2, [r10-16]
         ldxw r3, [r10-12]
         ldxw r4, [r10-8]
         ldxw r5, [r10-4]
         be32 r2
         be32 r3
         be32 r4
         be32 r5\n"
    );
    for (list, answer) in [(&networks.allow, 1), (&networks.deny, 0)] {
        for network in list {
            append(&mut text, network, answer);
        }
    }
    text.push_str("mov r0, 1\nexit\n");
    rbpf::assembler::assemble(&text).expect("a program of ours")
}

/// A word of the address, and how its first bits have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WordTest {
    /// 0 to 3.
    word: usize,
    /// How many of its last bits do not count.
    shift: u32,
    /// What the others are.
    value: u32,
}

/// What has to hold of an address for it to be in the network.
fn tests(network: &AddressPrefix) -> Vec<WordTest> {
    let bytes = network.bytes();
    let length = usize::from(network.length());
    let words = bytes.chunks_exact(4).enumerate();
    words
        .map_while(|(word, bytes)| {
            let counts = length.saturating_sub(word * 32).min(32);
            let shift = u32::try_from(32 - counts).ok().filter(|_| counts > 0)?;
            let whole = u32::from_be_bytes(bytes.try_into().ok()?);
            Some(WordTest {
                word,
                shift,
                value: whole >> shift,
            })
        })
        .collect()
}

/// One network: what is not in it goes on behind.
fn append(text: &mut String, network: &AddressPrefix, answer: u8) {
    let ip = match network.bytes().len() {
        4 => protocol(IPV4),
        _ => protocol(IPV6),
    };
    let tests = tests(network);
    // Four instructions for each word, and two that end.
    let behind = |left: usize| left * 4 + 2;
    let _ = writeln!(text, "jne r6, {ip}, +{}", behind(tests.len()));
    for (at, test) in tests.iter().enumerate() {
        let (register, shift) = (test.word + 2, test.shift);
        let value = test.value.cast_signed();
        let _ = writeln!(
            text,
            "mov r7, r{register}\nrsh r7, {shift}\nmov32 r8, {value}\njne r7, r8, +{}",
            behind(tests.len() - at - 1)
        );
    }
    let _ = writeln!(text, "mov r0, {answer}\nexit");
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::testing::service as unit;

    #[test]
    fn networks_are_compared_word_by_word() {
        let of = |network: &str| {
            let unit = unit(&format!("IPAddressDeny={network}"));
            let networks = wanted([&unit]).expect("one");
            let tests = tests(&networks.deny[0]);
            tests
                .iter()
                .map(|test| (test.word, test.shift, test.value))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("0.0.0.0/0"), []);
        assert_eq!(of("255.255.255.255"), [(0, 0, 0xffff_ffff)]);
        assert_eq!(of("10.0.0.0/8"), [(0, 24, 10)]);
        assert_eq!(of("10.128.0.0/9"), [(0, 23, 21)]);
        assert_eq!(of("::/0"), []);
        assert_eq!(of("fe80::/10"), [(0, 22, 0x3fa)]);
        assert_eq!(of("2001:db8::/32"), [(0, 0, 0x2001_0db8)]);
        assert_eq!(of("2001:db8::/33"), [(0, 0, 0x2001_0db8), (1, 31, 0)]);
        assert_eq!(of("::1"), [(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 1)]);
    }

    #[test]
    fn only_who_denies_keeps_out() {
        assert_eq!(wanted([&unit("")]), None);
        assert_eq!(wanted([&unit("IPAddressAllow=localhost")]), None);
        let slice = unit("IPAddressDeny=any");
        let both = wanted([&unit("IPAddressAllow=localhost"), &slice]).expect("networks");
        assert_eq!((both.allow.len(), both.deny.len()), (2, 2));
    }

    #[test]
    fn programs_of_many_networks_are_assembled() {
        let many: Vec<String> = (0..4000)
            .map(|n| format!("10.{}.{}.0/24", n / 250, n % 250))
            .collect();
        let networks = wanted([&unit(&format!("IPAddressDeny={}", many.join(" ")))]);
        let networks = networks.expect("networks");
        let program = program(&networks, Direction::Egress);
        assert_eq!(program.len() / 8, 28 + 4000 * 7 + 2);
    }
}
