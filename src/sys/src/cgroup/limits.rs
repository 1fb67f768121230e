//! Limits of a unit or slice, written into its cgroup.
use super::{Controller, v1};
use std::collections::BTreeSet;
use std::path::Path;

/// No limit, where one can be said not to be there.
pub const UNLIMITED: u64 = u64::MAX;

/// Limits; `None` where none is asked for, [`UNLIMITED`] where one shall go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes; more is refused, and the OOM killer comes.
    pub memory_max: Option<u64>,
    /// Bytes; more is slowed down.
    pub memory_high: Option<u64>,
    /// µs of CPU time per second.
    pub cpu_quota_per_sec_us: Option<u64>,
    /// µs over which the quota is counted; `None`: as usual.
    pub cpu_period_us: Option<u64>,
    /// Processes and threads.
    pub tasks_max: Option<u64>,
    /// What only v2 knows, in order.
    pub files: Vec<GroupFile>,
}

/// A line for a file of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFile {
    /// For messages.
    pub directive: String,
    /// `cpu.weight`; the controller stands before the dot.
    pub file: String,
    /// What is written.
    pub text: String,
}

/// Usual period of CPU quotas, in µs (systemd's).
const PERIOD_US: u64 = 100_000;
/// Longest period that the kernel takes, in µs.
const PERIOD_MAX_US: u64 = 1_000_000;
/// Shortest one, in µs.
const PERIOD_MIN_US: u64 = 1_000;
/// Smallest quota that the kernel takes, in µs.
const QUOTA_MIN_US: u64 = 1_000;

/// From here on the kernel refuses a number of tasks (PID_MAX_LIMIT + 1 on 64 bits), and there can't
/// be as many anyway.
const TASKS_BEYOND: u64 = (1 << 22) + 1;

/// A CPU quota as the kernel wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CpuMax {
    /// `None`: no limit.
    pub(super) quota_us: Option<u64>,
    pub(super) period_us: u64,
}

impl CpuMax {
    /// The period grows where the quota would be too small for the kernel; `wished` is bounded to
    /// what it takes.
    fn per_second(per_sec_us: u64, wished: Option<u64>) -> CpuMax {
        let of = |period: u64| (u128::from(per_sec_us) * u128::from(period) / 1_000_000) as u64;
        let usual = wished.map_or(PERIOD_US, |us| us.clamp(PERIOD_MIN_US, PERIOD_MAX_US));
        let period_us = if of(usual) < QUOTA_MIN_US {
            PERIOD_MAX_US
        } else {
            usual
        };
        let limited = per_sec_us != UNLIMITED;
        CpuMax {
            quota_us: limited.then(|| of(period_us).max(QUOTA_MIN_US)),
            period_us,
        }
    }

    /// As `cpu.max` takes it.
    fn text(self) -> String {
        let quota = self.quota_us.map_or("max".to_owned(), |us| us.to_string());
        format!("{quota} {}", self.period_us)
    }
}

impl Limits {
    /// Writes each limit, by v2 (in `dir`) where it has the controller, else by v1. Returns those
    /// that could not be applied, each with its reason: a service without its limit is better than
    /// none, but it has to be said.
    pub(super) fn apply(
        &self,
        dir: Option<&Path>,
        v1: &v1::Dirs,
        v2: &BTreeSet<Controller>,
    ) -> Vec<String> {
        let write = |controller: Controller, file: &str, text: String| {
            let path = dir.filter(|_| v2.contains(&controller))?.join(file);
            Some(std::fs::write(path, text).map_err(|cause| cause.to_string()))
        };
        let mut unapplied = Vec::new();
        let mut note = |directive: &str,
                        controller: Controller,
                        done: Option<Result<(), String>>| {
            match done {
                Some(Ok(())) => {}
                Some(Err(why)) => unapplied.push(format!("{directive}: {why}")),
                None => unapplied.push(format!(
                    "{directive}: there is no {} controller",
                    controller.name()
                )),
            }
        };
        use Controller::{Cpu, Memory, Pids};
        if let Some(bytes) = self.memory_max {
            let done = write(Memory, "memory.max", bytes.to_string());
            note(
                "MemoryMax",
                Memory,
                done.or_else(|| v1.set_memory_max(bytes)),
            );
        }
        if let Some(bytes) = self.memory_high
            && (v2.contains(&Memory) || v1.memory.is_none())
        {
            note(
                "MemoryHigh",
                Memory,
                write(Memory, "memory.high", bytes.to_string()),
            );
        }
        if let Some(per_sec_us) = self.cpu_quota_per_sec_us {
            let max = CpuMax::per_second(per_sec_us, self.cpu_period_us);
            let done = write(Cpu, "cpu.max", max.text());
            note("CPUQuota", Cpu, done.or_else(|| v1.set_cpu_max(max)));
        }
        if let Some(tasks) = self.tasks_max {
            let done = write(Pids, "pids.max", tasks_text(tasks));
            note(
                "TasksMax",
                Pids,
                done.or_else(|| v1.set_tasks_max((tasks < TASKS_BEYOND).then_some(tasks))),
            );
        }
        for GroupFile {
            directive,
            file,
            text,
        } in &self.files
        {
            match Controller::of_file(file) {
                Some(controller) => {
                    note(directive, controller, write(controller, file, text.clone()))
                }
                None => unreachable!("the code names files of controllers"),
            }
        }
        if v1.memory.is_some() {
            unapplied.extend(v1::no_memory_high(self));
        }
        unapplied
    }
}

/// As `pids.max` takes it.
fn tasks_text(tasks: u64) -> String {
    match tasks < TASKS_BEYOND {
        true => tasks.to_string(),
        false => "max".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_scaled_to_a_period_that_the_kernel_takes() {
        for (per_sec, wished, quota_us, period_us) in [
            (UNLIMITED, None, None, 100_000),
            (500_000, None, Some(50_000), 100_000),
            (2_000_000, None, Some(200_000), 100_000),
            (5_000, None, Some(5_000), 1_000_000),
            (1, None, Some(1_000), 1_000_000),
            (500_000, Some(10_000), Some(5_000), 10_000),
            (500_000, Some(5_000_000), Some(500_000), 1_000_000),
            (500_000, Some(1), Some(500_000), 1_000_000),
        ] {
            assert_eq!(
                CpuMax::per_second(per_sec, wished),
                CpuMax {
                    quota_us,
                    period_us
                },
                "{per_sec}"
            );
        }
    }
}
