//! One unit from its files: a fragment and its drop-ins, or drop-ins to a unit of the host.
use super::directories::{Chosen, Directories};
use super::install::Asked;
use super::names::Names;
use crate::builtin::is_built_in;
use crate::dependencies;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::draft::{Context, Draft};
use crate::meaning::meaning;
use crate::model::{InstallSection, MeaningHash, Origin, Unit};
use crate::name::{UnitKind, UnitName};
use crate::read::{Parsed, read, read_install, standings};
use crate::settle::{settle, shares_resources};
use crate::tree::{HostFacts, TreeEntry, TreeFiles};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::LazyLock;

/// A unit that was read.
pub(super) struct Composed {
    pub unit: Unit,
    /// Whether it makes sense as a whole.
    pub makes_sense: bool,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads files of a tree. Each is parsed once, however many units are made of it.
pub(super) struct Reader<'a> {
    tree: &'a TreeFiles,
    facts: &'a HostFacts,
    parsed: RefCell<BTreeMap<&'a str, Rc<Parsed>>>,
}

impl<'a> Reader<'a> {
    pub fn new(tree: &'a TreeFiles, facts: &'a HostFacts) -> Reader<'a> {
        Reader {
            tree,
            facts,
            parsed: RefCell::default(),
        }
    }

    /// Bytes of a unit's file.
    pub fn length(&self, file: &UnitName) -> Option<usize> {
        self.fragment(file).map(|(_, text)| text.len())
    }

    /// Path and text of a unit's file.
    fn fragment(&self, file: &UnitName) -> Option<(&'a str, &'a str)> {
        match self.tree.entries.get_key_value(file.as_str())? {
            (path, TreeEntry::File(text)) => Some((path, text)),
            (_, TreeEntry::Symlink(_) | TreeEntry::Problem(_)) => None,
        }
    }

    fn parsed(&self, path: &'a str, text: &str) -> Rc<Parsed> {
        let mut parsed = self.parsed.borrow_mut();
        let file = parsed
            .entry(path)
            .or_insert_with(|| Rc::new(Parsed::of(path, text)));
        Rc::clone(file)
    }

    /// [Install] of a unit as written: of its file, and of the drop-ins in its own directories.
    pub fn asked(
        &self,
        unit: &UnitName,
        file: &UnitName,
        names: &Names,
        dirs: &Directories<'a>,
    ) -> Asked {
        let drop_ins = dirs.drop_ins(unit, &BTreeSet::new());
        let drop_ins = drop_ins.iter().filter(|drop_in| drop_in.installs);
        let files = self.fragment(file).into_iter();
        let files = files.chain(drop_ins.map(|drop_in| (drop_in.path, drop_in.text)));
        let mut draft = None;
        for (path, text) in files.filter(|(_, text)| text.contains("[Install")) {
            let mut unsaid = Vec::new();
            let mut cx = self.context(unit, names, path, &mut unsaid);
            read_install(
                draft.get_or_insert_with(Draft::new),
                &mut cx,
                &self.parsed(path, text),
            );
        }
        draft.map_or_else(Asked::default, |draft| draft.asked)
    }

    fn context<'c>(
        &'c self,
        name: &'c UnitName,
        names: &'c Names,
        file: &'c str,
        diagnostics: &'c mut Vec<Diagnostic>,
    ) -> Context<'c> {
        Context {
            name,
            facts: self.facts,
            names,
            file,
            line: 0,
            column: 0,
            diagnostics,
        }
    }

    /// Reads one file into `draft`. An [Install] that `systemctl enable` doesn't look at is said.
    fn read(
        &self,
        draft: &mut Draft,
        cx: &mut Context<'_>,
        (path, text): (&'a str, &str),
        installs: bool,
    ) {
        let kept = (!installs).then(|| draft.asked.clone());
        if !installs {
            draft.asked = Asked::default();
        }
        read(draft, cx, &self.parsed(path, text));
        let Some(kept) = kept else { return };
        let lost = std::mem::replace(&mut draft.asked, kept);
        if let Some(place) = lost.place() {
            let message = match cx.names.get(cx.name) {
                None if is_built_in(cx.name) => {
                    "nothing enables a unit of the host by [Install], ignoring".to_owned()
                }
                _ => format!(
                    "[Install] counts in drop-ins of {} itself only, ignoring",
                    cx.name
                ),
            };
            cx.add(place.finding(Code::NotHonoured, Severity::Warning, message));
        }
    }

    /// The unit `name` of the file `file`; `install` when it is already known.
    pub fn unit(
        &self,
        name: &UnitName,
        file: &UnitName,
        install: Option<InstallSection>,
        drop_ins: &[Chosen<'a>],
        names: &Names,
    ) -> Option<Composed> {
        let fragment = self.fragment(file)?;
        // A template is checked as some instance of it would be; its own values are used by none.
        let sample = match name.is_template() {
            true => name.with_instance("instance").ok(),
            false => None,
        };
        let called = sample.as_ref().unwrap_or(name);
        let mut draft = Draft::new();
        let mut found = Vec::new();
        let mut cx = self.context(called, names, fragment.0, &mut found);
        self.read(&mut draft, &mut cx, fragment, true);
        if !file.is_template() {
            // Read twice at most; templates are read for each instance.
            self.parsed.borrow_mut().remove(fragment.0);
        }
        for drop_in in drop_ins {
            let mut cx = self.context(called, names, drop_in.path, &mut found);
            self.read(
                &mut draft,
                &mut cx,
                (drop_in.path, drop_in.text),
                drop_in.installs,
            );
        }
        let broken = found
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        let settled = settle(&mut draft, name, self.facts);
        dependencies::imply(&mut draft, name, self.facts);
        let install = install.unwrap_or_else(|| draft.asked.resolve(name, self.facts, &mut found));
        let origin = Origin::Tree {
            fragment: fragment.0.to_owned(),
            drop_ins: drop_ins
                .iter()
                .map(|drop_in| drop_in.path.to_owned())
                .collect(),
        };
        let said = std::mem::take(&mut draft.said);
        let given = std::mem::take(&mut draft.given);
        let mut unit = compose(name, origin, draft, install);
        unit.meaning = meaning(&unit, |id| given.contains(&id));
        if is_run(name.kind()) {
            standings(&said, &unit, silent(name.kind()), &mut found);
        }
        if let Err(err) = &settled {
            // With lines refused, what is missing may just be what was refused.
            if !broken {
                super::report(
                    &mut found,
                    fragment.0,
                    Code::BadService,
                    Severity::Error,
                    err.to_string(),
                );
            }
        }
        Some(Composed {
            unit,
            makes_sense: settled.is_ok(),
            diagnostics: found,
        })
    }

    /// A unit of the host with what drop-ins add to it.
    pub fn extended(&self, unit: Unit, drop_ins: &[Chosen<'a>], names: &Names) -> Composed {
        let mut draft = Draft::new();
        (draft.unit, draft.settings) = (unit.unit, unit.settings);
        let mut found = Vec::new();
        for drop_in in drop_ins {
            let mut cx = self.context(&unit.name, names, drop_in.path, &mut found);
            // It is there on any host: nothing enables it.
            self.read(&mut draft, &mut cx, (drop_in.path, drop_in.text), false);
        }
        for set in dependencies::sets_mut(&mut draft.unit) {
            set.remove(&unit.name);
        }
        let mut unit = compose(&unit.name, unit.origin, draft, unit.install);
        unit.meaning = meaning(&unit, |_| true);
        Composed {
            unit,
            makes_sense: true,
            diagnostics: found,
        }
    }
}

/// Kinds that gitproc runs.
pub(super) fn is_run(kind: UnitKind) -> bool {
    matches!(kind, UnitKind::Service | UnitKind::Target)
}

/// The unit that a settled draft makes; its meaning is not told yet.
pub(crate) fn compose(
    name: &UnitName,
    origin: Origin,
    draft: Draft,
    install: InstallSection,
) -> Unit {
    Unit {
        name: name.clone(),
        origin,
        unit: draft.unit,
        service: shares_resources(name.kind()).then(|| Box::new(draft.service)),
        settings: draft.settings,
        triggers: draft.triggers,
        install,
        meaning: MeaningHash(0),
    }
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
            let install = InstallSection::default();
            (kind, compose(&name, origin, draft, install))
        };
        UnitKind::ALL.into_iter().map(unit).collect()
    });
    &SILENT[&kind]
}
