//! What gitproc decides: graph, plan, jobs, unit state machines, restart policy.
//!
//! Pure functions of (state, now, input): no I/O, no clock, no randomness, no process ids beyond
//! what is shown to people. The shells act on the [`Effect`]s and report back as [`Input`]s.
#![forbid(unsafe_code)]

pub mod api;
pub mod descriptor_store;
pub mod engine;
pub mod generation;
pub mod graph;
pub mod guards;
pub mod host_action;
pub mod ids;
pub mod layout;
pub mod lint;
pub mod log_files;
pub mod log_policy;
pub mod logline;
mod neighbours;
pub mod plan;
pub mod protocol;
pub mod resources;
pub mod security;
pub mod snapshot;
pub mod spec;
pub mod spec_build;
#[cfg(test)]
mod testing;
mod transaction;

pub use api::{
    Effect, HelperEvent, Input, JobMode, JobOutcome, JobResult, JobType, KillWhom, Verb,
};
pub use engine::{Engine, EngineConfig};
pub use ids::{CommitId, Generation, Instant, InvocationId, JobId};
