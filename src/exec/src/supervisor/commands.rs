//! Starting commands, and learning whether their program was executed.
use super::{Main, Running, Supervisor};
use crate::child::{Account, Child, Found};
use crate::store::Stored;
use gitproc_core::logline::Tag;
use gitproc_core::protocol::{Exit, Failure, FromHelper, ProcessEnd};
use gitproc_core::spec::ExecStep;
use gitproc_sys::cgroup::CONTROL;
use gitproc_sys::{fd, host, pidfd, spawn};
use gitproc_unit::{ExecRole, ServiceType};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

impl Supervisor {
    pub(super) fn start(&mut self, role: ExecRole, index: u32, environment: &[(String, String)]) {
        let stored = match role == ExecRole::Start {
            true => self.stored(),
            false => Vec::new(),
        };
        match self.fork(role, index, environment, stored) {
            Ok(command) => {
                let (pid, host_pid) = (command.pid, command.host_pid);
                self.commands.push(command);
                let state = &mut self.report.state;
                state.empty = false;
                if role == ExecRole::Start && self.spec.service_type != ServiceType::Forking {
                    self.main = Some(Main { pid, found: None });
                    state.main_pid = Some(host_pid);
                    state.main_started_us = Some(host::realtime_us());
                    (state.main_end, state.main_ended_us, state.main_execed) = (None, None, false);
                } else {
                    state.control = Some((role, index, host_pid));
                }
                self.report.tell(&FromHelper::Forked {
                    role,
                    index,
                    pid: host_pid,
                });
            }
            Err(failure) => {
                let end = ProcessEnd::Exited(failure.step.status());
                self.ended(
                    Exit {
                        role,
                        index,
                        end,
                        failure: Some(failure),
                    },
                    self.starts_main(role),
                );
            }
        }
    }

    /// What the service has stored; without it, it starts as if for the first time.
    fn stored(&mut self) -> Vec<Stored> {
        self.store.fetch().unwrap_or_else(|trouble| {
            self.log.note(Tag::Remark, &trouble);
            Vec::new()
        })
    }

    fn fork(
        &self,
        role: ExecRole,
        index: u32,
        environment: &[(String, String)],
        stored: Vec<Stored>,
    ) -> Result<Running, Failure> {
        let refuse = |detail: &str| Failure {
            step: ExecStep::Exec,
            errno: 0,
            detail: detail.to_owned(),
        };
        let service = self
            .service
            .as_ref()
            .ok_or_else(|| refuse("run a command before go"))?;
        let command = self
            .spec
            .commands
            .get(&role)
            .and_then(|commands| commands.get(index as usize))
            .ok_or_else(|| refuse("run a command that the spec does not have"))?;
        let log = self
            .log
            .writers()
            .ok_or_else(|| refuse("run a command after quit"))?;
        let failed = |step: ExecStep, error: gitproc_sys::Error| Failure {
            step,
            errno: error.errno(),
            detail: error.to_string(),
        };
        let mut environment = environment.to_vec();
        // As the service sees it: only here is that number known.
        environment.extend(
            self.main
                .as_ref()
                .map(|main| ("MAINPID".to_owned(), main.pid.to_string())),
        );
        let (outcome, writer) = std::io::pipe().map_err(|cause| {
            failed(
                ExecStep::Fds,
                gitproc_sys::Error::new("make", "pipe", cause),
            )
        })?;
        fd::set_nonblocking(outcome.as_fd()).map_err(|error| failed(ExecStep::Fds, error))?;
        let control = self
            .control_group(role)
            .map_err(|error| failed(ExecStep::Cgroup, error))?;
        let cgroup = control.as_ref().or(self.cgroup.as_ref()).map(AsFd::as_fd);
        // Once cgroup.kill was written there, kernel 6.18 kills whatever is cloned into the payload
        // from outside (it compares the kill counts of two cgroups). Moving in is not affected. Only
        // the commands of ExecStopPost= run after a kill.
        let (born_in, join) = match role {
            ExecRole::StopPost => (None, cgroup),
            ExecRole::Condition
            | ExecRole::StartPre
            | ExecRole::Start
            | ExecRole::StartPost
            | ExecRole::Reload
            | ExecRole::Stop => (cgroup, None),
        };
        let mut child = Some(Child {
            spec: &self.spec,
            role,
            command,
            fixed: &service.environment,
            run: &environment,
            passed: stored,
            log,
            accounts: writer,
            join,
            kept: &service.kept,
            own_dir: self.dir_path.as_deref(),
            found: Found::default(),
        });
        #[allow(unsafe_code)]
        // the one place outside sys: only the helper knows that it has one thread
        // SAFETY: the helper starts no thread.
        let spawned = unsafe { spawn::fork_into(born_in, || child.take().map_or(0, Child::run)) }
            .map_err(|error| failed(ExecStep::Cgroup, error))?;
        drop(child);
        Ok(Running {
            role,
            index,
            pid: spawned.pid,
            host_pid: self.host_pid(&spawned.pidfd, spawned.pid),
            outcome: Some(outcome),
            accounts: Vec::new(),
            failure: None,
        })
    }

    /// Where a command goes that must not go into the payload itself.
    fn control_group(&self, role: ExecRole) -> gitproc_sys::Result<Option<OwnedFd>> {
        let beside = match role {
            ExecRole::Condition | ExecRole::StartPre | ExecRole::Start => false,
            ExecRole::StartPost | ExecRole::Reload | ExecRole::Stop | ExecRole::StopPost => true,
        };
        match &self.cgroup {
            Some(payload) if beside && self.spec.delegate => {
                gitproc_sys::file::make_dir_at(payload.as_fd(), CONTROL).map(Some)
            }
            _ => Ok(None),
        }
    }

    pub(super) fn host_pid(&self, pidfd: &OwnedFd, pid: u32) -> u32 {
        let proc = self.host_proc.as_ref();
        proc.and_then(|proc| pidfd::pid_in(proc.as_fd(), pidfd.as_fd()))
            .unwrap_or(pid)
    }

    /// Reads which programs were executed and which were not.
    pub(super) fn take_outcomes(&mut self) {
        for at in 0..self.commands.len() {
            let command = &mut self.commands[at];
            let Some(pipe) = &mut command.outcome else {
                continue;
            };
            match pipe.read_to_end(&mut command.accounts) {
                // More is to come; what has come is kept.
                Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => continue,
                Ok(_) | Err(_) => command.outcome = None,
            }
            for account in std::mem::take(&mut command.accounts).split(|byte| *byte == b'\n') {
                match serde_json::from_slice(account) {
                    Ok(Account::Remark(text)) => self.log.note(Tag::Remark, &text),
                    Ok(Account::Failed(failure)) => command.failure = Some(failure),
                    // Cut short: the child was killed while it wrote.
                    Err(_) => {}
                }
            }
            if command.failure.is_some() {
                continue;
            }
            let (role, index, pid) = (command.role, command.index, command.pid);
            if self.is_main(pid) {
                self.report.state.main_execed = true;
            }
            self.report.tell(&FromHelper::Execed { role, index });
        }
    }
}
