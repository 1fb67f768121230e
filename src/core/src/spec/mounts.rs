//! How the file system of a service differs from the host's.
use serde::{Deserialize, Serialize};

/// The mounts of a service; by default there are none, and it sees what the host sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mounts {
    /// It has a mount namespace of its own, whether or not anything is mounted there.
    pub own: bool,
    /// `RootDirectory=`, absolute.
    pub root: Option<String>,
    /// In the order in which they are made: what lies above comes first.
    pub mounts: Vec<Mount>,
    /// `MountFlags=`: what becomes of mounts that are made later, as a flag of mount(2).
    pub propagation: u64,
}

/// One place that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute, as the service will see it.
    pub path: String,
    /// What is there.
    pub kind: MountKind,
    /// It may be missing on the host.
    pub optional: bool,
    /// The directive that wants it: `ProtectSystem=`.
    pub directive: String,
}

/// What a place is made into. The order is that of precedence where several are said of one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MountKind {
    /// Nothing to be seen, and nobody to be let in.
    Inaccessible,
    /// Another place of the host.
    Bind {
        /// Absolute, on the host.
        source: String,
        /// With all that is mounted below it.
        recursive: bool,
        /// `BindReadOnlyPaths=`
        read_only: bool,
        /// Nothing is done when the source is missing.
        optional: bool,
    },
    /// A directory of the invocation's own: `PrivateTmp=`.
    Private {
        /// Where it lies on the host; made before the first command.
        source: String,
    },
    /// `PrivateDevices=`: a /dev of its own with pseudo devices only.
    Devices,
    /// A fresh file system of the kernel.
    Proc {
        /// `hidepid=`, `subset=` of proc(5).
        options: String,
    },
    /// May be read only.
    ReadOnly,
    /// May be written to, if the host lets it.
    ReadWrite,
    /// No program in it may be executed.
    NoExec,
    /// Programs in it may be executed, if the host lets them.
    Exec,
    /// An empty file system in memory.
    Temporary {
        /// Options of tmpfs(5).
        options: String,
    },
    /// Message queues of the namespace.
    Queues,
    /// As [`MountKind::ReadWrite`], if nothing else is said.
    Spared,
}
