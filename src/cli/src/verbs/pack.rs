//! The far end of a push or fetch: hands git's three descriptors to the daemon, which runs
//! `git receive-pack` as the store's owner on them, and exits as that does.
use super::Context;
use crate::args::PackArgs;
use crate::failure::{FAILED, Failure};
use crate::session::not_running;
use gitproc_rpc::Lines;
use gitproc_rpc::client::connect_stream;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// Longest answer of the daemon, in bytes: an exit code, or a sentence.
const ANSWER_MAX: usize = 16 * 1024;

/// Which program is wanted at the far end.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    ReceivePack,
    UploadPack,
}

/// First line on the socket; the descriptors come with it.
#[derive(Serialize)]
struct Header {
    service: Service,
    /// GIT_PROTOCOL, which names the protocol's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
}

/// Last line on the socket.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    /// git's exit code.
    Exit(i32),
    Error(String),
}

/// Serves one push or fetch.
pub fn run(context: &Context, service: Service, args: &PackArgs) -> Result<u8, Failure> {
    check_repository(context, args)?;
    let socket = context.place.layout.git_socket();
    let stream = connect_stream(&socket).map_err(|error| {
        let mut failure = not_running(&context.place, &error.to_string());
        failure.exit = Failure::from(error).exit;
        failure
    })?;
    let header = Header {
        service,
        protocol: std::env::var("GIT_PROTOCOL").ok(),
    };
    send(&stream, &header)?;
    match answer(&stream)? {
        // git's codes fit; were one beyond what a process can exit with, it would be a failure.
        Answer::Exit(code) => Ok(u8::try_from(code).unwrap_or(FAILED)),
        Answer::Error(message) => Err(Failure::new(FAILED, message)),
    }
}

/// There is one store per instance, so the path that git passes on can only be right or a mistake.
fn check_repository(context: &Context, args: &PackArgs) -> Result<(), Failure> {
    let store = context.place.layout.store();
    let same = |path: &std::path::Path| {
        path == store
            || path
                .canonicalize()
                .is_ok_and(|path| Some(path) == store.canonicalize().ok())
    };
    match &args.repository {
        Some(path) if !same(path) => {
            let (path, store) = (path.display(), store.display());
            let message = format!("{path} is not the store of this instance");
            Err(Failure::new(FAILED, message)
                .with_hint(format!("git remote set-url origin {store}")))
        }
        _ => Ok(()),
    }
}

fn send(stream: &UnixStream, header: &Header) -> Result<(), Failure> {
    let mut line = serde_json::to_vec(header)
        .map_err(|error| Failure::caused("can't encode the header", &error))?;
    line.push(b'\n');
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let fds = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let failed = |error: &dyn std::error::Error| {
        Failure::caused("can't hand git's descriptors to the daemon", error)
    };
    let sent = gitproc_sys::socket::send_with_fds(stream.as_fd(), &line, &fds)
        .map_err(|error| failed(&error))?;
    let mut stream = stream;
    stream
        .write_all(&line[sent..])
        .map_err(|error| failed(&error))
}

fn answer(mut stream: &UnixStream) -> Result<Answer, Failure> {
    let gone = || {
        Failure::new(
            FAILED,
            "the daemon went away in the middle of the push or fetch",
        )
    };
    let mut lines = Lines::new(ANSWER_MAX);
    let mut chunk = [0; 1024];
    loop {
        let line = lines
            .next_line()
            .map_err(|error| Failure::caused("answer of the daemon", &error))?;
        if let Some(line) = line {
            return serde_json::from_slice(line)
                .map_err(|error| Failure::caused("answer of the daemon", &error));
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Err(gone()),
            Ok(count) => lines.push(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(gone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_and_answer_are_one_line_each() {
        let header = Header {
            service: Service::ReceivePack,
            protocol: Some("version=2".into()),
        };
        let text = serde_json::to_string(&header).expect("an object");
        assert_eq!(text, r#"{"service":"receive-pack","protocol":"version=2"}"#);
        let read = |text| serde_json::from_str::<Answer>(text).expect("an answer");
        assert_eq!(read(r#"{"exit":128}"#), Answer::Exit(128));
        assert_eq!(read(r#"{"error":"no"}"#), Answer::Error("no".into()));
    }

    #[test]
    fn a_daemon_that_goes_away_is_no_success() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        (&theirs).write_all(b"{\"exit\":0").expect("room");
        drop(theirs);
        assert!(answer(&ours).is_err());
    }
}
