//! Secrets that a service finds as files.
use super::Octets;
use serde::{Deserialize, Serialize};

/// `LoadCredential=`, `SetCredential=`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Where the files are, absolute: `CREDENTIALS_DIRECTORY=`.
    pub dir: String,
    /// Names, and paths or names in a store.
    pub load: Vec<(String, String)>,
    /// Names, and the data that the unit holds itself.
    pub set: Vec<(String, Octets)>,
}
