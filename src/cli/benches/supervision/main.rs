//! gitproc beside a floor and other supervisors, all in one run: the same program as a service, told
//! apart by a number, tells this bench by a socket that it lives. Needs root and a C compiler;
//! rivals are those in PATH (`apt install runit s6`, `pip install supervisor`).
//!
//! `BENCH_SIZES="100 1000"` says how many services there are.
#![allow(missing_docs, clippy::print_stdout, clippy::disallowed_methods)]
mod processes;
mod rivals;
mod stage;

use gitproc_sys::pidfd;
use rivals::{Rival, all};
use stage::Stage;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How often a short thing is done; the median counts.
const ROUNDS: usize = 15;

/// How long nothing happens, for the idle CPU time.
const IDLE: Duration = Duration::from_secs(5);

/// What was measured of one supervisor; `None` where it has no such thing, or failed.
#[derive(Default)]
struct Row {
    name: &'static str,
    /// Milliseconds, in the order of [`COLUMNS`], and then KiB per service and CPU ms while idle.
    values: [Option<f64>; COLUMNS.len()],
    note: String,
}

const COLUMNS: [&str; 7] = [
    "start all",
    "crash→pid",
    "stop all",
    "status 1",
    "list all",
    "KiB/svc",
    "idle CPU",
];

fn main() {
    if !nix::unistd::geteuid().is_root() {
        println!("needs root, not run");
        return;
    }
    let sizes = std::env::var("BENCH_SIZES").unwrap_or_else(|_| "100 1000".to_owned());
    for size in sizes.split_ascii_whitespace() {
        let size = size.parse().expect("BENCH_SIZES has numbers");
        let rows: Vec<Row> = all()
            .into_iter()
            .map(|rival| measure(rival, size))
            .collect();
        print(size, &rows);
    }
}

fn measure(mut rival: Box<dyn Rival>, size: usize) -> Row {
    let mut row = Row {
        name: rival.name(),
        ..Row::default()
    };
    if let Some(missing) = rival.missing() {
        row.note = format!("{missing} is not installed");
        return row;
    }
    let stage = Stage::new(size);
    rival.prepare(&stage);
    let begin = Instant::now();
    rival.start(&stage);
    stage.wait_for_all(size);
    row.values[0] = Some(ms(begin.elapsed()));

    let restarts = (0..ROUNDS).map(|round| {
        let number = round * 7 % size;
        stage.crash(number)
    });
    row.values[1] = Some(median(restarts.collect()));

    let tree = processes::tree(rival.pid(), stage.program_name());
    let kib: u64 = tree.iter().map(|pid| processes::pss_kib(*pid)).sum();
    row.values[5] = Some(kib as f64 / size as f64);
    row.note = format!("{} processes of its own", tree.len());

    row.values[3] = timed(|| rival.status(&stage));
    row.values[4] = timed(|| rival.list(&stage));

    let before: u64 = tree.iter().map(|pid| processes::cpu_ticks(*pid)).sum();
    std::thread::sleep(IDLE); // nothing is waited for: that nothing happens is measured
    let after: u64 = tree.iter().map(|pid| processes::cpu_ticks(*pid)).sum();
    row.values[6] = Some((after - before) as f64 * 1000.0 / processes::TICKS_PER_SECOND);

    let alive = stage.pidfds();
    let own: Vec<OwnedFd> = tree
        .iter()
        .filter_map(|pid| pidfd::open(*pid).ok())
        .collect();
    let begin = Instant::now();
    rival.stop(&stage);
    wait_for_ends(&alive);
    row.values[2] = Some(ms(begin.elapsed()));
    rival.end(&stage);
    wait_for_ends(&own);
    row
}

fn wait_for_ends(pidfds: &[OwnedFd]) {
    for one in pidfds {
        let ended = pidfd::wait(one.as_fd(), 60_000).expect("it can be waited for");
        assert!(ended, "something does not end");
    }
}

fn timed(mut ask: impl FnMut() -> bool) -> Option<f64> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        if !ask() {
            return None;
        }
        times.push(ms(begin.elapsed()));
    }
    Some(median(times))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn print(size: usize, rows: &[Row]) {
    println!(
        "\n{size} services; ms (and KiB, and ms of CPU in {IDLE:?}), in brackets the ratio to gitproc"
    );
    print!("{:<12}", "");
    for column in COLUMNS {
        print!("{column:>20}");
    }
    println!();
    let own = rows.iter().find(|row| row.name == "gitproc");
    for row in rows {
        print!("{:<12}", row.name);
        for (at, value) in row.values.iter().enumerate() {
            let text = match (value, own.and_then(|own| own.values[at])) {
                (None, _) => "–".to_owned(),
                (Some(value), Some(own)) if own > 0.0 => format!("{value:.1} ({:.2})", value / own),
                (Some(value), _) => format!("{value:.1}"),
            };
            print!("{text:>20}");
        }
        println!("  {}", row.note);
    }
}
