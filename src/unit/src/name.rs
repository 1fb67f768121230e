//! Unit names: `prefix[@instance].kind` (systemd.unit(5)).
//!
//! Here are the name and its parts. What names mean to each other is in the files beside:
//! [`alias`], [`mangle`](mod@mangle), [`slice`]; paths as names are in `path`.
pub mod alias;
mod mangle;
mod path;
pub mod slice;

use crate::escape::is_prefix_character;
pub use mangle::{Globs, mangle};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Longest unit name, in bytes (`UNIT_NAME_MAX` of systemd: 256 with the closing NUL).
pub const UNIT_NAME_MAX: usize = 255;

/// The kinds of unit, by suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the names are systemd's
pub enum UnitKind {
    Service,
    Target,
    Socket,
    Timer,
    Path,
    Slice,
    Scope,
    Mount,
    Automount,
    Swap,
    Device,
}

impl UnitKind {
    /// Every kind, in the order of systemd.unit(5).
    pub const ALL: [UnitKind; 11] = [
        UnitKind::Service,
        UnitKind::Socket,
        UnitKind::Device,
        UnitKind::Mount,
        UnitKind::Automount,
        UnitKind::Swap,
        UnitKind::Target,
        UnitKind::Path,
        UnitKind::Timer,
        UnitKind::Slice,
        UnitKind::Scope,
    ];

    /// The suffix, without the dot.
    pub const fn suffix(self) -> &'static str {
        match self {
            UnitKind::Service => "service",
            UnitKind::Target => "target",
            UnitKind::Socket => "socket",
            UnitKind::Timer => "timer",
            UnitKind::Path => "path",
            UnitKind::Slice => "slice",
            UnitKind::Scope => "scope",
            UnitKind::Mount => "mount",
            UnitKind::Automount => "automount",
            UnitKind::Swap => "swap",
            UnitKind::Device => "device",
        }
    }

    /// The section (and D-Bus interface) with the directives of this kind. Targets and devices have
    /// an interface, but no section.
    pub const fn section(self) -> &'static str {
        match self {
            UnitKind::Service => "Service",
            UnitKind::Target => "Target",
            UnitKind::Socket => "Socket",
            UnitKind::Timer => "Timer",
            UnitKind::Path => "Path",
            UnitKind::Slice => "Slice",
            UnitKind::Scope => "Scope",
            UnitKind::Mount => "Mount",
            UnitKind::Automount => "Automount",
            UnitKind::Swap => "Swap",
            UnitKind::Device => "Device",
        }
    }

    /// The kind of a suffix, which may have its dot: `service`, `.service`.
    pub fn from_suffix(suffix: &str) -> Option<UnitKind> {
        let suffix = suffix.strip_prefix('.').unwrap_or(suffix);
        UnitKind::ALL
            .into_iter()
            .find(|kind| kind.suffix() == suffix)
    }

    /// Whether there are templates of this kind.
    pub const fn may_be_template(self) -> bool {
        match self {
            UnitKind::Service
            | UnitKind::Socket
            | UnitKind::Target
            | UnitKind::Timer
            | UnitKind::Path => true,
            UnitKind::Slice
            | UnitKind::Scope
            | UnitKind::Mount
            | UnitKind::Automount
            | UnitKind::Swap
            | UnitKind::Device => false,
        }
    }

    /// Whether units of this kind can have other names. The others are named after what they are.
    pub const fn may_have_aliases(self) -> bool {
        match self {
            UnitKind::Device => true,
            UnitKind::Service
            | UnitKind::Socket
            | UnitKind::Target
            | UnitKind::Timer
            | UnitKind::Path
            | UnitKind::Slice
            | UnitKind::Scope
            | UnitKind::Mount
            | UnitKind::Automount
            | UnitKind::Swap => self.may_be_template(),
        }
    }
}

/// The three forms of a unit name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameForm {
    /// `foo.service`
    Plain,
    /// `foo@.service`
    Template,
    /// `foo@bar.service`
    Instance,
}

/// A valid unit name. Parsed once, at the edge.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitName {
    text: Box<str>,
    /// What the suffix says: asked for all the time.
    kind: UnitKind,
}

/// Why a text is not a unit name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitNameError {
    /// No known suffix.
    #[error("'{0}' is no unit name: it has no suffix such as .service or .target")]
    Suffix(String),
    /// A character that unit names can't have, or a bad place for one.
    #[error("'{0}' is no unit name: only letters, digits and :-_.\\@ may stand in it")]
    Character(String),
    /// Empty prefix, or too long.
    #[error("'{0}' is no unit name: it is empty before the suffix, or longer than 255 bytes")]
    Length(String),
    /// Only templates and instances have an instance to replace.
    #[error("'{0}' is neither a template nor an instance")]
    Form(String),
    /// A text that can't be the part before `@`, or the one after it.
    #[error("'{0}' can't be a part of a unit name")]
    Part(String),
    /// A path that has no unit name, or a name that stands for no path.
    #[error("'{0}' is not the name of a path")]
    Path(String),
    /// A slice name says where it lies, dash by dash.
    #[error("'{0}' is no slice: no @ may stand in its name, and dashes only between parts")]
    Slice(String),
}

