//! Where one supervisor is measured: a directory, the program of its services, and the socket by
//! which they tell that they live.
use gitproc_sys::socket::{NotifyAddress, notify_socket, receive_notify};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = "bench-service";

/// Longer than anything that works.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Stage {
    pub dir: PathBuf,
    pub size: usize,
    socket: OwnedFd,
    /// The newest process of each service.
    pids: RefCell<BTreeMap<usize, u32>>,
}

impl Stage {
    pub fn new(size: usize) -> Stage {
        let dir = std::env::temp_dir().join(format!("gitproc-bench-{}", std::process::id()));
        std::fs::create_dir(&dir).expect("a fresh directory");
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o755)).expect("ours");
        compile("service.c", &dir.join(PROGRAM));
        let opened = gitproc_sys::file::open_dir(&dir).expect("ours");
        let address = NotifyAddress::At(opened.as_fd(), "alive");
        let socket = notify_socket(address).expect("a socket");
        Stage {
            socket,
            dir,
            size,
            pids: RefCell::default(),
        }
    }

    pub fn program(&self) -> PathBuf {
        self.dir.join(PROGRAM)
    }

    pub fn program_name(&self) -> &'static str {
        PROGRAM
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.join("alive")
    }

    /// The command of one service.
    pub fn command(&self, number: usize) -> String {
        format!(
            "{} {} {number}",
            self.program().display(),
            self.socket().display()
        )
    }

    /// The next service that tells that it lives.
    fn next(&self) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(datagram) = receive_notify(self.socket.as_fd()).expect("open")
                && let Some(peer) = datagram.sender
            {
                let number = std::str::from_utf8(&datagram.bytes)
                    .ok()
                    .and_then(|text| text.parse().ok());
                let number = number.expect("a service says its number");
                self.pids.borrow_mut().insert(number, peer.pid);
                return number;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "services do not come up in {PATIENCE:?}");
            let mut wait = [nix::poll::PollFd::new(
                self.socket.as_fd(),
                nix::poll::PollFlags::POLLIN,
            )];
            let ms = u16::try_from(left.as_millis()).unwrap_or(u16::MAX);
            nix::poll::poll(&mut wait, ms).expect("it can be waited for");
        }
    }

    pub fn wait_for_all(&self, size: usize) {
        while self.pids.borrow().len() < size {
            self.next();
        }
    }

    /// Kills one, and gives the milliseconds until it lives again.
    pub fn crash(&self, number: usize) -> f64 {
        let pid = self.pids.borrow()[&number];
        let pidfd = gitproc_sys::pidfd::open(pid).expect("it lives");
        let begin = Instant::now();
        gitproc_sys::pidfd::send_signal(pidfd.as_fd(), 9).expect("ours");
        while self.next() != number {}
        begin.elapsed().as_secs_f64() * 1000.0
    }

    pub fn pidfds(&self) -> Vec<OwnedFd> {
        let pids = self.pids.borrow();
        let opened = pids
            .values()
            .filter_map(|pid| gitproc_sys::pidfd::open(*pid).ok());
        opened.collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// One of the C programs beside this file.
pub fn compile(source: &str, to: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/supervision")
        .join(source);
    let mut cc = Command::new("cc");
    cc.arg("-O2").arg("-o").arg(to).arg(source);
    assert!(
        cc.stdin(Stdio::null())
            .status()
            .expect("cc is installed")
            .success()
    );
}
