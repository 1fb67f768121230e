//! What a request comes to: one job for the unit that was named, and those that come along.
//!
//! ```text
//! pull in ─▶ [isolate] ─▶ [fail: spare] ─▶ drop what is so already ─▶ order ─▶ merge ─▶ jobs
//! ```
//! The steps are systemd's (`transaction.c`; systemctl(1), `--job-mode=`). A job *matters* when the
//! named one can't be without it; what does not matter is dropped where it stands in the way: of an
//! order that would go in a circle ([`order`]), of a job of the same unit that it can't be merged
//! with ([`merge`]). What matters and contradicts itself refuses the request, and nothing is done.
mod merge;
mod order;
#[cfg(test)]
mod tests;

use crate::api::{JobMode, JobType};
use crate::neighbours::{Neighbours, needs};
use crate::snapshot::ActiveState;
use gitproc_unit::{Family, Unit, UnitName};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use merge::Type;

/// What a transaction has to know of the world.
pub(crate) trait View {
    /// One unit; `None` when there is none of that name that could have jobs.
    fn look(&self, unit: &UnitName) -> Option<Standing<'_>>;
    /// All units that can have jobs.
    fn names(&self) -> Vec<UnitName>;
    /// Their relations.
    fn neighbours(&self) -> &Neighbours;
    /// Whether `a` is ordered after `b`.
    fn is_after(&self, a: &UnitName, b: &UnitName) -> bool;
}

/// How one unit stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing<'a> {
    /// The definition that would be started.
    pub wanted: Option<&'a Unit>,
    /// The definition that runs, or else would be started.
    pub present: Option<&'a Unit>,
    pub state: ActiveState,
    /// The job that it has.
    pub job: Option<JobType>,
    /// It runs, and `reload` means something to it.
    pub can_reload: bool,
    /// It runs what would be started.
    pub current: bool,
    /// It belongs to the host: it has no jobs itself, but what it wants may come along.
    pub of_host: bool,
}

impl Standing<'_> {
    /// systemd's `UNIT_IS_INACTIVE_OR_FAILED`.
    fn is_down(&self) -> bool {
        matches!(self.state, ActiveState::Inactive | ActiveState::Failed)
    }

    /// systemd's `UNIT_IS_ACTIVE_OR_RELOADING`.
    fn is_up(&self) -> bool {
        matches!(self.state, ActiveState::Active | ActiveState::Reloading)
    }

    /// systemd's `UNIT_IS_INACTIVE_OR_DEACTIVATING`: `try-restart` has nothing to do.
    fn is_leaving(&self) -> bool {
        self.is_down() || self.state == ActiveState::Deactivating
    }
}

/// Why a request is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the order of jobs goes in a circle: {}", .0.join(", "))]
    Cycle(Vec<String>),
    #[error("{unit} would have to be both {} and {}", .one.past(), .other.past())]
    Contradiction {
        unit: UnitName,
        one: Type,
        other: Type,
    },
    #[error(
        "{unit} has a {installed} job, which a {wanted} would replace (--job-mode=fail forbids that)"
    )]
    Destructive {
        unit: UnitName,
        installed: Type,
        wanted: Type,
    },
}

/// The jobs to be put on units, by unit: the named one is always there, unless the host owns it.
pub(crate) fn jobs(
    view: &dyn View,
    anchor: &UnitName,
    job: JobType,
    mode: JobMode,
) -> Result<BTreeMap<UnitName, JobType>, Refusal> {
    let mut transaction = Transaction::new(view, anchor, job.into());
    if mode != JobMode::IgnoreDependencies && mode != JobMode::IgnoreRequirements {
        transaction.pull_in(mode == JobMode::Isolate);
    }
    if mode == JobMode::Isolate {
        transaction.stop_all_others();
    }
    transaction.mark_what_matters();
    if mode == JobMode::Fail {
        transaction.spare_what_runs();
    }
    transaction.drop_redundant();
    loop {
        transaction.drop_unasked();
        if mode == JobMode::IgnoreDependencies || transaction.is_ordered()? {
            break;
        }
    }
    while !transaction.is_merged()? {
        transaction.drop_unasked();
    }
    transaction.drop_redundant();
    if mode == JobMode::Fail {
        transaction.check_what_it_replaces()?;
    }
    Ok(transaction.outcome())
}

