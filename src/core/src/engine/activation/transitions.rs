//! From stage to stage: the way up, and the way down.
use super::{Activation, Main, Progress, SIGHUP, SIGKILL, Stage, Told};
use crate::Instant;
use crate::api::Effect;
use crate::protocol::Whom;
use crate::snapshot::UnitResult;
use gitproc_unit::{ExecRole, KillMode, Preserve, ServiceType};

impl Activation {
    // ── The way up ──────────────────────────────────────────────────────────────────────────

    /// Goes on with command `index` of `role`, or with what comes after that line.
    pub(in crate::engine) fn next_start_step(
        &mut self,
        now: Instant,
        role: ExecRole,
        index: u32,
        out: &mut Vec<Effect>,
    ) -> Progress {
        let more = (index as usize) < self.commands(role).len();
        self.arm(now, self.service().timeout_start_us);
        match role {
            ExecRole::Condition if more => {
                self.stage = Stage::Condition(index);
                self.run(role, index, out);
                Progress::None
            }
            ExecRole::Condition => self.next_start_step(now, ExecRole::StartPre, 0, out),
            ExecRole::StartPre if more => {
                self.stage = Stage::StartPre(index);
                self.run(role, index, out);
                Progress::None
            }
            ExecRole::StartPre => self.next_start_step(now, ExecRole::Start, 0, out),
            ExecRole::Start if more => {
                self.enter_start(now, index, out);
                Progress::None
            }
            // A oneshot with ExecStop= alone has nothing to start.
            ExecRole::Start => self.next_start_step(now, ExecRole::StartPost, 0, out),
            ExecRole::StartPost if more => {
                self.stage = Stage::StartPost(index);
                self.run(role, index, out);
                Progress::None
            }
            ExecRole::StartPost => {
                self.started = true;
                self.enter_running(now, out);
                Progress::Started
            }
            ExecRole::Reload | ExecRole::Stop | ExecRole::StopPost => {
                unreachable!("not on the way up")
            }
        }
    }

    pub(super) fn enter_start(&mut self, now: Instant, index: u32, out: &mut Vec<Effect>) {
        self.stage = Stage::Start(index);
        self.arm(now, self.service().timeout_start_us);
        self.run(ExecRole::Start, index, out);
    }

    /// In `Start`: goes on when the service is ready in the sense of its `Type=`.
    pub(super) fn check_readiness(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        if !matches!(self.stage, Stage::Start(_)) {
            return Progress::None;
        }
        let ready = match self.service().service_type {
            ServiceType::Simple | ServiceType::Idle => self.main_is_known(),
            ServiceType::Exec | ServiceType::Dbus => self.main_is_known() && self.execed,
            ServiceType::Notify | ServiceType::NotifyReload => self.ready,
            ServiceType::Forking => {
                self.ready && (self.main == Main::Alive || self.service().pid_file.is_none())
            }
            ServiceType::Oneshot => false,
        };
        match ready {
            true => self.next_start_step(now, ExecRole::StartPost, 0, out),
            false => Progress::None,
        }
    }

    /// Up, as far as there is something that is up (`service_enter_running` of systemd).
    pub(super) fn enter_running(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let service = self.service();
        let forking = service.service_type == ServiceType::Forking;
        let good = match self.main {
            Main::Alive => true,
            Main::Unknown => forking && !self.empty,
            Main::Ordered | Main::Ended => self.outlives_its_main(),
        };
        let remain = service.remain_after_exit;
        self.deadline = None;
        self.reload_begun = None;
        if self.result != UnitResult::Success {
            self.enter_stop_sigterm(now, out);
        } else if good {
            self.stage = Stage::Running;
            self.up_since.get_or_insert(now);
            if self.watchdog.is_none() {
                self.pet_watchdog(now);
            }
        } else if remain {
            self.stage = Stage::Exited;
        } else {
            self.enter_stop(now, out);
        }
    }

    // ── The way down ────────────────────────────────────────────────────────────────────────

    pub(super) fn enter_stop(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.has(ExecRole::Stop) && self.started {
            self.stage = Stage::Stop(0);
            self.arm(now, self.service().timeout_stop_us);
            self.run(ExecRole::Stop, 0, out);
        } else {
            self.enter_stop_sigterm(now, out);
        }
    }

    pub(super) fn enter_stop_sigterm(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.stage = Stage::StopSigterm;
        let kill = self.service().kill.clone();
        self.arm(now, self.service().timeout_stop_us);
        if self.all_gone() || kill.mode == KillMode::None {
            self.enter_stop_post(now, 0, out);
            return;
        }
        let first = match self.told {
            Some(Told::Restart) => kill.restart_kill_signal.unwrap_or(kill.kill_signal),
            Some(Told::Stop) | None => kill.kill_signal,
        };
        self.ask_to_end(first, out);
        if kill.send_sighup {
            self.ask_to_end(SIGHUP, out);
        }
    }

