//! The shell around the pure engine: acts on its effects, tells it what happens, and answers those
//! who ask.
//!
//! One task owns the engine ([`event_loop`]); one task per invocation owns its helper ([`holder`]);
//! one task turns commits into targets ([`deploy`]); connections have tasks of their own
//! ([`server`]). They talk by bounded channels; readers get copies.
#![forbid(unsafe_code)]

mod adopt;
mod announced;
mod applied;
mod candidate;
mod checks;
mod cleanup;
mod commons;
mod condition;
pub mod config;
mod deploy;
mod deployer;
mod descriptor_stores;
mod devices;
mod driver;
mod dynamic_users;
mod event_loop;
mod fail_point;
mod generations;
mod git_socket;
mod group;
mod guards;
mod hold;
mod holder;
mod host;
mod host_action;
mod host_view;
mod identity;
mod init;
mod last_words;
mod lines;
mod link;
mod log;
mod log_chain;
mod log_filter;
mod log_reader;
mod log_seek;
mod log_tail;
mod logs;
mod methods;
mod open_files;
mod os_facts;
mod peer;
mod poller;
mod progress;
mod records;
mod run;
mod runtime_dir;
mod sd_notify;
mod server;
mod shell;
mod slices;
mod spawn;
mod store;
#[cfg(test)]
mod testing;
mod untracked;
mod watch;

use gitproc_core::layout::Layout;
use std::path::PathBuf;

pub use hold::hold;
pub use host::facts as host_facts;
pub use host_view::HostView;
pub use run::run;

/// How the daemon is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything lies.
    pub layout: Layout,
    /// `--config`: another configuration file, which has to exist.
    pub config: Option<PathBuf>,
    /// `--root`, as it was given, for the commands in hints.
    pub root: Option<PathBuf>,
    /// SIGTERM stops the services, too.
    pub stop_services: bool,
}

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// Another daemon has this instance.
    #[error("another gitproc daemon is running: {0}")]
    Locked(String),
    /// A system call.
    #[error("{}", .0.in_full())]
    System(#[from] gitproc_sys::Error),
    /// A file or a socket.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, and on what.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The owner of the store.
    #[error(transparent)]
    Identity(#[from] gitproc_git::identity::IdentityError),
    /// The git worker.
    #[error("{}", deployer::chain(.0))]
    Worker(#[from] gitproc_git::WorkerError),
    /// The store's hooks.
    #[error("{}", deployer::chain(.0))]
    Hooks(#[from] gitproc_git::hooks::HookError),
}

impl DaemonError {
    /// For `map_err` on I/O.
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> DaemonError {
        let what = what.into();
        move |source| DaemonError::Io { what, source }
    }
}
