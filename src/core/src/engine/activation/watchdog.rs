//! `WatchdogSec=`: a service gives signs of life in time, or is ended (systemd.service(5)).
use super::{Activation, Stage};
use crate::Instant;
use crate::api::Effect;
use crate::snapshot::UnitResult;
use gitproc_unit::Family::{Kill, Service};
use gitproc_unit::{KillMode, PropertyValue, Setting};

/// SIGABRT: a core dump shows where it hangs.
const ABORT: i32 = 6;

impl Activation {
    /// A sign of life, or the beginning of the wait for one.
    pub(in crate::engine) fn pet_watchdog(&mut self, now: Instant) {
        let us = match self.watchdog_us {
            Some(us) => us,
            None => self.unit.settings.number(Service, "WatchdogSec"),
        };
        let watched = self.is_up() || matches!(self.stage, Stage::StartPost(_));
        self.watchdog = (watched && us != 0 && us != u64::MAX).then(|| now.plus_us(us));
    }

    /// `WATCHDOG_USEC=`: another time from now on, µs.
    pub(super) fn change_watchdog(&mut self, now: Instant, us: u64) {
        self.watchdog_us = Some(us);
        self.pet_watchdog(now);
    }

    /// Whether the time for a sign of life is over, and the service is still to give one.
    pub(super) fn watchdog_is_due(&mut self, now: Instant) -> bool {
        let watched = self.is_up() || matches!(self.stage, Stage::StartPost(_));
        let due = self.watchdog.is_some_and(|at| at <= now);
        if due {
            self.watchdog = None;
        }
        due && watched
    }

    /// It gave no sign of life, or asks for the end itself (`WATCHDOG=trigger`).
    pub(super) fn enter_stop_watchdog(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.fail(
            UnitResult::Watchdog,
            "gave no sign of life in time (WatchdogSec=)".into(),
        );
        self.watchdog = None;
        let service = self.service();
        let abort = service.timeout_abort_us.unwrap_or(service.timeout_stop_us);
        let abort = abort.filter(|us| *us < u64::MAX);
        let mode = service.kill.mode;
        self.stage = Stage::StopWatchdog;
        self.arm(now, abort);
        if self.all_gone() || mode == KillMode::None {
            self.enter_stop_post(now, 0, out);
            return;
        }
        self.ask_to_end(self.watchdog_signal(), out);
    }

    fn watchdog_signal(&self) -> i32 {
        match self.unit.settings.get(Kill, "WatchdogSignal") {
            Setting::Plain(PropertyValue::Signed(signal)) => {
                i32::try_from(*signal).unwrap_or(ABORT)
            }
            _ => ABORT,
        }
    }
}
