//! Frames as they should be and as they should not.
use super::*;
use crate::api::{Empty, List, Method, Ping, Pong, Start};

fn answered(line: &str) -> String {
    let response = match decode_request(line.as_bytes()) {
        Incoming::Single(Err(response)) => response,
        other => panic!("{line} was accepted: {other:?}"),
    };
    let text = String::from_utf8(encode_response(&response)).expect("JSON is UTF-8");
    text.trim_end().to_owned()
}

fn accepted(line: &str) -> Request {
    match decode_request(line.as_bytes()) {
        Incoming::Single(Ok(request)) => request,
        other => panic!("{line} was refused: {other:?}"),
    }
}

#[test]
fn broken_frames_are_answered_by_the_book() {
    let table = [
        ("", -32700, "null"),
        ("hello", -32700, "null"),
        (r#"{"jsonrpc":"2.0","method":"ping","id":1"#, -32700, "null"),
        (
            r#"[{"jsonrpc":"2.0","method":"ping","id":1}"#,
            -32700,
            "null",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"ping","id":1} x"#,
            -32700,
            "null",
        ),
        ("[]", -32600, "null"),
        ("1", -32600, "null"),
        (r#""ping""#, -32600, "null"),
        ("{}", -32600, "null"),
        (r#"{"jsonrpc":"1.0","method":"ping","id":1}"#, -32600, "1"),
        (r#"{"method":"ping","id":"a"}"#, -32600, r#""a""#),
        (r#"{"jsonrpc":"2.0","method":7,"id":1}"#, -32600, "1"),
        (
            r#"{"jsonrpc":"2.0","method":"ping","id":[1]}"#,
            -32600,
            "null",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"ping","id":true}"#,
            -32600,
            "null",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"ping","id":1,"id":2}"#,
            -32600,
            "null",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"ping","params":"x","id":1}"#,
            -32600,
            "1",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"ping","params":null,"id":1}"#,
            -32600,
            "1",
        ),
    ];
    for (line, code, id) in table {
        let start = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"#);
        let answer = answered(line);
        assert!(
            answer.starts_with(&start),
            "{line}\n  answered with {answer}\n  not {start}…"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_a_parse_error() {
    match decode_request(b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\",\"id\":1}") {
        Incoming::Single(Err(response)) => {
            let error = response.outcome.expect_err("an error");
            assert_eq!(error.kind(), Some(ErrorKind::Parse));
        }
        other => panic!("accepted: {other:?}"),
    }
}

#[test]
fn ids_come_back_as_they_were_written() {
    for id in [
        "1",
        "-7",
        "1.5",
        "18446744073709551615",
        r#""a\"b""#,
        "null",
    ] {
        let request = accepted(&format!(r#"{{"jsonrpc":"2.0","method":"ping","id":{id}}}"#));
        let outcome = Ok(Pong {
            version: "0".into(),
            pid: 1,
        });
        let response = Response::of::<Ping>(request.id.expect("an id was given"), outcome);
        let line = String::from_utf8(encode_response(&response)).expect("JSON is UTF-8");
        let expected = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"version\":\"0\",\"pid\":1}}}}\n"
        );
        assert_eq!(line, expected);
    }
}

#[test]
fn a_request_without_an_id_is_a_notification() {
    assert_eq!(accepted(r#"{"jsonrpc":"2.0","method":"ping"}"#).id, None);
    assert_eq!(
        accepted(r#"{"jsonrpc":"2.0","method":"ping","id":null}"#).id,
        Some(Id::Null)
    );
}

#[test]
fn a_batch_is_read_one_by_one() {
    let line =
        r#" [ {"jsonrpc":"2.0","method":"ping","id":1}, 7, {"jsonrpc":"2.0","method":"list"} ]"#;
    let Incoming::Batch(batch) = decode_request(line.as_bytes()) else {
        panic!("no batch");
    };
    assert!(matches!(&batch[0], Ok(request) if request.id == Some(1.into())));
    assert!(matches!(&batch[1], Err(response) if response.id == Id::Null));
    assert!(matches!(&batch[2], Ok(request) if request.id.is_none()));
    assert_eq!(batch.len(), 3);
}

#[test]
fn a_batch_is_bounded_and_its_answer_is_an_array() {
    let many = vec![r#"{"jsonrpc":"2.0","method":"ping","id":1}"#; BATCH_MAX + 1].join(",");
    assert!(answered(&format!("[{many}]")).contains("at most 64"));
    assert_eq!(encode_batch(&[]), None);
    let pong = || {
        Ok(Pong {
            version: "0".into(),
            pid: 1,
        })
    };
    let responses = [
        Response::of::<Ping>(1.into(), pong()),
        Response::of::<Ping>(2.into(), pong()),
    ];
    let line = encode_batch(&responses).expect("two answers");
    let parsed: Vec<&RawValue> = serde_json::from_slice(&line).expect("an array");
    assert_eq!(parsed.len(), 2);
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[test]
fn parameters_are_checked_against_their_method() {
    let request = accepted(r#"{"jsonrpc":"2.0","method":"list","id":1}"#);
    assert!(
        request.params::<List>().is_ok_and(|params| !params.all),
        "absent ones are {{}}"
    );
    let with = |params: &str| {
        accepted(&format!(
            r#"{{"jsonrpc":"2.0","method":"start","params":{params},"id":1}}"#
        ))
    };
    assert!(with(r#"{"units":["web"]}"#).params::<Start>().is_ok());
    // A parameter that nobody reads is a mistake that would go unseen.
    let unread = r#"{"units":["web"],"noblock":true}"#;
    for bad in [r#"{"units":"web"}"#, "{}", r#"[["web"]]"#, unread] {
        let error = with(bad).params::<Start>().expect_err(bad);
        assert_eq!(error.kind(), Some(ErrorKind::InvalidParams), "{bad}");
    }
}

#[test]
fn rights_come_from_the_table_of_methods() {
    let of = |method: &str| {
        accepted(&format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","id":1}}"#
        ))
        .right()
    };
    assert_eq!(of("status"), Ok(crate::api::Right::Read));
    assert_eq!(of("hook.pre-receive"), Ok(crate::api::Right::Hook));
    let error = of("statsu").expect_err("there is no such method");
    assert_eq!(error.kind(), Some(ErrorKind::MethodNotFound));
}

#[test]
fn a_client_reads_back_what_the_daemon_writes() {
    let error = RpcError::new(ErrorKind::NoSuchUnit, "no unit 'x'").with_hint("gitproc list");
    let line = encode_response(&Response::error(3.into(), error.clone()));
    match decode_reply(&line).expect("an answer") {
        Reply::Response(response) => {
            assert_eq!(response.id, 3.into());
            assert_eq!(response.outcome.expect_err("an error"), error);
        }
        other => panic!("{other:?}"),
    }
    let line = encode_notification("progress", &Empty {}).expect("an object");
    assert!(matches!(
        decode_reply(&line),
        Ok(Reply::Notification { method, params }) if method == "progress" && params.get() == "{}"
    ));
    let line = encode_request(&1.into(), Ping::NAME, &Empty {}).expect("an object");
    assert_eq!(
        accepted(&String::from_utf8(line).expect("UTF-8")).method,
        "ping"
    );
    let junk = [
        "x",
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"id":1,"result":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}}"#,
    ];
    for line in junk {
        assert!(decode_reply(line.as_bytes()).is_err(), "{line}");
    }
}

#[test]
fn an_oversized_line_has_an_answer() {
    let response = oversized(Oversized { limit: 8 });
    let error = response.outcome.expect_err("an error");
    assert_eq!((response.id, error.code), (Id::Null, -32700));
}
