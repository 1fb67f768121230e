//! The envelopes of JSON-RPC 2.0. Parameters and results stay raw until their method is known.
use crate::api::{METHODS, Method, Right};
use crate::error::{ErrorKind, RpcError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Identifies a request within its connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// `null`: the request could not be read far enough to know.
    Null,
    /// A number, kept as it was written.
    Number(serde_json::Number),
    /// A string.
    Text(String),
}

impl From<u64> for Id {
    fn from(number: u64) -> Id {
        Id::Number(number.into())
    }
}

/// One line from a client.
#[derive(Debug)]
pub enum Incoming {
    /// One request (or what should have been one, with the answer that says so).
    Single(Result<Request, Response>),
    /// A batch. Its answers go back as one array, without those to notifications.
    Batch(Vec<Result<Request, Response>>),
}

/// A request or, without an id, a notification: one that is not answered, not even with an error.
#[derive(Debug, Clone)]
pub struct Request {
    /// `None` makes it a notification.
    pub id: Option<Id>,
    /// Its method, which need not exist.
    pub method: String,
    /// An object or an array; `None` when absent.
    pub params: Option<Box<RawValue>>,
}

impl Request {
    /// The right that its method needs, or the error when there is no such method.
    pub fn right(&self) -> Result<Right, RpcError> {
        let known = METHODS.iter().find(|(name, _)| *name == self.method);
        known.map(|(_, right)| *right).ok_or_else(|| {
            let message = format!("no method '{}'", self.method);
            RpcError::new(ErrorKind::MethodNotFound, message)
                .with_hint("docs/rpc.md lists the methods; is this daemon older than its client?")
        })
    }

    /// Its parameters as those of `M`. Absent ones count as `{}`.
    pub fn params<M: Method>(&self) -> Result<M::Params, RpcError> {
        let text = self.params.as_deref().map_or("{}", RawValue::get);
        let invalid = |why: String| {
            let message = format!("parameters of '{}': {why}", M::NAME);
            RpcError::new(ErrorKind::InvalidParams, message)
        };
        if text.starts_with('[') {
            return Err(invalid("they go by name, in an object".into()));
        }
        serde_json::from_str(text).map_err(|error| invalid(error.to_string()))
    }
}

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct Response {
    /// The request's; [`Id::Null`] when that is not known.
    pub id: Id,
    /// What came of it.
    pub outcome: Result<Box<RawValue>, RpcError>,
}

impl Response {
    /// The result of `M`, or an error.
    pub fn of<M: Method>(id: Id, outcome: Result<M::Result, RpcError>) -> Response {
        let outcome = outcome.and_then(|result| {
            serde_json::value::to_raw_value(&result).map_err(|error| {
                let message = format!("result of '{}': {error}", M::NAME);
                RpcError::new(ErrorKind::Internal, message)
            })
        });
        Response { id, outcome }
    }

    /// An error.
    pub fn error(id: Id, error: RpcError) -> Response {
        Response {
            id,
            outcome: Err(error),
        }
    }
}

/// One line from the daemon, as a client reads it.
#[derive(Debug)]
pub enum Reply {
    /// The answer to a request.
    Response(Response),
    /// Something on the way to the answer.
    Notification {
        /// `log`, `progress`
        method: String,
        /// What.
        params: Box<RawValue>,
    },
}
