//! The directories beside unit files: `x.service.d/` with drop-ins, `x.target.wants/` and
//! `.requires/` with what a unit pulls in; and which of them a unit reads.
//!
//! A unit reads those of all its names. Of what is called the same in several of them, the most
//! specific directory's counts; what masks it there takes it away.
use crate::draft::Place;
use crate::name::{UnitKind, UnitName};
use std::collections::{BTreeMap, BTreeSet};

/// Which set of a unit a directory fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pull {
    Wants,
    Requires,
}

/// A `.conf` file of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) enum DropIn<'a> {
    File {
        path: &'a str,
        text: &'a str,
    },
    /// Empty, or a link to /dev/null.
    Mask,
}

/// A link of a `.wants/` or `.requires/` directory.
#[derive(Debug, Clone)]
pub(super) enum Member {
    Unit {
        unit: UnitName,
        /// The link, or the word of [Install] that asks for it.
        place: Place,
        /// Where it leads, when that is out of the tree.
        outside: Option<String>,
    },
    /// Empty, or a link to /dev/null.
    Mask,
}

/// A drop-in that a unit reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen<'a> {
    pub path: &'a str,
    pub text: &'a str,
    /// Whether its [Install] counts: only in directories of the very unit or its template.
    pub installs: bool,
}

#[derive(Debug, Default)]
pub(super) struct Directories<'a> {
    /// By owner (`x.service`, `service`) and file name.
    drop_ins: BTreeMap<&'a str, BTreeMap<&'a str, DropIn<'a>>>,
    /// By owner and name of the link.
    members: BTreeMap<Pull, BTreeMap<String, BTreeMap<String, Member>>>,
}

impl<'a> Directories<'a> {
    pub fn add_drop_in(&mut self, owner: &'a str, file: &'a str, found: DropIn<'a>) {
        self.drop_ins.entry(owner).or_default().insert(file, found);
    }

    /// The first one of a name stays: what the tree says before what [Install] asks for.
    pub fn add_member(&mut self, owner: &str, pull: Pull, file: &str, member: Member) {
        let directories = self.members.entry(pull).or_default();
        if !directories.contains_key(owner) {
            directories.insert(owner.to_owned(), BTreeMap::new());
        }
        let directory = directories.get_mut(owner);
        let directory = directory.expect("it was just put there");
        directory.entry(file.to_owned()).or_insert(member);
    }

    /// The drop-ins of a unit, in the order in which they are read: by file name.
    pub fn drop_ins(&self, unit: &UnitName, others: &BTreeSet<UnitName>) -> Vec<Chosen<'a>> {
        if self.drop_ins.is_empty() {
            return Vec::new();
        }
        let template = unit.template();
        let own = |owner: &str| {
            owner == unit.as_str() || template.as_ref().is_some_and(|name| owner == name.as_str())
        };
        let mut chosen: BTreeMap<&str, Option<Chosen<'a>>> = BTreeMap::new();
        for owner in owners(unit, others) {
            for (&file, drop_in) in self.drop_ins.get(&*owner).into_iter().flatten() {
                chosen.entry(file).or_insert_with(|| match *drop_in {
                    DropIn::File { path, text } => Some(Chosen {
                        path,
                        text,
                        installs: own(&owner),
                    }),
                    DropIn::Mask => None,
                });
            }
        }
        chosen.into_values().flatten().collect()
    }

    /// What a unit pulls in by directories.
    pub fn members(&self, unit: &UnitName, others: &BTreeSet<UnitName>) -> Vec<(Pull, &Member)> {
        let mut found = Vec::new();
        for (&pull, directories) in &self.members {
            let mut chosen: BTreeMap<&str, &Member> = BTreeMap::new();
            for owner in owners(unit, others) {
                for (file, member) in directories.get(&*owner).into_iter().flatten() {
                    chosen.entry(file).or_insert(member);
                }
            }
            found.extend(chosen.into_values().map(|member| (pull, member)));
        }
        found
    }

    /// Every owner of drop-ins, and their paths.
    pub fn owners_of_drop_ins(&self) -> impl Iterator<Item = (&'a str, Vec<&'a str>)> {
        let paths = |files: &BTreeMap<&'a str, DropIn<'a>>| {
            let paths = files.values().filter_map(|found| match *found {
                DropIn::File { path, .. } => Some(path),
                DropIn::Mask => None,
            });
            paths.collect()
        };
        self.drop_ins
            .iter()
            .map(move |(&owner, files)| (owner, paths(files)))
    }

    /// Every owner of members, and these.
    pub fn owners_of_members(&self) -> impl Iterator<Item = (&str, &Member)> {
        let directories = self.members.values().flatten();
        directories.flat_map(|(owner, files)| files.values().map(|member| (owner.as_str(), member)))
    }
}

/// Whose directories speak for a unit, the most specific first; a name may come twice.
fn owners(unit: &UnitName, others: &BTreeSet<UnitName>) -> Vec<String> {
    let mut found = Vec::new();
    for name in std::iter::once(unit).chain(others) {
        add_owners(name.prefix(), name.instance(), name.kind(), &mut found);
    }
    found.push(unit.kind().suffix().to_owned());
    found
}

/// `a-b@x`, then what its template `a-b@` has, then the same for the prefixes `a-`. A template's
/// prefix has no instance to hand on: after `a-b@.service` comes `a-.service`.
fn add_owners(prefix: &str, instance: Option<&str>, kind: UnitKind, found: &mut Vec<String>) {
    let suffix = kind.suffix();
    let instance = instance.map(|instance| (instance, !instance.is_empty()));
    found.push(match instance {
        Some((instance, _)) => format!("{prefix}@{instance}.{suffix}"),
        None => format!("{prefix}.{suffix}"),
    });
    if let Some((_, true)) = instance {
        add_owners(prefix, Some(""), kind, found);
    }
    if let Some(shorter) = shorter(prefix) {
        let instance = instance.filter(|(_, named)| *named);
        add_owners(shorter, instance.map(|(instance, _)| instance), kind, found);
    }
}

/// `a-b-` of `a-b-c`, `a-` of `a-b-`, nothing of `a-` and `-a`.
fn shorter(prefix: &str) -> Option<&str> {
    let whole = prefix.strip_suffix('-').unwrap_or(prefix);
    let dash = whole.rfind('-').filter(|&dash| dash > 0)?;
    Some(&prefix[..=dash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_go_from_the_unit_to_its_kind() {
        for (unit, expected) in [
            ("a.service", "a.service service"),
            ("a-b-c.timer", "a-b-c.timer a-b-.timer a-.timer timer"),
            (
                "a--b.service",
                "a--b.service a--.service a-.service service",
            ),
            ("-.slice", "-.slice slice"),
            ("-a.mount", "-a.mount mount"),
            ("a@.service", "a@.service service"),
            ("a-b@.service", "a-b@.service a-.service service"),
            ("a@x-y.service", "a@x-y.service a@.service service"),
            (
                "a-b@x.service",
                "a-b@x.service a-b@.service a-.service a-@x.service a-@.service service",
            ),
        ] {
            let unit = UnitName::parse(unit).expect("a name");
            assert_eq!(
                owners(&unit, &BTreeSet::new()).join(" "),
                expected,
                "{unit}"
            );
        }
        let names = ["a-b.service", "z.service"].map(|name| UnitName::parse(name).expect(name));
        let [unit, other] = names;
        assert_eq!(
            owners(&unit, &[other].into()).join(" "),
            "a-b.service a-.service z.service service"
        );
    }
}
