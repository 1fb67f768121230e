//! Deaths at any moment: of the daemon, of helpers, in the middle of starts, stops and applies. What
//! lives lives on, what is written is kept, and nothing is there twice.
use crate::instance::{DEADLINE, Instance, pause, signal};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the daemon is killed again and again; `CRASH_SECONDS` asks for more.
const ROUNDS_FOR: Duration = Duration::from_secs(10);

/// Services that stay up, and services that end by themselves and are started again.
const STEADY: usize = 10;
const LOOPING: usize = 10;

/// Small, seeded: a failure is told with its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Fields of /proc/<pid>/stat after the name.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit(')').next()?.split_whitespace();
    Some(fields.map(str::to_owned).collect())
}

fn start_time(pid: u32) -> Option<String> {
    stat(pid)?.get(19).cloned()
}

fn parent(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

fn steady(n: usize) -> String {
    format!("steady{n}")
}

fn looping(n: usize) -> String {
    format!("loop{n}")
}

fn units() -> Vec<(String, String)> {
    let install = "[Install]\nWantedBy=multi-user.target\n";
    let steady = (0..STEADY).map(|n| {
        let text = format!(
            "[Service]\nExecStart=/bin/sleep 10000{n}\nRestart=always\nRestartSec=20ms\n{install}"
        );
        (format!("{}.service", steady(n)), text)
    });
    let looping = (0..LOOPING).map(|n| {
        let text = format!(
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\n\
             ExecStart=/bin/sh -c 'sleep 0.{n}; exit {n}'\nRestart=always\nRestartSec=30ms\n{install}"
        );
        (format!("{}.service", looping(n)), text)
    });
    steady.chain(looping).collect()
}

impl Instance {
    /// Processes that run this very command line: one, or the service runs twice.
    fn running(&self, command: &str) -> Vec<u32> {
        let found = self.processes();
        let of = found.iter().filter(|(_, line)| line.trim() == command);
        of.map(|(pid, _)| *pid).collect()
    }

    fn leftover_invocations(&self) -> usize {
        std::fs::read_dir(self.root.join("run/gitproc/inv")).map_or(0, Iterator::count)
    }
}

#[test]
fn whenever_the_daemon_dies_services_live_on_and_are_there_once() {
    if !crate::root_or_say_so("the daemon's deaths") {
        return;
    }
    let seed = std::env::var("CRASH_SEED").map_or_else(
        |_| u64::from(std::process::id()) << 20 | 1,
        |text| text.parse().expect("CRASH_SEED is a number"),
    );
    let length = std::env::var("CRASH_SECONDS").map_or(ROUNDS_FOR, |text| {
        Duration::from_secs(text.parse().expect("CRASH_SECONDS is a number"))
    });
    eprintln!("CRASH_SEED={seed}");
    let mut random = Random(seed);
    let mut instance = Instance::start();
    let files = units();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    instance.push(&files);
    let mut pids = BTreeMap::new();
    for n in 0..STEADY {
        instance.wait_active(&steady(n));
        let pid = instance.main_pid(&steady(n));
        pids.insert(n, (pid, start_time(pid).expect("it lives")));
    }
    let begin = Instant::now();
    let mut rounds = 0;
    while begin.elapsed() < length {
        rounds += 1;
        let which = random.below(STEADY as u64) as usize;
        // The last three services are those that something is done to; the others just live.
        let victim = steady(STEADY - 1 - random.below(3) as usize);
        match random.below(6) {
            0 => _ = instance.run(&["restart", &victim, "--no-block"]),
            1 => _ = instance.run(&["stop", &victim, "--no-block"]),
            2 => _ = instance.run(&["start", &victim, "--no-block"]),
            3 => {
                // Kill a helper: its service comes back by its own policy.
                let helper = parent(instance.main_pid(&victim)).filter(|pid| *pid > 1);
                if let Some(helper) = helper.filter(|pid| instance.processes().contains_key(pid)) {
                    signal(helper, Signal::SIGKILL);
                }
            }
            4 => {
                let text = format!("# {rounds}\n{}", units()[which].1);
                instance.push(&[(&format!("{}.service", steady(which)), &text)]);
            }
            _ => {}
        }
        for _ in 0..random.below(8) {
            pause();
        }
        instance.kill_daemon();
        for _ in 0..random.below(4) {
            pause();
        }
        instance.start_daemon();
        for n in 0..STEADY - 3 {
            let pid = instance.main_pid(&steady(n));
            let now = (pid, start_time(pid).unwrap_or_default());
            assert_eq!(
                pids[&n],
                now,
                "{} in round {rounds}\n{}",
                steady(n),
                instance.log()
            );
        }
    }
    for n in 0..STEADY {
        instance.run(&["start", &steady(n)]).ok();
        let command = format!("/bin/sleep 10000{n}");
        // A simple service is started once it is forked: its program comes a moment later.
        instance.wait_for(
            &format!("one {command} runs, the main process"),
            |instance| instance.running(&command) == [instance.main_pid(&steady(n))],
        );
    }
    // What loops goes on looping: the count rises.
    let restarts = |i: &Instance, n| {
        i.property(&looping(n), "NRestarts")
            .parse::<u64>()
            .unwrap_or(0)
    };
    for n in 0..LOOPING {
        let record = format!("run/gitproc/unit/{}.service.json", looping(n));
        assert!(
            !matches!(
                &*instance.property(&looping(n), "ActiveState"),
                "inactive" | "failed"
            ),
            "{} is given up\n{:?}\n{:?}",
            looping(n),
            instance.run(&["status", &looping(n)]),
            std::fs::read_to_string(instance.root.join(record)),
        );
        let before = restarts(&instance, n);
        instance.wait_for(&format!("{} is restarted", looping(n)), |i| {
            restarts(i, n) > before
        });
    }
    eprintln!("{rounds} deaths of the daemon in {:.1?}", begin.elapsed());
    instance.run(&["stop", "loop*"]);
    for n in 0..LOOPING {
        instance.run(&["stop", &looping(n)]).ok();
    }
    assert_eq!(
        instance.leftover_invocations(),
        STEADY,
        "one directory per living invocation"
    );
    for n in 0..LOOPING {
        let unit = format!("{}.service", looping(n));
        assert_eq!(instance.unit_cgroups(&unit), Vec::<PathBuf>::new());
    }
    instance.shutdown();
}

#[test]
fn every_line_is_in_the_log_once_whatever_becomes_of_the_daemon() {
    let lines = 20_000;
    let text = format!(
        "[Service]\nType=simple\nExecStart=/bin/bash -c 'for ((i = 0; i < {lines}; i++)); do echo line $i; \
         ((i % 100)) || sleep 0.01; done; (sleep 1000000 &); printf \"the last words\"'\n\
         ExecStopPost=/bin/echo after all\n\
         [Install]\nWantedBy=multi-user.target\n"
    );
    let mut instance = Instance::with_units(&[("writer.service", &text)]);
    for _ in 0..5 {
        for _ in 0..10 {
            pause();
        }
        instance.kill_daemon();
        instance.start_daemon();
    }
    instance.wait_for("it has ended", |i| {
        i.property("writer", "ActiveState") == "inactive"
    });
    let said = instance
        .run(&["logs", "writer", "-o", "cat", "-n", "1000000"])
        .ok()
        .stdout;
    let mut expected: Vec<String> = (0..lines).map(|n| format!("line {n}")).collect();
    // A grandchild held the pipe open when the main process ended.
    expected.extend(["the last words".to_owned(), "after all".to_owned()]);
    let said: Vec<&str> = said.lines().collect();
    let wrong = said.iter().zip(&expected).position(|(a, b)| a != b);
    assert_eq!(
        wrong,
        None,
        "first difference: {:?}",
        wrong.map(|at| said[at])
    );
    assert_eq!(said.len(), expected.len());
    instance.shutdown();
}

#[test]
fn a_full_disk_costs_lines_that_are_counted_and_heals() {
    if !crate::root_or_say_so("a full disk") {
        return;
    }
    let mut instance = Instance::init();
    let logs = instance.root.join("var/log/gitproc");
    std::fs::create_dir_all(&logs).expect("a directory");
    let mount = Mounted::tmpfs(&logs, "size=2m");
    instance.start_daemon();
    let filler = logs.join("filler");
    // More than the pipe holds, so that the helper meets the full disk; less than the disk.
    let text = format!(
        "[Service]\nExecStart=/bin/bash -c 'echo before; head -c 3000000 /dev/zero >{0} 2>/dev/null; \
         for i in {{1..3000}}; do printf \"%%200s\\\\n\" lost; done; rm {0}; echo healed; exec sleep 1000000'\n\
         [Install]\nWantedBy=multi-user.target\n",
        filler.display()
    );
    instance.push(&[("full.service", &text)]).ok();
    let said = |i: &Instance| i.run(&["logs", "full", "-o", "cat", "-n", "10000"]).stdout;
    instance.wait_for("it is healed", |i| said(i).contains("healed"));
    let text = said(&instance);
    assert!(text.starts_with("before\n"), "{text}");
    assert!(text.contains("lines dropped"), "{text}");
    assert!(instance.is_active("full"));
    // The root can only be removed once nothing is mounted in it.
    let root = instance.root.clone();
    instance.shutdown();
    drop(mount);
    let _ = std::fs::remove_dir_all(root);
}

/// Unmounted when dropped.
pub struct Mounted(std::path::PathBuf);

impl Mounted {
    pub fn tmpfs(at: &Path, options: &str) -> Mounted {
        let status = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "gitproc-test"])
            .arg(at)
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "mount works as root"
        );
        Mounted(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let begin = Instant::now();
        let unmounted = || {
            let status = std::process::Command::new("umount").arg(&self.0).status();
            status.is_ok_and(|status| status.success())
        };
        while !unmounted() && begin.elapsed() < DEADLINE {
            pause();
        }
    }
}

