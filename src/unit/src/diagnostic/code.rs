//! The kinds of findings: short names for programs and for `LintIgnore=`, one row each.
use serde::{Deserialize, Serialize};
use std::fmt;

/// Makes the enum, its list and its names from one table.
macro_rules! codes {
    ($($variant:ident $name:literal $what:literal,)*) => {
        /// What kind of finding a [`super::Diagnostic`] is. Names never change their meaning.
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(from = "String", into = "String")]
        pub enum Code {
            $(#[doc = $what] $variant,)*
            /// Of a version that knows more kinds than this one.
            #[default]
            Other,
        }

        impl Code {
            /// Every kind that this version makes, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The name: `unknown-key`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Code::$variant => $name,)*
                    Code::Other => "other",
                }
            }

            /// What it is about, in a few words, for the documentation.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Code::$variant => $what,)*
                    Code::Other => "a kind that this version doesn't know",
                }
            }
        }
    };
}

codes! {
    // What the files say.
    Unreadable "unreadable" "a file that is no text, or too large",
    Syntax "syntax" "a line that is neither header, assignment nor comment",
    UnknownSection "unknown-section" "a section that no kind of unit has, or not this kind",
    UnknownKey "unknown-key" "a directive that doesn't exist, or not in this section",
    BadValue "bad-value" "a value that the directive can't have",
    NotHonoured "not-honoured" "a directive or a kind of unit that is not, or not fully, honoured",
    BadName "bad-name" "a file name that is no name of a unit",
    BadLink "bad-link" "a symbolic link that leads to no unit of the tree",
    BadService "bad-service" "a service whose directives don't go together",
    OrphanDropIn "orphan-drop-in" "a drop-in that no unit reads",
    TooMany "too-many" "more units, or more findings, than are looked at",
    NoUnits "no-units" "a directory or commit without a unit file",
    // What the units say together.
    MissingRequirement "missing-requirement" "a required unit that is not there, or not run",
    MissingWanted "missing-wanted" "a wanted unit that is not there",
    Conflict "conflict" "two units that are both to run, and exclude each other",
    Cycle "cycle" "an order in which units come before themselves",
    NeverStarted "never-started" "a unit that nothing pulls in",
    // What this host lacks.
    MissingBinary "missing-binary" "a program that is not there, or can't be executed",
    MissingUser "missing-user" "a user that the host doesn't know",
    MissingGroup "missing-group" "a group that the host doesn't know",
    MissingFile "missing-file" "an environment file that is not there",
    HostAction "host-action" "an action of the whole host that its configuration doesn't allow",
    // What is risky.
    RunsAsRoot "runs-as-root" "a lasting service that runs as root without any restriction",
    WritableByOthers "writable-by-others" "a program or file that users other than root can replace",
    ShellVariable "shell-variable" "a variable put into a shell's command text",
    KillModeNone "kill-mode-none" "a service whose processes survive its stop",
    EndlessRestart "endless-restart" "restarts without any limit",
    NoPidFile "no-pid-file" "a forking service that doesn't say which process is the main one",
    SecretInEnvironment "secret-in-environment" "a password or token that everybody can read",
    TemporaryPath "temporary-path" "a path in a directory that every user can write to",
    FilesOfNobody "files-of-nobody" "lasting files of a user that many services share",
}

impl Code {
    /// The kind of that name.
    pub fn named(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl From<String> for Code {
    fn from(name: String) -> Code {
        Code::named(&name).unwrap_or_default()
    }
}

impl From<Code> for String {
    fn from(code: Code) -> String {
        code.name().to_owned()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_lead_back() {
        for &code in Code::ALL {
            let name = code.name();
            let plain = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(name.chars().all(plain), "{name}");
            assert_eq!(Code::named(name), Some(code));
        }
        assert_eq!(Code::from("of-tomorrow".to_owned()), Code::Other);
    }
}
