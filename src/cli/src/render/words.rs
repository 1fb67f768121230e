//! Numbers, times and ends in the words that people use.
use super::Tone;
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::snapshot::{ActiveState, UnitStatus};

const SECOND_US: u64 = 1_000_000;

/// `41 ms`, `3 s`, `2 min 5 s`, `3 h 10 min`, `2 d 4 h`: the two largest parts.
pub fn span(us: u64) -> String {
    let seconds = us / SECOND_US;
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        small => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match seconds {
        0 => format!("{} ms", us / 1000),
        1..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// `3 s ago`, from two times in µs since the epoch.
pub fn ago(now_us: u64, then_us: u64) -> String {
    format!("{} ago", span(now_us.saturating_sub(then_us)))
}

/// `9.1 MiB`
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `active (running)`
pub fn state(status: &UnitStatus) -> String {
    format!("{} ({})", status.active.as_str(), status.sub)
}

/// The colour of a state.
pub fn tone(state: ActiveState) -> Tone {
    match state {
        ActiveState::Active | ActiveState::Reloading => Tone::Good,
        ActiveState::Failed => Tone::Bad,
        ActiveState::Activating | ActiveState::Deactivating => Tone::Busy,
        ActiveState::Inactive => Tone::Faint,
    }
}

/// `code=exited, status=1` or `code=killed, signal=SIGKILL`
pub fn end(end: ProcessEnd) -> String {
    match end {
        ProcessEnd::Exited(code) => format!("code=exited, status={code}"),
        ProcessEnd::Killed(signal) => format!("code=killed, signal={}", signal_name(signal)),
        ProcessEnd::Dumped(signal) => format!("code=dumped, signal={}", signal_name(signal)),
    }
}

fn signal_name(number: i32) -> String {
    match nix::sys::signal::Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => number.to_string(),
    }
}

/// Safe to show on a terminal: control characters, which could move its cursor, are escaped.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() && c != '\t' {
            true => safe.extend(c.escape_default()),
            false => safe.push(c),
        }
    }
    safe
}
