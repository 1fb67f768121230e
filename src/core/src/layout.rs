//! Where everything lies, for `--root DIR`, for the real tree, and rootless.
use std::path::{Path, PathBuf};

/// Paths of one instance of gitproc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Configuration file (`/etc/gitproc/gitproc.conf`; drop-ins in `gitproc.conf.d/` beside it).
    pub config: PathBuf,
    /// The clone that people edit (`/etc/gitproc/services`).
    pub clone: PathBuf,
    /// Durable state (`/var/lib/gitproc`).
    pub state: PathBuf,
    /// Runtime state (`/run/gitproc`).
    pub run: PathBuf,
    /// Logs of the services (`/var/log/gitproc`).
    pub logs: PathBuf,
    /// Base of RuntimeDirectory= (`/run`): always the host's, also with `--root`, because units
    /// name these paths in their own configuration.
    pub runtime_base: PathBuf,
    /// Native socket of systemd-journald.service(8).
    pub journal: PathBuf,
    /// Name of the instance in cgroup paths: `gitproc`, or `gitproc-<hash of the root>`.
    pub instance: String,
}

impl Layout {
    /// The real tree.
    pub fn system() -> Layout {
        Layout::under(Path::new("/"))
    }

    /// Everything under `root`, which must be absolute.
    pub fn under(root: &Path) -> Layout {
        let instance = match root == Path::new("/") {
            true => "gitproc".to_owned(),
            false => format!("gitproc-{:08x}", fnv1a(root.as_os_str().as_encoded_bytes())),
        };
        Layout {
            config: root.join("etc/gitproc/gitproc.conf"),
            clone: root.join("etc/gitproc/services"),
            state: root.join("var/lib/gitproc"),
            run: root.join("run/gitproc"),
            logs: root.join("var/log/gitproc"),
            runtime_base: PathBuf::from("/run"),
            journal: root.join("run/systemd/journal/socket"),
            instance,
        }
    }

    /// Rootless, without `--root`: the XDG directories (`XDG_RUNTIME_DIR` and so on, absolute).
    pub fn user(config: &Path, state: &Path, runtime: &Path) -> Layout {
        Layout {
            config: config.join("gitproc/gitproc.conf"),
            clone: config.join("gitproc/services"),
            state: state.join("gitproc"),
            run: runtime.join("gitproc"),
            logs: state.join("gitproc/log"),
            runtime_base: runtime.to_owned(),
            journal: PathBuf::from("/run/systemd/journal/socket"),
            instance: "gitproc".to_owned(),
        }
    }

    /// The bare store.
    pub fn store(&self) -> PathBuf {
        self.state.join("store.git")
    }

    /// Hooks of the store, owned by root.
    pub fn hooks(&self) -> PathBuf {
        self.state.join("hooks")
    }

    /// One file per deployed generation.
    pub fn generations(&self) -> PathBuf {
        self.state.join("generations")
    }

    /// JSON-RPC socket.
    pub fn socket(&self) -> PathBuf {
        self.run.join("gitproc.sock")
    }

    /// Socket for git's own protocol (receive-pack and upload-pack of the clone).
    pub fn git_socket(&self) -> PathBuf {
        self.run.join("git.sock")
    }

    /// One directory per living invocation.
    pub fn invocations(&self) -> PathBuf {
        self.run.join("inv")
    }

    /// One [`crate::api::UnitRecord`] per unit.
    pub fn unit_records(&self) -> PathBuf {
        self.run.join("unit")
    }

    /// One directory per unit that may store descriptors, with its keeper's socket
    /// ([`crate::descriptor_store`]).
    pub fn descriptor_stores(&self) -> PathBuf {
        self.run.join("fdstore")
    }

    /// One file per number that `DynamicUser=` has handed out.
    pub fn dynamic_users(&self) -> PathBuf {
        self.run.join("dynamic-users")
    }

    /// Boot id that the runtime state belongs to.
    pub fn boot_id(&self) -> PathBuf {
        self.run.join("boot_id")
    }

    /// Locked by the one daemon of this instance.
    pub fn lock(&self) -> PathBuf {
        self.run.join("lock")
    }

    /// Log file of a unit.
    pub fn log_file(&self, unit: &str) -> PathBuf {
        self.logs.join(format!("{unit}.log"))
    }
}

/// 32-bit FNV-1a: a short, stable name for a path; no security hangs on it.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
