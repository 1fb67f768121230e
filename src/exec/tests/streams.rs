//! Where stdin, stdout and stderr of a service lead, as it finds them itself.
#![allow(missing_docs)]
mod common;

use common::{Service, is_root};
use gitproc_core::protocol::ProcessEnd;
use gitproc_unit::ExecRole;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

macro_rules! needs_root {
    ($name:literal) => {
        if !is_root($name) {
            return;
        }
    };
}

/// A fresh directory, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let dir = std::env::temp_dir().join(format!("gitproc-{name}-{}", std::process::id()));
        std::fs::create_dir(&dir).expect("a fresh name");
        Dir(dir)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn input_is_null_data_or_a_file() {
    let dir = Dir::new("input");
    let path = dir.file("in");
    std::fs::write(&path, "from a file\n").expect("ours");
    for (lines, seen) in [
        (String::new(), ""),
        ("StandardInput=null".to_owned(), ""),
        (
            "StandardInputText=one\\ttab\nStandardInputText=%n".to_owned(),
            "one\ttab\ntest.service\n",
        ),
        (
            "StandardInputData=aGVs\nStandardInputData=bG8=".to_owned(),
            "hello\n",
        ),
        (format!("StandardInput=file:{path}"), "from a file\n"),
    ] {
        assert_eq!(Service::view(&lines, "cat"), seen, "{lines}");
    }
}

#[test]
fn a_missing_input_file_fails_with_systemds_status() {
    let mut service = Service::of_unit("StandardInput=file:/nonexistent/x", "true").up();
    let exit = service.run_to_end(ExecRole::Start);
    assert_eq!(exit.end, ProcessEnd::Exited(208));
    let failure = exit.failure.expect("it failed");
    assert_eq!(failure.detail, "open /nonexistent/x");
    let mut service = Service::of_unit("StandardOutput=append:/nonexistent/x", "true").up();
    let exit = service.run_to_end(ExecRole::Start);
    assert_eq!(exit.end, ProcessEnd::Exited(209));
    let mut service = Service::of_unit("StandardError=file:/nonexistent/x", "true").up();
    let exit = service.run_to_end(ExecRole::Start);
    assert_eq!(exit.end, ProcessEnd::Exited(222));
}

#[test]
fn output_goes_to_files_as_they_are_to_be_opened() {
    let dir = Dir::new("output");
    let path = dir.file("out");
    for (how, after) in [
        ("file", "new\n before\n"),
        ("append", "long before\nnew\n"),
        ("truncate", "new\n"),
    ] {
        std::fs::write(&path, "long before\n").expect("ours");
        let log = Service::view(&format!("StandardOutput={how}:{path}"), "echo new");
        assert_eq!(log, "", "{how}: nothing of it is in the log");
        let found = std::fs::read_to_string(&path).expect("made");
        match how {
            "file" => assert!(found.starts_with("new\n") && found.len() == 12, "{found}"),
            _ => assert_eq!(found, after, "{how}"),
        }
    }
}

#[test]
fn both_streams_share_one_file() {
    let dir = Dir::new("both");
    let path = dir.file("out");
    let lines = format!("StandardOutput=truncate:{path}\nStandardError=truncate:{path}");
    Service::view(&lines, "echo a; echo b >&2; echo c");
    assert_eq!(std::fs::read_to_string(&path).expect("made"), "a\nb\nc\n");
}

#[test]
fn errors_follow_output_unless_they_lead_elsewhere() {
    let dir = Dir::new("errors");
    let path = dir.file("err");
    let script = "echo out; echo err >&2";
    assert_eq!(Service::view("StandardOutput=null", script), "");
    assert_eq!(
        Service::view("StandardOutput=null\nStandardError=journal", script),
        "err\n"
    );
    let log = Service::view(&format!("StandardError=file:{path}"), script);
    assert_eq!(log, "out\n");
    assert_eq!(std::fs::read_to_string(&path).expect("made"), "err\n");
    let log = Service::view("StandardError=null", script);
    assert_eq!(log, "out\n");
}

