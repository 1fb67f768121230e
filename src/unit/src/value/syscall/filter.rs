//! Folds the lines of `SystemCallFilter=` and `SystemCallLog=`.
//!
//! The first line since the last empty one decides what the list means: a `~` makes it a list of
//! exceptions, else only what it names goes through. Each later line adds to the list if it points
//! the same way, and takes away if not.
use super::action::SyscallAction;
use super::groups::{group, group_names};
use super::names::SyscallId;
use super::set::CallSet;
use crate::property::PropertyValue;
use crate::text::{excerpt, nearest};
use crate::value::ValueError;
use crate::value::list::Complaints;
use crate::words::is_space;
use std::collections::BTreeMap;

/// What calls are let through (or logged).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SyscallFilter {
    /// Nothing was said.
    #[default]
    Unset,
    /// These calls only.
    Allow(SyscallRules),
    /// All but these calls.
    Deny(SyscallRules),
}

/// The calls of a list, and what becomes of those that have a fate of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyscallRules {
    listed: CallSet,
    /// Mostly empty, and nothing is allocated then.
    actions: BTreeMap<SyscallId, SyscallAction>,
}

/// What one line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Insert(Option<SyscallAction>),
    Remove,
}

impl SyscallFilter {
    /// Takes one line of `SystemCallFilter=` in. Returns a complaint for each word that was
    /// skipped; the others count.
    pub fn apply(&mut self, text: &str) -> Vec<ValueError> {
        let Some((invert, words)) = self.begin(text, Some("@default")) else {
            return Vec::new();
        };
        let mut complaints = Complaints::default();
        for word in words {
            match split(word).map(|(name, action)| (name, named(name), action)) {
                Err(complaint) => complaints.note(|| complaint),
                Ok((name, None, _)) => complaints.note(|| unknown(name)),
                Ok((_, Some(_), Some(_))) if !invert => complaints.note(|| {
                    ValueError(format!(
                        "'{}' is let through, so it can't fail with an error (only lines with ~ \
                         take one)",
                        excerpt(word)
                    ))
                }),
                Ok((_, Some(calls), action)) => self.point(invert, &calls, action),
            }
        }
        complaints.into_list()
    }

    /// Takes one line of `SystemCallLog=` in: as a filter, but without errors, and without calls
    /// that are always in.
    pub fn apply_log(&mut self, text: &str) -> Vec<ValueError> {
        let Some((invert, words)) = self.begin(text, None) else {
            return Vec::new();
        };
        let mut complaints = Complaints::default();
        for word in words {
            match named(word) {
                Some(calls) => self.point(invert, &calls, None),
                None => complaints.note(|| unknown(word)),
            }
        }
        complaints.into_list()
    }

