//! The life of the daemon: look around, take up what lives, say ready, serve, leave.
use crate::applied::{self, Applied};
use crate::config::{self, Config};
use crate::deploy::Deploy;
use crate::driver::Driver;
use crate::event_loop::EventLoop;
use crate::git_socket::{self, Place};
use crate::host::Host;
use crate::host_action::HostActions;
use crate::methods::Context;
use crate::peer::{CONTROL_GROUP, People};
use crate::poller::Poller;
use crate::runtime_dir;
use crate::sd_notify::Supervisor;
use crate::shell::{Message, Shell};
use crate::store::Store;
use crate::{DaemonError, Options, adopt, descriptor_stores, init, log, records, server, watch};
use gitproc_core::api::InvocationRecord;
use gitproc_core::{CommitId, Engine, EngineConfig, Input};
use gitproc_git::{Identity, Worker, WorkerConfig, hooks};
use gitproc_unit::{Unit, UnitName, UnitSet};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch as tokio_watch};

/// Threads for blocking work (spawning, cgroups, the git worker). Each is short; two cores would do
/// with fewer, but a slow name service must not hold up the rest.
const BLOCKING_THREADS: usize = 16;

/// Threads for blocking work stay: without any, tokio panics when the host has no pid for a new one;
/// with one, work waits for it.
const KEEP_ALIVE: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How long answers that are being written may take when the daemon ends.
const GOODBYE: Duration = Duration::from_millis(500);

/// Runs the daemon until it is told to leave. Services run on, unless `stop_services` is set or
/// `gitproc shutdown` stopped them. Gives the exit status: 0, or what a unit asked for by
/// `FailureAction=exit` and its kin.
pub fn run(options: Options) -> Result<u8, DaemonError> {
    log::start();
    if init::is_called_for() {
        return init::run();
    }
    // Files of ours have their modes set; nothing else is to be writable by others.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let config = match &options.config {
        Some(path) => config::load(path, true)?,
        None => config::load(&options.layout.config, false)?,
    };
    let lock = runtime_dir::prepare(&options.layout)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(KEEP_ALIVE)
        .build()
        .map_err(DaemonError::io("start the event loop"))?;
    let result = runtime.block_on(main(options, config));
    runtime.shutdown_timeout(GOODBYE);
    drop(lock);
    result
}

