//! Values of directives: text to number, and back where people read it.
mod bytes;
mod capability;
mod limit;
mod path;
mod scalar;
mod signal;
mod time;

pub use bytes::parse_size;
pub use capability::{CAPABILITIES, capability_from_name, capability_name, parse_capabilities};
pub use limit::{parse_permyriad, parse_rlimit};
pub use path::{
    NAME_MAX, PATH_MAX, PathPartError, absolute_path, below, components, directory_of, filename_of,
    is_empty_or_root, is_filename, is_hidden_or_backup, is_normalized_path, is_path, is_safe_path,
    is_valid_path, make_relative, prefix_root, relative_path, simplify_directory_path,
    simplify_path,
};
pub use scalar::{exit_status_from_name, parse_bool, parse_mode};
pub use signal::{parse_signal, signal_name};
pub use time::{format_timespan, parse_timespan};

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
