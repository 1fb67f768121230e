//! Columns as wide as what stands in them.
use super::{Palette, Tone};

/// One cell and its colour.
pub struct Cell(pub Tone, pub String);

impl Cell {
    pub fn plain(text: impl Into<String>) -> Cell {
        Cell(Tone::Plain, text.into())
    }
}

/// A title line, and a line per row. Rows are as long as the titles.
pub fn table<const N: usize>(titles: [&str; N], rows: &[[Cell; N]], palette: Palette) -> String {
    let mut widths = titles.map(|title| title.chars().count());
    for row in rows {
        for (width, Cell(_, text)) in widths.iter_mut().zip(row) {
            *width = (*width).max(text.chars().count());
        }
    }
    let mut out = String::new();
    let titles = titles.map(|title| Cell(Tone::Title, title.to_owned()));
    for row in std::iter::once(&titles).chain(rows) {
        for (index, (Cell(tone, text), width)) in row.iter().zip(widths).enumerate() {
            out.push_str(&palette.paint(*tone, text));
            if index + 1 < N {
                // Padded outside of the colour, or colours would count as width.
                out.extend(std::iter::repeat_n(' ', width - text.chars().count() + 2));
            }
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out
}
