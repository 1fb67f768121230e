//! Logs: what services print is there, however much it is.
use crate::instance::Instance;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// An instance whose logs begin a new file every 64 KiB, with a service that counts as fast as it can
/// once it is told to.
fn counting(max_files: u32, lines: usize) -> Instance {
    let mut instance = Instance::init();
    let config = format!("[Logs]\nMaxFileSize=64K\nMaxFiles={max_files}\n");
    std::fs::write(instance.root.join("etc/gitproc/gitproc.conf"), config).expect("writable");
    instance.start_daemon();
    let unit = format!(
        "[Service]\nExecStart=/bin/sh -c 'until test -e {}/go; do sleep 0.01; done; \
         seq {lines}; exec sleep 1000000'\n[Install]\nWantedBy=default.target\n",
        instance.root.display()
    );
    instance.push(&[("count.service", &unit)]).ok();
    instance
}

impl Instance {
    fn go(&self) {
        std::fs::write(self.root.join("go"), "").expect("ours");
    }
}

#[test]
fn a_log_is_rotated_and_reads_as_one() {
    const LINES: usize = 30_000;
    let instance = counting(8, LINES);
    instance.go();
    let last = |lines: usize| {
        let lines = lines.to_string();
        let said = instance.run(&["logs", "count", "-o", "cat", "-n", &lines]);
        said.ok().stdout
    };
    instance.wait_for("all is written", |_| last(1) == format!("{LINES}\n"));
    let expected = |lines: usize| -> String {
        let numbers = LINES - lines + 1..=LINES;
        numbers.map(|number| format!("{number}\n")).collect()
    };
    for lines in [1, 5_000, 12_000] {
        assert_eq!(last(lines), expected(lines), "the last {lines}");
    }
    let dir = instance.root.join("var/log/gitproc");
    let files = std::fs::read_dir(&dir).expect("ours").flatten();
    let sizes: Vec<u64> = files
        .map(|file| file.metadata().expect("there").len())
        .collect();
    assert_eq!(sizes.len(), 9, "the live file, and eight older ones");
    assert!(sizes.iter().all(|size| *size <= 64 << 10), "{sizes:?}");
    instance.shutdown();
}

#[test]
fn following_goes_on_across_rotations() {
    // Less than 32 files: none is gone before it is read.
    const LINES: usize = 30_000;
    let instance = counting(32, LINES);
    let mut follow = instance.command(&["logs", "count", "-f", "-o", "cat", "-n", "0"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(follow.stdout.take().expect("piped")).lines();
    let mut lines = lines.map(|line| line.expect("text"));
    // It listens: what is written before that is not for it.
    instance.wait_for("a thread reads the log", |i| i.has_thread("logs"));
    instance.go();
    for number in 1..=LINES {
        assert_eq!(lines.next(), Some(number.to_string()));
    }
    follow.kill().expect("ours");
    follow.wait().expect("ours");
    instance.shutdown();
}

#[test]
fn lines_are_found_by_what_is_known_of_them() {
    let unit = |word: &str| {
        format!(
            "[Service]\nType=oneshot\nRemainAfterExit=yes\n\
             ExecStart=/bin/sh -c 'echo \"<3>{word} bad\"; echo \"{word} fine\"; echo \"{word} ERR\" >&2'\n\
             [Install]\nWantedBy=default.target\n"
        )
    };
    let instance = Instance::with_units(&[("a.service", &unit("one"))]);
    instance.wait_active("a");
    instance.push(&[("a.service", &unit("two"))]).ok();
    let logs = |arguments: &[&str]| {
        let all = [&["logs", "a", "-o", "cat"], arguments].concat();
        // Lines of the two streams of a service come in the order in which they are read.
        let mut lines: Vec<String> = instance
            .run(&all)
            .ok()
            .stdout
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    let all = [
        "one ERR", "one bad", "one fine", "two ERR", "two bad", "two fine",
    ];
    instance.wait_for("both are written", |_| logs(&[]) == all);
    for (arguments, expected) in [
        (&["-p", "err"][..], &["one bad", "two bad"][..]),
        (&["--priority=3"], &["one bad", "two bad"]),
        (&["--stream", "stderr"], &["one ERR", "two ERR"]),
        (
            &["-g", "err|fine"],
            &["one ERR", "one fine", "two ERR", "two fine"],
        ),
        (&["-g", "ERR|FINE"], &["one ERR", "two ERR"]),
        (&["--rev", "HEAD~1"], &all[..3]),
        (&["--rev", "HEAD", "-p", "3", "-n", "1"], &["two bad"]),
        (&["--since", "-1h", "--until", "+1h"], &all),
        (
            &["--since=1 hour ago", "-g", "bad"],
            &["one bad", "two bad"],
        ),
        (&["-S", "tomorrow"], &[]),
        (&["-U", "yesterday"], &[]),
    ] {
        assert_eq!(logs(arguments), expected, "{arguments:?}");
    }
    // The newest first, and the last of these is the oldest of all.
    let plain = instance.run(&["logs", "a", "-o", "cat"]).ok().stdout;
    let reversed = instance.run(&["logs", "a", "-o", "cat", "-r"]).ok().stdout;
    let back: Vec<&str> = reversed.lines().rev().collect();
    assert_eq!(back, plain.lines().collect::<Vec<_>>());
    let id = instance.property("a", "InvocationID");
    assert_eq!(logs(&["--invocation", &id[..8]]), all[3..]);
    let exported = instance
        .run(&["logs", "a", "-o", "export", "-g", "two bad"])
        .ok()
        .stdout;
    assert!(
        exported.contains("PRIORITY=3\n") && exported.contains("\nMESSAGE=two bad\n\n"),
        "{exported}"
    );
    for (arguments, code, message) in [
        (
            &["--since", "noon-ish"][..],
            2,
            "--since: 'noon-ish' is no point in time",
        ),
        (&["-g", "("], 2, "grep: "),
        (&["-p", "loud"], 2, "--priority: "),
        (
            &["--invocation", "xyz"],
            2,
            "'xyz' is no id of an invocation",
        ),
        (&["--rev", "@77"], 1, "there is no generation 77"),
        (&["-f", "-r"], 2, "cannot be used with"),
    ] {
        instance
            .run(&[&["logs", "a"], arguments].concat())
            .fails(code, message);
    }
    instance.shutdown();
}
