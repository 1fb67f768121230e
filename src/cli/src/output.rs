//! Where results go: stdout, as a table or as JSON, with colours where they can be seen.
use crate::args::{Format, Global};
use crate::failure::{FAILED, Failure};
use crate::render::Palette;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// How to print.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub format: Option<Format>,
    pub palette: Palette,
}

impl Output {
    /// From the command line and the environment.
    pub fn of(global: &Global) -> Output {
        // no-color.org: set, and not empty.
        let asked_for_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = !global.no_color && !asked_for_none && io::stdout().is_terminal();
        Output {
            format: global.output,
            palette: Palette { color },
        }
    }

    /// `-o json`
    pub fn json(&self) -> bool {
        self.format == Some(Format::Json)
    }

    /// The value with `-o json`, else the text.
    pub fn show<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self.json() {
            true => self.json_line(value),
            false => print(&text()),
        }
    }

    /// One line of JSON.
    pub fn json_line<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let mut line = serde_json::to_string(value)
            .map_err(|error| Failure::caused("can't print as JSON", &error))?;
        line.push('\n');
        print(&line)
    }

    /// A remark for people, which programs that read JSON don't want.
    pub fn remark(&self, text: &str) -> Result<(), Failure> {
        match self.json() {
            true => Ok(()),
            false => print(text),
        }
    }
}

/// To stdout. A reader that has gone away (`| head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes()).map(|_| ())
}

/// The same for bytes; `false` when the reader has gone away.
pub fn print_bytes(bytes: &[u8]) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(
            FAILED,
            format!("can't write to stdout: {error}"),
        )),
    }
}
