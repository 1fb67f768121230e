//! What a service may do, as it finds out itself.
#![allow(missing_docs)]
mod common;

use common::{Service, is_root, sh};
use gitproc_core::protocol::ProcessEnd;
use gitproc_unit::ExecRole;

macro_rules! needs_root {
    ($name:literal) => {
        if !is_root($name) {
            return;
        }
    };
}

/// Numbers of prctl(2) and keyctl(2), for perl's `syscall`.
const PRCTL: nix::libc::c_long = nix::libc::SYS_prctl;
const KEYCTL: nix::libc::c_long = nix::libc::SYS_keyctl;

/// Prints the secure bits (PR_GET_SECUREBITS).
fn show_secure_bits() -> String {
    format!("perl -e 'print syscall({PRCTL}, 27, 0, 0, 0, 0), \"\\n\"'")
}

#[test]
fn secure_bits_are_the_units() {
    needs_root!("secure_bits_are_the_units");
    for (lines, bits) in [
        ("", "0"),
        ("SecureBits=noroot noroot-locked", "3"),
        ("SecureBits=no-setuid-fixup-locked", "8"),
        ("User=nobody\nSecureBits=noroot-locked", "2"),
        (
            "User=nobody\nSecureBits=noroot\nCapabilityBoundingSet=CAP_CHOWN",
            "1",
        ),
    ] {
        let log = Service::view(lines, &show_secure_bits());
        assert_eq!(log.trim(), bits, "{lines}");
    }
    let log = Service::view(
        "User=nobody\nSecureBits=noroot-locked",
        "grep -E '^Cap(Prm|Eff|Inh|Amb)' /proc/self/status",
    );
    assert_eq!(log.matches("\t0000000000000000\n").count(), 4, "{log}");
}

#[test]
fn a_broken_pipe_is_an_error_or_a_signal() {
    let show = "grep SigIgn /proc/self/status";
    let log = Service::view("", show);
    assert_eq!(log.trim(), "SigIgn:\t0000000000001000");
    let log = Service::view("IgnoreSIGPIPE=no", show);
    assert_eq!(log.trim(), "SigIgn:\t0000000000000000");
}

#[test]
fn each_service_has_a_session_keyring_of_its_own() {
    needs_root!("each_service_has_a_session_keyring_of_its_own");
    // KEYCTL_GET_KEYRING_ID of the session's keyring, and KEYCTL_SEARCH for the user's in it.
    let show = format!(
        "perl -e 'my $k = syscall({KEYCTL}, 0, -3, 0); print \"$k\\n\"; \
         my ($t, $n) = (\"keyring\", \"_uid.0\"); \
         print syscall({KEYCTL}, 10, -3, $t, $n, 0) > 0 ? \"linked\\n\" : \"alone\\n\"'"
    );
    let ask = |lines: &str| {
        let log = Service::view(lines, &show);
        let mut lines = log.lines().map(str::to_owned);
        (
            lines.next().expect("a number"),
            lines.next().expect("a word"),
        )
    };
    let (first, alone) = ask("");
    if first == "-1" {
        // No keys in this container, and so none to be kept from.
        return;
    }
    let (second, _) = ask("KeyringMode=private");
    assert_ne!(first, second, "two services share a session keyring");
    assert_eq!(alone, "alone");
    assert_eq!(ask("KeyringMode=shared").1, "linked");
    let (inherited, _) = ask("KeyringMode=inherit");
    assert_eq!(inherited, ask("KeyringMode=inherit").0);
}

#[test]
fn only_the_main_command_is_restricted_where_the_unit_says_so() {
    needs_root!("only_the_main_command_is_restricted_where_the_unit_says_so");
    for (lines, before) in [
        ("User=nobody", "65534"),
        ("User=nobody\nPermissionsStartOnly=yes", "0"),
    ] {
        let mut service = Service::of_unit(lines, "id -u").with(|spec| {
            spec.commands.insert(ExecRole::StartPre, vec![sh("id -u")]);
        });
        service = service.up();
        for role in [ExecRole::StartPre, ExecRole::Start] {
            assert_eq!(service.run_to_end(role).end, ProcessEnd::Exited(0));
        }
        service.quit();
        assert_eq!(service.log(), format!("{before}\n65534\n"), "{lines}");
    }
}
