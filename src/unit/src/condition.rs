//! `Condition…=` and `Assert…=` of [Unit] (systemd.unit(5)): the kinds, how a line is read, and when
//! a list of them holds. What the host says to each of them is asked elsewhere.
use crate::draft::Context;
use crate::property::PropertyValue;
use crate::table::Read;
use crate::value::{ValueError, absolute_path};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the parameter of a kind is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// An absolute path, which is simplified; nothing may stand between the marks and the path.
    Path,
    /// Any text; judged when it is evaluated.
    Text,
}

/// A directive: key, its value in words, and what reads it.
pub(crate) type Directive = (&'static str, &'static str, Read);

/// The one list of kinds: name without prefix, shape, and the parameter in words.
macro_rules! kinds {
    ($($kind:ident $name:literal $shape:ident $words:literal,)*) => {
        /// What is asked of the host. The names are systemd's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum ConditionKind {
            $(#[serde(rename = $name)] $kind,)*
        }

        impl ConditionKind {
            /// Every kind.
            pub const ALL: &[ConditionKind] = &[$(ConditionKind::$kind),*];

            /// Without `Condition` or `Assert` in front: `PathExists`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(ConditionKind::$kind => $name,)*
                }
            }

            const fn shape(self) -> Shape {
                match self {
                    $(ConditionKind::$kind => Shape::$shape,)*
                }
            }
        }

        /// The conditions.
        pub(crate) const CONDITIONS: &[Directive] = &[
            $((concat!("Condition", $name), $words, |draft, cx, value| {
                read(&mut draft.unit.conditions, ConditionKind::$kind, cx, value)
            }),)*
        ];

        /// As [`CONDITIONS`], for the asserts.
        pub(crate) const ASSERTS: &[Directive] = &[
            $((concat!("Assert", $name), $words, |draft, cx, value| {
                read(&mut draft.unit.asserts, ConditionKind::$kind, cx, value)
            }),)*
        ];
    };
}

kinds! {
    Architecture "Architecture" Text "architecture",
    Firmware "Firmware" Text "uefi, device-tree, device-tree-compatible(…), smbios-field(…)",
    Virtualization "Virtualization" Text "yes or no, vm, container, private-users, or an id",
    Host "Host" Text "host name (a pattern) or machine id",
    KernelCommandLine "KernelCommandLine" Text "word, or word=value",
    KernelVersion "KernelVersion" Text "comparisons, or patterns",
    Credential "Credential" Text "name of a credential",
    Environment "Environment" Text "variable, or variable=value",
    Security "Security" Text "name of a security technology",
    Capability "Capability" Text "capability",
    AcPower "ACPower" Text "yes or no",
    NeedsUpdate "NeedsUpdate" Path "/var or /etc",
    FirstBoot "FirstBoot" Text "yes or no",
    PathExists "PathExists" Path "path",
    PathExistsGlob "PathExistsGlob" Path "path pattern",
    PathIsDirectory "PathIsDirectory" Path "path",
    PathIsSymbolicLink "PathIsSymbolicLink" Path "path",
    PathIsMountPoint "PathIsMountPoint" Path "path",
    PathIsReadWrite "PathIsReadWrite" Path "path",
    PathIsEncrypted "PathIsEncrypted" Path "path",
    DirectoryNotEmpty "DirectoryNotEmpty" Path "path",
    FileNotEmpty "FileNotEmpty" Path "path",
    FileIsExecutable "FileIsExecutable" Path "path",
    User "User" Text "user, uid, or @system",
    Group "Group" Text "group or gid",
    ControlGroupController "ControlGroupController" Text "controllers, v1, or v2",
    Memory "Memory" Text "comparison with a size",
    Cpus "CPUs" Text "comparison with a number",
    CpuFeature "CPUFeature" Text "name of a feature",
    OsRelease "OSRelease" Text "comparisons of fields",
    MemoryPressure "MemoryPressure" Text "[slice:]percentage[/span]",
    CpuPressure "CPUPressure" Text "[slice:]percentage[/span]",
    IoPressure "IOPressure" Text "[slice:]percentage[/span]",
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What is asked.
    pub kind: ConditionKind,
    /// `|`: of all lines with this mark, one has to hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trigger: bool,
    /// `!`: holds when the host says no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub negate: bool,
    /// What follows the marks, with specifiers resolved.
    pub parameter: String,
}