    /// Reads the direction of a line, and settles what the list means if this is its first. An
    /// allow list begins with the calls of group `always`. `None` for the line that resets.
    fn begin<'a>(
        &mut self,
        text: &'a str,
        always: Option<&str>,
    ) -> Option<(bool, impl Iterator<Item = &'a str> + use<'a>)> {
        let text = text.trim_matches(is_space);
        if text.is_empty() {
            *self = SyscallFilter::Unset;
            return None;
        }
        let (invert, words) = match text.strip_prefix('~') {
            Some(words) => (true, words),
            None => (false, text),
        };
        if *self == SyscallFilter::Unset {
            *self = if invert {
                SyscallFilter::Deny(SyscallRules::default())
            } else {
                SyscallFilter::Allow(SyscallRules {
                    listed: always.and_then(group).copied().unwrap_or_default(),
                    ..SyscallRules::default()
                })
            };
        }
        Some((
            invert,
            words.split(is_space).filter(|word| !word.is_empty()),
        ))
    }

    /// Adds `calls` to the list, or takes them away.
    fn point(&mut self, invert: bool, calls: &CallSet, action: Option<SyscallAction>) {
        let (rules, step) = match (self, invert, action) {
            (SyscallFilter::Unset, _, _) => return,
            // A call with a fate stays in an allow list, as one to refuse in its own way.
            (SyscallFilter::Allow(rules), true, Some(_)) => (rules, Step::Insert(action)),
            (SyscallFilter::Allow(rules), true, None) => (rules, Step::Remove),
            (SyscallFilter::Allow(rules), false, _) => (rules, Step::Insert(action)),
            (SyscallFilter::Deny(rules), true, _) => (rules, Step::Insert(action)),
            (SyscallFilter::Deny(rules), false, _) => (rules, Step::Remove),
        };
        rules.apply(step, calls);
    }

    /// Whether only what is listed goes through.
    pub fn is_allow_list(&self) -> bool {
        match self {
            SyscallFilter::Allow(_) => true,
            SyscallFilter::Unset | SyscallFilter::Deny(_) => false,
        }
    }

    /// The listed calls in the order of their names, each with its own fate if it has one. A call
    /// with a fate is refused, in an allow list too.
    pub fn calls(&self) -> impl Iterator<Item = (SyscallId, Option<SyscallAction>)> {
        let rules = match self {
            SyscallFilter::Unset => None,
            SyscallFilter::Allow(rules) | SyscallFilter::Deny(rules) => Some(rules),
        };
        rules
            .into_iter()
            .flat_map(|rules| rules.listed.iter().map(|id| (id, rules.action(id))))
    }

    /// The list as lines of `SystemCallFilter=`.
    pub fn to_lines(&self) -> Vec<String> {
        self.spell("@default", group("@default").copied().unwrap_or_default())
    }

    /// The list as lines of `SystemCallLog=`.
    pub fn to_log_lines(&self) -> Vec<String> {
        self.spell("read", CallSet::default())
    }

    /// `always` is what is in an allow list at first; `some` names it, or else a call to take back
    /// where none is allowed.
    fn spell(&self, some: &str, always: CallSet) -> Vec<String> {
        let named = |id: SyscallId| id.name().to_owned();
        let line = |words: Vec<String>| words.join(" ");
        match self {
            SyscallFilter::Unset => Vec::new(),
            SyscallFilter::Deny(_) => {
                let calls = self.calls().map(|(id, action)| match action {
                    None => named(id),
                    Some(action) => format!("{}:{action}", id.name()),
                });
                vec![format!("~{}", line(calls.collect()))]
            }
            SyscallFilter::Allow(rules) => {
                let plain = |id: &SyscallId| rules.action(*id).is_none();
                let new = rules.listed.iter().filter(plain);
                let new: Vec<String> = new.filter(|id| !always.contains(*id)).map(named).collect();
                let gone = always.iter().filter(|id| !rules.listed.contains(*id));
                let mut less: Vec<String> = gone.map(named).collect();
                if new.is_empty() && !some.starts_with('@') {
                    less.push(some.to_owned());
                }
                let refused = rules.actions.iter();
                less.extend(refused.map(|(id, action)| format!("{}:{action}", id.name())));
                let first = if new.is_empty() {
                    some.to_owned()
                } else {
                    line(new)
                };
                let second = (!less.is_empty()).then(|| format!("~{}", line(less)));
                std::iter::once(first).chain(second).collect()
            }
        }
    }

    /// Forgets that there was a list, when it ended up without exceptions.
    pub(crate) fn settle(&mut self) {
        if *self == SyscallFilter::Deny(SyscallRules::default()) {
            *self = SyscallFilter::Unset;
        }
    }

    /// The value of `SystemCallFilter` and `SystemCallLog`: whether it is an allow list, and the
    /// names, as `name` or `name:EPERM`, sorted by bytes. What an allow list refuses in its own
    /// way is not shown.
    pub fn property(&self) -> PropertyValue {
        let allow = self.is_allow_list();
        let mut names: Vec<String> = self
            .calls()
            .filter_map(|(id, action)| match action {
                None => Some(id.name().to_owned()),
                Some(_) if allow => None,
                Some(action) => Some(format!("{}:{action}", id.name())),
            })
            .collect();
        // With the error's name: `dup2:EPERM` is before `dup:EPERM`.
        names.sort_unstable();
        let names = names.into_iter().map(PropertyValue::Text).collect();
        PropertyValue::List(vec![PropertyValue::Bool(allow), PropertyValue::List(names)])
    }
}

