//! `git` in the clone, as the user who runs the demo.
use crate::failure::{FAILED, Failure};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A clone to work in.
pub struct Clone {
    pub directory: PathBuf,
}

/// How a push ended.
pub struct Push {
    pub accepted: bool,
    /// What git and the daemon said.
    pub words: String,
}

impl Clone {
    pub fn at(directory: &Path) -> Clone {
        Clone {
            directory: directory.to_owned(),
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
            words: String::from_utf8_lossy(&output.stderr).into_owned(),
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

    fn run(&self, words: &[&str]) -> Result<Output, Failure> {
        Command::new("git")
            .arg("-C")
            .arg(&self.directory)
            // The user's own configuration must not decide whether the demo works.
            .args([
                "-c",
                "user.name=gitproc demo",
                "-c",
                "user.email=demo@localhost",
            ])
            .args([
                "-c",
                "commit.gpgSign=false",
                "-c",
                "core.hooksPath=/dev/null",
            ])
            .args(words)
            // A demo started from a hook or an alias of git would work on that repository instead.
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| {
                Failure::caused("can't run git", &error).with_hint("install git, then try again")
            })
    }
}
