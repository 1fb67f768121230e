//! From the files of a commit to its units: fragments, drop-ins, templates, links, [Install].
use crate::builtin;
use crate::dependencies;
use crate::diagnostic::{Diagnostic, Severity};
use crate::draft::{Context, Draft};
use crate::meaning::meaning;
use crate::model::{MeaningHash, Origin, Unit, UnitSet};
use crate::name::{UnitKind, UnitName};
use crate::read::{read, standings};
use crate::settle::{settle, shares_resources};
use crate::tree::{HostFacts, TreeEntry, TreeFiles};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, LazyLock};

/// Most units of one commit, instances included: instances can refer to ever new instances.
pub const UNITS_MAX: usize = 20_000;
/// Longest chain of aliases that is followed; systemd's own bound.
const ALIASES_MAX: usize = 8;

/// What a tree says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The units that can be run.
    pub units: UnitSet,
    /// Units that were read and can't be run: other kinds, and those that make no sense as a whole.
    pub others: BTreeMap<UnitName, Unit>,
    /// Other names of units, by symlink or `Alias=`; references are already resolved.
    pub aliases: BTreeMap<UnitName, UnitName>,
    /// Sorted by file and line. One error refuses the commit.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// A unit that was read, whether it can be run or not.
    pub fn unit(&self, name: &UnitName) -> Option<&Unit> {
        let runs = self.units.units.get(name).map(|unit| &**unit);
        runs.or_else(|| self.others.get(name))
    }

    /// Whether something refuses the commit.
    pub fn has_errors(&self) -> bool {
        let mut all = self.diagnostics.iter();
        all.any(|finding| finding.severity == Severity::Error)
    }
}

/// Reads all units of a tree. Never fails as a whole: what is wrong is in the diagnostics.
pub fn load(tree: &TreeFiles, facts: &HostFacts) -> Loaded {
    let mut loader = Loader::new(tree, facts);
    loader.survey();
    loader.read_all();
    loader.finish()
}

/// Which set of a unit a `.wants/` or `.requires/` directory fills.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pull {
    Wants,
    Requires,
}