impl SyscallRules {
    fn action(&self, id: SyscallId) -> Option<SyscallAction> {
        self.actions.get(&id).copied()
    }

    fn apply(&mut self, step: Step, calls: &CallSet) {
        match step {
            Step::Insert(_) => self.listed.add(calls),
            Step::Remove => self.listed.remove(calls),
        }
        if let Step::Insert(Some(action)) = step {
            self.actions.extend(calls.iter().map(|id| (id, action)));
        } else {
            // What was said last holds, and it named no fate.
            self.actions.retain(|id, _| !calls.contains(*id));
        }
    }
}

/// Name, and what stands behind the colon.
fn split(word: &str) -> Result<(&str, Option<SyscallAction>), ValueError> {
    match word.split_once(':') {
        None => Ok((word, None)),
        Some(("", _)) => Err(ValueError::not(word, "system call with an error")),
        Some((name, error)) => Ok((name, Some(SyscallAction::of_call(error)?))),
    }
}

/// The calls that a name stands for: one, or those of a group.
fn named(name: &str) -> Option<CallSet> {
    match name.starts_with('@') {
        true => group(name).copied(),
        false => SyscallId::from_name(name).map(CallSet::one),
    }
}

fn unknown(name: &str) -> ValueError {
    let wanted = match name.starts_with('@') {
        true => "group of system calls",
        false => "known system call",
    };
    let ValueError(text) = ValueError::not(name, wanted);
    ValueError(
        match nearest(name, SyscallId::names().chain(group_names())) {
            Some(known) => format!("{text} (did you mean '{known}'?)"),
            None => text,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The property after these lines, as `allow read write:EPERM`, and how many words were
    /// skipped.
    fn folded(
        lines: &[&str],
        apply: fn(&mut SyscallFilter, &str) -> Vec<ValueError>,
    ) -> (String, usize) {
        let mut filter = SyscallFilter::default();
        let skipped = lines
            .iter()
            .map(|line| apply(&mut filter, line).len())
            .sum();
        let PropertyValue::List(property) = filter.property() else {
            panic!("a struct");
        };
        let [PropertyValue::Bool(allow), PropertyValue::List(names)] = &property[..] else {
            panic!("a flag and names");
        };
        let mut text = if *allow { "allow" } else { "deny" }.to_owned();
        for name in names {
            let PropertyValue::Text(name) = name else {
                panic!("a name");
            };
            text.extend([" ", name]);
        }
        (text, skipped)
    }

    #[test]
    fn the_first_line_decides_and_later_ones_add_or_remove() {
        let table: &[(&[&str], &str, usize)] = &[
            (&[], "deny", 0),
            (&["~"], "deny", 0),
            (&["~read write", "~ open"], "deny open read write", 0),
            (&["~read write", "~ open", "write"], "deny open read", 0),
            // A list of exceptions that is already begun stays one.
            (&["~", "read"], "deny", 0),
            (&["~read", "", "~write"], "deny write", 0),
            (&["~@keyring"], "deny add_key keyctl request_key", 0),
            (&["~@keyring", "keyctl"], "deny add_key request_key", 0),
            (&["~@keyring kexec_load", "@keyring"], "deny kexec_load", 0),
            (&["~nope @nope read Read"], "deny read", 3),
            // No space that separates words, and no line that resets.
            (&["~read", "\u{a0}", "~write\u{a0}"], "deny read", 2),
            (&["~sys_debug_setcontext"], "deny switch_endian", 0),
            // In a group, names that libseccomp has not are no fault of the unit.
            (&["~@default", "@default"], "deny", 0),
        ];
        for (lines, expected, skipped) in table {
            let got = folded(lines, SyscallFilter::apply);
            assert_eq!(got, (expected.to_string(), *skipped), "{lines:?}");
        }
    }

    #[test]
    fn errors_go_with_the_call() {
        let table: &[(&[&str], &str, usize)] = &[
            (
                &["~read:EPERM dup:0 dup2:41 write:kill close"],
                "deny close dup2:41 dup:0 read:EPERM write:kill",
                0,
            ),
            (
                &["~@keyring:ENOENT"],
                "deny add_key:ENOENT keyctl:ENOENT request_key:ENOENT",
                0,
            ),
            // The last word counts.
            (&["~read:EPERM read:EIO"], "deny read:EIO", 0),
            (&["~read:EPERM", "~read"], "deny read", 0),
            (&["~read read:EPERM"], "deny read:EPERM", 0),
            (&["~read:EPERM write:EIO", "read"], "deny write:EIO", 0),
            // Errors are for what is refused.
            (&["~read", "read:EPERM"], "deny read", 1),
            (
                &["~read: :EPERM read:5000 read:-1 read:NOPE read:EPERM:EIO nope:EPERM"],
                "deny",
                7,
            ),
            (&["~read:EWOULDBLOCK"], "deny read:EAGAIN", 0),
        ];
        for (lines, expected, skipped) in table {
            let got = folded(lines, SyscallFilter::apply);
            assert_eq!(got, (expected.to_string(), *skipped), "{lines:?}");
        }
    }

    #[test]
    fn an_allow_list_has_the_default_calls_until_they_are_removed() {
        let list = |lines: &[&str]| folded(lines, SyscallFilter::apply);
        let (default, 0) = list(&["@default"]) else {
            panic!("no complaint");
        };
        assert_eq!(default.split(' ').count(), 62, "{default}");
        let with = |more: &str| {
            let mut words: Vec<_> = default.split(' ').skip(1).collect();
            words.push(more);
            words.sort_unstable();
            format!("allow {}", words.join(" "))
        };
        assert_eq!(list(&["read"]), (with("read"), 0));
        assert_eq!(list(&["nope"]), (default.clone(), 1));
        assert_eq!(list(&["read write", "~write"]), (with("read"), 0));
        assert_eq!(list(&["read", "~@default"]), ("allow read".into(), 0));
        assert_eq!(list(&["~read", "", "read"]), (with("read"), 0));
        assert_eq!(list(&["read", ""]), ("deny".into(), 0));
        assert_eq!(list(&["read:EPERM"]), (default.clone(), 1));
        // Refused with an error: in the list, but not shown, until it is let through again.
        assert_eq!(list(&["read", "~read:EPERM"]), (default.clone(), 0));
        assert_eq!(list(&["read", "~read:EPERM", "read"]), (with("read"), 0));
        let mut filter = SyscallFilter::default();
        filter.apply("read");
        filter.apply("~read:EPERM");
        let read = SyscallId::from_name("read").expect("known");
        assert!(
            filter
                .calls()
                .any(|call| call == (read, Some(SyscallAction::Errno(1))))
        );
    }

    #[test]
    fn a_log_has_no_errors_and_no_default_calls() {
        let table: &[(&[&str], &str, usize)] = &[
            (
                &["read @keyring"],
                "allow add_key keyctl read request_key",
                0,
            ),
            (&["read write", "~read"], "allow write", 0),
            (&["~read", "~write"], "deny read write", 0),
            (&["~read:EPERM write"], "deny write", 1),
            (&["read", ""], "deny", 0),
        ];
        for (lines, expected, skipped) in table {
            let got = folded(lines, SyscallFilter::apply_log);
            assert_eq!(got, (expected.to_string(), *skipped), "{lines:?}");
        }
    }

    #[test]
    fn a_complaint_names_what_was_meant() {
        let complaint = |line| SyscallFilter::default().apply(line).remove(0).0;
        assert_eq!(
            complaint("~wirte"),
            "'wirte' is no known system call (did you mean 'write'?)"
        );
        assert_eq!(
            complaint("@system-servic"),
            "'@system-servic' is no group of system calls (did you mean '@system-service'?)"
        );
    }
}
