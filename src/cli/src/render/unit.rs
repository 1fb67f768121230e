//! `status UNIT`: everything about one unit, as `systemctl status` lays it out.
use super::words::{bytes, end, printable, span, state, tone};
use super::{Palette, Tone, short_line};
use gitproc_core::snapshot::{ActiveState, UnitResult, UnitStatus};
use gitproc_rpc::api::UnitDetail;
use std::fmt::Write;

/// `command` is how a command for this instance begins: `gitproc --root DIR`.
pub fn unit(detail: &UnitDetail, command: &str, palette: Palette) -> String {
    let status = &detail.row.status;
    let mut out = String::new();
    let bullet = palette.paint(tone(status.active), "●");
    let _ = writeln!(
        out,
        "{bullet} {} - {}",
        status.unit,
        printable(&status.description)
    );
    let mut field = |name: &str, value: String| {
        let _ = writeln!(out, "{name:>12}: {value}");
    };

    field("Loaded", loaded(detail));
    field("Active", active(detail, palette));
    if let Some(reason) = &status.reason {
        field("Reason", printable(reason));
    }
    if let Some(override_) = &status.override_ {
        field("Operator", printable(override_));
    }
    if let Some(job) = &status.job {
        field("Job", printable(job));
    }
    if let Some(main) = main_process(status) {
        field("Main PID", main);
    }
    if let Some(pid) = status.control_pid {
        field("Control PID", pid.to_string());
    }
    if status.restarts > 0 {
        field("Restarts", status.restarts.to_string());
    }
    if let Some(text) = &status.status_text {
        field("Status", format!("\"{}\"", printable(text)));
    }
    if let Some(errno) = status.status_errno.filter(|errno| *errno > 0) {
        let words = nix::errno::Errno::from_raw(errno).desc();
        field("Error", format!("{errno} ({words})"));
    }
    if let Some((stored, max)) = detail.descriptors_stored {
        field("FD Store", format!("{stored} (limit: {max})"));
    }
    let usage = &detail.row.usage;
    if let Some(memory) = usage.memory_current {
        let peak = usage
            .memory_peak
            .map(|peak| format!(" (peak: {})", bytes(peak)));
        field("Memory", bytes(memory) + &peak.unwrap_or_default());
    }
    if let Some(cpu) = usage.cpu_usage_ns {
        field("CPU", span(cpu / 1000));
    }
    if let Some(tasks) = usage.tasks_current {
        field("Tasks", tasks.to_string());
    }
    if let Some(invocation) = status.invocation {
        field("Invocation", invocation.to_string());
    }
    for documentation in &detail.documentation {
        field("Docs", printable(documentation));
    }
    if let Some(group) = &detail.control_group {
        field("CGroup", printable(group));
    }
    for (index, (pid, line)) in detail.processes.iter().enumerate() {
        let branch = if index + 1 == detail.processes.len() {
            "└─"
        } else {
            "├─"
        };
        let _ = writeln!(out, "{:14}{branch}{pid} {}", "", printable(line));
    }
    for warning in &detail.warnings {
        let _ = writeln!(
            out,
            "{}",
            palette.paint(Tone::Busy, &printable(&warning.to_string()))
        );
    }
    if !detail.log_tail.is_empty() {
        out.push('\n');
    }
    for entry in &detail.log_tail {
        out.push_str(&short_line(entry, palette));
    }
    let _ = writeln!(out, "\nnext: {}", next(status, command));
    out
}

fn loaded(detail: &UnitDetail) -> String {
    let Some(fragment) = &detail.fragment else {
        return "built in: it stands for the running host".to_owned();
    };
    let commit = detail.row.status.commit.as_ref();
    let commit = commit.map_or_else(String::new, |commit| format!(" of {}", commit.short()));
    let drop_ins = match detail.drop_ins.is_empty() {
        true => String::new(),
        false => format!("; {}", detail.drop_ins.join(", ")),
    };
    let wanted = if detail.row.status.wanted {
        "wanted"
    } else {
        "not wanted"
    };
    format!("{}{commit} ({wanted}{drop_ins})", printable(fragment))
}

/// `failed (failed, Result: exit-code) since 3 s ago; next try in 2 s`
fn active(detail: &UnitDetail, palette: Palette) -> String {
    let status = &detail.row.status;
    let result = match status.result {
        UnitResult::Success => String::new(),
        result => format!(" (Result: {})", result.as_str()),
    };
    let shown = palette.paint(tone(status.active), &state(status));
    let retry = status.restart_at.map(|at| {
        let now = status.since.saturating_add(detail.row.since_us_ago);
        format!("; next try in {}", span(at.saturating_sub(now)))
    });
    let since = span(detail.row.since_us_ago);
    format!(
        "{shown}{result} since {since} ago{}",
        retry.unwrap_or_default()
    )
}

fn main_process(status: &UnitStatus) -> Option<String> {
    match (status.main_pid, status.main_end) {
        (Some(pid), _) => Some(pid.to_string()),
        (None, Some(how)) => Some(format!("ended ({})", end(how))),
        (None, None) => None,
    }
}

/// The command that most likely comes next.
fn next(status: &UnitStatus, command: &str) -> String {
    let unit = &status.unit;
    match status.active {
        ActiveState::Failed => format!("{command} logs {unit}, then {command} restart {unit}"),
        ActiveState::Inactive => format!("{command} start {unit}"),
        ActiveState::Active
        | ActiveState::Reloading
        | ActiveState::Activating
        | ActiveState::Deactivating => format!("{command} logs -f {unit}"),
    }
}
