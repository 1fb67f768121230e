//! Where a unit's directives stand: its files are read once more when something is to be said.
//!
//! So places cost nothing where nothing is wrong, and the meaning of a unit does not know of them.
use gitproc_unit::{Entry, Origin, Section, TreeEntry, TreeFiles, Unit, parse_ini};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A place in a file; line and column 0 where it is the whole file or line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub file: &'a str,
    pub line: u32,
    pub column: u32,
}

/// The files of a tree, as far as they have been asked for.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    tree: &'a TreeFiles,
    read: RefCell<BTreeMap<&'a str, Rc<[Section]>>>,
}

impl<'a> Sources<'a> {
    /// Of this tree.
    pub(super) fn of(tree: &'a TreeFiles) -> Sources<'a> {
        Sources {
            tree,
            read: RefCell::default(),
        }
    }

    /// Where the directive says `word`: the last assignment that holds it, else the last one, else
    /// the unit's file.
    pub(super) fn place(&self, unit: &'a Unit, section: &str, key: &str, word: &str) -> Place<'a> {
        let mut last = None;
        let mut exact = None;
        self.each(unit, section, key, |file, entry| {
            let place = Place {
                file,
                line: entry.value_line,
                column: entry.value_column,
            };
            last = Some(place);
            if !word.is_empty() && entry.value.contains(word) {
                exact = Some(self.word(place, word).unwrap_or(place));
            }
        });
        exact.or(last).unwrap_or_else(|| self.whole(unit))
    }

    /// As [`Sources::place`], where the file itself says so; implied ones have no place.
    pub(super) fn exact(
        &self,
        unit: &'a Unit,
        section: &str,
        key: &str,
        word: &str,
    ) -> Option<Place<'a>> {
        self.says(unit, section, key, word)
            .then(|| self.place(unit, section, key, word))
    }

    /// The file that the unit is read from.
    pub(super) fn whole(&self, unit: &'a Unit) -> Place<'a> {
        let file = files(unit).next().unwrap_or(unit.name.as_str());
        Place {
            file,
            line: 0,
            column: 0,
        }
    }

    /// Whether an assignment holds `word` as it stands.
    pub(super) fn says(&self, unit: &'a Unit, section: &str, key: &str, word: &str) -> bool {
        let mut says = false;
        self.each(unit, section, key, |_, entry| {
            says |= entry.value.contains(word);
        });
        says
    }

    /// Whether it is assigned, and not taken back by an empty assignment or a plain no.
    pub(super) fn is_set(&self, unit: &'a Unit, section: &str, key: &str) -> bool {
        let mut set = false;
        self.each(unit, section, key, |_, entry| {
            set = !matches!(entry.value.as_str(), "" | "no" | "false" | "off" | "0");
        });
        set
    }

    /// The assignments of a directive, in the order in which they are read.
    pub(super) fn each(
        &self,
        unit: &'a Unit,
        section: &str,
        key: &str,
        mut visit: impl FnMut(&'a str, &Entry),
    ) {
        for file in files(unit) {
            for part in self.read(file).iter().filter(|part| part.name == section) {
                for entry in part.entries.iter().filter(|entry| entry.key == key) {
                    visit(file, entry);
                }
            }
        }
    }

    /// The sections of one file of the tree.
    pub(super) fn read(&self, file: &'a str) -> Rc<[Section]> {
        let mut read = self.read.borrow_mut();
        let sections = read.entry(file).or_insert_with(|| {
            let (sections, _) = parse_ini(file, self.text(file));
            sections.into()
        });
        Rc::clone(sections)
    }

    fn text(&self, file: &str) -> &'a str {
        match self.tree.entries.get(file) {
            Some(TreeEntry::File(text)) => text,
            Some(TreeEntry::Symlink(_) | TreeEntry::Problem(_)) | None => "",
        }
    }

    /// Where a word of a value that begins at `place` stands, continuation lines included.
    fn word(&self, place: Place<'a>, word: &str) -> Option<Place<'a>> {
        let text = self.text(place.file);
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let from = usize::try_from(place.line).ok()?.checked_sub(1)?;
        let mut before = usize::try_from(place.column).ok()?.checked_sub(1)?;
        for (line, number) in text.lines().skip(from).zip(place.line..) {
            let comment = number > place.line && line.trim_start().starts_with(['#', ';']);
            let begin = line.char_indices().nth(before).map(|(at, _)| at);
            let rest = begin.filter(|_| !comment).map(|at| &line[at..]);
            if let Some(at) = rest.and_then(|rest| rest.find(word).map(|at| &rest[..at])) {
                let column = u32::try_from(before + at.chars().count() + 1).ok()?;
                return Some(Place {
                    line: number,
                    column,
                    ..place
                });
            }
            if !comment && !line.ends_with('\\') {
                return None;
            }
            before = 0;
        }
        None
    }
}

/// Files of a unit: its own, then its drop-ins.
pub(super) fn files(unit: &Unit) -> impl Iterator<Item = &str> {
    let (fragment, drop_ins) = match &unit.origin {
        Origin::Tree { fragment, drop_ins } => (Some(fragment), drop_ins.as_slice()),
        Origin::BuiltIn { .. } => (None, &[][..]),
    };
    fragment.into_iter().chain(drop_ins).map(String::as_str)
}
