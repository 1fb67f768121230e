//! Which test proves that a directive is honoured: on the real kernel and seen from inside of a
//! service wherever that can be. A directive of systemd.exec(5), systemd.kill(5) or
//! systemd.resource-control(5) without a test can't be marked honoured; a test of the workspace
//! looks that each test is there.

/// File below `src/` or `tests/`, its tests, and the directives that each proves.
pub(crate) const PROOFS: &[(&str, &[(&str, &[&str])])] = &[(
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
            &["Nice", "OOMScoreAdjust", "UMask", "WorkingDirectory"],
        ),
    ],
)];

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
