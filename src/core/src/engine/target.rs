//! A new target: compare what is wanted with what is, make the jobs, and tell when they are done.
use super::slot::{Phase, Slot, Turn};
use super::{Engine, Outbox};
use crate::api::{Effect, JobType};
use crate::neighbours::Neighbours;
use crate::{CommitId, Instant, JobId, graph};
use gitproc_unit::{Origin, UnitName, UnitSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The apply of the current target.
#[derive(Debug)]
pub(super) struct Apply {
    job: JobId,
    /// Units whose jobs are not done.
    pub pending: BTreeSet<UnitName>,
    /// Jobs that failed, with the reason.
    pub failed: BTreeMap<UnitName, String>,
    /// Starts that were skipped because of conditions, with the reason.
    pub skipped: BTreeMap<UnitName, String>,
    /// [`Effect::Settled`] was given.
    settled: bool,
}

/// What a new target means for one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Keep,
    Start,
    Stop,
    Restart,
}

impl Engine {
    pub(super) fn retarget(
        &mut self,
        now: Instant,
        job: JobId,
        commit: &CommitId,
        units: &Arc<UnitSet>,
        out: &mut Outbox,
    ) {
        if self.shutdown.is_some() {
            let settled = Effect::Settled {
                job,
                failed: Vec::new(),
                skipped: Vec::new(),
                superseded: true,
            };
            out.answers.push(settled);
            return;
        }
        self.supersede(job, out);
        self.adopt_definitions(now, commit, units);
        let definitions = self.slots.values().flat_map(|slot| {
            let wanted = slot.definition.as_ref().map(|(unit, _)| &**unit);
            wanted
                .into_iter()
                .chain(slot.activation().map(|activation| &*activation.unit))
        });
        self.neighbours = Neighbours::of(definitions);
        self.mark_wanted(units);
        let changes: Vec<(UnitName, Change)> = self
            .slots
            .iter()
            .map(|(name, slot)| (name.clone(), change(slot)))
            .filter(|(_, change)| *change != Change::Keep)
            .collect();
        // What goes down is settled, with all that needs it, before anything is to come up.
        for (name, change) in &changes {
            match change {
                Change::Restart => self.put_restart(name, None, true, out),
                Change::Stop => self.put_job(name, JobType::Stop, None, true, out),
                Change::Start | Change::Keep => {}
            }
        }
        // A dependent of a unit that leaves may itself be unwanted: then it stops for good.
        for name in self.jobs.clone() {
            let unwanted = self.slot(&name).is_some_and(|slot| {
                !slot.wanted
                    && slot
                        .job
                        .as_ref()
                        .is_some_and(|job| job.kind == JobType::Restart)
            });
            if unwanted {
                self.put_job(&name, JobType::Stop, None, true, out);
            }
        }
        let starts = changes
            .iter()
            .filter(|(_, change)| *change == Change::Start);
        let starts: BTreeSet<UnitName> = starts.map(|(name, _)| name.clone()).collect();
        let of_no_use = self.of_no_use(&starts);
        for name in &of_no_use {
            let reason = "nothing that needs it runs (StopWhenUnneeded=)".to_owned();
            // Of one that is still on its way down, that is what its end is shown with.
            self.say_why_it_stops(name, reason.clone());
            if let Some(slot) = self.touch(name) {
                slot.reason = Some(reason);
            }
        }
        for (name, change) in &changes {
            if *change == Change::Start && !of_no_use.contains(name) {
                match self.rival(name) {
                    Some(rival) => self.give_way(name, &rival),
                    None => self.put_start(name, None, true, out),
                }
            }
        }
        self.stop_what_lost_its_anchor(out);
    }

    /// A commit may want two units that exclude each other. As under systemd, the one that says
    /// Conflicts= runs, and the other one does not; where both say it, the first by name runs.
    fn rival(&self, name: &UnitName) -> Option<UnitName> {
        let definition = |name: &UnitName| {
            let slot = self.slot(name)?;
            slot.definition.as_ref().map(|(unit, _)| Arc::clone(unit))
        };
        let own = definition(name)?;
        let rivals = self.conflicts_of(name).into_iter();
        let mut rivals = rivals.filter(|other| {
            let says = definition(other).is_some_and(|unit| unit.unit.conflicts.contains(name));
            let first = !own.unit.conflicts.contains(other) || other < name;
            let wanted = self.slot(other).is_some_and(|slot| {
                let runs = slot.is_live() || change(slot) == Change::Start || slot.job.is_some();
                slot.wanted && !slot.stopped_by_operator && slot.is_runnable() && runs
            });
            says && first && wanted
        });
        rivals.next()
    }

