//! From the files of a commit to its units: fragments, drop-ins, templates, links, [Install].
//!
//! In this order, so that each step knows all it needs: [`survey`] tells what each entry of the tree
//! is; [`enable`] adds the links that [Install] asks for to those that are there; then units are
//! read ([`compose`]), and what they refer to, until nothing new comes up; and last come the words
//! about what was left over ([`leftovers`]).
mod aim;
mod compose;
mod directories;
mod enable;
pub(crate) mod install;
mod leftovers;
pub(crate) mod names;
mod survey;

use crate::builtin;
use crate::dependencies;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::model::{InstallSection, Origin, Unit, UnitSet};
use crate::name::{UnitKind, UnitName};
use crate::tree::{HostFacts, TreeEntry, TreeFiles};
use compose::{Composed, Reader, is_run};
pub(crate) use compose::{compose, silent};
use directories::{Chosen, Directories, Member, Pull};
pub use install::{FileLinks, InstallLink, InstallLinks, UnitFileState, file_state, install_links};
use names::{Entry, Leads, Names};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use survey::Survey;

/// Most units of one commit, instances included: instances can refer to ever new instances.
pub const UNITS_MAX: usize = 20_000;

/// Most bytes that are read for all units together, instances included; four times as much as a
/// commit holds at most. Without it, a template of 1 MiB with 20,000 instances takes hours.
pub const READ_MAX: usize = 64 << 20;
/// Most findings about all units together.
const FINDINGS_MAX: usize = 100_000;
/// What opening a file counts for, in bytes: empty ones are not free.
const FILE_COST: usize = 256;

/// What a tree says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The units that can be run.
    pub units: UnitSet,
    /// Units that were read and can't be run: other kinds, and those that make no sense as a whole.
    pub others: BTreeMap<UnitName, Unit>,
    /// Names that stand for nothing, and are to.
    pub masked: BTreeSet<UnitName>,
    /// Sorted by file and line. One error refuses the commit.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// A unit that was read, whether it can be run or not, by any of its names.
    pub fn unit(&self, name: &UnitName) -> Option<&Unit> {
        let name = self.units.canonical(name);
        let runs = self.units.units.get(name).map(|unit| &**unit);
        runs.or_else(|| self.others.get(name))
    }

    /// What `systemctl is-enabled` would say; `None` where there is no file.
    pub fn file_state(&self, name: &UnitName) -> Option<UnitFileState> {
        if self.masked.contains(name) {
            return Some(UnitFileState::Masked);
        }
        let other = self.units.canonical(name) != name && name.instance().is_none_or(str::is_empty);
        match (other, self.unit(name)) {
            (true, Some(_)) => Some(UnitFileState::Alias),
            (_, unit) => unit?.install.state,
        }
    }

    /// Whether something refuses the commit.
    pub fn has_errors(&self) -> bool {
        let mut all = self.diagnostics.iter();
        all.any(|finding| finding.severity == Severity::Error)
    }
}

/// Reads all units of a tree. Never fails as a whole: what is wrong is in the diagnostics.
pub fn load(tree: &TreeFiles, facts: &HostFacts) -> Loaded {
    let reader = Reader::new(tree, facts);
    let mut survey = Survey::of(tree, facts);
    let installs = enable::enable(&mut survey, &reader, facts);
    let mut loader = Loader {
        reader,
        names: survey.names,
        directories: survey.directories,
        installs,
        units: BTreeMap::new(),
        others: BTreeMap::new(),
        queue: VecDeque::new(),
        diagnostics: survey.diagnostics,
        read: 0,
    };
    loader.read_built_in();
    loader.read_all();
    leftovers::say(&mut loader);
    loader.finish()
}

/// One file as systemd has it before anybody has enabled it: [Install] is read, and asks in vain.
/// `None` where there is no unit in it.
pub fn load_alone(
    name: &UnitName,
    file: TreeEntry,
    facts: &HostFacts,
) -> (Option<Unit>, Vec<Diagnostic>) {
    let mut tree = TreeFiles::default();
    tree.entries.insert(name.as_str().to_owned(), file);
    let loaded = load(&tree, facts);
    let unit = loaded.unit(name).cloned().map(|mut unit| {
        unit.install.names.clear();
        if unit.install.state == Some(UnitFileState::Enabled) {
            unit.install.state = Some(UnitFileState::Disabled);
        }
        unit
    });
    (unit, loaded.diagnostics)
}

