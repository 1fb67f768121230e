//! What a step came to: a failure names the step, the error number and what was tried.
use gitproc_core::protocol::Failure;
use gitproc_core::spec::ExecStep;
use nix::errno::Errno;

pub(super) type Step<T> = Result<T, Failure>;

pub(super) fn errno<T>(step: ExecStep, tried: &str, result: nix::Result<T>) -> Step<T> {
    result.map_err(|errno| Failure {
        step,
        errno: errno as i32,
        detail: tried.to_owned(),
    })
}

pub(super) fn io<T>(step: ExecStep, tried: &str, result: std::io::Result<T>) -> Step<T> {
    result.map_err(|cause| Failure {
        step,
        errno: cause.raw_os_error().unwrap_or(0),
        detail: tried.to_owned(),
    })
}

pub(super) fn sys<T>(step: ExecStep, result: gitproc_sys::Result<T>) -> Step<T> {
    result.map_err(|error| Failure {
        step,
        errno: error.errno(),
        detail: error.to_string(),
    })
}

/// The kernel says that this process lacks the privilege.
pub(super) fn is_refusal(errno: i32) -> bool {
    errno == Errno::EPERM as i32 || errno == Errno::EACCES as i32
}
