//! What goes over gitproc's socket: JSON-RPC 2.0 methods, error codes, framing, the client.
//!
//! One object per line. `serde_json::Value` does not leave this crate. Documented in `docs/rpc.md`.
#![forbid(unsafe_code)]

pub mod api;
