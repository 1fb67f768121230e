//! The program: found, and executed.
use super::Child;
use super::step::{Step, errno, sys};
use crate::environment;
use gitproc_core::protocol::Failure;
use gitproc_core::spec::ExecStep;
use nix::errno::Errno;
use std::ffi::CString;
use std::path::Path;

impl Child<'_> {
    /// A bare name is looked up in the unit's search path, not in its PATH.
    pub(super) fn find_program(&mut self) -> Step<()> {
        let path = &self.command.path;
        if path.contains('/') {
            self.found.program = path.clone();
            return Ok(());
        }
        let candidates = self.spec.search_path.iter();
        let mut candidates = candidates.map(|dir| format!("{dir}/{path}"));
        let found = candidates.find(|candidate| {
            Path::new(candidate).is_file()
                && nix::unistd::access(candidate.as_str(), nix::unistd::AccessFlags::X_OK).is_ok()
        });
        self.found.program = found.ok_or_else(|| Failure {
            step: ExecStep::Exec,
            errno: Errno::ENOENT as i32,
            detail: format!("find {path} in {}", self.spec.search_path.join(":")),
        })?;
        Ok(())
    }

    pub(super) fn close_descriptors(&mut self) -> Step<()> {
        let passed = std::mem::take(&mut self.passed);
        let passed = passed.into_iter().map(|(_, fd)| fd).collect();
        #[allow(unsafe_code)] // the exec path
        // SAFETY: this is the forked child. Of its own descriptors it uses none after this but 0, 1, 2
        // and the accounts; the owners of the others are not here, since it ends by exec or _exit.
        let passed_on = unsafe { gitproc_sys::fd::pass_on(passed, &mut self.accounts) };
        sys(ExecStep::Fds, passed_on)
    }

    pub(super) fn change_directory(&mut self) -> Step<()> {
        let wanted = &self.spec.working_directory;
        // Without its root directory it begins where it would have with it, as under systemd.
        let root = self.spec.mounts.root.as_deref();
        let root = root.filter(|_| self.leaves_out_root()).unwrap_or("");
        let wanted = format!("{root}{wanted}");
        match nix::unistd::chdir(wanted.as_str()) {
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

    pub(super) fn execute_program(&mut self) -> Step<std::convert::Infallible> {
        let env = &self.found.environment;
        let mut argv = gitproc_unit::expand(self.command, env);
        if argv.is_empty() {
            argv.push(self.command.path.clone());
        }
        let (argv, envp) = (c_strings(argv)?, c_strings(environment::assignments(env))?);
        let program = c_string(self.found.program.clone())?;
        let shown = format!("execute {}", self.command.path);
        errno(
            ExecStep::Exec,
            &shown,
            nix::unistd::execve(&program, &argv, &envp),
        )
    }
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
