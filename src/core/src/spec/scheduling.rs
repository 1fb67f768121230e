//! Shares of the machine, and limits, as the kernel takes them.
use gitproc_unit::{Resource, Rlimit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a process is given of the machine; `None` leaves what the helper has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduling {
    /// `Nice=`
    pub nice: Option<i32>,
    /// `OOMScoreAdjust=`
    pub oom_score_adjust: Option<i32>,
    /// `Limit…=`
    pub rlimits: BTreeMap<Resource, Rlimit>,
    /// `CPUSchedulingPolicy=` and its siblings.
    pub cpu: Option<CpuScheduling>,
    /// `CPUAffinity=`: numbers of CPUs.
    pub cpu_affinity: Option<Vec<u32>>,
    /// `NUMAPolicy=`
    pub numa: Option<NumaPolicy>,
    /// `IOSchedulingClass=`, `IOSchedulingPriority=`
    pub io: Option<IoPriority>,
    /// `TimerSlackNSec=`, ns.
    pub timer_slack_ns: Option<u64>,
    /// `CoredumpFilter=`, the mask of core(5).
    pub coredump_filter: Option<u64>,
}

/// sched_setscheduler(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuScheduling {
    /// SCHED_…
    pub policy: i32,
    /// 1 to 99 for SCHED_FIFO and SCHED_RR, else 0.
    pub priority: i32,
    /// SCHED_RESET_ON_FORK
    pub reset_on_fork: bool,
}

/// set_mempolicy(2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumaPolicy {
    /// MPOL_…
    pub mode: i32,
    /// Numbers of nodes.
    pub nodes: Vec<u32>,
}

/// ioprio_set(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoPriority {
    /// IOPRIO_CLASS_…
    pub class: i32,
    /// 0 to 7.
    pub level: i32,
}