async fn main(options: Options, config: Config) -> Result<u8, DaemonError> {
    let supervisor = Supervisor::from_environment();
    let host = Arc::new(Host::probe(&options, &config)?);
    for line in &host.degradations {
        tracing::warn!("{line}");
    }
    let owner = Identity::of_this_host()?;
    let store = open_store(&options, owner)?;
    let layout = &host.layout;

    let (shell, inbox) = Shell::new();
    let (unapplied, unapplied_seen) = tokio_watch::channel(BTreeMap::new());
    let poller = Poller::start().map_err(DaemonError::io("start the poller"))?;
    let driver = Driver::new(Arc::clone(&host), shell.clone(), poller, unapplied);
    let engine = Engine::new(EngineConfig {
        default_target: config.default_target.clone(),
        seed: gitproc_sys::host::getrandom_u128()?,
    });
    let (exit, mut told_to_exit) = mpsc::channel(1);
    let (host_actions, asked) = mpsc::unbounded_channel();
    let mut event_loop = EventLoop::new(engine, driver, inbox, host_actions);
    take_up(&mut event_loop, &host, &store).await;

    let (deploy, deployer) = Deploy::new(
        store.clone(),
        shell.clone(),
        Arc::clone(&host),
        config.default_target.clone(),
        config.branch.clone(),
    );
    let people = People::find(owner.map(|owner| owner.uid));
    let poll_interval = config.poll_interval;
    let context = Arc::new(Context {
        config,
        host: Arc::clone(&host),
        shell: shell.clone(),
        store,
        deployer: deployer.clone(),
        people,
        unapplied: unapplied_seen,
        exit: exit.clone(),
    });
    let group = people.control_gid.or(owner.map(|owner| owner.gid));
    let rpc = listen(&layout.run, &layout.socket(), group)?;
    let git = listen(&layout.run, &layout.git_socket(), group)?;
    let place = Place {
        store: layout.store(),
        hooks: layout.hooks(),
        identity: owner,
    };
    let mut signals = Signals::new()?;

    let engine_task = tokio::spawn(event_loop.run());
    tokio::spawn(server::serve(rpc, Arc::clone(&context)));
    let actions = HostActions {
        allowed: host.allowed_actions.clone(),
        init: host.init,
        shell: shell.clone(),
        exit,
    };
    tokio::spawn(actions.serve(asked));
    tokio::spawn(git_socket::serve(git, place, Arc::clone(&context)));
    supervisor.ready();
    tracing::info!(
        "gitproc {} is ready at {}",
        env!("CARGO_PKG_VERSION"),
        layout.socket().display()
    );
    tokio::spawn(deploy.run());
    tokio::spawn(watch::watch(
        layout.store(),
        poll_interval,
        deployer.clone(),
    ));

    let told = signals.until_leaving(&deployer, &mut told_to_exit).await;
    let mut stopped = told.is_some_and(|leave| leave.stopped);
    supervisor.stopping();
    // The end of a container's init is that of its services.
    if (options.stop_services || host.init) && told.is_none() {
        tracing::info!("stopping every service");
        tokio::select! {
            _ = shell.stop_services() => stopped = true,
            // A second signal: leave at once, services as they are.
            () = signals.terminated() => tracing::warn!("told again to end: leaving services running"),
        }
    }
    let _ = shell.send(Message::Leave).await;
    let _ = engine_task.await;
    if stopped {
        leave_nothing(&host);
    }
    for socket in [layout.socket(), layout.git_socket()] {
        let _ = std::fs::remove_file(socket);
    }
    // Answers on their way, such as that of `shutdown`.
    tokio::time::sleep(Duration::from_millis(50)).await;
    tracing::info!("gitproc ends");
    Ok(told.map_or(0, |leave| leave.status))
}

/// Services are down: what is kept for their next start goes as well.
fn leave_nothing(host: &Host) {
    let stores = &host.descriptor_stores;
    let units = stores.units();
    let mut done: Vec<_> = units.iter().map(|unit| stores.close(unit)).collect();
    done.push(host.cgroups.remove_instance(&host.layout.instance));
    for error in done.into_iter().filter_map(Result::err) {
        tracing::error!("{}, ignoring", error.in_full());
    }
}

/// The daemon is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// Services are down; otherwise they run on.
    pub stopped: bool,
    /// What to exit with.
    pub status: u8,
}

/// The signals that the daemon acts on.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Signals, DaemonError> {
        let watch = |kind| signal(kind).map_err(DaemonError::io("watch signals"));
        Ok(Signals {
            terminate: watch(SignalKind::terminate())?,
            interrupt: watch(SignalKind::interrupt())?,
            hang_up: watch(SignalKind::hangup())?,
        })
    }

    async fn terminated(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// SIGHUP looks at the store; SIGTERM and SIGINT end the daemon (`None`), and so does who is
    /// entitled to say how.
    async fn until_leaving(
        &mut self,
        deployer: &crate::deployer::Deployer,
        told_to_exit: &mut mpsc::Receiver<Leave>,
    ) -> Option<Leave> {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return None,
                _ = self.interrupt.recv() => return None,
                told = told_to_exit.recv() => return told,
                _ = self.hang_up.recv() => {
                    let trigger = crate::deployer::Trigger {
                        actor: "SIGHUP".to_owned(),
                        kind: gitproc_core::generation::GenerationKind::Push,
                        reason: None,
                        waiter: None,
                    };
                    // The deployer ends with the daemon only.
                    let _ = deployer.trigger(trigger).await;
                }
            }
        }
    }
}

/// Starts the git worker, and makes sure that the store's hooks call this program.
fn open_store(options: &Options, owner: Option<Identity>) -> Result<Store, DaemonError> {
    let layout = &options.layout;
    let own = std::env::current_exe().map_err(DaemonError::io("find the own executable"))?;
    let exe = match owner {
        Some(_) => hooks::reachable_exe(&layout.hooks(), &own)?,
        None => own,
    };
    let socket: [OsString; 2] = ["--socket".into(), layout.socket().into()];
    hooks::install(&layout.hooks(), &exe, &socket)?;
    let config = WorkerConfig {
        exe,
        store: layout.store(),
        identity: owner,
    };
    Ok(Store::new(
        layout.store(),
        options.root.clone(),
        Worker::spawn(config)?,
    ))
}

