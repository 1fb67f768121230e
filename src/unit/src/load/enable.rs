//! Enables what is in the commit: each link that [Install] asks for is added to those of the tree.
//!
//! Files of units and links that make instances count; instances that others merely refer to don't.
use super::UNITS_MAX;
use super::compose::Reader;
use super::directories::{Member, Pull};
use super::install::{InstallLinks, Key, install_links, named};
use super::names::{Entry, Leads};
use super::survey::Survey;
use super::too_many;
use crate::diagnostic::{Code, Severity};
use crate::draft::Place;
use crate::model::InstallSection;
use crate::name::UnitName;
use crate::tree::HostFacts;
use std::collections::{BTreeMap, VecDeque};

/// What [Install] says of all units that are enabled. Their links are in the survey then.
pub(super) fn enable<'a>(
    survey: &mut Survey<'a>,
    reader: &Reader<'a>,
    facts: &HostFacts,
) -> BTreeMap<UnitName, InstallSection> {
    let mut queue: VecDeque<UnitName> = survey.names.units().cloned().collect();
    let mut installs: BTreeMap<UnitName, InstallSection> = BTreeMap::new();
    while let Some(unit) = queue.pop_front() {
        let Leads::Unit { unit, file } = survey.names.resolve(&unit) else {
            continue;
        };
        if installs.contains_key(&unit) {
            continue;
        }
        let file = file.clone();
        if installs.len() >= UNITS_MAX {
            let bound = format!("more than {UNITS_MAX} units");
            too_many(&mut survey.diagnostics, file.as_str(), bound);
            break;
        }
        let asked = reader.asked(&unit, &file, &survey.names, &survey.directories);
        let install = asked.resolve(&unit, facts, &mut survey.diagnostics);
        let named = named(&unit, install.default_instance.as_deref());
        let mut enabled = Enabled {
            survey,
            places: asked.places(&named, facts),
            install: &install,
        };
        enabled.link(install_links(&unit, &file, &install));
        enabled.also(&mut queue);
        installs.insert(unit, install);
    }
    survey.names.close();
    installs
}

/// One unit, and where its links go.
struct Enabled<'e, 'a> {
    survey: &'e mut Survey<'a>,
    /// Where each word is asked for.
    places: BTreeMap<(Key, String), &'e Place>,
    install: &'e InstallSection,
}

impl Enabled<'_, '_> {
    fn say(&mut self, key: Key, word: &str, severity: Severity, code: Code, message: String) {
        let finding = self.place(key, word).finding(code, severity, message);
        self.survey.diagnostics.push(finding);
    }

    fn place(&self, key: Key, word: &str) -> Place {
        let place = self.places.get(&(key, word.to_owned()));
        place.copied().cloned().unwrap_or_default()
    }

    fn link(&mut self, links: InstallLinks) {
        for (word, err) in links.refused {
            let message = format!("Alias=: '{word}' can't be: {err}");
            self.say(Key::Alias, &word, Severity::Error, Code::BadValue, message);
        }
        for link in links.made {
            match link.path.rsplit_once('/') {
                None => self.alias(&link.path, &link.target),
                Some((directory, member)) => self.member(directory, member),
            }
        }
    }

    fn alias(&mut self, path: &str, file: &UnitName) {
        let alias = UnitName::parse(path).expect("links are made of names");
        let taken = match self.survey.names.get(&alias) {
            None => {
                self.survey.names.insert(alias, Entry::Link(file.clone()));
                return;
            }
            Some(Entry::Link(to)) if to == file => return,
            Some(Entry::Link(to)) => format!("another name of {to}"),
            Some(Entry::File) => "a unit of its own".to_owned(),
            Some(Entry::Mask) => "masked".to_owned(),
        };
        let message = format!("Alias=: {alias} is {taken}");
        self.say(Key::Alias, path, Severity::Error, Code::BadValue, message);
    }

    fn member(&mut self, directory: &str, member: &str) {
        let (owner, pull) = match directory.rsplit_once('.') {
            Some((owner, "requires")) => (owner, Pull::Requires),
            Some((owner, _)) => (owner, Pull::Wants),
            None => return,
        };
        let unit = UnitName::parse(member).expect("links are made of names");
        let key = match pull {
            Pull::Wants => Key::WantedBy,
            Pull::Requires => Key::RequiredBy,
        };
        let place = self.place(key, owner);
        let found = Member::Unit {
            unit,
            place,
            outside: None,
        };
        self.survey
            .directories
            .add_member(owner, pull, member, found);
    }

    /// What is in the commit is enabled anyway. Instances become a part of it by this.
    fn also(&mut self, queue: &mut VecDeque<UnitName>) {
        for other in &self.install.also {
            match self.survey.names.resolve(other) {
                Leads::Unit { unit, .. } => queue.push_back(unit),
                Leads::BuiltIn(_) | Leads::Masked(_) | Leads::Endless => {}
                Leads::Missing => {
                    let message = format!("Also=: {other} is not in the tree, ignoring");
                    let code = Code::MissingWanted;
                    self.say(Key::Also, other.as_str(), Severity::Warning, code, message);
                }
            }
        }
    }
}
