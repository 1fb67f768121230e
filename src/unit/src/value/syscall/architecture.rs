//! Architectures whose system calls a unit may make: `SystemCallArchitectures=`.
use crate::property::PropertyValue;
use crate::text::nearest;
use crate::value::ValueError;
use crate::value::list::Complaints;
use crate::words::{Split, Words, is_space};
use std::collections::BTreeSet;

/// Names that systemd 252 reads. `native` is not translated: it stands beside the name that it has
/// on this machine.
const ARCHITECTURES: [&str; 20] = [
    "arm",
    "arm64",
    "mips",
    "mips-le",
    "mips64",
    "mips64-le",
    "mips64-le-n32",
    "mips64-n32",
    "native",
    "parisc",
    "parisc64",
    "ppc",
    "ppc64",
    "ppc64-le",
    "riscv64",
    "s390",
    "s390x",
    "x32",
    "x86",
    "x86-64",
];

/// The named architectures; with none, all are allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyscallArchitectures(BTreeSet<&'static str>);

impl SyscallArchitectures {
    /// Takes one line in: an empty one resets. Returns a complaint for each word that was
    /// skipped; the others count.
    pub fn apply(&mut self, text: &str) -> Vec<ValueError> {
        let mut complaints = Complaints::default();
        if text.trim_matches(is_space).is_empty() {
            self.0.clear();
        }
        let mut rest = Words::new(text);
        loop {
            match rest.take_lenient(&Split::LIST) {
                Ok(None) => return complaints.into_list(),
                Ok(Some(word)) => match ARCHITECTURES.iter().find(|known| **known == word) {
                    Some(known) => {
                        self.0.insert(known);
                    }
                    None => complaints.note(|| unknown(&word)),
                },
                Err(error) => {
                    complaints.note(|| ValueError(error.to_string()));
                    return complaints.into_list();
                }
            }
        }
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }

    /// The value of `SystemCallArchitectures`.
    pub fn property(&self) -> PropertyValue {
        let names = self
            .names()
            .map(|name| PropertyValue::Text(name.to_owned()));
        PropertyValue::List(names.collect())
    }
}

fn unknown(word: &str) -> ValueError {
    let ValueError(text) = ValueError::not(word, "architecture");
    ValueError(match nearest(word, ARCHITECTURES.into_iter()) {
        Some(known) => format!("{text} (did you mean '{known}'?)"),
        None => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_lines() {
        type Case = (&'static [&'static str], &'static [&'static str], usize);
        let table: [Case; 7] = [
            (&["native"], &["native"], 0),
            (&["x86-64 native", "x86"], &["native", "x86", "x86-64"], 0),
            (&["native", "", "arm64 arm64"], &["arm64"], 0),
            (&["x86_64 native loongarch64"], &["native"], 2),
            // No space that separates words, and no line that resets.
            (&["native", "\u{a0}", "x86\u{a0}arm"], &["native"], 2),
            (&["\"x86\" 'arm'"], &["arm", "x86"], 0),
            (&["x86 \"arm"], &["x86"], 1),
        ];
        for (lines, expected, skipped) in table {
            let mut set = SyscallArchitectures::default();
            let complaints: Vec<_> = lines.iter().flat_map(|line| set.apply(line)).collect();
            assert_eq!(set.names().collect::<Vec<_>>(), expected, "{lines:?}");
            assert_eq!(complaints.len(), skipped, "{lines:?} {complaints:?}");
        }
    }

    #[test]
    fn the_names_are_sorted() {
        assert!(ARCHITECTURES.is_sorted_by(|a, b| a < b));
    }
}