struct Loader<'a> {
    tree: &'a TreeFiles,
    facts: &'a HostFacts,
    /// Units with a file or link of their own: what the commit enables.
    explicit: BTreeMap<UnitName, &'a str>,
    masked: BTreeSet<UnitName>,
    aliases: BTreeMap<UnitName, UnitName>,
    /// `x.target.wants/a.service`: who, what, how.
    pulls: BTreeSet<(UnitName, UnitName, Pull)>,
    units: BTreeMap<UnitName, Unit>,
    others: BTreeMap<UnitName, Unit>,
    queue: VecDeque<UnitName>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Loader<'a> {
    fn new(tree: &'a TreeFiles, facts: &'a HostFacts) -> Loader<'a> {
        Loader {
            tree,
            facts,
            explicit: BTreeMap::new(),
            masked: BTreeSet::new(),
            aliases: BTreeMap::new(),
            pulls: BTreeSet::new(),
            units: BTreeMap::new(),
            others: BTreeMap::new(),
            queue: VecDeque::new(),
            diagnostics: Vec::new(),
        }
    }

    /// Sorts the entries of the tree by what they are.
    fn survey(&mut self) {
        for (path, entry) in &self.tree.entries {
            match path.split_once('/') {
                None => self.survey_unit(path, entry),
                Some((dir, file)) if !file.contains('/') => {
                    self.survey_member(path, dir, file, entry)
                }
                Some(_) => {}
            }
        }
        let circular: Vec<UnitName> = self
            .aliases
            .keys()
            .filter(|name| self.aliases.contains_key(&self.canonical(name)))
            .cloned()
            .collect();
        for name in circular {
            let message = "links in a circle, or over too many links".to_owned();
            self.report(name.as_str(), Severity::Error, message);
        }
    }

    fn survey_unit(&mut self, path: &'a str, entry: &TreeEntry) {
        let name = match UnitName::parse(path) {
            Ok(name) => name,
            // README.md, scripts: not ours to judge.
            Err(crate::UnitNameError::Suffix(_)) => return,
            Err(err) => return self.report(path, Severity::Error, err.to_string()),
        };
        match entry {
            TreeEntry::File(text) if text.is_empty() => {
                self.masked.insert(name);
            }
            TreeEntry::File(_) => {
                self.explicit.insert(name, path);
            }
            TreeEntry::Symlink(target) if target == "/dev/null" => {
                self.masked.insert(name);
            }
            TreeEntry::Symlink(target) => self.survey_link(path, name, target),
            TreeEntry::Problem(why) => {
                self.report(path, Severity::Error, format!("can't be read: {why}"));
            }
        }
    }

    /// A link to a sibling is an alias, or makes an instance of a template.
    fn survey_link(&mut self, path: &str, name: UnitName, target: &str) {
        let sibling = target.strip_prefix("./").unwrap_or(target);
        let found = UnitName::parse(sibling)
            .ok()
            .and_then(|target| Some((self.tree.entries.get_key_value(target.as_str())?.0, target)));
        let Some((fragment, target)) = found else {
            let message = format!("links to {target}, which is no unit of this directory");
            return self.report(path, Severity::Error, message);
        };
        if target.kind() != name.kind() {
            let message = format!("links to {target}, which is another kind of unit");
            self.report(path, Severity::Error, message);
        } else if name.template().as_ref() == Some(&target) {
            self.explicit.insert(name, fragment);
        } else {
            self.aliases.insert(name, target);
        }
    }

    /// `x.target.wants/a.service`; drop-ins are looked up when their unit is read.
    fn survey_member(&mut self, path: &str, dir: &str, file: &str, entry: &TreeEntry) {
        let (owner, pull) = match dir.rsplit_once('.') {
            Some((owner, "wants")) => (owner, Pull::Wants),
            Some((owner, "requires")) => (owner, Pull::Requires),
            Some((owner, "d")) => {
                if let (true, TreeEntry::Problem(why)) = (file.ends_with(".conf"), entry) {
                    // Only where a unit could be meant: conf.d/ of others is not ours.
                    if owner.contains('.') || owner == "service" || owner == "target" {
                        self.report(path, Severity::Error, format!("can't be read: {why}"));
                    }
                }
                return;
            }
            Some(_) | None => return,
        };
        match (UnitName::parse(owner), UnitName::parse(file)) {
            (Ok(owner), Ok(wanted)) => {
                self.pulls.insert((owner, wanted, pull));
            }
            (Ok(_), Err(err)) => self.report(path, Severity::Error, err.to_string()),
            (Err(_), _) => {}
        }
    }

    fn read_all(&mut self) {
        self.queue.extend(self.explicit.keys().cloned());
        let pulled: Vec<UnitName> = self
            .pulls
            .iter()
            .map(|(_, wanted, _)| wanted.clone())
            .collect();
        self.queue.extend(pulled);
        let owners: Vec<UnitName> = self
            .pulls
            .iter()
            .map(|(owner, _, _)| owner.clone())
            .collect();
        self.queue.extend(owners);
        while let Some(name) = self.queue.pop_front() {
            let name = self.canonical(&name);
            if self.units.contains_key(&name)
                || self.others.contains_key(&name)
                || self.masked.contains(&name)
            {
                continue;
            }
            let Some(path) = self.fragment(&name) else {
                continue;
            };
            if self.units.len() >= UNITS_MAX {
                let message = format!("more than {UNITS_MAX} units");
                self.report(path, Severity::Error, message);
                return;
            }
            if let Some((unit, makes_sense)) = self.read_unit(&name, path) {
                if !name.is_template() {
                    self.queue.extend(references(&unit));
                }
                let runs = matches!(name.kind(), UnitKind::Service | UnitKind::Target);
                match runs && makes_sense {
                    true => self.units.insert(name, unit),
                    false => self.others.insert(name, unit),
                };
            }
        }
    }

    /// The file that `name` is read from: its own, or its template's.
    fn fragment(&self, name: &UnitName) -> Option<&'a str> {
        let own = self.explicit.get(name);
        own.or_else(|| self.explicit.get(&name.template()?))
            .copied()
    }

    /// Follows aliases; an instance of an aliased template follows the template.
    fn canonical(&self, name: &UnitName) -> UnitName {
        let mut name = name.clone();
        for _ in 0..ALIASES_MAX {
            if let Some(target) = self.aliases.get(&name) {
                name = match target.is_template() && !name.is_template() {
                    true => instance_of(target, name.instance().unwrap_or(name.prefix()))
                        .unwrap_or(name),
                    false => target.clone(),
                };
                continue;
            }
            let template = name
                .template()
                .and_then(|template| self.aliases.get(&template));
            match template.and_then(|target| instance_of(target, name.instance()?)) {
                Some(target) => name = target,
                None => return name,
            }
        }
        name
    }

    /// The unit, and whether it makes sense as a whole.
    fn read_unit(&mut self, name: &UnitName, path: &'a str) -> Option<(Unit, bool)> {
        let TreeEntry::File(text) = self.tree.entries.get(path)? else {
            return None;
        };
        let drop_ins = self.drop_ins(name);
        // A template is checked as some instance of it would be; its own values are used by none.
        let sample = name
            .is_template()
            .then(|| instance_of(name, "instance"))
            .flatten();
        let mut draft = Draft::new();
        let mut found = Vec::new();
        let files = std::iter::once((path, text.as_str())).chain(drop_ins.iter().copied());
        for (file, text) in files {
            let mut cx = Context {
                name: sample.as_ref().unwrap_or(name),
                facts: self.facts,
                file,
                line: 0,
                diagnostics: &mut found,
            };
            read(&mut draft, &mut cx, text);
        }
        let broken = found
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        let settled = settle(&mut draft, name, self.facts);
        dependencies::imply(&mut draft, name, self.facts);
        self.install(name, path, &mut draft);
        let origin = Origin::Tree {
            fragment: path.to_owned(),
            drop_ins: drop_ins
                .iter()
                .map(|(file, _)| (*file).to_owned())
                .collect(),
        };
        let said = std::mem::take(&mut draft.said);
        let unit = compose(name, origin, draft);
        let runs = matches!(name.kind(), UnitKind::Service | UnitKind::Target);
        if runs {
            standings(&said, &unit, silent(name.kind()), &mut found);
        }
        self.diagnostics.append(&mut found);
        if let Err(err) = &settled {
            // With lines refused, what is missing may just be what was refused.
            if !broken {
                self.report(path, Severity::Error, err.to_string());
            }
        }
        if !runs && self.explicit.get(name) == Some(&path) {
            let kind = name.kind().suffix();
            let message = format!("{kind} units are not run yet, ignoring");
            self.report(path, Severity::Warning, message);
        }
        Some((unit, settled.is_ok()))
    }

    /// [Install] of a unit that is in the commit counts as enabled. A template with
    /// `DefaultInstance=` makes that instance one of the commit's units.
    fn install(&mut self, name: &UnitName, path: &'a str, draft: &mut Draft) {
        if !self.explicit.contains_key(name) {
            return;
        }
        if name.is_template() {
            let instance = draft.default_instance.as_deref();
            if let Some(enabled) = instance.and_then(|instance| instance_of(name, instance)) {
                self.explicit.entry(enabled.clone()).or_insert(path);
                self.queue.push_back(enabled);
            }
            return;
        }
        let wants = draft.install.wanted_by.iter();
        let requires = draft.install.required_by.iter();
        let pulls = wants
            .map(|owner| (owner, Pull::Wants))
            .chain(requires.map(|owner| (owner, Pull::Requires)));
        for (owner, pull) in pulls {
            self.queue.push_back(owner.clone());
            self.pulls.insert((owner.clone(), name.clone(), pull));
        }
        for alias in draft.aliases.drain(..) {
            if alias != *name && !self.explicit.contains_key(&alias) {
                self.aliases.entry(alias).or_insert_with(|| name.clone());
            }
        }
    }

    /// Drop-ins in the order in which they are read: by file name; of equal names the one for the
    /// more specific unit name counts.
    fn drop_ins(&self, name: &UnitName) -> Vec<(&'a str, &'a str)> {
        let mut chosen: BTreeMap<&str, Option<(&'a str, &'a str)>> = BTreeMap::new();
        for owner in drop_in_owners(name) {
            let dir = format!("{owner}.d/");
            let entries = self.tree.entries.range(dir.clone()..);
            for (path, entry) in entries.take_while(|(path, _)| path.starts_with(&dir)) {
                let file = &path[dir.len()..];
                if !file.ends_with(".conf") || file.contains('/') {
                    continue;
                }
                let text = match entry {
                    TreeEntry::File(text) => Some((path.as_str(), text.as_str())),
                    // A link to /dev/null takes a drop-in away.
                    TreeEntry::Symlink(_) | TreeEntry::Problem(_) => None,
                };
                chosen.entry(file).or_insert(text);
            }
        }
        chosen.into_values().flatten().collect()
    }

    fn finish(mut self) -> Loaded {
        for target in builtin::units() {
            if !self.masked.contains(&target.name) && !self.aliases.contains_key(&target.name) {
                self.units.entry(target.name.clone()).or_insert(target);
            }
        }
        let pulls = std::mem::take(&mut self.pulls);
        for (owner, wanted, pull) in pulls {
            let (owner, wanted) = (self.canonical(&owner), self.canonical(&wanted));
            if let Some(unit) = self.units.get_mut(&owner) {
                let set = match pull {
                    Pull::Wants => &mut unit.unit.wants,
                    Pull::Requires => &mut unit.unit.requires,
                };
                set.insert(wanted);
            } else if !self.masked.contains(&owner) && owner.kind() == UnitKind::Target {
                let message =
                    format!("nothing pulls in {wanted} by {owner}: it is not in the tree");
                let path = self.fragment(&wanted).unwrap_or(wanted.as_str()).to_owned();
                self.report(&path, Severity::Warning, message);
            }
        }
        self.orphans();
        self.resolve_aliases();
        dependencies::order_targets(&mut self.units);
        self.diagnostics.sort();
        self.diagnostics.dedup();
        let units = self.units.into_iter();
        Loaded {
            units: UnitSet {
                units: units.map(|(name, unit)| (name, Arc::new(unit))).collect(),
            },
            others: self.others,
            aliases: self.aliases,
            diagnostics: self.diagnostics,
        }
    }

    /// Drop-ins that no unit reads are said, not skipped.
    fn orphans(&mut self) {
        for path in self.tree.entries.keys() {
            let owner = path
                .split_once(".d/")
                .filter(|(_, file)| file.ends_with(".conf"));
            let Some(owner) = owner.and_then(|(owner, _)| UnitName::parse(owner).ok()) else {
                continue;
            };
            // `a-.service.d/` speaks for any `a-b.service`, of which there may be none.
            let known = self.units.get(&owner);
            let read = known.is_some_and(|unit| matches!(unit.origin, Origin::Tree { .. }));
            if read || owner.prefix().ends_with('-') || self.masked.contains(&owner) {
                continue;
            }
            let message = match self.aliases.get(&owner) {
                Some(unit) => {
                    format!("{owner} is another name of {unit}: move this to {unit}.d/, ignoring")
                }
                None => format!("drop-in for {owner}, which is not run from this tree, ignoring"),
            };
            self.report(path, Severity::Warning, message);
        }
    }

    fn resolve_aliases(&mut self) {
        if self.aliases.is_empty() {
            return;
        }
        let mut units = std::mem::take(&mut self.units);
        for unit in units.values_mut() {
            for set in dependencies::sets_mut(&mut unit.unit) {
                *set = set.iter().map(|name| self.canonical(name)).collect();
            }
        }
        self.units = units;
    }

    fn report(&mut self, file: &str, severity: Severity, message: String) {
        self.diagnostics.push(Diagnostic {
            file: file.to_owned(),
            line: 0,
            severity,
            message,
            hint: None,
        });
    }
}

