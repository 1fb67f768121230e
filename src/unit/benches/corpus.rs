//! How fast unit files are read: `cargo bench -p gitproc-unit`.
//!
//! Reads every unit file below the directory in GITPROC_CORPUS (else `units-example/`), each on its
//! own, and in trees of up to 100, as a commit has them. Beside it, in the same run, stands what
//! `systemd-analyze verify` ($SYSTEMD_ANALYZE, or of PATH) needs for the same files. That does
//! more: it loads the units that a file names, and looks for executables; what it needs to start
//! is told apart. All times are processor times, so that other programs do not count.
#![allow(clippy::disallowed_methods)] // a benchmark reads files and the clock
use gitproc_unit::{HostFacts, TreeEntry, TreeFiles, load, parse_ini};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The kernel counts processor time in ticks of up to 10 ms.
const ENOUGH: Duration = Duration::from_secs(1);
/// For a clock that stands still.
const ROUNDS_MAX: u32 = 1 << 16;
/// Files of one tree, and of one `systemd-analyze`: what a start takes is spread over many.
const BATCH: usize = 100;
/// Starts of `systemd-analyze` that are measured together.
const STARTS: u32 = 20;
/// What a file with units is called.
const SUFFIXES: [&str; 7] = [
    "service", "target", "socket", "timer", "path", "slice", "mount",
];

/// A unit file, in memory.
struct UnitFile {
    path: PathBuf,
    name: String,
    text: String,
}

fn main() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = std::env::var_os("GITPROC_CORPUS").map_or(top.join("units-example"), PathBuf::from);
    let mut files = Vec::new();
    find(&dir, &mut files);
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    println!("{}: {} files, {bytes} bytes", dir.display(), files.len());
    if files.is_empty() {
        return;
    }
    let report = |what: &str, time: Duration| {
        let seconds = time.as_secs_f64();
        let rate = files.len() as f64 / seconds;
        let volume = bytes as f64 / seconds / 1e6;
        println!("{what:<36} {seconds:9.4} s {rate:10.0} files/s {volume:8.2} MB/s");
    };

    let lexed = mean(|| {
        for file in &files {
            black_box(parse_ini(&file.name, black_box(&file.text)));
        }
    });
    report("gitproc, sections and keys only", lexed);
    let facts = HostFacts::example();
    let load_all = |files: &[&UnitFile]| {
        let entry = |file: &&UnitFile| (file.name.clone(), TreeEntry::File(file.text.clone()));
        let entries = files.iter().map(entry).collect();
        black_box(load(&TreeFiles { entries }, &facts));
    };
    let alone = mean(|| files.iter().for_each(|file| load_all(&[file])));
    report("gitproc, units one by one", alone);
    let batches = batches(&files);
    let together = mean(|| batches.iter().for_each(|batch| load_all(batch)));
    report("gitproc, units in trees", together);

    let program = std::env::var_os("SYSTEMD_ANALYZE").unwrap_or("systemd-analyze".into());
    match verify(&program, &batches) {
        None => println!("no {} here: not compared", program.display()),
        Some((time, start)) => {
            report("systemd-analyze verify", time);
            let count = u32::try_from(batches.len()).expect("as few as files");
            let net = time.saturating_sub(start * count);
            report("the same, less the start of each", net);
            println!(
                "  ({count} processes, {:.4} s each to start)",
                start.as_secs_f64()
            );
            let ratio = |time: Duration| net.as_secs_f64() / time.as_secs_f64();
            println!(
                "without its start, systemd takes {:.0} times as long as gitproc one by one, {:.0} \
                 times as long as in trees",
                ratio(alone),
                ratio(together)
            );
        }
    }
}

/// The unit files below `dir`, in the order of their paths. Links are left out: masks and aliases.
fn find(dir: &Path, files: &mut Vec<UnitFile>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let suffix = path.extension().and_then(|suffix| suffix.to_str());
        if path.is_dir() {
            find(&path, files);
        } else if !path.is_symlink() && suffix.is_some_and(|suffix| SUFFIXES.contains(&suffix)) {
            let name = path.file_name().and_then(|name| name.to_str());
            let text = std::fs::read_to_string(&path);
            if let (Some(name), Ok(text)) = (name.map(str::to_owned), text) {
                files.push(UnitFile { path, name, text });
            }
        }
    }
}

/// What one round takes, of as many as make a time that the clock can measure.
fn mean(mut round: impl FnMut()) -> Duration {
    let mut rounds = 1;
    loop {
        let time = spent(own_time, || (0..rounds).for_each(|_| round()));
        if time >= ENOUGH || rounds >= ROUNDS_MAX {
            return time / rounds;
        }
        rounds *= 2;
    }
}

/// What `clock` says that `work` took; of a host without that clock, the time on the wall.
fn spent(clock: fn() -> Option<Duration>, work: impl FnOnce()) -> Duration {
    let (start, before) = (Instant::now(), clock());
    work();
    match (before, clock()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        (None, _) | (_, None) => start.elapsed(),
    }
}

/// What this thread has had of processors.
fn own_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ns = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(ns))
}

/// What children that have ended had: user and system time, in ticks of 10 ms.
fn children_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold blanks; from behind it, they are the 14th and 15th field.
    let (_, fields) = text.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse().unwrap_or(0)).sum();
    Some(Duration::from_millis(10 * ticks))
}

/// Time for all files, and time that one process needs for next to nothing.
fn verify(program: &OsString, batches: &[Vec<&UnitFile>]) -> Option<(Duration, Duration)> {
    let run = |files: &[&UnitFile]| {
        let mut command = Command::new(program);
        command.args(["verify", "--man=no"]);
        command.args(files.iter().map(|file| &file.path));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // Its exit status tells what it thinks of the files, which is not the question.
        command.status().is_ok()
    };
    let files = batches.iter().flatten();
    let small = files.min_by_key(|file| file.text.len())?;
    if !run(&[small]) {
        return None;
    }
    // The clock is coarse, so many starts are taken together.
    let starts = spent(children_time, || {
        (0..STARTS).for_each(|_| assert!(run(&[small])));
    });
    let time = spent(children_time, || {
        batches.iter().for_each(|batch| assert!(run(batch)));
    });
    Some((time, starts / STARTS))
}

/// Files that go together: of a name that several packages use, there is one to a tree.
fn batches(files: &[UnitFile]) -> Vec<Vec<&UnitFile>> {
    let mut batches: Vec<BTreeMap<&str, &UnitFile>> = Vec::new();
    for file in files {
        let free = |batch: &BTreeMap<&str, &UnitFile>| {
            batch.len() < BATCH && !batch.contains_key(file.name.as_str())
        };
        let at = batches.iter().position(free).unwrap_or_else(|| {
            batches.push(BTreeMap::new());
            batches.len() - 1
        });
        batches[at].insert(&file.name, file);
    }
    let files = |batch: BTreeMap<_, _>| batch.into_values().collect();
    batches.into_iter().map(files).collect()
}
