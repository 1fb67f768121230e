//! Reads calendar expressions: `[weekdays] [date] [time] [zone]`, `@seconds`, or a shorthand.
use super::chain::{Chain, Component, EVERY_SECOND, SECOND, Then};
use super::{CalendarSpec, EVERY_DAY, WEEKDAYS, Zone};
use crate::value::ValueError;
use jiff::{Timestamp, tz::TimeZone};

/// Largest number in an expression.
const NUMBER_MAX: i64 = i32::MAX as i64;
/// Longest chain that systemd takes.
const COMPONENTS_MAX: usize = 241;

const YEARS: (i64, i64) = (1970, super::next::YEAR_MAX);
const MONTHS: (i64, i64) = (1, 12);
const DAYS: (i64, i64) = (1, 31);
const HOURS: (i64, i64) = (0, 23);
const MINUTES: (i64, i64) = (0, 59);
const MICROSECONDS: (i64, i64) = (0, 60 * SECOND - 1);

const SHORTHANDS: &[(&[&str], &str)] = &[
    (&["minutely"], "*:*:00"),
    (&["hourly"], "*:00:00"),
    (&["daily"], "00:00:00"),
    (&["weekly"], "Mon"),
    (&["monthly"], "*-*-01"),
    (&["quarterly"], "*-01,04,07,10-01"),
    (
        &["biannually", "bi-annually", "semiannually", "semi-annually"],
        "*-01,07-01",
    ),
    (&["annually", "yearly", "anually"], "*-01-01"),
];

/// What is read, before its bounds are checked.
#[derive(Default)]
struct Date {
    year: Vec<Component>,
    month: Vec<Component>,
    day: Vec<Component>,
    end_of_month: bool,
}

#[derive(Default)]
struct Time {
    hour: Vec<Component>,
    minute: Vec<Component>,
    microsecond: Vec<Component>,
}

pub(super) fn parse(text: &str) -> Result<CalendarSpec, ValueError> {
    read(text).ok_or_else(|| {
        ValueError::not(
            text,
            "calendar expression (such as daily, Mon..Fri 22:30, *-*-01 04:00:00)",
        )
    })
}

fn read(text: &str) -> Option<CalendarSpec> {
    let (body, zone) = split_zone(text);
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(body));
    let long = SHORTHANDS.iter().find(|(names, _)| is(names));
    let body = long.map_or(body, |(_, long)| long);
    if body.is_empty() {
        return None;
    }
    let (weekdays, rest) = weekdays(body)?;
    let (date, time, zone) = match rest.strip_prefix('@') {
        Some(seconds) => {
            let (date, time) = instant(seconds)?;
            // It says UTC by itself; a zone beside it changes nothing.
            (date, time, Zone::Utc)
        }
        None => {
            let (date, rest) = date(rest)?;
            (date, time(rest)?, zone)
        }
    };
    // `*` is every day, from whichever end.
    let end_of_month = date.end_of_month && !date.day.is_empty();
    let years = date.year.into_iter().map(full_year).collect();
    Some(CalendarSpec {
        weekdays: if weekdays == 0 { EVERY_DAY } else { weekdays },
        year: Chain::new(years, YEARS)?,
        month: Chain::new(date.month, MONTHS)?,
        day: match end_of_month {
            true => Chain::new_backwards(date.day)?,
            false => Chain::new(date.day, DAYS)?,
        },
        end_of_month,
        hour: Chain::new(time.hour, HOURS)?,
        minute: Chain::new(time.minute, MINUTES)?,
        microsecond: Chain::new_seconds(time.microsecond, MICROSECONDS)?,
        zone,
    })
}

/// 12 is 2012, 89 is 1989.
fn full_year(mut component: Component) -> Component {
    let full = |year| match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        _ => year,
    };
    component.first = full(component.first);
    if let Then::UpTo { last, step: _ } = &mut component.then {
        *last = full(*last);
    }
    component
}

/// The expression without its zone.
fn split_zone(text: &str) -> (&str, Zone) {
    match text.rsplit_once(' ') {
        Some((body, word)) if word.eq_ignore_ascii_case("UTC") => (body, Zone::Utc),
        Some((body, word)) if could_be_zone(word) => (body, Zone::Named(word.into())),
        Some(_) | None => (text, Zone::Local),
    }
}