/// The unit that a settled draft makes.
fn compose(name: &UnitName, origin: Origin, draft: Draft) -> Unit {
    let mut unit = Unit {
        name: name.clone(),
        origin,
        unit: draft.unit,
        service: shares_resources(name.kind()).then(|| Box::new(draft.service)),
        settings: draft.settings,
        triggers: draft.triggers,
        install: draft.install,
        meaning: MeaningHash(0),
    };
    unit.meaning = meaning(&unit);
    unit
}

/// A unit of a kind that says nothing: what its directives are by default.
pub(crate) fn silent(kind: UnitKind) -> &'static Unit {
    static SILENT: LazyLock<BTreeMap<UnitKind, Unit>> = LazyLock::new(|| {
        let unit = |kind: UnitKind| {
            let name = UnitName::parse(&format!("x.{}", kind.suffix())).expect("a valid name");
            let mut draft = Draft::new();
            // It has nothing to run, watch or listen on, which is fine here.
            let _ = settle(&mut draft, &name, &HostFacts::example());
            let origin = Origin::BuiltIn { reached: false };
            (kind, compose(&name, origin, draft))
        };
        UnitKind::ALL.into_iter().map(unit).collect()
    });
    &SILENT[&kind]
}

fn instance_of(template: &UnitName, instance: &str) -> Option<UnitName> {
    let suffix = template.kind().suffix();
    UnitName::parse(&format!("{}@{instance}.{suffix}", template.prefix())).ok()
}

