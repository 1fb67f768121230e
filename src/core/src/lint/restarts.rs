//! How a service ends and comes back: stops that stop nothing, restarts without end, and forking
//! ones that hide their main process.
use super::{Found, Service};
use gitproc_unit::{Code, KillMode, Restart, ServiceType};

/// µs: with this much between two restarts, trying for ever harms nobody.
const SLOW_RESTART_US: u64 = 1_000_000;

pub(super) fn check(service: &Service<'_, '_>, found: &mut Found) {
    let Service { unit, section, .. } = service;
    if section.kill.mode == KillMode::None {
        found.push(service.warn(
            ("KillMode", "none"),
            Code::KillModeNone,
            "KillMode=none: a stop tells no process to end".to_owned(),
            "write KillMode=mixed, or take it out",
        ));
    }
    let limitless = unit.unit.start_limit_interval_us == 0 || unit.unit.start_limit_burst == 0;
    let fast = section.restart_us < SLOW_RESTART_US;
    if section.restart == Restart::Always && limitless && fast {
        found.push(
            service.warn(
                ("Restart", "always"),
                Code::EndlessRestart,
                "Restart=always without a start limit: a service that fails at once is restarted \
             without pause"
                    .to_owned(),
                "write RestartSec=5s, or take StartLimitIntervalSec=0 out",
            ),
        );
    }
    if section.service_type == ServiceType::Forking && section.pid_file.is_none() {
        found.push(service.warn(
            ("Type", "forking"),
            Code::NoPidFile,
            "Type=forking without PIDFile=: the main process is guessed".to_owned(),
            "add PIDFile=, or run it in the foreground with Type=exec",
        ));
    }
}
