//! What a service does not share with the host beside processes and files.
use serde::{Deserialize, Serialize};

/// `PrivateNetwork=`, `PrivateIPC=`, `PrivateUsers=`, `ProtectHostname=` and their paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces {}