/// What the kernel's log holds now.
fn kernel_log() -> String {
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let mut options = std::fs::File::options();
    let mut log = options
        .read(true)
        .custom_flags(flags)
        .open("/dev/kmsg")
        .expect("root");
    let (mut text, mut record) = (String::new(), [0; 8192]);
    loop {
        match log.read(&mut record) {
            Ok(length) => text.push_str(&String::from_utf8_lossy(&record[..length])),
            // Records that were overwritten while we read.
            Err(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => {}
            Err(_) => return text,
        }
    }
}

#[test]
fn lines_go_to_the_kernels_log_too() {
    needs_root!("lines_go_to_the_kernels_log_too");
    let mark = format!("mark-{}", std::process::id());
    let lines = format!("StandardOutput=kmsg\nStandardError=journal\nSyslogIdentifier={mark}");
    let said = Service::view(
        &lines,
        "echo out; echo err >&2; head -c 2000 /dev/zero | tr '\\0' x; echo",
    );
    // In the log is all, in whatever order the two pipes were read.
    assert!(
        ["out", "err"]
            .iter()
            .all(|text| said.lines().any(|line| line == *text))
    );
    let log = kernel_log();
    let records: Vec<&str> = log.lines().filter(|line| line.contains(&mark)).collect();
    assert_eq!(records.len(), 2, "{records:?}");
    assert!(records[0].starts_with("30,") && records[0].ends_with(&format!(";{mark}: out")));
    assert!(records[1].ends_with(&"x".repeat(900)), "a long line is cut");
}

#[test]
fn lines_carry_the_units_identifier() {
    let identifier = |lines: &str| {
        let mut service = Service::of_unit(lines, "echo hello").up();
        service.run_to_end(ExecRole::Start);
        service.quit();
        service.identifiers()
    };
    assert_eq!(identifier(""), [None]);
    let named = [Some("my_app".to_owned())];
    assert_eq!(identifier("SyslogIdentifier=my app"), named);
}

fn service_of(lines: &str, script: &str) -> Service {
    let mut service = Service::of_unit(lines, script).up();
    service.run_to_end(ExecRole::Start);
    service.quit();
    service
}

#[test]
fn lines_have_a_level_and_those_of_too_high_a_number_are_not_kept() {
    let line = |level, text: &str| (level, text.to_owned());
    let script = "echo plain; echo '<3>bad'; echo '<7>chatty'; echo '<9>odd'";
    assert_eq!(
        service_of("", script).lines(),
        [
            line(6, "plain"),
            line(3, "bad"),
            line(7, "chatty"),
            line(6, "<9>odd")
        ]
    );
    assert_eq!(
        service_of("SyslogLevel=notice\nLogLevelMax=notice", script).lines(),
        [line(5, "plain"), line(3, "bad"), line(5, "<9>odd")]
    );
    assert_eq!(
        service_of("SyslogLevelPrefix=no\nSyslogLevel=warning", "echo '<3>bad'").lines(),
        [line(4, "<3>bad")]
    );
    // All pieces of a long line have the level of its beginning.
    let long = "printf '<7>'; head -c 100000 /dev/zero | tr '\\0' x; echo; echo '<4>end'";
    assert_eq!(
        service_of("LogLevelMax=info", long).lines(),
        [line(4, "end")]
    );
    let levels: Vec<u8> = service_of("", long)
        .lines()
        .iter()
        .map(|line| line.0)
        .collect();
    assert_eq!(levels, [7, 7, 7, 4]);
}

#[test]
fn a_unit_decides_when_its_log_begins_a_new_file() {
    let files = |lines: &str| {
        let service = service_of(lines, "seq 30000");
        service.log_files().len()
    };
    assert_eq!(files(""), 1);
    assert!((3..=6).contains(&files("X-LogMaxFileSize=64K\nX-LogMaxFiles=5")));
    assert_eq!(files("X-LogMaxFileSize=64K\nX-LogMaxFiles=1"), 2);
    // Every round of lines is a microsecond older than the last.
    assert_eq!(files("X-LogMaxFileSec=1us\nX-LogMaxFiles=1"), 2);
}

#[test]
fn lines_beyond_the_limit_are_counted() {
    let lines = "LogRateLimitIntervalSec=1h\nLogRateLimitBurst=3";
    let service = service_of(lines, "for i in 1 2 3 4 5; do echo $i; done; echo '<3>bad'");
    let texts: Vec<String> = service.lines().into_iter().map(|line| line.1).collect();
    assert_eq!(texts, ["1", "2", "3", "bad"]);
    assert_eq!(
        service.remarks(),
        ["2 lines suppressed (LogRateLimitBurst=)"]
    );
}

#[test]
fn lines_go_to_the_journal_with_what_is_known_of_them() {
    let received = |lines: &str| {
        let service = Service::of_unit(lines, "echo '<4>hello'");
        let journal =
            std::os::unix::net::UnixDatagram::bind(service.journal()).expect("a fresh directory");
        let mut service = service.up();
        service.run_to_end(ExecRole::Start);
        service.quit();
        assert_eq!(service.lines(), [(4, "hello".to_owned())]);
        assert_eq!(service.remarks(), [""; 0]);
        journal.set_nonblocking(true).expect("ours");
        let mut buffer = [0; 4096];
        let length = journal.recv(&mut buffer).unwrap_or(0);
        String::from_utf8(buffer[..length].to_vec()).expect("text")
    };
    assert_eq!(received(""), "");
    assert_eq!(
        received("StandardOutput=journal\nX-ForwardToJournal=no"),
        ""
    );
    for lines in [
        "X-ForwardToJournal=yes",
        "StandardOutput=journal",
        "StandardError=journal",
        "StandardOutput=syslog",
    ] {
        let message = received(&format!(
            "{lines}\nSyslogFacility=local0\nLogExtraFields=A=1 \"B=2 3\""
        ));
        for field in [
            "SYSLOG_IDENTIFIER=test.service",
            "SYSLOG_FACILITY=16",
            "OBJECT_SYSTEMD_UNIT=test.service",
            "A=1",
            "B=2 3",
            "PRIORITY=4",
            "MESSAGE=hello",
        ] {
            let has = message.lines().any(|line| line == field);
            assert!(has, "{lines}: no {field} in {message}");
        }
    }
    // Who asks for it by way of a stream is content without.
    assert_eq!(
        service_of("StandardOutput=journal", "echo hello").remarks(),
        [""; 0]
    );
    let remarks = service_of("X-ForwardToJournal=yes", "echo hello").remarks();
    assert!(
        remarks[0].starts_with("lines are not sent to the journal at "),
        "{remarks:?}"
    );
}

/// A terminal whose other end is ours.
fn terminal() -> (OwnedFd, String) {
    use nix::fcntl::OFlag;
    let ours = nix::pty::posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY).expect("a terminal");
    nix::pty::grantpt(&ours).expect("ours");
    nix::pty::unlockpt(&ours).expect("ours");
    let name = nix::pty::ptsname_r(&ours).expect("a name");
    // SAFETY of meaning: the descriptor is handed over whole.
    let ours: OwnedFd = ours.into();
    (ours, name)
}