/// A job that may come to be.
#[derive(Debug)]
struct Node {
    unit: UnitName,
    job: Type,
    dropped: bool,
    /// The named job can't be without it.
    matters: bool,
    /// Links of jobs that ask for this one.
    asked_by: Vec<usize>,
    /// Links to jobs that this one asks for.
    asks: Vec<usize>,
}

/// One job asks for another.
#[derive(Debug, Clone, Copy)]
struct Link {
    subject: usize,
    object: usize,
    /// The subject can't be without the object.
    matters: bool,
    /// A stop because of Conflicts=.
    conflicts: bool,
}

struct Transaction<'a> {
    view: &'a dyn View,
    nodes: Vec<Node>,
    links: Vec<Link>,
    /// Jobs of a unit, of different types until they are merged.
    by_unit: BTreeMap<UnitName, Vec<usize>>,
}

/// What the host's own targets pull in of each other (bootup(7)): what isolating one keeps.
fn pulled_in_by_host(unit: &UnitName) -> &'static [&'static str] {
    match unit.as_str() {
        "graphical.target" => &["multi-user.target"],
        "multi-user.target" => &[
            "basic.target",
            "getty.target",
            "network.target",
            "network-online.target",
            "nss-lookup.target",
            "remote-fs.target",
        ],
        "basic.target" => &[
            "sysinit.target",
            "sockets.target",
            "timers.target",
            "paths.target",
            "slices.target",
        ],
        "sysinit.target" => &["local-fs.target", "swap.target", "cryptsetup.target"],
        _ => &[],
    }
}

/// The named job is the first.
const ANCHOR: usize = 0;

