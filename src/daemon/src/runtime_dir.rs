//! The directories of an instance, the lock of its one daemon, and what a reboot makes void.
use crate::DaemonError;
use gitproc_core::layout::Layout;
use gitproc_sys::file::{Durability, Lock, LockError, lock_file, write_atomic};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Makes the directories, takes the lock, and throws away what is from before a reboot.
pub fn prepare(layout: &Layout) -> Result<Lock, DaemonError> {
    make(&layout.run, 0o755)?;
    let lock = lock_file(&layout.lock()).map_err(|error| match error {
        LockError::Held { .. } => DaemonError::Locked(error.to_string()),
        LockError::Failed(error) => error.into(),
    })?;
    wipe_stale(layout)?;
    for (path, mode) in [
        // Services reach the notify socket in their own directory, and nothing else.
        (layout.invocations(), 0o711),
        (layout.unit_records(), 0o700),
        (layout.state.clone(), 0o755),
        (layout.generations(), 0o755),
        (layout.logs.clone(), 0o755),
    ] {
        make(&path, mode)?;
    }
    Ok(lock)
}

fn make(path: &Path, mode: u32) -> Result<(), DaemonError> {
    let failed = || DaemonError::io(format!("make {}", path.display()));
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
        .map_err(failed())?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed())
}

/// /run is empty after a boot; with `--root`, or where it is kept, the boot id tells.
fn wipe_stale(layout: &Layout) -> Result<(), DaemonError> {
    let boot = gitproc_sys::host::boot_id()?;
    match std::fs::read_to_string(layout.boot_id()) {
        Ok(known) if known.trim() == boot => return Ok(()),
        Ok(_) => {
            tracing::warn!(
                "{} is from before a reboot: clearing it",
                layout.run.display()
            );
            for path in [layout.invocations(), layout.unit_records()] {
                if let Some(problem) = crate::cleanup::remove(&path) {
                    let source = std::io::Error::other(problem);
                    return Err(DaemonError::io("clear the runtime directory")(source));
                }
            }
        }
        Err(_) => {}
    }
    write_atomic(
        &layout.boot_id(),
        boot.as_bytes(),
        0o644,
        Durability::Volatile,
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn what_is_from_before_a_reboot_is_cleared_and_the_rest_is_kept() {
        let root = TempDir::new("runtime");
        let layout = Layout::under(root.path());
        drop(prepare(&layout).expect("fresh"));
        let invocation = layout.invocations().join("0123");
        std::fs::create_dir(&invocation).expect("writable");
        drop(prepare(&layout).expect("again"));
        assert!(invocation.exists(), "the same boot");
        std::fs::write(layout.boot_id(), "another boot").expect("writable");
        drop(prepare(&layout).expect("again"));
        assert!(!invocation.exists(), "another boot");
    }

    #[test]
    fn a_second_daemon_is_told_who_holds_the_lock() {
        let root = TempDir::new("lock");
        let layout = Layout::under(root.path());
        let _held = prepare(&layout).expect("fresh");
        let error = prepare(&layout).expect_err("held").to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
    }
}