#[test]
fn a_terminal_is_the_controlling_one_with_its_size() {
    needs_root!("a_terminal_is_the_controlling_one_with_its_size");
    let (ours, path) = terminal();
    let lines = format!(
        "StandardInput=tty\nTTYPath={path}\nTTYReset=yes\nTTYVHangup=yes\nTTYRows=31\n\
         TTYColumns=97\nStandardError=journal"
    );
    // /dev/tty is the controlling terminal, whatever the streams are.
    let script = "read line; echo got $line; stty size </dev/tty; tty; stty -a | grep -o ' echo '";
    let mut service = Service::of_unit(&lines, script).up();
    service.run(ExecRole::Start);
    service.execed();
    let mut person = std::fs::File::from(ours.try_clone().expect("dup"));
    person.write_all(b"typed\n").expect("the service reads");
    let mut shown = BufReader::new(std::fs::File::from(ours)).lines();
    let mut line = || {
        let line = shown.next().expect("a line").expect("a terminal");
        line.trim_end().to_owned()
    };
    // What was typed is echoed.
    assert_eq!(line(), "typed");
    assert_eq!(line(), "got typed");
    assert_eq!(line(), "31 97");
    assert_eq!(line(), path);
    assert_eq!(line(), " echo");
    assert_eq!(service.exit().end, ProcessEnd::Exited(0));
    assert_eq!(service.log(), "");
}

#[test]
fn a_terminal_that_another_session_has_is_left_waited_for_or_taken() {
    needs_root!("a_terminal_that_another_session_has_is_left_waited_for_or_taken");
    let (ours, path) = terminal();
    let lines = |how: &str| format!("StandardInput={how}\nStandardOutput=journal\nTTYPath={path}");
    let mut holder = Service::of_unit(&lines("tty"), "echo mine; exec sleep 1000").up();
    holder.run(ExecRole::Start);
    holder.execed();

    let mut fails = Service::of_unit(&lines("tty-fail"), "true").up();
    let exit = fails.run_to_end(ExecRole::Start);
    assert_eq!(exit.end, ProcessEnd::Exited(208));
    let detail = exit.failure.expect("it failed").detail;
    assert_eq!(detail, format!("{path} belongs to another session"));

    let mut waits = Service::of_unit(&lines("tty"), "echo now").up();
    waits.run(ExecRole::Start);
    let mut takes = Service::of_unit(&lines("tty-force"), "echo taken").up();
    assert_eq!(takes.run_to_end(ExecRole::Start).end, ProcessEnd::Exited(0));
    assert!(takes.log().contains("taken"));
    // The session that took it is over, and so is the holder: it is free.
    holder.quit();
    assert_eq!(waits.exit().end, ProcessEnd::Exited(0));
    assert!(waits.log().contains("now"));
    assert!(ours.as_raw_fd() >= 0);
}
