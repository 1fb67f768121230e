//! A conversation with the daemon, or the words that say why there is none.
use crate::failure::{Failure, NOT_PERMITTED};
use crate::place::Place;
use gitproc_rpc::api::{Empty, Method, Ping};
use gitproc_rpc::{CallError, Client};
use serde_json::value::RawValue;
use std::ops::ControlFlow;
use std::time::Duration;

/// How long a daemon may take to say that it is there. It answers from memory, so this is ample
/// also on a host that is short of everything.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A daemon that answers.
pub struct Session {
    client: Client,
}

impl Session {
    /// Connects, and sees whether somebody answers.
    pub fn open(place: &Place) -> Result<Session, Failure> {
        let mut client = Client::connect(&place.socket).map_err(|error| {
            let failure = Failure::from(error);
            match failure.exit == NOT_PERMITTED {
                true => failure.with_hint("use sudo, or join the group gitproc"),
                false => not_running(place, &failure.message),
            }
        })?;
        client.set_timeout(Some(ANSWER_TIMEOUT))?;
        client
            .call::<Ping>(&Empty {})
            .map_err(|error| match error {
                CallError::TimedOut | CallError::Closed => not_running(place, &error.to_string()),
                other => other.into(),
            })?;
        client.set_timeout(None)?; // jobs take as long as the units' own time-outs say
        Ok(Session { client })
    }

    /// One call.
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Failure> {
        Ok(self.client.call::<M>(params)?)
    }

    /// One call with notifications; `None` when `on_notification` broke it off.
    pub fn call_streaming<M: Method>(
        &mut self,
        params: &M::Params,
        on_notification: impl FnMut(&str, &RawValue) -> ControlFlow<()>,
    ) -> Result<Option<M::Result>, Failure> {
        Ok(self.client.call_streaming::<M>(params, on_notification)?)
    }
}

/// The one sentence for a daemon that is not there.
pub fn not_running(place: &Place, why: &str) -> Failure {
    let start = format!("{} daemon", place.command());
    let message = format!(
        "gitproc daemon is not running on {} ({why})",
        place.socket.display()
    );
    Failure::new(crate::failure::UNREACHABLE, message).with_hint(format!("start it with: {start}"))
}
