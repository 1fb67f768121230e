//! Seeded simulation of the engine with a fake kernel and clock.
//!
//! Each seed is one history: a random set of units, commits, operator's requests, exits, failures,
//! deaf processes, lost helpers, foreign events, and daemon death between any two effects. After
//! each step the safety invariants of docs/architecture.md are checked; then the faults stop, and
//! liveness is. A failing seed prints its story; run it alone with `SIM_SEED=n`, more with
//! `SIM_HISTORIES=n`.
#![allow(clippy::disallowed_methods)] // the harness is outside of the engine, which is pure
mod kernel;
mod random;
mod units;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use units::Era;

/// Histories in the normal test run.
const HISTORIES: u64 = 10_000;

/// Seeds that once failed, each with its story.
const REGRESSIONS: &[(u64, Era, &str)] = &[
    (
        1619,
        Era::Plain,
        "a restart whose service had gone down before the daemon died was forgotten: a target drops \
     jobs, and nothing said that the start was still to come",
    ),
    (
        25944,
        Era::Plain,
        "a service whose definition was lost went on from ExecStartPre= to nothing, and counted as done",
    ),
    (
        53119,
        Era::Plain,
        "the policy of a lost definition is lost too: what ended meanwhile stayed down for ever",
    ),
    (
        54705,
        Era::Plain,
        "a failed start with a stray process and a lost definition was taken for a running service",
    ),
    (
        5174,
        Era::Whole,
        "a unit that was on its way down when nothing needed it any more forgot why it stays down",
    ),
];

/// A history that fails is told by a second run.
fn run(seed: u64, era: Era) {
    let lives = |told| std::panic::catch_unwind(|| world::World::new(seed, era, told).run());
    if lives(false).is_ok() {
        return;
    }
    eprintln!("seed {seed} failed: run it alone with SIM_SEED={seed}. Its story:");
    if let Err(panic) = lives(true) {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn histories_keep_the_invariants() {
    if let Ok(seed) = std::env::var("SIM_SEED") {
        return run(seed.parse().expect("SIM_SEED is a number"), Era::Whole);
    }
    let count = match std::env::var("SIM_HISTORIES") {
        Ok(text) => text.parse().expect("SIM_HISTORIES is a number"),
        Err(_) => HISTORIES,
    };
    let begin = std::time::Instant::now();
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let seed = next.fetch_add(1, Ordering::Relaxed)
                    && seed < count
                {
                    if std::panic::catch_unwind(|| run(seed, Era::Whole)).is_err() {
                        next.store(count, Ordering::Relaxed); // one failure is enough
                        panic!("seed {seed} failed after {:.1?}", begin.elapsed());
                    }
                }
            });
        }
    });
    let took: Duration = begin.elapsed();
    println!("{count} histories in {took:.1?}");
}

#[test]
fn seeds_that_once_failed_stay_mended() {
    for (seed, era, story) in REGRESSIONS {
        println!("seed {seed}: {story}");
        run(*seed, *era);
    }
}
