//! `gitproc.conf` and `gitproc.conf.d/*.conf`: systemd's syntax, our keys. What is not known is an
//! error: a daemon with half of its configuration is worse than none.
use gitproc_core::host_action::HostVerb;
use gitproc_core::log_files::LogRotation;
use gitproc_unit::value::{ValueError, parse_log_file_size, parse_log_files, parse_timespan};
use gitproc_unit::{Severity, UnitKind, UnitName, parse_ini};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Settings of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[Git] Branch=`: the branch that is followed.
    pub branch: String,
    /// `[Git] PollIntervalSec=`: how often the branch is looked at without a hint.
    pub poll_interval: Duration,
    /// `[Manager] DefaultTarget=`: the target whose closure is to run.
    pub default_target: UnitName,
    /// `[Manager] AllowDegraded=`: services start although the host can't restrict them as their
    /// units say; what is lacking is said.
    pub allow_degraded: bool,
    /// `[Manager] AllowHostActions=`: what units may ask of the whole host (`FailureAction=` and its
    /// kin).
    pub allowed_actions: BTreeSet<HostVerb>,
    /// `[Logs] MaxFileSize=` and `MaxFiles=`: when a service's log begins a new file, and how many
    /// older ones stay.
    pub log_rotation: LogRotation,
    /// `[Logs] ForwardToJournal=`: lines go to systemd-journald too, also those of units that say
    /// nothing of it.
    pub forward_to_journal: bool,
}

/// Shortest poll; a shorter one would keep the disk awake for nothing, since hints are exact.
const POLL_MIN: Duration = Duration::from_secs(1);

impl Default for Config {
    fn default() -> Config {
        Config {
            branch: "main".to_owned(),
            poll_interval: Duration::from_secs(60),
            default_target: UnitName::parse("default.target").expect("a well-formed name"),
            allow_degraded: false,
            allowed_actions: BTreeSet::new(),
            log_rotation: LogRotation::default(),
            forward_to_journal: false,
        }
    }
}

/// Why the configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line that says nothing sensible.
    #[error("{place}: {what}")]
    Line {
        /// `file:line`
        place: String,
        /// What is wrong, and what would be right.
        what: String,
    },
}

/// Reads the main file, and then its drop-ins in the order of their names; a later one wins.
/// Neither need exist, unless the main file was named on the command line (`must_exist`).
pub fn load(path: &Path, must_exist: bool) -> Result<Config, ConfigError> {
    let mut config = Config::default();
    match std::fs::read_to_string(path) {
        Ok(text) => apply(&mut config, path, &text)?,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && !must_exist => {}
        Err(source) => {
            return Err(ConfigError::Read {
                path: path.to_owned(),
                source,
            });
        }
    }
    for drop_in in drop_ins(path) {
        let text = std::fs::read_to_string(&drop_in).map_err(|source| ConfigError::Read {
            path: drop_in.clone(),
            source,
        })?;
        apply(&mut config, &drop_in, &text)?;
    }
    Ok(config)
}

fn drop_ins(path: &Path) -> Vec<PathBuf> {
    let mut dir = path.as_os_str().to_owned();
    dir.push(".d");
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "conf")
        })
        .collect();
    found.sort();
    found
}

fn apply(config: &mut Config, path: &Path, text: &str) -> Result<(), ConfigError> {
    let file = path.display().to_string();
    let (sections, diagnostics) = parse_ini(&file, text);
    if let Some(bad) = diagnostics
        .iter()
        .find(|found| found.severity == Severity::Error)
    {
        let (place, what) = (format!("{}:{}", bad.file, bad.line), bad.message.clone());
        return Err(ConfigError::Line { place, what });
    }
    for section in sections {
        if !SECTIONS.contains(&section.name.as_str()) {
            let what = format!(
                "unknown section [{}]; there are [Git], [Manager] and [Logs]",
                section.name
            );
            return Err(ConfigError::Line {
                place: format!("{file}:{}", section.line),
                what,
            });
        }
        for entry in section.entries {
            set(config, &section.name, &entry.key, &entry.value).map_err(|what| {
                ConfigError::Line {
                    place: format!("{file}:{}", entry.line),
                    what,
                }
            })?;
        }
    }
    Ok(())
}

const SECTIONS: [&str; 3] = ["Git", "Manager", "Logs"];

fn set(config: &mut Config, section: &str, key: &str, value: &str) -> Result<(), String> {
    match (section, key) {
        ("Git", "Branch") => config.branch = branch(value)?,
        ("Git", "PollIntervalSec") => config.poll_interval = poll_interval(value)?,
        ("Manager", "DefaultTarget") => config.default_target = target(value)?,
        ("Manager", "AllowDegraded") => config.allow_degraded = flag(key, value)?,
        ("Manager", "AllowHostActions") => config.allowed_actions = host_actions(value)?,
        ("Logs", "MaxFileSize") => {
            config.log_rotation.max_file_size = said(key, parse_log_file_size(value))?;
        }
        ("Logs", "MaxFiles") => config.log_rotation.max_files = said(key, parse_log_files(value))?,
        ("Logs", "MaxFileSec") => {
            config.log_rotation.max_file_us = said(key, parse_timespan(value))?;
        }
        ("Logs", "ForwardToJournal") => config.forward_to_journal = flag(key, value)?,
        _ => return Err(format!("unknown key '{key}' in [{section}]")),
    }
    Ok(())
}

fn said<T>(key: &str, value: Result<T, ValueError>) -> Result<T, String> {
    value.map_err(|cause| format!("{key}=: {cause}"))
}

fn flag(key: &str, value: &str) -> Result<bool, String> {
    gitproc_unit::value::parse_bool(value)
        .map_err(|_| format!("{key}='{value}' is neither yes nor no"))
}

/// The rules of git-check-ref-format(1), as far as they matter for a path below refs/heads.
fn branch(value: &str) -> Result<String, String> {
    let legal = |c: char| !c.is_ascii_control() && !" ~^:?*[\\".contains(c);
    let parts_are_good = value
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"));
    let good = parts_are_good
        && value.chars().all(legal)
        && !value.starts_with('-')
        && !value.ends_with('.')
        && !value.contains("..")
        && !value.contains("@{");
    match good {
        true => Ok(value.to_owned()),
        false => Err(format!(
            "Branch='{value}' is no name of a branch, such as main"
        )),
    }
}

fn target(value: &str) -> Result<UnitName, String> {
    let name = UnitName::parse(value).map_err(|error| format!("DefaultTarget=: {error}"))?;
    match name.kind() {
        UnitKind::Target => Ok(name),
        _ => Err(format!(
            "DefaultTarget={value} is no target; its name has to end in .target"
        )),
    }
}

fn host_actions(value: &str) -> Result<BTreeSet<HostVerb>, String> {
    let words = value.split_ascii_whitespace();
    let known = words.map(|word| {
        let found = HostVerb::ALL.into_iter().find(|verb| verb.as_str() == word);
        found.ok_or_else(|| {
            format!("AllowHostActions=: '{word}' is none of exit, reboot and poweroff")
        })
    });
    known.collect()
}

fn poll_interval(value: &str) -> Result<Duration, String> {
    let bad = |_| format!("PollIntervalSec='{value}' is no time span, such as 60, 90s or 5min");
    let us = gitproc_unit::value::parse_timespan(value).map_err(bad)?;
    Ok(Duration::from_micros(us).max(POLL_MIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    fn read(text: &str) -> Result<Config, String> {
        let mut config = Config::default();
        apply(&mut config, Path::new("g.conf"), text).map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn every_key_is_read() {
        let text = "# ours\n[Git]\nBranch=release/1\nPollIntervalSec=5min\n\
                    [Manager]\nDefaultTarget=web.target\nAllowDegraded=yes\n\
                    AllowHostActions=exit reboot\n[Logs]\nMaxFileSize=1M\nMaxFiles=9\nMaxFileSec=1d\n\
                    ForwardToJournal=yes\n";
        let config = read(text).expect("good");
        assert_eq!(config.branch, "release/1");
        assert_eq!(config.poll_interval, Duration::from_secs(300));
        assert_eq!(config.default_target.as_str(), "web.target");
        assert!(config.allow_degraded);
        let allowed = BTreeSet::from([HostVerb::Exit, HostVerb::Reboot]);
        assert_eq!(config.allowed_actions, allowed);
        let rotation = config.log_rotation;
        assert_eq!((rotation.max_file_size, rotation.max_files), (1 << 20, 9));
        assert_eq!(rotation.max_file_us, 86_400_000_000);
        assert!(config.forward_to_journal);
        assert_eq!(read("").expect("empty is good"), Config::default());
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_place() {
        for (text, message) in [
            (
                "[Git]\nBranhc=x\n",
                "g.conf:2: unknown key 'Branhc' in [Git]",
            ),
            (
                "\n[Gti]\n",
                "g.conf:2: unknown section [Gti]; there are [Git], [Manager] and [Logs]",
            ),
            (
                "[Git]\nBranch=a..b\n",
                "g.conf:2: Branch='a..b' is no name of a branch, such as main",
            ),
            (
                "[Git]\nBranch=\n",
                "g.conf:2: Branch='' is no name of a branch, such as main",
            ),
            (
                "[Git]\nPollIntervalSec=soon\n",
                "g.conf:2: PollIntervalSec='soon' is no time span, such as 60, 90s or 5min",
            ),
            (
                "[Logs]\nMaxFileSize=1K\n",
                "g.conf:2: MaxFileSize=: '1K' is too small: 64K at least, or 0 for files that grow for ever",
            ),
            (
                "[Logs]\nMaxFiles=33\n",
                "g.conf:2: MaxFiles=: '33' is out of range for number of files (0 to 32)",
            ),
            (
                "[Manager]\nAllowHostActions=reboot-force\n",
                "g.conf:2: AllowHostActions=: 'reboot-force' is none of exit, reboot and poweroff",
            ),
            (
                "[Manager]\nDefaultTarget=a.service\n",
                "g.conf:2: DefaultTarget=a.service is no target; its name has to end in .target",
            ),
        ] {
            assert_eq!(read(text).expect_err("bad"), message);
        }
    }

    #[test]
    fn drop_ins_are_read_in_order_and_win() {
        let root = TempDir::new("config");
        let path = root.path().join("gitproc.conf");
        std::fs::create_dir(root.path().join("gitproc.conf.d")).expect("fresh");
        std::fs::write(&path, "[Git]\nBranch=a\nPollIntervalSec=9\n").expect("writable");
        for (name, branch) in [("20-b.conf", "c"), ("10-a.conf", "b"), ("99.txt", "d")] {
            let text = format!("[Git]\nBranch={branch}\n");
            std::fs::write(root.path().join("gitproc.conf.d").join(name), text).expect("writable");
        }
        let config = load(&path, true).expect("good");
        assert_eq!(
            (config.branch.as_str(), config.poll_interval.as_secs()),
            ("c", 9)
        );
    }

    #[test]
    fn a_file_that_was_named_has_to_exist() {
        let root = TempDir::new("config");
        let path = root.path().join("gitproc.conf");
        assert_eq!(load(&path, false).expect("defaults"), Config::default());
        assert!(load(&path, true).is_err());
    }
}
