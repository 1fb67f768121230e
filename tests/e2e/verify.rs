//! `verify` and `show --file`: the real program on files, directories, commits and ranges, without
//! a daemon.
use crate::instance::{Instance, Output, hermetic, output};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of unit files, in a repository or not.
struct Place(PathBuf);

impl Place {
    fn new(files: &[(&str, &str)]) -> Place {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("gitproc-verify-{}-{number}", std::process::id());
        let place = Place(std::env::temp_dir().join(name));
        std::fs::create_dir(&place.0).expect("a fresh directory");
        place.write(files);
        place
    }

    fn repository() -> Place {
        let place = Place::new(&[]);
        place.git(&["init", "-q", "-b", "main"]);
        place
    }

    fn write(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.0.join(name);
            std::fs::create_dir_all(path.parent().expect("inside")).expect("made");
            std::fs::write(path, text).expect("written");
        }
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        let who = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
        command.args(who).args(arguments).current_dir(&self.0);
        output(hermetic(&mut command)).ok().stdout.trim().to_owned()
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        self.write(files);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "test"]);
        self.git(&["rev-parse", "--short=7", "HEAD"])
    }

    fn run_in(&self, directory: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(Instance::binary());
        // An instance that nobody has made: no store, no daemon.
        command.arg("--root").arg(self.0.join("no-instance"));
        command.args(arguments).current_dir(directory);
        output(hermetic(&mut command))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_in(&self.0, arguments)
    }

    #[track_caller]
    fn says(&self, arguments: &[&str], code: i32, stdout: &str) {
        let said = self.run(arguments);
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (code, stdout),
            "{said:?}"
        );
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Nothing to say about it.
const FINE: &str =
    "[Install]\nWantedBy=multi-user.target\n[Service]\nUser=root\nExecStart=/bin/sh\n";
const NONE: &str = "no errors, no warnings\n";

fn fine_but(line: &str) -> String {
    format!("{FINE}{line}\n")
}

#[test]
fn files_are_checked_among_their_neighbours() {
    let place = Place::new(&[
        ("web.service", "[Service]\nExecStrat=/bin/sh\n"),
        ("a.service", &format!("{FINE}[Unit]\nRequires=b.service\n")),
        ("b.service", &fine_but("Nice=x")),
        ("c.service", FINE),
        ("c.service.d/10.conf", "[Service]\nNice=y\n"),
        ("README.md", "hello"),
        ("odd.target", "[Unit]\n\u{1b}[2J=x\n"),
    ]);
    let unknown =
        "web.service:2:1: unknown key 'ExecStrat' in [Service] (did you mean ExecStart?)\n";
    place.says(&["verify", "web.service"], 1, unknown);
    // What it requires lies beside it, and is judged when it is asked for.
    place.says(&["verify", "a.service"], 0, NONE);
    let nice = |file: &str, line, word| {
        format!("{file}:{line}:6: Nice=: '{word}' is no nice level (-20 to 19)\n")
    };
    let b = nice("b.service", 6, "x");
    place.says(&["verify", "a.service", "b.service"], 1, &b);
    place.says(&["verify", "c.service"], 0, NONE);
    let c = nice("c.service.d/10.conf", 2, "y");
    place.says(&["verify", "c.service.d/10.conf"], 1, &c);
    // What a file says does not move the cursor.
    let odd = "odd.target: warning: nothing pulls in odd.target (add [Install] with \
               WantedBy=default.target)\nodd.target:2: '\\u{1b}[2J' is no key\n";
    let all = format!("{b}{c}{odd}{unknown}");
    place.says(&["verify", "."], 1, &all);
    let name = place.0.display().to_string();
    let said = place.run(&["verify", &name]);
    assert!(said.stdout.contains(&format!("{name}/{b}")), "{said:?}");
}

#[test]
fn warnings_fail_when_asked_to() {
    let place = Place::new(&[("a.service", &fine_but("ExecStartPre=-/no/such"))]);
    let warning = "a.service:6:15: warning: ExecStartPre=: there is no /no/such on this host \
                   (install it before the push, or mend the path)\n";
    place.says(&["verify", "a.service"], 0, warning);
    place.says(&["verify", "--strict", "a.service"], 1, warning);
    place.write(&[(
        "a.service.d/lint.conf",
        "[X-Gitproc]\nLintIgnore=missing-binary\n",
    )]);
    place.says(&["verify", "--strict", "a.service"], 0, NONE);
}

