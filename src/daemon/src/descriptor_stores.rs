//! The descriptor stores of units (`FileDescriptorStoreMax=`): each has a keeper, a process apart
//! ([`gitproc_core::descriptor_store`]).
//!
//! A keeper is made before the first invocation that may store something, and closed when the engine
//! says that the unit needs it no more. It is known by its socket alone: one that nobody listens at
//! is left over. A daemon that starts finds the keepers of the last one there.
use gitproc_core::descriptor_store::{FromStore, KEEP_DESCRIPTORS, PACKET_MAX, SOCKET, ToStore};
use gitproc_sys::spawn::{HelperSpawn, Namespaces};
use gitproc_sys::{Result, file, socket};
use gitproc_unit::UnitName;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Name of the cgroup of all keepers, which no unit can have.
pub const GROUP: &str = "fdstore";

/// How long a keeper may take to answer who looks. It never blocks for long.
const GLANCE: Duration = Duration::from_millis(200);

/// How long one may take to answer a helper that starts a service.
const PATIENCE: Duration = Duration::from_secs(5);

/// All stores of an instance.
#[derive(Debug)]
pub struct DescriptorStores {
    /// Where their directories are.
    base: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// How many keepers were made.
    made: u64,
    /// Units with a store, and which keeper it is.
    stores: BTreeMap<UnitName, u64>,
    /// Keepers that nobody waits for yet.
    unwatched: Vec<Keeper>,
}

/// A keeper that this daemon has made.
#[derive(Debug)]
pub struct Keeper {
    /// Whose.
    pub unit: UnitName,
    /// Readable when it has ended; to be reaped then.
    pub pidfd: OwnedFd,
    number: u64,
}

/// What is needed to make a keeper.
#[derive(Debug)]
pub struct Making<'a> {
    /// The helper's program.
    pub exe: &'a OwnedFd,
    /// Its argv.
    pub argv: &'a [&'a str],
    /// The cgroup that keepers live in.
    pub cgroup: Option<OwnedFd>,
}

