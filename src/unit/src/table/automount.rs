//! [Automount] and what [Scope] has for itself (systemd.automount(5), systemd.scope(5)).
use super::kind::{Kind, MODE, PATH, SPAN, SPAN_OR_FOREVER, TEXT, spell_number};
use super::{Family, Row};
use crate::print::spelling;
use crate::property::PropertyValue::{self, Unsigned};

const HOST: &str = "file systems are the host's own";
const SCOPES: &str = "scopes are made by programs, not by files";

pub(super) fn rows() -> Vec<Row> {
    let automount =
        |key, kind, default| Row::kept(Family::Automount, key, kind, default).refused(HOST);
    let scope = |key, kind, default| Row::kept(Family::Scope, key, kind, default).refused(SCOPES);
    vec![
        automount("Where", PATH, PropertyValue::blank()),
        automount("ExtraOptions", TEXT, PropertyValue::blank()),
        automount("DirectoryMode", MODE, Unsigned(0o755)),
        automount("TimeoutIdleSec", IDLE, Unsigned(0)),
        scope("RuntimeMaxSec", SPAN, PropertyValue::INFINITY),
        scope("RuntimeRandomizedExtraSec", SPAN, Unsigned(0)),
        scope("TimeoutStopSec", SPAN_OR_FOREVER, Unsigned(90_000_000)),
        scope(
            "OOMPolicy",
            Kind::Word(&["continue", "stop", "kill"]),
            "continue".into(),
        ),
    ]
}

/// 0 is never; systemd shows it as 0.
const IDLE: Kind = Kind::By(
    "time span",
    |value, _, text| {
        *value = match crate::value::parse_timespan(text)? {
            u64::MAX => Unsigned(0),
            us => Unsigned(us),
        };
        Ok(())
    },
    spell_number!(spelling::span),
);
