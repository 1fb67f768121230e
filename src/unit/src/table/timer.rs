//! [Timer] (systemd.timer(5)). Timers are read and shown; they do not fire yet.
use super::kind::{Kind, SPAN, number};
use super::row::Write;
use super::{Family, Row};
use crate::draft::{Context, Draft};
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Unsigned};
use crate::value::list::room;
use crate::value::{CalendarSpec, ValueError, parse_timespan};

fn kept(key: &'static str, kind: Kind, default: PropertyValue) -> Row {
    Row::kept(Family::Timer, key, kind, default)
}

macro_rules! elapses {
    ($key:literal, $property:literal) => {
        elapses!($key, $property, Write::Elsewhere)
    };
    ($key:literal, $property:literal, $write:expr) => {
        Row::field(
            Family::Timer,
            $key,
            "time span",
            |draft, cx, value| elapses(draft, cx, $property, value),
            $write,
        )
        .not_yet()
    };
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::field(
            Family::Timer,
            "OnCalendar",
            "calendar expression",
            on_calendar,
            Write::Lines(|unit| {
                let entries = unit.triggers.calendar.iter().rev();
                let specs = entries.filter_map(|entry| entry.items().get(1));
                specs.map(|spec| spelling::text(spec.text())).collect()
            }),
        )
        .shows("TimersCalendar", |unit| {
            Some(List(unit.triggers.calendar.clone()))
        })
        .not_yet(),
        elapses!("OnActiveSec", "OnActiveUSec", ELAPSES).shows("TimersMonotonic", |unit| {
            Some(List(unit.triggers.monotonic.clone()))
        }),
        elapses!("OnBootSec", "OnBootUSec"),
        elapses!("OnStartupSec", "OnStartupUSec"),
        elapses!("OnUnitActiveSec", "OnUnitActiveUSec"),
        elapses!("OnUnitInactiveSec", "OnUnitInactiveUSec"),
        kept("OnClockChange", Kind::Flag, Bool(false)),
        kept("OnTimezoneChange", Kind::Flag, Bool(false)),
        kept("Persistent", Kind::Flag, Bool(false)),
        kept("WakeSystem", Kind::Flag, Bool(false)),
        kept("RemainAfterElapse", Kind::Flag, Bool(true)),
        kept("FixedRandomDelay", Kind::Flag, Bool(false)),
        kept("AccuracySec", SPAN, Unsigned(60_000_000)),
        kept("RandomizedDelaySec", SPAN, Unsigned(0)),
        kept("Unit", super::path::TRIGGERED, PropertyValue::blank()),
    ]
}

const ELAPSES: Write = Write::Shared(|unit| {
    let line = |entry: &PropertyValue| match entry.items() {
        [property, us, _] => {
            let stem = property.text().strip_suffix("USec")?;
            Some((format!("{stem}Sec"), spelling::span(number(us))))
        }
        _ => None,
    };
    unit.triggers
        .monotonic
        .iter()
        .rev()
        .filter_map(line)
        .collect()
});

/// systemd shows the newest line first, and a time of the next elapse behind it.
fn elapses(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    property: &str,
    value: &str,
) -> Result<(), ValueError> {
    if value.is_empty() {
        draft.triggers.monotonic.clear();
        draft.triggers.calendar.clear();
        return Ok(());
    }
    let us = parse_timespan(&cx.resolve(value)?)?;
    let shown = List(vec![property.into(), Unsigned(us), Unsigned(0)]);
    room(draft.triggers.monotonic.len())?;
    draft.triggers.monotonic.insert(0, shown);
    Ok(())
}

fn on_calendar(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    if value.is_empty() {
        draft.triggers.monotonic.clear();
        draft.triggers.calendar.clear();
        return Ok(());
    }
    let spec = CalendarSpec::parse(&cx.resolve(value)?)?.to_string();
    let shown = List(vec![
        "OnCalendar".into(),
        PropertyValue::Text(spec),
        Unsigned(0),
    ]);
    room(draft.triggers.calendar.len())?;
    draft.triggers.calendar.insert(0, shown);
    Ok(())
}
