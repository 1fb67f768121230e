//! Calendar expressions (systemd.time(7)): `Mon..Fri *-*-* 04:00`, `quarterly`, `*-*~1 Europe/Berlin`.
//!
//! [`CalendarSpec`] is an expression in its normal form: two that print alike mean the same.
//! `parse` reads it, `chain` is one field of it, `display` prints it, `next` says when it elapses.
//!
//! Reading needs no host. A word at the end that could be a time zone is kept as a word; which
//! zone it names is asked when it matters ([`CalendarSpec::next_elapse`],
//! [`CalendarSpec::on_host`]), so a unit says the same on the host that runs it and on the one that
//! checks it.
mod chain;
mod display;
mod next;
mod parse;
#[cfg(test)]
mod properties;

pub(super) use next::TIME_MAX_US;
pub(super) use parse::microseconds;

use super::ValueError;
use super::zones::{Zones, daylight_of};
use chain::Chain;
use jiff::tz::TimeZone;

/// All days of a week in [`CalendarSpec::weekdays`].
const EVERY_DAY: u8 = 0b111_1111;
/// Days, as expressions print them; Monday is bit 0 of [`CalendarSpec::weekdays`].
const WEEKDAYS: [(&str, &str); 7] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];

/// When something recurs. Its text is systemd's normalised form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CalendarSpec {
    /// Never empty; a set bit is a day on which it may elapse.
    weekdays: u8,
    year: Chain,
    month: Chain,
    /// Days of the month, or, if `end_of_month`, days back from its last, which is 1.
    day: Chain,
    end_of_month: bool,
    hour: Chain,
    minute: Chain,
    /// Of a minute.
    microsecond: Chain,
    zone: Zone,
}

/// The clock that an expression is read by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Zone {
    /// The host's.
    Local,
    /// Coordinated universal time.
    Utc,
    /// A zone's name (`Europe/Berlin`), or an abbreviation that the host's zone uses (`CEST`):
    /// then it elapses only while that holds.
    Named(String),
}

impl CalendarSpec {
    /// Reads an expression or one of the shorthands (`daily`).
    pub fn parse(text: &str) -> Result<CalendarSpec, ValueError> {
        parse::parse(text)
    }

    /// The clock that it is read by.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The expression as this host understands it at `now_us` (µs since the epoch): refused if
    /// its zone is unknown here; an abbreviation is spelled as the host's zone does.
    pub fn on_host(mut self, now_us: u64, zones: &dyn Zones) -> Result<CalendarSpec, ValueError> {
        let Zone::Named(word) = &self.zone else {
            return Ok(self);
        };
        match daylight_of(word, &zones.local(), seconds(now_us)) {
            Some((_, spelled)) => self.zone = Zone::Named(spelled),
            None if zones.named(word).is_some() => {}
            None => return Err(ValueError::not(word, "time zone of this host")),
        }
        Ok(self)
    }
}

impl Zone {
    /// The zone's clock, and the daylight saving that is asked for.
    fn resolve(&self, at_us: u64, zones: &dyn Zones) -> Option<(TimeZone, Option<bool>)> {
        match self {
            Zone::Local => Some((zones.local(), None)),
            Zone::Utc => Some((TimeZone::UTC, None)),
            Zone::Named(word) => {
                let local = zones.local();
                match daylight_of(word, &local, seconds(at_us)) {
                    Some((daylight, _)) => Some((local, Some(daylight))),
                    None => Some((zones.named(word)?, None)),
                }
            }
        }
    }
}

/// Whole seconds of a time in µs.
fn seconds(us: u64) -> i64 {
    i64::try_from(us / 1_000_000).expect("a millionth of 2^64 fits")
}

impl std::str::FromStr for CalendarSpec {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<CalendarSpec, ValueError> {
        CalendarSpec::parse(text)
    }
}

impl TryFrom<String> for CalendarSpec {
    type Error = ValueError;
    fn try_from(text: String) -> Result<CalendarSpec, ValueError> {
        CalendarSpec::parse(&text)
    }
}

impl From<CalendarSpec> for String {
    fn from(spec: CalendarSpec) -> String {
        spec.to_string()
    }
}
