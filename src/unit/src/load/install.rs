//! What [Install] asks for: the links that `systemctl enable` would make, and what it would then say
//! of a unit. That a unit is in the commit enables it, so the loader takes these links as made.
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::draft::Place;
use crate::model::InstallSection;
use crate::name::alias::{AliasError, AliasLink, AliasWordError, check_word};
use crate::name::{NameForm, UnitName, is_instance};
use crate::specifier;
use crate::tree::HostFacts;
use crate::value::ValueError;
use std::collections::{BTreeMap, BTreeSet};

/// The lists of [Install].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    WantedBy,
    RequiredBy,
    Alias,
    Also,
}

impl Key {
    const fn name(self) -> &'static str {
        match self {
            Key::WantedBy => "WantedBy",
            Key::RequiredBy => "RequiredBy",
            Key::Alias => "Alias",
            Key::Also => "Also",
        }
    }
}

/// [Install] as it is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub words: Vec<AskedWord>,
    pub default_instance: Option<(String, Place)>,
}

#[derive(Debug, Clone)]
pub(crate) struct AskedWord {
    pub key: Key,
    text: String,
    place: Place,
}

impl Asked {
    pub fn add(&mut self, key: Key, text: String, place: Place) {
        self.words.push(AskedWord { key, text, place });
    }

    /// Where something is asked for, if anything is.
    pub fn place(&self) -> Option<&Place> {
        let words = self.words.iter().map(|asked| &asked.place);
        let instance = self.default_instance.as_ref().map(|(_, place)| place);
        words.chain(instance).next()
    }

    /// Where each word is asked for first; `named` resolves specifiers.
    pub fn places(&self, named: &UnitName, facts: &HostFacts) -> BTreeMap<(Key, String), &Place> {
        let mut places = BTreeMap::new();
        for AskedWord { key, text, place } in &self.words {
            if let Ok(text) = specifier::resolve_name(text, named, facts) {
                places.entry((*key, text)).or_insert(place);
            }
        }
        places
    }

    /// What it means for the unit `name`. What is wrong in it is left out, and said.
    pub fn resolve(
        &self,
        name: &UnitName,
        facts: &HostFacts,
        found: &mut Vec<Diagnostic>,
    ) -> InstallSection {
        let mut install = InstallSection::default();
        let mut wrong = |place: &Place, key: &str, err: &dyn std::fmt::Display| {
            found.push(place.finding(Code::BadValue, Severity::Error, format!("{key}=: {err}")));
        };
        if let Some((text, place)) = &self.default_instance {
            match default_instance(text, name, facts) {
                Ok(instance) => install.default_instance = instance,
                Err(err) => wrong(place, "DefaultInstance", &err),
            }
        }
        let named = named(name, install.default_instance.as_deref());
        for AskedWord { key, text, place } in &self.words {
            if *key == Key::Alias && !name.kind().may_have_aliases() {
                wrong(place, key.name(), &AliasError::Kind);
                continue;
            }
            let text = match specifier::resolve_name(text, &named, facts) {
                Ok(text) => text,
                Err(err) => {
                    wrong(place, key.name(), &err);
                    continue;
                }
            };
            let set = match key {
                Key::WantedBy => &mut install.wanted_by,
                Key::RequiredBy => &mut install.required_by,
                Key::Also => &mut install.also,
                Key::Alias => {
                    install.alias.insert(text);
                    continue;
                }
            };
            match UnitName::parse(&text) {
                Ok(other) => drop(set.insert(other)),
                Err(err) => wrong(place, key.name(), &err),
            }
        }
        install
    }
}

/// In an instance nobody asks for it: the line is the template's.
fn default_instance(
    text: &str,
    name: &UnitName,
    facts: &HostFacts,
) -> Result<Option<String>, ValueError> {
    match name.form() {
        NameForm::Instance => Ok(None),
        NameForm::Plain => Err(ValueError("only templates have instances".into())),
        NameForm::Template => {
            let instance = specifier::resolve_name(text, name, facts)?;
            match instance.is_empty() || is_instance(&instance) {
                true => Ok(Some(instance).filter(|instance| !instance.is_empty())),
                false => Err(ValueError::not(&instance, "instance name")),
            }
        }
    }
}

/// Whose name the specifiers of [Install] mean: of a template that of its default instance.
pub(super) fn named(name: &UnitName, default_instance: Option<&str>) -> UnitName {
    let instance = default_instance.filter(|_| name.is_template());
    let instance = instance.and_then(|instance| name.with_instance(instance).ok());
    instance.unwrap_or_else(|| name.clone())
}

/// A link that `systemctl enable` makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstallLink {
    /// In the directory of units: `x.target.wants/a.service`, or `b.service` for an alias.
    pub path: String,
    /// The file that it leads to.
    pub target: UnitName,
}

