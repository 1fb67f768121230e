//! Lines to messages and back. Pure; reading and writing is the caller's business.
//!
//! What is wrong with a line becomes the [`Response`] to send, as JSON-RPC 2.0 asks: no JSON is
//! -32700, no request is -32600, each with the id as far as it could be read.
use crate::error::{ErrorKind, RpcError};
use crate::frame::Oversized;
use crate::message::{Id, Incoming, Reply, Request, Response};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// Most requests in one batch; each may make the daemon work, and none is needed in numbers.
pub const BATCH_MAX: usize = 64;

const VERSION: &str = "2.0";

/// The members of a request, a notification or a response; each may be missing.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// `Some` also for `null`: a member that is null is not a member that is missing.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(input: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(input).map(Some)
}

/// Reads one line from a client.
pub fn decode_request(line: &[u8]) -> Incoming {
    let text: &RawValue = match serde_json::from_slice(line) {
        Ok(text) => text,
        Err(error) => return Incoming::Single(Err(parse_error(&error))),
    };
    if !text.get().starts_with('[') {
        return Incoming::Single(request(text));
    }
    match serde_json::from_str::<Vec<&RawValue>>(text.get()) {
        Ok(batch) if batch.is_empty() => Incoming::Single(Err(invalid(Id::Null, "empty batch"))),
        Ok(batch) if batch.len() > BATCH_MAX => {
            let message = format!("batch of {} requests; at most {BATCH_MAX}", batch.len());
            Incoming::Single(Err(invalid(Id::Null, &message)))
        }
        Ok(batch) => Incoming::Batch(batch.into_iter().map(request).collect()),
        Err(error) => Incoming::Single(Err(parse_error(&error))),
    }
}

/// What to answer to a line that is too long, before closing the connection.
pub fn oversized(error: Oversized) -> Response {
    Response::error(
        Id::Null,
        RpcError::new(ErrorKind::Parse, error.to_string())
            .with_hint("the connection is closed, since the end of that line is not known"),
    )
}

fn request(text: &RawValue) -> Result<Request, Response> {
    let envelope: Envelope<'_> = match text.get().starts_with('{') {
        true => serde_json::from_str(text.get())
            .map_err(|error| invalid(Id::Null, &error.to_string()))?,
        false => return Err(invalid(Id::Null, "a request is an object")),
    };
    let id = match envelope.id.map(|id| serde_json::from_str::<Id>(id.get())) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(invalid(Id::Null, "id is a string, a number or null")),
    };
    let answer_to = || id.clone().unwrap_or(Id::Null);
    if text_of(envelope.jsonrpc).as_deref() != Some(VERSION) {
        return Err(invalid(answer_to(), "\"jsonrpc\" has to be \"2.0\""));
    }
    let Some(method) = text_of(envelope.method) else {
        return Err(invalid(answer_to(), "\"method\" has to be a string"));
    };
    let structured = |raw: &&RawValue| raw.get().starts_with(['{', '[']);
    if envelope.params.is_some_and(|params| !structured(&params)) {
        return Err(invalid(answer_to(), "\"params\" has to be an object"));
    }
    Ok(Request {
        id,
        method,
        params: envelope.params.map(ToOwned::to_owned),
    })
}

fn text_of(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

fn parse_error(error: &serde_json::Error) -> Response {
    let message = format!("no JSON: {error}");
    Response::error(Id::Null, RpcError::new(ErrorKind::Parse, message))
}

fn invalid(id: Id, why: &str) -> Response {
    let message = format!("no request: {why}");
    Response::error(id, RpcError::new(ErrorKind::InvalidRequest, message))
}

/// A line from the daemon that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("the daemon's answer is no JSON-RPC 2.0: {0}")]
pub struct BadReply(String);

/// Reads one line from the daemon.
pub fn decode_reply(line: &[u8]) -> Result<Reply, BadReply> {
    let bad = |error: serde_json::Error| BadReply(error.to_string());
    let envelope: Envelope<'_> = serde_json::from_slice(line).map_err(bad)?;
    if text_of(envelope.jsonrpc).as_deref() != Some(VERSION) {
        return Err(BadReply("\"jsonrpc\" is not \"2.0\"".into()));
    }
    if let Some(method) = text_of(envelope.method) {
        let params = envelope.params.ok_or(BadReply("no \"params\"".into()))?;
        return Ok(Reply::Notification {
            method,
            params: params.to_owned(),
        });
    }
    let id = envelope.id.ok_or(BadReply("no \"id\"".into()))?;
    let id = serde_json::from_str(id.get()).map_err(bad)?;
    let outcome = match (envelope.result, envelope.error) {
        (Some(result), None) => Ok(result.to_owned()),
        (None, Some(error)) => Err(serde_json::from_str(error.get()).map_err(bad)?),
        _ => return Err(BadReply("neither \"result\" nor \"error\"".into())),
    };
    Ok(Reply::Response(Response { id, outcome }))
}

/// What is written: the same members, in the order in which people expect to read them.
#[derive(Serialize)]
struct Outgoing<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<P>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RpcError>,
}

/// A request, with its newline.
pub fn encode_request<P: Serialize>(
    id: &Id,
    method: &str,
    params: &P,
) -> serde_json::Result<Vec<u8>> {
    line(&Outgoing {
        jsonrpc: VERSION,
        id: Some(id),
        method: Some(method),
        params: Some(params),
        result: None,
        error: None,
    })
}

/// A notification, with its newline.
pub fn encode_notification<P: Serialize>(method: &str, params: &P) -> serde_json::Result<Vec<u8>> {
    line(&Outgoing {
        jsonrpc: VERSION,
        id: None,
        method: Some(method),
        params: Some(params),
        result: None,
        error: None,
    })
}

/// A response, with its newline.
pub fn encode_response(response: &Response) -> Vec<u8> {
    line(&outgoing(response)).expect("ids, raw JSON and error objects have string keys only")
}

/// The responses to a batch, with the newline; `None` when all of it were notifications.
pub fn encode_batch(responses: &[Response]) -> Option<Vec<u8>> {
    let array: Vec<_> = responses.iter().map(outgoing).collect();
    (!array.is_empty()).then(|| line(&array).expect("as for a single response"))
}

fn outgoing(response: &Response) -> Outgoing<'_, ()> {
    Outgoing {
        jsonrpc: VERSION,
        id: Some(&response.id),
        method: None,
        params: None,
        result: response.outcome.as_deref().ok(),
        error: response.outcome.as_ref().err(),
    }
}

fn line(message: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(message)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests;
