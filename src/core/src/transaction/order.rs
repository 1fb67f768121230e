//! Whether jobs can be put in order: a circle is broken where a job does not matter, or named edge
//! by edge.
use super::{Refusal, Transaction, Type};
use gitproc_unit::UnitName;
use std::collections::{BTreeMap, BTreeSet};

impl Transaction<'_> {
    /// `false` when a job had to be dropped: then all of it is to be looked at again.
    pub(super) fn is_ordered(&mut self) -> Result<bool, Refusal> {
        let Some(circle) = self.circle() else {
            return Ok(true);
        };
        // From the last one back, as systemd: what was reached last is what is given up first.
        let spare = circle.iter().rev().find(|unit| {
            let in_it = !self.jobs_of(unit).is_empty();
            in_it && !self.unit_matters(unit)
        });
        match spare.cloned() {
            Some(unit) => {
                for job in self.jobs_of(&unit) {
                    self.drop_job(job);
                }
                Ok(false)
            }
            None => Err(Refusal::Cycle(self.edges(&circle))),
        }
    }

    /// Units whose jobs wait for each other in a circle: each for the one before it, and the first
    /// for the last. Jobs that units have already count, too.
    fn circle(&self) -> Option<Vec<UnitName>> {
        let mut done: BTreeSet<UnitName> = BTreeSet::new();
        for at in self.living() {
            let start = &self.nodes[at].unit;
            if done.contains(start) {
                continue;
            }
            let mut on_path: BTreeMap<UnitName, usize> = BTreeMap::new();
            let mut path: Vec<(UnitName, Vec<UnitName>)> = Vec::new();
            on_path.insert(start.clone(), 0);
            path.push((start.clone(), self.later(start)));
            while let Some((_, open)) = path.last_mut() {
                let Some(next) = open.pop() else {
                    let (unit, _) = path.pop().expect("it was the last");
                    on_path.remove(&unit);
                    done.insert(unit);
                    continue;
                };
                if let Some(&begin) = on_path.get(&next) {
                    return Some(path[begin..].iter().map(|(unit, _)| unit.clone()).collect());
                }
                if !done.contains(&next) {
                    on_path.insert(next.clone(), path.len());
                    let later = self.later(&next);
                    path.push((next, later));
                }
            }
        }
        None
    }

    /// Units whose jobs wait for that of `unit`.
    fn later(&self, unit: &UnitName) -> Vec<UnitName> {
        let Some(own) = self.job_of(unit) else {
            return Vec::new();
        };
        let ordered = self.view.neighbours().ordered(unit);
        let waits = ordered.filter(|other| {
            let Some(theirs) = self.job_of(other) else {
                return false;
            };
            // Of two ordered units of which one goes down, that one goes first; two that go down
            // do so the other way round.
            let goes_down = |job| matches!(job, Type::Stop | Type::Restart);
            let follows = self.view.is_after(other, unit) && !goes_down(theirs);
            let precedes = self.view.is_after(unit, other) && goes_down(own);
            follows || precedes
        });
        waits.cloned().collect()
    }

    /// Its job in the transaction, or else the one that it has.
    fn job_of(&self, unit: &UnitName) -> Option<Type> {
        let considered = self.jobs_of(unit).last().map(|at| self.nodes[*at].job);
        considered.or_else(|| self.view.look(unit)?.job.map(Type::from))
    }

    /// Which directive makes each one wait.
    fn edges(&self, circle: &[UnitName]) -> Vec<String> {
        let next = circle.iter().cycle().skip(1);
        let words = |(unit, other): (&UnitName, &UnitName)| {
            let says = |unit: &UnitName, key: &str, other: &UnitName| {
                let definition = self.view.look(unit).and_then(|unit| unit.present);
                definition.is_some_and(|unit| match key {
                    "After" => unit.unit.after.contains(other),
                    _ => unit.unit.before.contains(other),
                })
            };
            let ways = [
                (unit, "Before", other),
                (other, "After", unit),
                (unit, "After", other),
                (other, "Before", unit),
            ];
            let said = ways.into_iter().find(|(a, key, b)| says(a, key, b));
            let (a, key, b) = said.unwrap_or((unit, "Before", other));
            format!("{a}: {key}={b}")
        };
        circle.iter().zip(next).map(words).collect()
    }
}
