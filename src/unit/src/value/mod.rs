//! Values of directives: text to number, and back where people read it.
mod bytes;
mod calendar;
mod capability;
mod civil;
mod limit;
mod scalar;
mod signal;
mod time;
mod timestamp;
mod zones;

pub use bytes::parse_size;
pub use calendar::{CalendarSpec, Zone};
pub use capability::{CAPABILITIES, capability_from_name, capability_name, parse_capabilities};
pub use limit::{parse_permyriad, parse_rlimit};
pub(crate) use scalar::absolute_path;
pub use scalar::{exit_status_from_name, parse_bool, parse_mode, simplify_path};
pub use signal::{parse_signal, signal_name};
pub use time::{
    format_timespan, format_timespan_to, parse_nanoseconds, parse_timeout, parse_timespan,
    parse_timespan_or_infinity, parse_timespan_with_unit,
};
pub use timestamp::parse_timestamp;
pub use zones::Zones;

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
