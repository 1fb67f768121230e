//! What an activation has done, and how it went: commands and signals, results, and why in words.
use super::{Activation, CLEAN_SIGNALS, Main, Progress};
use crate::Instant;
use crate::api::Effect;
use crate::protocol::{Exit, Failure, ProcessEnd, Whom};
use crate::snapshot::UnitResult;
use crate::spec::ExecStep;
use gitproc_unit::{ExecRole, ServiceType};

impl Activation {
    pub(super) fn signal(&self, whom: Whom, signal: i32, out: &mut Vec<Effect>) {
        out.push(Effect::Signal {
            invocation: self.invocation,
            whom,
            signal,
        });
    }

    pub(super) fn run(&mut self, role: ExecRole, index: u32, out: &mut Vec<Effect>) {
        match role == ExecRole::Start && self.service().service_type != ServiceType::Forking {
            true => self.main = Main::Ordered,
            false => self.control = true,
        }
        let mut environment = Vec::new();
        // systemd.exec(5): all that clean up are told what happened.
        if matches!(role, ExecRole::Stop | ExecRole::StopPost) {
            environment.push(("SERVICE_RESULT".to_owned(), self.result.as_str().to_owned()));
            environment.extend(exit_variables("", self.main_end));
        } else {
            environment.extend_from_slice(&self.raised_by);
        }
        // MAINPID= is added by the helper, which alone knows it as the service sees it.
        out.push(Effect::Run {
            invocation: self.invocation,
            role,
            index,
            environment,
        });
    }

    pub(in crate::engine) fn note_main_end(&mut self, end: ProcessEnd, ignore: bool) {
        self.main = Main::Ended;
        self.main_pid = None;
        self.main_end = Some(end);
        if ignore || self.main_released || self.is_clean(end, ExecRole::Start) {
            return;
        }
        if self.oom_killed {
            self.fail(UnitResult::OomKill, "killed for want of memory".into());
            return;
        }
        self.fail(result_of(end), format!("main process {}", end_words(end)));
    }

    pub(in crate::engine) fn is_clean(&self, end: ProcessEnd, role: ExecRole) -> bool {
        let service = self.service();
        let daemon = role == ExecRole::Start && service.service_type != ServiceType::Oneshot;
        match end {
            ProcessEnd::Exited(0) => true,
            ProcessEnd::Exited(code) => {
                role == ExecRole::Start && service.success_exit_status.codes.contains(&code)
            }
            ProcessEnd::Killed(signal) => {
                (daemon && CLEAN_SIGNALS.contains(&signal))
                    || (role == ExecRole::Start
                        && service.success_exit_status.signals.contains(&signal))
            }
            ProcessEnd::Dumped(signal) => {
                role == ExecRole::Start && service.success_exit_status.signals.contains(&signal)
            }
        }
    }

    /// Keeps the first thing that went wrong.
    pub(in crate::engine) fn fail(&mut self, result: UnitResult, reason: String) {
        if self.result == UnitResult::Success {
            self.result = result;
            self.reason = Some(reason);
        }
    }

    /// Nothing has run. systemd takes these steps in the main process, and shows them so.
    pub(in crate::engine) fn fail_set_up(&mut self, failure: &Failure) {
        self.main_end = Some(ProcessEnd::Exited(failure.step.status()));
        self.fail_step(failure);
    }

    /// There is no helper. What the host lacks for one is no fault of the service's own, nor of its
    /// program (systemd: "Failed to spawn", `resources`).
    pub(super) fn fail_spawn(&mut self, failure: &Failure) {
        match failure.step {
            ExecStep::Exec | ExecStep::Fds | ExecStep::Memory => {
                let reason = format!("failed to spawn: {}", with_cause(failure));
                self.fail(UnitResult::Resources, reason);
            }
            _ => self.fail_set_up(failure),
        }
    }

    pub(super) fn fail_step(&mut self, failure: &Failure) {
        let detail = with_cause(failure);
        if failure.step == ExecStep::EnvironmentFile {
            let reason = format!("EnvironmentFile=: {detail}");
            return self.fail(UnitResult::Resources, reason);
        }
        let status = failure.step.status();
        let name = failure.step.name();
        self.fail(
            UnitResult::ExitCode,
            format!("failed at step {name}: {detail} (status={status}/{name})",),
        );
    }

    pub(in crate::engine) fn fail_exit(&mut self, exit: &Exit) {
        match &exit.failure {
            Some(failure) => self.fail_step(failure),
            None => self.fail(
                result_of(exit.end),
                format!("{} {}", role_words(exit.role), end_words(exit.end)),
            ),
        }
    }

    pub(super) fn control_failed(
        &mut self,
        now: Instant,
        exit: &Exit,
        out: &mut Vec<Effect>,
    ) -> Progress {
        self.fail_exit(exit);
        self.enter_stop_sigterm(now, out);
        Progress::None
    }
}

/// What failed, and why in the words of strerror(3), unless they are there already.
fn with_cause(failure: &Failure) -> String {
    let detail = &failure.detail;
    if failure.errno <= 0 {
        return detail.clone();
    }
    let cause = std::io::Error::from_raw_os_error(failure.errno).to_string();
    let cause = cause.split(" (os error").next().unwrap_or_default();
    match detail.contains(cause) {
        true => detail.clone(),
        false => format!("{detail}: {cause}"),
    }
}

/// `EXIT_CODE=` and `EXIT_STATUS=`, with a prefix.
pub fn exit_variables(prefix: &str, end: Option<ProcessEnd>) -> Vec<(String, String)> {
    let Some(end) = end else { return Vec::new() };
    let (code, status) = match end {
        ProcessEnd::Exited(code) => ("exited", code.to_string()),
        ProcessEnd::Killed(signal) => ("killed", signal_words(signal)),
        ProcessEnd::Dumped(signal) => ("dumped", signal_words(signal)),
    };
    vec![
        (format!("{prefix}EXIT_CODE"), code.to_owned()),
        (format!("{prefix}EXIT_STATUS"), status),
    ]
}

const fn result_of(end: ProcessEnd) -> UnitResult {
    match end {
        ProcessEnd::Exited(_) => UnitResult::ExitCode,
        ProcessEnd::Killed(_) => UnitResult::Signal,
        ProcessEnd::Dumped(_) => UnitResult::CoreDump,
    }
}

fn signal_words(signal: i32) -> String {
    gitproc_unit::value::signal_name(signal).map_or_else(
        || signal.to_string(),
        |name| name.strip_prefix("SIG").unwrap_or(name).to_owned(),
    )
}

/// `exited with status 3`, `was killed by SIGKILL`.
pub fn end_words(end: ProcessEnd) -> String {
    match end {
        ProcessEnd::Exited(code) => format!("exited with status {code}"),
        ProcessEnd::Killed(signal) => format!("was killed by SIG{}", signal_words(signal)),
        ProcessEnd::Dumped(signal) => format!("dumped core on SIG{}", signal_words(signal)),
    }
}

const fn role_words(role: ExecRole) -> &'static str {
    match role {
        ExecRole::Condition => "ExecCondition=",
        ExecRole::StartPre => "ExecStartPre=",
        ExecRole::Start => "ExecStart=",
        ExecRole::StartPost => "ExecStartPost=",
        ExecRole::Reload => "ExecReload=",
        ExecRole::Stop => "ExecStop=",
        ExecRole::StopPost => "ExecStopPost=",
    }
}
