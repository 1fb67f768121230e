//! `status` and `list`: the host in a line, its units in a table.
use super::table::{Cell, table};
use super::words::{ago, bytes, printable, span, state, tone};
use super::{Palette, Tone};
use gitproc_rpc::api::{HostStatus, UnitRow};
use std::fmt::Write;

/// Warnings of the commit that are shown in full. Units written for systemd can have dozens; the
/// push has shown them all, and so does the status of each unit.
const WARNINGS_SHOWN: usize = 3;

/// Who we are, what is deployed, and how it is; then what is missing or odd, one line each.
pub fn host(status: &HostStatus, now_us: u64, palette: Palette) -> String {
    let deployed = match &status.generation {
        None => "nothing deployed yet".to_owned(),
        Some(generation) => format!(
            "generation {} · {} \"{}\" by {}, {}",
            generation.number,
            generation.commit.short(),
            printable(&generation.subject),
            printable(name_only(&generation.author)),
            ago(now_us, generation.started_us),
        ),
    };
    let failed = match status.failed {
        0 => "0 failed".to_owned(),
        count => palette.paint(Tone::Bad, &format!("{count} failed")),
    };
    let host = palette.paint(Tone::Title, &format!("host {}", status.host));
    let mut out = format!("{host} · {deployed} · {} active, {failed}\n", status.active);
    if status.applying {
        out.push_str("applying a commit\n");
    }
    if let Some(pending) = &status.pending {
        let line = format!("not applied: {}", printable(pending));
        let _ = writeln!(out, "{}", palette.paint(Tone::Bad, &line));
    }
    for line in &status.degradations {
        let _ = writeln!(
            out,
            "{} {}",
            palette.paint(Tone::Busy, "missing here:"),
            printable(line)
        );
    }
    for warning in status.warnings.iter().take(WARNINGS_SHOWN) {
        let _ = writeln!(out, "{}", printable(&warning.to_string()));
    }
    if let Some(more @ 1..) = status.warnings.len().checked_sub(WARNINGS_SHOWN) {
        let _ = writeln!(
            out,
            "… and {more} more warnings: gitproc verify {} lists them all",
            status.generation.as_ref().map_or_else(
                || "HEAD".to_owned(),
                |generation| format!("@{}", generation.number)
            )
        );
    }
    out
}

/// `Ada <ada@example.org>` is Ada.
fn name_only(author: &str) -> &str {
    match author.split_once('<') {
        Some((name, _)) if !name.trim().is_empty() => name.trim(),
        _ => author,
    }
}

/// One line per unit.
pub fn units(rows: &[UnitRow], palette: Palette) -> String {
    const TITLES: [&str; 8] = [
        "UNIT", "STATE", "SINCE", "PID", "MEM", "CPU", "RESTARTS", "COMMIT",
    ];
    let none = || "–".to_owned();
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            let UnitRow { status, usage, .. } = row;
            [
                Cell::plain(status.unit.as_str()),
                Cell(tone(status.active), state(status)),
                Cell::plain(span(row.since_us_ago)),
                Cell::plain(status.main_pid.map_or_else(none, |pid| pid.to_string())),
                Cell::plain(usage.memory_current.map_or_else(none, bytes)),
                Cell::plain(usage.cpu_usage_ns.map_or_else(none, |ns| span(ns / 1000))),
                Cell::plain(status.restarts.to_string()),
                Cell::plain(
                    status
                        .commit
                        .as_ref()
                        .map_or_else(none, |c| c.short().to_owned()),
                ),
            ]
        })
        .collect();
    let mut out = table(TITLES, &cells, palette);
    for row in rows {
        if let Some(reason) = &row.status.reason {
            let _ = writeln!(out, "{}: {}", row.status.unit, printable(reason));
        }
    }
    out
}
