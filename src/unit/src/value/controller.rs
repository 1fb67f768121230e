//! Controllers of control groups, and sets of them.
use super::list::{Split, each_word};
use super::{ValueError, choice, parse_bool};

/// Names in systemd's order; some are its own and attach programs instead of a controller.
const CONTROLLERS: [(&str, u8); 13] = [
    ("cpu", 0),
    ("cpuacct", 1),
    ("cpuset", 2),
    ("io", 3),
    ("blkio", 4),
    ("memory", 5),
    ("devices", 6),
    ("pids", 7),
    ("bpf-firewall", 8),
    ("bpf-devices", 9),
    ("bpf-foreign", 10),
    ("bpf-socket-bind", 11),
    ("bpf-restrict-network-interfaces", 12),
];
/// systemd's own hierarchy, the only name that may begin with `_`.
const SYSTEMD_HIERARCHY: &str = "_systemd";
/// Longest name of a controller, in bytes (it names files).
const NAME_MAX: usize = 255;

/// A set of controllers; bits in systemd's order of controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Controllers(u16);

impl Controllers {
    /// Every controller.
    pub const ALL: Controllers = Controllers((1 << CONTROLLERS.len()) - 1);
    /// What `Delegate=yes` hands over: those of cgroup v2 (cpu, cpuset, io, memory, pids).
    pub const DELEGATED: Controllers = Controllers(1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 7);

    /// The set of one controller.
    pub fn named(name: &str) -> Option<Controllers> {
        choice(&CONTROLLERS, name).map(|bit| Controllers(1 << bit))
    }

    /// Members by name, in systemd's order (`as` in its properties).
    pub fn names(self) -> Vec<&'static str> {
        let members = CONTROLLERS.iter().filter(|(_, bit)| self.0 >> bit & 1 == 1);
        members.map(|&(name, _)| name).collect()
    }

    fn join(&mut self, other: Controllers) {
        self.0 |= other.0;
    }
}

/// `Delegate=`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delegate {
    /// Whether the unit rules over its part of the tree.
    pub on: bool,
    /// What it gets for that; none when off.
    pub controllers: Controllers,
}

impl Delegate {
    /// As one line of the directive.
    pub fn to_line(self) -> String {
        match (self.on, self.controllers) {
            (false, _) => "no".into(),
            (true, Controllers::DELEGATED) => "yes".into(),
            (true, controllers) => controllers.names().join(" "),
        }
    }
}

/// One line of `Delegate=`: a boolean (all or nothing), or names that are added. An empty line
/// delegates without any controller.
pub fn apply_delegate(delegate: &mut Delegate, text: &str) -> Result<(), ValueError> {
    *delegate = match (text, parse_bool(text)) {
        ("", _) => Delegate {
            on: true,
            controllers: Controllers::default(),
        },
        (_, Ok(false)) => Delegate::default(),
        (_, Ok(true)) => Delegate {
            on: true,
            controllers: Controllers::DELEGATED,
        },
        (_, Err(_)) => {
            // What can't be split to its end counts for nothing.
            each_word(text, Split::Unescaped, |_| Ok(()))?;
            let mut named = delegate.controllers;
            let outcome = each_word(text, Split::Unescaped, |name| join(&mut named, name));
            delegate.on = true;
            delegate.controllers = named;
            return outcome;
        }
    };
    Ok(())
}

/// One line of `DisableControllers=`: names that are added; an empty line resets.
pub fn apply_controllers(set: &mut Controllers, text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        *set = Controllers::default();
    }
    each_word(text, Split::Plain, |name| join(set, name))
}

fn join(set: &mut Controllers, name: &str) -> Result<(), ValueError> {
    let found = Controllers::named(name);
    set.join(found.ok_or_else(|| ValueError::not(name, "controller (such as memory)"))?);
    Ok(())
}

/// Whether a controller or a named hierarchy (`name=x`) may be called so.
pub fn controller_is_valid(name: &str) -> bool {
    if name == SYSTEMD_HIERARCHY {
        return true;
    }
    let name = name.strip_prefix("name=").unwrap_or(name);
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !name.is_empty() && !name.starts_with('_') && name.len() <= NAME_MAX && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delegates() {
        let fold = |lines: &[&str]| {
            let mut delegate = Delegate::default();
            for line in lines {
                let _ = apply_delegate(&mut delegate, line);
            }
            (delegate.on, delegate.controllers.names().join(" "))
        };
        for (lines, on, names) in [
            (&["yes"][..], true, "cpu cpuset io memory pids"),
            (&["no"], false, ""),
            (&[""], true, ""),
            (&["pids memory", "cpu"], true, "cpu memory pids"),
            (&["pids nope"], true, "pids"),
            (&["pids", "no"], false, ""),
        ] {
            assert_eq!(fold(lines), (on, names.to_owned()), "{lines:?}");
        }
    }

    #[test]
    fn disables() {
        let mut set = Controllers::default();
        assert_eq!(apply_controllers(&mut set, "io cpu"), Ok(()));
        assert!(apply_controllers(&mut set, "nope").is_err());
        assert_eq!(set.names(), ["cpu", "io"]);
        assert_eq!(apply_controllers(&mut set, ""), Ok(()));
        assert_eq!(set, Controllers::default());
    }
}
