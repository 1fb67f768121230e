//! `Nice=`, `CPUSchedulingPolicy=`, `CPUAffinity=`, `IOSchedulingClass=`, `Limit…=` and the like.
use crate::spec::{CpuScheduling, IoPriority, NumaPolicy, Scheduling};
use gitproc_unit::Family::Exec;
use gitproc_unit::value::{CpuSet, IoScheduling};
use gitproc_unit::{PropertyValue, ServiceSection, Setting, Settings, Unit};

/// ns; what a process has unless it says otherwise (prctl(2), PR_SET_TIMERSLACK).
const TIMER_SLACK: u64 = 50_000;
/// What the kernel dumps unless told otherwise (core(5)).
const DUMPED: u64 = 0x33;
/// `NUMAPolicy=` is not set.
const NO_POLICY: i64 = -1;

/// What the unit asks for; what is the kernel's default anyway is left alone.
pub(super) fn of(unit: &Unit, service: &ServiceSection) -> Scheduling {
    let settings = &unit.settings;
    Scheduling {
        nice: service.nice,
        oom_score_adjust: service.oom_score_adjust,
        rlimits: service.rlimits.clone(),
        cpu: cpu(settings, service),
        cpu_affinity: cpus(settings, "CPUAffinity"),
        numa: numa(settings),
        io: (service.io != IoScheduling::default()).then_some(IoPriority {
            class: service.io.class,
            level: service.io.priority,
        }),
        timer_slack_ns: other_than(settings, "TimerSlackNSec", TIMER_SLACK),
        coredump_filter: other_than(settings, "CoredumpFilter", DUMPED),
    }
}

fn cpu(settings: &Settings, service: &ServiceSection) -> Option<CpuScheduling> {
    let cpu = CpuScheduling {
        policy: service.cpu_policy,
        priority: service.cpu_priority,
        reset_on_fork: settings.is_true(Exec, "CPUSchedulingResetOnFork"),
    };
    let ordinary = CpuScheduling {
        policy: 0,
        priority: 0,
        reset_on_fork: false,
    };
    (cpu != ordinary).then_some(cpu)
}

fn numa(settings: &Settings) -> Option<NumaPolicy> {
    let Setting::Plain(PropertyValue::Signed(mode)) = settings.get(Exec, "NUMAPolicy") else {
        return None;
    };
    if *mode == NO_POLICY {
        return None;
    }
    Some(NumaPolicy {
        mode: i32::try_from(*mode).ok()?,
        nodes: cpus(settings, "NUMAMask").unwrap_or_default(),
    })
}

fn cpus(settings: &Settings, key: &str) -> Option<Vec<u32>> {
    match settings.get(Exec, key) {
        Setting::Cpus(set) if !CpuSet::is_unset(set) => Some(set.members().collect()),
        _ => None,
    }
}

fn other_than(settings: &Settings, key: &str, default: u64) -> Option<u64> {
    Some(settings.number(Exec, key)).filter(|number| *number != default)
}
