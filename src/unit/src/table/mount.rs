//! [Mount] and [Swap] (systemd.mount(5), systemd.swap(5)). The host mounts; here they are read and
//! shown, so that a tree may hold them.
use super::kind::{Kind, MODE, PATH, SPAN_OR_FOREVER, TEXT};
use super::{Family, Row};
use crate::property::PropertyValue::{self, Bool, Signed, Unsigned};
use crate::value::parse_signed;

const HOST: &str = "file systems and swap are the host's own";
/// 90 s in µs.
const TIMEOUT: PropertyValue = Unsigned(90_000_000);

pub(super) fn rows() -> Vec<Row> {
    let mount = |key, kind, default| Row::kept(Family::Mount, key, kind, default).refused(HOST);
    let swap = |key, kind, default| Row::kept(Family::Swap, key, kind, default).refused(HOST);
    vec![
        mount("What", TEXT, PropertyValue::blank()),
        mount("Where", PATH, PropertyValue::blank()),
        mount("Options", TEXT, PropertyValue::blank()),
        mount("Type", TEXT, PropertyValue::blank()),
        mount("TimeoutSec", SPAN_OR_FOREVER, TIMEOUT),
        mount("DirectoryMode", MODE, Unsigned(0o755)),
        mount("SloppyOptions", Kind::Flag, Bool(false)),
        mount("LazyUnmount", Kind::Flag, Bool(false)),
        mount("ForceUnmount", Kind::Flag, Bool(false)),
        mount("ReadWriteOnly", Kind::Flag, Bool(false)),
        swap("What", PATH, PropertyValue::blank()),
        swap("Priority", PRIORITY, Signed(-1)),
        swap("Options", TEXT, PropertyValue::blank()),
        swap("TimeoutSec", SPAN_OR_FOREVER, TIMEOUT),
    ]
}

/// What swapon(2) takes; the kernel itself gives those below.
const PRIORITY: Kind = Kind::By(
    "number",
    |value, _, text| {
        *value = Signed(match text {
            "" => -1,
            text => parse_signed(text, -1, 32_767)?,
        });
        Ok(())
    },
    |value| vec![super::kind::signed(value).to_string()],
);
