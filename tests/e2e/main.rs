//! End to end: the real program, the real kernel, real git, real services.
//!
//! These check wiring; what can fail lower down is tested lower down. Each test has an instance of
//! its own under a temporary root. Tests that need root fail without it where `CI` is set, and say
//! that they did not run elsewhere.
mod actions;
mod bad_input;
mod broken_store;
mod conditions;
mod container;
mod crash;
mod demo;
mod fail_points;
mod failing;
mod instance;
mod jobs;
mod lifecycle;
mod logs;
mod person;
mod poor_hosts;
mod pressure;
mod real_services;
mod rivals;
mod semantics;
mod slices;
mod stores;
mod stress;
mod verify;

/// True when the test may go on. Without root, a test that needs it does not run.
pub fn root_or_say_so(test: &str) -> bool {
    if nix::unistd::geteuid().is_root() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{test} needs root, and CI must run it"
    );
    eprintln!("{test}: needs root, not run");
    false
}
