//! The client against a daemon of a few lines.
use super::*;
use crate::api::{Empty, Logs, LogsParams, Ping, Start};
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;

/// A directory that goes away with the test.
struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> TempDir {
        let path = std::env::temp_dir().join(format!("gitproc-rpc-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary directory is writable");
        TempDir(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Answers one request with these bytes, then hangs up.
fn daemon(directory: &Path, answer: &'static str) -> (PathBuf, JoinHandle<String>) {
    let path = directory.join("s");
    let listener = UnixListener::bind(&path).expect("a fresh path");
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the client connects");
        let mut request = String::new();
        BufReader::new(&stream)
            .read_line(&mut request)
            .expect("a line");
        (&stream)
            .write_all(answer.as_bytes())
            .expect("the client reads");
        request
    });
    (path, thread)
}

#[test]
fn a_call_sends_one_line_and_reads_its_result() {
    let directory = TempDir::new("call");
    let answer = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"version\":\"9\",\"pid\":7}}\n";
    let (path, thread) = daemon(&directory.0, answer);
    let mut client = Client::connect(&path).expect("it listens");
    let pong = client.call::<Ping>(&Empty {}).expect("it answers");
    assert_eq!((pong.version.as_str(), pong.pid), ("9", 7));
    assert_eq!(
        thread.join().expect("no panic"),
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{}}\n"
    );
}

#[test]
fn notifications_come_before_the_result() {
    let directory = TempDir::new("stream");
    let answer = concat!(
        "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"a\":1}}\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"a\":2}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n"
    );
    let (path, thread) = daemon(&directory.0, answer);
    let mut seen = Vec::new();
    let result = Client::connect(&path)
        .expect("it listens")
        .call_streaming::<Logs>(&LogsParams::default(), |method, params| {
            seen.push(format!("{method} {}", params.get()));
            ControlFlow::Continue(())
        });
    assert_eq!(result.expect("it answers"), Some(Empty {}));
    assert_eq!(seen, ["log {\"a\":1}", "log {\"a\":2}"]);
    thread.join().expect("no panic");
}

#[test]
fn what_can_go_wrong_is_told_apart() {
    type Expected = fn(&CallError) -> bool;
    let cases: [(&'static str, Expected); 5] = [
        ("", |error| matches!(error, CallError::Closed)),
        ("junk\n", |error| matches!(error, CallError::BadReply(_))),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}\n", |error| {
            matches!(
                error,
                CallError::BadResult {
                    method: "start",
                    ..
                }
            )
        }),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":102,\"message\":\"no\"}}\n",
            |error| matches!(error, CallError::Rpc(error) if error.code == 102),
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no\"}}\n",
            |error| matches!(error, CallError::Rpc(error) if error.code == -32700),
        ),
    ];
    for (index, (answer, expected)) in cases.into_iter().enumerate() {
        let directory = TempDir::new(&format!("wrong-{index}"));
        let (path, thread) = daemon(&directory.0, answer);
        let mut client = Client::connect(&path).expect("it listens");
        let error = client.call::<Start>(&Default::default()).expect_err(answer);
        assert!(expected(&error), "{answer}: {error:?}");
        thread.join().expect("no panic");
    }
}

#[test]
fn a_daemon_that_says_nothing_times_out() {
    let directory = TempDir::new("deaf");
    let path = directory.0.join("s");
    let _listener = UnixListener::bind(&path).expect("a fresh path");
    let mut client = Client::connect(&path).expect("the kernel queues it");
    client
        .set_timeout(Some(Duration::from_millis(20)))
        .expect("a valid time");
    assert!(matches!(
        client.call::<Ping>(&Empty {}),
        Err(CallError::TimedOut)
    ));
}

#[test]
fn no_socket_and_nobody_listening_are_different() {
    let directory = TempDir::new("nobody");
    let path = directory.0.join("s");
    assert!(matches!(
        Client::connect(&path),
        Err(ConnectError::NoSocket(_))
    ));
    drop(UnixListener::bind(&path).expect("a fresh path"));
    assert!(matches!(
        Client::connect(&path),
        Err(ConnectError::NobodyListens(_))
    ));
}

#[test]
fn the_path_may_be_longer_than_an_address() {
    let directory = TempDir::new("deep");
    let deep = directory.0.join("d".repeat(120));
    std::fs::create_dir(&deep).expect("a fresh directory");
    let path = deep.join("gitproc.sock");
    assert!(matches!(
        Client::connect(&path),
        Err(ConnectError::NoSocket(_))
    ));
    let open = File::open(&deep).expect("it is there");
    let by_fd = format!("/proc/self/fd/{}/gitproc.sock", open.as_raw_fd());
    let _listener = UnixListener::bind(by_fd).expect("a short path");
    Client::connect(&path).expect("it listens");
}

#[test]
fn a_daemon_that_hangs_up_at_once_has_said_why() {
    let directory = TempDir::new("busy");
    let path = directory.0.join("s");
    let listener = UnixListener::bind(&path).expect("a fresh path");
    let mut client = Client::connect(&path).expect("it listens");
    let (mut stream, _) = listener.accept().expect("the client waits");
    let answer =
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":106,\"message\":\"full\"}}\n";
    stream.write_all(answer.as_bytes()).expect("there is room");
    drop(stream);
    match client.call::<Ping>(&Empty {}) {
        Err(CallError::Rpc(error)) => assert_eq!(error.message, "full"),
        other => panic!("{other:?}"),
    }
}