/// What `systemctl enable` makes of an [Install] section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstallLinks {
    /// The links, aliases first.
    pub made: Vec<InstallLink>,
    /// Words of `Alias=` that can't be, and why.
    pub refused: Vec<(String, AliasWordError)>,
}

/// The links for `name`, which is read from `file` (of an instance, as a rule, its template's).
///
/// A template is enabled as its `DefaultInstance=`; without one, only templates and instances can
/// pull it in, and they hand on the instance.
pub fn install_links(name: &UnitName, file: &UnitName, install: &InstallSection) -> InstallLinks {
    let mut links = InstallLinks::default();
    let mut make = |path: String| {
        links.made.push(InstallLink {
            path,
            target: file.clone(),
        });
    };
    for word in &install.alias {
        match check_word(word, name) {
            Ok(AliasLink::Name(alias)) => make(alias.into()),
            Ok(AliasLink::Member { .. }) => make(word.clone()),
            // A unit under its own name needs no link.
            Err(AliasWordError::Alias(AliasError::Itself)) => {}
            Err(err) => links.refused.push((word.clone(), err)),
        }
    }
    let member = named(name, install.default_instance.as_deref());
    let owners = [
        ("wants", &install.wanted_by),
        ("requires", &install.required_by),
    ];
    for (directory, owners) in owners {
        for owner in owners {
            if !member.is_template() || owner.instance().is_some() {
                make(format!("{owner}.{directory}/{member}"));
            }
        }
    }
    links
}

/// What `systemctl is-enabled` says of a unit, where the tree is the only directory of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitFileState {
    /// Something pulls it in by a link, or it has the names that it asks for.
    Enabled,
    /// [Install] asks for something, and nothing of it is there: an instance that others refer to.
    Disabled,
    /// It has no [Install].
    Static,
    /// It is enabled by other units of `Also=`, or, a template, by instances that it doesn't name.
    Indirect,
    /// An empty file, or a link to /dev/null.
    Masked,
    /// Another name of a unit.
    Alias,
}

impl UnitFileState {
    /// As systemd spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            UnitFileState::Enabled => "enabled",
            UnitFileState::Disabled => "disabled",
            UnitFileState::Static => "static",
            UnitFileState::Indirect => "indirect",
            UnitFileState::Masked => "masked",
            UnitFileState::Alias => "alias",
        }
    }
}

/// The links of a directory of units, as far as they tell what is enabled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileLinks {
    /// What `.wants/` and `.requires/` name.
    members: BTreeSet<UnitName>,
    /// Links beside the unit files, and where they lead.
    names: BTreeMap<UnitName, UnitName>,
}

impl FileLinks {
    /// A link of a `.wants/` or `.requires/` directory.
    pub fn add_member(&mut self, member: UnitName) {
        // So that a template finds its instances.
        self.members.extend(member.template());
        self.members.insert(member);
    }

    /// A link beside the unit files.
    pub fn add_name(&mut self, link: UnitName, target: UnitName) {
        self.names.insert(link, target);
    }

    /// A link by its path; a path that means nothing here is left out.
    pub fn add(&mut self, link: &InstallLink) {
        match link.path.rsplit_once('/') {
            Some((_, member)) => {
                let member = UnitName::parse(member).ok();
                member
                    .into_iter()
                    .for_each(|member| self.add_member(member));
            }
            None => {
                let name = UnitName::parse(&link.path).ok();
                name.into_iter()
                    .for_each(|name| self.add_name(name, link.target.clone()));
            }
        }
    }
}

/// What `systemctl is-enabled` says of a unit that has a file and is no other unit's alias.
pub fn file_state(name: &UnitName, install: &InstallSection, links: &FileLinks) -> UnitFileState {
    let member = named(name, install.default_instance.as_deref());
    let pulled = !member.is_template() && links.members.contains(&member);
    let mut aliases = install
        .alias
        .iter()
        .filter_map(|word| match check_word(word, name) {
            Ok(AliasLink::Name(alias)) => Some(alias),
            Ok(AliasLink::Member { .. }) | Err(_) => None,
        });
    if pulled || aliases.any(|alias| links.names.get(&alias) == Some(name)) {
        return UnitFileState::Enabled;
    }
    // A link that makes an instance is all the enabling that there is.
    if name.form() == NameForm::Instance && links.names.contains_key(name) {
        return UnitFileState::Static;
    }
    if name.is_template() && links.members.contains(name) {
        return UnitFileState::Indirect;
    }
    let asks = [&install.wanted_by, &install.required_by];
    match (
        asks.into_iter().all(BTreeSet::is_empty),
        install.also.is_empty(),
    ) {
        (false, _) => UnitFileState::Disabled,
        (true, _) if !install.alias.is_empty() => UnitFileState::Disabled,
        (true, false) => UnitFileState::Indirect,
        (true, true) => UnitFileState::Static,
    }
}
