//! The command line: what may be said, and the help that says so.
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Git as the control plane of a host's services.
#[derive(Debug, Parser)]
#[command(name = "gitproc", version, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 unit not active, 4 no such unit, \
                  5 daemon unreachable, 6 not permitted.\nNew here? Try: gitproc demo"
)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Everything lies under DIR, as it does under / otherwise
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// The daemon's socket, when it is not where the root says
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// How to print: table or json; for logs also short, cat and export
    #[arg(short, long, global = true, value_name = "FORMAT")]
    pub output: Option<Format>,
    /// No colours, even on a terminal (as with NO_COLOR set)
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// Values of `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// Logs with time and unit
    Short,
    /// Logs as they were written, byte for byte
    Cat,
    /// Logs in the export format of journald, for other tools
    Export,
    /// For programs, one object per line
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show it all in a private directory: daemon, store, example services
    Demo(DemoArgs),
    /// Make configuration, store and clone
    Init,
    /// Run the daemon in the foreground
    Daemon(DaemonArgs),
    /// The host at a glance, or some units in depth
    Status(OptionalUnits),
    /// Units, one line each
    List(ListArgs),
    /// Properties by systemd's names
    Show(ShowArgs),
    /// How exposed services are, and which lines would help most
    #[command(after_help = SECURITY_HELP)]
    Security(SecurityArgs),
    /// The files that units are made of
    Cat(RequiredUnits),
    /// Start units and wait for them
    Start(JobArgs),
    /// Stop units and wait for them
    Stop(JobArgs),
    /// Stop and start units
    Restart(JobArgs),
    /// Restart units that run, and leave the others alone
    TryRestart(JobArgs),
    /// Have units reload their configuration
    Reload(JobArgs),
    /// Reload units that can be reloaded, restart the others, and start what does not run
    ReloadOrRestart(JobArgs),
    /// The same of units that run
    TryReloadOrRestart(JobArgs),
    /// Start a target, and stop everything that it does not pull in
    Isolate(JobArgs),
    /// Send a signal to processes of units
    Kill(KillArgs),
    /// Forget failures, so that units may be started again
    ResetFailed(OptionalUnits),
    /// What services have printed
    Logs(LogsArgs),
    /// What applying a commit would change
    Plan(RevArg),
    /// Look for a new commit now, and apply it
    Sync(SyncArgs),
    /// Return to an earlier state, by a new commit
    Rollback(RollbackArgs),
    /// What was deployed, newest first
    History(HistoryArgs),
    /// Check unit files, directories, commits or ranges of commits; needs no daemon
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArgs),
    /// Stop every service in order, then the daemon
    Shutdown,
    /// A hook of the store
    #[command(hide = true)]
    Hook(HookArgs),
    /// Read and write the store on the daemon's behalf
    #[command(hide = true)]
    GitWorker(WorkerArgs),
    /// Keep the cgroup that services live in
    #[command(hide = true)]
    HoldCgroup,
    /// Be the helper of one invocation
    #[command(hide = true)]
    ExecHelper {
        /// Another role of its program, which reads this itself
        #[arg(allow_hyphen_values = true)]
        role: Vec<String>,
    },
    /// The far end of a push
    #[command(hide = true)]
    ReceivePack(PackArgs),
    /// The far end of a fetch
    #[command(hide = true)]
    UploadPack(PackArgs),
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep everything in DIR, instead of in a temporary directory
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Play the story, check each claim, and exit
    #[arg(long)]
    pub tour: bool,
}

#[derive(Debug, Args)]
pub struct DaemonArgs {
    /// Configuration to use instead of /etc/gitproc/gitproc.conf
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// On SIGTERM also stop the services; otherwise they go on, and the next daemon adopts them
    #[arg(long)]
    pub stop_services: bool,
}

#[derive(Debug, Args)]
pub struct OptionalUnits {
    /// Names or globs; 'web' means web.service
    #[arg(value_name = "UNIT")]
    pub units: Vec<String>,
}

