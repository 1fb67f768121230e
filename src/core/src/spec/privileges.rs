//! What a process may not do, or may do although it is not root.
use serde::{Deserialize, Serialize};

/// Capabilities and what is like them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivilegeSpec {
    /// `NoNewPrivileges=`
    pub no_new_privileges: bool,
    /// `CapabilityBoundingSet=`; bit n is capability n.
    pub capability_bounding_set: u64,
    /// `AmbientCapabilities=`
    pub ambient_capabilities: u64,
    /// `SecureBits=`, as the flags of capabilities(7).
    pub secure_bits: i32,
    /// `KeyringMode=`
    pub keyring: Keyring,
    /// `Personality=`, as personality(2) takes it.
    pub personality: Option<u64>,
    /// `IgnoreSIGPIPE=`
    pub ignore_sigpipe: bool,
}

impl Default for PrivilegeSpec {
    /// Of a unit that says nothing.
    fn default() -> PrivilegeSpec {
        PrivilegeSpec {
            no_new_privileges: false,
            capability_bounding_set: u64::MAX,
            ambient_capabilities: 0,
            secure_bits: 0,
            keyring: Keyring::Private,
            personality: None,
            ignore_sigpipe: true,
        }
    }
}

/// `KeyringMode=`: the session keyring of keyrings(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Keyring {
    Inherit,
    Private,
    Shared,
}
