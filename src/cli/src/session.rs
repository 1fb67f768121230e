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
    /// How a command for this instance begins.
    command: String,
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
        let command = place.command();
        Ok(Session { client, command })
    }

    /// From here on each line of an answer has to come within `timeout`; by default jobs take as
    /// long as the units' own time-outs say.
    pub fn give_up_after(&mut self, timeout: Duration) -> Result<(), Failure> {
        self.client
            .set_timeout(Some(timeout))
            .map_err(Failure::from)
    }

    /// One call.
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Failure> {
        let answer = self.client.call::<M>(params);
        answer.map_err(|error| self.failure(error))
    }

    /// One call with notifications; `None` when `on_notification` broke it off.
    pub fn call_streaming<M: Method>(
        &mut self,
        params: &M::Params,
        on_notification: impl FnMut(&str, &RawValue) -> ControlFlow<()>,
    ) -> Result<Option<M::Result>, Failure> {
        let answer = self.client.call_streaming::<M>(params, on_notification);
        answer.map_err(|error| self.failure(error))
    }

    /// The daemon does not know how it is reached: its hints are made to work as they stand.
    fn failure(&self, error: CallError) -> Failure {
        let mut failure = Failure::from(error);
        failure.hint = failure.hint.map(|hint| addressed(&self.command, hint));
        failure
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

/// A hint that begins with a command, with the command of this instance.
fn addressed(command: &str, hint: String) -> String {
    match hint.strip_prefix("gitproc ") {
        Some(rest) => format!("{command} {rest}"),
        None => hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_of_the_daemon_name_the_instance() {
        for (hint, expected) in [
            (
                "gitproc history lists them",
                "gitproc --root /x history lists them",
            ),
            ("use sudo", "use sudo"),
        ] {
            assert_eq!(addressed("gitproc --root /x", hint.to_owned()), expected);
        }
    }
}
