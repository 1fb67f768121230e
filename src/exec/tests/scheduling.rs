//! What a service is given of the machine, as it finds it itself.
#![allow(missing_docs)]
mod common;

use common::{Service, is_root};
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::spec::ExecStep;
use gitproc_unit::ExecRole;

macro_rules! needs_root {
    ($name:literal) => {
        if !is_root($name) {
            return;
        }
    };
}

#[test]
fn each_limit_is_the_units() {
    needs_root!("each_limit_is_the_units");
    // Soft and hard as in /proc/self/limits, below the hard limits of any host.
    for (line, name, limits) in [
        ("LimitCPU=10min", "Max cpu time", "600 600"),
        ("LimitFSIZE=1M:2M", "Max file size", "1048576 2097152"),
        ("LimitDATA=1G", "Max data size", "1073741824 1073741824"),
        ("LimitSTACK=1M:2M", "Max stack size", "1048576 2097152"),
        ("LimitCORE=0", "Max core file size", "0 0"),
        ("LimitRSS=1G", "Max resident set", "1073741824 1073741824"),
        ("LimitNOFILE=100:200", "Max open files", "100 200"),
        ("LimitAS=4G", "Max address space", "4294967296 4294967296"),
        ("LimitNPROC=50", "Max processes", "50 50"),
        ("LimitMEMLOCK=4096", "Max locked memory", "4096 4096"),
        ("LimitLOCKS=10", "Max file locks", "10 10"),
        ("LimitSIGPENDING=10", "Max pending signals", "10 10"),
        ("LimitMSGQUEUE=1000", "Max msgqueue size", "1000 1000"),
        ("LimitNICE=0", "Max nice priority", "0 0"),
        ("LimitRTPRIO=0", "Max realtime priority", "0 0"),
        ("LimitRTTIME=10ms", "Max realtime timeout", "10000 10000"),
    ] {
        let log = Service::view(line, "cat /proc/self/limits");
        let found = log.lines().find_map(|line| line.strip_prefix(name));
        let found: Vec<&str> = found.expect(&log).split_whitespace().take(2).collect();
        assert_eq!(found.join(" "), limits, "{line}\n{log}");
    }
}

#[test]
fn cpu_scheduling_is_the_units() {
    needs_root!("cpu_scheduling_is_the_units");
    for (lines, policy, priority) in [
        ("", "SCHED_OTHER", "0"),
        ("CPUSchedulingPolicy=batch", "SCHED_BATCH", "0"),
        ("CPUSchedulingPolicy=idle", "SCHED_IDLE", "0"),
        (
            "CPUSchedulingPolicy=fifo\nCPUSchedulingPriority=7",
            "SCHED_FIFO",
            "7",
        ),
        (
            "CPUSchedulingPolicy=rr\nCPUSchedulingPriority=99\nCPUSchedulingResetOnFork=yes",
            "SCHED_RR|SCHED_RESET_ON_FORK",
            "99",
        ),
    ] {
        let log = Service::view(lines, "chrt -p $$");
        let values: Vec<&str> = log
            .lines()
            .filter_map(|line| line.rsplit_once(": "))
            .map(|(_, value)| value)
            .collect();
        assert_eq!(values, [policy, priority], "{lines}\n{log}");
    }
}

#[test]
fn affinity_is_the_units() {
    needs_root!("affinity_is_the_units");
    let log = Service::view("CPUAffinity=0", "taskset -cp $$");
    assert!(log.trim().ends_with(": 0"), "{log}");
    // As under systemd: none of them exists.
    let mut service = Service::of_unit("CPUAffinity=8000", "true").up();
    let exit = service.run_to_end(ExecRole::Start);
    assert_eq!(exit.end, ProcessEnd::Exited(215));
    assert_eq!(exit.failure.expect("it failed").step, ExecStep::CpuAffinity);
}

#[test]
fn io_priority_is_the_units() {
    needs_root!("io_priority_is_the_units");
    for (lines, shown) in [
        ("IOSchedulingClass=idle", "idle"),
        ("IOSchedulingPriority=7", "best-effort: prio 7"),
        (
            "IOSchedulingClass=realtime\nIOSchedulingPriority=3",
            "realtime: prio 3",
        ),
    ] {
        let log = Service::view(lines, "ionice -p $$");
        assert_eq!(log.trim(), shown, "{lines}");
    }
}

#[test]
fn timer_slack_and_dump_filter_are_the_units() {
    needs_root!("timer_slack_and_dump_filter_are_the_units");
    let log = Service::view("TimerSlackNSec=1ms", "cat /proc/$$/timerslack_ns");
    assert_eq!(log.trim(), "1000000");
    let log = Service::view("CoredumpFilter=all", "cat /proc/$$/coredump_filter");
    assert_eq!(log.trim().trim_start_matches('0'), "1ff");
    let log = Service::view(
        "CoredumpFilter=private-anonymous",
        "cat /proc/$$/coredump_filter",
    );
    assert_eq!(log.trim().trim_start_matches('0'), "1");
}

#[test]
fn memory_comes_from_the_units_nodes() {
    needs_root!("memory_comes_from_the_units_nodes");
    if std::fs::metadata("/proc/self/numa_maps").is_err() {
        // Without NUMA there is one node, and the log says that the policy is not applied.
        let mut service = Service::of_unit("NUMAPolicy=bind\nNUMAMask=0", "true").up();
        assert_eq!(service.run_to_end(ExecRole::Start).failure, None);
        service.quit();
        assert!(service.remarks()[0].starts_with("NUMAPolicy="));
        return;
    }
    let log = Service::view(
        "NUMAPolicy=bind\nNUMAMask=0",
        "head -n 1 /proc/$$/numa_maps",
    );
    assert!(log.contains(" bind:0 "), "{log}");
    let log = Service::view("NUMAPolicy=local", "head -n 1 /proc/$$/numa_maps");
    assert!(log.contains(" local "), "{log}");
}

#[test]
fn a_service_plays_the_machine_that_it_asks_for() {
    needs_root!("a_service_plays_the_machine_that_it_asks_for");
    if std::env::consts::ARCH != "x86_64" {
        return;
    }
    assert_eq!(Service::view("Personality=x86", "uname -m").trim(), "i686");
    assert_eq!(
        Service::view("Personality=x86-64", "uname -m").trim(),
        "x86_64"
    );
}
