//! When an expression elapses next.
//!
//! The search goes through the fields from the year to the microsecond. Each takes the earliest
//! value that it allows; a field that moves takes the finer ones back to their lowest; one that
//! has nothing left advances the coarser one, and the search begins anew. After each field the
//! clock is asked whether there is such a time: what daylight saving skips is not.
use super::{CalendarSpec, EVERY_DAY, seconds};
use crate::value::civil::{Civil, Clock, DAY, HOUR, LOWEST, MINUTE, MONTH, SECOND, YEAR};
use crate::value::zones::Zones;

/// No expression elapses after this year, so the search for 30 February ends.
pub(super) const YEAR_MAX: i64 = 2199;
/// Searches that begin anew, as many as systemd allows, before the expression counts as one that
/// never elapses.
const ROUNDS_MAX: usize = 1000;
/// 9999-12-30 23:59:59 UTC in µs, beyond which systemd has no time.
pub(in crate::value) const TIME_MAX_US: u64 = 253_402_214_399_000_000;

const MICROSECONDS: i64 = 1_000_000;

/// What the clock says to a time.
enum Verdict {
    /// There is such a time.
    Stands,
    /// It was out of range, or in a gap, and has become a later one.
    Moved,
    /// There is none, or only an earlier one.
    Refused,
}

/// A round of the search.
enum Round {
    Found,
    Again,
    Never,
}

impl CalendarSpec {
    /// The first time after `after_us` (both µs since the epoch); `None` is never, also when
    /// `zones` does not know the zone.
    pub fn next_elapse(&self, after_us: u64, zones: &dyn Zones) -> Option<u64> {
        if after_us > TIME_MAX_US {
            return None;
        }
        let from_us = after_us + 1;
        let (zone, daylight) = self.zone.resolve(from_us, zones)?;
        let clock = Clock::new(zone, seconds(from_us))?;
        let mut search = Search {
            spec: self,
            at: clock.read(seconds(from_us))?,
            microsecond: i64::try_from(from_us % 1_000_000).expect("below a million"),
            clock,
        };
        let start = (search.at.fields, search.microsecond);
        let mut stuck = false;
        for _ in 0..ROUNDS_MAX {
            // A time before the epoch settles too, and is refused further on.
            search.clock.settle(&mut search.at);
            if !stuck {
                search.at.daylight = daylight;
            }
            match search.round() {
                Round::Again => {}
                Round::Never => return None,
                Round::Found => {
                    let mut at = search.at;
                    let second = search.clock.settle(&mut at)?;
                    let us = u64::try_from(second * MICROSECONDS + search.microsecond).ok()?;
                    if (search.at.fields, search.microsecond) >= start && us > after_us {
                        return Some(us);
                    }
                    // When daylight saving ends, the clock may answer with the first of two equal
                    // hours in the second of them. From the next hour on it leads forward again.
                    stuck = true;
                    search.at.fields[HOUR] += 1;
                }
            }
        }
        None
    }
}

struct Search<'a> {
    spec: &'a CalendarSpec,
    clock: Clock,
    at: Civil,
    /// Of the second.
    microsecond: i64,
}

impl Search<'_> {
    fn round(&mut self) -> Round {
        for field in [YEAR, MONTH, DAY, HOUR, MINUTE, SECOND] {
            let verdict = match self.take_earliest(field) {
                true => self.ask_clock(),
                false => Verdict::Refused,
            };
            match verdict {
                Verdict::Stands => {}
                Verdict::Moved | Verdict::Refused if field == YEAR => return Round::Never,
                Verdict::Moved => return Round::Again,
                Verdict::Refused => return self.again_after(field - 1),
            }
            let excluded = self.spec.weekdays != EVERY_DAY
                && self.spec.weekdays & (1 << self.at.weekday()) == 0;
            if field == DAY && excluded {
                return self.again_after(DAY);
            }
        }
        Round::Found
    }

    /// The next value of `field` is the earliest that can lead on.
    fn again_after(&mut self, field: usize) -> Round {
        self.at.advance(field);
        self.microsecond = 0;
        Round::Again
    }

    /// Moves `field` to the earliest value from its present one on; false if there is none.
    fn take_earliest(&mut self, field: usize) -> bool {
        let spec = self.spec;
        let chain = [
            &spec.year,
            &spec.month,
            &spec.day,
            &spec.hour,
            &spec.minute,
            &spec.microsecond,
        ][field];
        let present = self.at.fields[field];
        if field == SECOND {
            let present = present * MICROSECONDS + self.microsecond;
            let Some(found) = chain.earliest(present, Some) else {
                return false;
            };
            self.at.fields[SECOND] = found / MICROSECONDS;
            self.microsecond = found % MICROSECONDS;
            return true;
        }
        let (at, clock) = (self.at, &mut self.clock);
        let found = match field == DAY && spec.end_of_month {
            true => chain.earliest(present, |back| day_from_end(at, clock, back)),
            false => chain.earliest(present, Some),
        };
        let Some(found) = found else {
            return false;
        };
        if found != present {
            self.at.fields[field] = found;
            self.at.reset_below(field);
            self.microsecond = 0;
        }
        true
    }

    fn ask_clock(&mut self) -> Verdict {
        if self.at.fields[YEAR] > YEAR_MAX {
            return Verdict::Refused;
        }
        let mut shown = self.at;
        match self.clock.settle(&mut shown) {
            Some(second) if second >= 0 => {}
            Some(_) | None => return Verdict::Refused,
        }
        let differs = (YEAR..=SECOND).find(|&field| shown.fields[field] != self.at.fields[field]);
        let Some(field) = differs else {
            return Verdict::Stands;
        };
        if shown.fields[field] < self.at.fields[field] {
            return Verdict::Refused;
        }
        // 33 March has become 2 April, but 1 April must not be missed.
        if field < SECOND {
            shown.fields[field + 1] = LOWEST[field + 1];
        }
        self.at = shown;
        Verdict::Moved
    }
}

/// The day of the month that is the last but `back - 1`.
fn day_from_end(at: Civil, clock: &mut Clock, back: i64) -> Option<i64> {
    let mut day = at;
    day.fields[MONTH] += 1;
    day.fields[DAY] = 1 - back;
    let second = clock.settle(&mut day)?;
    (second >= 0 && day.fields[MONTH] == at.fields[MONTH]).then_some(day.fields[DAY])
}
