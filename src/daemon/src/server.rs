//! JSON-RPC connections: who calls, how much, and what happens to those that don't read.
//!
//! Each connection has a reader, a writer, and a bounded number of requests in flight. All of them
//! wait on each other only, never the loop on them.
use crate::lines::{LineError, Lines};
use crate::methods::{self, Context};
use crate::peer::{Caller, People};
use gitproc_rpc::api::Method;
use gitproc_rpc::codec;
use gitproc_rpc::frame::{Oversized, REQUEST_LINE_MAX};
use gitproc_rpc::{ErrorKind, Id, Incoming, Request, Response, RpcError};
use gitproc_sys::socket::Peer;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

/// Connections at a time; a person has a few, a push one per hook.
/// One that finds its places taken is told so, and not left waiting.
const CONNECTIONS_MAX: usize = 512;
/// Places for root and the daemon's own user alone: nobody else can lock the operator out.
const OWN_CONNECTIONS_MAX: usize = 32;
/// Requests in flight per connection; further ones wait unread.
const IN_FLIGHT_MAX: usize = 16;
/// Answers and notifications that may wait for a reader; an answer may have a megabyte.
const OUTGOING: usize = 32;
/// How often a client that says nothing more, but still listens, is seen to be there.
const LISTENER_LOOK: Duration = Duration::from_secs(10);
/// How long a reader may take nothing before it is dropped. A pager that is left open stops
/// reading, so this is generous; only the connection's own tasks wait.
const WRITE_TIMEOUT: Duration = Duration::from_secs(300);

