//! How the file system of a service differs from the host's.
use serde::{Deserialize, Serialize};

/// The mounts of a service, in the order in which they are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mounts {}
