//! What becomes of system calls that the unit forbids, as the service that makes them finds out.
#![allow(missing_docs)]
mod common;

use common::{Service, is_root, sh};
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::spec::{CallProgram, ExecStep};
use gitproc_unit::{ExecRole, Privileges};
use nix::libc;

macro_rules! needs_root {
    ($name:literal) => {
        if !is_root($name) {
            return;
        }
    };
}

/// Makes a call by its number, and prints `done` or the number of the error.
fn call(number: libc::c_long, arguments: &str) -> String {
    format!(
        "perl -e '$! = 0; my $r = syscall({number}{arguments}); \
         print $r == -1 ? $! + 0 : \"done\"'"
    )
}

const EPERM: &str = "1";
const ENOSYS: &str = "38";
const EAFNOSUPPORT: &str = "97";

#[test]
fn each_directive_forbids_its_calls() {
    needs_root!("each_directive_forbids_its_calls");
    for (line, number, arguments, found) in [
        (
            "RestrictAddressFamilies=AF_UNIX",
            libc::SYS_socket,
            ", 2, 1, 0",
            EAFNOSUPPORT,
        ),
        (
            "RestrictAddressFamilies=AF_UNIX",
            libc::SYS_socket,
            ", 1, 1, 0",
            "done",
        ),
        (
            "RestrictAddressFamilies=~AF_INET6",
            libc::SYS_socket,
            ", 10, 1, 0",
            EAFNOSUPPORT,
        ),
        (
            "RestrictNamespaces=yes",
            libc::SYS_unshare,
            ", 0x40000000",
            EPERM,
        ),
        (
            "RestrictNamespaces=net",
            libc::SYS_unshare,
            ", 0x40000000",
            "done",
        ),
        ("RestrictNamespaces=net", libc::SYS_clone3, ", 0, 0", ENOSYS),
        (
            "RestrictRealtime=yes",
            libc::SYS_sched_setscheduler,
            ", 0, 1, my $p = pack(\"i\", 1)",
            EPERM,
        ),
        (
            "RestrictRealtime=yes",
            libc::SYS_sched_setscheduler,
            ", 0, 3, my $p = pack(\"i\", 0)",
            "done",
        ),
        (
            "MemoryDenyWriteExecute=yes",
            libc::SYS_mmap,
            ", 0, 4096, 7, 0x22, -1, 0",
            EPERM,
        ),
        ("LockPersonality=yes", libc::SYS_personality, ", 8", EPERM),
        (
            "ProtectClock=yes",
            libc::SYS_clock_settime,
            ", 0, my $p = pack(\"qq\", 0, 0)",
            EPERM,
        ),
        (
            "ProtectHostname=yes",
            libc::SYS_setdomainname,
            ", my $a = \"x\", 1",
            EPERM,
        ),
        (
            "ProtectKernelLogs=yes",
            libc::SYS_syslog,
            ", 10, 0, 0",
            EPERM,
        ),
        (
            "ProtectKernelModules=yes",
            libc::SYS_delete_module,
            ", my $a = \"nope\", 0",
            EPERM,
        ),
        (
            "SystemCallFilter=~@timer\nSystemCallErrorNumber=EXDEV",
            libc::SYS_timerfd_create,
            ", 0, 0",
            "18",
        ),
        (
            "SystemCallFilter=~@timer:EBUSY",
            libc::SYS_timerfd_create,
            ", 0, 0",
            "16",
        ),
        (
            "SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM",
            libc::SYS_mount,
            "",
            EPERM,
        ),
        (
            "SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM",
            libc::SYS_getpid,
            "",
            "done",
        ),
        ("SystemCallLog=~getpid", libc::SYS_getpid, "", "done"),
        (
            "SystemCallArchitectures=native",
            libc::SYS_getpid,
            "",
            "done",
        ),
    ] {
        let log = Service::view(line, &call(number, arguments));
        assert_eq!(log.trim(), found, "{line}: call {number}{arguments}");
    }
    #[cfg(target_arch = "x86_64")]
    for (line, number, arguments) in [
        ("PrivateDevices=yes", libc::SYS_iopl, ", 0"),
        // Kernels of today don't have it at all, and would say so.
        ("ProtectKernelTunables=yes", libc::SYS__sysctl, ", 0"),
    ] {
        let service = Service::of_unit(line, &call(number, arguments)).with(|spec| {
            // Only the calls are looked at here.
            spec.mounts = Default::default();
        });
        assert_eq!(service.up().output().trim(), EPERM, "{line}");
    }
}