/// Records and helpers of the last daemon, and the removal of what nobody knows any more.
async fn take_up(event_loop: &mut EventLoop, host: &Arc<Host>, store: &Store) {
    for record in records::read_units(&host.layout) {
        match record {
            Ok((unit, record)) => event_loop.restore(Input::Restore { unit, record }),
            Err(error) => tracing::warn!("{error}, ignoring"),
        }
    }
    let found = adopt::collect(host).await;
    let mut definitions = Definitions {
        applied: Applied::new(&host.layout.state).units(&host.facts),
        known: BTreeMap::new(),
    };
    let mut alive = BTreeSet::new();
    let mut defined = Vec::new();
    for one in found {
        let unit = definitions.find(host, store, &one.record).await;
        one.enter(host, unit.as_ref());
        defined.push((one, unit));
    }
    for (one, unit) in defined {
        let (record, state) = (one.record.clone(), one.state.clone());
        let invocation = record.invocation;
        let adopted = one.settle(host, unit.as_ref());
        let lives = adopted.is_some();
        if let Some(adopted) = adopted {
            tracing::info!(unit = record.unit.as_str(), %invocation, "{}: adopted", record.unit);
            alive.insert(record.unit.clone());
            event_loop.driver().adopt(invocation, adopted);
        }
        event_loop.restore(Input::Adopt {
            record,
            unit,
            state,
            alive: lives,
        });
        if !lives {
            event_loop.driver().forget(invocation);
        }
    }
    let mut keep: Vec<&str> = alive.iter().map(UnitName::as_str).collect();
    if !host.descriptor_stores.units().is_empty() {
        keep.push(descriptor_stores::GROUP);
    }
    if let Err(error) = host.cgroups.remove_strays(&host.layout.instance, &keep) {
        tracing::error!("{}, ignoring", error.in_full());
    }
}

/// Definitions of units that run: from the copy of what was applied, which hold for nearly all, or
/// from the commit they were started with. Each commit is read once.
struct Definitions {
    applied: Arc<UnitSet>,
    known: BTreeMap<CommitId, Option<Arc<UnitSet>>>,
}

impl Definitions {
    async fn find(
        &mut self,
        host: &Host,
        store: &Store,
        record: &InvocationRecord,
    ) -> Option<Arc<Unit>> {
        let (unit, commit) = (&record.unit, &record.commit);
        if let Some(unit) = applied::same_meaning(&self.applied, unit, record.meaning) {
            return Some(unit);
        }
        if !self.known.contains_key(commit) {
            let units = match store.snapshot(commit, None).await {
                Ok(snapshot) => Some(Arc::new(
                    gitproc_unit::load(&snapshot.files, &host.facts).units,
                )),
                Err(error) => {
                    let cause = crate::deployer::chain(&error);
                    tracing::warn!("units of {} can't be read again: {cause}", commit.short());
                    None
                }
            };
            self.known.insert(commit.clone(), units);
        }
        let units = self.known.get(commit)?.as_ref()?;
        units.units.get(unit).cloned()
    }
}

/// A socket that root and a group may use.
fn listen(dir: &Path, path: &Path, group: Option<u32>) -> Result<UnixListener, DaemonError> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let opened = gitproc_sys::file::open_dir(dir)?;
    let listener = gitproc_sys::socket::listen_at(opened.as_fd(), name, 0o660)?;
    if let Some(gid) = group
        && nix::unistd::Uid::effective().is_root()
    {
        std::os::unix::fs::chown(path, None, Some(gid)).map_err(DaemonError::io(format!(
            "give {} to group {CONTROL_GROUP}",
            path.display()
        )))?;
    }
    UnixListener::from_std(listener)
        .map_err(DaemonError::io(format!("listen at {}", path.display())))
}
