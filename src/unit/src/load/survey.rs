//! What each entry of the tree is: a unit, another name of one, a mask, or a part of a directory
//! that units read.
use super::aim::{Aim, aim};
use super::directories::{Directories, DropIn, Member, Pull};
use super::names::{Entry, Leads, Names};
use super::report;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::draft::Place;
use crate::name::alias::{AliasError, check, link_fits};
use crate::name::{UnitKind, UnitName, UnitNameError};
use crate::tree::{HostFacts, TreeEntry, TreeFiles};
use crate::value::is_hidden_or_backup;

/// The entries of a tree, sorted by what they are.
pub(super) struct Survey<'a> {
    tree: &'a TreeFiles,
    units_dir: Option<&'a str>,
    pub names: Names,
    pub directories: Directories<'a>,
    pub diagnostics: Vec<Diagnostic>,
}

impl<'a> Survey<'a> {
    pub fn of(tree: &'a TreeFiles, facts: &'a HostFacts) -> Survey<'a> {
        let mut survey = Survey {
            tree,
            units_dir: facts.units_dir.as_deref(),
            names: Names::default(),
            directories: Directories::default(),
            diagnostics: Vec::new(),
        };
        for (path, entry) in &tree.entries {
            match path.split_once('/') {
                None => survey.top(path, entry),
                Some((directory, file)) if !file.contains('/') => {
                    survey.within(path, directory, file, entry);
                }
                Some(_) => {}
            }
        }
        survey.check_links();
        survey
    }

    fn refuse(&mut self, path: &str, code: Code, message: String) {
        report(&mut self.diagnostics, path, code, Severity::Error, message);
    }

    fn top(&mut self, path: &str, entry: &TreeEntry) {
        let name = match UnitName::parse(path) {
            Ok(name) => name,
            // README.md, scripts: not ours to judge.
            Err(UnitNameError::Suffix(_)) => return,
            Err(err) => return self.refuse(path, Code::BadName, err.to_string()),
        };
        let found = match entry {
            TreeEntry::File(text) if text.is_empty() => Entry::Mask,
            TreeEntry::File(_) if !fits_kind(&name) => {
                let message = format!("there are no templates of {} units", name.kind().suffix());
                return self.refuse(path, Code::BadName, message);
            }
            TreeEntry::File(_) => Entry::File,
            TreeEntry::Symlink(target) => match aim(path, target, self.units_dir) {
                Aim::Null => Entry::Mask,
                Aim::Inside(inside) => match UnitName::parse(&inside) {
                    Ok(to) => match check(&name, &to) {
                        // In a circle of one: said with the other circles.
                        Ok(()) | Err(AliasError::Itself) => Entry::Link(to),
                        Err(err) => {
                            let message = format!("links to {to}, which can't be: {err}");
                            return self.refuse(path, Code::BadLink, message);
                        }
                    },
                    Err(_) => return self.astray(path, target),
                },
                Aim::Outside => return self.astray(path, target),
            },
            TreeEntry::Problem(why) => {
                return self.refuse(path, Code::Unreadable, format!("can't be read: {why}"));
            }
        };
        self.names.insert(name, found);
    }

    fn astray(&mut self, path: &str, target: &str) {
        let message = format!("links to {target}, which is no unit of this directory");
        self.refuse(path, Code::BadLink, message);
    }

    /// Links that lead nowhere, once all entries are known.
    fn check_links(&mut self) {
        let mut found = Vec::new();
        for (name, entry) in self.names.entries() {
            let Entry::Link(to) = entry else { continue };
            let message = match self.names.resolve(name) {
                Leads::Unit { .. } | Leads::BuiltIn(_) | Leads::Masked(_) => continue,
                Leads::Missing => format!("links to {to}, which is no unit of this directory"),
                Leads::Endless => "links in a circle, or over too many links".to_owned(),
            };
            found.push((name.clone(), message));
        }
        for (name, message) in found {
            self.refuse(name.as_str(), Code::BadLink, message);
        }
    }

    /// `x.service.d/10-a.conf`, `x.target.wants/a.service`.
    fn within(&mut self, path: &'a str, directory: &'a str, file: &'a str, entry: &'a TreeEntry) {
        let Some((owner, suffix)) = directory.rsplit_once('.') else {
            return;
        };
        // `x.service.d`, or `service.d` for all of a kind; conf.d/ of others is not ours.
        let speaks = UnitName::parse(owner).is_ok()
            || UnitKind::ALL.into_iter().any(|kind| kind.suffix() == owner);
        if !speaks || is_hidden_or_backup(file) {
            return;
        }
        match suffix {
            "d" if file.ends_with(".conf") => self.drop_in(path, owner, file, entry),
            "wants" => self.member(path, (owner, Pull::Wants), file, entry),
            "requires" => self.member(path, (owner, Pull::Requires), file, entry),
            _ => {}
        }
    }

    fn drop_in(&mut self, path: &'a str, owner: &'a str, file: &'a str, entry: &'a TreeEntry) {
        let (mut at, mut entry) = (path, entry);
        for _ in 0..=LINKS_MAX {
            let found = match entry {
                TreeEntry::File(text) if text.is_empty() => DropIn::Mask,
                TreeEntry::File(text) => DropIn::File { path: at, text },
                TreeEntry::Problem(why) => {
                    return self.refuse(at, Code::Unreadable, format!("can't be read: {why}"));
                }
                TreeEntry::Symlink(target) => match aim(at, target, self.units_dir) {
                    Aim::Null => DropIn::Mask,
                    Aim::Inside(inside) => {
                        let Some((next, content)) = self.tree.entries.get_key_value(&inside) else {
                            return self.elsewhere(path, target);
                        };
                        (at, entry) = (next, content);
                        continue;
                    }
                    Aim::Outside => return self.elsewhere(path, target),
                },
            };
            // It goes by the name of the link, and is cited by the file that was written.
            return self.directories.add_drop_in(owner, file, found);
        }
        let message = "links in a circle, or over too many links".to_owned();
        self.refuse(path, Code::BadLink, message);
    }

    fn elsewhere(&mut self, path: &str, target: &str) {
        let message = format!("links to {target}, which is no file of a unit of this directory");
        self.refuse(path, Code::BadLink, message);
    }

    fn member(
        &mut self,
        path: &'a str,
        (owner, pull): (&str, Pull),
        file: &str,
        entry: &TreeEntry,
    ) {
        let target = match entry {
            TreeEntry::File(text) if text.is_empty() => {
                return self.directories.add_member(owner, pull, file, Member::Mask);
            }
            TreeEntry::File(_) => {
                let directory = match pull {
                    Pull::Wants => "wants",
                    Pull::Requires => "requires",
                };
                let message = format!("is no link, and .{directory}/ holds links to units");
                return self.refuse(path, Code::BadLink, message);
            }
            TreeEntry::Problem(why) => {
                return self.refuse(path, Code::Unreadable, format!("can't be read: {why}"));
            }
            TreeEntry::Symlink(target) => target,
        };
        let aim = aim(path, target, self.units_dir);
        if aim == Aim::Null {
            return self.directories.add_member(owner, pull, file, Member::Mask);
        }
        let unit = match UnitName::parse(file) {
            Ok(unit) => unit,
            Err(err) => return self.refuse(path, Code::BadName, err.to_string()),
        };
        let hands_on = owner.contains('@');
        let leads_to = target
            .rsplit('/')
            .next()
            .and_then(|name| UnitName::parse(name).ok());
        if !leads_to.is_some_and(|leads_to| link_fits(&unit, &leads_to, hands_on)) {
            let message =
                format!("links to {target}, but it is the name of the link that counts: {unit}");
            report(
                &mut self.diagnostics,
                path,
                Code::BadLink,
                Severity::Warning,
                message,
            );
        }
        let member = Member::Unit {
            unit,
            place: Place {
                file: path.to_owned(),
                line: 0,
                column: 0,
            },
            outside: (aim == Aim::Outside).then(|| target.clone()),
        };
        self.directories.add_member(owner, pull, file, member);
    }
}

/// Longest chain of links that is followed.
const LINKS_MAX: usize = 8;

fn fits_kind(name: &UnitName) -> bool {
    name.kind().may_be_template() || name.instance().is_none()
}
