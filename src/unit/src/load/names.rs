//! Which names the tree knows, and which unit each of them stands for.
//!
//! systemd's rule (`unit_file_find_fragment`): a name leads from link to link to a file; where an
//! instance has no entry of its own, its template's goes on. The file names the unit; a template's
//! file names its instance.
use crate::builtin;
use crate::name::UnitName;
use std::collections::{BTreeMap, BTreeSet};

/// Longest chain of links that is followed; systemd's own bound.
const LINKS_MAX: usize = 8;

/// What the tree has under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A file with something in it.
    File,
    /// An empty file, or a link to /dev/null.
    Mask,
    /// A link to a sibling, or what `Alias=` asks for, which is as if the link were there.
    Link(UnitName),
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leads<'a> {
    /// To a unit, and the file that it is read from.
    Unit { unit: UnitName, file: &'a UnitName },
    /// To a unit of the host, without any file here.
    BuiltIn(UnitName),
    /// To a masked unit.
    Masked(UnitName),
    /// Nowhere.
    Missing,
    /// In a circle, or over too many links.
    Endless,
}

/// The names of one tree.
#[derive(Debug, Default)]
pub(crate) struct Names {
    entries: BTreeMap<UnitName, Entry>,
    /// Links and aliases, by the unit or template that they lead to.
    others: BTreeMap<UnitName, BTreeSet<UnitName>>,
}

impl Names {
    pub fn get(&self, name: &UnitName) -> Option<&Entry> {
        self.entries.get(name)
    }

    pub fn insert(&mut self, name: UnitName, entry: Entry) {
        self.entries.insert(name, entry);
    }

    pub fn entries(&self) -> impl Iterator<Item = (&UnitName, &Entry)> {
        self.entries.iter()
    }

    /// Follows one name, over its links, to what it stands for.
    pub fn follow(&self, name: &UnitName) -> Leads<'_> {
        let instance = name.instance().filter(|instance| !instance.is_empty());
        let of_ours = |found: &UnitName| match (found.is_template(), instance) {
            (true, Some(instance)) => found.with_instance(instance).ok(),
            (true, None) | (false, _) => Some(found.clone()),
        };
        let mut at = name;
        for _ in 0..=LINKS_MAX {
            let own = self.entries.get_key_value(at);
            let entry = own.or_else(|| self.entries.get_key_value(&at.template()?));
            match entry {
                Some((file, Entry::File)) => {
                    let unit = of_ours(file);
                    return unit.map_or(Leads::Missing, |unit| Leads::Unit { unit, file });
                }
                Some((mask, Entry::Mask)) => {
                    return of_ours(mask).map_or(Leads::Missing, Leads::Masked);
                }
                Some((_, Entry::Link(to))) => at = to,
                None if builtin::is_built_in(at) => return Leads::BuiltIn(at.clone()),
                None => return Leads::Missing,
            }
        }
        Leads::Endless
    }

    /// The same until the unit's own name leads to itself: the file of an instance goes before its
    /// template's, also where a link leads to the template.
    pub fn resolve(&self, name: &UnitName) -> Leads<'_> {
        let mut leads = self.follow(name);
        for _ in 0..LINKS_MAX {
            match &leads {
                Leads::Unit { unit, .. } if unit != name => {
                    let next = self.follow(unit);
                    if next == leads {
                        return leads;
                    }
                    leads = next;
                }
                Leads::Unit { .. }
                | Leads::BuiltIn(_)
                | Leads::Masked(_)
                | Leads::Missing
                | Leads::Endless => return leads,
            }
        }
        Leads::Endless
    }

    /// The unit that `name` is a name of; `name` itself where it leads nowhere.
    pub fn canonical(&self, name: &UnitName) -> UnitName {
        match self.resolve(name) {
            Leads::Unit { unit, .. } | Leads::BuiltIn(unit) | Leads::Masked(unit) => unit,
            Leads::Missing | Leads::Endless => name.clone(),
        }
    }

    /// Whether both are read from one file.
    pub fn share_file(&self, a: &UnitName, b: &UnitName) -> bool {
        match (self.resolve(a), self.resolve(b)) {
            (Leads::Unit { file: a, .. }, Leads::Unit { file: b, .. }) => a == b,
            _ => false,
        }
    }

    /// Files, and links that make an instance of a template: what the commit enables.
    pub fn units(&self) -> impl Iterator<Item = &UnitName> {
        self.entries.iter().filter_map(|(name, entry)| match entry {
            Entry::File => Some(name),
            Entry::Mask => None,
            Entry::Link(_) => match self.follow(name) {
                Leads::Unit { unit, .. } if unit == *name => Some(name),
                _ => None,
            },
        })
    }

    /// To be called when all entries are there, before [`Names::others`].
    pub fn close(&mut self) {
        let mut others: BTreeMap<UnitName, BTreeSet<UnitName>> = BTreeMap::new();
        for (name, entry) in &self.entries {
            let (Entry::Link(_), Leads::Unit { unit, .. } | Leads::BuiltIn(unit)) =
                (entry, self.resolve(name))
            else {
                continue;
            };
            if unit != *name {
                others.entry(unit).or_default().insert(name.clone());
            }
        }
        self.others = others;
    }

    /// The other names of a unit.
    pub fn others(&self, unit: &UnitName) -> BTreeSet<UnitName> {
        if self.others.is_empty() {
            return BTreeSet::new();
        }
        let mut found = self.others.get(unit).cloned().unwrap_or_default();
        // An alias of the template is one of each instance, unless that name leads elsewhere.
        if let (Some(template), Some(instance)) = (unit.template(), unit.instance()) {
            let templates = self.others.get(&template).into_iter().flatten();
            found.extend(
                templates
                    .filter(|other| other.is_template())
                    .filter_map(|other| other.with_instance(instance).ok())
                    .filter(|other| self.canonical(other) == *unit),
            );
        }
        found
    }

    /// Whether any unit has another name.
    pub fn any_others(&self) -> bool {
        !self.others.is_empty()
    }
}
