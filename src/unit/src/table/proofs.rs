//! Which test proves that a directive is honoured: on the real kernel and seen from inside of a
//! service wherever that can be. A directive of systemd.exec(5), systemd.kill(5) or
//! systemd.resource-control(5) without a test can't be marked honoured; a test of the workspace
//! looks that each test is there.

/// Tests of a file, each with the directives that it proves.
type Tests = &'static [(&'static str, &'static [&'static str])];

/// File below `src/` or `tests/`, its tests, and the directives that each proves.
pub(crate) const PROOFS: &[(&str, Tests)] = &[
    (
        "exec/tests/helper.rs",
        &[
            (
                "identity_groups_and_capabilities_are_the_units",
                &[
                    "NoNewPrivileges",
                    "CapabilityBoundingSet",
                    "AmbientCapabilities",
                ],
            ),
            (
                "limits_and_priorities_hold_before_the_first_instruction",
                &["Nice", "OOMScoreAdjust", "UMask"],
            ),
        ],
    ),
    (
        "exec/tests/scheduling.rs",
        &[
            (
                "each_limit_is_the_units",
                &[
                    "LimitCPU",
                    "LimitFSIZE",
                    "LimitDATA",
                    "LimitSTACK",
                    "LimitCORE",
                    "LimitRSS",
                    "LimitNOFILE",
                    "LimitAS",
                    "LimitNPROC",
                    "LimitMEMLOCK",
                    "LimitLOCKS",
                    "LimitSIGPENDING",
                    "LimitMSGQUEUE",
                    "LimitNICE",
                    "LimitRTPRIO",
                    "LimitRTTIME",
                ],
            ),
            (
                "cpu_scheduling_is_the_units",
                &[
                    "CPUSchedulingPolicy",
                    "CPUSchedulingPriority",
                    "CPUSchedulingResetOnFork",
                ],
            ),
            ("affinity_is_the_units", &["CPUAffinity"]),
            (
                "memory_comes_from_the_units_nodes",
                &["NUMAPolicy", "NUMAMask"],
            ),
            (
                "io_priority_is_the_units",
                &["IOSchedulingClass", "IOSchedulingPriority"],
            ),
            (
                "timer_slack_and_dump_filter_are_the_units",
                &["TimerSlackNSec", "CoredumpFilter"],
            ),
            (
                "a_service_plays_the_machine_that_it_asks_for",
                &["Personality"],
            ),
        ],
    ),
    (
        "exec/tests/streams.rs",
        &[
            (
                "input_is_null_data_or_a_file",
                &["StandardInput", "StandardInputText", "StandardInputData"],
            ),
            (
                "output_goes_to_files_as_they_are_to_be_opened",
                &["StandardOutput"],
            ),
            ("lines_carry_the_units_identifier", &["SyslogIdentifier"]),
            (
                "lines_have_a_level_and_those_of_too_high_a_number_are_not_kept",
                &["SyslogLevel", "SyslogLevelPrefix", "LogLevelMax"],
            ),
            (
                "lines_beyond_the_limit_are_counted",
                &["LogRateLimitIntervalSec", "LogRateLimitBurst"],
            ),
            (
                "a_unit_decides_when_its_log_begins_a_new_file",
                &["X-LogMaxFileSize", "X-LogMaxFiles", "X-LogMaxFileSec"],
            ),
            (
                "lines_go_to_the_journal_with_what_is_known_of_them",
                &["SyslogFacility", "LogExtraFields", "X-ForwardToJournal"],
            ),
            (
                "errors_follow_output_unless_they_lead_elsewhere",
                &["StandardError"],
            ),
            (
                "a_terminal_is_the_controlling_one_with_its_size",
                &["TTYPath", "TTYReset", "TTYVHangup", "TTYRows", "TTYColumns"],
            ),
        ],
    ),
    (
        "exec/tests/environment.rs",
        &[
            (
                "variables_come_from_the_unit_its_files_and_nowhere_else",
                &["Environment", "EnvironmentFile"],
            ),
            (
                "variables_of_the_daemon_are_passed_by_name_and_taken_away_at_last",
                &["PassEnvironment", "UnsetEnvironment"],
            ),
            (
                "programs_are_looked_up_in_the_units_path",
                &["ExecSearchPath"],
            ),
        ],
    ),
    (
        "exec/tests/privileges.rs",
        &[
            ("secure_bits_are_the_units", &["SecureBits"]),
            ("a_broken_pipe_is_an_error_or_a_signal", &["IgnoreSIGPIPE"]),
            (
                "each_service_has_a_session_keyring_of_its_own",
                &["KeyringMode"],
            ),
        ],
    ),
    (
        "exec/tests/system_calls.rs",
        &[
            (
                "each_directive_forbids_its_calls",
                &[
                    "SystemCallFilter",
                    "SystemCallErrorNumber",
                    "SystemCallLog",
                    "SystemCallArchitectures",
                    "RestrictAddressFamilies",
                    "RestrictNamespaces",
                    "RestrictRealtime",
                    "MemoryDenyWriteExecute",
                    "LockPersonality",
                    "ProtectClock",
                ],
            ),
            ("set_id_bits_can_not_be_set", &["RestrictSUIDSGID"]),
        ],
    ),
    (
        "exec/tests/mounts.rs",
        &[
            (
                "the_system_is_read_only_as_far_as_the_unit_says",
                &["ProtectSystem", "ReadWritePaths"],
            ),
            ("homes_are_hidden_empty_or_read_only", &["ProtectHome"]),
            (
                "temporary_directories_are_the_invocations_own",
                &["PrivateTmp"],
            ),
            ("devices_are_pseudo_devices_only", &["PrivateDevices"]),
            (
                "the_kernels_own_files_are_protected",
                &[
                    "ProtectKernelTunables",
                    "ProtectKernelModules",
                    "ProtectKernelLogs",
                    "ProtectControlGroups",
                    "ProtectHostname",
                ],
            ),
            (
                "processes_are_seen_as_far_as_the_unit_says",
                &["ProtectProc", "ProcSubset"],
            ),
            (
                "paths_are_shown_hidden_and_restricted_one_by_one",
                &[
                    "ReadOnlyPaths",
                    "InaccessiblePaths",
                    "ExecPaths",
                    "NoExecPaths",
                    "BindPaths",
                    "BindReadOnlyPaths",
                    "TemporaryFileSystem",
                ],
            ),
            (
                "a_service_can_have_a_root_directory_of_its_own",
                &["RootDirectory", "MountAPIVFS"],
            ),
            (
                "mounts_of_a_service_spread_as_the_unit_says",
                &["PrivateMounts", "MountFlags"],
            ),
            (
                "what_is_made_for_a_service_stays_writable",
                &["StateDirectory", "CacheDirectory", "LogsDirectory"],
            ),
        ],
    ),
    (
        "exec/tests/namespaces.rs",
        &[
            ("the_network_is_the_services_own", &["PrivateNetwork"]),
            ("ipc_is_the_services_own", &["PrivateIPC"]),
            (
                "a_namespace_that_another_made_is_entered",
                &["NetworkNamespacePath", "IPCNamespacePath"],
            ),
            ("users_are_the_services_own", &["PrivateUsers"]),
        ],
    ),
    (
        "core/tests/scenarios/main.rs",
        &[
            (
                "a_service_that_gives_no_sign_of_life_is_ended_and_restarted",
                &["WatchdogSignal"],
            ),
            (
                "each_stage_of_a_stop_has_its_signal",
                &["RestartKillSignal", "FinalKillSignal", "SendSIGHUP"],
            ),
        ],
    ),
    (
        "e2e/semantics.rs",
        &[
            (
                "a_dynamic_user_has_a_number_and_lasting_directories_of_its_own",
                &["DynamicUser"],
            ),
            (
                "a_service_can_live_among_the_hosts_processes",
                &["PrivatePIDs"],
            ),
            (
                "identity_directory_and_prefixes_are_the_units",
                &["User", "Group", "SupplementaryGroups", "WorkingDirectory"],
            ),
            ("devices_are_guarded", &["DevicePolicy", "DeviceAllow"]),
            ("packets_are_guarded", &["IPAddressDeny", "IPAddressAllow"]),
            ("interfaces_are_guarded", &["RestrictNetworkInterfaces"]),
            ("binds_are_guarded", &["SocketBindAllow", "SocketBindDeny"]),
            ("ipc_objects_go_with_their_service", &["RemoveIPC"]),
            ("kill_modes_choose_who_is_asked", &["KillMode"]),
            (
                "time_outs_end_what_hangs_and_say_so",
                &["KillSignal", "SendSIGKILL"],
            ),
            (
                "directories_are_made_given_and_removed",
                &[
                    "RuntimeDirectory",
                    "RuntimeDirectoryMode",
                    "RuntimeDirectoryPreserve",
                ],
            ),
        ],
    ),
    (
        "e2e/slices.rs",
        &[
            ("slices_nest_and_their_limits_follow_the_commit", &["Slice"]),
            ("a_delegated_group_is_the_services_own", &["Delegate"]),
        ],
    ),
    (
        "exec/tests/directories.rs",
        &[(
            "each_kind_is_made_with_its_mode_and_given_to_the_user",
            &[
                "ConfigurationDirectory",
                "StateDirectoryMode",
                "CacheDirectoryMode",
                "LogsDirectoryMode",
                "ConfigurationDirectoryMode",
            ],
        )],
    ),
    (
        "exec/tests/credentials.rs",
        &[(
            "secrets_are_files_that_only_the_user_can_read",
            &["LoadCredential", "SetCredential"],
        )],
    ),
    (
        "core/src/resources.rs",
        &[
            (
                "directives_become_lines_of_files",
                &["IOWeight", "BlockIOWeight"],
            ),
            (
                "disks_are_named_by_the_host",
                &[
                    "IODeviceWeight",
                    "BlockIODeviceWeight",
                    "IODeviceLatencyTargetSec",
                    "BlockIOReadBandwidth",
                    "BlockIOWriteBandwidth",
                ],
            ),
        ],
    ),
    (
        "vm/limits.sh",
        &[
            ("CPUWeight=200", &["CPUWeight"]),
            ("AllowedCPUs=0", &["AllowedCPUs"]),
            ("AllowedMemoryNodes=0", &["AllowedMemoryNodes"]),
            ("MemoryMin=1M", &["MemoryMin"]),
            ("MemoryLow=2M", &["MemoryLow"]),
            ("MemorySwapMax=0", &["MemorySwapMax"]),
            ("CPUQuotaPeriodSec=10ms", &["CPUQuotaPeriodSec"]),
            (
                "IOReadBandwidthMax= and its siblings",
                &[
                    "IOReadBandwidthMax",
                    "IOWriteBandwidthMax",
                    "IOReadIOPSMax",
                    "IOWriteIOPSMax",
                ],
            ),
            ("CPUShares=512", &["CPUShares"]),
            ("MemoryLimit=30M", &["MemoryLimit"]),
            ("CPUQuota=20%", &["CPUQuota"]),
            (
                "limits at the first instruction",
                &["MemoryMax", "TasksMax"],
            ),
            ("MemoryHigh slows down", &["MemoryHigh"]),
        ],
    ),
];

/// `file::test` that proves the directive.
pub(crate) fn proof(key: &str) -> Option<String> {
    let tests = PROOFS
        .iter()
        .flat_map(|(file, tests)| tests.iter().map(move |(test, keys)| (file, test, keys)));
    let mut proofs = tests.filter(|(_, _, keys)| keys.contains(&key));
    proofs
        .next()
        .map(|(file, test, _)| format!("{file}::{test}"))
}