impl<'a> Transaction<'a> {
    fn new(view: &'a dyn View, anchor: &UnitName, job: Type) -> Transaction<'a> {
        let mut new = Transaction {
            view,
            nodes: Vec::new(),
            links: Vec::new(),
            by_unit: BTreeMap::new(),
        };
        new.node(anchor, job);
        new.nodes[ANCHOR].matters = true;
        new
    }

    /// The job of this type of this unit, and whether it is new.
    fn node(&mut self, unit: &UnitName, job: Type) -> (usize, bool) {
        let of_unit = self.by_unit.entry(unit.clone()).or_default();
        let there = of_unit.iter().find(|at| self.nodes[**at].job == job);
        if let Some(&at) = there {
            return (at, false);
        }
        let at = self.nodes.len();
        of_unit.push(at);
        self.nodes.push(Node {
            unit: unit.clone(),
            job,
            dropped: false,
            matters: false,
            asked_by: Vec::new(),
            asks: Vec::new(),
        });
        (at, true)
    }

    // ── What comes along ────────────────────────────────────────────────────────────────────

    /// `deep`: what the host's own targets want counts, too, as where the named one is the host's.
    fn pull_in(&mut self, deep: bool) {
        let of_host = |unit: &UnitName| self.view.look(unit).is_some_and(|unit| unit.of_host);
        let deep = deep || of_host(&self.nodes[ANCHOR].unit);
        let mut open = vec![ANCHOR];
        while let Some(at) = open.pop() {
            self.ask_for_more(at, deep, &mut open);
        }
    }

    fn ask_for_more(&mut self, at: usize, deep: bool, open: &mut Vec<usize>) {
        let (unit, job) = (self.nodes[at].unit.clone(), self.nodes[at].job);
        let Some(own) = self.view.look(&unit) else {
            return;
        };
        if own.of_host && !deep {
            return;
        }
        let mut asks: Vec<(UnitName, Type, bool, bool)> = Vec::new();
        let mut ask = |other: &UnitName, job, matters, conflicts| {
            asks.push((other.clone(), job, matters, conflicts));
        };
        for other in pulled_in_by_host(&unit).iter().filter(|_| own.of_host) {
            if let Ok(other) = UnitName::parse(other) {
                ask(&other, Type::Start, false, false);
            }
        }
        if let (Type::Start | Type::Restart, Some(definition)) = (job, own.wanted) {
            let section = &definition.unit;
            for other in section.requires.iter().chain(&section.binds_to) {
                ask(other, Type::Start, true, false);
            }
            for other in section.wants.iter().chain(&section.upholds) {
                ask(other, Type::Start, false, false);
            }
            for other in &section.requisite {
                ask(other, Type::VerifyActive, true, false);
            }
            for other in self.view.neighbours().excluding(&unit) {
                let said = section.conflicts.contains(other);
                let theirs = self.view.look(other).and_then(|other| other.present);
                let hears = theirs.is_some_and(|other| other.unit.conflicts.contains(&unit));
                if said || hears {
                    ask(other, Type::Stop, said, said);
                }
            }
        }
        if matches!(job, Type::Stop | Type::Restart) {
            for other in self.view.neighbours().needing(&unit) {
                let Some(theirs) = self.view.look(other) else {
                    continue;
                };
                let goes_along = theirs.present.is_some_and(|other| needs(other, &unit));
                match job {
                    Type::Stop if goes_along => ask(other, Type::Stop, true, false),
                    // As `try-restart`.
                    Type::Restart if goes_along && !theirs.is_leaving() => {
                        ask(other, Type::Restart, true, false);
                    }
                    _ => {}
                }
            }
        }
        if job == Type::Stop {
            for other in self.view.neighbours().stopping(&unit) {
                ask(other, Type::Stop, true, false);
            }
        }
        if job == Type::Reload {
            for other in self.view.neighbours().reloaded(&unit) {
                if self.view.look(other).is_some_and(|other| other.can_reload) {
                    ask(other, Type::Reload, false, false);
                }
            }
        }
        for (other, job, matters, conflicts) in asks {
            self.ask(at, &other, job, matters, conflicts, open);
        }
    }

    /// What is not there, or is not ours to start and stop, is left out: a start that can't do
    /// without it says so when its turn comes.
    fn ask(
        &mut self,
        subject: usize,
        unit: &UnitName,
        job: Type,
        matters: bool,
        conflicts: bool,
        open: &mut Vec<usize>,
    ) {
        let Some(standing) = self.view.look(unit) else {
            return;
        };
        if standing.of_host && job != Type::Start {
            return;
        }
        let (object, new) = self.node(unit, job);
        let link = self.links.len();
        self.links.push(Link {
            subject,
            object,
            matters,
            conflicts,
        });
        self.nodes[subject].asks.push(link);
        self.nodes[object].asked_by.push(link);
        if new {
            open.push(object);
        }
    }

    /// `isolate`: whatever runs, or is about to, and does not come along.
    fn stop_all_others(&mut self) {
        let mut open = Vec::new();
        for name in self.view.names() {
            let Some(unit) = self.view.look(&name) else {
                continue;
            };
            let stays = unit.of_host || (unit.is_down() && unit.job.is_none());
            let ignores = |unit: &Unit| unit.settings.is_true(Family::Unit, "IgnoreOnIsolate");
            let spared = stays || unit.present.is_some_and(ignores);
            if !spared && !self.by_unit.contains_key(&name) {
                self.ask(ANCHOR, &name, Type::Stop, true, false, &mut open);
            }
        }
        while let Some(at) = open.pop() {
            self.ask_for_more(at, true, &mut open);
        }
    }

    fn mark_what_matters(&mut self) {
        let mut open = vec![ANCHOR];
        while let Some(at) = open.pop() {
            for link in self.nodes[at].asks.clone() {
                let Link {
                    object, matters, ..
                } = self.links[link];
                if matters && !self.nodes[object].matters {
                    self.nodes[object].matters = true;
                    open.push(object);
                }
            }
        }
    }

    // ── What is dropped ─────────────────────────────────────────────────────────────────────

    fn living(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|at| !self.nodes[*at].dropped)
    }

