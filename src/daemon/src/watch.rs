//! Looking at the store: inotify as a hint, a slow poll behind it. Each only says "look".
//!
//! Directories are watched, never the ref file, which is replaced at each commit.
use crate::deployer::{Deployer, Trigger};
use gitproc_core::generation::GenerationKind;
use notify::{EventKind, RecursiveMode, Watcher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Quiet time after the last event before a look: one push touches several files.
const QUIET: Duration = Duration::from_millis(50);
/// Longest that a stream of events may put a look off.
const PATIENCE: Duration = Duration::from_secs(1);
/// Directories may appear while a watch is set up, each below the one before: so often is it tried.
const STEPS: usize = 3;

/// Triggers looks until the daemon ends.
pub async fn watch(store: PathBuf, poll_interval: Duration, deployer: Deployer) {
    let (events, mut incoming) = mpsc::channel(1);
    let mut watched = Watched::default();
    watched.refresh(&store, &events);
    loop {
        let poll = Instant::now() + poll_interval;
        let actor = match timeout_at(poll, incoming.recv()).await {
            Ok(Some(())) => {
                quiet(&mut incoming).await;
                "change in the store"
            }
            Ok(None) => return,
            Err(_) => "poll",
        };
        // Before the look, so that nothing moves unseen between the two.
        watched.refresh(&store, &events);
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

/// What inotify watches: the store and its refs, or, while there is none, the directory that it
/// will be in.
#[derive(Default)]
struct Watched {
    places: Vec<Place>,
    watcher: Option<Box<dyn Watcher + Send>>,
}

/// One directory, as it was when its watch began.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    /// A directory made anew under the same name is another one, and inode numbers are used again.
    identity: (u64, u64, Option<SystemTime>),
    mode: RecursiveMode,
}

impl Place {
    fn find(path: PathBuf, mode: RecursiveMode) -> Option<Place> {
        let meta = std::fs::metadata(&path).ok().filter(|meta| meta.is_dir())?;
        Some(Place {
            path,
            identity: (meta.dev(), meta.ino(), meta.created().ok()),
            mode,
        })
    }

    /// Everything that exists of what tells of a new head: HEAD and packed-refs, and loose refs.
    fn all(store: &Path) -> Vec<Place> {
        let refs = store.join("refs");
        let heads = refs.join("heads");
        let known = [
            (store.to_owned(), RecursiveMode::NonRecursive),
            (refs, RecursiveMode::NonRecursive),
            (heads, RecursiveMode::Recursive),
        ];
        let found: Vec<Place> = known
            .into_iter()
            .filter_map(|(path, mode)| Place::find(path, mode))
            .collect();
        if !found.is_empty() {
            return found;
        }
        let parent = store.parent().unwrap_or(store).to_owned();
        let parent = Place::find(parent, RecursiveMode::NonRecursive);
        parent.into_iter().collect()
    }
}

impl Watched {
    fn refresh(&mut self, store: &Path, events: &mpsc::Sender<()>) {
        for _ in 0..STEPS {
            let places = Place::all(store);
            if self.watcher.is_some() && self.places == places {
                return;
            }
            match subscribe(&places, events.clone()) {
                Ok(watcher) => {
                    self.watcher = Some(watcher);
                    self.places = places;
                }
                Err(error) => {
                    tracing::warn!("watch {}: {error}; polling only", store.display());
                    self.watcher = None;
                    return;
                }
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
    places: &[Place],
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
    for place in places {
        watcher.watch(&place.path, place.mode)?;
    }
    Ok(Box::new(watcher))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;
    use std::fs;

    /// How long an event may take to come; inotify takes microseconds.
    const SOON: Duration = Duration::from_secs(10);

    struct Scene {
        root: TempDir,
        watched: Watched,
        events: mpsc::Sender<()>,
        incoming: mpsc::Receiver<()>,
    }

    impl Scene {
        fn new() -> Scene {
            let (events, incoming) = mpsc::channel(1);
            Scene {
                root: TempDir::new("watch"),
                watched: Watched::default(),
                events,
                incoming,
            }
        }

        fn store(&self) -> PathBuf {
            self.root.path().join("store.git")
        }

        fn make(&self) {
            fs::create_dir_all(self.store().join("refs/heads")).expect("writable");
        }

        /// Does `act`, and waits for the event that it has to cause, as the loop does.
        async fn notices(&mut self, what: &str, act: impl FnOnce(&Path)) {
            self.watched.refresh(&self.store(), &self.events);
            while self.incoming.try_recv().is_ok() {}
            act(&self.store());
            let came = tokio::time::timeout(SOON, self.incoming.recv()).await;
            assert_eq!(came, Ok(Some(())), "{what}");
            quiet(&mut self.incoming).await;
        }
    }

    fn write(path: &Path) {
        fs::write(path, "1").expect("writable");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn loose_and_packed_refs_are_noticed() {
        let mut scene = Scene::new();
        scene.make();
        scene
            .notices("a loose ref", |store| write(&store.join("refs/heads/main")))
            .await;
        scene
            .notices("git pack-refs", |store| write(&store.join("packed-refs")))
            .await;
        scene
            .notices("a branch with a slash", |store| {
                fs::create_dir(store.join("refs/heads/release")).expect("writable");
            })
            .await;
        scene
            .notices("its ref", |store| {
                write(&store.join("refs/heads/release/1"))
            })
            .await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_store_that_is_made_or_made_anew_is_noticed() {
        let mut scene = Scene::new();
        scene
            .notices("a store comes", |store| {
                fs::create_dir(store).expect("writable");
            })
            .await;
        scene
            .notices("its refs come", |store| {
                fs::create_dir_all(store.join("refs/heads")).expect("writable");
            })
            .await;
        for round in 0..3 {
            let main = |store: &Path| write(&store.join("refs/heads/main"));
            scene.notices(&format!("commit {round}"), main).await;
            scene
                .notices(&format!("refs/heads made anew {round}"), |store| {
                    fs::remove_dir_all(store.join("refs/heads")).expect("there");
                    fs::create_dir(store.join("refs/heads")).expect("writable");
                })
                .await;
            scene.notices(&format!("commit {round} again"), main).await;
            scene
                .notices(&format!("store made anew {round}"), |store| {
                    fs::remove_dir_all(store).expect("there");
                    fs::create_dir_all(store.join("refs/heads")).expect("writable");
                })
                .await;
        }
    }
}
