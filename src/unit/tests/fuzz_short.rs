//! A short run of the fuzz targets (`fuzz/`) on a stable compiler: the same entry points, on the
//! seeds and on mutations of them. The same inputs each time; FUZZ_ROUNDS=N makes it longer.
#![allow(clippy::disallowed_methods)] // a test of files may read files
use std::path::Path;

#[path = "../../../fuzz/entry/calendar.rs"]
mod calendar;
#[path = "../../../fuzz/entry/command_line.rs"]
mod command_line;
#[path = "../../../fuzz/entry/lexer.rs"]
mod lexer;
#[path = "../../../fuzz/entry/unit.rs"]
mod unit;

/// Longest input in bytes: a target that is slow in its input's length would hide there.
const INPUT_MAX: usize = 1_000;

#[test]
fn lexer() {
    short_run("lexer", 20_000, lexer::run);
}

#[test]
fn command_line() {
    short_run("command_line", 50_000, command_line::run);
}

#[test]
fn calendar() {
    short_run("calendar", 50_000, calendar::run);
}

#[test]
fn unit() {
    short_run("unit", 400, unit::run);
}

fn short_run(target: &str, rounds: u64, run: fn(&str)) {
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| run(seed));
    let rounds = match std::env::var("FUZZ_ROUNDS") {
        Ok(text) => text.parse().expect("FUZZ_ROUNDS is a number"),
        Err(_) => rounds,
    };
    // Mutations of mutations go far; the pool forgets the oldest, not the seeds.
    let mut pool = seeds.clone();
    for round in 0..rounds {
        let mut random = Random(round);
        let text = random.mutation(&pool);
        let shown = Shown(target, round, &text);
        run(&text);
        drop(shown);
        match pool.len() < 4 * seeds.len() {
            true => pool.push(text),
            false => {
                let at = seeds.len() + random.below(pool.len() - seeds.len());
                pool[at] = text;
            }
        }
    }
}

/// Tells which input it was that made a target panic.
struct Shown<'a>(&'a str, u64, &'a str);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let Shown(target, round, text) = self;
        if std::thread::panicking() {
            eprintln!("{target}, round {round}: {text:?}");
        }
    }
}

fn seeds(target: &str) -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let files = std::fs::read_dir(dir.join(target)).expect("a directory of seeds");
    let mut paths: Vec<_> = files.map(|file| file.expect("listed").path()).collect();
    paths.sort();
    let read = |path: &_| std::fs::read_to_string(path).expect("a seed is UTF-8");
    let seeds: Vec<String> = paths.iter().map(read).collect();
    assert!(!seeds.is_empty(), "no seeds for {target}");
    seeds
}

/// What makes trouble, in any place.
const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "\\\n",
    "\\",
    "\"",
    "'",
    "=",
    "[",
    "]",
    "#",
    ";",
    " ; ",
    "%",
    "%%",
    "%i",
    "%z",
    "$",
    "${A}",
    "$B",
    "${",
    "}",
    "~",
    "!",
    "!!",
    "@",
    "+",
    "-",
    ":",
    "|",
    ",",
    "/",
    "//",
    "..",
    "*",
    " ",
    "\t",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "é",
    "😀",
    "\\x41",
    "\\u00e9",
    "\\s",
    "0",
    "-1",
    "1.5",
    "infinity",
    "18446744073709551616",
    "99999999999999999999",
    "[Service]\n",
    "[Unit]\n",
    "[Install]\n",
    "\nExecStart=",
    "\nAfter=",
    "\nEnvironment=",
    "\nWants=b@%i.service\n",
    "@system-service",
    ".service",
    "5min",
    "4K",
    "Mon",
    "Sat..Sun",
    "*-*-*",
    "00:00",
    "2000..2100",
    "UTC",
];

/// The last place up to `at` where a character begins.
fn boundary(text: &str, at: usize) -> usize {
    let places = (0..=at).rev();
    let mut found = places.filter(|&at| text.is_char_boundary(at));
    found.next().expect("the start is one")
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `end` - 1; 0 of nothing.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % (end as u64).max(1)) as usize
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        boundary(text, self.below(text.len() + 1))
    }

    fn span(&mut self, text: &str) -> std::ops::Range<usize> {
        let from = self.place(text);
        let length = 1 + self.below(24);
        from..boundary(text, (from + length).min(text.len()))
    }

    /// One of `pool`, with one to eight changes.
    fn mutation(&mut self, pool: &[String]) -> String {
        let mut text = self.of(pool).clone();
        for _ in 0..=self.below(8) {
            match self.below(6) {
                0 => text.insert_str(self.place(&text), self.of::<&str>(PIECES)),
                1 => text.replace_range(self.span(&text), ""),
                2 => text.replace_range(self.span(&text), self.of::<&str>(PIECES)),
                3 => {
                    let copy = text[self.span(&text)].to_owned();
                    text.insert_str(self.place(&text), &copy);
                }
                4 => {
                    let other = self.of(pool);
                    let copy = &other[self.span(other)];
                    text.insert_str(self.place(&text), copy);
                }
                _ => {
                    let other = self.of(pool);
                    text.truncate(self.place(&text));
                    text.push_str(&other[self.place(other)..]);
                }
            }
        }
        text.truncate(boundary(&text, INPUT_MAX.min(text.len())));
        text
    }
}
