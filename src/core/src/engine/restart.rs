//! Whether a service is restarted after it ended, and after how long (systemd.service(5)).
use crate::InvocationId;
use crate::protocol::ProcessEnd;
use crate::snapshot::UnitResult;
use gitproc_unit::{ExitStatusSet, Family, Restart, ServiceSection, Unit};

/// `Restart=` (systemd.service(5), the table of exit causes).
pub(super) fn restarts_after(
    service: &ServiceSection,
    result: UnitResult,
    main_end: Option<ProcessEnd>,
) -> bool {
    let named = |set: &ExitStatusSet| match main_end {
        Some(ProcessEnd::Exited(code)) => set.codes.contains(&code),
        Some(ProcessEnd::Killed(signal) | ProcessEnd::Dumped(signal)) => {
            set.signals.contains(&signal)
        }
        None => false,
    };
    if named(&service.restart_prevent_exit_status) {
        return false;
    }
    if named(&service.restart_force_exit_status) {
        return true;
    }
    match service.restart {
        Restart::No => false,
        Restart::Always => true,
        Restart::OnSuccess => result == UnitResult::Success,
        Restart::OnFailure => result != UnitResult::Success,
        Restart::OnAbnormal => !matches!(result, UnitResult::Success | UnitResult::ExitCode),
        Restart::OnWatchdog => result == UnitResult::Watchdog,
        Restart::OnAbort => matches!(result, UnitResult::Signal | UnitResult::CoreDump),
    }
}

/// How long it waits before restart number `restarts` + 1, µs: from `RestartSec=` to
/// `RestartMaxDelaySec=` in `RestartSteps=`, each the same factor longer than the one before; and
/// by chance up to `X-RestartJitterSec=` more, so that many hosts do not restart at once.
pub(super) fn delay_us(unit: &Unit, shortest: u64, restarts: u32, invocation: InvocationId) -> u64 {
    let number = |key| unit.settings.number(Family::Service, key);
    let (steps, longest) = (number("RestartSteps"), number("RestartMaxDelaySec"));
    let grows = steps > 0 && longest != u64::MAX && shortest < longest;
    let done = u64::from(restarts);
    let delay = match grows {
        false => shortest,
        true if done >= steps => longest,
        // From nothing, no factor leads anywhere.
        true => {
            let ratio = longest as f64 / shortest.max(1) as f64;
            let factor = ratio.powf(done as f64 / steps as f64);
            ((shortest.max(1) as f64 * factor) as u64).min(longest)
        }
    };
    let jitter = match number("X-RestartJitterSec") {
        0 => 0,
        // The invocation is as random as anything.
        jitter => (invocation.0 >> 64) as u64 % jitter.saturating_add(1).max(1),
    };
    delay.saturating_add(jitter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::service;

    fn delays(lines: &str, shortest: u64) -> Vec<u64> {
        let unit = service(lines);
        let delay = |n| delay_us(&unit, shortest, n, InvocationId(7 << 64)) / 1_000;
        (0..6).map(delay).collect()
    }

    #[test]
    fn waits_grow_by_a_factor_up_to_the_longest() {
        let lines = "RestartSteps=4\nRestartMaxDelaySec=16";
        assert_eq!(
            delays(lines, 1_000_000),
            [1_000, 2_000, 4_000, 8_000, 16_000, 16_000]
        );
        assert_eq!(delays("", 100_000), [100; 6]);
        // One without the other changes nothing.
        assert_eq!(delays("RestartSteps=4", 100_000), [100; 6]);
        assert_eq!(delays("RestartMaxDelaySec=9", 100_000), [100; 6]);
    }

    #[test]
    fn chance_adds_no_more_than_the_unit_says() {
        let unit = service("X-RestartJitterSec=1s");
        for n in 0..100_u128 {
            let chance = InvocationId((n * 0x9e37_79b9_7f4a_7c15) << 64);
            let delay = delay_us(&unit, 100_000, 0, chance);
            assert!((100_000..=1_100_000).contains(&delay), "{delay}");
        }
    }
}
