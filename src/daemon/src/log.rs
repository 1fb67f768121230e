//! Where the daemon's own log goes: to the journal under systemd, to stderr otherwise.
use nix::sys::stat::fstat;
use std::io::IsTerminal;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Fields reach the journal as GITPROC_UNIT=, GITPROC_INVOCATION= and so on.
const FIELD_PREFIX: &str = "GITPROC";

/// Installs the log. A second call (tests) changes nothing.
pub fn start() {
    let level = std::env::var("GITPROC_LOG")
        .ok()
        .and_then(|level| level.parse::<LevelFilter>().ok())
        .unwrap_or(LevelFilter::INFO);
    let journal = is_journal()
        .then(tracing_journald::layer)
        .and_then(Result::ok)
        .map(|journal| journal.with_field_prefix(Some(FIELD_PREFIX.to_owned())));
    let registry = tracing_subscriber::registry().with(level);
    let _ = match journal {
        Some(journal) => registry.with(journal).try_init(),
        None => {
            let stderr = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(false);
            registry.with(stderr).try_init()
        }
    };
}

/// systemd names the device and inode of the stream that it gave us; a redirected stderr does not
/// match, and then people want the text there.
fn is_journal() -> bool {
    let Ok(wanted) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    fstat(std::io::stderr())
        .is_ok_and(|found| wanted == format!("{}:{}", found.st_dev, found.st_ino))
}
