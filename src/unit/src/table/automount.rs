//! [Automount] and what [Scope] has for itself (systemd.automount(5), systemd.scope(5)).
use super::kind::{Kind, MODE, PATH, SPAN, SPAN_OR_FOREVER, TEXT};
use super::{Family, Row};
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
        automount("TimeoutIdleSec", SPAN_OR_FOREVER, Unsigned(0)),
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
