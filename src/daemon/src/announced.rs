//! Who brings which commit, said before the branch moves to it.
//!
//! inotify may see the branch move before the hook or the rollback that moved it can say so. The
//! generation is recorded under the name of its author all the same.
use gitproc_core::CommitId;
use gitproc_core::generation::GenerationKind;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Announcements that are remembered. One is taken within milliseconds, or its push failed.
const REMEMBERED: usize = 32;

/// Why a new generation comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Who, for the record.
    pub actor: String,
    /// By what.
    pub kind: GenerationKind,
    /// `--reason`
    pub reason: Option<String>,
}

/// Announcements, newest last.
#[derive(Debug, Default)]
pub struct Announced(Mutex<VecDeque<(CommitId, Cause)>>);

impl Announced {
    /// `commit` is about to be the head of the branch; a later word on it replaces an earlier one.
    pub fn announce(&self, commit: CommitId, cause: Cause) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(other, _)| *other != commit);
        known.push_back((commit, cause));
        if known.len() > REMEMBERED {
            known.pop_front();
        }
    }

    /// Takes what was said about `commit`.
    pub fn take(&self, commit: &CommitId) -> Option<Cause> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known.iter().position(|(other, _)| other == commit)?;
        known.remove(at).map(|(_, cause)| cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(actor: &str) -> Cause {
        Cause {
            actor: actor.to_owned(),
            kind: GenerationKind::Push,
            reason: None,
        }
    }

    #[test]
    fn the_last_word_on_a_commit_is_taken_once() {
        let announced = Announced::default();
        let commit = CommitId("1".repeat(40));
        announced.announce(commit.clone(), cause("ada"));
        announced.announce(commit.clone(), cause("bob"));
        assert_eq!(announced.take(&commit), Some(cause("bob")));
        assert_eq!(announced.take(&commit), None);
    }

    #[test]
    fn pushes_that_never_landed_are_forgotten() {
        let announced = Announced::default();
        let commit = |number: usize| CommitId(format!("{number:040x}"));
        for number in 0..=REMEMBERED {
            announced.announce(commit(number), cause("ada"));
        }
        assert_eq!(announced.take(&commit(0)), None);
        assert!(announced.take(&commit(1)).is_some());
    }
}
