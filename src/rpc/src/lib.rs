//! What goes over gitproc's socket: JSON-RPC 2.0 methods, error codes, framing, the client.
//!
//! One object per line. `serde_json::Value` does not leave this crate. Documented in `docs/rpc.md`.
#![forbid(unsafe_code)]

pub mod api;
pub mod client;
pub mod codec;
pub mod error;
pub mod frame;
pub mod message;

pub use client::{CallError, Client, ConnectError};
pub use error::{ErrorKind, RpcError};
pub use frame::Lines;
pub use message::{Id, Incoming, Request, Response};