#[test]
fn set_id_bits_can_not_be_set() {
    needs_root!("set_id_bits_can_not_be_set");
    let script = "f=$(mktemp); for m in u+s g+s 4755 0755; do \
                  chmod $m $f 2>/dev/null && echo $m; done; rm $f";
    let all = "u+s\ng+s\n4755\n0755\n";
    assert_eq!(Service::view("", script), all);
    assert_eq!(Service::view("RestrictSUIDSGID=yes", script), "0755\n");
}

#[test]
fn a_forbidden_call_ends_the_process_unless_an_error_is_named() {
    needs_root!("a_forbidden_call_ends_the_process_unless_an_error_is_named");
    let mut service = Service::of_unit("SystemCallFilter=~setpriority", "exec nice true").up();
    let exit = service.run_to_end(ExecRole::Start);
    let signal = libc::SIGSYS;
    assert!(
        matches!(exit.end, ProcessEnd::Killed(n) | ProcessEnd::Dumped(n) if n == signal),
        "{exit:?}"
    );
}

#[test]
fn filters_hold_for_ordinary_users_and_bring_no_new_privileges() {
    needs_root!("filters_hold_for_ordinary_users_and_bring_no_new_privileges");
    let show = "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status";
    let log = Service::view("User=nobody\nRestrictRealtime=yes", show);
    assert_eq!(log, "NoNewPrivs:\t1\nSeccomp:\t2\n");
    // Root can have filters without, as under systemd.
    let log = Service::view("RestrictRealtime=yes", show);
    assert_eq!(log, "NoNewPrivs:\t0\nSeccomp:\t2\n");
    let log = Service::view("User=nobody", show);
    assert_eq!(log, "NoNewPrivs:\t0\nSeccomp:\t0\n");
}

#[test]
fn a_plus_is_not_filtered() {
    needs_root!("a_plus_is_not_filtered");
    let mut service = Service::of_unit("SystemCallFilter=~@timer", "").with(|spec| {
        let mut command = sh("grep '^Seccomp:' /proc/self/status");
        command.privileges = Privileges::Full;
        spec.commands.insert(ExecRole::Start, vec![command]);
    });
    service = service.up();
    assert_eq!(service.output(), "Seccomp:\t0\n");
}

#[test]
fn a_filter_that_can_not_be_loaded_fails_the_start_unless_it_may_be_degraded() {
    needs_root!("a_filter_that_can_not_be_loaded_fails_the_start_unless_it_may_be_degraded");
    let broken = CallProgram {
        directive: "SystemCallFilter=".to_owned(),
        instructions: Vec::new(),
    };
    let with = |degraded: bool| {
        let broken = broken.clone();
        Service::of_unit("", "echo runs").with(|spec| {
            spec.system_calls.push(broken);
            spec.allow_degraded = degraded;
        })
    };
    let mut service = with(false).up();
    let exit = service.run_to_end(ExecRole::Start);
    assert_eq!(exit.end, ProcessEnd::Exited(228));
    let failure = exit.failure.expect("it failed");
    assert_eq!(failure.step, ExecStep::Seccomp);
    assert_eq!(
        failure.detail,
        "load filter of system calls for SystemCallFilter="
    );
    let mut service = with(true).up();
    assert_eq!(
        service.run_to_end(ExecRole::Start).end,
        ProcessEnd::Exited(0)
    );
    service.quit();
    assert!(service.log().contains("runs\n"));
    assert!(service.remarks()[0].starts_with("SystemCallFilter= is not applied: "));
}
