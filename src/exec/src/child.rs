//! Between fork and exec: what makes a process of the service out of a copy of the helper.
//!
//! Steps in order, each with systemd's name for its failure. The helper has one thread, so ordinary
//! code may run here. What fails, and what holds only in part, goes as JSON lines into a pipe that a
//! successful exec closes.
use crate::environment;
use gitproc_core::protocol::Failure;
use gitproc_core::spec::{ExecSpec, ExecStep, Ids, NamespaceMode, SEARCH_PATH};
use gitproc_sys::credentials::{self, RlimitResource};
use gitproc_unit::{ExecCommand, Privileges, Resource};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::io::{PipeWriter, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;

/// Longest text of an account, in characters. All accounts of a command (a remark for each resource
/// limit, nice level and OOM score, one failure) must fit into a pipe, so that nothing blocks.
const TEXT_MAX: usize = 500;

/// What the child tells the helper, one per line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Account {
    /// Something that was wished for holds only in part. For the unit's log.
    Remark(String),
    /// The program is not executed.
    Failed(Failure),
}

/// One command, ready to be made.
pub(crate) struct Child<'a> {
    pub(crate) spec: &'a ExecSpec,
    pub(crate) command: &'a ExecCommand,
    /// The same for all commands.
    pub(crate) fixed: &'a [(String, String)],
    /// Of this one.
    pub(crate) environment: &'a [(String, String)],
    /// stdout and stderr.
    pub(crate) log: [BorrowedFd<'a>; 2],
    pub(crate) accounts: PipeWriter,
    /// v2 payload directory, when the process was not born there.
    pub(crate) join: Option<BorrowedFd<'a>>,
}

type Step<T> = Result<T, Failure>;

impl Child<'_> {
    /// Returns only when something failed: with the exit status for it.
    pub(crate) fn run(mut self) -> u8 {
        let Err(mut failed) = self.execute();
        failed.detail = failed.detail.chars().take(TEXT_MAX).collect();
        let status = failed.step.status();
        // What can't be told is still in the exit status.
        self.tell(&Account::Failed(failed));
        status
    }

    fn tell(&mut self, account: &Account) {
        let mut line = serde_json::to_vec(account).unwrap_or_default();
        line.push(b'\n');
        let _ = self.accounts.write_all(&line);
    }

    /// The service runs all the same, as under systemd; but it is said.
    fn remark(&mut self, text: String) {
        self.tell(&Account::Remark(text.chars().take(TEXT_MAX).collect()));
    }

    fn execute(&mut self) -> Step<std::convert::Infallible> {
        let spec = self.spec;
        sys(ExecStep::SignalMask, gitproc_sys::signal::reset())?;
        errno(ExecStep::Setsid, "start a session", nix::unistd::setsid())?;
        if let Some(cgroup) = self.join {
            sys(
                ExecStep::Cgroup,
                gitproc_sys::file::write_at(cgroup, "cgroup.procs", b"0"),
            )?;
        }
        for file in &spec.join_cgroup_files {
            // 0 is the writer itself, whatever its number is where.
            io(
                ExecStep::Cgroup,
                &format!("join {file}"),
                std::fs::write(file, "0"),
            )?;
        }
        errno(
            ExecStep::Stdout,
            "set stdout",
            nix::unistd::dup2_stdout(self.log[0]),
        )?;
        errno(
            ExecStep::Stderr,
            "set stderr",
            nix::unistd::dup2_stderr(self.log[1]),
        )?;
        self.set_priorities()?;
        // `+` is for commands that nothing of the unit's sandbox applies to.
        if self.command.privileges != Privileges::Full {
            self.set_limits()?;
        }
        credentials::set_umask(spec.umask);
        let env = environment::of_command(spec, self.fixed, self.environment).map_err(
            |(errno, detail)| Failure {
                step: ExecStep::Exec,
                errno,
                detail,
            },
        )?;
        let program = find(&self.command.path)?;
        self.apply_privileges()?;
        self.change_directory()?;
        sys(ExecStep::Fds, gitproc_sys::fd::close_from_on_exec(3))?;
        let mut argv = gitproc_unit::expand(self.command, &env);
        if argv.is_empty() {
            argv.push(self.command.path.clone());
        }
        let (argv, envp) = (c_strings(argv)?, c_strings(environment::assignments(&env))?);
        let program = c_string(program)?;
        let shown = format!("execute {}", self.command.path);
        errno(
            ExecStep::Exec,
            &shown,
            nix::unistd::execve(&program, &argv, &envp),
        )
    }

    /// What this process may not have is had as far as it may (systemd's `…_closest`).
    fn set_priorities(&mut self) -> Step<()> {
        if let Some(value) = self.spec.oom_score_adjust {
            match credentials::set_oom_score_adjust(value) {
                Err(error) if is_refusal(error.errno()) => self.remark(format!(
                    "OOMScoreAdjust={value} is not applied: {}",
                    error.in_full()
                )),
                result => sys(ExecStep::OomAdjust, result)?,
            }
        }
        if let Some(level) = self.spec.nice
            && let Some(now) = sys(ExecStep::Nice, credentials::set_nice_closest(level))?
        {
            self.remark(format!(
                "Nice={level} is more than this process may have: {now} holds"
            ));
        }
        Ok(())
    }

    fn set_limits(&mut self) -> Step<()> {
        for (resource, limit) in &self.spec.rlimits {
            let (soft, hard) = (limit.soft, limit.hard);
            let set = credentials::set_rlimit_closest(rlimit(*resource), soft, hard);
            if let Some((less_soft, less_hard)) = sys(ExecStep::Limits, set)? {
                let [wished, held] = [(soft, hard), (less_soft, less_hard)].map(limit_words);
                let name = format!("{resource:?}").to_uppercase();
                self.remark(format!(
                    "Limit{name}={wished} is above the hard limit of this host: {held} holds"
                ));
            }
        }
        Ok(())
    }

    /// bounding set → keep capabilities → groups, gid, uid → effective, permitted, inheritable →
    /// ambient → no_new_privs. Another order either fails or leaves something behind.
    fn apply_privileges(&self) -> Step<()> {
        let spec = self.spec;
        let (sandbox, switch_user) = match self.command.privileges {
            Privileges::Full => (false, false),
            Privileges::Elevated => (true, false),
            Privileges::Unit | Privileges::ElevatedWithoutAmbient => (true, true),
        };
        let capabilities = |result| sys(ExecStep::Capabilities, result);
        if !sandbox {
            // The helper's own ambient capability in a user namespace is none of the service's.
            return match spec.namespace {
                NamespaceMode::UserPid => capabilities(credentials::clear_ambient()),
                NamespaceMode::Pid | NamespaceMode::None => Ok(()),
            };
        }
        let (keep, ambient) = (
            spec.capability_bounding_set,
            spec.ambient_capabilities & spec.capability_bounding_set,
        );
        capabilities(credentials::limit_bounding_set(keep))?;
        if let Some(Ids { uid, gid, groups }) = spec.identity.ids.as_ref().filter(|_| switch_user) {
            capabilities(credentials::keep_capabilities(*uid != 0 && ambient != 0))?;
            sys(ExecStep::Group, credentials::set_groups(*gid, groups))?;
            sys(ExecStep::User, credentials::set_user(*uid))?;
        }
        let effective = if nix::unistd::geteuid().is_root() {
            keep
        } else {
            ambient
        };
        capabilities(credentials::set_capabilities(effective, ambient))?;
        capabilities(credentials::set_ambient(ambient))?;
        match spec.no_new_privileges {
            true => sys(ExecStep::NoNewPrivileges, credentials::no_new_privileges()),
            false => Ok(()),
        }
    }

    fn change_directory(&self) -> Step<()> {
        let wanted = self.spec.working_directory.as_str();
        match nix::unistd::chdir(wanted) {
            Err(_) if self.spec.working_directory_optional => errno(
                ExecStep::Chdir,
                "change directory to /",
                nix::unistd::chdir("/"),
            ),
            result => errno(
                ExecStep::Chdir,
                &format!("change directory to {wanted}"),
                result,
            ),
        }
    }
}

