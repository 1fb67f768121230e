//! Snapshots to text. Pure: what is shown hangs on the arguments alone.
mod deploy;
mod host;
mod logs;
mod security;
mod table;
mod unit;
mod words;

pub use deploy::{history, plan, report};
pub use host::{host, units};
pub use logs::{cat_line, export_entry, short_line};
pub use security::{exposures, exposures_in_depth};
pub use unit::unit;
pub use words::printable;

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    pub color: bool,
}

/// What a piece of text means, as far as colours tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
    Busy,
    Faint,
    Title,
}

impl Palette {
    /// The text in the colour of its tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Good => "32",
            Tone::Bad => "31;1",
            Tone::Busy => "33",
            Tone::Faint => "2",
            Tone::Title => "1",
        };
        match self.color {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