impl Condition {
    /// What stands left and right of the `=`, but for `Condition` or `Assert` in front.
    pub(crate) fn to_line(&self) -> (&'static str, String) {
        let trigger = if self.trigger { "|" } else { "" };
        let negate = if self.negate { "!" } else { "" };
        let value = format!("{trigger}{negate}{}", self.parameter);
        (self.kind.name(), value)
    }
}

impl fmt::Display for Condition {
    /// As it stands in a file after `Condition` or `Assert`: `PathExists=|!/etc/x`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, value) = self.to_line();
        write!(f, "{key}={value}")
    }
}

/// What the host said to one line, its `!` taken into account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was not asked: an earlier line had settled the matter.
    #[default]
    Untested,
    /// It holds.
    Held,
    /// It does not.
    Failed,
    /// It could not be judged, which counts as failed, `!` or not.
    Error,
}

impl Outcome {
    /// systemd's number on D-Bus: 1 held, 0 not asked, -1 failed.
    pub const fn tristate(self) -> i64 {
        match self {
            Outcome::Untested => 0,
            Outcome::Held => 1,
            Outcome::Failed | Outcome::Error => -1,
        }
    }
}

/// What became of a list of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Each line with its outcome, in the order of the files.
    pub lines: Vec<(Condition, Outcome)>,
}

impl Verdict {
    /// Asks `test` for each line until the matter is settled. As in systemd, the line that was read
    /// last is asked first, and the first one without `|` that fails is the last one asked.
    pub fn of(lines: &[Condition], mut test: impl FnMut(&Condition) -> Outcome) -> Verdict {
        let mut verdict = Verdict::untested(lines);
        for (line, outcome) in verdict.lines.iter_mut().rev() {
            *outcome = test(line);
            if !line.trigger && *outcome != Outcome::Held {
                break;
            }
        }
        verdict
    }

    /// Nothing was asked.
    pub fn untested(lines: &[Condition]) -> Verdict {
        let untested = |line: &Condition| (line.clone(), Outcome::Untested);
        Verdict {
            lines: lines.iter().map(untested).collect(),
        }
    }

    /// All lines without `|` hold, and one of those with it if there are any.
    pub fn holds(&self) -> bool {
        let held = |(_, outcome): &(Condition, Outcome)| *outcome == Outcome::Held;
        let mut plain = self.lines.iter().filter(|(line, _)| !line.trigger);
        let mut triggers = self
            .lines
            .iter()
            .filter(|(line, _)| line.trigger)
            .peekable();
        plain.all(held) && (triggers.peek().is_none() || triggers.any(held))
    }

    /// Why it does not hold, in words; `prefix` is `Condition` or `Assert`.
    pub fn failure(&self, prefix: &str) -> Option<String> {
        if self.holds() {
            return None;
        }
        let failed = |outcome| matches!(outcome, Outcome::Failed | Outcome::Error);
        let mut plain = self.lines.iter().filter(|(line, _)| !line.trigger);
        Some(match plain.find(|(_, outcome)| failed(*outcome)) {
            Some((line, Outcome::Error)) => format!("{prefix}{line} could not be judged"),
            Some((line, _)) => format!("{prefix}{line}"),
            None => {
                let triggers = self.lines.iter().filter(|(line, _)| line.trigger);
                let words: Vec<String> = triggers
                    .map(|(line, _)| format!("{prefix}{line}"))
                    .collect();
                match words.as_slice() {
                    [only] => only.clone(),
                    _ => format!("none of {}", words.join(", ")),
                }
            }
        })
    }

    /// What it says of a line.
    pub fn outcome(&self, line: &Condition) -> Outcome {
        let found = self.lines.iter().find(|(tested, _)| tested == line);
        found.map_or(Outcome::Untested, |(_, outcome)| *outcome)
    }
}

