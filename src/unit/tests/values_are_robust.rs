//! No text makes a parser of values panic, and what they print they read again.
use gitproc_unit::value::{self, AddressFamilies, Controllers, CpuSet, Interfaces, MemoryZero};
use gitproc_unit::{ExitStatusSet, Resource, Rlimit};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Text that is near to what the parsers want.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        "[-+]?0?[xXbBoO]?[0-9]{0,20}[.:%‰‱-]{0,2}[0-9]{0,20}[EPTGMKB%‰‱]?",
        "~?(AF_INET|cap_kill|net|memory|eth0|any|ipv4|tcp|RTMIN|vsock)?[:+/ -]?[0-9]{0,6}",
        "[\\[@/]?[0-9a-f:.]{0,20}\\]?[:%#/]?[0-9a-z]{0,6}",
        "[a-z@_.-]{0,8}/?[a-z-]{0,8}\\.(slice|service)",
        "/dev/[a-z/.'\"\\\\]{0,10} ?[rwm0-9KMG]{0,5}",
    ]
}

/// Every parser that gives one value.
fn parse_all(text: &str) {
    let _ = (
        value::parse_bool(text),
        value::parse_mode(text),
        value::parse_pid(text),
    );
    let _ = (
        value::parse_u32(text),
        value::parse_u64(text),
        value::parse_i32(text),
    );
    let _ = (
        value::parse_signed(text, -5, 5),
        value::parse_hexadecimal(text, 255),
    );
    let _ = (
        value::parse_percent(text),
        value::parse_percent_unbounded(text),
    );
    let _ = (
        value::parse_permille(text),
        value::parse_permille_unbounded(text),
    );
    let _ = (
        value::parse_permyriad(text),
        value::parse_permyriad_unbounded(text),
    );
    let _ = (value::parse_size(text), value::parse_size_si(text));
    let _ = (value::parse_range(text), value::parse_port_range(text));
    let _ = (value::parse_uid(text), value::parse_uid_range(text));
    let _ = (value::parse_errno(text), value::parse_signal(text));
    let _ = (
        value::parse_exit_status(text),
        value::capability_from_name(text),
    );
    let _ = (value::parse_nice(text), value::parse_oom_score_adjust(text));
    let _ = (
        value::parse_cpu_policy(text),
        value::parse_cpu_priority(text),
    );
    let _ = (
        value::parse_numa_policy(text),
        value::parse_mount_propagation(text),
    );
    let _ = (value::parse_cpu_weight(text), value::parse_cpu_shares(text));
    let _ = (
        value::parse_io_weight(text),
        value::parse_block_io_weight(text),
    );
    let _ = (value::parse_tasks_max(text), value::parse_cpu_quota(text));
    let _ = (
        value::parse_pressure_limit(text),
        value::parse_personality(text, "x86-64"),
    );
    let _ = (
        value::parse_log_level(text),
        value::parse_log_facility(text),
    );
    let _ = (
        value::parse_socket_address(text),
        value::parse_netlink_address(text),
    );
    let _ = (value::parse_endpoint(text), value::parse_socket_bind(text));
    let _ = (
        value::parse_address_prefix(text),
        value::parse_address_family(text),
    );
    let _ = (
        value::parse_device_rule(text),
        value::interface_is_valid(text),
    );
    let _ = (value::slice_path(text), value::slice_of_path(text));
    let _ = (value::unit_of_path(text), value::unit_of_directory(text));
    let _ = (value::escape_cgroup(text), value::controller_is_valid(text));
    for zero in [
        MemoryZero::Protection,
        MemoryZero::Limit,
        MemoryZero::Refused,
    ] {
        let _ = value::parse_memory(text, zero).map(|amount| amount.of(u64::MAX, 4096));
    }
    for resource in [
        Resource::Cpu,
        Resource::Rttime,
        Resource::Nice,
        Resource::Nofile,
    ] {
        let _ = value::parse_rlimit(resource, text);
    }
}

/// Every parser that gathers lines.
fn apply_all(text: &str) {
    let mut list = Vec::new();
    let _ = value::apply_words(&mut list, text);
    let _ = value::apply_log_fields(&mut list, text);
    let _ = value::apply_environment_names(&mut list, text);
    let mut pairs = Vec::new();
    let _ = value::apply_device_weight(&mut pairs, text);
    let _ = value::apply_device_limit(&mut pairs, text);
    let _ = value::apply_device_latency(&mut pairs, text);
    let _ = value::apply_capabilities(&mut 0, u64::MAX, text);
    let mut namespaces = u64::MAX;
    let _ = value::apply_namespaces(&mut namespaces, text);
    let _ = value::apply_secure_bits(&mut 0, text);
    let _ = value::apply_dump_filter(&mut None, text);
    let _ = value::apply_exit_statuses(&mut ExitStatusSet::default(), text);
    let _ = value::apply_controllers(&mut Controllers::default(), text);
    let _ = value::apply_delegate(&mut value::Delegate::default(), text);
    let _ = value::apply_io_class(&mut value::IoScheduling::default(), text);
    let _ = value::apply_io_priority(&mut value::IoScheduling::default(), text);
    let _ = value::apply_socket_bind(&mut Vec::new(), text);
    let _ = AddressFamilies::default().apply(text);
    let _ = Interfaces::default().apply(text);
}

proptest! {
    #[test]
    fn no_text_panics(text in text()) {
        parse_all(&text);
        apply_all(&text);
    }

    #[test]
    fn cpu_sets_print_as_they_read(text in text(), cpus in prop::collection::vec(0u32..8192, 0..9)) {
        let mut set = CpuSet::default();
        let _ = value::apply_cpu_set(&mut set, &text);
        let _ = value::apply_node_set(&mut set, &text, 3);
        let members: Vec<String> = cpus.iter().map(u32::to_string).collect();
        prop_assert_eq!(value::apply_cpu_set(&mut set, &members.join(",")), Ok(()));
        let mut again = CpuSet::default();
        prop_assert_eq!(value::apply_cpu_set(&mut again, &set.to_string()), Ok(()));
        prop_assert!(set.members().eq(again.members()));
    }

    #[test]
    fn limits_print_as_they_read(soft: u64, more: u64) {
        let limit = Rlimit { soft, hard: soft.saturating_add(more) };
        let again = value::parse_rlimit(Resource::Nofile, &value::format_rlimit(limit));
        prop_assert_eq!(again, Ok(limit));
    }

    #[test]
    fn networks_print_as_they_read(text in text()) {
        let mut set = BTreeSet::new();
        let _ = value::apply_address_prefixes(&mut set, &text);
        for network in set {
            prop_assert_eq!(value::parse_address_prefix(&network.to_string()), Ok(network));
        }
    }

    #[test]
    fn addresses_print_as_they_read(text in text()) {
        if let Ok(address) = value::parse_socket_address(&text) {
            let printed = address.to_string();
            // Names with quotes and the like are shown with escapes, which are not read.
            if !printed.contains('\\') {
                prop_assert_eq!(value::parse_socket_address(&printed), Ok(address));
            }
        }
        if let Ok(address) = value::parse_netlink_address(&text) {
            prop_assert_eq!(value::parse_netlink_address(&address.to_string()), Ok(address));
        }
    }

    #[test]
    fn capabilities_print_as_they_read(bits in 0u64..1 << 41) {
        let mut set = 0;
        let printed = value::format_capabilities(bits);
        prop_assert_eq!(value::apply_capabilities(&mut set, 0, &printed), Ok(()));
        prop_assert_eq!(set, bits);
    }
}
