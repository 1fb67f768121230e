//! How fast a large host is loaded and planned, and what it takes in memory:
//! `cargo bench -p gitproc-core`.
//!
//! The tree is made up: services of the kinds that Debian ships, a tenth of them instances of
//! templates, each wanted by a target and ordered after one or two others.
#![allow(clippy::disallowed_methods)] // a benchmark reads /proc and the clock
use gitproc_core::lint::{self, Subject};
use gitproc_core::plan;
use gitproc_unit::{HostFacts, Loaded, Severity, TreeEntry, TreeFiles, UnitName, load};
use std::hint::black_box;
use std::time::{Duration, Instant};

const UNITS: usize = 10_000;
/// Of one hundred units, how many are instances of a template.
const INSTANCES: usize = 10;
const ROUNDS: u32 = 5;

fn main() {
    let facts = HostFacts::example();
    let target: UnitName = "site.target".parse().expect("a unit name");
    let tree = tree("");
    let bytes: usize = tree.entries.values().map(size).sum();
    let files = tree.entries.len();

    // The first load of all: what later ones leave behind would hide what it takes.
    let before = resident();
    let loaded = load(&tree, &facts);
    let after = resident();
    let units = loaded.units.units.len();
    println!("{units} units of {files} files, {bytes} bytes");
    let errors = |loaded: &Loaded| {
        let all = loaded.diagnostics.iter();
        all.filter(|finding| finding.severity == Severity::Error)
            .count()
    };
    assert_eq!(errors(&loaded), 0, "{:?}", loaded.diagnostics.first());

    let time = mean(|| drop(black_box(load(&tree, &facts))));
    report("load", time);
    let subject = Subject {
        tree: &tree,
        units: &loaded.units,
        target: &target,
        as_root: true,
    };
    let time = mean(|| drop(black_box(lint::judge(&loaded, &subject))));
    report("checks of the set", time);
    let time = mean(|| drop(black_box(plan::diff(None, &loaded.units, &target))));
    report("plan: all new", time);
    let time = mean(|| {
        black_box(plan::diff(Some(&loaded.units), &loaded.units, &target));
    });
    report("plan: nothing changed", time);
    let changed = load(&self::tree("Environment=CHANGED=1\n"), &facts);
    let time = mean(|| {
        black_box(plan::diff(Some(&loaded.units), &changed.units, &target));
    });
    report("plan: one in a hundred changed", time);

    match (before, after) {
        (Some(before), Some(after)) => {
            let taken = after.saturating_sub(before);
            let each = taken / units;
            println!("resident memory: {taken} bytes more after the load, {each} per unit");
        }
        (None, _) | (_, None) => println!("no /proc/self/statm here: memory not measured"),
    }
}

/// Processor time of one of several rounds: other programs do not count, and the kernel, which
/// counts in ticks, has something to count.
fn mean(mut round: impl FnMut()) -> Duration {
    let (start, before) = (Instant::now(), on_processor());
    (0..ROUNDS).for_each(|_| round());
    let time = match (before, on_processor()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        (None, _) | (_, None) => start.elapsed(),
    };
    time / ROUNDS
}

/// What this thread has had of processors.
fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ns = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(ns))
}

fn report(what: &str, time: Duration) {
    println!("{what:<32} {:9.4} s", time.as_secs_f64());
}

/// Bytes of this process in memory.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split(' ').nth(1)?.parse().ok()?;
    // Of x86 and of nearly all others.
    Some(pages * 4096)
}

fn size(entry: &TreeEntry) -> usize {
    match entry {
        TreeEntry::File(text) | TreeEntry::Symlink(text) | TreeEntry::Problem(text) => text.len(),
    }
}

/// [`UNITS`] units below one target. `more` is put into one service in a hundred.
fn tree(more: &str) -> TreeFiles {
    let mut tree = TreeFiles::default();
    let mut file = |path: String, text: String| {
        tree.entries.insert(path, TreeEntry::File(text));
    };
    let mut wants = String::new();
    for at in 0..UNITS - 1 {
        let name = match at % 100 < INSTANCES {
            true => format!("queue{}@{at}.service", at % INSTANCES),
            false => format!("app{at:05}.service"),
        };
        wants.push_str(&format!("Wants={name}\n"));
        if at % 100 >= INSTANCES {
            let more = if at % 100 == 99 { more } else { "" };
            file(name, service(at, more));
        }
    }
    for at in 0..INSTANCES {
        file(format!("queue{at}@.service"), service(0, ""));
    }
    file("site.target".into(), format!("[Unit]\n{wants}"));
    tree
}

/// About what a service of Debian says, in what is honoured today.
fn service(at: usize, more: &str) -> String {
    // Ordered after the last unit that is no instance, so there is no circle.
    let after = match at % 100 > INSTANCES {
        true => format!(
            "After=app{:05}.service\nWants=app{:05}.service\n",
            at - 1,
            at - 1
        ),
        false => String::new(),
    };
    let kind = ["simple", "exec", "notify", "oneshot"][at % 4];
    let restart = match kind {
        "oneshot" => "RemainAfterExit=yes",
        _ => "Restart=on-failure\nRestartSec=5",
    };
    format!(
        "[Unit]\nDescription=Service number {at} of a large host (%n)\n\
         Documentation=man:app(8) https://example.org/app\n{after}\n\
         [Service]\nType={kind}\nUser=nobody\n\
         Environment=PORT={at} \"NAME=%n\" MODE=fast\nEnvironmentFile=-/etc/default/app{at}\n\
         ExecStartPre=/bin/mkdir -p /run/app{at}\n\
         ExecStart=/usr/sbin/app --config /etc/app/%p.conf --port ${{PORT}} $OPTIONS\n\
         ExecReload=/bin/kill -HUP $MAINPID\n{restart}\n{more}\
         TimeoutStopSec=30s\nLimitNOFILE=65536\nMemoryMax=512M\nTasksMax=100\n\
         NoNewPrivileges=yes\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_CHOWN\n\n\
         [Install]\nWantedBy=multi-user.target\n"
    )
}
