//! Making one invocation: users, cgroup, directory and record, then the helper.
//!
//! Blocking (name services, files, clone3), so it runs beside the loop. The record is on disk
//! before the process exists: a daemon that dies in between leaves nothing unaccounted.
use crate::commons::Joined;
use crate::descriptor_stores::{self, Making};
use crate::host::Host;
use crate::{cleanup, fail_point, group, identity, records};
use gitproc_core::api::{INVOCATION_RECORD_VERSION, InvocationRecord};
use gitproc_core::protocol::{Failure, ToHelper};
use gitproc_core::spec::{ExecSpec, ExecStep, Identity, Ids, NamespaceMode};
use gitproc_core::spec_build::{self, Joins, SpecContext};
use gitproc_core::{CommitId, InvocationId};
use gitproc_sys::cgroup::UnitCgroup;
use gitproc_sys::spawn::{HelperSpawn, Namespaces};
use gitproc_unit::Family::Exec;
use gitproc_unit::{DirectoryKind, Preserve, Resource, ServiceSection, Unit, UnitName};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

/// What is to be spawned.
#[derive(Debug, Clone)]
pub struct SpawnRequest {
    /// New invocation.
    pub invocation: InvocationId,
    /// The definition.
    pub unit: Arc<Unit>,
    /// The commit that it comes from.
    pub commit: CommitId,
    /// Automatic restarts so far.
    pub restarts: u32,
}

/// What belongs to one invocation, and has to be gone before it is over.
#[derive(Debug, Clone)]
pub struct Belongings {
    /// The invocation directory.
    pub dir: PathBuf,
    /// The cgroup.
    pub cgroup: UnitCgroup,
    /// This invocation.
    pub invocation: InvocationId,
    /// Whose `PrivateTmp=` directories it has.
    pub tmp_of: InvocationId,
    /// The slice that it lies in.
    pub slice: Option<UnitName>,
    /// RuntimeDirectory= paths.
    pub runtime_directories: Vec<PathBuf>,
    /// Where its credentials were.
    pub credentials: Option<PathBuf>,
    /// The user whose IPC objects go with it (`RemoveIPC=`).
    pub ipc_of: Option<u32>,
    /// RuntimeDirectoryPreserve=, for when the helper dies by itself.
    pub preserve: Preserve,
}

/// A helper that has been told to `go`.
#[derive(Debug)]
pub struct Spawned {
    /// Its process.
    pub pidfd: OwnedFd,
    /// The daemon's end of the link, still blocking.
    pub link: UnixStream,
    /// What to clean up.
    pub belongings: Belongings,
    /// Limits that could not be applied.
    pub unapplied: Vec<String>,
}

/// Makes the helper. On failure nothing is left.
pub fn spawn(host: &Host, request: &SpawnRequest) -> Result<Spawned, Failure> {
    let unit = &request.unit;
    let service = unit.service.as_deref().ok_or_else(|| {
        let detail = format!("{} is no service", unit.name);
        Failure {
            step: ExecStep::Exec,
            errno: 0,
            detail,
        }
    })?;
    let dynamic = unit.settings.is_true(Exec, "DynamicUser");
    let identity = identity::resolve(service, dynamic.then_some(&host.dynamic_users))?;
    let group = group::make(host, unit, service, &identity)?;
    let joined = host.commons.join(request.invocation, unit);
    let belongings = Belongings {
        invocation: request.invocation,
        tmp_of: joined.tmp.unwrap_or(request.invocation),
        dir: host
            .layout
            .invocations()
            .join(request.invocation.to_string()),
        runtime_directories: runtime_directories(host, unit),
        credentials: credentials(host, unit),
        ipc_of: ipc_of(unit, identity.ids.as_ref()),
        preserve: service.runtime_directory_preserve,
        slice: group.slice,
        cgroup: group.cgroup,
    };
    let unapplied = group.unapplied;
    let store = store(host, unit, service);
    let spec = spec(
        host,
        request,
        service,
        identity,
        &belongings,
        (&joined, &unapplied),
    );
    let cloned = store.and_then(|store| {
        let given = Given {
            joined: &joined,
            store,
        };
        clone_helper(host, request, &belongings, &spec, &given)
    });
    match cloned {
        Ok((pidfd, mut link)) => {
            let mut go = serde_json::to_vec(&ToHelper::Go).unwrap_or_default();
            go.push(b'\n');
            // The record was written before. A helper that has died shows by its pidfd.
            let _ = link.write_all(&go);
            host.commons.lives(request.invocation, pidfd.as_fd());
            Ok(Spawned {
                pidfd,
                link,
                belongings,
                unapplied,
            })
        }
        Err(failed) => {
            // Nothing lives yet. What can't be removed is removed before the next attempt.
            let _ = belongings.cgroup.remove();
            let _ = std::fs::remove_dir_all(&belongings.dir);
            let _ = cleanup::leave(&host.commons, &belongings);
            Err(failed)
        }
    }
}

