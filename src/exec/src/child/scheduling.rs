//! Shares of the machine, and limits. What a process may not have is had as far as it may (as
//! systemd does), or left out where it only makes the service slower or faster; both are said.
use super::Child;
use super::step::{Step, is_refusal, sys};
use gitproc_core::spec::ExecStep;
use gitproc_sys::credentials::{self, RlimitResource};
use gitproc_sys::scheduling;
use gitproc_unit::Resource;

impl Child<'_> {
    pub(super) fn set_oom_score(&mut self) -> Step<()> {
        let Some(value) = self.spec.scheduling.oom_score_adjust else {
            return Ok(());
        };
        match credentials::set_oom_score_adjust(value) {
            Err(error) if is_refusal(error.errno()) => {
                self.remark(format!(
                    "OOMScoreAdjust={value} is not applied: {}",
                    error.in_full()
                ));
                Ok(())
            }
            result => sys(ExecStep::OomAdjust, result),
        }
    }

    pub(super) fn set_dump_filter(&mut self) -> Step<()> {
        let Some(mask) = self.spec.scheduling.coredump_filter else {
            return Ok(());
        };
        match scheduling::set_dump_filter(mask) {
            Err(error) if is_refusal(error.errno()) => {
                self.remark(format!(
                    "CoredumpFilter= is not applied: {}",
                    error.in_full()
                ));
                Ok(())
            }
            result => sys(ExecStep::Limits, result),
        }
    }

    pub(super) fn set_nice(&mut self) -> Step<()> {
        if let Some(level) = self.spec.scheduling.nice
            && let Some(now) = sys(ExecStep::Nice, credentials::set_nice_closest(level))?
        {
            self.remark(format!(
                "Nice={level} is more than this process may have: {now} holds"
            ));
        }
        Ok(())
    }

    pub(super) fn set_cpu_scheduling(&mut self) -> Step<()> {
        let Some(cpu) = self.spec.scheduling.cpu else {
            return Ok(());
        };
        let set = scheduling::set_cpu_policy(cpu.policy, cpu.priority, cpu.reset_on_fork);
        sys(ExecStep::Setscheduler, set)
    }

    pub(super) fn set_affinity(&mut self) -> Step<()> {
        match &self.spec.scheduling.cpu_affinity {
            Some(cpus) => sys(ExecStep::CpuAffinity, scheduling::set_cpu_affinity(cpus)),
            None => Ok(()),
        }
    }

    pub(super) fn set_memory_policy(&mut self) -> Step<()> {
        let Some(policy) = &self.spec.scheduling.numa else {
            return Ok(());
        };
        match scheduling::set_memory_policy(policy.mode, &policy.nodes) {
            // A kernel without NUMA has one node, and each policy holds.
            Err(error) if error.errno() == nix::errno::Errno::ENOSYS as i32 => {
                self.remark("NUMAPolicy= is not applied: this kernel has no NUMA".to_owned());
                Ok(())
            }
            result => sys(ExecStep::NumaPolicy, result),
        }
    }

    pub(super) fn set_io_priority(&mut self) -> Step<()> {
        match self.spec.scheduling.io {
            Some(io) => sys(
                ExecStep::Ioprio,
                scheduling::set_io_priority(io.class, io.level),
            ),
            None => Ok(()),
        }
    }

    pub(super) fn set_timer_slack(&mut self) -> Step<()> {
        match self.spec.scheduling.timer_slack_ns {
            Some(ns) => sys(ExecStep::Timerslack, scheduling::set_timer_slack(ns)),
            None => Ok(()),
        }
    }

    pub(super) fn set_limits(&mut self) -> Step<()> {
        for (resource, limit) in &self.spec.scheduling.rlimits {
            let (soft, hard) = (limit.soft, limit.hard);
            let set = credentials::set_rlimit_closest(rlimit(*resource), soft, hard);
            if let Some((less_soft, less_hard)) = sys(ExecStep::Limits, set)? {
                let [wished, held] = [(soft, hard), (less_soft, less_hard)].map(limit_words);
                let name = format!("{resource:?}").to_uppercase();
                self.remark(format!(
                    "Limit{name}={wished} is above the hard limit of this host: {held} holds"
                ));
            }
        }
        Ok(())
    }
}

/// `1024`, `1024:4096`, as Limit…= has it.
fn limit_words((soft, hard): (u64, u64)) -> String {
    let words = |limit: u64| match limit {
        u64::MAX => "infinity".to_owned(),
        number => number.to_string(),
    };
    match soft == hard {
        true => words(soft),
        false => format!("{}:{}", words(soft), words(hard)),
    }
}

const fn rlimit(resource: Resource) -> RlimitResource {
    match resource {
        Resource::Cpu => RlimitResource::Cpu,
        Resource::Fsize => RlimitResource::Fsize,
        Resource::Data => RlimitResource::Data,
        Resource::Stack => RlimitResource::Stack,
        Resource::Core => RlimitResource::Core,
        Resource::Rss => RlimitResource::Rss,
        Resource::Nofile => RlimitResource::Nofile,
        Resource::As => RlimitResource::As,
        Resource::Nproc => RlimitResource::Nproc,
        Resource::Memlock => RlimitResource::Memlock,
        Resource::Locks => RlimitResource::Locks,
        Resource::Sigpending => RlimitResource::Sigpending,
        Resource::Msgqueue => RlimitResource::Msgqueue,
        Resource::Nice => RlimitResource::Nice,
        Resource::Rtprio => RlimitResource::Rtprio,
        Resource::Rttime => RlimitResource::Rttime,
    }
}
