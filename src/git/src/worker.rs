//! The worker process: reads requests from stdin, answers on stdout, ends with its stdin.
//!
//! It opens the store anew for each request (70 µs), so that it never holds a stale view.
pub use crate::protocol::{Request, Response};

use crate::confine::confine;
use crate::protocol::{Failure, FailureKind, MAX_REQUEST, Reply};
use crate::store;
use std::env;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

/// Set by a daemon that changed the worker's user: then no group may be left either.
pub(crate) const DROPPED: &str = "GITPROC_WORKER_DROPPED";

/// Serves until stdin ends; returns the exit code: 0, or 1 with the reason on stderr.
pub fn serve(store: &Path) -> u8 {
    if let Err(error) = confine(env::var_os(DROPPED).is_some()) {
        eprintln!("git worker: {error}");
        return 1;
    }
    match answer_all(store, &mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => 0,
        // The daemon died first; there is nobody to tell.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            eprintln!("git worker: {error}");
            1
        }
    }
}

fn answer_all(store: &Path, input: &mut impl BufRead, output: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = MAX_REQUEST as u64 + 1;
        if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.pop() != Some(b'\n') {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "request too long or cut off",
            ));
        }
        let reply = match serde_json::from_slice(&line) {
            Ok(request) => match store::answer(store, request) {
                Ok(response) => Reply::Ok(response),
                Err(failure) => Reply::Failed(failure),
            },
            Err(error) => Reply::Failed(Failure::new(
                FailureKind::Refused,
                format!("request is not understood: {error}"),
            )),
        };
        serde_json::to_writer(&mut *output, &reply)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}