/// What the helper is told.
fn spec(
    host: &Host,
    request: &SpawnRequest,
    service: &ServiceSection,
    identity: Identity,
    belongings: &Belongings,
    (joined, unapplied): (&Joined, &[String]),
) -> ExecSpec {
    let unit = &request.unit;
    let log_file = host.layout.log_file(unit.name.as_str());
    let without_v1_quota = is_realtime(service) && service.resources.cpu_quota_per_sec_us.is_none();
    let mut spec = spec_build::build(
        unit,
        service,
        &host.facts,
        SpecContext {
            invocation: request.invocation,
            commit: &request.commit,
            identity,
            dir: &belongings.dir.to_string_lossy(),
            joins: Joins {
                network: joined.network.is_some(),
                ipc: joined.ipc.is_some(),
                tmp: joined.tmp,
            },
            namespace: namespace_of(host, unit),
            join_cgroup_files: belongings.cgroup.join_files(without_v1_quota),
            log_file: log_file.to_string_lossy().into_owned(),
            log_rotation: host.log_rotation,
            journal: host.journal.clone(),
            lang: host.lang.as_deref(),
            environment: &host.environment,
            unapplied,
            allow_degraded: host.allow_degraded,
        },
    );
    if let Some(limit) = host.open_files {
        spec.scheduling
            .rlimits
            .entry(Resource::Nofile)
            .or_insert(limit);
    }
    spec
}

/// A connection to the unit's descriptor store, if it may have one.
fn store(host: &Host, unit: &Unit, service: &ServiceSection) -> Result<Option<OwnedFd>, Failure> {
    let stores = &host.descriptor_stores;
    let has_store = spec_build::descriptor_store_max(unit) > 0;
    let open = || {
        // Of an earlier invocation, or of an earlier definition.
        if !has_store || service.descriptor_store_preserve == Preserve::No {
            stores.close(&unit.name)?;
        }
        if !has_store {
            return Ok(None);
        }
        let instance = &host.layout.instance;
        let making = Making {
            exe: &host.helper.exe,
            argv: host.helper.argv,
            cgroup: host.cgroups.beside(instance, descriptor_stores::GROUP)?,
        };
        stores.open(&unit.name, &making).map(Some)
    };
    open().map_err(|error| failure(ExecStep::Fds, &error))
}

/// What a helper gets to share with others.
struct Given<'a> {
    joined: &'a Joined,
    /// Connection to the unit's descriptor store.
    store: Option<OwnedFd>,
}

