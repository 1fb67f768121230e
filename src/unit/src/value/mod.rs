//! Values of directives: text to number, and back where people read it.
mod bytes;
mod capability;
mod limit;
mod scalar;
mod signal;
mod time;
mod version;

pub use bytes::parse_size;
pub use capability::{CAPABILITIES, capability_from_name, capability_name, parse_capabilities};
pub use limit::{parse_permyriad, parse_rlimit};
pub(crate) use scalar::absolute_path;
pub use scalar::{exit_status_from_name, parse_bool, parse_mode, simplify_path};
pub use signal::{parse_signal, signal_name};
pub use time::{format_timespan, parse_timespan};
pub use version::compare_versions;

/// Why a value is not what its directive wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub String);

impl ValueError {
    /// `'x' is no time span (such as 5s …)`.
    pub(crate) fn not(value: &str, wanted: &str) -> ValueError {
        ValueError(format!("'{}' is no {wanted}", crate::text::excerpt(value)))
    }
}
