//! First act of the worker: give up what is left of power, and bound what a hostile repository
//! could make it use.
use nix::sys::prctl::set_no_new_privs;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{getegid, geteuid, getgroups, getuid};

/// Address space, in bytes: packs are mapped, so this is far above what is resident.
const ADDRESS_SPACE: u64 = 4 << 30;
/// Largest file that the worker writes, in bytes: loose objects and refs only.
const FILE_SIZE: u64 = 64 << 20;
/// Open files: packs, their indexes, refs.
const OPEN_FILES: u64 = 256;

/// Limits by resource. The worker needs no children, and its core would hold other people's units.
const LIMITS: [(Resource, u64); 5] = [
    (Resource::RLIMIT_AS, ADDRESS_SPACE),
    (Resource::RLIMIT_FSIZE, FILE_SIZE),
    (Resource::RLIMIT_NOFILE, OPEN_FILES),
    (Resource::RLIMIT_NPROC, 0),
    (Resource::RLIMIT_CORE, 0),
];

/// The worker may not run like this.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfineError {
    #[error("the git worker never runs as root; the daemon starts it as the store's owner")]
    Root,
    #[error("the git worker still has supplementary groups of the daemon")]
    Groups,
    #[error("{what}")]
    System {
        what: &'static str,
        source: nix::Error,
    },
}

/// Checks that we are nobody special, and makes that final. Children of a root daemon were given
/// `dropped`, so that they must not have kept any of its groups.
pub(crate) fn confine(dropped: bool) -> Result<(), ConfineError> {
    if geteuid().is_root() || getuid().is_root() {
        return Err(ConfineError::Root);
    }
    let failed = |what| move |source| ConfineError::System { what, source };
    if dropped {
        let own = getegid();
        let groups = getgroups().map_err(failed("reading the groups"))?;
        if groups.iter().any(|group| *group != own) {
            return Err(ConfineError::Groups);
        }
    }
    set_no_new_privs().map_err(failed("setting no_new_privs"))?;
    for (resource, limit) in LIMITS {
        setrlimit(resource, limit, limit).map_err(failed("setting a resource limit"))?;
    }
    Ok(())
}