/// Whether `text` can stand before the `@`.
pub fn is_prefix(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_prefix_character)
}

/// Whether `text` can stand after the `@`.
pub fn is_instance(text: &str) -> bool {
    let legal = |c| c == '@' || is_prefix_character(c);
    !text.is_empty() && text.chars().all(legal)
}

impl UnitName {
    /// Parses a full name with its suffix.
    pub fn parse(text: &str) -> Result<UnitName, UnitNameError> {
        let (stem, suffix) = text
            .rsplit_once('.')
            .ok_or_else(|| UnitNameError::Suffix(text.into()))?;
        let kind = UnitKind::from_suffix(suffix).filter(|_| !suffix.starts_with('.'));
        let kind = kind.ok_or_else(|| UnitNameError::Suffix(text.into()))?;
        if !text.chars().all(|c| c == '@' || is_prefix_character(c)) {
            return Err(UnitNameError::Character(text.into()));
        }
        if stem.is_empty() || stem.starts_with('@') || text.len() > UNIT_NAME_MAX {
            return Err(UnitNameError::Length(text.into()));
        }
        Ok(UnitName {
            text: text.into(),
            kind,
        })
    }

    /// Puts a name together from its parts.
    pub fn build(
        prefix: &str,
        instance: Option<&str>,
        kind: UnitKind,
    ) -> Result<UnitName, UnitNameError> {
        if !is_prefix(prefix) {
            return Err(UnitNameError::Part(prefix.into()));
        }
        let suffix = kind.suffix();
        match instance {
            None => UnitName::parse(&format!("{prefix}.{suffix}")),
            Some(instance) if is_instance(instance) => {
                UnitName::parse(&format!("{prefix}@{instance}.{suffix}"))
            }
            Some(instance) => Err(UnitNameError::Part(instance.into())),
        }
    }

    /// As the command line takes names: `web` means `web.service` (systemctl(1)).
    pub fn from_argument(text: &str) -> Result<UnitName, UnitNameError> {
        match UnitName::parse(text) {
            Err(UnitNameError::Suffix(_)) => UnitName::parse(&format!("{text}.service")),
            other => other,
        }
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the suffix says.
    pub fn kind(&self) -> UnitKind {
        self.kind
    }

    /// The name before the suffix, instance included: `getty@tty1`.
    pub fn stem(&self) -> &str {
        let end = self.text.len() - self.kind.suffix().len() - 1;
        &self.text[..end]
    }

    /// The part before `@`, or the stem when there is none.
    pub fn prefix(&self) -> &str {
        self.stem()
            .split_once('@')
            .map_or(self.stem(), |(prefix, _)| prefix)
    }

    /// The part after `@`; `Some("")` for a template.
    pub fn instance(&self) -> Option<&str> {
        self.stem().split_once('@').map(|(_, instance)| instance)
    }

    /// Which of the three forms this is.
    pub fn form(&self) -> NameForm {
        match self.instance() {
            None => NameForm::Plain,
            Some("") => NameForm::Template,
            Some(_) => NameForm::Instance,
        }
    }

    /// `foo@.service`
    pub fn is_template(&self) -> bool {
        self.form() == NameForm::Template
    }

    /// This template's instance, or the sibling of this instance, that is called `instance`.
    pub fn with_instance(&self, instance: &str) -> Result<UnitName, UnitNameError> {
        match self.form() {
            NameForm::Plain => Err(UnitNameError::Form(self.text.clone().into())),
            NameForm::Template | NameForm::Instance => {
                UnitName::build(self.prefix(), Some(instance), self.kind())
            }
        }
    }

    /// The same name with another suffix: `foo.socket` of `foo.service`.
    pub fn with_kind(&self, kind: UnitKind) -> Result<UnitName, UnitNameError> {
        UnitName::parse(&format!("{}.{}", self.stem(), kind.suffix()))
    }

    /// Whether both are called the same before the `@`, or before the suffix.
    pub fn same_prefix(&self, other: &UnitName) -> bool {
        self.prefix() == other.prefix()
    }

    /// `foo@.service` of `foo@bar.service`; `None` when this is no instance.
    pub fn template(&self) -> Option<UnitName> {
        match self.instance() {
            None | Some("") => None,
            Some(_) => Some(UnitName {
                text: format!("{}@.{}", self.prefix(), self.kind.suffix()).into(),
                kind: self.kind,
            }),
        }
    }
}

impl FromStr for UnitName {
    type Err = UnitNameError;
    fn from_str(text: &str) -> Result<UnitName, UnitNameError> {
        UnitName::parse(text)
    }
}

impl TryFrom<String> for UnitName {
    type Error = UnitNameError;
    fn try_from(text: String) -> Result<UnitName, UnitNameError> {
        UnitName::parse(&text)
    }
}

impl From<UnitName> for String {
    fn from(name: UnitName) -> String {
        name.text.into()
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.text)
    }
}
