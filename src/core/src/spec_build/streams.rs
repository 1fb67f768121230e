//! `StandardInput=`, `StandardOutput=`, `StandardError=` and the terminal.
use crate::log_files::LogRotation;
use crate::log_policy::{DAEMON, INFO, Journal, JournalCopy, LogPolicy, RateLimit};
use crate::spec::{FileMode, Input, LogCopies, Octets, Output, Streams, Taking, Terminal};
use gitproc_unit::Family::Exec;
use gitproc_unit::value::LOG_AS_CONFIGURED;
use gitproc_unit::{Settings, Unit};

/// A terminal's size that is not set.
const UNSET: u64 = 0xffff;

/// Where the unit's streams lead.
pub(super) fn of(unit: &Unit, journal: &Journal) -> Streams {
    let settings = &unit.settings;
    let size = |key| {
        let size = settings.number(Exec, key);
        u16::try_from(size).ok().filter(|_| size != UNSET)
    };
    let text = |key| Some(settings.text(Exec, key).to_owned()).filter(|text| !text.is_empty());
    Streams {
        input: input(settings),
        output: output(settings.text(Exec, "StandardOutput")),
        error: output(settings.text(Exec, "StandardError")),
        terminal: Terminal {
            path: text("TTYPath"),
            reset: settings.is_true(Exec, "TTYReset"),
            hang_up: settings.is_true(Exec, "TTYVHangup"),
            rows: size("TTYRows"),
            columns: size("TTYColumns"),
        },
        copies: copies(settings),
        identifier: text("SyslogIdentifier"),
        policy: policy(settings, journal),
    }
}

/// What the unit says, else what `configured` says for all.
pub(super) fn rotation(unit: &Unit, configured: LogRotation) -> LogRotation {
    let or = |key, configured| match unit.settings.number(Exec, key) {
        LOG_AS_CONFIGURED => configured,
        said => said,
    };
    let files = or("X-LogMaxFiles", configured.max_files.into());
    LogRotation {
        max_file_size: or("X-LogMaxFileSize", configured.max_file_size),
        max_files: u32::try_from(files).unwrap_or(configured.max_files),
        max_file_us: or("X-LogMaxFileSec", configured.max_file_us),
    }
}

fn policy(settings: &Settings, journal: &Journal) -> LogPolicy {
    let copy = |optional| JournalCopy {
        socket: journal.socket.clone(),
        optional,
    };
    let level = |key| u8::try_from(settings.signed(Exec, key)).ok();
    LogPolicy {
        level: level("SyslogLevel").unwrap_or(INFO),
        facility: level("SyslogFacility").unwrap_or(DAEMON),
        level_prefix: settings.is_true(Exec, "SyslogLevelPrefix"),
        level_max: level("LogLevelMax"),
        limit: RateLimit::of(
            settings.number(Exec, "LogRateLimitIntervalSec"),
            settings.number(Exec, "LogRateLimitBurst"),
        ),
        fields: settings.byte_texts(Exec, "LogExtraFields"),
        journal: match settings.text(Exec, "X-ForwardToJournal") {
            "yes" => Some(copy(false)),
            "available" => Some(copy(true)),
            "auto" if journal.by_default => Some(copy(false)),
            _ => None,
        },
    }
}

/// Of stdout and of stderr, which is as stdout where it inherits that.
fn copies(settings: &Settings) -> [LogCopies; 2] {
    let of = |text: &str| LogCopies {
        kernel: text.starts_with("kmsg"),
        console: text.ends_with("+console"),
    };
    let output = settings.text(Exec, "StandardOutput");
    let error = match settings.text(Exec, "StandardError") {
        "inherit" => output,
        own => own,
    };
    [of(output), of(error)]
}

fn input(settings: &Settings) -> Input {
    let text = settings.text(Exec, "StandardInput");
    match text.split_once(':') {
        Some(("file", path)) => Input::File(path.to_owned()),
        None if text == "data" => Input::Data(Octets(settings.bytes(Exec, "StandardInputData"))),
        None if text == "tty" => Input::Terminal(Taking::Wait),
        None if text == "tty-force" => Input::Terminal(Taking::Force),
        None if text == "tty-fail" => Input::Terminal(Taking::Fail),
        // Sockets are not passed yet, which a warning says.
        Some(_) | None => Input::Null,
    }
}

fn output(text: &str) -> Output {
    let file = |path: &str, mode| Output::File(path.to_owned(), mode);
    match text.split_once(':') {
        Some(("file", path)) => file(path, FileMode::Over),
        Some(("append", path)) => file(path, FileMode::Append),
        Some(("truncate", path)) => file(path, FileMode::Truncate),
        None if text == "inherit" => Output::Inherit,
        None if text == "null" => Output::Null,
        None if text == "tty" => Output::Terminal,
        // The journal is the unit's log; sockets are not passed yet, which a warning says.
        Some(_) | None => Output::Log,
    }
}
