//! Looking at the store: inotify as a hint, a slow poll behind it. Each only says "look".
//!
//! Directories are watched, never the ref file, which is replaced at each commit.
use crate::deploy::{Deployer, Trigger};
use gitproc_core::generation::GenerationKind;
use notify::{EventKind, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Quiet time after the last event before a look: one push touches several files.
const QUIET: Duration = Duration::from_millis(50);
/// Longest that a stream of events may put a look off.
const PATIENCE: Duration = Duration::from_secs(1);

/// Triggers looks until the daemon ends.
pub async fn watch(store: PathBuf, poll_interval: Duration, deployer: Deployer) {
    let (events, mut incoming) = mpsc::channel(1);
    let mut watcher = None;
    loop {
        // A store that is made (or made anew) later is watched from the next poll on.
        if watcher.is_none() {
            watcher = match subscribe(&store, events.clone()) {
                Ok(watcher) => Some(watcher),
                Err(error) => {
                    tracing::debug!("watch {}: {error}; polling only", store.display());
                    None
                }
            };
        }
        let poll = Instant::now() + poll_interval;
        let actor = match timeout_at(poll, incoming.recv()).await {
            Ok(Some(())) => {
                quiet(&mut incoming).await;
                "change in the store"
            }
            Ok(None) => return,
            Err(_) => {
                if !store.is_dir() {
                    watcher = None;
                }
                "poll"
            }
        };
        let trigger = Trigger {
            actor: actor.to_owned(),
            kind: GenerationKind::Push,
            reason: None,
            waiter: None,
        };
        if deployer.trigger(trigger).await.is_err() {
            return;
        }
    }
}

async fn quiet(incoming: &mut mpsc::Receiver<()>) {
    let patience = Instant::now() + PATIENCE;
    while timeout_at((Instant::now() + QUIET).min(patience), incoming.recv())
        .await
        .is_ok()
    {
        if Instant::now() >= patience {
            return;
        }
    }
}

fn subscribe(store: &Path, events: mpsc::Sender<()>) -> notify::Result<impl Watcher + use<>> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the repository opens its files: such events are our own echo.
        let echo = event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_)));
        if !echo {
            // Full: a look is due anyway.
            let _ = events.try_send(());
        }
    })?;
    watcher.watch(store, RecursiveMode::NonRecursive)?;
    watcher.watch(&store.join("refs/heads"), RecursiveMode::Recursive)?;
    Ok(watcher)
}
