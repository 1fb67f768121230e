//! git's own protocol for the clone: the client hands over its descriptors, and git runs as the
//! store's owner.
//!
//! The client sends one line of JSON with three descriptors (its stdin, stdout and stderr), and is
//! answered with one line when git has ended.
use crate::methods::Context;
use gitproc_git::Identity;
use gitproc_git::transport::{Service, Session, spawn};
use gitproc_rpc::api::Right;
use gitproc_sys::socket::{Peer, receive_with_fds};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as BlockingStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Sessions at a time; each is a thread that waits for a git process.
const SESSIONS_MAX: usize = 32;
/// Longest header, in bytes.
const HEADER_MAX: usize = 1024;
/// How long a client may take to send its header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the client sends.
#[derive(Debug, Deserialize)]
struct Header {
    service: String,
    #[serde(default)]
    protocol: Option<String>,
}

/// What it is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    /// Exit code of git.
    Exit(i32),
    /// Why git was not run.
    Error(String),
}

/// Where sessions run.
#[derive(Debug, Clone)]
pub struct Place {
    /// The bare store.
    pub store: PathBuf,
    /// Its hooks.
    pub hooks: PathBuf,
    /// Its owner.
    pub identity: Option<Identity>,
}

/// Accepts sessions until the task is dropped; those that run go on.
pub async fn serve(listener: UnixListener, place: Place, context: Arc<Context>) {
    let places = Arc::new(Semaphore::new(SESSIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (place, context) = (place.clone(), Arc::clone(&context));
                // A thread of its own: a push lasts as long as its apply.
                let started = std::thread::Builder::new()
                    .name("git session".to_owned())
                    .spawn(move || {
                        session(stream, &place, &context);
                        drop(permit);
                    });
                if let Err(cause) = started {
                    tracing::error!("start a git session: {cause}, ignoring");
                }
            }
            Err(cause) => {
                tracing::error!("accept a git session: {cause}, ignoring");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn session(stream: UnixStream, place: &Place, context: &Context) {
    let prepare = |stream: UnixStream| {
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(HEADER_TIMEOUT))?;
        Ok::<_, std::io::Error>(stream)
    };
    let mut stream = match prepare(stream) {
        Ok(stream) => stream,
        Err(cause) => {
            tracing::warn!("git session: {cause}");
            return;
        }
    };
    let answer = match run(&stream, place, context) {
        Ok(code) => Answer::Exit(code),
        Err(message) => {
            tracing::warn!("git session refused: {message}");
            Answer::Error(message)
        }
    };
    let mut line = serde_json::to_vec(&answer).expect("string keys only");
    line.push(b'\n');
    // A client that has gone does not want to know.
    let _ = stream.write_all(&line);
}

fn run(stream: &BlockingStream, place: &Place, context: &Context) -> Result<i32, String> {
    let peer = gitproc_sys::socket::peer(stream.as_fd()).map_err(|error| error.in_full())?;
    let (header, [stdin, stdout, stderr]) = receive(stream)?;
    let service = service(&header.service)?;
    let caller = context.people.judge(peer);
    let right = match service {
        Service::ReceivePack => Right::Control,
        Service::UploadPack => Right::Read,
    };
    if !caller.may(right) {
        return Err(format!(
            "{} may not push (use sudo, or join group gitproc)",
            caller.actor()
        ));
    }
    let session = Session {
        service,
        store: place.store.clone(),
        hooks: place.hooks.clone(),
        identity: place.identity,
        pusher: pusher(peer, &caller.name),
        protocol: header.protocol,
    };
    let mut child = spawn(&session, stdin, stdout, stderr)
        .map_err(|cause| format!("start git {}: {cause}", service.name()))?;
    let status = child
        .wait()
        .map_err(|cause| format!("wait for git: {cause}"))?;
    // As a shell counts them.
    Ok(status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

fn pusher(peer: Peer, name: &str) -> String {
    match name.bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("uid {}", peer.uid),
        false => name.to_owned(),
    }
}

fn service(name: &str) -> Result<Service, String> {
    [Service::ReceivePack, Service::UploadPack]
        .into_iter()
        .find(|service| service.name() == name)
        .ok_or_else(|| format!("no git service '{name}'"))
}

fn receive(stream: &BlockingStream) -> Result<(Header, [OwnedFd; 3]), String> {
    let mut bytes = Vec::new();
    let mut fds = Vec::new();
    let mut buffer = [0; HEADER_MAX];
    while !bytes.ends_with(b"\n") {
        if bytes.len() >= HEADER_MAX {
            return Err(format!("header longer than {HEADER_MAX} bytes"));
        }
        let room = HEADER_MAX - bytes.len();
        let (length, more) = receive_with_fds(stream.as_fd(), &mut buffer[..room])
            .map_err(|error| error.in_full())?;
        if length == 0 {
            return Err("the client hung up before its header was complete".to_owned());
        }
        bytes.extend_from_slice(&buffer[..length]);
        fds.extend(more);
    }
    let header = serde_json::from_slice(&bytes).map_err(|error| format!("header: {error}"))?;
    let fds = fds
        .try_into()
        .map_err(|fds: Vec<OwnedFd>| format!("{} descriptors came, not 3", fds.len()))?;
    Ok((header, fds))
}
