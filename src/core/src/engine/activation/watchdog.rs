//! `WatchdogSec=`: a service gives signs of life in time, or is ended (systemd.service(5)).
use super::{Activation, Stage};
use crate::Instant;
use crate::api::Effect;
use crate::snapshot::UnitResult;
use gitproc_unit::Family::{self, Kill, Service};
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
        self.enter_stop_abort(now, out);
    }

    /// Has it dump core, or end as it does on `WatchdogSignal=`.
    pub(super) fn enter_stop_abort(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.stage = Stage::StopWatchdog;
        self.arm(now, self.timeout_abort());
        if self.all_gone() || self.service().kill.mode == KillMode::None {
            self.enter_stop_post(now, 0, out);
            return;
        }
        self.ask_to_end(self.watchdog_signal(), out);
    }

    /// `TimeoutAbortSec=`, µs.
    pub(super) fn timeout_abort(&self) -> Option<u64> {
        let service = self.service();
        let abort = service.timeout_abort_us.unwrap_or(service.timeout_stop_us);
        abort.filter(|us| *us < u64::MAX)
    }

    pub(super) fn watchdog_signal(&self) -> i32 {
        self.signal_of(Kill, "WatchdogSignal", ABORT)
    }

    /// The number of a signal that a directive names.
    pub(super) fn signal_of(&self, family: Family, key: &str, default: i32) -> i32 {
        match self.unit.settings.get(family, key) {
            Setting::Plain(PropertyValue::Signed(signal)) => {
                i32::try_from(*signal).unwrap_or(default)
            }
            _ => default,
        }
    }
}
