//! Two jobs of one unit become one, or exclude each other (systemd's `job_merging_table`).
use super::{Refusal, Standing, Transaction};
use crate::api::JobType;
use gitproc_unit::UnitName;
use std::fmt;

/// A job while it is considered: those that are put on units, and the question of Requisite=.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Type {
    Start,
    VerifyActive,
    Stop,
    Reload,
    Restart,
}

impl From<JobType> for Type {
    fn from(job: JobType) -> Type {
        match job {
            JobType::Start => Type::Start,
            JobType::Stop => Type::Stop,
            JobType::Reload => Type::Reload,
            JobType::Restart => Type::Restart,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Start => "start",
            Type::VerifyActive => "verify-active",
            Type::Stop => "stop",
            Type::Reload => "reload",
            Type::Restart => "restart",
        })
    }
}

impl Type {
    /// `started`
    pub fn past(self) -> &'static str {
        match self {
            Type::Start => "started",
            Type::VerifyActive => "active",
            Type::Stop => "stopped",
            Type::Reload => "reloaded",
            Type::Restart => "restarted",
        }
    }

    pub fn installed(self) -> Option<JobType> {
        match self {
            Type::Start => Some(JobType::Start),
            Type::VerifyActive => None,
            Type::Stop => Some(JobType::Stop),
            Type::Reload => Some(JobType::Reload),
            Type::Restart => Some(JobType::Restart),
        }
    }

    /// The one job that does what both ask for, on a unit that is `down` or not; `None` when there
    /// is none.
    pub fn merged(self, other: Type, down: bool) -> Option<Type> {
        use Type::{Reload, Restart, Start, Stop, VerifyActive};
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Stop, _) | (_, Stop) => None,
            (Restart, _) | (_, Restart) => Some(Restart),
            (Start, Reload) | (Reload, Start) => match down {
                true => Some(Start),
                false => Some(Reload),
            },
            (Start, _) | (_, Start) => Some(Start),
            (Reload, _) | (_, Reload) => Some(Reload),
            (VerifyActive, VerifyActive) => Some(VerifyActive),
        }
    }

    /// There is no such one.
    pub fn excludes(self, other: Type) -> bool {
        self.merged(other, true).is_none()
    }

    /// What it asks for is so already.
    pub fn is_redundant(self, unit: &Standing<'_>) -> bool {
        match self {
            Type::Start => unit.is_up() && unit.current,
            Type::VerifyActive => unit.is_up(),
            Type::Stop => unit.is_down(),
            Type::Reload | Type::Restart => false,
        }
    }
}

impl Transaction<'_> {
    /// Makes one job of those of each unit. `false` when one had to be dropped instead: then all of
    /// it is to be looked at again.
    pub(super) fn is_merged(&mut self) -> Result<bool, Refusal> {
        let units: Vec<UnitName> = self.by_unit.keys().cloned().collect();
        for name in &units {
            if let Some(jobs) = self.pair_that_excludes(name) {
                let dropped = self.smaller_loss(name, jobs)?;
                self.drop_job(dropped);
                return Ok(false);
            }
        }
        for name in &units {
            let jobs = self.jobs_of(name);
            let down = self.view.look(name).is_none_or(|unit| unit.is_leaving());
            let Some((&first, others)) = jobs.split_first() else {
                continue;
            };
            for &other in others {
                let (one, two) = (self.nodes[first].job, self.nodes[other].job);
                self.nodes[first].job = one.merged(two, down).unwrap_or(one);
                self.merge_into(first, other);
            }
        }
        Ok(true)
    }

    fn pair_that_excludes(&self, name: &UnitName) -> Option<(usize, usize)> {
        let jobs = self.jobs_of(name);
        let pairs = jobs
            .iter()
            .enumerate()
            .flat_map(|(place, one)| jobs[place + 1..].iter().map(move |other| (*one, *other)));
        let mut pairs =
            pairs.filter(|(one, other)| self.nodes[*one].job.excludes(self.nodes[*other].job));
        pairs.next()
    }

    /// Which of two jobs that exclude each other goes. Where neither matters, rather the stop; but
    /// rather the start of what has to make way for another unit.
    fn smaller_loss(&self, name: &UnitName, jobs: (usize, usize)) -> Result<usize, Refusal> {
        let (one, other) = jobs;
        let matters = |at: usize| self.nodes[at].matters;
        let makes_way = |at: usize| {
            let mut by = self.nodes[at].asked_by.iter();
            by.any(|link| self.links[*link].conflicts)
        };
        match (matters(one), matters(other)) {
            (true, true) => Err(Refusal::Contradiction {
                unit: name.clone(),
                one: self.nodes[one].job,
                other: self.nodes[other].job,
            }),
            (false, true) => Ok(one),
            (true, false) => Ok(other),
            (false, false) => {
                let (stop, up) = match self.nodes[one].job {
                    Type::Stop => (one, other),
                    _ => (other, one),
                };
                Ok(if makes_way(stop) { up } else { stop })
            }
        }
    }

    fn merge_into(&mut self, first: usize, other: usize) {
        self.nodes[first].matters |= self.nodes[other].matters;
        self.nodes[other].dropped = true;
        for link in std::mem::take(&mut self.nodes[other].asked_by) {
            self.links[link].object = first;
            self.nodes[first].asked_by.push(link);
        }
        for link in std::mem::take(&mut self.nodes[other].asks) {
            self.links[link].subject = first;
            self.nodes[first].asks.push(link);
        }
    }
}
