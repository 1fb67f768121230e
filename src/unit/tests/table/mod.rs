//! Reads the tables of `tests/vectors/`: what goes in and what comes out, one case a line.
//!
//! Cells are separated by tabs; the first line, `# a<TAB>b<TAB>c`, names the columns. In a cell
//! `\t \n \r \\ \u{1f600}` mean what they mean in Rust, `\e` is nothing (so that an empty text
//! can be seen), a cell that is `\-` is absent, and `\|` separates the items of a list. The last
//! column may take all cells that are left. Other lines that start with `# ` are comments.
#![allow(dead_code)] // each test uses a part of it

/// One case.
pub struct Row {
    /// Line of the table, from 1.
    pub line: usize,
    columns: Vec<&'static str>,
    cells: Vec<&'static str>,
}

/// The cases of a table.
pub fn rows(table: &'static str) -> Vec<Row> {
    let mut lines = (1..).zip(table.lines());
    let header = lines.next().and_then(|(_, line)| line.strip_prefix("# "));
    let columns: Vec<&str> = header.expect("a header").split('\t').collect();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !is_remark(line));
    lines
        .map(|(line, text)| Row {
            line,
            columns: columns.clone(),
            cells: text.split('\t').collect(),
        })
        .collect()
}

/// A remark has no cells; a row may begin like one.
fn is_remark(line: &str) -> bool {
    line.starts_with("# ") && !line.contains('\t')
}

/// Fails with every row that `holds` is not content with.
pub fn check(table: &'static str, holds: impl Fn(&Row) -> Result<(), String>) {
    let rows = rows(table);
    assert!(!rows.is_empty(), "a table without rows");
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let why = holds(row).err()?;
            Some(format!(
                "line {}: {}: {why}",
                row.line,
                row.cells.join(" | ")
            ))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// `Err` that shows both sides, unless they are equal.
pub fn same<T: PartialEq + std::fmt::Debug>(got: T, expected: T) -> Result<(), String> {
    match got == expected {
        true => Ok(()),
        false => Err(format!("got {got:?}, expected {expected:?}")),
    }
}

impl Row {
    fn at(&self, column: &str) -> usize {
        let found = self.columns.iter().position(|known| *known == column);
        found.unwrap_or_else(|| panic!("no column {column}"))
    }

    fn raw(&self, column: &str) -> &'static str {
        let cell = self.cells.get(self.at(column)).copied();
        cell.unwrap_or_else(|| panic!("line {} has no {column}", self.line))
    }

    /// A text; it must not be absent.
    pub fn text(&self, column: &str) -> String {
        let found = self.option(column);
        found.unwrap_or_else(|| panic!("line {}: {column} is absent", self.line))
    }

    /// A text that may be absent.
    pub fn option(&self, column: &str) -> Option<String> {
        let raw = self.raw(column);
        (raw != "\\-").then(|| unescape(raw))
    }

    /// A number; it must be one.
    pub fn number(&self, column: &str) -> u64 {
        let text = self.text(column);
        let number = text.parse();
        number.unwrap_or_else(|_| panic!("line {}: {text:?} is no number", self.line))
    }

    /// The items of one cell; an empty cell has none.
    pub fn list(&self, column: &str) -> Vec<String> {
        items(self.raw(column))
    }

    /// The cells from this column to the end of the line, each a list.
    pub fn lists(&self, column: &str) -> Vec<Vec<String>> {
        let cells = self.cells.iter().skip(self.at(column));
        cells.map(|cell| items(cell)).collect()
    }

    /// The cells from this column to the end of the line, possibly none.
    pub fn rest(&self, column: &str) -> Vec<String> {
        let cells = self.cells.iter().skip(self.at(column));
        cells.map(|cell| unescape(cell)).collect()
    }
}

fn items(cell: &str) -> Vec<String> {
    if cell.is_empty() {
        return Vec::new();
    }
    // A backslash takes its next character along, so `\\|` is no separator.
    let mut items = vec![String::new()];
    let mut chars = cell.chars();
    while let Some(c) = chars.next() {
        let next = if c == '\\' { chars.next() } else { None };
        match (next, items.last_mut()) {
            (Some('|'), _) => items.push(String::new()),
            (next, Some(item)) => item.extend([c].into_iter().chain(next)),
            (_, None) => {}
        }
    }
    items.iter().map(|item| unescape(item)).collect()
}

fn unescape(cell: &str) -> String {
    let mut out = String::new();
    let mut rest = cell;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let kind = after.chars().next().expect("a backslash at the end");
        rest = &after[kind.len_utf8()..];
        match kind {
            't' => out.push('\t'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            '\\' => out.push('\\'),
            'e' => {}
            'u' => {
                let code = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
                let (digits, tail) = code.expect("\\u{..}");
                let number = u32::from_str_radix(digits, 16).expect("hex digits");
                out.push(char::from_u32(number).expect("a character"));
                rest = tail;
            }
            other => panic!("unknown escape \\{other} in {cell:?}"),
        }
    }
    out.push_str(rest);
    out
}
