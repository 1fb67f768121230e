//! Wall-clock time: year to second as people read it, and where it lies in a time zone.
//!
//! Daylight saving makes some wall-clock times happen twice and others never. systemd leaves both
//! to the C library, so [`Clock`] answers as that does: of two times it takes the one with the
//! offset that it used last, and a time that never happens is moved out of the gap.
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) const YEAR: usize = 0;
pub(super) const MONTH: usize = 1;
pub(super) const DAY: usize = 2;
pub(super) const HOUR: usize = 3;
pub(super) const MINUTE: usize = 4;
pub(super) const SECOND: usize = 5;

/// What a field holds when a coarser one has just moved.
pub(super) const LOWEST: [i64; 6] = [0, 1, 1, 0, 0, 0];

const DAY_SECONDS: i64 = 86_400;
const HOUR_SECONDS: i64 = 3_600;
/// Probes until two guesses that correct each other are given up.
const PROBES_MAX: usize = 6;
/// How far from a time, and in which steps, the other kind of time (standard, daylight saving) is
/// looked for, in seconds: half of the longest period of one kind that does not differ from the
/// other by an hour, and the shortest period of all.
const SEARCH_STEP: i64 = 601_200;
const SEARCH_REACH: i64 = 457_243_209 / 2 + SEARCH_STEP;

/// A wall-clock time. Fields may be out of range until [`Clock::settle`] has seen them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    /// Year, month (from 1), day (from 1), hour, minute, second.
    pub fields: [i64; 6],
    /// Whether this is daylight saving time; `None`: whichever the zone says.
    pub daylight: Option<bool>,
}

impl Civil {
    /// Sets all fields finer than `field` to their lowest.
    pub fn reset_below(&mut self, field: usize) {
        self.fields[field + 1..].copy_from_slice(&LOWEST[field + 1..]);
    }

    /// Adds one to `field`, which may leave its range; finer ones become their lowest.
    pub fn advance(&mut self, field: usize) {
        self.fields[field] += 1;
        self.reset_below(field);
    }

    /// Days since the epoch, from any month and day.
    fn days(&self) -> i64 {
        // Counted from March, so that the leap day is the last of its year.
        let months = self.fields[YEAR] * 12 + self.fields[MONTH] - 3;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let day_of_year = (153 * month + 2) / 5 + self.fields[DAY] - 1;
        // 719,468 days from 1 March of year 0 to the epoch.
        year * 365 + leap_days + day_of_year - 719_468
    }

    /// Monday is 0.
    pub fn weekday(&self) -> u8 {
        // The epoch was a Thursday.
        u8::try_from((self.days() + 3).rem_euclid(7)).expect("a remainder of 7")
    }

    /// Seconds since the epoch, were this UTC.
    fn as_utc(&self) -> i64 {
        let [_, _, _, hour, minute, second] = self.fields;
        self.days() * DAY_SECONDS + hour * HOUR_SECONDS + minute * 60 + second
    }
}

/// A time zone, and the offset that was used last.
pub(super) struct Clock {
    zone: TimeZone,
    offset: i64,
}

impl Clock {
    /// A clock of this zone that was last read at `second` (since the epoch).
    pub fn new(zone: TimeZone, second: i64) -> Option<Clock> {
        let at = Timestamp::from_second(second).ok()?;
        let offset = i64::from(zone.to_offset(at).seconds());
        Some(Clock { zone, offset })
    }

    /// What the clock shows at `second` (since the epoch); `None` is beyond the calendar.
    pub fn read(&self, second: i64) -> Option<Civil> {
        let at = Timestamp::from_second(second).ok()?;
        let info = self.zone.to_offset_info(at);
        let time = info.offset().to_datetime(at);
        Some(Civil {
            fields: [
                time.year().into(),
                time.month().into(),
                time.day().into(),
                time.hour().into(),
                time.minute().into(),
                time.second().into(),
            ],
            daylight: Some(info.dst().is_dst()),
        })
    }

    /// Seconds since the epoch at which the clock shows this time; all fields, and `daylight`,
    /// become what it shows then. A time in a gap moves by the length of the gap.
    pub fn settle(&mut self, civil: &mut Civil) -> Option<i64> {
        let wanted = civil.as_utc();
        let (second, shown) = self.probe(wanted, civil.daylight)?;
        let (second, shown) = match civil.daylight {
            Some(daylight) if shown.as_utc() == wanted && shown.daylight != Some(daylight) => {
                self.search(wanted, daylight, second)?
            }
            Some(_) | None => (second, shown),
        };
        self.offset = wanted - second;
        *civil = shown;
        Some(second)
    }

    /// Starts with the last offset and corrects each guess by what the clock shows. Two guesses
    /// that correct each other for ever stand on both sides of a gap: then the one counts whose
    /// daylight saving is not as wished, or is on when nothing was wished.
    fn probe(&self, wanted: i64, daylight: Option<bool>) -> Option<(i64, Civil)> {
        let mut guess = wanted - self.offset;
        let (mut before, mut last) = (guess, guess);
        let mut last_daylight = false;
        for _ in 0..PROBES_MAX {
            let shown = self.read(guess)?;
            let here = shown.daylight == Some(true);
            let error = wanted - shown.as_utc();
            let suits = match daylight {
                Some(daylight) => here != daylight,
                None => here || !last_daylight,
            };
            if error == 0 || (guess == before && guess != last && suits) {
                return Some((guess, shown));
            }
            (before, last, guess) = (last, guess, guess + error);
            last_daylight = here;
        }
        None
    }

    /// The same wall-clock time by the nearest period with that daylight saving; where there is
    /// none, daylight saving is an hour.
    fn search(&self, wanted: i64, daylight: bool, from: i64) -> Option<(i64, Civil)> {
        let steps = (1..)
            .map(|n| n * SEARCH_STEP)
            .take_while(|&d| d < SEARCH_REACH);
        for second in steps.flat_map(|distance| [from - distance, from + distance]) {
            let there = self.read(second)?;
            if there.daylight == Some(daylight) {
                let second = second + wanted - there.as_utc();
                return Some((second, self.read(second)?));
            }
        }
        let second = if daylight {
            from - HOUR_SECONDS
        } else {
            from + HOUR_SECONDS
        };
        Some((second, self.read(second)?))
    }
}
