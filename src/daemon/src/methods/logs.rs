//! `logs`: a thread reads, the connection writes at the client's pace.
use super::commits::resolve;
use super::leaving;
use super::select::select;
use crate::log_filter::{LogFilter, pattern};
use crate::logs::MergedLogs;
use crate::server::Client;
use gitproc_core::layout::Layout;
use gitproc_core::snapshot::UnitStatus;
use gitproc_rpc::api::{Empty, LogEntry, LogsParams};
use gitproc_rpc::{ErrorKind, RpcError};
use gitproc_unit::{UnitKind, UnitName};
use notify::{EventKind, RecursiveMode, Watcher};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::mpsc;

/// Entries between the thread that reads and the connection that writes.
const AHEAD: usize = 128;

/// Why the reading thread wakes up.
enum Wake {
    /// Something was written.
    Changed,
    /// Nobody listens any more.
    Stop,
}

/// Stops the thread when the request is dropped, also while it waits for new lines.
struct StopOnDrop(SyncSender<Wake>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        // Full: it is awake, and finds its channel of entries closed.
        let _ = self.0.try_send(Wake::Stop);
    }
}

/// `logs`
pub async fn logs(client: &Client, params: LogsParams) -> Result<Empty, RpcError> {
    let known = client.context.shell.statuses().await.map_err(leaving)?;
    let layout = &client.context.host.layout;
    let units = match params.units.is_empty() {
        true => known.iter().map(|status| status.unit.clone()).collect(),
        false => chosen(&params.units, &known, layout)?,
    };
    let files: Vec<(UnitName, PathBuf)> = units
        .into_iter()
        .filter(|unit| unit.kind() == UnitKind::Service)
        .map(|unit| (unit.clone(), layout.log_file(unit.as_str())))
        .collect();
    let filter = filter(client, &params).await?;
    let (entries, mut incoming) = mpsc::channel(AHEAD);
    // One wake-up is enough for any number of writes.
    let (wake, woken) = sync_channel(1);
    let stop = StopOnDrop(wake.clone());
    let watcher = match params.follow {
        true => Some(watch(&layout.logs, wake).map_err(|e| internal("watch the logs", &e))?),
        false => None,
    };
    std::thread::Builder::new()
        .name("logs".to_owned())
        .spawn(move || {
            let done = read(
                files,
                params.lines,
                filter,
                watcher.is_some(),
                &woken,
                &entries,
            );
            drop(watcher);
            if let Err(cause) = done {
                tracing::warn!("read logs: {cause}");
            }
        })
        .map_err(|cause| internal("start a thread for the logs", &cause))?;
    while let Some(entry) = incoming.recv().await {
        if client.notify("log", &entry).await.is_err() {
            break;
        }
    }
    drop(stop);
    Ok(Empty {})
}

async fn filter(client: &Client, params: &LogsParams) -> Result<LogFilter, RpcError> {
    let invalid = |message| RpcError::new(ErrorKind::InvalidParams, message);
    let grep = params.grep.as_deref().map(pattern).transpose();
    let grep = grep.map_err(|cause| invalid(format!("grep: {cause}")))?;
    let is_id = |id: &String| !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(id) = params.invocation.as_ref().filter(|id| !is_id(id)) {
        return Err(invalid(format!(
            "'{id}' is no id of an invocation (give at least its first hex digits)"
        )));
    }
    let commit = match params.rev.as_deref() {
        None => None,
        rev => Some(resolve(client, rev).await?),
    };
    Ok(LogFilter {
        since_us: params.since_us,
        until_us: params.until_us,
        priority: params.priority,
        stream: params.stream,
        grep,
        invocation: params.invocation.as_deref().map(str::to_lowercase),
        commit,
    })
}

/// As everywhere, and also units that are no longer deployed and have left a log.
fn chosen(
    arguments: &[String],
    known: &[UnitStatus],
    layout: &Layout,
) -> Result<Vec<UnitName>, RpcError> {
    let has_log = |argument: &String| {
        let unit = UnitName::from_argument(argument).ok()?;
        layout.log_file(unit.as_str()).is_file().then_some(unit)
    };
    let mut units: Vec<UnitName> = Vec::new();
    for argument in arguments {
        let found = match has_log(argument) {
            Some(unit) => vec![unit],
            None => select(std::slice::from_ref(argument), known)?,
        };
        for unit in found {
            if !units.contains(&unit) {
                units.push(unit);
            }
        }
    }
    Ok(units)
}

fn watch(dir: &std::path::Path, wake: SyncSender<Wake>) -> notify::Result<impl Watcher + use<>> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let only_read = event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_)));
        if !only_read && let Err(TrySendError::Disconnected(_)) = wake.try_send(Wake::Changed) {
            // The reader has gone; this watcher goes with it.
        }
    })?;
    watcher.watch(dir, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

fn read(
    files: Vec<(UnitName, PathBuf)>,
    lines: Option<u64>,
    filter: LogFilter,
    follow: bool,
    woken: &Receiver<Wake>,
    entries: &mpsc::Sender<LogEntry>,
) -> std::io::Result<()> {
    let mut logs = MergedLogs::open_filtered(files, lines, filter)?;
    loop {
        while let Some(entry) = logs.next_entry()? {
            if entries.blocking_send(entry).is_err() {
                return Ok(());
            }
        }
        if !follow || entries.is_closed() {
            return Ok(());
        }
        match woken.recv() {
            Ok(Wake::Changed) => {}
            Ok(Wake::Stop) | Err(_) => return Ok(()),
        }
    }
}

fn internal(what: &str, error: &dyn std::error::Error) -> RpcError {
    let message = format!("{what}: {}", crate::deployer::chain(error));
    RpcError::new(ErrorKind::Internal, message)
}