/// systemd's property `Conditions` or `Asserts`: `[type, trigger, negate, parameter, result]` of each
/// line, the last one of the files first. `prefix` is `Condition` or `Assert`.
pub fn condition_property(
    lines: &[Condition],
    prefix: &str,
    outcome: impl Fn(&Condition) -> Outcome,
) -> PropertyValue {
    let one = |line: &Condition| {
        PropertyValue::List(vec![
            PropertyValue::Text(format!("{prefix}{}", line.kind.name())),
            PropertyValue::Bool(line.trigger),
            PropertyValue::Bool(line.negate),
            PropertyValue::Text(line.parameter.clone()),
            PropertyValue::Signed(outcome(line).tristate()),
        ])
    };
    PropertyValue::List(lines.iter().rev().map(one).collect())
}

/// Reads one line into its list; an empty value resets the list, whatever its kinds.
fn read(
    list: &mut Vec<Condition>,
    kind: ConditionKind,
    cx: &Context<'_>,
    value: &str,
) -> Result<(), ValueError> {
    if value.is_empty() {
        list.clear();
        return Ok(());
    }
    let spaces: &[char] = match kind.shape() {
        Shape::Path => &[],
        Shape::Text => &[' ', '\t', '\n', '\r'],
    };
    let (trigger, rest) = mark(value, '|', spaces);
    let (negate, rest) = mark(rest, '!', spaces);
    let parameter = cx.resolve(rest)?;
    let parameter = match kind.shape() {
        Shape::Path => absolute_path(&parameter)?,
        Shape::Text => parameter,
    };
    list.push(Condition {
        kind,
        trigger,
        negate,
        parameter,
    });
    Ok(())
}

/// Whether `text` begins with `mark`, and what comes after it and the spaces that may follow.
fn mark<'a>(text: &'a str, mark: char, spaces: &[char]) -> (bool, &'a str) {
    match text.strip_prefix(mark) {
        Some(rest) => (true, rest.trim_start_matches(spaces)),
        None => (false, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Error, Failed, Held, Untested};

    fn line(text: &str) -> Condition {
        let (trigger, rest) = mark(text, '|', &[]);
        let (negate, rest) = mark(rest, '!', &[]);
        Condition {
            kind: ConditionKind::PathExists,
            trigger,
            negate,
            parameter: rest.to_owned(),
        }
    }

    /// The lines with what the host says to each; what was asked; and the reason.
    type Case<'a> = (&'a [(&'a str, Outcome)], &'a [Outcome], Option<&'a str>);

    const CASES: &[Case<'_>] = &[
        (&[], &[], None),
        (&[("/a", Held), ("/b", Held)], &[Held, Held], None),
        // The last line is asked first, and settles it.
        (
            &[("/a", Held), ("/b", Failed)],
            &[Untested, Failed],
            Some("ConditionPathExists=/b"),
        ),
        (
            &[("/a", Failed), ("/b", Held)],
            &[Failed, Held],
            Some("ConditionPathExists=/a"),
        ),
        (
            &[("|/a", Failed), ("|/b", Failed)],
            &[Failed, Failed],
            Some("none of ConditionPathExists=|/a, ConditionPathExists=|/b"),
        ),
        (&[("|/a", Failed), ("|/b", Held)], &[Failed, Held], None),
        (
            &[("|/a", Failed), ("/b", Held)],
            &[Failed, Held],
            Some("ConditionPathExists=|/a"),
        ),
        (
            &[("|/a", Held), ("/b", Failed), ("|!/c", Held)],
            &[Untested, Failed, Held],
            Some("ConditionPathExists=/b"),
        ),
        (
            &[("/a", Error)],
            &[Error],
            Some("ConditionPathExists=/a could not be judged"),
        ),
    ];

    #[test]
    fn a_list_holds_as_in_systemd() {
        for (given, asked, reason) in CASES {
            let lines: Vec<Condition> = given.iter().map(|(text, _)| line(text)).collect();
            let verdict = Verdict::of(&lines, |asked| {
                let place = lines.iter().position(|line| line == asked).unwrap();
                given[place].1
            });
            let outcomes: Vec<Outcome> = verdict.lines.iter().map(|(_, out)| *out).collect();
            assert_eq!(&outcomes, asked, "{given:?}");
            assert_eq!(verdict.failure("Condition").as_deref(), *reason);
        }
    }
}