/// The kernel says that this process lacks the privilege.
fn is_refusal(errno: i32) -> bool {
    errno == Errno::EPERM as i32 || errno == Errno::EACCES as i32
}

/// `1024`, `1024:4096`, as Limit…= has it.
fn limit_words((soft, hard): (u64, u64)) -> String {
    let words = |limit: u64| match limit {
        u64::MAX => "infinity".to_owned(),
        number => number.to_string(),
    };
    match soft == hard {
        true => words(soft),
        false => format!("{}:{}", words(soft), words(hard)),
    }
}

/// A bare name is looked up in systemd's path, not in the unit's PATH.
fn find(path: &str) -> Step<String> {
    if path.contains('/') {
        return Ok(path.to_owned());
    }
    SEARCH_PATH
        .split(':')
        .map(|dir| format!("{dir}/{path}"))
        .find(|candidate| {
            Path::new(candidate).is_file()
                && nix::unistd::access(candidate.as_str(), nix::unistd::AccessFlags::X_OK).is_ok()
        })
        .ok_or_else(|| Failure {
            step: ExecStep::Exec,
            errno: Errno::ENOENT as i32,
            detail: format!("find {path} in {}", SEARCH_PATH),
        })
}

fn c_strings(texts: Vec<String>) -> Step<Vec<CString>> {
    texts.into_iter().map(c_string).collect()
}

fn c_string(text: String) -> Step<CString> {
    CString::new(text).map_err(|_| Failure {
        step: ExecStep::Exec,
        errno: Errno::EINVAL as i32,
        detail: "pass a text with a NUL byte".to_owned(),
    })
}

fn errno<T>(step: ExecStep, tried: &str, result: nix::Result<T>) -> Step<T> {
    result.map_err(|errno| Failure {
        step,
        errno: errno as i32,
        detail: tried.to_owned(),
    })
}

fn io<T>(step: ExecStep, tried: &str, result: std::io::Result<T>) -> Step<T> {
    result.map_err(|cause| Failure {
        step,
        errno: cause.raw_os_error().unwrap_or(0),
        detail: tried.to_owned(),
    })
}

fn sys<T>(step: ExecStep, result: gitproc_sys::Result<T>) -> Step<T> {
    result.map_err(|error| Failure {
        step,
        errno: error.errno(),
        detail: error.to_string(),
    })
}

const fn rlimit(resource: Resource) -> RlimitResource {
    match resource {
        Resource::Cpu => RlimitResource::Cpu,
        Resource::Fsize => RlimitResource::Fsize,
        Resource::Data => RlimitResource::Data,
        Resource::Stack => RlimitResource::Stack,
        Resource::Core => RlimitResource::Core,
        Resource::Rss => RlimitResource::Rss,
        Resource::Nofile => RlimitResource::Nofile,
        Resource::As => RlimitResource::As,
        Resource::Nproc => RlimitResource::Nproc,
        Resource::Memlock => RlimitResource::Memlock,
        Resource::Locks => RlimitResource::Locks,
        Resource::Sigpending => RlimitResource::Sigpending,
        Resource::Msgqueue => RlimitResource::Msgqueue,
        Resource::Nice => RlimitResource::Nice,
        Resource::Rtprio => RlimitResource::Rtprio,
        Resource::Rttime => RlimitResource::Rttime,
    }
}
