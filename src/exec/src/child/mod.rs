//! Between fork and exec: what makes a process of the service out of a copy of the helper.
//!
//! One list of steps (`STEPS`), in systemd's order. The helper has one thread, so ordinary code may
//! run here. What fails, and what holds only in part, goes as JSON lines into a pipe that a
//! successful exec closes. Each step has systemd's name for its failure.
pub(crate) mod mounts;
mod namespaces;
mod privileges;
mod program;
mod scheduling;
mod step;
mod streams;
mod system_calls;

use crate::environment;
use crate::setup::Kept;
use crate::store::Stored;
use gitproc_core::protocol::Failure;
use gitproc_core::spec::{ExecSpec, ExecStep};
use gitproc_sys::credentials;
use gitproc_unit::{ExecCommand, ExecRole, Privileges};
use serde::{Deserialize, Serialize};
use std::io::{PipeWriter, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;
use step::{Step, errno, io, sys};

/// Longest text of an account, in characters. All accounts of a command (some remarks, one failure)
/// must fit into a pipe, so that nothing blocks.
const TEXT_MAX: usize = 500;
/// Most remarks of a command: with [`TEXT_MAX`], less than the 64 KiB of a pipe even where each
/// character takes two bytes in JSON.
const REMARKS_MAX: usize = 40;

/// What the child tells the helper, one per line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Account {
    /// Something that was wished for holds only in part. For the unit's log.
    Remark(String),
    /// The program is not executed.
    Failed(Failure),
}

/// Which commands a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// All of them.
    Every,
    /// Those that run in the unit's sandbox: not those with `+`, nor those that
    /// `PermissionsStartOnly=` leaves out.
    Sandboxed,
}

/// A step between fork and exec.
type Act<'a> = fn(&mut Child<'a>) -> Step<()>;

/// One command, ready to be made.
pub(crate) struct Child<'a> {
    pub(crate) spec: &'a ExecSpec,
    pub(crate) role: ExecRole,
    pub(crate) command: &'a ExecCommand,
    /// The same for all commands.
    pub(crate) fixed: &'a [(String, String)],
    /// Of this one.
    pub(crate) run: &'a [(String, String)],
    /// Descriptors from 3 on.
    pub(crate) passed: Vec<Stored>,
    /// stdout and stderr.
    pub(crate) log: [BorrowedFd<'a>; 2],
    pub(crate) accounts: PipeWriter,
    /// v2 payload directory, when the process was not born there.
    pub(crate) join: Option<BorrowedFd<'a>>,
    /// The invocation directory.
    pub(crate) own_dir: Option<&'a Path>,
    /// Namespaces that all commands share.
    pub(crate) kept: &'a Kept,
    pub(crate) found: Found,
}

/// What the steps find out for those that come after them.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The whole environment.
    environment: Vec<(String, String)>,
    /// The program's file.
    program: String,
    remarks: usize,
}

