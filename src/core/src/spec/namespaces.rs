//! What a service does not share with the host beside processes and files.
use serde::{Deserialize, Serialize};

/// `PrivateNetwork=`, `PrivateIPC=`, `ProtectHostname=`, `PrivateUsers=` and their kin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces {
    /// Interfaces, addresses, sockets.
    pub network: Sharing,
    /// Shared memory, semaphores, message queues.
    pub ipc: Sharing,
    /// The host name is its own, and begins as the host's.
    pub host_name: bool,
    /// Of the host's users it knows root and its own; capabilities count for nothing outside.
    pub users: bool,
}

/// With whom a kind of namespace is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// The host.
    #[default]
    Host,
    /// Nobody: one for all commands of the invocation.
    Own,
    /// Another service: what stands at its number of [`super::Fds`] (`JoinsNamespaceOf=`).
    Joined,
    /// Whoever made the namespace that is mounted there (`ip netns add`).
    At(String),
}
