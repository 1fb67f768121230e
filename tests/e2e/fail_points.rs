//! The daemon dies before each of its effects in turn, in the middle of starts, a restart, an apply
//! and a stop: what ran untouched runs on, nothing is there twice, and all comes to what was asked.
use crate::instance::{DEADLINE, Instance, pause, signal, wait};
use crate::root_or_say_so;
use nix::sys::signal::Signal;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const INSTALL: &str = "[Install]\nWantedBy=default.target\n";

fn sleeper(seconds: &str, lines: &str) -> String {
    format!("[Unit]\n{lines}\n[Service]\nExecStart=/bin/sleep {seconds}\n{INSTALL}")
}

/// Host pids of what runs with this argument.
fn pids(instance: &Instance, seconds: &str) -> Vec<u32> {
    let command = format!("/bin/sleep {seconds}");
    let all = instance.processes().into_iter();
    let ours = all.filter(|(_, line)| line.trim_end() == command);
    ours.map(|(pid, _)| pid).collect()
}

/// What is asked of the daemon; each of it may meet no daemon any more.
fn play(instance: &Instance) {
    let db = sleeper("900001", "");
    let web = sleeper("900002", "Requires=db.service\nAfter=db.service");
    let calm = sleeper("900003", "");
    instance.push(&[("calm.service", &calm)]);
    instance.push(&[("db.service", &db), ("web.service", &web)]);
    instance.run(&["restart", "db"]);
    let web = sleeper("900004", "Requires=db.service\nAfter=db.service");
    instance.push(&[("web.service", &web)]);
    instance.run(&["stop", "web"]);
}

/// One run in which the daemon dies before effect number `count`. False when it did not.
fn dies_at(count: u64) -> bool {
    let mut instance = Instance::init();
    let point = format!("effect:{count}");
    let mut daemon = instance.spawn_daemon_with(&[], &[("GITPROC_FAIL_POINT", &point)]);
    let begin = Instant::now();
    let died = |daemon: &mut Child| daemon.try_wait().expect("our child").is_some();
    while instance.run(&["status"]).code != 0 && !died(&mut daemon) {
        assert!(begin.elapsed() < DEADLINE, "it neither answers nor dies");
        pause();
    }
    play(&instance);
    let survived = !died(&mut daemon);
    if survived {
        signal(daemon.id(), Signal::SIGTERM);
    }
    wait(&mut daemon).expect("it has ended");
    let calm = pids(&instance, "900003");

    instance.start_daemon();
    // Commits that met no daemon are in the clone, and are pushed now.
    let pushed = instance.git(&["push", "origin", "HEAD:main"]);
    assert_eq!(pushed.code, 0, "effect {count}: {}", pushed.stderr);
    instance.run(&["sync"]).ok();
    instance.run(&["start", "calm", "db", "web"]).ok();
    for (unit, seconds) in [("calm", "900003"), ("db", "900001"), ("web", "900004")] {
        let running = pids(&instance, seconds);
        let main = instance.main_pid(&format!("{unit}.service"));
        assert_eq!(running, [main], "effect {count}: {unit} is there once");
    }
    assert_eq!(
        pids(&instance, "900002"),
        [0; 0],
        "effect {count}: the old web"
    );
    if let [pid] = calm[..] {
        let now = instance.main_pid("calm.service");
        assert_eq!(now, pid, "effect {count}: nobody touched calm");
        assert_eq!(instance.property("calm.service", "NRestarts"), "0");
    }
    instance.shutdown();
    !survived
}

#[test]
fn the_daemon_may_die_before_any_of_its_effects() {
    if !root_or_say_so("the_daemon_may_die") {
        return;
    }
    let next = AtomicU64::new(1);
    let survived = AtomicU64::new(u64::MAX);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while survived.load(Ordering::Relaxed) == u64::MAX {
                    let count = next.fetch_add(1, Ordering::Relaxed);
                    if !dies_at(count) {
                        survived.fetch_min(count, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let effects = survived.into_inner() - 1;
    println!("{effects} effects, and a death before each");
    assert!(effects > 30, "the play has few effects: {effects}");
}
