//! Values of directives: text to number, and back where people read it.
mod address_family;
mod address_prefix;
mod amount;
mod bytes;
mod calendar;
mod capability;
mod cgroup_path;
mod civil;
mod controller;
mod cpu_set;
pub(crate) mod device;
mod endpoint;
mod errno;
mod exit_status;
mod integer;
mod interface;
mod isolation;
mod limit;
pub(crate) mod list;
pub(crate) mod log;
mod path;
mod percent;
mod range;
mod scalar;
mod scheduling;
pub(crate) mod shape;
mod signal;
mod socket_address;
mod socket_bind;
mod syscall;
mod time;
mod timestamp;
mod user;
mod version;
mod weight;
mod zones;

pub use address_family::{AddressFamilies, address_family_name, parse_address_family};
pub use address_prefix::{AddressPrefix, apply_address_prefixes, parse_address_prefix};
pub use amount::{
    Amount, MemoryZero, fit_cpu_period, format_pressure_limit, parse_cpu_quota, parse_memory,
    parse_pressure_limit, parse_tasks_max, protected_memory,
};
pub use bytes::{format_size, parse_size, parse_size_si};
pub use calendar::{CalendarSpec, Zone};
pub use capability::{
    CAPABILITIES, apply_capabilities, capability_from_name, capability_name, format_capabilities,
    format_capability_set,
};
pub use cgroup_path::{escape_cgroup, slice_of_path, slice_path, unit_of_directory, unit_of_path};
pub use controller::{
    Controllers, Delegate, apply_controllers, apply_delegate, controller_is_valid,
};
pub use cpu_set::{CpuSet, apply_cpu_set, apply_node_set};
pub use device::{
    DeviceNumber, DeviceRule, apply_device_latency, apply_device_limit, apply_device_rule,
    apply_device_weight, parse_device_rule,
};
pub use endpoint::{Endpoint, parse_endpoint};
pub use errno::{errno_name, parse_errno};
pub use exit_status::{
    apply_exit_statuses, exit_status_from_name, exit_status_name, format_exit_statuses,
    parse_exit_status,
};
pub use integer::{
    parse_hexadecimal, parse_i32, parse_signed, parse_u32, parse_u64, parse_unsigned,
};
pub use interface::{Interfaces, interface_is_valid};
pub use isolation::{
    apply_dump_filter, apply_namespaces, apply_secure_bits, format_dump_filter,
    format_mount_propagation, format_namespaces, format_secure_bits, parse_mount_propagation,
    parse_personality,
};
pub use limit::{
    format_rlimit, parse_rlimit, resource_from_directive, resource_from_name, resource_number,
};
pub use list::{apply_environment_names, apply_words};
pub use log::{
    LOG_AS_CONFIGURED, LOG_FILE_SIZE_MIN, LOG_FILES_MAX, apply_log_fields, format_log_facility,
    format_log_level, parse_log_facility, parse_log_file_size, parse_log_files, parse_log_level,
};
pub use path::{
    NAME_MAX, PATH_MAX, PathPartError, absolute_path, below, components, directory_of, filename_of,
    is_empty_or_root, is_filename, is_hidden_or_backup, is_normalized_path, is_path, is_safe_path,
    is_valid_path, make_relative, prefix_root, relative_path, simplify_directory_path,
    simplify_path,
};
pub use percent::{
    format_permyriad, parse_percent, parse_percent_unbounded, parse_permille,
    parse_permille_unbounded, parse_permyriad, parse_permyriad_unbounded,
};
pub use range::{parse_port_range, parse_range};
pub use scalar::{parse_bool, parse_mode, parse_pid};
pub use scheduling::{
    IoScheduling, apply_io_class, apply_io_priority, fit_cpu_priority, format_cpu_policy,
    format_io_class, format_numa_policy, parse_cpu_policy, parse_cpu_priority, parse_nice,
    parse_numa_policy, parse_oom_score_adjust,
};
pub use signal::{format_signal, parse_signal, signal_name};
pub use socket_address::{
    SocketAddress, parse_listen, parse_netlink_address, parse_socket_address,
};
pub use socket_bind::{SocketBind, apply_socket_bind, parse_socket_bind};
pub use syscall::{
    SyscallAction, SyscallArchitectures, SyscallFilter, SyscallId, SyscallRules, system_call_group,
};
pub use time::{
    format_timespan, format_timespan_to, parse_nanoseconds, parse_timeout, parse_timespan,
    parse_timespan_or_infinity, parse_timespan_with_unit,
};
pub use timestamp::parse_timestamp;
pub use user::{NameRules, parse_uid, parse_uid_range, parse_user_name, user_name_is_valid};
pub use version::compare_versions;
pub use weight::{parse_block_io_weight, parse_cpu_shares, parse_cpu_weight, parse_io_weight};
pub use zones::Zones;

/// Why a value is not what its directive wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub String);

/// The value of a word in a table of words.
pub(crate) fn choice<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    let found = table.iter().find(|(known, _)| *known == word);
    found.map(|&(_, value)| value)
}

/// The word for a value in a table of words: the first that has it.
pub(crate) fn word_for<'a, T: PartialEq>(table: &[(&'a str, T)], value: &T) -> Option<&'a str> {
    let found = table.iter().find(|(_, known)| known == value);
    found.map(|&(word, _)| word)
}

impl ValueError {
    /// `'x' is no time span (such as 5s …)`.
    pub(crate) fn not(value: &str, wanted: &str) -> ValueError {
        ValueError(format!("'{}' is no {wanted}", crate::text::excerpt(value)))
    }

    /// `'99' is out of range for nice level (-20 to 19)`.
    pub(crate) fn beyond(value: &str, wanted: &str) -> ValueError {
        ValueError(format!(
            "'{}' is out of range for {wanted}",
            crate::text::excerpt(value)
        ))
    }
}
