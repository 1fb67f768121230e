//! A set of system calls as bits, since ten thousand units may hold four hundred calls each.
use super::names::{CALLS_MAX, SyscallId};

const WORDS: usize = CALLS_MAX / 64;

/// Calls, by their place in the table of names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CallSet([u64; WORDS]);

impl CallSet {
    pub(super) fn one(id: SyscallId) -> CallSet {
        let mut set = CallSet::default();
        set.insert(id);
        set
    }

    pub(super) fn insert(&mut self, id: SyscallId) {
        self.0[id.index() / 64] |= 1 << (id.index() % 64);
    }

    pub(super) fn contains(&self, id: SyscallId) -> bool {
        self.0[id.index() / 64] & (1 << (id.index() % 64)) != 0
    }

    pub(super) fn add(&mut self, other: &CallSet) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    pub(super) fn remove(&mut self, other: &CallSet) {
        for (word, less) in self.0.iter_mut().zip(other.0) {
            *word &= !less;
        }
    }

    /// In the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = SyscallId> {
        (0..CALLS_MAX)
            .filter(|at| self.0[at / 64] & (1 << (at % 64)) != 0)
            .filter_map(SyscallId::from_index)
    }
}
