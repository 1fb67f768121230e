//! `git` in the clone, as the user who runs the demo.
use super::interrupt::Interrupt;
use crate::failure::{FAILED, Failure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest time for one command of git. A push waits for every unit of the site to start, which
/// takes less than a second; no push of the demo may hang for ever.
const GIT_DEADLINE: Duration = Duration::from_secs(180);

/// A clone to work in.
pub struct Clone {
    pub directory: PathBuf,
    interrupt: Interrupt,
}

/// How a push ended.
pub struct Push {
    pub accepted: bool,
    /// What git and the daemon said.
    pub words: String,
}

impl Clone {
    pub fn at(directory: &Path, interrupt: Interrupt) -> Clone {
        Clone {
            directory: directory.to_owned(),
            interrupt,
        }
    }

    /// Commits what has changed, if anything has (a directory that was kept from an earlier demo
    /// may have it all); the commit that is checked out.
    pub fn commit_if_changed(&self, message: &str) -> Result<String, Failure> {
        match self.git(&["status", "--porcelain"])?.is_empty() {
            true => self.head(),
            false => self.commit(message),
        }
    }

    /// Commits everything that has changed; the new commit.
    pub fn commit(&self, message: &str) -> Result<String, Failure> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message])?;
        self.head()
    }

    /// The commit that is checked out.
    pub fn head(&self) -> Result<String, Failure> {
        Ok(self.git(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Pushes, and tells what came of it.
    pub fn push(&self) -> Result<Push, Failure> {
        let output = self.run(&["push"])?;
        Ok(Push {
            accepted: output.status.success(),
            words: trimmed(&String::from_utf8_lossy(&output.stderr)),
        })
    }

    /// Takes over what the store has.
    pub fn pull(&self) -> Result<(), Failure> {
        self.git(&["pull", "--quiet", "--ff-only"]).map(|_| ())
    }

    /// Drops commits that were not pushed.
    pub fn drop_unpushed(&self) -> Result<(), Failure> {
        self.git(&["reset", "--quiet", "--hard", "@{upstream}"])
            .map(|_| ())
    }

    fn git(&self, words: &[&str]) -> Result<String, Failure> {
        let output = self.run(words)?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => {
                let said = String::from_utf8_lossy(&output.stderr);
                let message = format!("git {}: {}", words.join(" "), said.trim());
                Err(Failure::new(FAILED, message))
            }
        }
    }

    /// Runs git to its end; a signal to the demo, or the deadline, ends it before.
    fn run(&self, words: &[&str]) -> Result<Output, Failure> {
        self.interrupt.check()?;
        let failed = |error| {
            Failure::caused("can't run git", &error).with_hint("install git, then try again")
        };
        let mut child = self.command(words).spawn().map_err(failed)?;
        let reading = [
            child.stdout.take().map(|pipe| read_all(pipe.into())),
            child.stderr.take().map(|pipe| read_all(pipe.into())),
        ];
        let ended = self.interrupt.until(GIT_DEADLINE, || {
            child.try_wait().map_err(failed).transpose()
        });
        let status = match ended {
            Ok(Some(status)) => status?,
            Ok(None) => {
                end(&mut child);
                let seconds = GIT_DEADLINE.as_secs();
                let message = format!("git {} has not ended in {seconds} s", words.join(" "));
                return Err(Failure::new(FAILED, message));
            }
            Err(interrupted) => {
                end(&mut child);
                return Err(interrupted);
            }
        };
        let [stdout, stderr] = reading.map(|reader| {
            let bytes = reader.and_then(|reader| reader.join().ok());
            bytes.unwrap_or_default()
        });
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        // A demo started from a hook or an alias of git would work on that repository instead.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                command.env_remove(name);
            }
        }
        command
            .arg("-C")
            .arg(&self.directory)
            .args(["-c", "user.name=gitproc demo"])
            .args(["-c", "user.email=demo@localhost"])
            .args(words)
            // The user's own configuration must not decide whether the demo works.
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            // Ctrl-C is for the demo, which then ends git with all that it has started.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// On a thread of its own, so that neither pipe fills up.
fn read_all(pipe: OwnedFd) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is what there is to show.
        let _ = File::from(pipe).read_to_end(&mut bytes);
        bytes
    })
}

/// Kills git and what it has started, which share a process group.
fn end(child: &mut Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        // Not collected yet, so the number can't be another's.
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let _ = child.wait();
}

/// git pads what it shows of the far end with spaces, for terminals.
fn trimmed(text: &str) -> String {
    text.lines()
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect()
}
