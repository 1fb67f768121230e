//! The directive table against the list that systemd 252 prints of itself: nothing it knows is
//! missing, and nothing is made up.
mod table;

use gitproc_unit::{Standing, table as directives};
use std::collections::BTreeSet;

/// Gone from systemd, or never listed by it: it still reads these without a warning.
const UNLISTED: &[(&str, &str)] = &[
    ("Unit", "IgnoreOnSnapshot"),
    ("Unit", "AssertFirmware"),
    ("Service", "SuccessAction"),
    ("Service", "SysVStartPriority"),
    ("Service", "BusPolicy"),
    ("Service", "NonBlockingSockets"),
    ("Service", "Capabilities"),
    ("Socket", "Capabilities"),
    ("Mount", "Capabilities"),
    ("Swap", "Capabilities"),
];

/// Of later versions of systemd, and our own, which it leaves alone.
const LATER: &[&str] = &[
    "FileDescriptorStorePreserve",
    "PrivatePIDs",
    "ReloadSignal",
    "RestartMaxDelaySec",
    "RestartSteps",
    "X-ForwardToJournal",
    "X-LogMaxFileSec",
    "X-LogMaxFileSize",
    "X-LogMaxFiles",
    "X-RestartJitterSec",
];

#[test]
fn every_directive_of_systemd_is_a_row() {
    let listed: BTreeSet<(String, String)> = table::rows(include_str!("vectors/directives.tsv"))
        .iter()
        .map(|row| (row.text("section"), row.text("key")))
        .collect();
    let ours: BTreeSet<(String, String)> = directives()
        .iter()
        .filter(|row| row.standing != Standing::Owned)
        .flat_map(|row| {
            let sections = row.family.sections().iter();
            sections.map(|section| ((*section).to_owned(), row.key.to_owned()))
        })
        .collect();
    let missing: Vec<_> = listed.difference(&ours).collect();
    assert!(missing.is_empty(), "no rows for {missing:?}");
    let unlisted = UNLISTED
        .iter()
        .map(|(section, key)| ((*section).to_owned(), (*key).to_owned()));
    let known: BTreeSet<_> = listed.into_iter().chain(unlisted).collect();
    let made_up = ours.difference(&known);
    let made_up = made_up.filter(|(_, key)| !LATER.contains(&key.as_str()));
    let made_up: Vec<_> = made_up.collect();
    assert!(made_up.is_empty(), "systemd knows nothing of {made_up:?}");
}