    /// At once, as `SendSIGKILL=` allows.
    pub(super) fn enter_stop_sigkill(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if !self.service().kill.send_sigkill || self.all_gone() {
            self.enter_stop_post(now, 0, out);
            return;
        }
        self.stage = Stage::StopSigkill;
        self.arm(now, self.service().timeout_stop_us);
        self.kill_hard(out);
    }

    /// STOPPING=1: it is on its way down by itself, and has TimeoutStopSec= for that.
    pub(super) fn enter_stop_by_itself(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.stage = Stage::StopSigterm;
        self.arm(now, self.service().timeout_stop_us);
        if self.all_gone() {
            self.enter_stop_post(now, 0, out);
        }
    }

    /// A signal to those whom `KillMode=` means.
    pub(super) fn ask_to_end(&self, signal: i32, out: &mut Vec<Effect>) {
        match self.service().kill.mode {
            KillMode::ControlGroup => self.signal(Whom::All, signal, out),
            KillMode::Mixed | KillMode::Process => {
                if matches!(self.main, Main::Ordered | Main::Alive) {
                    self.signal(Whom::Main, signal, out);
                }
                if self.control {
                    self.signal(Whom::Control, signal, out);
                }
            }
            KillMode::None => {}
        }
    }

    pub(super) fn kill_hard(&mut self, out: &mut Vec<Effect>) {
        let signal = self.service().kill.final_kill_signal;
        match self.service().kill.mode {
            KillMode::ControlGroup | KillMode::Mixed => self.kill_all(out),
            KillMode::Process | KillMode::None => {
                self.signal(Whom::Main, signal, out);
                self.signal(Whom::Control, signal, out);
            }
        }
    }

    /// By the kernel, at one stroke, where the signal is the usual one.
    pub(super) fn kill_all(&mut self, out: &mut Vec<Effect>) {
        match self.service().kill.final_kill_signal {
            SIGKILL => out.push(Effect::KillCgroup {
                invocation: self.invocation,
            }),
            signal => self.signal(Whom::All, signal, out),
        }
    }

    /// Nothing is left that the stop has to wait for (systemd.kill(5)). What was ordered counts
    /// as there: the news of its start may still be on the way.
    pub(super) fn all_gone(&self) -> bool {
        let commands_ended = !self.control && !matches!(self.main, Main::Ordered | Main::Alive);
        match self.service().kill.mode {
            KillMode::ControlGroup => self.empty && commands_ended,
            KillMode::Mixed | KillMode::Process => commands_ended,
            KillMode::None => true,
        }
    }

    pub(super) fn main_is_known(&self) -> bool {
        matches!(self.main, Main::Alive | Main::Ended)
    }

    pub(super) fn stopped_if_all_gone(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        match self.all_gone() {
            true => self.enter_stop_post(now, 0, out),
            false => Progress::None,
        }
    }

    pub(super) fn enter_stop_post(
        &mut self,
        now: Instant,
        index: u32,
        out: &mut Vec<Effect>,
    ) -> Progress {
        if (index as usize) < self.commands(ExecRole::StopPost).len() {
            self.stage = Stage::StopPost(index);
            self.arm(now, self.service().timeout_stop_us);
            self.run(ExecRole::StopPost, index, out);
            return Progress::None;
        }
        self.enter_final_sigterm(now, out)
    }

    pub(super) fn enter_final_sigterm(&mut self, now: Instant, out: &mut Vec<Effect>) -> Progress {
        let mode = self.service().kill.mode;
        if (self.empty && !self.control) || matches!(mode, KillMode::Process | KillMode::None) {
            // What these modes leave behind ends with the namespace (docs/units.md, KillMode=).
            self.release(out);
            return Progress::None;
        }
        self.arm(now, self.service().timeout_stop_us);
        match mode {
            KillMode::ControlGroup => {
                self.stage = Stage::FinalSigterm;
                self.signal(Whom::All, self.service().kill.kill_signal, out);
            }
            KillMode::Mixed | KillMode::Process | KillMode::None => {
                self.stage = Stage::FinalSigkill;
                self.kill_all(out);
            }
        }
        Progress::None
    }

    pub(super) fn enter_final_abort(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.empty && !self.control {
            return self.release(out);
        }
        self.stage = Stage::FinalWatchdog;
        self.arm(now, self.timeout_abort());
        self.signal(Whom::All, self.watchdog_signal(), out);
    }

    pub(super) fn enter_final_sigkill(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.empty && !self.control {
            return self.release(out);
        }
        self.stage = Stage::FinalSigkill;
        self.arm(now, self.service().timeout_stop_us);
        self.kill_all(out);
    }

    pub(super) fn release(&mut self, out: &mut Vec<Effect>) {
        self.stage = Stage::Releasing;
        self.deadline = None;
        self.main_released = matches!(self.main, Main::Ordered | Main::Alive);
        let keep = match self.service().runtime_directory_preserve {
            Preserve::Yes => true,
            Preserve::No => false,
            // Whether a restart follows is only known afterwards; what would be lost by guessing
            // wrong is more than what would be left.
            Preserve::Restart => self.told != Some(Told::Stop),
        };
        out.push(Effect::Release {
            invocation: self.invocation,
            keep_runtime_directory: keep,
        });
    }
}
