//! Looking at the store: inotify as a hint, a slow poll behind it. Each only says "look".
//!
//! Directories are watched, never the ref file, which is replaced at each commit.
use crate::deploy::{Deployer, Trigger};
use gitproc_core::generation::GenerationKind;
use notify::{EventKind, RecursiveMode, Watcher};
use std::os::unix::fs::MetadataExt;
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
    let mut watched = Watched::default();
    loop {
        watched.refresh(&store, &events);
        let poll = Instant::now() + poll_interval;
        let actor = match timeout_at(poll, incoming.recv()).await {
            Ok(Some(())) => {
                quiet(&mut incoming).await;
                "change in the store"
            }
            Ok(None) => return,
            Err(_) => "poll",
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

/// What inotify watches: the store, or, while there is none, the directory that it will be in.
#[derive(Default)]
struct Watched {
    /// The directory of the store that is watched, so that a store made anew is noticed.
    store: Option<(u64, u64)>,
    watcher: Option<Box<dyn Watcher + Send>>,
}

impl Watched {
    fn refresh(&mut self, store: &Path, events: &mpsc::Sender<()>) {
        let heads = store.join("refs/heads");
        let found = std::fs::metadata(&heads)
            .ok()
            .map(|meta| (meta.dev(), meta.ino()));
        if self.watcher.is_some() && self.store == found {
            return;
        }
        let parent = store.parent().unwrap_or(store);
        let places = match found {
            Some(_) => vec![
                (store, RecursiveMode::NonRecursive),
                (&*heads, RecursiveMode::Recursive),
            ],
            None if store.is_dir() => vec![(store, RecursiveMode::Recursive)],
            None => vec![(parent, RecursiveMode::NonRecursive)],
        };
        match subscribe(&places, events.clone()) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.store = found;
            }
            Err(error) => {
                tracing::warn!("watch {}: {error}; polling only", store.display());
                self.watcher = None;
            }
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

fn subscribe(
    places: &[(&Path, RecursiveMode)],
    events: mpsc::Sender<()>,
) -> notify::Result<Box<dyn Watcher + Send>> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the repository opens its files: such events are our own echo.
        let echo = event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_)));
        if !echo {
            // Full: a look is due anyway.
            let _ = events.try_send(());
        }
    })?;
    for (path, mode) in places {
        watcher.watch(path, *mode)?;
    }
    Ok(Box::new(watcher))
}
