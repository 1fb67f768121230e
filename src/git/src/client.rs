//! The daemon's end of the worker: one request at a time, each with a deadline.
//!
//! Blocking; the daemon calls it from a thread that may wait. A worker that overruns a deadline,
//! dies or talks nonsense is killed and reaped, and the next call starts another.
use crate::identity::Identity;
use crate::protocol::{
    CommitInfo, Failure, HeadState, MAX_ANSWER, MAX_REQUEST, Reply, Request, Response, Snapshot,
};
use crate::worker::DROPPED;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time for a request where the caller has no better idea. Reading 1,000 units takes 10 ms cold;
/// this allows for a disk that has to wake up first.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// One read from the worker's pipe: the capacity of a pipe.
const CHUNK: usize = 64 << 10;

/// How to start the worker.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The `gitproc` program; run as `EXE git-worker --store STORE`.
    pub exe: PathBuf,
    /// The bare store.
    pub store: PathBuf,
    /// Whom to become; has to be given by root.
    pub identity: Option<Identity>,
}

/// A request got no answer, or a bad one.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The worker says why.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// No process.
    #[error("starting the git worker {}", exe.display())]
    Spawn {
        /// Its program.
        exe: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It was killed.
    #[error("the git worker gave no answer within {0:?}; it was killed")]
    Deadline(Duration),
    /// It ended by itself.
    #[error("the git worker ended while it was asked ({0})")]
    Died(String),
    /// Its pipe failed.
    #[error("talking to the git worker")]
    Pipe(#[source] io::Error),
    /// The request is longer than [`MAX_REQUEST`].
    #[error("the request is too long for the git worker ({0} bytes)")]
    TooLong(usize),
    /// Not in the protocol; it was killed.
    #[error("the git worker answered what was not asked; it was killed")]
    Nonsense,
}

/// Handle of the worker. Share it by reference or `Arc`; callers take turns.
#[derive(Debug)]
pub struct Worker {
    config: WorkerConfig,
    process: Mutex<Option<Process>>,
}

impl Worker {
    /// Starts the process, so that a program which can't be run is known at once.
    pub fn spawn(config: WorkerConfig) -> Result<Worker, WorkerError> {
        let process = Process::start(&config)?;
        Ok(Worker {
            config,
            process: Mutex::new(Some(process)),
        })
    }

    /// Pid of the living process, for people.
    pub fn pid(&self) -> Option<u32> {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.as_ref().map(|process| process.child.id())
    }

    /// Asks, and waits no longer than `deadline` for the answer.
    pub fn call(&self, request: Request, deadline: Duration) -> Result<Response, WorkerError> {
        let mut line =
            serde_json::to_vec(&request).map_err(|error| WorkerError::Pipe(error.into()))?;
        line.push(b'\n');
        if line.len() > MAX_REQUEST {
            return Err(WorkerError::TooLong(line.len()));
        }
        let mut slot = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        // One that died between two requests (the OOM killer, an operator) is no failure of this one.
        let living = slot.take().and_then(Process::if_living);
        let mut process = match living {
            Some(process) => process,
            None => Process::start(&self.config)?,
        };
        let answer = process.ask(&line, deadline)?;
        match serde_json::from_slice(&answer) {
            Ok(reply) => {
                *slot = Some(process);
                match reply {
                    Reply::Ok(response) => Ok(response),
                    Reply::Failed(failure) => Err(failure.into()),
                }
            }
            Err(_) => Err(WorkerError::Nonsense),
        }
    }

    /// [`Request::Init`].
    pub fn init(&self, branch: &str) -> Result<(), WorkerError> {
        self.call(
            Request::Init {
                branch: branch.into(),
            },
            DEADLINE,
        )
        .map(drop)
    }

    /// [`Request::Head`].
    pub fn head(&self, branch: &str) -> Result<HeadState, WorkerError> {
        match self.call(
            Request::Head {
                branch: branch.into(),
            },
            DEADLINE,
        )? {
            Response::Head(state) => Ok(state),
            _ => Err(WorkerError::Nonsense),
        }
    }

    /// [`Request::Resolve`].
    pub fn resolve(&self, rev: &str, branch: &str) -> Result<CommitInfo, WorkerError> {
        let request = Request::Resolve {
            rev: rev.into(),
            branch: branch.into(),
        };
        match self.call(request, DEADLINE)? {
            Response::Commit(commit) => Ok(commit),
            _ => Err(WorkerError::Nonsense),
        }
    }

    /// [`Request::Snapshot`].
    pub fn snapshot(
        &self,
        commit: &str,
        alternates: Vec<PathBuf>,
        subdir: Option<&str>,
    ) -> Result<Snapshot, WorkerError> {
        let subdir = subdir.map(str::to_owned);
        let request = Request::Snapshot {
            commit: commit.into(),
            alternates,
            subdir,
        };
        match self.call(request, DEADLINE)? {
            Response::Snapshot(snapshot) => Ok(snapshot),
            _ => Err(WorkerError::Nonsense),
        }
    }

    /// [`Request::KeepGeneration`].
    pub fn keep_generation(&self, number: u64, commit: &str) -> Result<(), WorkerError> {
        self.call(
            Request::KeepGeneration {
                number,
                commit: commit.into(),
            },
            DEADLINE,
        )
        .map(drop)
    }

    /// [`Request::Log`].
    pub fn log(&self, commit: &str, limit: usize) -> Result<Vec<CommitInfo>, WorkerError> {
        match self.call(
            Request::Log {
                commit: commit.into(),
                limit,
            },
            DEADLINE,
        )? {
            Response::Log(commits) => Ok(commits),
            _ => Err(WorkerError::Nonsense),
        }
    }

    /// [`Request::CommitInfo`].
    pub fn commit_info(&self, commit: &str) -> Result<CommitInfo, WorkerError> {
        match self.call(
            Request::CommitInfo {
                commit: commit.into(),
            },
            DEADLINE,
        )? {
            Response::Commit(commit) => Ok(commit),
            _ => Err(WorkerError::Nonsense),
        }
    }
}

/// A worker that runs. Dropping it kills and reaps.
#[derive(Debug)]
struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Process {
    fn start(config: &WorkerConfig) -> Result<Process, WorkerError> {
        let failed = |source| WorkerError::Spawn {
            exe: config.exe.clone(),
            source,
        };
        let mut command = Command::new(&config.exe);
        command
            .arg("git-worker")
            .arg("--store")
            .arg(&config.store)
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(Identity { uid, gid }) = config.identity {
            // Setting a uid as root also drops the supplementary groups; the worker checks it.
            command.env(DROPPED, "1").uid(uid).gid(gid);
        }
        let mut child = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were asked to be pipes");
        };
        let process = Process {
            child,
            input,
            output,
        };
        for end in [process.input.as_fd(), process.output.as_fd()] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|e| failed(e.into()))?;
        }
        Ok(process)
    }

    fn if_living(mut self) -> Option<Process> {
        match self.child.try_wait() {
            Ok(None) => Some(self),
            Ok(Some(_)) | Err(_) => None,
        }
    }

    /// One line there, one line back (without its end).
    fn ask(&mut self, line: &[u8], limit: Duration) -> Result<Vec<u8>, WorkerError> {
        let end = Instant::now() + limit;
        let mut rest = line;
        while !rest.is_empty() {
            match self.input.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(self.input.as_fd(), PollFlags::POLLOUT, end, limit)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(self.died()),
                Err(error) => return Err(WorkerError::Pipe(error)),
            }
        }
        let mut answer = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            match self.output.read(&mut chunk) {
                Ok(0) => return Err(self.died()),
                Ok(length) => answer.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(self.output.as_fd(), PollFlags::POLLIN, end, limit)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(WorkerError::Pipe(error)),
            }
            if answer.last() == Some(&b'\n') {
                answer.pop();
                return Ok(answer);
            }
            if answer.len() > MAX_ANSWER {
                return Err(WorkerError::Nonsense);
            }
        }
    }

    /// Its pipes are closed: it is ending, or is made to.
    fn died(&mut self) -> WorkerError {
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => WorkerError::Died(status.to_string()),
            Err(error) => WorkerError::Pipe(error),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(
    pipe: BorrowedFd<'_>,
    flags: PollFlags,
    end: Instant,
    limit: Duration,
) -> Result<(), WorkerError> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(WorkerError::Deadline(limit));
    }
    let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(pipe, flags)], timeout) {
        Ok(_) | Err(nix::Error::EINTR) => Ok(()),
        Err(error) => Err(WorkerError::Pipe(error.into())),
    }
}
