//! The record of what was deployed: one file per generation, written ahead and synced.
use crate::records::{RecordError, read_json_within};
use gitproc_core::Generation;
use gitproc_core::generation::GenerationRecord;
use gitproc_sys::file::{Durability, write_atomic};
use std::path::{Path, PathBuf};

/// Longest record that is read, in bytes: a plan that names each of the 50,000 files that a commit
/// may have.
const RECORD_MAX: u64 = 32 << 20;

/// All generations of this host.
#[derive(Debug, Clone)]
pub struct Generations {
    dir: PathBuf,
}

impl Generations {
    /// In this directory, which exists.
    pub fn new(dir: PathBuf) -> Generations {
        Generations { dir }
    }

    fn path(&self, number: Generation) -> PathBuf {
        self.dir.join(format!("{number}.json"))
    }

    /// Numbers that have a record, ascending.
    fn numbers(&self) -> Vec<Generation> {
        let mut numbers: Vec<Generation> = std::fs::read_dir(&self.dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| number_of(&entry.path()))
            .collect();
        numbers.sort_unstable();
        numbers
    }

    /// The number for a new generation. An unreadable record keeps its number.
    pub fn next(&self) -> Generation {
        Generation(self.numbers().last().map_or(0, |last| last.0) + 1)
    }

    /// Writes a record so that it survives a power cut.
    pub fn write(&self, record: &GenerationRecord) -> Result<(), RecordError> {
        let mut bytes = serde_json::to_vec_pretty(record).expect("string keys only");
        bytes.push(b'\n');
        write_atomic(&self.path(record.number), &bytes, 0o644, Durability::Synced)?;
        Ok(())
    }

    /// Reads one.
    pub fn read(&self, number: Generation) -> Result<GenerationRecord, RecordError> {
        read_json_within(&self.path(number), RECORD_MAX)
    }

    /// Newest first; those that can't be read come as errors.
    pub fn newest_first(&self) -> impl Iterator<Item = Result<GenerationRecord, RecordError>> {
        self.numbers()
            .into_iter()
            .rev()
            .map(|number| self.read(number))
    }
}

fn number_of(path: &Path) -> Option<Generation> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    name.parse().ok().map(Generation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;
    use gitproc_core::CommitId;
    use gitproc_core::generation::{GenerationKind, Outcome};
    use gitproc_core::plan::{Plan, PlanAction, PlannedChange};
    use gitproc_unit::UnitName;

    fn record(number: u64) -> GenerationRecord {
        GenerationRecord {
            number: Generation(number),
            commit: CommitId(format!("{number:040x}")),
            subject: "Add web".into(),
            author: "Ada <ada@example.org>".into(),
            started_us: 1,
            finished_us: None,
            actor: "poll".into(),
            reason: None,
            kind: GenerationKind::Push,
            plan: Plan::default(),
            outcome: Outcome::Pending,
            detail: None,
        }
    }

    #[test]
    fn generations_come_back_newest_first_by_number() {
        let root = TempDir::new("generations");
        let generations = Generations::new(root.path().to_owned());
        assert_eq!(generations.next(), Generation(1));
        for number in [9, 10, 2] {
            generations.write(&record(number)).expect("writable");
        }
        assert_eq!(generations.next(), Generation(11));
        let numbers: Vec<u64> = generations
            .newest_first()
            .flatten()
            .map(|r| r.number.0)
            .collect();
        assert_eq!(numbers, [10, 9, 2]);
        assert_eq!(generations.read(Generation(9)).expect("there"), record(9));
    }

    #[test]
    fn the_longest_plan_comes_back() {
        let root = TempDir::new("generations");
        let generations = Generations::new(root.path().to_owned());
        let mut long = record(1);
        long.plan.changes = (0..50_000)
            .map(|number| PlannedChange {
                unit: UnitName::parse(&format!("{}-{number}.service", "a".repeat(100)))
                    .expect("a name"),
                action: PlanAction::Start,
                reason: "restart (ExecStart, Environment, User)".into(),
            })
            .collect();
        generations.write(&long).expect("writable");
        assert!(
            generations
                .read(Generation(1))
                .is_ok_and(|read| read == long)
        );
    }

    #[test]
    fn a_torn_record_is_an_error_and_keeps_its_number() {
        let root = TempDir::new("generations");
        let generations = Generations::new(root.path().to_owned());
        generations.write(&record(1)).expect("writable");
        std::fs::write(root.path().join("2.json"), "{\"number\":").expect("writable");
        std::fs::write(root.path().join(".3.json.new"), "").expect("writable");
        assert_eq!(generations.next(), Generation(3));
        let read: Vec<_> = generations.newest_first().collect();
        assert!(read[0].is_err() && read[1].is_ok(), "{read:?}");
    }
}