#[test]
fn programs_read_findings_as_json() {
    let place = Place::repository();
    place.says(
        &["verify", ".", "-o", "json"],
        0,
        "[{\"file\":\".\",\"line\":0,\"column\":0,\
        \"severity\":\"warning\",\"code\":\"no-units\",\"message\":\"no unit files here\",\
        \"hint\":\"units lie in the directory itself: NAME.service, NAME.target\"}]\n",
    );
    place.commit(&[("a.service", &fine_but("Nice=x"))]);
    let commit = place.git(&["rev-parse", "HEAD"]);
    let finding = "\"file\":\"a.service\",\"line\":6,\"column\":6,\"severity\":\"error\",\
        \"code\":\"bad-value\",\"message\":\"Nice=: 'x' is no nice level (-20 to 19)\"}]\n";
    place.says(
        &["verify", "a.service", "-o", "json"],
        1,
        &format!("[{{{finding}"),
    );
    let tagged = format!("[{{\"commit\":\"{commit}\",{finding}");
    place.says(&["verify", "HEAD", "-o", "json"], 1, &tagged);
    place.commit(&[("a.service", FINE)]);
    place.says(&["verify", "a.service", "-o", "json"], 0, "[]\n");
}

#[test]
fn commits_and_ranges_are_read_from_the_repository_here() {
    let place = Place::repository();
    place.commit(&[("a.service", &fine_but("Nice=x"))]);
    place.git(&["tag", "v1"]);
    let second = place.commit(&[("b.service", &fine_but("ExecStartPre=/no/such"))]);
    let third = place.commit(&[("b.service", &fine_but("Nice=y"))]);
    place.commit(&[("a.service", FINE), ("b.service", FINE)]);
    let nice = |file, word| format!("{file}:6:6: Nice=: '{word}' is no nice level (-20 to 19)\n");
    place.says(&["verify", "HEAD"], 0, NONE);
    place.says(&["verify", "v1"], 1, &nice("a.service", "x"));
    let of_third = format!("{}{}", nice("a.service", "x"), nice("b.service", "y"));
    place.says(&["verify", &third], 1, &of_third);
    // What was wrong at v1 is not said again.
    let range = format!(
        "{second}:b.service:6:14: warning: ExecStartPre=: there is no /no/such on this host \
         (install it before the push, or mend the path)\n{third}:{}",
        nice("b.service", "y")
    );
    place.says(&["verify", "v1..HEAD"], 1, &range);
    place.says(&["verify", "v1.."], 1, &range);
    place.says(&["verify", "HEAD~1..HEAD"], 0, NONE);
    // Units that lie deeper in a repository.
    place.commit(&[("units/c.service", &fine_but("Nice=z"))]);
    place.says(&["verify", "HEAD:units"], 1, &nice("c.service", "z"));
    // Without arguments, what is checked out; also from below.
    place.write(&[("a.service", &fine_but("Nice=w"))]);
    place.says(&["verify"], 1, &nice("a.service", "w"));
    let said = place.run_in(&place.0.join("units"), &["verify"]);
    assert!(said.stdout.ends_with(&nice("/a.service", "w")), "{said:?}");
}

#[test]
fn arguments_that_name_nothing_are_usage_errors() {
    let place = Place::new(&[("README.md", "x")]);
    for (argument, message) in [
        ("nosuch.service", "there is no file 'nosuch.service'"),
        ("README.md", "README.md is no unit file"),
        ("a...b", "'a...b' is no range of commits"),
        ("", "an empty argument"),
        ("HEAD", "no git repository here"),
        ("a..b", "git repository"),
    ] {
        place.run(&["verify", argument]).fails(2, message);
    }
    let place = Place::repository();
    place.run(&["verify", "HEAD"]).fails(2, "no commits yet");
    place.commit(&[("a.service", FINE)]);
    for (argument, message) in [
        ("nosuch", "there is no commit 'nosuch'"),
        ("HEAD~7", "goes back too far"),
        ("HEAD:nosuch", "no directory 'nosuch'"),
        ("HEAD^{tree}", "is not a revision"),
    ] {
        place.run(&["verify", argument]).fails(2, message);
    }
    place.run(&["verify", "@1"]).fails(5, "gitproc daemon");
}

