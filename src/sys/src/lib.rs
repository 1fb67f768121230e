//! Where gitproc touches the kernel: processes, cgroups, mounts, credentials, sockets.
//!
//! Safe functions over system calls, without policy: what is asked for is done, or the error names
//! the operation and its object. All `unsafe` of the workspace that is not a single call in `exec`
//! is here, each block with its reason.
#![allow(unsafe_code)] // this crate is the place for it (docs/architecture.md, rooms)

pub mod bpf;
pub mod cgroup;
pub mod cpu;
pub mod credentials;
mod error;
pub mod fd;
pub mod file;
pub mod host;
pub mod ipc;
pub mod keyring;
pub mod memfd;
pub mod mount;
pub mod namespace;
pub mod pattern;
pub mod pidfd;
pub mod probe;
pub mod scheduling;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod spawn;
pub mod terminal;

pub use error::{Error, Result};
