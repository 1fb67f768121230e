//! Where a test has the daemon die, as by kill -9: `GITPROC_FAIL_POINT=NAME:COUNT` before the
//! COUNTth effect of that name, or of any (`effect`); and where it has the kernel refuse: the first
//! `GITPROC_FAIL_CLONES=COUNT` helpers find no memory. In builds with debug assertions only.
use gitproc_core::Effect;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

const VARIABLE: &str = "GITPROC_FAIL_POINT";
const CLONES: &str = "GITPROC_FAIL_CLONES";

/// What clone(2) would say to a helper that is not to be made.
pub fn clone_fails() -> Option<gitproc_sys::Error> {
    static LEFT: OnceLock<AtomicU64> = OnceLock::new();
    if !cfg!(debug_assertions) {
        return None;
    }
    let from_environment = || {
        let count = std::env::var(CLONES)
            .ok()
            .and_then(|text| text.parse().ok());
        AtomicU64::new(count.unwrap_or(0))
    };
    let left = LEFT.get_or_init(from_environment);
    let one_less = |left: u64| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
        .ok()
        .map(|_| gitproc_sys::Error::new("clone", "helper", nix::errno::Errno::ENOMEM))
}

/// One point, and how often it is still passed.
#[derive(Debug)]
pub struct FailPoint {
    name: String,
    left: u64,
}

impl FailPoint {
    /// As the environment says; `None` in what people run.
    pub fn from_environment() -> Option<FailPoint> {
        if !cfg!(debug_assertions) {
            return None;
        }
        let text = std::env::var(VARIABLE).ok()?;
        let (name, count) = text.split_once(':')?;
        Some(FailPoint {
            name: name.to_owned(),
            left: count.parse().ok()?,
        })
    }

    /// Dies here, if this is the place.
    pub fn before(&mut self, effect: &Effect) {
        if self.name != "effect" && self.name != name(effect) {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            // Nothing is written, nothing is dropped.
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
        }
    }
}

fn name(effect: &Effect) -> &'static str {
    match effect {
        Effect::Check { .. } => "check",
        Effect::Spawn { .. } => "spawn",
        Effect::Run { .. } => "run",
        Effect::Signal { .. } => "signal",
        Effect::KillCgroup { .. } => "kill-cgroup",
        Effect::Release { .. } => "release",
        Effect::JobDone(_) => "job-done",
        Effect::Settled { .. } => "settled",
        Effect::Changed { .. } => "changed",
        Effect::HostAction { .. } => "host-action",
        Effect::Record { .. } => "record",
    }
}