struct Loader<'a> {
    reader: Reader<'a>,
    names: Names,
    directories: Directories<'a>,
    /// Units that the commit enables, and what their [Install] says.
    installs: BTreeMap<UnitName, InstallSection>,
    units: BTreeMap<UnitName, Unit>,
    others: BTreeMap<UnitName, Unit>,
    queue: VecDeque<UnitName>,
    diagnostics: Vec<Diagnostic>,
    /// Bytes read so far.
    read: usize,
}

impl Loader<'_> {
    /// The units of the host that the tree neither replaces, renames nor masks.
    fn read_built_in(&mut self) {
        for mut unit in builtin::units() {
            if self.names.get(&unit.name).is_some() {
                continue;
            }
            let others = self.names.others(&unit.name);
            let drop_ins = self.directories.drop_ins(&unit.name, &others);
            if !drop_ins.is_empty() {
                let Composed {
                    unit: extended,
                    mut diagnostics,
                    ..
                } = self.reader.extended(unit, &drop_ins, &self.names);
                self.diagnostics.append(&mut diagnostics);
                unit = extended;
            }
            self.pull_in(&mut unit, &others);
            unit.install.names = others;
            self.units.insert(unit.name.clone(), unit);
        }
    }

    fn read_all(&mut self) {
        self.queue.extend(self.installs.keys().cloned());
        // Instances that have something to pull in are worth a look even if nothing wants them.
        let owners = self.directories.owners_of_members();
        let owners = owners.filter_map(|(owner, _)| UnitName::parse(owner).ok());
        self.queue
            .extend(owners.filter(|owner| !owner.is_template()));
        while let Some(name) = self.queue.pop_front() {
            let Leads::Unit { unit: name, file } = self.names.resolve(&name) else {
                continue;
            };
            if self.units.contains_key(&name) || self.others.contains_key(&name) {
                continue;
            }
            let file = file.clone();
            let others = self.names.others(&name);
            let drop_ins = self.directories.drop_ins(&name, &others);
            if let Some(bound) = self.passed_bound(&file, &drop_ins) {
                too_many(&mut self.diagnostics, file.as_str(), bound);
                return;
            }
            let install = self.installs.get(&name).cloned();
            let explicit = install.is_some();
            let read = self
                .reader
                .unit(&name, &file, install, &drop_ins, &self.names);
            let Some(mut read) = read else { continue };
            if !keep(&mut self.diagnostics, &mut read.diagnostics) {
                return;
            }
            let runs = is_run(name.kind());
            // A slice is no job; services lie in it.
            if !runs && explicit && name.kind() != UnitKind::Slice {
                let kind = name.kind().suffix();
                let message = format!("{kind} units are not run yet, ignoring");
                report(
                    &mut self.diagnostics,
                    file.as_str(),
                    Code::NotHonoured,
                    Severity::Warning,
                    message,
                );
            }
            self.pull_in(&mut read.unit, &others);
            read.unit.install.names = others;
            match runs && read.makes_sense {
                true => self.units.insert(name, read.unit),
                false => self.others.insert(name, read.unit),
            };
        }
    }

    /// Counts one more unit; the bound that this passes, in words.
    fn passed_bound(&mut self, file: &UnitName, drop_ins: &[Chosen<'_>]) -> Option<String> {
        if self.units.len() + self.others.len() >= UNITS_MAX {
            return Some(format!("more than {UNITS_MAX} units"));
        }
        let texts = drop_ins.iter().map(|drop_in| drop_in.text.len());
        let texts = texts.chain(self.reader.length(file));
        self.read += texts.map(|length| length + FILE_COST).sum::<usize>();
        let mib = READ_MAX >> 20;
        (self.read > READ_MAX)
            .then(|| format!("units and their instances are more than {mib} MiB of text"))
    }

    /// Adds what the directories of a unit pull in, and queues what it refers to.
    fn pull_in(&mut self, unit: &mut Unit, others: &BTreeSet<UnitName>) {
        // Templates pull nothing in; their instances do.
        if unit.name.is_template() {
            return;
        }
        for (pull, member) in self.directories.members(&unit.name, others) {
            let Member::Unit { unit: member, .. } = member else {
                continue;
            };
            let hand_on = unit.name.instance().unwrap_or(unit.name.prefix());
            let member = match member.is_template() {
                true => member.with_instance(hand_on).ok(),
                false => Some(member.clone()),
            };
            let set = match pull {
                Pull::Wants => &mut unit.unit.wants,
                Pull::Requires => &mut unit.unit.requires,
            };
            set.extend(member.filter(|member| *member != unit.name));
        }
        // All others are in the queue anyway.
        for set in dependencies::sets_mut(&mut unit.unit) {
            let instances = set.iter().filter(|name| name.instance().is_some());
            self.queue.extend(instances.cloned());
        }
    }

    fn finish(mut self) -> Loaded {
        self.resolve_names();
        self.tell_states();
        dependencies::order_targets(&mut self.units);
        let mut aliases = BTreeMap::new();
        for unit in self.units.values().chain(self.others.values()) {
            let names = unit.install.names.iter().cloned();
            aliases.extend(names.map(|name| (name, unit.name.clone())));
        }
        let masked = self
            .names
            .entries()
            .filter(|(_, entry)| **entry != Entry::File);
        let masked = masked.map(|(name, _)| name);
        let masked = masked.filter(|name| matches!(self.names.follow(name), Leads::Masked(_)));
        self.diagnostics.sort();
        self.diagnostics.dedup();
        Loaded {
            masked: masked.cloned().collect(),
            units: UnitSet {
                units: self
                    .units
                    .into_iter()
                    .map(|(name, unit)| (name, Arc::new(unit)))
                    .collect(),
                aliases,
            },
            others: self.others,
            diagnostics: self.diagnostics,
        }
    }

    /// References go to units by their own names.
    fn resolve_names(&mut self) {
        if !self.names.any_others() {
            return;
        }
        for unit in self.units.values_mut().chain(self.others.values_mut()) {
            for set in dependencies::sets_mut(&mut unit.unit) {
                if set.iter().all(|name| self.names.stands_for_itself(name)) {
                    continue;
                }
                *set = set.iter().map(|name| self.names.canonical(name)).collect();
                set.remove(&unit.name);
            }
        }
    }

    fn tell_states(&mut self) {
        let mut links = FileLinks::default();
        for (_, member) in self.directories.owners_of_members() {
            if let Member::Unit { unit, .. } = member {
                links.add_member(unit.clone());
            }
        }
        for (name, entry) in self.names.entries() {
            if let Entry::Link(to) = entry {
                links.add_name(name.clone(), to.clone());
            }
        }
        for unit in self.units.values_mut().chain(self.others.values_mut()) {
            if matches!(unit.origin, Origin::Tree { .. }) {
                unit.install.state = Some(file_state(&unit.name, &unit.install, &links));
            }
        }
    }
}

/// Keeps findings. Instances of one template say the same of its file, and that once; false when
/// there are too many all the same.
fn keep(all: &mut Vec<Diagnostic>, found: &mut Vec<Diagnostic>) -> bool {
    all.append(found);
    if all.len() <= FINDINGS_MAX {
        return true;
    }
    all.sort();
    all.dedup();
    if all.len() <= FINDINGS_MAX / 2 {
        return true;
    }
    let message = format!("more than {} findings", FINDINGS_MAX / 2);
    let file = all[0].file.clone();
    too_many(all, &file, message);
    false
}

/// Refuses a commit that is more than is looked at.
fn too_many(found: &mut Vec<Diagnostic>, file: &str, message: String) {
    report(found, file, Code::TooMany, Severity::Error, message);
}

fn report(
    found: &mut Vec<Diagnostic>,
    file: &str,
    code: Code,
    severity: Severity,
    message: String,
) {
    found.push(Diagnostic {
        file: file.to_owned(),
        line: 0,
        column: 0,
        severity,
        code,
        message,
        hint: None,
    });
}