fn clone_helper(
    host: &Host,
    request: &SpawnRequest,
    belongings: &Belongings,
    spec: &ExecSpec,
    given: &Given<'_>,
) -> Result<(OwnedFd, UnixStream), Failure> {
    let on = |step: ExecStep| move |error: gitproc_sys::Error| failure(step, &error);
    std::fs::DirBuilder::new()
        .mode(0o711) // the service's user reaches the notify socket in it
        .create(&belongings.dir)
        .map_err(|cause| gitproc_sys::Error::new("make", belongings.dir.display(), cause))
        .map_err(on(ExecStep::Fds))?;
    let record = InvocationRecord {
        version: INVOCATION_RECORD_VERSION,
        invocation: request.invocation,
        unit: request.unit.name.clone(),
        commit: request.commit.clone(),
        meaning: request.unit.meaning,
        cgroup: belongings.cgroup.path(),
        slice: belongings.slice.clone(),
        tmp_of: given.joined.tmp,
        restarts: request.restarts,
    };
    records::write_invocation(&belongings.dir, &record).map_err(|error| Failure {
        step: ExecStep::Fds,
        errno: 0,
        detail: error.to_string(),
    })?;
    if spec.identity.dynamic {
        identity::write_databases(&belongings.dir, &spec.identity)
            .map_err(|error| failure(ExecStep::User, &error))?;
    }
    let spec_namespace = spec.namespace;
    let spec = serde_json::to_vec(spec).map_err(|error| Failure {
        step: ExecStep::Exec,
        errno: 0,
        detail: format!("encode the exec spec: {error}"),
    })?;
    let spec = gitproc_sys::memfd::sealed("gitproc-spec", &spec).map_err(on(ExecStep::Memory))?;
    let (link, helpers_end) = gitproc_sys::socket::pair().map_err(on(ExecStep::Fds))?;
    let dir = gitproc_sys::file::open_dir(&belongings.dir).map_err(on(ExecStep::Fds))?;
    let shim = belongings.cgroup.shim_fd().map_err(on(ExecStep::Cgroup))?;
    let payload = belongings.cgroup.payload_fd();
    let payload = payload.map_err(on(ExecStep::Cgroup))?;
    // In place of what there is not.
    let null = std::fs::File::open("/dev/null")
        .map_err(|cause| gitproc_sys::Error::new("open", "/dev/null", cause))
        .map_err(on(ExecStep::Fds))?;
    let joined = given.joined;
    let [payload, network, ipc, store] = [&payload, &joined.network, &joined.ipc, &given.store]
        .map(|given| given.as_ref().map_or(null.as_fd(), AsFd::as_fd));
    if let Some(refused) = fail_point::clone_fails() {
        return Err(failure(ExecStep::Exec, &refused));
    }
    let spawned = HelperSpawn {
        exe: host.helper.exe.as_fd(),
        argv: host.helper.argv,
        envp: &[],
        cgroup: shim.as_ref().map(AsFd::as_fd),
        namespaces: namespaces(spec_namespace),
        fds: [
            spec.as_fd(),
            helpers_end.as_fd(),
            dir.as_fd(),
            payload,
            network,
            ipc,
            store,
        ],
    }
    .spawn()
    .map_err(on(ExecStep::Exec))?;
    Ok((spawned.pidfd, link))
}

/// SCHED_FIFO and SCHED_RR of sched(7).
fn is_realtime(service: &ServiceSection) -> bool {
    matches!(service.cpu_policy, 1 | 2)
}

/// `PrivatePIDs=no` leaves the service among the host's processes.
fn namespace_of(host: &Host, unit: &Unit) -> NamespaceMode {
    match unit.settings.is_true(Exec, "PrivatePIDs") {
        true => host.namespace,
        false => NamespaceMode::None,
    }
}

fn namespaces(mode: NamespaceMode) -> Namespaces {
    match mode {
        NamespaceMode::Pid => Namespaces {
            pid: true,
            mount: true,
            user: false,
        },
        NamespaceMode::UserPid => Namespaces {
            pid: true,
            mount: true,
            user: true,
        },
        NamespaceMode::None => Namespaces::default(),
    }
}

/// Whose IPC objects are removed with the unit.
pub fn ipc_of(unit: &Unit, ids: Option<&Ids>) -> Option<u32> {
    let ids = ids.filter(|_| unit.settings.is_true(Exec, "RemoveIPC"));
    ids.map(|ids| ids.uid)
}

/// Where the unit's credentials are, if it can have any.
pub fn credentials(host: &Host, unit: &Unit) -> Option<PathBuf> {
    let asks = ["LoadCredential", "SetCredential"]
        .iter()
        .any(|key| !unit.settings.get(Exec, key).property().items().is_empty());
    asks.then(|| spec_build::credentials::directory(unit, &host.facts).into())
}

/// Absolute paths of the unit's RuntimeDirectory=.
pub fn runtime_directories(host: &Host, unit: &Unit) -> Vec<PathBuf> {
    let Some(service) = unit.service.as_deref() else {
        return Vec::new();
    };
    let base = PathBuf::from(spec_build::base(DirectoryKind::Runtime, &host.facts));
    service
        .directories
        .get(&DirectoryKind::Runtime)
        .map(|wanted| wanted.paths.iter().map(|path| base.join(path)).collect())
        .unwrap_or_default()
}

fn failure(step: ExecStep, error: &gitproc_sys::Error) -> Failure {
    Failure {
        step,
        errno: error.errno(),
        detail: error.to_string(),
    }
}
