//! Steps between fork and exec that can fail, with systemd's exit status and name for each
//! (systemd.exec(5), "Process exit codes").
use serde::{Deserialize, Serialize};

macro_rules! steps {
    ($($step:ident = $status:literal $name:literal,)*) => {
        /// A step that failed before the service's first instruction.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[allow(missing_docs)]
        pub enum ExecStep {
            $($step,)*
        }

        impl ExecStep {
            /// Exit status, 200 and up.
            pub const fn status(self) -> u8 {
                match self {
                    $(ExecStep::$step => $status,)*
                }
            }

            /// Name as systemd prints it: `GROUP`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(ExecStep::$step => $name,)*
                }
            }
        }
    };
}

steps! {
    Chdir = 200 "CHDIR",
    Nice = 201 "NICE",
    Fds = 202 "FDS",
    Exec = 203 "EXEC",
    // Before there is a process, under systemd: the unit fails for want of resources.
    EnvironmentFile = 203 "EXEC",
    Memory = 204 "MEMORY",
    Limits = 205 "LIMITS",
    OomAdjust = 206 "OOM_ADJUST",
    SignalMask = 207 "SIGNAL_MASK",
    Stdin = 208 "STDIN",
    Stdout = 209 "STDOUT",
    Chroot = 210 "CHROOT",
    Ioprio = 211 "IOPRIO",
    Timerslack = 212 "TIMERSLACK",
    Securebits = 213 "SECUREBITS",
    Setscheduler = 214 "SETSCHEDULER",
    CpuAffinity = 215 "CPUAFFINITY",
    Group = 216 "GROUP",
    User = 217 "USER",
    Capabilities = 218 "CAPABILITIES",
    Cgroup = 219 "CGROUP",
    Setsid = 220 "SETSID",
    Stderr = 222 "STDERR",
    Pam = 224 "PAM",
    Network = 225 "NETWORK",
    Namespace = 226 "NAMESPACE",
    NoNewPrivileges = 227 "NO_NEW_PRIVILEGES",
    Seccomp = 228 "SECCOMP",
    Personality = 230 "PERSONALITY",
    AddressFamilies = 232 "ADDRESS_FAMILIES",
    RuntimeDirectory = 233 "RUNTIME_DIRECTORY",
    Chown = 235 "CHOWN",
    Keyring = 237 "KEYRING",
    StateDirectory = 238 "STATE_DIRECTORY",
    CacheDirectory = 239 "CACHE_DIRECTORY",
    LogsDirectory = 240 "LOGS_DIRECTORY",
    ConfigurationDirectory = 241 "CONFIGURATION_DIRECTORY",
    NumaPolicy = 242 "NUMA_POLICY",
    Credentials = 243 "CREDENTIALS",
}
