//! The end of a step: what changed is recorded and told, and what is derived from it kept in step.
use super::slot::Turn;
use super::{Engine, Outbox};
use crate::snapshot::ActiveState;
use crate::{Effect, Instant};
use gitproc_unit::UnitName;

impl Engine {
    /// Keeps what is derived from the state of a unit in step with it.
    fn keep_track(&mut self, now: Instant, name: &UnitName) {
        let Some(slot) = self.slots.get_mut(name) else {
            return;
        };
        if let Some(job) = &mut slot.job {
            job.begun.get_or_insert(now);
            if job.turn != Turn::Waiting {
                job.running.get_or_insert(now);
            }
        }
        let Some(slot) = self.slots.get(name) else {
            return;
        };
        let due = self.due(slot);
        let moving = slot
            .activation()
            .is_some_and(|activation| !activation.is_up());
        match moving {
            true => self.under_way.insert(name.clone()),
            false => self.under_way.remove(name),
        };
        let Some(slot) = self.slots.get_mut(name) else {
            return;
        };
        if slot.tracked_deadline != due {
            if let Some(at) = slot.tracked_deadline {
                self.deadlines.remove(&(at, name.clone()));
            }
            slot.tracked_deadline = due;
            self.deadlines.extend(due.map(|at| (at, name.clone())));
        }
    }

    /// Records, acts, news, answers: in this order.
    pub(super) fn publish(&mut self, now: Instant, outbox: Outbox, out: &mut Vec<Effect>) {
        let mut news = Vec::new();
        for name in std::mem::take(&mut self.touched) {
            self.keep_track(now, &name);
            let Some(slot) = self.slots.get_mut(&name) else {
                continue;
            };
            let before = slot.shown;
            let after = slot.states();
            let told = std::mem::take(&mut slot.news);
            if before != after {
                // What a daemon adopts came up before it, and what was reloaded was up all the time.
                let up_since = slot.activation().and_then(|activation| activation.up_since);
                let is_up = matches!(after.0, ActiveState::Active | ActiveState::Reloading);
                slot.since = up_since.filter(|_| is_up).unwrap_or(now);
            }
            if before != after || told {
                slot.shown = after;
                let status = slot.status(&name);
                news.push(Effect::Changed {
                    unit: name.clone(),
                    invocation: status.invocation,
                    from: before.0,
                    to: after.0,
                    sub: after.1,
                    result: status.result,
                    reason: status.reason,
                    main_pid: status.main_pid,
                });
            }
            if self.apply.is_none() {
                // Restored and adopted units are judged by the first target; until then, what the
                // last daemon recorded stands.
                continue;
            }
            let record = slot.record();
            if record != slot.recorded {
                slot.recorded = record.clone();
                out.push(Effect::Record {
                    unit: name.clone(),
                    record: record.map(Box::new),
                });
            }
            if slot.definition.is_none() && !slot.is_live() && slot.job.is_none() {
                if slot.recorded.is_some() {
                    out.push(Effect::Record {
                        unit: name.clone(),
                        record: None,
                    });
                }
                self.slots.remove(&name);
                debug_assert!(
                    !self.under_way.contains(&name),
                    "what is dead does not move"
                );
            }
        }
        out.extend(outbox.acts);
        out.extend(news);
        out.extend(outbox.answers);
    }
}