impl DescriptorStores {
    /// Those that the last daemon has left below `base`. What has no keeper is removed.
    pub fn find(base: PathBuf) -> DescriptorStores {
        let stores = DescriptorStores {
            base,
            open: Mutex::default(),
        };
        let entries = std::fs::read_dir(&stores.base).into_iter().flatten();
        for entry in entries.flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            // One that can't be reached may live all the same.
            let lives = |unit: &UnitName| !matches!(stores.connect(unit, GLANCE), Ok(None));
            match UnitName::parse(&name).ok().filter(lives) {
                Some(unit) => _ = stores.lock().stores.insert(unit, 0),
                None => remove(&entry.path()),
            }
        }
        stores
    }

    /// Units that have a store.
    pub fn units(&self) -> Vec<UnitName> {
        self.lock().stores.keys().cloned().collect()
    }

    /// A connection for the helper of a new invocation.
    pub fn open(&self, unit: &UnitName, making: &Making<'_>) -> Result<OwnedFd> {
        if let Some(connection) = self.connect(unit, PATIENCE)? {
            return Ok(connection);
        }
        if self.lock().stores.remove(unit).is_some() {
            // One of an earlier daemon, whose end nobody was told of.
            tell_of_loss(unit);
        }
        let keeper = self.make(unit, making)?;
        let mut open = self.lock();
        open.made += 1;
        let number = open.made;
        open.stores.insert(unit.clone(), number);
        open.unwatched.push(Keeper {
            unit: unit.clone(),
            pidfd: keeper,
            number,
        });
        drop(open);
        let ended = || {
            let keeper = "the keeper of descriptors (is gitproc-exec as new as gitproc?)";
            gitproc_sys::Error::new("reach", keeper, nix::errno::Errno::ECONNREFUSED)
        };
        self.connect(unit, PATIENCE)?.ok_or_else(ended)
    }

    /// Keepers that were made since the last call.
    pub fn take_unwatched(&self) -> Vec<Keeper> {
        std::mem::take(&mut self.lock().unwatched)
    }

    /// A keeper has ended. If nobody has told it to, what it held is lost.
    pub fn ended(&self, keeper: &Keeper) {
        let mut open = self.lock();
        if open.stores.get(&keeper.unit) == Some(&keeper.number) {
            open.stores.remove(&keeper.unit);
            remove(&self.dir(&keeper.unit));
            tell_of_loss(&keeper.unit);
        }
    }

    /// Closes what the unit has stored. A unit without a store has none afterwards, either.
    pub fn close(&self, unit: &UnitName) -> Result<()> {
        if self.lock().stores.remove(unit).is_none() {
            return Ok(());
        }
        // Without blocking: the keeper reads it when it can, and nobody connects to it any more.
        let keeper = self.connect(unit, GLANCE);
        remove(&self.dir(unit));
        if let Some(keeper) = keeper? {
            let bytes = serde_json::to_vec(&ToStore::Close).unwrap_or_default();
            socket::send_with_fds(keeper.as_fd(), &bytes, &[])?;
        }
        Ok(())
    }

    /// How many descriptors the unit has stored; `None`: its keeper can't be asked.
    pub fn count(&self, unit: &UnitName) -> Option<u32> {
        if !self.lock().stores.contains_key(unit) {
            return Some(0);
        }
        let Some(keeper) = self.connect(unit, GLANCE).ok()? else {
            return Some(0);
        };
        let request = serde_json::to_vec(&ToStore::Count).ok()?;
        socket::send_with_fds(keeper.as_fd(), &request, &[]).ok()?;
        let mut bytes = [0; PACKET_MAX];
        let (length, _) = socket::receive_with_fds(keeper.as_fd(), &mut bytes).ok()?;
        match serde_json::from_slice(&bytes[..length]).ok()? {
            FromStore::Total { count } => Some(count),
            FromStore::Stored { .. } | FromStore::Descriptor { .. } => None,
        }
    }

    fn make(&self, unit: &UnitName, making: &Making<'_>) -> Result<OwnedFd> {
        let dir = self.dir(unit);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|cause| gitproc_sys::Error::new("make", dir.display(), cause))?;
        let opened = file::open_dir(&dir)?;
        let listener = socket::listen_packets_at(opened.as_fd(), SOCKET, 0o600)?;
        let null = std::fs::File::open("/dev/null")
            .map_err(|cause| gitproc_sys::Error::new("open", "/dev/null", cause))?;
        let null = null.as_fd();
        let mut argv = making.argv.to_vec();
        argv.extend([KEEP_DESCRIPTORS, unit.as_str()]);
        let spawned = HelperSpawn {
            exe: making.exe.as_fd(),
            argv: &argv,
            envp: &[],
            cgroup: making.cgroup.as_ref().map(AsFd::as_fd),
            namespaces: Namespaces::default(),
            fds: [listener.as_fd(), null, null, null, null, null, null],
        }
        .spawn()?;
        Ok(spawned.pidfd)
    }

    /// `None`: there is no keeper. An error says nothing of that: descriptors may be lacking here.
    fn connect(&self, unit: &UnitName, patience: Duration) -> Result<Option<OwnedFd>> {
        let connected = file::open_dir(&self.dir(unit))
            .and_then(|dir| socket::connect_packets_at(dir.as_fd(), SOCKET, patience));
        match connected {
            Ok(connection) => Ok(Some(connection)),
            Err(error) => match error.errno() {
                nix::libc::ENOENT | nix::libc::ECONNREFUSED => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn dir(&self, unit: &UnitName) -> PathBuf {
        self.base.join(unit.as_str())
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_of_loss(unit: &UnitName) {
    let name = unit.as_str();
    tracing::error!(
        unit = name,
        "{unit}: the process that kept its descriptors has died: they are lost"
    );
}

/// One that stays is in nobody's way: the next keeper takes its place.
fn remove(dir: &Path) {
    let _ = std::fs::remove_dir_all(dir);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    #[test]
    fn a_keeper_that_can_not_be_reached_is_not_taken_for_dead() {
        let root = TempDir::new("stores");
        let socket = |unit: &str| {
            let dir = root.path().join(unit);
            std::fs::create_dir(&dir).expect("fresh");
            dir.join(SOCKET)
        };
        // Connecting to the first fails, but not because nobody is there.
        let _lives = UnixDatagram::bind(socket("lives.service")).expect("bound");
        drop(UnixListener::bind(socket("dead.service")).expect("bound"));
        let stores = DescriptorStores::find(root.path().to_owned());
        let unit = UnitName::parse("lives.service").expect("a name");
        assert_eq!(stores.units(), std::slice::from_ref(&unit));
        assert!(!root.path().join("dead.service").exists());
        let null = std::fs::File::open("/dev/null").expect("it is there");
        let making = Making {
            exe: &null.into(),
            argv: &["never"],
            cgroup: None,
        };
        assert!(stores.open(&unit, &making).is_err());
        assert_eq!(stores.count(&unit), None);
        assert_eq!(stores.units(), [unit]);
    }
}
