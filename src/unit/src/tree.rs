//! The input: files of one commit's tree, and the facts about the host that specifiers need.
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The files of one commit that may concern units, by path relative to the units directory.
///
/// Paths are `foo.service`, `foo.service.d/10-x.conf`, `multi-user.target.wants/foo.service`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeFiles {
    /// What each path holds.
    pub entries: BTreeMap<String, TreeEntry>,
}

/// One entry of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TreeEntry {
    /// A regular file, checked to be UTF-8 without NUL.
    File(String),
    /// A symbolic link and its target, as it stands in the tree.
    Symlink(String),
    /// An entry that can't be read as a unit file; says why (`invalid UTF-8 at byte 17`).
    Problem(String),
}

/// What the host tells the unit language. All of it is an input, so that parsing stays pure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// `%H`
    pub host_name: String,
    /// `%m`, 32 hex digits
    pub machine_id: String,
    /// `%b`, 32 hex digits
    pub boot_id: String,
    /// `%v`
    pub kernel_release: String,
    /// `%a`, systemd's name (`x86-64`)
    pub architecture: String,
    /// The user that the daemon runs as: `%u`, `%U`, `%h`, `%s`.
    pub user: String,
    /// `%U`
    pub uid: u32,
    /// `%g`
    pub group: String,
    /// `%G`
    pub gid: u32,
    /// `%h`
    pub home: String,
    /// `%s`
    pub shell: String,
    /// `%t`: `/run`, or the user's runtime directory when rootless.
    pub runtime_dir: String,
    /// `%S`
    pub state_dir: String,
    /// `%C`
    pub cache_dir: String,
    /// `%L`
    pub logs_dir: String,
    /// `%E`
    pub config_dir: String,
}

impl HostFacts {
    /// Facts of a made-up host, for tests and for `show --file` without a daemon.
    pub fn example() -> HostFacts {
        HostFacts {
            host_name: "localhost".into(),
            machine_id: "00112233445566778899aabbccddeeff".into(),
            boot_id: "ffeeddccbbaa99887766554433221100".into(),
            kernel_release: "6.1.0".into(),
            architecture: "x86-64".into(),
            user: "root".into(),
            uid: 0,
            group: "root".into(),
            gid: 0,
            home: "/root".into(),
            shell: "/bin/sh".into(),
            runtime_dir: "/run".into(),
            state_dir: "/var/lib".into(),
            cache_dir: "/var/cache".into(),
            logs_dir: "/var/log".into(),
            config_dir: "/etc".into(),
        }
    }
}
