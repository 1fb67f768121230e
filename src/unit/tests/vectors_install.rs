//! Enabling units: systemd's answers.
mod table;
mod tree;

use gitproc_unit::name::alias::{AliasLink, check_word};
use gitproc_unit::{
    FileLinks, HostFacts, InstallLink, Loaded, Origin, TreeEntry, TreeFiles, Unit, UnitName,
    file_state, install_links, load,
};
use std::cell::RefCell;
use std::collections::BTreeSet;
use table::{Row, check, same};
use tree::name;

#[test]
fn words_of_alias_are_judged() {
    check(include_str!("vectors/alias.tsv"), |row| {
        let word = row.text("word");
        let found = match check_word(&word, &name(&row.text("unit"))) {
            Ok(AliasLink::Name(name)) if name.as_str() != word => name.to_string(),
            Ok(AliasLink::Name(_) | AliasLink::Member { .. }) => "allowed".into(),
            Err(_) => "refused".into(),
        };
        same(found, row.text("result"))
    });
}

/// A tree, and which of the links that its units ask for have been made: one by one, other than
/// where a commit enables all that is in it.
#[derive(Default)]
struct Host {
    tree: TreeFiles,
    made: BTreeSet<InstallLink>,
}

impl Host {
    /// The tree with a target that wants `name`, so that instances are loaded.
    fn look(&self, name: &UnitName) -> (Loaded, UnitName) {
        let mut tree = self.tree.clone();
        let probe = format!("[Unit]\nWants={name}\n");
        tree.entries
            .insert("probe.target".into(), TreeEntry::File(probe));
        let all = load(&tree, &HostFacts::example());
        let own = match name.is_template() {
            true => all.units.canonical(name).clone(),
            false => {
                let probe = all.unit(&tree::name("probe.target")).expect("the probe");
                probe.unit.wants.first().expect("it wants one").clone()
            }
        };
        (all, own)
    }

    fn state(&self, name: &UnitName) -> Option<&'static str> {
        let (all, own) = self.look(name);
        if all.masked.contains(name) || all.masked.contains(&own) {
            return Some("masked");
        }
        let unit = all.unit(&own)?;
        if own != *name && name.instance().is_none_or(str::is_empty) {
            return Some("alias");
        }
        let mut links = FileLinks::default();
        for (path, entry) in &self.tree.entries {
            if let (TreeEntry::Symlink(to), Ok(target)) = (entry, UnitName::parse(path)) {
                links.add_name(target, tree::name(to));
            }
        }
        self.made.iter().for_each(|link| links.add(link));
        Some(file_state(&own, &unit.install, &links).as_str())
    }

    /// The links of a unit and of its `Also=`; `None` for a masked one.
    fn links(&self, name: &UnitName) -> Option<BTreeSet<InstallLink>> {
        let (all, own) = self.look(name);
        let unit = all.unit(&own)?;
        let links = install_links(&own, &file(unit), &unit.install);
        let mut links: BTreeSet<InstallLink> = links.made.into_iter().collect();
        for other in &unit.install.also {
            links.extend(self.links(other)?);
        }
        Some(links)
    }

    fn step(&mut self, row: &Row) -> Result<(), String> {
        let path = row.text("name");
        let text = || row.text("text");
        let name = || tree::name(&path);
        match row.text("do").as_str() {
            "fresh" => *self = Host::default(),
            "write" => {
                self.tree.entries.insert(path, TreeEntry::File(text()));
            }
            "link" => {
                self.tree.entries.insert(path, TreeEntry::Symlink(text()));
            }
            "remove" => {
                self.tree.entries.remove(&path).ok_or("it is not there")?;
            }
            "there" => return same(self.state(&name()).is_some(), true),
            "state" => {
                let found = self.state(&name()).map(str::to_owned);
                return same(found, row.option("result"));
            }
            "enable" => {
                // Nothing is made for a masked unit.
                let links = self.links(&name()).unwrap_or_default();
                let shown = |link: &InstallLink| format!("{} {}", link.path, link.target);
                let shown: Vec<String> = links.iter().map(shown).collect();
                self.made.extend(links);
                return same(shown, row.list("result"));
            }
            "disable" => {
                let links = self.links(&name()).ok_or("it is not there")?;
                let gone = links.iter().filter(|link| self.made.remove(*link));
                let gone: Vec<String> = gone.map(|link| link.path.clone()).collect();
                return same(gone, row.list("result"));
            }
            "said" => {
                let (all, _) = self.look(&name());
                let said = all
                    .diagnostics
                    .iter()
                    .map(|found| (&*found.file, &*found.message));
                let expected = row.text("result");
                return same(
                    said.into_iter().any(|found| found == (&*path, &*expected)),
                    true,
                );
            }
            "name-of" => return same(self.look(&name()).1.to_string(), row.text("result")),
            "wants" => {
                let (all, own) = self.look(&name());
                let wants = all.unit(&own).map(|unit| tree::list(&unit.unit.wants));
                return same(wants, row.option("result"));
            }
            what => return Err(format!("what is {what}?")),
        }
        Ok(())
    }
}

fn file(unit: &Unit) -> UnitName {
    match &unit.origin {
        Origin::Tree { fragment, .. } => name(fragment),
        Origin::BuiltIn { .. } => unit.name.clone(),
    }
}

#[test]
fn links_are_made_and_states_told() {
    let host = RefCell::new(Host::default());
    check(include_str!("vectors/install.tsv"), |row| {
        host.borrow_mut().step(row)
    });
}
