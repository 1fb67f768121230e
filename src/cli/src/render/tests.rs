//! What people read, as text snapshots over made-up states.
use super::*;
use gitproc_core::generation::{GenerationKind, GenerationRecord, Outcome};
use gitproc_core::plan::{Plan, PlanAction, PlannedChange};
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::snapshot::{ActiveState, UnitResult, UnitStatus};
use gitproc_core::{CommitId, Generation};
use gitproc_rpc::api::*;
use gitproc_unit::{Code, Diagnostic, Severity, UnitName};

const PLAIN: Palette = Palette { color: false };
const NOW_US: u64 = 1_800_000_000_000_000;

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect("a name in a test")
}

fn running(unit: &str) -> UnitRow {
    UnitRow {
        status: UnitStatus {
            unit: name(unit),
            description: "Hello web".into(),
            active: ActiveState::Active,
            sub: "running".into(),
            result: UnitResult::Success,
            reason: None,
            wanted: true,
            override_: None,
            since: 1_000_000,
            invocation: None,
            main_pid: Some(4123),
            exec_main_pid: Some(4123),
            control_pid: None,
            main_end: None,
            restarts: 0,
            status_text: None,
            status_errno: None,
            commit: Some(CommitId("6c47665aaaa".into())),
            running_meaning: None,
            job: None,
            restart_at: None,
            checked: None,
        },
        since_us_ago: 3_200_000,
        usage: Usage {
            memory_current: Some(9_542_041),
            memory_peak: Some(10 << 20),
            cpu_usage_ns: Some(41_000_000),
            tasks_current: Some(2),
        },
    }
}

fn failed(unit: &str) -> UnitRow {
    let mut row = running(unit);
    row.status.active = ActiveState::Failed;
    row.status.sub = "failed".into();
    row.status.result = UnitResult::ExitCode;
    row.status.reason = Some("main process ended with status 1".into());
    row.status.main_pid = None;
    row.status.main_end = Some(ProcessEnd::Exited(1));
    row.status.restarts = 5;
    row.usage = Usage::default();
    row
}

fn generation() -> GenerationRecord {
    GenerationRecord {
        number: Generation(42),
        commit: CommitId("6c47665aaaa".into()),
        subject: "Add web".into(),
        author: "Ada <ada@example.org>".into(),
        started_us: NOW_US - 3_000_000,
        finished_us: None,
        actor: "git push by ada".into(),
        reason: None,
        kind: GenerationKind::Push,
        plan: Plan::default(),
        outcome: Outcome::Applied,
        detail: None,
    }
}

#[test]
fn the_host_is_one_line_and_what_is_odd() {
    let mut status = HostStatus {
        host: "web01".into(),
        version: "0.1.0".into(),
        pid: 1,
        branch: "main".into(),
        generation: Some(generation()),
        pending: None,
        active: 14,
        failed: 0,
        applying: false,
        degradations: vec![],
        warnings: vec![],
    };
    assert_eq!(
        host(&status, NOW_US, PLAIN),
        "host web01 · generation 42 · 6c47665 \"Add web\" by Ada, 3 s ago · 14 active, 0 failed\n"
    );
    status.generation = None;
    status.pending = Some("x.service:3: bad".into());
    status.degradations = vec!["no memory limits".into()];
    assert_eq!(
        host(&status, NOW_US, PLAIN),
        "host web01 · nothing deployed yet · 14 active, 0 failed\n\
         not applied: x.service:3: bad\n\
         missing here: no memory limits\n"
    );
    let warning = |line| Diagnostic {
        file: "x.service".into(),
        line,
        column: 0,
        severity: Severity::Warning,
        code: Code::NotHonoured,
        message: "PrivateTmp= is not honoured yet".into(),
        hint: None,
    };
    status.degradations.clear();
    status.warnings = (1..=5).map(warning).collect();
    let said = host(&status, NOW_US, PLAIN);
    assert!(said.contains("x.service:3: warning: PrivateTmp="), "{said}");
    assert!(!said.contains("x.service:4:"), "{said}");
    assert!(
        said.ends_with("… and 2 more warnings: gitproc verify HEAD lists them all\n"),
        "{said}"
    );
}

