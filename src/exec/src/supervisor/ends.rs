//! Reaping: how commands and the main process end, and which process is the main one.
use super::{Main, Supervisor};
use crate::main_process::{self, Found};
use gitproc_core::protocol::{Exit, FromHelper, ProcessEnd};
use gitproc_sys::{host, pidfd};
use gitproc_unit::{ExecRole, ServiceType};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use std::os::fd::AsFd;

impl Supervisor {
    /// Collects every child that has ended; true when there is none left at all.
    pub(super) fn collect(&mut self) -> bool {
        while let Ok(Some(_)) = self.children.read_signal() {}
        loop {
            match waitid(
                Id::All,
                WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT,
            ) {
                Ok(status) => match (status.pid(), pidfd::End::from_wait(status)) {
                    (Some(pid), Some(end)) => {
                        // It is still there as a zombie: all that it said can be read first.
                        self.log.pump();
                        self.take_notifications();
                        self.take_outcomes();
                        let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG);
                        self.process_ended(pid.as_raw() as u32, process_end(end));
                    }
                    _ => return false,
                },
                Err(_) => {
                    self.none_left();
                    return true;
                }
            }
        }
    }

    pub(super) fn none_left(&mut self) {
        if self.report.state.empty {
            return;
        }
        self.log.end_lines();
        // With no process there is no main process; it was collected by another parent.
        if self.main.take().is_some() {
            self.main_ended(ProcessEnd::Exited(0));
        }
        self.report.state.empty = true;
        self.report.tell(&FromHelper::Empty);
    }

    pub(super) fn process_ended(&mut self, pid: u32, end: ProcessEnd) {
        let was_main = self.is_main(pid);
        if was_main {
            self.main = None;
        }
        match self.commands.iter().position(|command| command.pid == pid) {
            Some(at) => {
                let command = self.commands.remove(at);
                let (role, index, failure) = (command.role, command.index, command.failure);
                // A start command that handed over by MAINPID= is nobody's concern any more.
                if was_main || !self.starts_main(role) {
                    self.ended(
                        Exit {
                            role,
                            index,
                            end,
                            failure,
                        },
                        was_main,
                    );
                }
                self.seeking_main |= role == ExecRole::Start
                    && self.spec.service_type == ServiceType::Forking
                    && end == ProcessEnd::Exited(0)
                    && self.main.is_none();
            }
            None if was_main => self.found_main_ended(end),
            None => {}
        }
    }

    /// A command is over (or never was); tells it.
    pub(super) fn ended(&mut self, exit: Exit, was_main: bool) {
        let state = &mut self.report.state;
        if was_main {
            state.main_pid = None;
            state.main_end = Some(exit.end);
            state.main_ended_us = Some(host::realtime_us());
        } else if state
            .control
            .is_some_and(|(role, index, _)| (role, index) == (exit.role, exit.index))
        {
            state.control = None;
        }
        state.exits.insert(exit.role, exit.clone());
        self.report.tell(&FromHelper::Exited(exit));
    }

    // ---- a main process that was not forked here

    /// A found main process that another parent collects shows its end by its pidfd only.
    pub(super) fn watch_found_main(&mut self) {
        let Some(Main {
            pid,
            found: Some(found),
        }) = &self.main
        else {
            return;
        };
        if !pidfd::wait(found.as_fd(), 0).unwrap_or(false) {
            return;
        }
        // One that has come to this process since is collected in the next round, with its status.
        let pid = nix::unistd::Pid::from_raw(*pid as i32);
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        if waitid(Id::Pid(pid), look).is_err() {
            // Its exit status is its parent's.
            self.main = None;
            self.found_main_ended(ProcessEnd::Exited(0));
        }
    }

    /// A service may replace itself (nginx does for an upgrade) and name the new one in its file.
    pub(super) fn found_main_ended(&mut self, end: ProcessEnd) {
        match self
            .spec
            .pid_file
            .as_ref()
            .and_then(|_| main_process::find(&self.spec))
        {
            Some(found) => self.main_found(found),
            None => self.main_ended(end),
        }
    }

    pub(super) fn main_ended(&mut self, end: ProcessEnd) {
        let state = &mut self.report.state;
        (state.main_pid, state.main_end) = (None, Some(end));
        state.main_ended_us = Some(host::realtime_us());
        self.report.tell(&FromHelper::MainExited(end));
    }

    pub(super) fn seek_main(&mut self) {
        if !self.seeking_main {
            return;
        }
        if let Some(found) = main_process::find(&self.spec) {
            self.main_found(found);
        }
        // A guess is made once: later children say nothing about it.
        self.seeking_main &= self.spec.pid_file.is_some() && !self.report.state.empty;
    }

    pub(super) fn main_found(&mut self, found: Found) {
        self.seeking_main = false;
        let host_pid = self.host_pid(&found.pidfd, found.pid);
        self.main = Some(Main {
            pid: found.pid,
            found: Some(found.pidfd),
        });
        let state = &mut self.report.state;
        state.main_pid = Some(host_pid);
        state.main_started_us = Some(host::realtime_us());
        (state.main_end, state.main_ended_us) = (None, None);
        self.report.tell(&FromHelper::MainPid { pid: host_pid });
    }
}

fn process_end(end: pidfd::End) -> ProcessEnd {
    match end {
        pidfd::End::Exited(code) => ProcessEnd::Exited(code),
        pidfd::End::Killed(signal) => ProcessEnd::Killed(signal),
        pidfd::End::Dumped(signal) => ProcessEnd::Dumped(signal),
    }
}
