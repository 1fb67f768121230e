//! The store: commits to trees of unit files, through a worker that has no privileges.
//!
//! Root never opens a repository. The daemon holds a [`client::Worker`], whose other end is
//! [`worker::serve`] in a process of the store's owner; git's own protocol is served by
//! [`transport`], again as the store's owner. [`clone`](mod@clone) acts as the operator.
pub mod client;
pub mod clone;
mod confine;
pub mod hooks;
pub mod identity;
mod program;
pub mod protocol;
mod quote;
mod store;
pub mod transport;
pub mod worker;

pub use client::{Worker, WorkerConfig, WorkerError};
pub use identity::Identity;
pub use protocol::{CommitInfo, FailureKind, HeadState, Person, Request, Response, Snapshot};
pub use store::{LocalRepository, RANGE_MAX};
