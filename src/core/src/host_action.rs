//! What a unit may ask of the whole host when it fails, ends or can't be started: FailureAction= and
//! its kin (systemd.unit(5)). Whether the host does it is the configuration's to say.
use gitproc_unit::{Family, Unit};

/// What becomes of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostVerb {
    /// gitproc ends, its services before it.
    Exit,
    /// The host starts anew.
    Reboot,
    /// The host is switched off.
    Poweroff,
}

impl HostVerb {
    /// All of them.
    pub const ALL: [HostVerb; 3] = [HostVerb::Exit, HostVerb::Reboot, HostVerb::Poweroff];

    /// As systemd writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            HostVerb::Exit => "exit",
            HostVerb::Reboot => "reboot",
            HostVerb::Poweroff => "poweroff",
        }
    }
}

/// How much is left out on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// Everything is stopped in order.
    Orderly,
    /// `-force`: services are not stopped, file systems are unmounted.
    Forced,
    /// `-immediate`: not even that.
    Immediate,
}

/// A value of `FailureAction=` other than `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostAction {
    /// What.
    pub verb: HostVerb,
    /// How.
    pub haste: Haste,
}

impl HostAction {
    /// From a value that the unit's table has let pass; `None` of `none`.
    fn parse(word: &str) -> Option<HostAction> {
        let (verb, haste) = match word.split_once('-') {
            None => (word, Haste::Orderly),
            Some((verb, "force")) => (verb, Haste::Forced),
            Some((verb, _)) => (verb, Haste::Immediate),
        };
        let verb = HostVerb::ALL.into_iter().find(|one| one.as_str() == verb)?;
        Some(HostAction { verb, haste })
    }

    /// As systemd writes it.
    pub fn word(self) -> String {
        let haste = match self.haste {
            Haste::Orderly => "",
            Haste::Forced => "-force",
            Haste::Immediate => "-immediate",
        };
        format!("{}{haste}", self.verb.as_str())
    }
}

/// The occasions, by the directives that name them.
pub const OCCASIONS: [&str; 4] = [
    "StartLimitAction",
    "FailureAction",
    "SuccessAction",
    "JobTimeoutAction",
];

/// What `unit` asks for by one of [`OCCASIONS`].
pub fn asked_by(unit: &Unit, key: &str) -> Option<HostAction> {
    HostAction::parse(unit.settings.text(Family::Unit, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_is_read_as_it_is_written() {
        for verb in HostVerb::ALL {
            for haste in [Haste::Orderly, Haste::Forced, Haste::Immediate] {
                let action = HostAction { verb, haste };
                assert_eq!(HostAction::parse(&action.word()), Some(action));
            }
        }
        assert_eq!(HostAction::parse("none"), None);
    }
}