/// Units that `unit` names, and that may be instances to make.
fn references(unit: &Unit) -> Vec<UnitName> {
    let u = &unit.unit;
    [
        &u.requires,
        &u.wants,
        &u.requisite,
        &u.binds_to,
        &u.part_of,
        &u.after,
        &u.before,
    ]
    .into_iter()
    .flatten()
    .filter(|name| name.instance().is_some())
    .cloned()
    .collect()
}

/// Whose `.d/` directories speak for a unit, the most specific first: itself, its template,
/// `a-b-` and `a-` of `a-b-c`, and its kind.
fn drop_in_owners(name: &UnitName) -> Vec<String> {
    let suffix = name.kind().suffix();
    let mut owners = vec![name.to_string()];
    owners.extend(name.template().map(String::from));
    let mut prefix = name.prefix();
    while let Some(at) = prefix.trim_end_matches('-').rfind('-') {
        prefix = &prefix[..=at];
        if let Some(instance) = name.instance().filter(|instance| !instance.is_empty()) {
            owners.push(format!("{prefix}@{instance}.{suffix}"));
        }
        let at_sign = if name.instance().is_some() { "@" } else { "" };
        owners.push(format!("{prefix}{at_sign}.{suffix}"));
    }
    owners.push(suffix.to_owned());
    owners
}
