//! Where the standard streams of a service lead.
use super::Octets;
use crate::log_policy::LogPolicy;
use serde::{Deserialize, Serialize};

/// stdin, stdout, stderr (systemd.exec(5), "Logging and Standard Input/Output").
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    /// `StandardInput=`
    pub input: Input,
    /// `StandardOutput=`
    pub output: Output,
    /// `StandardError=`
    pub error: Output,
    /// The terminal of `tty` streams.
    pub terminal: Terminal,
    /// Where lines of stdout and of stderr go beside the log.
    #[serde(default)]
    pub copies: [LogCopies; 2],
    /// `SyslogIdentifier=`
    #[serde(default)]
    pub identifier: Option<String>,
    /// What becomes of lines of the log.
    #[serde(default)]
    pub policy: LogPolicy,
}

/// `StandardInput=`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// /dev/null
    #[default]
    Null,
    /// The bytes of `StandardInputText=` and `StandardInputData=`.
    Data(Octets),
    /// `file:`
    File(String),
    /// The terminal, which becomes the controlling one.
    Terminal(Taking),
}

/// What happens when another session has the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taking {
    /// `tty`: wait until it is free.
    Wait,
    /// `tty-force`: take it away.
    Force,
    /// `tty-fail`: fail.
    Fail,
}

/// `StandardOutput=`, `StandardError=`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// The unit's log.
    #[default]
    Log,
    /// Where stdin leads, of stdout; where stdout leads, of stderr.
    Inherit,
    /// /dev/null
    Null,
    /// `file:`, `append:`, `truncate:`
    File(String, FileMode),
    /// `tty`
    Terminal,
}

/// `kmsg` and `journal+console`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCopies {
    /// The kernel's log.
    pub kernel: bool,
    /// /dev/console
    pub console: bool,
}

/// How a file is opened for output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileMode {
    /// From its beginning, over what is there.
    Over,
    /// At its end.
    Append,
    /// Emptied first.
    Truncate,
}

/// `TTYPath=` and its siblings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// `None`: /dev/console.
    pub path: Option<String>,
    /// `TTYReset=`
    pub reset: bool,
    /// `TTYVHangup=`
    pub hang_up: bool,
    /// `TTYRows=`
    pub rows: Option<u16>,
    /// `TTYColumns=`
    pub columns: Option<u16>,
}