#[derive(Debug, Args)]
pub struct RequiredUnits {
    /// Names or globs; 'web' means web.service
    #[arg(value_name = "UNIT", required = true)]
    pub units: Vec<String>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Globs
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Only these states: active, failed, running, …
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub state: Vec<String>,
    /// Also units that nothing wants, and the targets of the host
    #[arg(short, long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Names or globs
    #[arg(value_name = "UNIT", required_unless_present = "file")]
    pub units: Vec<String>,
    /// Only these properties
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    pub property: Vec<String>,
    /// Unit files to read, without a daemon: each alone, without its drop-ins or neighbours
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "units")]
    pub file: Vec<PathBuf>,
    /// With --file: make templates into instances of this name
    #[arg(long, value_name = "NAME", requires = "file", conflicts_with = "units")]
    pub instance: Option<String>,
    /// With --file: as a unit file in its normal form, which is the same for two files that mean the
    /// same
    #[arg(long, requires = "file", conflicts_with_all = ["units", "property"])]
    pub normal: bool,
}

#[derive(Debug, Args)]
pub struct SecurityArgs {
    /// Names or globs, each in depth; without any: all services, one line each
    #[arg(value_name = "UNIT")]
    pub units: Vec<String>,
    /// Unit files to judge, without a daemon: each alone, without its drop-ins or neighbours
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "units")]
    pub file: Vec<PathBuf>,
    /// With --file: make templates into instances of this name
    #[arg(long, value_name = "NAME", requires = "file")]
    pub instance: Option<String>,
    /// Fail when a service is more exposed than this, from 0 to 100 (9.6 is 96)
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(..=100))]
    pub threshold: u32,
}

/// What `security --help` ends with.
const SECURITY_HELP: &str = "\
Checks, weights and names are those of systemd-analyze security: 0.0 is PERFECT, 10.0 DANGEROUS. \
What is measured is what the unit says, not what the service does.

Exit codes: 0 fine; 1 a service is more exposed than --threshold, or a file can't be judged.";

#[derive(Debug, Args)]
pub struct JobArgs {
    /// Names or globs; 'web' means web.service
    #[arg(value_name = "UNIT", required = true)]
    pub units: Vec<String>,
    /// Don't wait until it is done
    #[arg(long)]
    pub no_block: bool,
    /// What to do about jobs that units have, and about other units
    #[arg(long, value_name = "MODE", default_value = "replace")]
    pub job_mode: Mode,
}

/// Values of `--job-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Jobs that contradict are replaced
    Replace,
    /// Fail where it contradicts a job; stop nothing that need not be
    Fail,
    /// Stop everything that is not pulled in
    Isolate,
    /// Nothing else comes along, and it waits for nothing
    IgnoreDependencies,
    /// Nothing else comes along
    IgnoreRequirements,
}

#[derive(Debug, Args)]
pub struct KillArgs {
    /// Names or globs
    #[arg(value_name = "UNIT", required = true)]
    pub units: Vec<String>,
    /// Name or number
    #[arg(short, long, default_value = "SIGTERM", value_parser = signal_number)]
    pub signal: i32,
    /// Which processes
    #[arg(long, value_name = "WHOM", default_value = "all")]
    pub kill_whom: Whom,
}

/// Values of `--kill-whom`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Whom {
    /// The main process
    Main,
    /// The running command that is not the main process
    Control,
    /// Every process
    All,
}

#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Names or globs
    #[arg(value_name = "UNIT")]
    pub units: Vec<String>,
    /// The same, as journalctl has it
    #[arg(short = 'u', long = "unit", value_name = "UNIT")]
    pub unit: Vec<String>,
    /// The last N lines
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<u64>,
    /// Go on with new lines
    #[arg(short, long)]
    pub follow: bool,
    /// From this time on, as systemd.time(7) writes it: "2026-11-27 18:00", yesterday, "1h ago", -5min
    #[arg(short = 'S', long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Up to this time
    #[arg(
        short = 'U',
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        conflicts_with = "follow"
    )]
    pub until: Option<String>,
    /// Lines that this regular expression matches; without a capital letter in it, case is ignored
    #[arg(short, long, value_name = "REGEX", allow_hyphen_values = true)]
    pub grep: Option<String>,
    /// Lines of this level and more urgent ones: emerg, alert, crit, err, warning, notice, info, debug, or 0 to 7
    #[arg(short, long, value_name = "LEVEL")]
    pub priority: Option<String>,
    /// Lines of this stream
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<StreamArg>,
    /// Lines of the invocation whose id begins so
    #[arg(long, value_name = "ID")]
    pub invocation: Option<String>,
    /// Lines of services of this commit: COMMIT, tag, branch, HEAD~N, or generation as @N
    #[arg(long, value_name = "REV")]
    pub rev: Option<String>,
    /// The newest first
    #[arg(short, long, conflicts_with = "follow")]
    pub reverse: bool,
}