/// Starts and stops cost nothing for good: no descriptor, directory, cgroup, mount or zombie.
#[test]
fn many_starts_and_stops_leave_nothing() {
    let text = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 1000000\n\
                ExecStartPre=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
    let units: Vec<String> = (0..5).map(|n| format!("u{n}.service")).collect();
    let files: Vec<(&str, &str)> = units.iter().map(|name| (name.as_str(), text)).collect();
    let instance = Instance::with_units(&files);
    let names: Vec<&str> = units.iter().map(String::as_str).collect();
    let restart: Vec<&str> = ["restart"]
        .into_iter()
        .chain(names.iter().copied())
        .collect();
    let daemon = instance.daemon_pid();
    let descriptors = || {
        std::fs::read_dir(format!("/proc/{daemon}/fd"))
            .expect("it lives")
            .count()
    };
    let mounts = || {
        std::fs::read_to_string("/proc/self/mountinfo")
            .expect("/proc")
            .lines()
            .count()
    };
    instance.run(&restart).ok();
    let before = (descriptors(), mounts());
    for _ in 0..10 {
        instance.run(&restart).ok();
    }
    // A connection that has just been closed may still be open there.
    instance.wait_for("the daemon has closed what it opened", |_| {
        descriptors() <= before.0
    });
    assert_eq!(mounts(), before.1, "mounts of the host");
    assert_eq!(instance.leftover_invocations(), units.len());
    let zombies = std::fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter(|entry| {
            let pid = entry.file_name().to_string_lossy().parse::<u32>().ok();
            let stat = pid.and_then(stat);
            stat.is_some_and(|stat| stat[0] == "Z" && stat[1] == daemon.to_string())
        });
    assert_eq!(zombies.count(), 0);
    instance.shutdown();
}
