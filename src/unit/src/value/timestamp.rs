//! Points in time (systemd.time(7)), as people give them to `--since`: `2012-11-23 11:12:13`,
//! `yesterday`, `5min ago`, `@1395716396`, `Fri 16:34 Europe/Berlin`.
use super::calendar::{TIME_MAX_US, microseconds};
use super::civil::{Civil, Clock, DAY, HOUR, MINUTE, MONTH, SECOND, YEAR};
use super::zones::{Zones, daylight_of};
use super::{ValueError, parse_timespan};
use jiff::tz::TimeZone;

const SECOND_US: u64 = 1_000_000;

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Letters of a short name.
const SHORT: usize = 3;

/// Layouts that are tried in this order: `y` is a year of two digits, `Y` of up to four, `b` a
/// month's name, the others are numbers, a space is any white space. Only those that end in
/// seconds may have decimals; fields that a layout lacks after its last are 0.
const LAYOUTS: [&str; 9] = [
    "y-m-d H:M:S",
    "Y-m-d H:M:S",
    "b d H:M:S",
    "y-m-d H:M",
    "Y-m-d H:M",
    "y-m-d",
    "Y-m-d",
    "H:M:S",
    "H:M",
];

/// µs since the epoch that `text` names at `now_us` (µs since the epoch).
pub fn parse_timestamp(text: &str, now_us: u64, zones: &dyn Zones) -> Result<u64, ValueError> {
    read(text, now_us, zones).ok_or_else(|| {
        ValueError::not(
            text,
            "point in time (such as 2012-11-23 11:12:13, yesterday, 5min ago)",
        )
    })
}

fn read(text: &str, now_us: u64, zones: &dyn Zones) -> Option<u64> {
    let (clock, body) = match text.rsplit_once(' ') {
        Some((body, word)) => (read_zone(word, now_us, zones), body),
        None => (Said::Nothing, text),
    };
    // With the name of a zone, only dates and times have a meaning.
    if !matches!(clock, Said::Name(_))
        && let Some(relative) = relative(text, now_us)
    {
        return relative;
    }
    let (zone, daylight, body) = match clock {
        Said::Nothing => (zones.local(), None, text),
        Said::Name(zone) => (zone, None, body),
        Said::Abbreviation(zone, daylight) => (zone, daylight, body),
    };
    let mut clock = Clock::new(zone, second(now_us))?;
    let mut today = clock.read(second(now_us))?;
    today.daylight = daylight;
    let (mut at, us) = date(body, today)?;
    let second = clock.settle(&mut at)?;
    let us = u64::try_from(second).ok()?.checked_mul(SECOND_US)? + us;
    (us <= TIME_MAX_US).then_some(us)
}

/// What the last word says about the clock.
enum Said {
    /// Nothing: it belongs to the date or the time.
    Nothing,
    /// A name of the zone database.
    Name(TimeZone),
    /// UTC, or how the host's zone, or the zone of that name, calls its time.
    Abbreviation(TimeZone, Option<bool>),
}

fn read_zone(word: &str, now_us: u64, zones: &dyn Zones) -> Said {
    if word.eq_ignore_ascii_case("UTC") {
        return Said::Abbreviation(TimeZone::UTC, None);
    }
    let named = zones.named(word);
    let zone = named.clone().unwrap_or_else(|| zones.local());
    match (daylight_of(word, &zone, second(now_us)), named) {
        (Some((daylight, _)), _) => Said::Abbreviation(zone, Some(daylight)),
        (None, Some(zone)) => Said::Name(zone),
        (None, None) => Said::Nothing,
    }
}

/// What is said from now on or back, or as seconds since the epoch; `None` is something else.
fn relative(text: &str, now_us: u64) -> Option<Option<u64>> {
    let span = |text: &str| parse_timespan(text).ok();
    let forward = |text| {
        now_us
            .checked_add(span(text)?)
            .filter(|&us| us <= TIME_MAX_US)
    };
    let back = |text| now_us.checked_sub(span(text)?);
    if let Some(seconds) = text.strip_prefix('@') {
        Some(span(seconds))
    } else if text == "now" {
        Some(Some(now_us))
    } else if let Some(text) = text.strip_prefix('+').or(text.strip_suffix(" left")) {
        Some(forward(text))
    } else {
        text.strip_prefix('-')
            .or(text.strip_suffix(" ago"))
            .map(back)
    }
}

