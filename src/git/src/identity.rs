//! Who owns the store, and the directory that it lies in.
use nix::unistd::{User, geteuid};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// The user that owns the store where it exists.
pub const STORE_USER: &str = "gitproc";

/// Owner of the store where there is no such user: an id that distributions leave unused.
pub const FALLBACK_ID: u32 = 61111;

/// Mode of the store: nobody but its owner writes, and others come through the daemon.
const STORE_MODE: u32 = 0o750;

/// User and group of the store's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Never 0.
    pub uid: u32,
    /// Its primary group.
    pub gid: u32,
}

/// The owner or the directory of the store is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The user database failed.
    #[error("looking up user {STORE_USER}")]
    LookUp(#[source] nix::Error),
    /// User gitproc is root under another name.
    #[error("user {STORE_USER} has uid 0; give it a uid of its own")]
    IsRoot,
    /// A system call failed.
    #[error("{what} {}", path.display())]
    Io {
        /// `making`
        what: &'static str,
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store belongs to somebody else.
    #[error("{} belongs to uid {found}, not to the store's owner {wanted} (chown -R {wanted} {})", path.display(), path.display())]
    Foreign {
        /// The store.
        path: PathBuf,
        /// Its owner.
        found: u32,
        /// Who should own it.
        wanted: u32,
    },
}

impl Identity {
    /// For root, user gitproc or the fallback id; `None` for others, who own their store themselves.
    pub fn of_this_host() -> Result<Option<Identity>, IdentityError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let user = User::from_name(STORE_USER).map_err(IdentityError::LookUp)?;
        let identity = match user {
            Some(user) => Identity {
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            },
            None => Identity {
                uid: FALLBACK_ID,
                gid: FALLBACK_ID,
            },
        };
        match identity.uid {
            0 => Err(IdentityError::IsRoot),
            _ => Ok(Some(identity)),
        }
    }
}

/// Makes the directory of the store and gives it to its owner; one that exists has to be theirs.
/// Everything inside is made by the worker.
pub fn prepare_store(store: &Path, identity: Option<Identity>) -> Result<(), IdentityError> {
    let failed = |what| {
        move |source| IdentityError::Io {
            what,
            path: store.to_owned(),
            source,
        }
    };
    if let Some(parent) = store.parent() {
        fs::create_dir_all(parent).map_err(failed("making the parent of"))?;
    }
    match fs::DirBuilder::new().mode(STORE_MODE).create(store) {
        Ok(()) => {
            fs::set_permissions(store, fs::Permissions::from_mode(STORE_MODE))
                .map_err(failed("setting the mode of"))?;
            if let Some(Identity { uid, gid }) = identity {
                chown(store, Some(uid), Some(gid)).map_err(failed("changing the owner of"))?;
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(store)
                .map_err(failed("looking at"))?
                .uid();
            let wanted = identity.map_or(geteuid().as_raw(), |identity| identity.uid);
            match found == wanted {
                true => Ok(()),
                false => Err(IdentityError::Foreign {
                    path: store.to_owned(),
                    found,
                    wanted,
                }),
            }
        }
        Err(source) => Err(failed("making")(source)),
    }
}