/// Values of `--stream`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StreamArg {
    /// What services wrote to stdout
    Stdout,
    /// What they wrote to stderr
    Stderr,
    /// Remarks of gitproc itself
    Gitproc,
}

#[derive(Debug, Args)]
pub struct RevArg {
    /// Commit, tag, branch, HEAD~N, or generation as @N [default: head of the branch]
    pub rev: Option<String>,
}

#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Don't wait until it is done
    #[arg(long)]
    pub no_block: bool,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// Commit, tag, HEAD~N, or generation as @N, whose files are to hold again
    pub rev: String,
    /// Why, for the commit message and for history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// The newest N, at most 1000 [default: 100]
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Unit files, drop-ins, directories, commits (HEAD~1, REV:DIR) or ranges (A..B)
    #[arg(value_name = "PATH|REV|RANGE")]
    pub what: Vec<String>,
    /// Warnings fail, too
    #[arg(long)]
    pub strict: bool,
}

/// What `verify --help` ends with.
const VERIFY_HELP: &str = "\
Without arguments: the files at the top of the git work tree here; where there is no repository, \
the head of the branch in the daemon's store.
Files given together are one set of units; the other files of their directories count as well, but \
what is wrong with those is not said.
Commits are read from the git repository here, else from the daemon's store. Of a range, each \
commit is checked, the oldest first; what was wrong before is not repeated.

Prints FILE:LINE:COLUMN: [warning: ]MESSAGE (HINT), in ranges with COMMIT: before it. With -o json: \
one array of objects with file, line, column, severity, code, message, hint and commit.
To switch a warning off for good, write into the file: [X-Gitproc], LintIgnore=CODE CODE…

Exit codes: 0 fine, or only warnings; 1 an error (with --strict also a warning); 2 an argument \
that names nothing.";

#[derive(Debug, Args)]
pub struct HookArgs {
    /// Which
    pub hook: Hook,
}

/// The hooks that the store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Hook {
    PreReceive,
    PostReceive,
}

#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// The store
    #[arg(long, value_name = "DIR")]
    pub store: PathBuf,
}

#[derive(Debug, Args)]
pub struct PackArgs {
    /// The repository that git asks for
    #[arg(value_name = "DIR")]
    pub repository: Option<PathBuf>,
}

/// `9`, `KILL` and `SIGKILL` are the same.
fn signal_number(text: &str) -> Result<i32, String> {
    let upper = text.to_ascii_uppercase();
    let name = match upper.starts_with("SIG") {
        true => upper.clone(),
        false => format!("SIG{upper}"),
    };
    let known = name.parse::<nix::sys::signal::Signal>().map(|s| s as i32);
    let highest = nix::libc::SIGRTMAX();
    let number = known.ok().or_else(|| upper.parse().ok());
    number
        .filter(|number| (1..=highest).contains(number))
        .ok_or_else(|| format!("neither a signal's name nor a number from 1 to {highest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn signals_go_by_name_and_by_number() {
        for (text, number) in [
            ("9", 9),
            ("KILL", 9),
            ("sigkill", 9),
            ("SIGTERM", 15),
            ("34", 34),
        ] {
            assert_eq!(signal_number(text), Ok(number), "{text}");
        }
        for text in ["0", "65", "-1", "SIGNOTHING", "", "SIG9"] {
            assert!(signal_number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn global_options_stand_before_or_after_the_verb() {
        for words in [
            ["gitproc", "--root", "/r", "-o", "json", "status", "web"],
            ["gitproc", "status", "web", "--root", "/r", "-o", "json"],
        ] {
            let arguments = Arguments::try_parse_from(words).expect("valid");
            assert_eq!(arguments.global.root, Some("/r".into()));
            assert_eq!(arguments.global.output, Some(Format::Json));
        }
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        for words in [
            vec!["gitproc"],
            vec!["gitproc", "sttaus"],
            vec!["gitproc", "start"],
            vec!["gitproc", "show"],
            vec!["gitproc", "show", "web", "--file", "x.service"],
            vec!["gitproc", "show", "web", "--instance", "x"],
            vec!["gitproc", "show", "web", "--normal"],
            vec![
                "gitproc",
                "show",
                "--file",
                "x.service",
                "--normal",
                "-p",
                "Nice",
            ],
            vec!["gitproc", "rollback"],
            vec!["gitproc", "status", "-o", "yaml"],
        ] {
            assert!(Arguments::try_parse_from(&words).is_err(), "{words:?}");
        }
    }
}
