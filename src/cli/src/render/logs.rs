//! Log lines: for people, and as they were written.
use super::words::printable;
use super::{Palette, Tone};
use gitproc_rpc::api::{LogBytes, LogEntry, LogStream};

/// `Nov 21 10:00:00 web.service: hello`, in local time; with its `SyslogIdentifier=` in place of the
/// unit's name, if it has one. What is no text is escaped.
pub fn short_line(entry: &LogEntry, palette: Palette) -> String {
    let text = match &entry.message {
        LogBytes::Text(text) => printable(text),
        LogBytes::Bytes(bytes) => bytes.escape_ascii().to_string(),
    };
    let (mark, tone) = match entry.stream {
        LogStream::Gitproc => (" [gitproc]", Tone::Faint),
        LogStream::Stdout | LogStream::Stderr => ("", tone(entry.priority)),
    };
    let name = entry.identifier.as_deref().unwrap_or(entry.unit.as_str());
    let head = palette.paint(
        Tone::Faint,
        &format!("{} {}{mark}:", time(entry.time_us), printable(name)),
    );
    let more = if entry.partial { "…" } else { "" };
    format!("{head} {}{more}\n", palette.paint(tone, &text))
}

/// As journalctl(1) shows levels.
const fn tone(priority: u8) -> Tone {
    match priority {
        0..=3 => Tone::Bad,
        4 => Tone::Busy,
        5 => Tone::Title,
        6 => Tone::Plain,
        _ => Tone::Faint,
    }
}

fn time(us: u64) -> String {
    let shown = i64::try_from(us)
        .ok()
        .and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    match shown {
        Some(time) => {
            let local = time.to_zoned(jiff::tz::TimeZone::system());
            local.strftime("%b %d %H:%M:%S").to_string()
        }
        None => us.to_string(),
    }
}

/// An entry as systemd.io/JOURNAL_EXPORT_FORMATS has it.
pub fn export_entry(entry: &LogEntry) -> Vec<u8> {
    let message = match &entry.message {
        LogBytes::Text(text) => text.as_bytes(),
        LogBytes::Bytes(bytes) => bytes,
    };
    let stream = match entry.stream {
        LogStream::Stdout => "stdout",
        LogStream::Stderr => "stderr",
        LogStream::Gitproc => "gitproc",
    };
    let name = entry.identifier.as_deref().unwrap_or(entry.unit.as_str());
    let mut out = format!(
        "__REALTIME_TIMESTAMP={}\nPRIORITY={}\nSYSLOG_IDENTIFIER={name}\nGITPROC_UNIT={}\n\
         GITPROC_STREAM={stream}\n",
        entry.time_us, entry.priority, entry.unit
    )
    .into_bytes();
    // Control characters make a value binary: its length comes first.
    if std::str::from_utf8(message)
        .is_ok_and(|text| !text.contains(|c: char| c.is_control() && c != '\t'))
    {
        out.extend_from_slice(b"MESSAGE=");
    } else {
        out.extend_from_slice(b"MESSAGE\n");
        out.extend_from_slice(&(message.len() as u64).to_le_bytes());
    }
    out.extend_from_slice(message);
    out.extend_from_slice(b"\n\n");
    out
}

/// The very bytes that the service wrote.
pub fn cat_line(entry: &LogEntry) -> Vec<u8> {
    let mut bytes = match &entry.message {
        LogBytes::Text(text) => text.clone().into_bytes(),
        LogBytes::Bytes(bytes) => bytes.clone(),
    };
    if !entry.partial {
        bytes.push(b'\n');
    }
    bytes
}
