//! Time spans, points in time and calendar expressions, as systemd 252 reads and prints them.
mod table;

use gitproc_unit::value::{
    CalendarSpec, ValueError, Zones, format_timespan_to, parse_nanoseconds, parse_timeout,
    parse_timespan, parse_timespan_or_infinity, parse_timespan_with_unit, parse_timestamp,
};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use table::{Row, check, same};

/// The zones of the database that comes with the tests.
struct Bundled {
    database: TimeZoneDatabase,
    local: TimeZone,
}

impl Bundled {
    fn of(row: &Row) -> Bundled {
        let database = TimeZoneDatabase::bundled();
        let local = match row.option("zone") {
            Some(name) => database.get(&name).expect("a known zone"),
            None => TimeZone::UTC,
        };
        Bundled { database, local }
    }
}

impl Zones for Bundled {
    fn local(&self) -> TimeZone {
        self.local.clone()
    }

    fn named(&self, name: &str) -> Option<TimeZone> {
        // The database is not particular about case, file names are.
        let found = self.database.get(name).ok()?;
        (found.iana_name() == Some(name)).then_some(found)
    }
}

/// Absent stands for an error.
fn number_or_error(row: &Row, column: &str, got: Result<u64, ValueError>) -> Result<(), String> {
    let expected = row.option(column).map(|_| row.number(column));
    same(got.ok(), expected)
}

#[test]
fn spans_read_as_systemd_reads_them() {
    check(include_str!("vectors/timespan.tsv"), |row| {
        let text = row.text("text");
        let got = match row.text("kind").as_str() {
            "span" => parse_timespan(&text),
            "timeout" => parse_timeout(&text),
            "span-or-infinity" => parse_timespan_or_infinity(&text),
            "span-with-unit" => parse_timespan_with_unit(&text, row.number("unit_us")),
            "nanoseconds" => parse_nanoseconds(&text),
            other => return Err(format!("unknown kind {other}")),
        };
        number_or_error(row, "value", got)
    });
}

#[test]
fn spans_print_as_systemd_prints_them() {
    check(include_str!("vectors/timespan-format.tsv"), |row| {
        let got = format_timespan_to(row.number("us"), row.number("accuracy_us"));
        same(got, row.text("text"))
    });
}

#[test]
fn points_in_time_read_as_systemd_reads_them() {
    check(include_str!("vectors/timestamp.tsv"), |row| {
        let zones = Bundled::of(row);
        let got = parse_timestamp(&row.text("text"), row.number("now_us"), &zones);
        number_or_error(row, "us", got)
    });
}

#[test]
fn calendar_expressions_have_systemds_normal_form() {
    let utc = Bundled {
        database: TimeZoneDatabase::bundled(),
        local: TimeZone::UTC,
    };
    check(include_str!("vectors/calendar.tsv"), |row| {
        let here = CalendarSpec::parse(&row.text("text")).and_then(|spec| spec.on_host(0, &utc));
        same(here.ok().map(|spec| spec.to_string()), row.option("normal"))
    });
}

#[test]
fn calendar_expressions_elapse_when_systemd_says() {
    check(include_str!("vectors/calendar-next.tsv"), |row| {
        let zones = Bundled::of(row);
        let spec = CalendarSpec::parse(&row.text("text")).map_err(|error| error.to_string())?;
        let mut after_us = row.number("after_us");
        for (nth, expected) in row.list("elapses").iter().enumerate() {
            let next = spec.next_elapse(after_us, &zones);
            let text = next.map_or("never".into(), |us| us.to_string());
            same((nth, &text), (nth, expected))?;
            after_us = next.unwrap_or(after_us);
        }
        Ok(())
    });
}