/// A name of the zone database, or an abbreviation of it (`CEST`, `+0530`).
fn could_be_zone(word: &str) -> bool {
    let means_else = |known: &str| known.eq_ignore_ascii_case(word);
    let mut known = SHORTHANDS.iter().flat_map(|(names, _)| names.iter());
    let weekday = WEEKDAYS
        .iter()
        .any(|(short, long)| means_else(short) || means_else(long));
    if let Some(offset) = word.strip_prefix(['+', '-']) {
        return matches!(offset.len(), 2 | 4) && offset.bytes().all(|b| b.is_ascii_digit());
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/');
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.bytes().all(plain)
        && !word.contains("//")
        && !word.ends_with('/')
        && !weekday
        && !known.any(|name| means_else(name))
}

/// Days and what follows them; no day is 0.
fn weekdays(text: &str) -> Option<(u8, &str)> {
    let mut mask = 0;
    let mut range_from: Option<usize> = None;
    let mut rest = text;
    loop {
        let Some((day, after)) = weekday(rest) else {
            return (mask == 0).then_some((0, text));
        };
        let from = range_from.unwrap_or(day);
        if from > day {
            return None;
        }
        mask |= (from..=day).fold(0, |mask, day| mask | 1 << day);
        let in_range = range_from.is_some();
        (range_from, rest) = match after.chars().next() {
            None | Some(' ') => return Some((mask, after.trim_start_matches(' '))),
            Some(',') => (None, &after[1..]),
            // `-` is an old spelling of `..`.
            Some('-') if !in_range => (Some(day), &after[1..]),
            Some('.') if !in_range && after.starts_with("..") => (Some(day), &after[2..]),
            Some(_) => return None,
        };
        // A comma may end the list, a range may not stay open.
        if rest.is_empty() || rest.starts_with(' ') {
            let closed = range_from.is_none();
            return closed.then(|| (mask, rest.trim_start_matches(' ')));
        }
    }
}

fn weekday(text: &str) -> Option<(usize, &str)> {
    let after = |name: &str| {
        let start = text.get(..name.len())?;
        start
            .eq_ignore_ascii_case(name)
            .then(|| &text[name.len()..])
    };
    WEEKDAYS
        .iter()
        .enumerate()
        .find_map(|(day, (short, long))| Some((day, after(long).or_else(|| after(short))?)))
}

/// Seconds since the epoch, as a date and a time of UTC.
fn instant(text: &str) -> Option<(Date, Time)> {
    // As the C library reads an unsigned number: a minus wraps around.
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    let number = if negative {
        number.wrapping_neg()
    } else {
        number
    };
    let at = Timestamp::from_second(number.cast_signed()).ok()?;
    let at = TimeZone::UTC.to_datetime(at);
    let one = |value: i64| vec![Component::value(value)];
    let date = Date {
        year: one(at.year().into()),
        month: one(at.month().into()),
        day: one(at.day().into()),
        end_of_month: false,
    };
    let time = Time {
        hour: one(at.hour().into()),
        minute: one(at.minute().into()),
        microsecond: one(i64::from(at.second()) * SECOND),
    };
    Some((date, time))
}

/// `year-month-day` or `month-day`, and what follows; nothing if a time stands here.
/// Before the day, `~` counts it from the end of the month.
fn date(text: &str) -> Option<(Date, &str)> {
    if text.is_empty() {
        return Some((Date::default(), text));
    }
    let (first, rest) = chain(text, 1)?;
    if rest.is_empty() || rest.starts_with(':') {
        return Some((Date::default(), text));
    }
    let (end_of_month, rest) = date_separator(rest)?;
    let (second, rest) = chain(rest, 1)?;
    let (year, month, day, end_of_month, rest) = if rest.is_empty() || rest.starts_with(' ') {
        (Vec::new(), first, second, end_of_month, rest)
    } else if end_of_month {
        return None;
    } else {
        let (end_of_month, rest) = date_separator(rest)?;
        let (third, rest) = chain(rest, 1)?;
        (first, second, third, end_of_month, rest)
    };
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let date = Date {
        year,
        month,
        day,
        end_of_month,
    };
    Some((date, rest.trim_start_matches(' ')))
}

/// Whether it is `~`.
fn date_separator(text: &str) -> Option<(bool, &str)> {
    let tilde = text.strip_prefix('~').map(|rest| (true, rest));
    tilde.or_else(|| Some((false, text.strip_prefix('-')?)))
}

/// `hour:minute[:second]` up to the end; midnight if nothing stands here.
fn time(text: &str) -> Option<Time> {
    let zero = || vec![Component::value(0)];
    if text.is_empty() {
        return Some(Time {
            hour: zero(),
            minute: zero(),
            microsecond: zero(),
        });
    }
    let (hour, rest) = chain(text, 1)?;
    let (minute, rest) = chain(rest.strip_prefix(':')?, 1)?;
    let (microsecond, rest) = match rest.strip_prefix(':') {
        Some(seconds) => chain(seconds, SECOND)?,
        None => (zero(), rest),
    };
    rest.is_empty().then_some(Time {
        hour,
        minute,
        microsecond,
    })
}

/// `*`, or components; and what follows. `unit` is 1, or [`SECOND`] for seconds in µs.
fn chain(text: &str, unit: i64) -> Option<(Vec<Component>, &str)> {
    if let Some(rest) = text.strip_prefix('*') {
        // Of seconds, `*` is each whole one.
        let all = if unit == SECOND {
            vec![EVERY_SECOND]
        } else {
            Vec::new()
        };
        return Some((all, rest));
    }
    let mut components = Vec::new();
    let mut rest = text;
    loop {
        let (one, after) = component(rest, unit)?;
        components.push(one);
        match after.strip_prefix(',') {
            Some(next) if components.len() < COMPONENTS_MAX => rest = next,
            Some(_) => return None,
            None => return Some((components, after)),
        }
    }
}

/// `first[..last][/step]`
fn component(text: &str, unit: i64) -> Option<(Component, &str)> {
    let (first, rest) = number(text, unit)?;
    let (last, rest) = match rest.strip_prefix("..") {
        Some(rest) => {
            let (last, rest) = number(rest, unit)?;
            (Some(last), rest)
        }
        None => (None, rest),
    };
    let (step, rest) = match rest.strip_prefix('/') {
        Some(rest) => {
            let (step, rest) = number(rest, unit)?;
            (Some(step).filter(|&step| step > 0).map(Some)?, rest)
        }
        None => (None, rest),
    };
    let then = match (last, step) {
        (None, None) => Then::End,
        (None, Some(step)) => Then::Every { step },
        // A range of less than a second has to say its step.
        (Some(last), None) if unit == SECOND && first + unit > last => return None,
        (Some(last), step) => Then::UpTo {
            last,
            step: step.unwrap_or(unit),
        },
    };
    let ended = rest.is_empty() || rest.starts_with([' ', ',', '-', '~', ':']);
    ended.then_some((Component { first, then }, rest))
}

/// Digits; of seconds also decimals, rounded to µs.
fn number(text: &str, unit: i64) -> Option<(i64, &str)> {
    let (whole, rest) = digits(text);
    let whole: i64 = whole.parse().ok()?;
    let mut value = whole.checked_mul(unit)?;
    let mut rest = rest;
    let point = rest.strip_prefix('.').filter(|tail| !tail.starts_with('.'));
    if let Some(tail) = point.filter(|_| unit == SECOND) {
        let (decimals, after) = digits(tail);
        if decimals.is_empty() {
            return None;
        }
        value = value.checked_add(microseconds(decimals))?;
        rest = after;
    }
    (value <= NUMBER_MAX).then_some((value, rest))
}

/// Decimals of a second in µs, rounded by the seventh.
pub(in crate::value) fn microseconds(decimals: &str) -> i64 {
    let digit = |index: usize| decimals.as_bytes().get(index).map_or(0, |b| b - b'0');
    let six = (0..6).fold(0, |value, index| value * 10 + i64::from(digit(index)));
    six + i64::from(digit(6) >= 5)
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}