#[test]
fn units_stand_in_columns() {
    assert_eq!(
        units(
            &[running("web.service"), failed("a-longer-name.service")],
            PLAIN
        ),
        "\
UNIT                   STATE             SINCE  PID   MEM      CPU    RESTARTS  COMMIT
web.service            active (running)  3 s    4123  9.1 MiB  41 ms  0         6c47665
a-longer-name.service  failed (failed)   3 s    –     –        –      5         6c47665
a-longer-name.service: main process ended with status 1
"
    );
}

#[test]
fn colours_do_not_move_columns() {
    let plain = units(&[running("web.service")], PLAIN);
    let mut colored = units(&[running("web.service")], Palette { color: true });
    for code in ["\x1b[1m", "\x1b[32m", "\x1b[0m"] {
        colored = colored.replace(code, "");
    }
    assert_eq!(plain, colored);
}

#[test]
fn a_unit_in_depth() {
    let detail = UnitDetail {
        row: running("web.service"),
        fragment: Some("web.service".into()),
        drop_ins: vec!["web.service.d/10-port.conf".into()],
        documentation: vec!["man:web(1)".into()],
        warnings: vec![Diagnostic {
            file: "web.service".into(),
            line: 7,
            column: 1,
            severity: Severity::Warning,
            code: Code::NotHonoured,
            message: "PrivateTmp= is not yet honoured".into(),
            hint: None,
        }],
        control_group: Some("gitproc/web.service".into()),
        descriptors_stored: Some((2, 4)),
        processes: vec![(4123, "perl".into()), (4125, "evil\x1b[2J".into())],
        log_tail: vec![],
    };
    assert_eq!(
        unit(&detail, "gitproc", PLAIN),
        "\
● web.service - Hello web
      Loaded: web.service of 6c47665 (wanted; web.service.d/10-port.conf)
      Active: active (running) since 3 s ago
    Main PID: 4123
    FD Store: 2 (limit: 4)
      Memory: 9.1 MiB (peak: 10.0 MiB)
         CPU: 41 ms
       Tasks: 2
        Docs: man:web(1)
      CGroup: gitproc/web.service
              ├─4123 perl
              └─4125 evil\\u{1b}[2J
web.service:7:1: warning: PrivateTmp= is not yet honoured

next: gitproc logs -f web.service
"
    );
}

#[test]
fn a_failed_unit_says_why_and_what_next() {
    let detail = UnitDetail {
        row: failed("web.service"),
        fragment: Some("web.service".into()),
        drop_ins: vec![],
        documentation: vec![],
        warnings: vec![],
        control_group: None,
        descriptors_stored: None,
        processes: vec![],
        log_tail: vec![],
    };
    assert_eq!(
        unit(&detail, "gitproc --root /r", PLAIN),
        "\
● web.service - Hello web
      Loaded: web.service of 6c47665 (wanted)
      Active: failed (failed) (Result: exit-code) since 3 s ago
      Reason: main process ended with status 1
    Main PID: ended (code=exited, status=1)
    Restarts: 5

next: gitproc --root /r logs web.service, then gitproc --root /r restart web.service
"
    );
}

#[test]
fn a_plan_names_each_change() {
    let change = |unit, action, reason: &str| PlannedChange {
        unit: name(unit),
        action,
        reason: reason.into(),
    };
    let view = PlanView {
        from: Some(CommitId("7d1fdcb000".into())),
        to: CommitId("6c47665aaaa".into()),
        plan: Plan {
            changes: vec![
                change("web.service", PlanAction::Restart, "restart (ExecStart)"),
                change("worker.service", PlanAction::Stop, "stop"),
            ],
            unchanged: 3,
        },
        diagnostics: vec![],
    };
    assert_eq!(
        plan(&view, PLAIN),
        "\
plan 7d1fdcb → 6c47665
  ~ web.service     restart (ExecStart)
  - worker.service  stop
3 stay as they are
"
    );
}

#[test]
fn a_plan_of_a_refused_commit_promises_nothing() {
    let view = PlanView {
        from: Some(CommitId("7d1fdcb000".into())),
        to: CommitId("6c47665aaaa".into()),
        plan: Plan::default(),
        diagnostics: vec![Diagnostic {
            severity: Severity::Error,
            file: "web.service".into(),
            line: 7,
            column: 1,
            code: Code::UnknownKey,
            message: "unknown key 'ExecStrat' in [Service]".into(),
            hint: None,
        }],
    };
    assert_eq!(
        plan(&view, PLAIN),
        "\
plan 7d1fdcb → 6c47665
refused, so nothing would change:
web.service:7:1: unknown key 'ExecStrat' in [Service]
"
    );
}

#[test]
fn an_apply_ends_in_words() {
    let mut ended = ApplyReport {
        generation: Some(Generation(42)),
        commit: Some(CommitId("6c47665aaaa".into())),
        outcome: Some(Outcome::Applied),
        failed: vec![],
        skipped: vec![],
        diagnostics: vec![],
    };
    assert_eq!(report(&ended, PLAIN), "deployed 6c47665 as generation 42\n");
    ended.skipped = vec![(
        name("a.service"),
        "condition failed: ConditionHost=b".into(),
    )];
    assert_eq!(
        report(&ended, PLAIN),
        "a.service: skipped: condition failed: ConditionHost=b\n\
         deployed 6c47665 as generation 42\n"
    );
    ended.skipped.clear();
    ended.outcome = Some(Outcome::AppliedDegraded);
    ended.failed = vec![(name("web.service"), "timeout".into())];
    assert_eq!(
        report(&ended, PLAIN),
        "web.service: failed: timeout\ndeployed, with failures, 6c47665 as generation 42\n"
    );
}

#[test]
fn history_is_newest_first_as_it_comes() {
    assert_eq!(
        history(&[generation()], NOW_US, PLAIN),
        "\
GEN  COMMIT   WHEN     KIND  OUTCOME  BY               WHY
@42  6c47665  3 s ago  push  applied  git push by ada  Add web
"
    );
}

#[test]
fn log_bytes_come_back_as_they_were_written() {
    let entry = |message, partial| LogEntry {
        unit: name("web.service"),
        time_us: NOW_US,
        stream: LogStream::Stdout,
        priority: 6,
        identifier: None,
        partial,
        message,
    };
    let bytes = entry(LogBytes::Bytes(vec![0, 255, b'a']), false);
    assert_eq!(cat_line(&bytes), [0, 255, b'a', b'\n']);
    assert_eq!(
        cat_line(&entry(LogBytes::Text("ä".into()), true)),
        "ä".as_bytes()
    );
    assert!(short_line(&bytes, PLAIN).ends_with(" web.service: \\x00\\xffa\n"));
    let head = format!(
        "__REALTIME_TIMESTAMP={NOW_US}\nPRIORITY=6\nSYSLOG_IDENTIFIER=web.service\n\
         GITPROC_UNIT=web.service\nGITPROC_STREAM=stdout\n"
    );
    assert_eq!(
        export_entry(&bytes),
        [head.as_bytes(), b"MESSAGE\n\x03\0\0\0\0\0\0\0\0\xffa\n\n"].concat()
    );
    assert_eq!(
        export_entry(&entry(LogBytes::Text("\tä".into()), false)),
        [head.as_bytes(), "MESSAGE=\tä\n\n".as_bytes()].concat()
    );
    let named = LogEntry {
        identifier: Some("app".into()),
        ..bytes
    };
    assert!(short_line(&named, PLAIN).ends_with(" app: \\x00\\xffa\n"));
}

#[test]
fn spans_and_sizes_read_well() {
    for (us, text) in [
        (0, "0 ms"),
        (41_000, "41 ms"),
        (3_999_999, "3 s"),
        (125_000_000, "2 min 5 s"),
        (3_600_000_000, "1 h"),
        (2 * 86_400_000_000 + 3_600_000_000, "2 d 1 h"),
    ] {
        assert_eq!(words::span(us), text);
    }
    for (count, text) in [(0, "0 B"), (1536, "1.5 KiB"), (u64::MAX, "16384.0 PiB")] {
        assert_eq!(words::bytes(count), text);
    }
}