#[test]
fn show_goes_on_behind_a_file_that_is_missing() {
    let place = Place::new(&[
        ("a.service", &fine_but("Nice=3")),
        ("b@.service", &fine_but("Nice=4")),
    ]);
    let said = place.run(&[
        "show",
        "--file",
        "a.service",
        "nosuch.service",
        "b@.service",
        "--instance",
        "x",
        "-p",
        "Id,Nice",
    ]);
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(
        said.stdout, "Id=a.service\nNice=3\nId=b@x.service\nNice=4\n",
        "{said:?}"
    );
    assert!(
        said.stderr.contains("can't read nosuch.service"),
        "{said:?}"
    );
}

#[test]
fn a_push_says_a_warning_when_it_comes_and_not_again() {
    let instance = Instance::with_units(&[("a.service", &fine_but("ExecStartPre=-/no/such"))]);
    let warning = "warning: ExecStartPre=: there is no /no/such on this host";
    let status = instance.run(&["status"]).ok();
    assert!(status.stdout.contains(warning), "{status:?}");
    let pushed = instance.push(&[("b.service", FINE)]).ok();
    assert!(!pushed.stderr.contains(warning), "{pushed:?}");
    assert!(
        pushed.stderr.contains("(and 1 warning as before"),
        "{pushed:?}"
    );
    let head = instance.run(&["verify", "HEAD"]).ok();
    assert!(head.stdout.contains(warning), "{head:?}");
    let planned = instance.run(&["plan", "HEAD"]).ok();
    assert!(planned.stdout.contains(warning), "{planned:?}");
    instance.shutdown();
}

#[test]
fn show_file_prints_systemds_shape_for_every_kind() {
    let place = Place::new(&[
        (
            "w@.service",
            "[Service]\nExecStart=/bin/w %i\nCPUQuota=20%\nPrivateTmp=yes\n",
        ),
        ("d.timer", "[Timer]\nOnCalendar=daily\nPersistent=yes\n"),
        ("s.socket", "[Socket]\nListenStream=80\n"),
        ("x.service", "[Service]\nNice=7\n"),
    ]);
    let shown = place.run(&[
        "show",
        "--file",
        "w@.service",
        "d.timer",
        "s.socket",
        "x.service",
        "--instance",
        "a-b",
        "-o",
        "json",
    ]);
    // The last one makes no sense as a service, and is shown all the same.
    assert_eq!(shown.code, 1, "{}", shown.stderr);
    assert!(
        shown
            .stderr
            .contains("x.service: service has no ExecStart="),
        "{}",
        shown.stderr
    );
    let lines: Vec<serde_json::Value> = shown
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object per line"))
        .collect();
    assert_eq!(lines.len(), 4);
    let [worker, timer, socket, odd] = &lines[..] else {
        unreachable!("counted above")
    };
    assert_eq!(worker["unit"], "w@a-b.service");
    assert_eq!(worker["Service"]["ExecStart"][0][1][1], "a-b");
    assert_eq!(worker["Service"]["CPUQuotaPerSecUSec"], 200_000);
    assert_eq!(worker["Service"]["PrivateTmp"], true);
    assert_eq!(worker["Service"]["Slice"], "system-w.slice");
    assert_eq!(timer["Timer"]["TimersCalendar"][0][1], "*-*-* 00:00:00");
    assert_eq!(timer["Unit"]["Triggers"][0], "d.service");
    assert_eq!(socket["Socket"]["Listen"][0][1], "[::]:80");
    assert_eq!(odd["Service"]["Nice"], 7);
}

/// What is cut of a neighbour's many warnings can have been of the file in question.
#[test]
fn warnings_that_are_cut_are_counted() {
    let words: Vec<String> = (0..6_000).map(|n| format!("u{n}.target")).collect();
    let service = "[Service]\nExecStart=/bin/true\nUser=nobody\n";
    let install = format!("{service}[Install]\nWantedBy={}\n", words.join(" "));
    let place = Place::new(&[("a.service", &install), ("b.service", service)]);
    let said = place.run(&["verify", "b.service"]).stdout;
    assert!(
        said.contains("more warnings, of the files read together"),
        "{said}"
    );
}
