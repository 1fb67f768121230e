//! A bad day: a thousand services, of which fifty fall all the time, a flood of lines, clients that
//! open connections and read nothing. And then a quiet one.
use crate::instance::{Instance, pause};
use crate::root_or_say_so;
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const QUIET: usize = 950;
const FALLING: usize = 50;

/// How long nothing may happen.
const IDLE: Duration = Duration::from_secs(20);

/// What the daemon may take with a thousand services, debug build.
const MEMORY_MAX_KIB: u64 = 200 * 1024;

fn field(pid: u32, task: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{task}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':')
        .split_ascii_whitespace()
        .next()?
        .parse()
        .ok()
}

/// How often each thread of these processes has gone to sleep, which it does once per wake-up.
fn sleeps(pids: &[u32]) -> BTreeMap<(u32, String), u64> {
    let threads = pids.iter().flat_map(|pid| {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
        let tasks = tasks.into_iter().flatten().flatten();
        tasks.map(|task| (*pid, task.file_name().to_string_lossy().into_owned()))
    });
    let counted = threads.filter_map(|(pid, task)| {
        let count = field(pid, &task, "voluntary_ctxt_switches")?;
        Some(((pid, task), count))
    });
    counted.collect()
}

#[test]
fn a_bad_day_is_survived_and_a_quiet_one_is_slept_through() {
    if !root_or_say_so("a_bad_day") {
        return;
    }
    let mut instance = Instance::init();
    let config = instance.root.join("etc/gitproc/gitproc.conf");
    // The slow look at the store is the one thing that happens by itself.
    std::fs::write(&config, "[Git]\nPollIntervalSec=1h\n").expect("ours");
    instance.start_daemon();
    let install = "[Install]\nWantedBy=default.target\n";
    let quiet = format!("[Service]\nExecStart=/bin/sleep 1000000\n{install}");
    let falling = format!(
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/false\nRestart=always\n\
         RestartSec=200ms\n{install}"
    );
    let flood = format!(
        "[Service]\nExecStart=/bin/sh -c 'yes a line of a flood | head -n 2000000'\n{install}"
    );
    let mut files: Vec<(String, &str)> = Vec::new();
    files.extend((0..QUIET).map(|n| (format!("q{n}.service"), &*quiet)));
    files.extend((0..FALLING).map(|n| (format!("f{n}.service"), &*falling)));
    files.push(("flood.service".to_owned(), &flood));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, *text)).collect();
    let begin = Instant::now();
    instance.push(&files);
    for number in [0, QUIET / 2, QUIET - 1] {
        instance.wait_active(&format!("q{number}.service"));
    }
    println!("{} services after {:.1?}", files.len(), begin.elapsed());

    // Clients that ask for a lot and read nothing, and connections on which nobody says anything.
    let deaf: Vec<_> = (0..5)
        .map(|_| {
            let mut follow = Command::new(Instance::binary());
            follow.arg("--root").arg(&instance.root);
            follow.args(["logs", "flood", "-f"]).stdin(Stdio::null());
            follow.stdout(Stdio::piped()).stderr(Stdio::null());
            follow.spawn().expect("it starts")
        })
        .collect();
    let socket = instance.root.join("run/gitproc/gitproc.sock");
    let idle: Vec<_> = (0..200)
        .filter_map(|_| UnixStream::connect(&socket).ok())
        .collect();
    assert_eq!(idle.len(), 200);
    let restarts = |instance: &Instance| -> u64 {
        let text = instance.property("f7.service", "NRestarts");
        text.parse().expect("a number")
    };
    let before = restarts(&instance);
    instance.wait_for("what falls is started again", |instance| {
        restarts(instance) >= before + 3
    });
    for _ in 0..5 {
        instance.run(&["status"]).ok();
        instance.run(&["list"]).ok();
    }
    let resident = field(
        instance.daemon_pid(),
        &instance.daemon_pid().to_string(),
        "VmRSS",
    );
    let resident = resident.expect("the daemon lives");
    println!("the daemon takes {resident} KiB");
    assert!(resident < MEMORY_MAX_KIB, "{resident} KiB");
    instance.run(&["restart", "q1"]).ok();

    // The pressure goes.
    drop(idle);
    for mut client in deaf {
        client.kill().expect("ours");
        client.wait().expect("ours");
    }
    let mut gone: Vec<(String, &str)> = Vec::new();
    gone.extend((0..FALLING).map(|n| (format!("f{n}.service"), "")));
    gone.push(("flood.service".to_owned(), ""));
    let gone: Vec<(&str, &str)> = gone.iter().map(|(name, text)| (&**name, *text)).collect();
    instance.push(&gone).ok();
    let list = instance.run(&["list"]).ok().stdout;
    let active = list
        .lines()
        .filter(|line| line.contains(" active "))
        .count();
    assert!(active >= QUIET, "{active} of {QUIET} are active");

    // Nothing wakes up: neither the daemon nor a helper.
    let all: Vec<u32> = instance
        .processes()
        .into_iter()
        .filter(|(_, line)| !line.starts_with("/bin/sleep"))
        .map(|(pid, _)| pid)
        .collect();
    assert!(all.len() > QUIET, "a helper each: {}", all.len());
    let begin = Instant::now();
    let mut seen = sleeps(&all);
    assert!(seen.len() >= all.len(), "each has a thread that is counted");
    let mut since = Instant::now();
    while since.elapsed() < IDLE {
        assert!(
            begin.elapsed() < IDLE * 6,
            "there is always something that wakes up"
        );
        pause_long();
        let now = sleeps(&all);
        if now != seen {
            for (thread, count) in &now {
                let old = seen.get(thread).copied().unwrap_or(0);
                if old != *count {
                    println!("{thread:?} woke up {} times", count.abs_diff(old));
                }
            }
            (seen, since) = (now, Instant::now());
        }
    }
    instance.shutdown();
}

/// Between two looks at a thousand processes.
fn pause_long() {
    for _ in 0..50 {
        pause();
    }
}
