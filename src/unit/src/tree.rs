//! The input: files of one commit's tree, and the facts about the host that specifiers need.
use crate::environment::{EnvironmentFileError, read_assignments};
use crate::model::{Resource, Rlimit};
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
    /// Physical memory in bytes: what `MemoryMax=50%` is half of.
    pub memory_bytes: u64,
    /// Most tasks that the kernel runs: what `TasksMax=10%` is a part of.
    pub tasks_max: u64,
    /// `%T`
    pub tmp_dir: String,
    /// `%V`
    pub var_tmp_dir: String,
    /// `%q`; without one it is `%l`.
    pub pretty_host_name: Option<String>,
    /// `%o` and its kin; `None` where the host has no such file.
    pub os_release: Option<OsRelease>,
    /// `%Y`: where the unit files lie; `None` when they lie in git only.
    pub units_dir: Option<String>,
    /// `%R`: below it are the cgroups of units.
    pub cgroup_root: String,
}

/// What /etc/os-release says (os-release(5)); empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsRelease {
    /// `%o`: `debian`
    pub id: String,
    /// `%w`: `12`
    pub version_id: String,
    /// `%B`
    pub build_id: String,
    /// `%W`
    pub variant_id: String,
    /// `%M`
    pub image_id: String,
    /// `%A`
    pub image_version: String,
}

impl OsRelease {
    /// Reads the text of the file.
    pub fn parse(text: &[u8]) -> Result<OsRelease, EnvironmentFileError> {
        let mut found = OsRelease::default();
        for (key, value) in read_assignments(text)? {
            let field = match key.as_str() {
                "ID" => &mut found.id,
                "VERSION_ID" => &mut found.version_id,
                "BUILD_ID" => &mut found.build_id,
                "VARIANT_ID" => &mut found.variant_id,
                "IMAGE_ID" => &mut found.image_id,
                "IMAGE_VERSION" => &mut found.image_version,
                _ => continue,
            };
            *field = value;
        }
        Ok(found)
    }
}

impl HostFacts {
    /// The limits of a process whose unit says nothing: the kernel's defaults for its first
    /// process, and those that systemd changes.
    pub fn rlimit(&self, resource: Resource) -> Rlimit {
        let both = |value| Rlimit {
            soft: value,
            hard: value,
        };
        let endless = u64::MAX;
        match resource {
            Resource::Cpu
            | Resource::Fsize
            | Resource::Data
            | Resource::Rss
            | Resource::As
            | Resource::Locks
            | Resource::Rttime => both(endless),
            Resource::Stack => Rlimit {
                soft: 8 << 20,
                hard: endless,
            },
            Resource::Core => Rlimit {
                soft: 0,
                hard: endless,
            },
            Resource::Nofile => Rlimit {
                soft: 1024,
                hard: 524_288,
            },
            // The kernel gives its first process half of what it can run at all.
            Resource::Nproc | Resource::Sigpending => both(self.tasks_max / 2),
            Resource::Memlock => both(8 << 20),
            Resource::Msgqueue => both(819_200),
            Resource::Nice | Resource::Rtprio => both(0),
        }
    }

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
            memory_bytes: 8 << 30,
            tasks_max: 32_768,
            tmp_dir: "/tmp".into(),
            var_tmp_dir: "/var/tmp".into(),
            pretty_host_name: None,
            os_release: Some(OsRelease {
                id: "debian".into(),
                version_id: "12".into(),
                ..OsRelease::default()
            }),
            units_dir: None,
            cgroup_root: String::new(),
        }
    }
}