/// A date, a time or both, and µs of the second; what is not said is today's.
fn date(text: &str, today: Civil) -> Option<(Civil, u64)> {
    let days = match text {
        "today" => Some(0),
        "yesterday" => Some(-1),
        "tomorrow" => Some(1),
        _ => None,
    };
    if let Some(days) = days {
        let mut at = today;
        at.fields[DAY] += days;
        at.reset_below(DAY);
        return Some((at, 0));
    }
    let (weekday, text) = weekday(text);
    let (at, us) = LAYOUTS.iter().find_map(|layout| {
        let (mut at, rest) = scan(layout, text, today)?;
        match layout.as_bytes().last() {
            Some(b'S') if rest.starts_with('.') => return Some((at, decimals(rest))),
            Some(b'd') => at.reset_below(DAY),
            Some(b'M') => at.reset_below(MINUTE),
            Some(_) | None => {}
        }
        rest.is_empty().then_some((at, Some(0)))
    })?;
    let agrees = weekday.is_none_or(|weekday| weekday == at.weekday());
    Some((at, us?)).filter(|_| agrees)
}

/// A weekday before the date, Monday is 0.
fn weekday(text: &str) -> (Option<u8>, &str) {
    let Some((word, rest)) = text.split_once(' ') else {
        return (None, text);
    };
    let known = (0..).zip(WEEKDAYS).find(|(_, name)| {
        word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(&name[..SHORT])
    });
    match known {
        Some((day, _)) => (Some(day), rest),
        None => (None, text),
    }
}

/// `.5` in µs.
fn decimals(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('.')?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| u64::try_from(microseconds(digits)).ok())?
}

/// Fills the fields that `layout` names.
fn scan<'a>(layout: &str, text: &'a str, today: Civil) -> Option<(Civil, &'a str)> {
    let mut at = today;
    let mut rest = text;
    for part in layout.chars() {
        let (field, low, high, width) = match part {
            'y' => (YEAR, 0, 99, 2),
            'Y' => (YEAR, 0, 9999, 4),
            'm' => (MONTH, 1, 12, 2),
            'd' => (DAY, 1, 31, 2),
            'H' => (HOUR, 0, 23, 2),
            'M' => (MINUTE, 0, 59, 2),
            // Leap seconds, as the C library has them.
            'S' => (SECOND, 0, 61, 2),
            'b' => {
                let (month, after) = month(rest)?;
                at.fields[MONTH] = month;
                rest = after;
                continue;
            }
            ' ' => {
                rest = rest.trim_start_matches(SPACES);
                continue;
            }
            literal => {
                rest = rest.strip_prefix(literal)?;
                continue;
            }
        };
        let (value, after) = number(rest, high, width)?;
        if !(low..=high).contains(&value) {
            return None;
        }
        at.fields[field] = match part {
            'y' if value < 69 => value + 2000,
            'y' => value + 1900,
            _ => value,
        };
        rest = after;
    }
    Some((at, rest))
}

const SPACES: [char; 6] = [' ', '\t', '\n', '\r', '\x0b', '\x0c'];

/// Up to `width` digits, fewer if one more can only exceed `high`.
fn number(text: &str, high: i64, width: usize) -> Option<(i64, &str)> {
    let text = text.trim_start_matches(SPACES);
    let mut value = 0;
    let mut length = 0;
    for digit in text.bytes().take(width).take_while(u8::is_ascii_digit) {
        if length > 0 && value * 10 > high {
            break;
        }
        value = value * 10 + i64::from(digit - b'0');
        length += 1;
    }
    (length > 0).then(|| (value, &text[length..]))
}

/// A month's name, whole or its first letters.
fn month(text: &str) -> Option<(i64, &str)> {
    let starts = |name: &str| {
        let start = text.get(..name.len())?;
        start
            .eq_ignore_ascii_case(name)
            .then(|| &text[name.len()..])
    };
    (1..).zip(MONTHS).find_map(|(month, name)| {
        let rest = starts(name).or_else(|| starts(&name[..SHORT]))?;
        Some((month, rest))
    })
}

fn second(us: u64) -> i64 {
    i64::try_from(us / SECOND_US).expect("a millionth of 2^64 fits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A host without a zone database.
    struct Bare;

    impl Zones for Bare {
        fn local(&self) -> TimeZone {
            TimeZone::UTC
        }

        fn named(&self, _name: &str) -> Option<TimeZone> {
            None
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(
            text in prop_oneof![".{0,40}", "[0-9:.@ +-]{0,24}( ago| left| UTC)?"],
            now_us in any::<u64>(),
        ) {
            let _ = parse_timestamp(&text, now_us, &Bare);
        }

        #[test]
        fn dates_read_as_they_print(second in 0..253_402_214_399_i64) {
            let at = jiff::Timestamp::from_second(second).expect("within the calendar");
            let text = TimeZone::UTC.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
            let expected = u64::try_from(second).expect("after the epoch") * SECOND_US;
            prop_assert_eq!(parse_timestamp(&text, 0, &Bare), Ok(expected));
        }
    }
}
