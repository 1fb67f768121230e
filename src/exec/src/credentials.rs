//! `LoadCredential=`, `SetCredential=`: secrets as files that only the service's user can read.
//!
//! They lie in memory, in a file system of the helper's own mount namespace: no other process of the
//! host finds them, and they are gone with the helper.
use gitproc_core::protocol::Failure;
use gitproc_core::spec::{Credentials, ExecSpec, ExecStep, NamespaceMode};
use gitproc_sys::mount::{self, Restrictions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// All of them together, in bytes (systemd.exec(5)).
const TOTAL_MAX: u64 = 1 << 20;
/// Deepest directory that is loaded.
const DEPTH_MAX: usize = 16;
/// Where a source without a slash before it is looked for.
const STORES: [&str; 3] = ["/etc/credstore", "/run/credstore", "/usr/lib/credstore"];
/// Small, and never written to disk as swap where the kernel can help it.
const OPTIONS: &str = "mode=0700,size=2m,nr_inodes=1k";

type Named = Vec<(String, Vec<u8>)>;

/// Makes the directory and its files; nothing where the unit has none.
pub(crate) fn make(spec: &ExecSpec) -> Result<(), Failure> {
    let Some(wanted) = &spec.credentials else {
        return Ok(());
    };
    let found = collect(wanted)?;
    let dir = Path::new(&wanted.dir);
    let failed = |what: String| {
        move |cause: std::io::Error| Failure {
            step: ExecStep::Credentials,
            errno: cause.raw_os_error().unwrap_or(0),
            detail: what,
        }
    };
    let made = || failed(format!("make {}", dir.display()));
    if let Some(parent) = dir.parent() {
        std::fs::create_dir_all(parent).map_err(made())?;
    }
    // What a helper before this one left.
    let _ = std::fs::remove_dir_all(dir);
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(dir)
        .map_err(made())?;
    let own_mount = match spec.namespace {
        NamespaceMode::Pid | NamespaceMode::UserPid => true,
        NamespaceMode::None => false,
    };
    if own_mount {
        on(mount::temporary(dir, OPTIONS, false))?;
    }
    let owner = spec.identity.ids.as_ref().map(|ids| ids.uid);
    for (name, data) in found {
        let path = dir.join(name);
        let wrote = || failed(format!("write {}", path.display()));
        std::fs::write(&path, data).map_err(wrote())?;
        give(&path, 0o400, owner).map_err(wrote())?;
    }
    give(dir, 0o500, owner).map_err(made())?;
    match own_mount {
        true => on(mount::restrict(
            dir,
            Restrictions {
                read_only: true,
                no_exec: true,
                no_suid: true,
                no_dev: true,
            },
        )),
        false => Ok(()),
    }
}

/// Takes away what was made on the host's side.
pub(crate) fn remove(spec: &ExecSpec) {
    if let Some(wanted) = &spec.credentials {
        let dir = Path::new(&wanted.dir);
        let _ = nix::mount::umount2(dir, nix::mount::MntFlags::MNT_DETACH);
        let _ = std::fs::remove_dir_all(dir);
    }
}

fn give(path: &Path, mode: u32, owner: Option<u32>) -> std::io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    std::os::unix::fs::chown(path, owner, None)
}

/// A loaded one is stronger than one that the unit holds itself.
fn collect(wanted: &Credentials) -> Result<Named, Failure> {
    let mut found = Named::new();
    let mut room = TOTAL_MAX;
    for (name, source) in &wanted.load {
        let given = wanted.set.iter().any(|(set, _)| set == name);
        for place in places(source) {
            if load(name, &place, &mut room, 0, &mut found)? {
                break;
            }
        }
        let missing = !found
            .iter()
            .any(|(loaded, _)| loaded.starts_with(name.as_str()));
        if missing && source.starts_with('/') && !given {
            return Err(refused(
                nix::libc::ENOENT,
                format!("load credential {name} from {source}"),
            ));
        }
    }
    for (name, data) in &wanted.set {
        if found.iter().any(|(loaded, _)| loaded == name) {
            continue;
        }
        room = room
            .checked_sub(data.0.len() as u64)
            .ok_or_else(|| too_large(name))?;
        found.push((name.clone(), data.0.clone()));
    }
    Ok(found)
}

fn places(source: &str) -> Vec<PathBuf> {
    match source.starts_with('/') {
        true => vec![source.into()],
        false => STORES.map(|store| Path::new(store).join(source)).into(),
    }
}

/// False where there is nothing. A directory's files are called after it: `name_file`.
fn load(
    name: &str,
    place: &Path,
    room: &mut u64,
    depth: usize,
    found: &mut Named,
) -> Result<bool, Failure> {
    let failed = |cause: std::io::Error| {
        refused(
            cause.raw_os_error().unwrap_or(0),
            format!("load credential {name} from {}", place.display()),
        )
    };
    let kind = match std::fs::metadata(place) {
        Ok(found) => found.file_type(),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(failed(cause)),
    };
    if kind.is_dir() {
        if depth == DEPTH_MAX {
            return Err(refused(
                nix::libc::ELOOP,
                format!("load {}", place.display()),
            ));
        }
        let mut entries: Vec<_> = std::fs::read_dir(place)
            .map_err(failed)?
            .flatten()
            .collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let below = format!("{name}_{}", entry.file_name().to_string_lossy());
            load(&below, &entry.path(), room, depth + 1, found)?;
        }
        return Ok(true);
    }
    let mut data = Vec::new();
    let read = match kind.is_socket() {
        true => UnixStream::connect(place)
            .and_then(|stream| stream.take(*room + 1).read_to_end(&mut data)),
        // Nothing else that could block is waited for.
        false if !kind.is_file() => Err(std::io::Error::from_raw_os_error(nix::libc::EBADF)),
        false => {
            std::fs::File::open(place).and_then(|file| file.take(*room + 1).read_to_end(&mut data))
        }
    };
    read.map_err(failed)?;
    *room = room
        .checked_sub(data.len() as u64)
        .ok_or_else(|| too_large(name))?;
    found.push((name.to_owned(), data));
    Ok(true)
}

fn too_large(name: &str) -> Failure {
    refused(
        nix::libc::E2BIG,
        format!("keep credential {name} (all together may have 1 MiB)"),
    )
}

fn refused(errno: i32, detail: String) -> Failure {
    Failure {
        step: ExecStep::Credentials,
        errno,
        detail,
    }
}

fn on(result: gitproc_sys::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| refused(error.errno(), error.to_string()))
}
