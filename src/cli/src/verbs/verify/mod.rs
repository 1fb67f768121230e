//! `verify`: what is wrong with files, directories, commits and ranges; works without a daemon.
//!
//! [`words`] tells what each argument means, [`disk`] and [`commits`] read, here it is judged and
//! shown. Exit code 1 is for what is wrong with units; arguments that mean nothing are code 2.
mod commits;
mod disk;
mod words;

use super::Context;
use crate::args::VerifyArgs;
use crate::failure::{FAILED, Failure};
use crate::render::printable;
use gitproc_core::CommitId;
use gitproc_core::lint::{self, Host, Subject};
use gitproc_daemon::HostView;
use gitproc_unit::{Code, Diagnostic, HostFacts, Severity, TreeFiles, UnitKind, UnitName};
use serde::Serialize;
use words::Word;

/// A finding, and the commit that it was found in.
#[derive(Debug, Serialize)]
struct Finding {
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<CommitId>,
    #[serde(flatten)]
    diagnostic: Diagnostic,
    /// Of one among several commits: the line says which.
    #[serde(skip)]
    tagged: bool,
}

impl Finding {
    fn line(&self) -> String {
        // What a file says must not move the cursor of whoever checks it.
        let finding = printable(&self.diagnostic.to_string());
        match self.commit.as_ref().filter(|_| self.tagged) {
            Some(commit) => format!("{}:{finding}\n", commit.short()),
            None => format!("{finding}\n"),
        }
    }
}

/// `verify [PATH|REV|REV..REV]…`
pub fn run(context: &Context, args: &VerifyArgs) -> Result<u8, Failure> {
    let words = words::read(&args.what)?;
    let judge = Judge::new(context)?;
    let mut findings = Vec::new();
    let files: Vec<_> = words.iter().filter_map(Word::file).collect();
    if !files.is_empty() {
        findings.extend(plain(disk::verify_files(&judge, &files)?));
    }
    for word in &words {
        match word {
            Word::File(_) => {}
            Word::Directory(path) => findings.extend(plain(disk::verify_directory(&judge, path)?)),
            Word::Commit(spec) => findings.extend(commits::verify_commit(context, &judge, spec)?),
            Word::Range(range) => findings.extend(commits::verify_range(&judge, range)?),
        }
    }
    if words.is_empty() {
        findings.extend(commits::verify_here(context, &judge)?);
    }
    context
        .output
        .show(&findings, || match findings.is_empty() {
            true => "no errors, no warnings\n".to_owned(),
            false => findings.iter().map(Finding::line).collect(),
        })?;
    let wrong = |finding: &Finding| match finding.diagnostic.severity {
        Severity::Error => true,
        Severity::Warning => args.strict,
    };
    Ok(if findings.iter().any(wrong) {
        FAILED
    } else {
        0
    })
}

fn plain(found: Vec<Diagnostic>) -> impl Iterator<Item = Finding> {
    found.into_iter().map(|diagnostic| Finding {
        commit: None,
        diagnostic,
        tagged: false,
    })
}

/// Judges trees; what the host has answered once holds for all of them.
struct Judge {
    facts: HostFacts,
    host: Box<dyn Host>,
    target: UnitName,
    as_root: bool,
}

impl Judge {
    fn new(context: &Context) -> Result<Judge, Failure> {
        let layout = &context.place.layout;
        let facts = super::files::host_facts(context)?;
        Ok(Judge {
            // Whoever has no instance of their own checks units for a host, where root runs them.
            as_root: facts.uid == 0 || !layout.store().exists(),
            facts,
            host: Box::new(HostView::default()),
            target: gitproc_daemon::config::load(&layout.config, false)
                .map_err(|error| Failure::caused("configuration", &error))?
                .default_target,
        })
    }

    /// All that is wrong with a tree of unit files, sorted. `place` is what it is called.
    fn judge(&self, tree: &TreeFiles, place: &str) -> Vec<Diagnostic> {
        let loaded = gitproc_unit::load(tree, &self.facts);
        let subject = Subject {
            tree,
            units: &loaded.units,
            target: &self.target,
            as_root: self.as_root,
        };
        let mut found = lint::judge(&loaded, &subject);
        found.extend(lint::judge_on_host(&subject, self.host.as_ref()));
        found.sort();
        if !tree.entries.keys().any(|path| is_unit(path)) {
            found.push(no_units(place));
        }
        found
    }
}

/// Whether a file's name ends as those of units do.
fn is_unit(name: &str) -> bool {
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix);
    UnitKind::ALL
        .into_iter()
        .any(|kind| suffix == Some(kind.suffix()))
}

fn no_units(place: &str) -> Diagnostic {
    Diagnostic {
        file: place.to_owned(),
        line: 0,
        column: 0,
        severity: Severity::Warning,
        code: Code::NoUnits,
        message: "no unit files here".to_owned(),
        hint: Some("units lie in the directory itself: NAME.service, NAME.target".to_owned()),
    }
}