    fn give_way(&mut self, name: &UnitName, rival: &UnitName) {
        if let Some(slot) = self.touch(name) {
            slot.reason = Some(format!("{rival}, which runs, excludes it (Conflicts=)"));
        }
    }

    /// BindsTo=, level-triggered: a daemon that died may not have acted on an end that it saw.
    fn stop_what_lost_its_anchor(&mut self, out: &mut Outbox) {
        let down: Vec<UnitName> = self
            .slots
            .iter()
            .filter(|(_, slot)| !slot.is_live() && !slot.is_up() && slot.job.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        for name in down {
            self.stop_what_is_bound_to(&name, false, out);
        }
    }

    /// The apply of an older target ends here; its jobs are dropped, so that only what *is* counts.
    fn supersede(&mut self, job: JobId, out: &mut Outbox) {
        let fresh = Apply {
            job,
            pending: BTreeSet::new(),
            failed: BTreeMap::new(),
            skipped: BTreeMap::new(),
            settled: false,
        };
        // Jobs that nobody waits for follow from what is and what is wanted: they are made anew.
        for name in self.jobs.clone() {
            let Some(slot) = self.touch(&name) else {
                continue;
            };
            let Some(job) = slot.job.as_mut() else {
                continue;
            };
            job.apply = false;
            if let Turn::Checking { .. } = job.turn {
                job.turn = Turn::Waiting; // another definition may have other conditions
            }
            if job.waiters.is_empty() {
                slot.job = None;
                self.jobs.remove(&name);
            }
        }
        let Some(old) = self.apply.replace(fresh) else {
            return;
        };
        if !old.settled {
            let settled = Effect::Settled {
                job: old.job,
                failed: Vec::new(),
                skipped: Vec::new(),
                superseded: true,
            };
            out.answers.push(settled);
        }
    }

    fn adopt_definitions(&mut self, now: Instant, commit: &CommitId, units: &Arc<UnitSet>) {
        let names: BTreeSet<UnitName> = self
            .slots
            .keys()
            .chain(units.units.keys())
            .cloned()
            .collect();
        for name in names {
            if name.is_template() {
                continue;
            }
            let definition = units.units.get(&name);
            let slot = self.touch_or_new(now, &name);
            let meaning = |slot: &Slot| slot.definition.as_ref().map(|(unit, _)| unit.meaning);
            let before = meaning(slot).or(slot.attempted);
            slot.definition = definition.map(|unit| (Arc::clone(unit), commit.clone()));
            if before.is_some() && meaning(slot).is_some() && before != meaning(slot) {
                // A commit that changes a unit overrules an operator's earlier stop of it. What it
                // meant before is not known of one that a daemon before this one saw stopped.
                slot.stopped_by_operator = false;
            }
            if slot.unaccounted.take().is_some() {
                // Recorded as started, and no helper was found: it never came to be.
                slot.attempted = None;
                slot.completed = None;
            }
            let Some((unit, commit)) = slot.definition.clone() else {
                continue;
            };
            if let Some(activation) = slot.activation_mut()
                && activation.unit.meaning == unit.meaning
            {
                // Same meaning: what changed concerns the daemon alone, and holds from now on.
                activation.unit = unit;
                activation.commit = commit;
            }
        }
    }

    fn mark_wanted(&mut self, units: &UnitSet) {
        let mut wanted = graph::wanted(units, &self.config.default_target);
        for (name, slot) in &mut self.slots {
            let asked = slot.job.as_ref().is_some_and(|job| {
                matches!(job.kind, JobType::Start | JobType::Restart) && !job.waiters.is_empty()
            });
            // A start by hand that is under way still holds when the commit drops the unit.
            slot.started_by_operator |= asked && !wanted.contains(name);
            let asked_for = slot.started_by_operator || slot.raised.is_some();
            if asked_for && slot.definition.is_some() {
                wanted.extend(graph::wanted(units, name));
            }
        }
        for (name, slot) in &mut self.slots {
            let now_wanted = wanted.contains(name);
            if slot.wanted != now_wanted {
                slot.wanted = now_wanted;
                self.touched.insert(name.clone());
            }
            if slot.definition.is_none() {
                slot.started_by_operator = false;
                slot.stopped_by_operator = false;
                slot.raised = None;
            }
            if !now_wanted && !slot.is_live() {
                // Wanted again later, it is started again, whatever became of it now.
                slot.attempted = None;
                slot.completed = None;
                if matches!(slot.phase, Phase::Failed) && slot.definition.is_none() {
                    slot.phase = Phase::Dead;
                }
            }
        }
    }

    // ── Shutdown ────────────────────────────────────────────────────────────────────────────

    pub(super) fn begin_shutdown(&mut self, job: JobId, out: &mut Outbox) {
        if let Some(older) = self.shutdown.replace(job) {
            out.answers.push(Effect::Settled {
                job: older,
                failed: Vec::new(),
                skipped: Vec::new(),
                superseded: true,
            });
        }
        if let Some(apply) = &mut self.apply
            && !apply.settled
        {
            apply.settled = true;
            apply.pending.clear();
            let settled = Effect::Settled {
                job: apply.job,
                failed: Vec::new(),
                skipped: Vec::new(),
                superseded: true,
            };
            out.answers.push(settled);
        }
        // The next daemon begins anew, as after a boot.
        for (name, slot) in &mut self.slots {
            self.touched.insert(name.clone());
            slot.attempted = None;
            slot.completed = None;
            slot.checked = None;
            slot.stopped_by_operator = false;
            slot.started_by_operator = false;
        }
        let names: Vec<UnitName> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.is_live() || slot.job.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.put_job(&name, JobType::Stop, None, false, out);
        }
    }

