//! How exposed services are, for people.
use super::table::{Cell, table};
use super::{Palette, Tone};
use gitproc_core::security::{Assessment, Exposure, Level, show};

/// Lines that are proposed for a unit.
const PROPOSED: usize = 5;

fn tone(level: Level) -> Tone {
    match level {
        Level::Perfect | Level::Safe | Level::Ok => Tone::Good,
        Level::Medium => Tone::Plain,
        Level::Exposed => Tone::Busy,
        Level::Unsafe | Level::Dangerous => Tone::Bad,
    }
}

/// One line each, the most exposed first.
pub fn exposures(exposures: &[Exposure], palette: Palette) -> String {
    let mut sorted: Vec<&Exposure> = exposures.iter().collect();
    sorted.sort_by_key(|exposure| std::cmp::Reverse(exposure.tenths));
    let rows: Vec<[Cell; 4]> = sorted
        .into_iter()
        .map(|exposure| {
            let most = exposure.remedies.first();
            [
                Cell::plain(exposure.unit.as_str()),
                Cell::plain(format!("{:>8}", show(exposure.tenths))),
                Cell(tone(exposure.level), exposure.level.name().to_owned()),
                Cell::plain(most.map_or("", |remedy| &remedy.line)),
            ]
        })
        .collect();
    table(
        ["UNIT", "EXPOSURE", "PREDICATE", "MOST HELP"],
        &rows,
        palette,
    )
}

/// Each with all its checks.
pub fn exposures_in_depth(exposures: &[Exposure], palette: Palette) -> String {
    let parts: Vec<String> = exposures
        .iter()
        .map(|exposure| in_depth(exposure, palette))
        .collect();
    parts.join("\n")
}

fn in_depth(exposure: &Exposure, palette: Palette) -> String {
    let row = |check: &Assessment| {
        let (tone, mark) = match check.set {
            Some(true) => (Tone::Good, "✓"),
            Some(false) => (Tone::Bad, "✗"),
            None => (Tone::Faint, " "),
        };
        let part = match check.tenths {
            0 => String::new(),
            tenths => format!("{:>8}", show(tenths)),
        };
        [
            Cell(tone, mark.to_owned()),
            Cell(tone, check.name.clone()),
            Cell::plain(check.description.clone()),
            Cell::plain(part),
        ]
    };
    let rows: Vec<[Cell; 4]> = exposure.checks.iter().map(row).collect();
    let mut text = table(["", "NAME", "THE SERVICE", "EXPOSURE"], &rows, palette);
    let overall = format!("{} {}", show(exposure.tenths), exposure.level.name());
    text.push_str(&format!(
        "\n→ Overall exposure level for {}: {}\n",
        exposure.unit,
        palette.paint(tone(exposure.level), &overall)
    ));
    let proposed = exposure.remedies.iter().take(PROPOSED);
    let mut lines: Vec<String> = proposed
        .filter(|remedy| remedy.tenths > 0)
        .map(|remedy| {
            format!(
                "  {:>4}  {}\n",
                format!("-{}", show(remedy.tenths)),
                remedy.line
            )
        })
        .collect();
    if !lines.is_empty() {
        lines.insert(0, "  What would help most:\n".to_owned());
    }
    text.extend(lines);
    text
}
