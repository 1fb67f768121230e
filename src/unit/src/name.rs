//! Unit names: `prefix[@instance].kind` (systemd.unit(5)).
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
}

/// A valid unit name. Parsed once, at the edge.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitName(Box<str>);

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
}

impl UnitName {
    /// Parses a full name with its suffix.
    pub fn parse(text: &str) -> Result<UnitName, UnitNameError> {
        let (stem, suffix) = text
            .rsplit_once('.')
            .ok_or_else(|| UnitNameError::Suffix(text.into()))?;
        if !UnitKind::ALL.iter().any(|kind| kind.suffix() == suffix) {
            return Err(UnitNameError::Suffix(text.into()));
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        if !text.chars().all(legal) {
            return Err(UnitNameError::Character(text.into()));
        }
        if stem.is_empty() || stem.starts_with('@') || text.len() > UNIT_NAME_MAX {
            return Err(UnitNameError::Length(text.into()));
        }
        Ok(UnitName(text.into()))
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
        &self.0
    }

    /// What the suffix says.
    pub fn kind(&self) -> UnitKind {
        let suffix = self.0.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        *UnitKind::ALL
            .iter()
            .find(|kind| kind.suffix() == suffix)
            .expect("parse accepts known suffixes only")
    }

    /// The name before the suffix, instance included: `getty@tty1`.
    pub fn stem(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(stem, _)| stem)
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

    /// `foo@.service`
    pub fn is_template(&self) -> bool {
        self.instance() == Some("")
    }

    /// `foo@.service` of `foo@bar.service`; `None` when this is no instance.
    pub fn template(&self) -> Option<UnitName> {
        match self.instance() {
            None | Some("") => None,
            Some(_) => Some(UnitName(
                format!("{}@.{}", self.prefix(), self.kind().suffix()).into(),
            )),
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
        name.0.into()
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