    fn jobs_of(&self, unit: &UnitName) -> Vec<usize> {
        let all = self.by_unit.get(unit).into_iter().flatten().copied();
        all.filter(|at| !self.nodes[*at].dropped).collect()
    }

    fn standing(&self, at: usize) -> Option<Standing<'a>> {
        self.view.look(&self.nodes[at].unit)
    }

    /// Whether a job of `unit` matters.
    fn unit_matters(&self, unit: &UnitName) -> bool {
        let jobs = self.jobs_of(unit);
        jobs.iter().any(|at| self.nodes[*at].matters)
    }

    /// The job, and with it those that can't be without it.
    fn drop_job(&mut self, at: usize) {
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut self.nodes[at].dropped, true) {
                continue;
            }
            for link in self.nodes[at].asked_by.clone() {
                let Link {
                    subject, matters, ..
                } = self.links[link];
                if matters {
                    open.push(subject);
                }
            }
        }
    }

    /// All jobs of a unit, alone.
    fn drop_unit(&mut self, unit: &UnitName) {
        for at in self.jobs_of(unit) {
            self.nodes[at].dropped = true;
        }
    }

    /// `--job-mode=fail`: nothing that does not matter stops what runs, or turns a job around.
    fn spare_what_runs(&mut self) {
        let harmful = |at: &usize| {
            let node = &self.nodes[*at];
            let Some(unit) = self.standing(*at) else {
                return false;
            };
            let stops = node.job == Type::Stop && !unit.is_leaving();
            let turns = unit.job.is_some_and(|job| node.job.excludes(job.into()));
            !node.matters && (stops || turns)
        };
        for at in self.living().filter(harmful).collect::<Vec<_>>() {
            if !self.nodes[at].dropped {
                self.drop_job(at);
            }
        }
    }

    /// Units of which all jobs ask for what is so already.
    fn drop_redundant(&mut self) {
        let anchor = self.nodes[ANCHOR].unit.clone();
        let units: Vec<UnitName> = self.by_unit.keys().cloned().collect();
        for name in units.into_iter().filter(|name| *name != anchor) {
            let jobs = self.jobs_of(&name);
            let redundant = self.view.look(&name).is_some_and(|unit| {
                jobs.iter().all(|at| {
                    let job = self.nodes[*at].job;
                    let turns = unit
                        .job
                        .is_some_and(|installed| job.excludes(installed.into()));
                    job.is_redundant(&unit) && !turns
                })
            });
            if redundant {
                self.drop_unit(&name);
            }
        }
    }

    /// Jobs that nobody asks for any more.
    fn drop_unasked(&mut self) {
        loop {
            let asked = |at: usize| {
                let mut by = self.nodes[at].asked_by.iter();
                at == ANCHOR || by.any(|link| !self.nodes[self.links[*link].subject].dropped)
            };
            let unasked: Vec<usize> = self.living().filter(|at| !asked(*at)).collect();
            if unasked.is_empty() {
                return;
            }
            for at in unasked {
                self.nodes[at].dropped = true;
            }
        }
    }

    /// `--job-mode=fail`.
    fn check_what_it_replaces(&self) -> Result<(), Refusal> {
        for at in self.living() {
            let node = &self.nodes[at];
            let installed = self.standing(at).and_then(|unit| unit.job);
            if let Some(installed) = installed.map(Type::from)
                && node.job.excludes(installed)
            {
                return Err(Refusal::Destructive {
                    unit: node.unit.clone(),
                    installed,
                    wanted: node.job,
                });
            }
        }
        Ok(())
    }

    fn outcome(&self) -> BTreeMap<UnitName, JobType> {
        let mut jobs = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for at in self.living() {
            let node = &self.nodes[at];
            let of_host = self.standing(at).is_none_or(|unit| unit.of_host);
            debug_assert!(seen.insert(&node.unit), "one job per unit");
            // `verify-active` is asked when the turn of the unit that says Requisite= has come.
            if let (Some(job), false) = (node.job.installed(), of_host) {
                jobs.insert(node.unit.clone(), job);
            }
        }
        jobs
    }
}
