//! A copy of the unit files that were applied last, beside the store.
//!
//! The repository may break (a lost object, a dying disk, an operator's mistake); what runs must
//! not break with it. The copy is enough to supervise, and after a reboot to start again, what was
//! running. It is never preferred to the store for what is *wanted*.
use crate::candidate::Candidate;
use crate::records::RecordError;
use crate::store::Snapshot;
use gitproc_core::CommitId;
use gitproc_sys::file::{Durability, write_atomic};
use gitproc_unit::{HostFacts, MeaningHash, TreeFiles, Unit, UnitName, UnitSet};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name below the state directory.
const FILE: &str = "applied.json";

/// Format of the file.
const VERSION: u32 = 1;

/// Longest copy that is read, in bytes: the largest commit that the worker hands out.
const SIZE_MAX: u64 = gitproc_git::protocol::MAX_ANSWER as u64;

/// Units hold secrets in their environments, and nobody else needs this file.
const MODE: u32 = 0o600;

/// Where the copy is.
#[derive(Debug, Clone)]
pub struct Applied {
    path: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Copy {
    version: u32,
    commit: CommitId,
    subject: String,
    author: String,
    files: TreeFiles,
}

impl Applied {
    /// In this state directory.
    pub fn new(state: &Path) -> Applied {
        Applied {
            path: state.join(FILE),
        }
    }

    /// Where it is, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the copy, so that it survives a power cut. When that fails, the old copy goes too:
    /// an outdated one would take the host back in time.
    pub fn write(&self, candidate: &Candidate) -> Result<(), RecordError> {
        let copy = Copy {
            version: VERSION,
            commit: candidate.commit.clone(),
            subject: candidate.subject.clone(),
            author: candidate.author.clone(),
            files: TreeFiles::clone(&candidate.files),
        };
        let bytes = serde_json::to_vec(&copy).expect("string keys only");
        let written = write_atomic(&self.path, &bytes, MODE, Durability::Synced);
        if written.is_err() {
            let _ = std::fs::remove_file(&self.path);
        }
        Ok(written?)
    }

    /// The copy, as a commit that was read.
    pub fn read(&self) -> Result<Snapshot, RecordError> {
        let failed = |source| RecordError::Read {
            path: self.path.clone(),
            source,
        };
        let garbage = |why| RecordError::Garbage {
            path: self.path.clone(),
            why,
        };
        let mut bytes = Vec::new();
        std::fs::File::open(&self.path)
            .and_then(|file| file.take(SIZE_MAX).read_to_end(&mut bytes))
            .map_err(failed)?;
        let copy: Copy =
            serde_json::from_slice(&bytes).map_err(|error| garbage(error.to_string()))?;
        if copy.version != VERSION {
            return Err(garbage(format!("version {}, not {VERSION}", copy.version)));
        }
        Ok(Snapshot {
            commit: copy.commit,
            subject: copy.subject,
            author: copy.author,
            files: copy.files,
        })
    }

    /// Whether there is a copy, and of this commit.
    pub fn is_of(&self, commit: &CommitId) -> bool {
        self.read().is_ok_and(|copy| copy.commit == *commit)
    }

    /// Its units; empty when there is no copy that can be read.
    pub fn units(&self, facts: &HostFacts) -> Arc<UnitSet> {
        match self.read() {
            Ok(snapshot) => Arc::new(gitproc_unit::load(&snapshot.files, facts).units),
            Err(_) => Arc::default(),
        }
    }
}

/// The unit of this name, if it still means what it meant.
pub fn same_meaning(units: &UnitSet, name: &UnitName, meaning: MeaningHash) -> Option<Arc<Unit>> {
    units
        .units
        .get(name)
        .filter(|unit| unit.meaning == meaning)
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;
    use gitproc_unit::TreeEntry;
    use std::os::unix::fs::PermissionsExt;

    fn candidate(command: &str) -> Candidate {
        let text = format!("[Service]\nExecStart={command}\n");
        let files = TreeFiles {
            entries: [("a.service".to_owned(), TreeEntry::File(text))].into(),
        };
        let snapshot = Snapshot {
            commit: CommitId("1".repeat(40)),
            subject: "Add a".into(),
            author: "Ada".into(),
            files,
        };
        let target = UnitName::parse("default.target").expect("a valid name");
        Candidate::judge(snapshot, &HostFacts::example(), &target)
    }

    #[test]
    fn what_was_applied_comes_back_and_is_for_root_only() {
        let root = TempDir::new("applied");
        let applied = Applied::new(root.path());
        assert!(applied.read().is_err(), "nothing was applied yet");
        assert!(!applied.is_of(&CommitId("1".repeat(40))));
        let before = candidate("/bin/true");
        applied.write(&before).expect("writable");
        assert!(applied.is_of(&before.commit));
        let read = applied.read().expect("there");
        assert_eq!(
            (&read.commit, &read.files),
            (&before.commit, &*before.files)
        );
        let mode = std::fs::metadata(applied.path())
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_unit_is_known_again_by_its_meaning_alone() {
        let root = TempDir::new("applied");
        let applied = Applied::new(root.path());
        applied.write(&candidate("/bin/true")).expect("writable");
        let units = applied.units(&HostFacts::example());
        let name = UnitName::parse("a.service").expect("a name");
        let meaning = |command| candidate(command).units.units[&name].meaning;
        assert!(same_meaning(&units, &name, meaning("/bin/true")).is_some());
        assert!(same_meaning(&units, &name, meaning("/bin/false")).is_none());
    }

    #[test]
    fn a_torn_copy_is_an_error_that_names_it() {
        let root = TempDir::new("applied");
        let applied = Applied::new(root.path());
        std::fs::write(applied.path(), "{\"version\":1,").expect("writable");
        let error = applied.read().expect_err("torn").to_string();
        assert!(error.contains("applied.json"), "{error}");
        assert!(applied.units(&HostFacts::example()).units.is_empty());
    }
}
