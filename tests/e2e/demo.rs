//! The demo: what the README's first line promises.
use crate::instance::{DEADLINE, Output, hermetic, output, pause, signal, wait};
use crate::person::Person;
use nix::sys::signal::Signal;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Where one demo has its temporary directory.
struct Theatre {
    dir: PathBuf,
    person: Person,
    program: PathBuf,
    /// Dropped last.
    _stage: MutexGuard<'static, ()>,
}

/// The example services have a port and a runtime directory of the host: one demo at a time.
static STAGE: Mutex<()> = Mutex::new(());

impl Theatre {
    fn of(person: Person) -> Theatre {
        // A test that failed has left nothing that matters to the next one.
        let stage = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("gitproc-theatre-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(dir.join("tmp")).expect("a fresh temporary directory");
        person.own(&dir.join("tmp"));
        Theatre {
            program: person.program(&dir),
            dir,
            person,
            _stage: stage,
        }
    }

    fn demo(&self, words: &[&str]) -> Command {
        let mut command = self.person.command(&self.program);
        hermetic(&mut command)
            .arg("demo")
            .args(words)
            .env("TMPDIR", self.dir.join("tmp"))
            .env("HOME", self.dir.join("tmp"));
        command
    }

    /// Plays until a line begins with `cue`, sends the signal, and waits for the end.
    fn interrupted_at(&self, words: &[&str], cue: &str, number: Signal) -> Output {
        let mut child = self
            .demo(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut stdout = String::new();
        for line in &mut lines {
            let line = line.expect("text");
            stdout.push_str(&line);
            stdout.push('\n');
            if line.starts_with(cue) {
                signal(child.id(), number);
                break;
            }
        }
        lines.for_each(|line| stdout.extend([line.expect("text"), "\n".to_owned()]));
        let status = wait(&mut child).expect("it ends");
        let stderr = std::io::read_to_string(child.stderr.take().expect("piped"));
        Output {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: stderr.expect("text"),
        }
    }

    /// No directory of a demo, and no process that has it in its command line.
    #[track_caller]
    fn is_empty(&self) {
        let left = || -> Vec<String> {
            let entries = std::fs::read_dir(self.dir.join("tmp")).expect("it stays");
            let paths = entries
                .flatten()
                .map(|entry| entry.path().display().to_string());
            let own = self.dir.display().to_string();
            let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
            let lines = processes.filter_map(|entry| {
                let bytes = std::fs::read(entry.path().join("cmdline")).ok()?;
                let line = String::from_utf8_lossy(&bytes).replace('\0', " ");
                line.contains(&own).then_some(line)
            });
            paths.chain(lines).collect()
        };
        // git's far end may take a moment to notice that nobody listens any more.
        let begin = Instant::now();
        while !left().is_empty() {
            assert!(begin.elapsed() < DEADLINE, "left behind: {:#?}", left());
            pause();
        }
    }
}

impl Drop for Theatre {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn the_tour_passes(person: Person) -> Output {
    let theatre = Theatre::of(person);
    let told = output(&mut theatre.demo(&["--tour"])).ok();
    assert!(told.stdout.contains("Every claim held."), "{told:?}");
    assert!(told.stdout.contains("Nothing is left"), "{told:?}");
    theatre.is_empty();
    told
}

#[test]
fn the_tour_passes_and_leaves_nothing() {
    the_tour_passes(Person::myself());
}

#[test]
fn the_tour_passes_for_an_ordinary_user_and_says_what_that_costs() {
    let told = the_tour_passes(Person::ordinary());
    assert!(told.stdout.contains("WITHOUT ROOT"), "{told:?}");
}

#[test]
fn the_tour_passes_without_user_namespaces() {
    if let Some(person) = Person::without_user_namespaces() {
        the_tour_passes(person);
    }
}

#[test]
fn a_signal_at_any_stage_leaves_nothing() {
    let stages = [
        (&[][..], "This is gitproc", 130),
        (&[], "$ git push", 130),
        (&[], "The daemon has pid", 0),
        (&["--tour"], "2. ", 130),
        (&["--tour"], "  $ git commit", 130),
        (&["--tour"], "  ok: without a daemon", 130),
    ];
    for person in [Person::myself(), Person::ordinary()] {
        let theatre = Theatre::of(person);
        for (number, (words, cue, code)) in stages.into_iter().enumerate() {
            // In turn, since both mean the same.
            let signal = [Signal::SIGINT, Signal::SIGTERM][number % 2];
            let told = theatre.interrupted_at(words, cue, signal);
            assert_eq!(told.code, code, "{signal} at {cue:?}: {told:?}");
            assert!(
                told.stdout.contains("Nothing is left"),
                "at {cue:?}: {told:?}"
            );
            assert_eq!(told.stderr, "", "at {cue:?}");
            theatre.is_empty();
        }
    }
}

#[test]
fn a_directory_is_kept_and_serves_again() {
    let theatre = Theatre::of(Person::myself());
    let dir = theatre.dir.join("kept");
    let dir = dir.to_str().expect("text");
    let greeting = theatre.dir.join("kept/etc/gitproc/services/web.service");
    let idle = "The daemon has pid";
    theatre
        .interrupted_at(&["--dir", dir], idle, Signal::SIGINT)
        .ok();
    let text = std::fs::read_to_string(&greeting).expect("kept");
    std::fs::write(&greeting, text.replace("GREETING=Hi.", "GREETING=Mine.")).expect("ours");
    theatre
        .interrupted_at(&["--dir", dir], idle, Signal::SIGINT)
        .ok();
    let text = std::fs::read_to_string(&greeting).expect("kept");
    assert!(text.contains("GREETING=Mine."), "what the user wrote stays");
    for _ in 0..2 {
        output(&mut theatre.demo(&["--dir", dir, "--tour"])).ok();
    }
}
