//! What is kept about units and invocations under the runtime directory, and read back at start.
//!
//! All of it is volatile: a reboot clears it. What can't be read is reported, never trusted.
use gitproc_core::api::{
    INVOCATION_RECORD_VERSION, InvocationRecord, UNIT_RECORD_VERSION, UnitRecord,
};
use gitproc_core::layout::Layout;
use gitproc_core::protocol::{HelperState, PROTOCOL_VERSION};
use gitproc_sys::file::{Durability, write_atomic};
use gitproc_unit::UnitName;
use serde::de::DeserializeOwned;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Name of the [`InvocationRecord`] in its invocation directory.
pub const INVOCATION_FILE: &str = "invocation.json";
/// Name of the [`HelperState`] that the helper leaves in its invocation directory.
pub const STATE_FILE: &str = "state.json";

/// Longest record that is read, in bytes: the state of a helper holds a few exits and one status
/// text, each bounded.
const RECORD_MAX: u64 = 1 << 20;

/// Longest record that is read in one piece, in bytes.
const READ_AT_ONCE: usize = 4096;

/// Why a record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Reading failed.
    #[error("read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no such record.
    #[error("{path} is no record of this gitproc: {why}")]
    Garbage {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Writing failed.
    #[error("{}", .0.in_full())]
    Write(#[from] gitproc_sys::Error),
}

/// Reads a JSON file of [`RECORD_MAX`] bytes at most.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RecordError> {
    read_json_within(path, RECORD_MAX)
}

/// Reads a JSON file of `max` bytes at most; what is longer is garbage.
pub fn read_json_within<T: DeserializeOwned>(path: &Path, max: u64) -> Result<T, RecordError> {
    let read = |source| RecordError::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(read)?;
    // Room for nearly all: else it is read in many small parts.
    let mut bytes = Vec::with_capacity(READ_AT_ONCE);
    file.take(max).read_to_end(&mut bytes).map_err(read)?;
    serde_json::from_slice(&bytes).map_err(|error| garbage(path, error))
}

fn garbage(path: &Path, why: impl ToString) -> RecordError {
    RecordError::Garbage {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

fn versioned<T>(path: &Path, record: T, found: u32, known: u32) -> Result<T, RecordError> {
    match found == known {
        true => Ok(record),
        false => Err(garbage(path, format!("version {found}, not {known}"))),
    }
}

/// Reads `invocation.json` of an invocation directory.
pub fn read_invocation(dir: &Path) -> Result<InvocationRecord, RecordError> {
    let path = dir.join(INVOCATION_FILE);
    let record: InvocationRecord = read_json(&path)?;
    let version = record.version;
    versioned(&path, record, version, INVOCATION_RECORD_VERSION)
}

/// Reads `state.json` of an invocation directory.
pub fn read_state(dir: &Path) -> Result<HelperState, RecordError> {
    let path = dir.join(STATE_FILE);
    let state: HelperState = read_json(&path)?;
    let version = state.version;
    versioned(&path, state, version, PROTOCOL_VERSION)
}

/// Writes `invocation.json`.
pub fn write_invocation(dir: &Path, record: &InvocationRecord) -> Result<(), RecordError> {
    let bytes = serde_json::to_vec(record).expect("string keys only");
    write_atomic(
        &dir.join(INVOCATION_FILE),
        &bytes,
        0o600,
        Durability::Volatile,
    )?;
    Ok(())
}

/// Writes, or with `None` removes, the record of a unit.
pub fn write_unit(
    layout: &Layout,
    unit: &UnitName,
    record: Option<&UnitRecord>,
) -> Result<(), RecordError> {
    let path = unit_path(layout, unit);
    match record {
        Some(record) => {
            let bytes = serde_json::to_vec(record).expect("string keys only");
            write_atomic(&path, &bytes, 0o600, Durability::Volatile)?;
        }
        None => match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(gitproc_sys::Error::new("remove", path.display(), cause).into());
            }
            _ => {}
        },
    }
    Ok(())
}

fn unit_path(layout: &Layout, unit: &UnitName) -> PathBuf {
    layout.unit_records().join(format!("{unit}.json"))
}

/// All unit records, by name; those that can't be read come as errors.
pub fn read_units(layout: &Layout) -> Vec<Result<(UnitName, UnitRecord), RecordError>> {
    let Ok(entries) = std::fs::read_dir(layout.unit_records()) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        // Leftovers of an interrupted write begin with a dot.
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    let read = |name: String| {
        let path = layout.unit_records().join(&name);
        let unit = name.strip_suffix(".json").unwrap_or_default();
        let unit = UnitName::parse(unit).map_err(|error| garbage(&path, error))?;
        let record: UnitRecord = read_json(&path)?;
        let version = record.version;
        Ok((
            unit,
            versioned(&path, record, version, UNIT_RECORD_VERSION)?,
        ))
    };
    names.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    fn record() -> UnitRecord {
        UnitRecord {
            version: UNIT_RECORD_VERSION,
            stopped_by_operator: true,
            started_by_operator: false,
            raised: None,
            failed: None,
            completed: None,
            reason: Some("why".into()),
            restarts: 3,
            main_end: None,
            exec_main_pid: None,
            meaning: Some(gitproc_unit::MeaningHash(7)),
            commit: None,
            auto_restart: false,
            restart_at: None,
            invocation: None,
            checked: None,
            up_since: None,
            job: None,
        }
    }

    #[test]
    fn unit_records_come_back_and_garbage_is_named() {
        let root = TempDir::new("records");
        let layout = Layout::under(root.path());
        std::fs::create_dir_all(layout.unit_records()).expect("fresh directory");
        let web = UnitName::parse("web.service").expect("a name");
        write_unit(&layout, &web, Some(&record())).expect("writable");
        let mut foreign = record();
        foreign.version = 99;
        let other = UnitName::parse("other.service").expect("a name");
        write_unit(&layout, &other, Some(&foreign)).expect("writable");
        std::fs::write(layout.unit_records().join("bad.service.json"), "{").expect("writable");
        std::fs::write(layout.unit_records().join("notes.txt"), "").expect("writable");

        let (good, bad): (Vec<_>, Vec<_>) =
            read_units(&layout).into_iter().partition(Result::is_ok);
        let good: Vec<_> = good.into_iter().flatten().collect();
        assert_eq!(good, [(web.clone(), record())]);
        let bad: Vec<String> = bad
            .into_iter()
            .filter_map(Result::err)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(bad.len(), 3, "{bad:?}");
        assert!(
            bad.iter()
                .any(|message| message.contains("version 99, not 1")),
            "{bad:?}"
        );

        write_unit(&layout, &web, None).expect("removable");
        write_unit(&layout, &web, None).expect("removing twice is no error");
        assert!(read_units(&layout).iter().all(Result::is_err));
    }

    #[test]
    fn a_missing_state_is_an_error_that_names_the_file() {
        let root = TempDir::new("state");
        let error = read_state(root.path())
            .expect_err("there is none")
            .to_string();
        assert!(error.contains("state.json"), "{error}");
    }
}
