//! Filters of system calls.
use super::Child;
use super::step::{Step, sys};
use gitproc_core::spec::ExecStep;
use gitproc_sys::seccomp;

impl Child<'_> {
    pub(super) fn load_call_filters(&mut self) -> Step<()> {
        let spec = self.spec;
        for program in &spec.system_calls {
            let loaded = sys(ExecStep::Seccomp, seccomp::load(&program.instructions));
            let told = loaded.map_err(|mut failed| {
                failed.detail = format!("{} for {}", failed.detail, program.directive);
                failed
            });
            self.restrict(&program.directive, told)?;
        }
        Ok(())
    }
}