    // ── Settling ────────────────────────────────────────────────────────────────────────────

    /// Tells when an apply or a shutdown has nothing left to do.
    pub(super) fn settle(&mut self, out: &mut Outbox) {
        if let Some(job) = self.shutdown
            && self.jobs.is_empty()
            && !self.slots.values().any(Slot::is_live)
        {
            out.answers.push(Effect::Settled {
                job,
                failed: Vec::new(),
                skipped: Vec::new(),
                superseded: false,
            });
            self.shutdown = None;
        }
        let Some(apply) = &mut self.apply else { return };
        if apply.settled || !apply.pending.is_empty() {
            return;
        }
        apply.settled = true;
        let mut failed = std::mem::take(&mut apply.failed);
        let job = apply.job;
        for (name, slot) in &self.slots {
            if slot.wanted && matches!(slot.phase, Phase::Failed) {
                failed
                    .entry(name.clone())
                    .or_insert_with(|| slot.reason.clone().unwrap_or_default());
            }
        }
        let skipped = std::mem::take(&mut apply.skipped);
        out.answers.push(Effect::Settled {
            job,
            failed: failed.into_iter().collect(),
            skipped: skipped.into_iter().collect(),
            superseded: false,
        });
    }
}

/// Level-triggered: from what a unit is and what is wanted, what has to be done.
fn change(slot: &Slot) -> Change {
    let Some((unit, _)) = &slot.definition else {
        return if slot.is_live() {
            Change::Stop
        } else {
            Change::Keep
        };
    };
    if matches!(unit.origin, Origin::BuiltIn { .. }) && !matches!(slot.phase, Phase::Active(_)) {
        return Change::Keep;
    }
    if !slot.is_runnable() {
        return Change::Keep;
    }
    let up = slot.wanted && !slot.stopped_by_operator;
    let to_stop = slot
        .job
        .as_ref()
        .is_some_and(|job| job.kind == JobType::Stop);
    match &slot.phase {
        Phase::Active(_) | Phase::Reached | Phase::AutoRestart { .. } if to_stop && !up => {
            Change::Keep
        }
        Phase::Active(_) | Phase::Reached | Phase::AutoRestart { .. } if !up => Change::Stop,
        Phase::Active(activation) if activation.unit.meaning != unit.meaning => Change::Restart,
        // An earlier apply (or an adopted half-done stop) took it down; now it is wanted.
        Phase::Active(activation) if slot.is_going_down() && activation.told.is_some() && up => {
            Change::Start
        }
        // Half-way up: the start belongs to this apply now.
        Phase::Active(activation) if activation.is_starting() && up => Change::Start,
        Phase::Active(_) | Phase::Reached => Change::Keep,
        Phase::AutoRestart { .. } if slot.attempted != Some(unit.meaning) => Change::Start,
        Phase::AutoRestart { .. } => Change::Keep,
        Phase::Dead | Phase::Failed if up && slot.attempted != Some(unit.meaning) => Change::Start,
        Phase::Dead | Phase::Failed => Change::Keep,
    }
}
