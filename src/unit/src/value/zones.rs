//! The host's time zones, as an input: this crate reads no zone files.
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Transitions looked at for a zone's other abbreviation. Zones switch twice a year; some had runs
/// of changes without daylight saving.
const TRANSITIONS_MAX: usize = 16;

/// What the caller knows of time zones.
pub trait Zones {
    /// The zone that expressions without a zone are of.
    fn local(&self) -> TimeZone;
    /// The zone of that name (`Europe/Berlin`), if the host has it.
    fn named(&self, name: &str) -> Option<TimeZone>;
}

/// Abbreviations of standard and of daylight saving time (`CET`, `CEST`) that hold around
/// `second` (since the epoch). A zone without daylight saving has the same one twice.
pub(super) fn abbreviations(zone: &TimeZone, second: i64) -> [String; 2] {
    let Ok(at) = Timestamp::from_second(second) else {
        return Default::default();
    };
    let now = zone.to_offset_info(at);
    let other = zone
        .following(at)
        .take(TRANSITIONS_MAX)
        .find(|next| next.dst() != now.dst())
        .map(|next| next.abbreviation().to_owned());
    let now_name = now.abbreviation().to_owned();
    let other = other.unwrap_or_else(|| now_name.clone());
    match now.dst().is_dst() {
        false => [now_name, other],
        true => [other, now_name],
    }
}

/// Which of the two kinds of time `word` abbreviates here: `Some(true)` is daylight saving.
pub(super) fn daylight_of(word: &str, zone: &TimeZone, second: i64) -> Option<(bool, String)> {
    let [standard, daylight] = abbreviations(zone, second);
    [(false, standard), (true, daylight)]
        .into_iter()
        .find(|(_, known)| known.eq_ignore_ascii_case(word))
}
