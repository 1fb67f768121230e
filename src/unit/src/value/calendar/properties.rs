//! What holds for every expression, whatever its text.
use super::chain::{Chain, Component, SECOND, Then};
use super::{CalendarSpec, Zone};
use crate::value::zones::Zones;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil::DateTime};
use proptest::prelude::*;

/// A host in some zone of the bundled database.
struct Host(&'static str);

impl Zones for Host {
    fn local(&self) -> TimeZone {
        self.named(self.0).expect("bundled")
    }

    fn named(&self, name: &str) -> Option<TimeZone> {
        TimeZoneDatabase::bundled().get(name).ok()
    }
}

const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Apia",
    "Atlantic/Azores",
];

fn component(low: i64, high: i64) -> impl Strategy<Value = String> {
    (low..=high, low..=high, 1..20_i64, 0..6).prop_map(|(a, b, step, form)| match form {
        0..3 => format!("{a}"),
        3 => format!("{a}/{step}"),
        4 => format!("{}..{}", a.min(b), a.max(b)),
        _ => format!("{}..{}/{step}", a.min(b), a.max(b)),
    })
}

fn chain(low: i64, high: i64) -> impl Strategy<Value = String> {
    let some = prop::collection::vec(component(low, high), 1..4);
    prop_oneof![Just("*".to_owned()), some.prop_map(|some| some.join(","))]
}

fn seconds() -> impl Strategy<Value = String> {
    prop_oneof![
        chain(0, 59),
        (component(0, 59), 0..10_000_000_u32).prop_map(|(c, d)| format!("{c}.{d:07}")),
        Just("0/7.25,3.5".to_owned()),
    ]
}

/// Mostly well-formed expressions.
fn expression() -> impl Strategy<Value = String> {
    let weekdays = prop::sample::select(vec!["", "", "Mon ", "Sat,Sun ", "mon..fri "]);
    let year = prop::sample::select(vec!["*", "*", "2024..2030/2", "2023,2026"]);
    let tilde = prop::sample::select(vec!["-", "-", "~"]);
    let zone = prop::sample::select(vec!["", "", "", " UTC", " Europe/Berlin", " CEST"]);
    let date = (year, chain(1, 12), tilde, chain(1, 28));
    let time = (chain(0, 23), chain(0, 59), seconds());
    (weekdays, date, time, zone).prop_map(
        |(weekdays, (year, month, tilde, day), (hour, minute, second), zone)| {
            format!("{weekdays}{year}-{month}{tilde}{day} {hour}:{minute}:{second}{zone}")
        },
    )
}

/// Membership, told without the search.
fn allows(chain: &Chain, value: i64) -> bool {
    let holds = |one: &Component| match one.then {
        Then::End => value == one.first,
        Then::Every { step } => value >= one.first && (value - one.first) % step == 0,
        Then::UpTo { last, step } => {
            (one.first..=last).contains(&value) && (value - one.first) % step == 0
        }
    };
    chain.components().is_empty() || chain.components().iter().any(holds)
}

/// As [`allows`], for days counted from the end of a month with so many days.
fn allows_backwards(chain: &Chain, day: i64, days: i64) -> bool {
    let holds = |one: &Component| {
        let first = days + 1 - one.first;
        match one.then {
            Then::End => day == first,
            Then::Every { step } => day >= first && (day - first) % step == 0,
            Then::UpTo { last, step } => {
                let last = days + 1 - last;
                (last..=first).contains(&day) && (day - last) % step == 0
            }
        }
    };
    chain.components().iter().any(holds)
}

fn matches(spec: &CalendarSpec, at: DateTime) -> bool {
    let weekday = 1 << at.weekday().to_monday_zero_offset();
    let day = match spec.end_of_month {
        true => allows_backwards(&spec.day, at.day().into(), at.days_in_month().into()),
        false => allows(&spec.day, at.day().into()),
    };
    let microsecond = i64::from(at.second()) * SECOND + i64::from(at.subsec_nanosecond() / 1000);
    spec.weekdays & weekday != 0
        && allows(&spec.year, at.year().into())
        && allows(&spec.month, at.month().into())
        && day
        && allows(&spec.hour, at.hour().into())
        && allows(&spec.minute, at.minute().into())
        && allows(&spec.microsecond, microsecond)
}

fn civil(us: u64, zone: &TimeZone) -> DateTime {
    let us = i64::try_from(us).expect("before the end of the calendar");
    zone.to_datetime(Timestamp::from_microsecond(us).expect("before the end of the calendar"))
}

/// From 2000 to 2040, and anything.
fn moment() -> impl Strategy<Value = u64> {
    prop_oneof![
        9 => 946_684_800_000_000..2_208_988_800_000_000_u64,
        1 => any::<u64>(),
    ]
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,60}", after_us in any::<u64>(), zone in 0..ZONES.len()) {
        if let Ok(spec) = CalendarSpec::parse(&text) {
            spec.next_elapse(after_us, &Host(ZONES[zone]));
        }
    }

    #[test]
    fn no_likely_text_panics(text in "[0-9*./,:~@ MonTueUTC-]{0,30}", after_us in moment()) {
        if let Ok(spec) = CalendarSpec::parse(&text) {
            prop_assert_eq!(CalendarSpec::parse(&spec.to_string()), Ok(spec.clone()));
            spec.next_elapse(after_us, &Host("UTC"));
        }
    }

    #[test]
    fn what_is_printed_reads_the_same(text in expression()) {
        if let Ok(spec) = CalendarSpec::parse(&text) {
            prop_assert_eq!(CalendarSpec::parse(&spec.to_string()), Ok(spec));
        }
    }

    #[test]
    fn the_next_time_is_later_and_fits(
        text in expression(),
        after_us in moment(),
        zone in 0..ZONES.len(),
    ) {
        let host = Host(ZONES[zone]);
        let Ok(spec) = CalendarSpec::parse(&text) else { return Ok(()) };
        let Some(next_us) = spec.next_elapse(after_us, &host) else { return Ok(()) };
        prop_assert!(next_us > after_us);
        let (zone, _) = spec.zone.resolve(after_us, &host).expect("it elapses");
        prop_assert!(matches(&spec, civil(next_us, &zone)), "{spec} at {}", civil(next_us, &zone));
    }

    #[test]
    fn nothing_fits_before_the_next_time(
        text in expression(),
        after_us in moment(),
        part in 0..1000_u64,
    ) {
        let host = Host("UTC");
        let Ok(spec) = CalendarSpec::parse(&text) else { return Ok(()) };
        if spec.zone != Zone::Local { return Ok(()) }
        let Some(next_us) = spec.next_elapse(after_us, &host) else { return Ok(()) };
        let between_us = after_us + (next_us - 1 - after_us) / 1000 * part;
        prop_assert_eq!(spec.next_elapse(between_us, &host), Some(next_us));
        prop_assert!(between_us == after_us || !matches(&spec, civil(between_us, &TimeZone::UTC)));
    }
}