impl<'a> Child<'a> {
    /// All steps, in order. They stand as in systemd (exec_child() of its core), because scripts that
    /// fail halfway rely on what came before.
    const STEPS: [(For, Act<'a>); 32] = [
        (For::Every, Self::reset_signals),
        (For::Every, Self::start_session),
        (For::Every, Self::join_cgroups),
        (For::Every, Self::open_streams),
        (For::Every, Self::set_oom_score),
        (For::Every, Self::set_dump_filter),
        (For::Every, Self::set_nice),
        (For::Every, Self::set_cpu_scheduling),
        (For::Every, Self::set_affinity),
        (For::Every, Self::set_memory_policy),
        (For::Every, Self::set_io_priority),
        (For::Every, Self::set_timer_slack),
        (For::Every, Self::set_personality),
        // As root, and outside of the sandbox: that is where the files are.
        (For::Every, Self::make_environment),
        (For::Every, Self::join_keyring),
        (For::Sandboxed, Self::set_limits),
        // Before the mounts: they need no network, and what is mounted may hide the namespaces' files.
        (For::Sandboxed, Self::enter_namespaces),
        (For::Sandboxed, Self::make_mounts),
        (For::Every, Self::change_root),
        // Groups before the user namespace, in which setgroups(2) is forbidden.
        (For::Every, Self::set_groups),
        (For::Sandboxed, Self::enter_user_namespace),
        // What was made for it before is not the service's own.
        (For::Every, Self::set_umask),
        // As the service will see it: in its root directory.
        (For::Every, Self::find_program),
        (For::Every, Self::close_descriptors),
        (For::Every, Self::clear_inherited_capabilities),
        (For::Sandboxed, Self::limit_capabilities),
        (For::Sandboxed, Self::set_user),
        (For::Sandboxed, Self::set_capabilities),
        // As the service's user: root may not be let in (NFS).
        (For::Every, Self::change_directory),
        (For::Sandboxed, Self::set_secure_bits),
        (For::Sandboxed, Self::forbid_new_privileges),
        // Last, so that our own calls are not caught.
        (For::Sandboxed, Self::load_call_filters),
    ];

    /// Returns only when something failed: with the exit status for it.
    pub(crate) fn run(mut self) -> u8 {
        let Err(mut failed) = self.execute();
        failed.detail = failed.detail.chars().take(TEXT_MAX).collect();
        let status = failed.step.status();
        // What can't be told is still in the exit status.
        self.tell(&Account::Failed(failed));
        status
    }

    fn execute(&mut self) -> Step<std::convert::Infallible> {
        let sandboxed = self.is_sandboxed();
        for (commands, act) in Self::STEPS {
            if commands == For::Every || sandboxed {
                act(self)?;
            }
        }
        self.execute_program()
    }

    /// Whether the unit's sandbox applies to the command.
    fn is_sandboxed(&self) -> bool {
        let left_out = self.spec.start_only.permissions && !self.is_start();
        self.command.privileges != Privileges::Full && !left_out
    }

    fn is_start(&self) -> bool {
        self.role == ExecRole::Start
    }

    /// Whether the root directory is only for `ExecStart=`, which the command is not.
    fn leaves_out_root(&self) -> bool {
        self.spec.start_only.root_directory && !self.is_start()
    }

    /// Whether `User=` and `Group=` apply to the command.
    fn changes_user(&self) -> bool {
        match self.command.privileges {
            Privileges::Full | Privileges::Elevated => false,
            Privileges::Unit | Privileges::ElevatedWithoutAmbient => self.is_sandboxed(),
        }
    }

    fn tell(&mut self, account: &Account) {
        let mut line = serde_json::to_vec(account).unwrap_or_default();
        line.push(b'\n');
        let _ = self.accounts.write_all(&line);
    }

    /// The service runs all the same, as under systemd; but it is said.
    fn remark(&mut self, text: String) {
        self.found.remarks += 1;
        if self.found.remarks <= REMARKS_MAX {
            self.tell(&Account::Remark(text.chars().take(TEXT_MAX).collect()));
        }
    }

    /// What restricts the service and can't be had here fails it, unless it may be degraded.
    fn restrict(&mut self, directive: &str, result: Step<()>) -> Step<()> {
        match result {
            Err(failed) if self.spec.allow_degraded => {
                let why = nix::errno::Errno::from_raw(failed.errno).desc();
                self.remark(format!(
                    "{directive} is not applied: {}: {why}",
                    failed.detail
                ));
                Ok(())
            }
            result => result,
        }
    }

    // ---- steps that have no room of their own

    fn reset_signals(&mut self) -> Step<()> {
        sys(ExecStep::SignalMask, gitproc_sys::signal::reset())?;
        match self.spec.privileges.ignore_sigpipe {
            true => sys(ExecStep::SignalMask, gitproc_sys::signal::ignore_sigpipe()),
            false => Ok(()),
        }
    }

    fn start_session(&mut self) -> Step<()> {
        errno(ExecStep::Setsid, "start a session", nix::unistd::setsid()).map(drop)
    }

    fn join_cgroups(&mut self) -> Step<()> {
        if let Some(cgroup) = self.join {
            sys(
                ExecStep::Cgroup,
                gitproc_sys::file::write_at(cgroup, "cgroup.procs", b"0"),
            )?;
        }
        for file in &self.spec.join_cgroup_files {
            // 0 is the writer itself, whatever its number is where.
            io(
                ExecStep::Cgroup,
                &format!("join {file}"),
                std::fs::write(file, "0"),
            )?;
        }
        Ok(())
    }

    fn make_environment(&mut self) -> Step<()> {
        let names = self.passed.iter().map(|(name, _)| name.as_str());
        let names: Vec<&str> = names.collect();
        let made = environment::of_command(self.spec, self.role, self.fixed, self.run, &names);
        self.found.environment = made.map_err(|(errno, detail)| Failure {
            step: ExecStep::EnvironmentFile,
            errno,
            detail,
        })?;
        Ok(())
    }

    fn set_umask(&mut self) -> Step<()> {
        credentials::set_umask(self.spec.umask);
        Ok(())
    }
}
