//! `docs/rpc.md` and the code say the same: methods, rights, error codes, and every example.
use gitproc_rpc::api::*;
use gitproc_rpc::codec::{decode_reply, decode_request};
use gitproc_rpc::message::{Incoming, Reply, Request};
use gitproc_rpc::{ErrorKind, Id};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

fn docs() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rpc.md");
    std::fs::read_to_string(path).expect("it is in the repository")
}

type ResultCheck = fn(&str) -> Result<(), String>;

/// Reads parameters and a result as those of the method of this name.
macro_rules! typed {
    ($name:expr, $($method:ident)*) => {
        match $name {
            $($method::NAME => (
                (|request| request.params::<$method>().map(drop).map_err(|e| e.to_string()))
                    as fn(&Request) -> Result<(), String>,
                (|result| {
                    serde_json::from_str::<<$method as Method>::Result>(result)
                        .map(drop)
                        .map_err(|e| e.to_string())
                }) as ResultCheck,
            ),)*
            other => panic!("no method '{other}' in the code (or not in this test)"),
        }
    };
}

#[test]
fn every_method_has_an_example_that_fits_its_types() {
    let mut shown = BTreeSet::new();
    let mut waiting: HashMap<Id, ResultCheck> = HashMap::new();
    for line in docs().lines() {
        if let Some(line) = line.strip_prefix("--> ") {
            let Incoming::Single(Ok(request)) = decode_request(line.as_bytes()) else {
                panic!("no request: {line}");
            };
            let (params, result) = typed!(request.method.as_str(),
                Ping Status List UnitStatuses Show Security Cat Start Stop Restart TryRestart
                Reload ReloadOrRestart TryReloadOrRestart Isolate Kill ResetFailed
                Logs PlanFor Sync Rollback History Verify Shutdown PreReceive PostReceive);
            params(&request).unwrap_or_else(|error| panic!("{error}\n  in {line}"));
            waiting.insert(request.id.expect("examples are answered"), result);
            shown.insert(request.method);
        } else if let Some(line) = line.strip_prefix("<-- ") {
            match decode_reply(line.as_bytes()).unwrap_or_else(|e| panic!("{e}\n  in {line}")) {
                Reply::Response(response) => {
                    let result = waiting.remove(&response.id).expect("it was asked before");
                    if let Ok(raw) = &response.outcome {
                        result(raw.get()).unwrap_or_else(|error| panic!("{error}\n  in {line}"));
                    }
                }
                Reply::Notification { method, params } => {
                    let fits = match method.as_str() {
                        "log" => serde_json::from_str::<LogEntry>(params.get()).map(drop),
                        "progress" => serde_json::from_str::<Progress>(params.get()).map(drop),
                        other => panic!("no notification '{other}'"),
                    };
                    fits.unwrap_or_else(|error| panic!("{error}\n  in {line}"));
                }
            }
        }
    }
    let methods: BTreeSet<String> = METHODS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(shown, methods, "methods with examples, and methods");
}

#[test]
fn headings_name_each_method_with_its_right() {
    let docs = docs();
    for (name, right) in METHODS {
        let quoted = format!("`{name}`");
        let fits = |line: &&str| {
            line.starts_with("### ")
                && line.contains(&quoted)
                && line.ends_with(&format!("({right:?})"))
        };
        assert!(
            docs.lines().any(|line| fits(&line)),
            "no heading for {name} ({right:?})"
        );
    }
}

#[test]
fn the_table_of_errors_is_the_code_s() {
    let docs = docs();
    for kind in ErrorKind::ALL {
        let start = format!("| {} | {} | ", kind.code(), kind.name());
        let end = format!(" | {} |", kind.exit_code());
        let row = |line: &str| line.starts_with(&start) && line.ends_with(&end);
        assert!(docs.lines().any(row), "no row {start}…{end}");
    }
    let rows = docs
        .lines()
        .filter(|line| line.starts_with("| -32") || line.starts_with("| 1"))
        .count();
    assert_eq!(rows, ErrorKind::ALL.len());
}