/// Accepts connections until the task is dropped; then finishes nothing.
pub async fn serve(listener: UnixListener, context: Arc<Context>) {
    let places = Places::new(context.people);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let peer = match gitproc_sys::socket::peer(stream.as_fd()) {
                    Ok(peer) => peer,
                    Err(error) => {
                        tracing::warn!("refused a connection: {}", error.in_full());
                        continue;
                    }
                };
                let Some(place) = places.take(peer) else {
                    refuse(&stream);
                    continue;
                };
                let context = Arc::clone(&context);
                tokio::spawn(async move {
                    connection(stream, peer, context).await;
                    drop(place);
                });
            }
            Err(cause) => {
                // Out of descriptors, most likely: those who are connected go first.
                tracing::error!("accept a connection: {cause}, ignoring");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Room for connections.
struct Places {
    people: People,
    everyone: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

impl Places {
    fn new(people: People) -> Places {
        Places {
            people,
            everyone: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            own: Arc::new(Semaphore::new(OWN_CONNECTIONS_MAX)),
        }
    }

    /// A place for this peer, if one is free.
    fn take(&self, peer: Peer) -> Option<OwnedSemaphorePermit> {
        let free = |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().ok();
        let own = peer.uid == 0 || peer.uid == self.people.own_uid;
        free(&self.everyone).or_else(|| own.then(|| free(&self.own)).flatten())
    }
}

/// Says that there is no place, and hangs up.
fn refuse(stream: &UnixStream) {
    let message = format!("{CONNECTIONS_MAX} connections are open already");
    let error = RpcError::new(ErrorKind::Busy, message).with_hint("try again later");
    let line = codec::encode_response(&Response::error(Id::Null, error));
    // A socket that was accepted just now has room for it.
    let _ = stream.try_write(&line);
}

async fn connection(stream: UnixStream, peer: Peer, context: Arc<Context>) {
    let people = context.people;
    let Ok(caller) = tokio::task::spawn_blocking(move || people.judge(peer)).await else {
        return;
    };
    let (read, write) = stream.into_split();
    let (outgoing, queue) = mpsc::channel(OUTGOING);
    let client = Client {
        context,
        caller: Arc::new(caller),
        outgoing,
    };
    let mut requests = JoinSet::new();
    let mut lines = Lines::new(read, REQUEST_LINE_MAX);
    {
        let writer = write_all(write, queue);
        tokio::pin!(writer);
        tokio::select! {
            () = &mut writer => {}
            gone = client.read(&mut lines, &mut requests) => {
                drop(client);
                // What is in flight may end and be answered; then the queue closes.
                if !gone {
                    tokio::select! {
                        () = &mut writer => {}
                        () = hung_up(lines.get_ref(), LISTENER_LOOK) => {}
                    }
                }
            }
        }
    }
    // Whoever hung up takes its streams along.
    requests.abort_all();
}

/// One side of a connection, as its requests see it.
#[derive(Clone)]
pub struct Client {
    /// What methods work with.
    pub context: Arc<Context>,
    /// Who it is.
    pub caller: Arc<Caller>,
    outgoing: mpsc::Sender<Vec<u8>>,
}

/// The client has hung up.
#[derive(Debug, Clone, Copy)]
pub struct HungUp;

impl Client {
    /// Until the end of input; true when the peer is gone altogether.
    async fn read(&self, lines: &mut Lines<OwnedReadHalf>, requests: &mut JoinSet<()>) -> bool {
        loop {
            while requests.len() >= IN_FLIGHT_MAX {
                requests.join_next().await;
            }
            while requests.try_join_next().is_some() {}
            match lines.next().await {
                Ok(Some(line)) => {
                    let client = self.clone();
                    requests.spawn(async move { client.line(&line).await });
                }
                Ok(None) => return is_gone(lines.get_ref()).await,
                Err(LineError::Read(_)) => return true,
                Err(LineError::TooLong(limit)) => {
                    let answer = codec::oversized(Oversized { limit });
                    let _ = self.send(codec::encode_response(&answer)).await;
                    return false;
                }
            }
        }
    }

    async fn line(&self, line: &[u8]) {
        let answer = match codec::decode_request(line) {
            Incoming::Single(request) => self
                .one(request)
                .await
                .map(|response| codec::encode_response(&response)),
            Incoming::Batch(batch) => {
                let mut responses = Vec::new();
                for request in batch {
                    responses.extend(self.one(request).await);
                }
                codec::encode_batch(&responses)
            }
        };
        if let Some(bytes) = answer {
            let _ = self.send(bytes).await;
        }
    }

    /// `None` for notifications.
    async fn one(&self, request: Result<Request, Response>) -> Option<Response> {
        let request = match request {
            Ok(request) => request,
            Err(answer) => return Some(answer),
        };
        let wanted = request.id.is_some();
        let id = request.id.clone().unwrap_or(Id::Null);
        let response = match self.permitted(&request) {
            Ok(()) => methods::call(self, &request, id).await,
            Err(error) => Response::error(id, error),
        };
        wanted.then_some(response)
    }

    fn permitted(&self, request: &Request) -> Result<(), RpcError> {
        let right = request.right()?;
        match self.caller.may(right) {
            true => Ok(()),
            false => {
                let message = format!("{} may not call '{}'", self.caller.actor(), request.method);
                let hint = "use sudo, or add the user to group gitproc";
                Err(RpcError::new(ErrorKind::NotPermitted, message).with_hint(hint))
            }
        }
    }

    /// Sends a notification; waits for a slow reader.
    pub async fn notify(&self, method: &str, params: &impl serde::Serialize) -> Result<(), HungUp> {
        match codec::encode_notification(method, params) {
            Ok(bytes) => self.send(bytes).await,
            Err(error) => {
                tracing::error!("encode notification '{method}': {error}, ignoring");
                Ok(())
            }
        }
    }

    async fn send(&self, bytes: Vec<u8>) -> Result<(), HungUp> {
        self.outgoing.send(bytes).await.map_err(|_| HungUp)
    }
}

/// Writes until the queue closes or the reader is gone.
async fn write_all(mut write: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = queue.recv().await {
        match tokio::time::timeout(WRITE_TIMEOUT, write.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                tracing::warn!("dropped a connection that does not read");
                return;
            }
        }
    }
}

/// After the end of its input: whether the peer is gone, or has only nothing more to say.
async fn is_gone(read: &OwnedReadHalf) -> bool {
    /// A socket that is not gone and can't take a byte either has a slow reader.
    const GLANCE: Duration = Duration::from_millis(10);
    match tokio::time::timeout(GLANCE, read.as_ref().ready(Interest::WRITABLE)).await {
        Ok(Ok(ready)) => ready.is_write_closed(),
        Ok(Err(_)) => true,
        Err(_) => false,
    }
}

/// Until a peer that only listens is gone.
async fn hung_up(read: &OwnedReadHalf, look: Duration) {
    loop {
        tokio::time::sleep(look).await;
        if is_gone(read).await {
            return;
        }
    }
}

/// The answer to `request` as method `M`.
pub async fn answer<M, F>(request: &Request, id: Id, run: impl FnOnce(M::Params) -> F) -> Response
where
    M: Method,
    F: Future<Output = Result<M::Result, RpcError>>,
{
    let outcome = match request.params::<M>() {
        Ok(params) => run(params).await,
        Err(error) => Err(error),
    };
    Response::of::<M>(id, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_can_not_lock_the_operator_out() {
        let own_uid = 4_000_000;
        let places = Places::new(People {
            own_uid,
            store_uid: None,
            control_gid: None,
        });
        let peer = |uid| Peer {
            uid,
            gid: 0,
            pid: 1,
        };
        let taken: Vec<_> = (0..CONNECTIONS_MAX)
            .map(|_| places.take(peer(4_000_001)).expect("room"))
            .collect();
        assert!(places.take(peer(4_000_001)).is_none(), "no more room");
        assert!(places.take(peer(0)).is_some(), "but for root");
        assert!(places.take(peer(own_uid)).is_some(), "and its own user");
        drop(taken);
        assert!(places.take(peer(4_000_001)).is_some(), "room again");
    }

    #[tokio::test]
    async fn whoever_refused_is_told_why() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        refuse(&ours);
        drop(ours);
        let mut lines = Lines::new(theirs, REQUEST_LINE_MAX);
        let line = lines.next().await.expect("readable").expect("a line");
        let text = String::from_utf8(line).expect("JSON");
        assert!(text.contains("\"busy\""), "{text}");
    }

    #[tokio::test]
    async fn a_listener_that_hangs_up_is_noticed() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let (read, _write) = ours.into_split();
        let look = Duration::from_millis(1);
        let listening = tokio::time::timeout(50 * look, hung_up(&read, look)).await;
        assert!(listening.is_err(), "it still listens");
        drop(theirs);
        hung_up(&read, look).await;
    }
}
