//! One table per family: files, and the findings that they give.
use super::*;
use crate::host_action::HostVerb;
use gitproc_unit::{HostFacts, TreeEntry};

/// A made-up host.
struct Village;

impl Host for Village {
    fn look(&self, path: &str) -> Look {
        let (directory, mode, gid) = match path {
            "/" | "/usr" | "/usr/bin" | "/srv" | "/opt" | "/etc" => (true, 0o755, 0),
            "/usr/local/bin" | "/usr/local" => (true, 0o2775, 50),
            "/tmp" => (true, 0o1777, 0),
            "/opt/open" => (true, 0o777, 0),
            "/usr/bin/true" | "/usr/bin/sh" | "/opt/open/app" | "/tmp/app" => (false, 0o755, 0),
            "/bin/true" => return Village.look("/usr/bin/true"),
            "/bin/sh" => return Village.look("/usr/bin/sh"),
            "/usr/local/bin/app" => (false, 0o755, 50),
            "/srv/shared" => (false, 0o775, 1000),
            "/srv/data" | "/etc/app.env" => (false, 0o644, 0),
            "/etc/open.env" => (false, 0o666, 0),
            "/hidden/app" => return Look::Unsure,
            _ => return Look::Missing,
        };
        Look::Found(FileFacts {
            real: path.to_owned(),
            directory,
            mode,
            gid,
        })
    }
    fn find(&self, name: &str) -> Look {
        self.look(&format!("/usr/bin/{name}"))
    }
    fn user(&self, name: &str) -> Known {
        match name {
            "root" | "nobody" | "web" => Known::Yes,
            "ldap" => Known::Unsure,
            _ => Known::No,
        }
    }
    fn group(&self, name: &str) -> Known {
        self.user(name)
    }
    fn may(&self, verb: HostVerb) -> Known {
        match verb {
            HostVerb::Exit => Known::Yes,
            HostVerb::Reboot => Known::No,
            HostVerb::Poweroff => Known::Unsure,
        }
    }
}

/// All findings of these files, as they print.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let entries = files.iter().map(|(path, text)| {
        let entry = match text.strip_prefix("-> ") {
            Some(target) => TreeEntry::Symlink(target.to_owned()),
            None => TreeEntry::File((*text).to_owned()),
        };
        ((*path).to_owned(), entry)
    });
    let tree = TreeFiles {
        entries: entries.collect(),
    };
    let loaded = gitproc_unit::load(&tree, &HostFacts::example());
    let target = UnitName::parse("default.target").expect("a valid name");
    let subject = Subject {
        tree: &tree,
        units: &loaded.units,
        target: &target,
        as_root: true,
    };
    let mut found = judge(&loaded, &subject);
    found.extend(judge_on_host(&subject, &Village));
    found.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(said(files), expected, "{files:#?}");
}

/// A service on which there is nothing to say, with these lines added. They begin on line 5.
fn service(lines: &str) -> String {
    format!(
        "[Install]\nWantedBy=multi-user.target\n[Service]\nNoNewPrivileges=yes\n{lines}\n[X-Rest]\n"
    )
}

/// Lines of a service that is fine otherwise, and what is said of it.
#[track_caller]
fn check_lines(table: &[(&str, &[&str])]) {
    for (lines, expected) in table {
        let start = match lines.contains("ExecStart=") {
            true => "",
            false => "\nExecStart=/bin/true",
        };
        check(
            &[("a.service", &service(&format!("{lines}{start}")))],
            expected,
        );
    }
}

#[test]
fn programs_have_to_be_there() {
    check_lines(&[
        ("ExecStart=/bin/true", &[]),
        ("ExecStart=true", &[]),
        ("ExecStart=/hidden/app", &[]),
        (
            "ExecStart=/bin/true\nExecStartPre=-/no/such -x",
            &[
                "a.service:6:15: warning: ExecStartPre=: there is no /no/such on this host \
               (install it before the push, or mend the path)",
            ],
        ),
        (
            "ExecStart=nosuch x",
            &[
                "a.service:5:11: warning: ExecStart=: there is no program 'nosuch' where services \
               look for programs (install it, or give its whole path)",
            ],
        ),
        (
            "ExecStart=@/srv/data x",
            &["a.service:5:12: warning: ExecStart=: /srv/data can't be executed (chmod +x it)"],
        ),
        (
            "ExecStart=/usr/bin",
            &[
                "a.service:5:11: warning: ExecStart=: /usr/bin is a directory \
               (name the program inside)",
            ],
        ),
    ]);
}

#[test]
fn users_and_groups_have_to_be_there() {
    check_lines(&[
        ("User=web\nGroup=web", &[]),
        ("User=12345", &[]),
        ("User=ldap", &[]),
        (
            "User=nosuch",
            &[
                "a.service:5:6: warning: User=: this host has no user 'nosuch' \
               (useradd --system nosuch)",
            ],
        ),
        (
            "SupplementaryGroups=web none",
            &[
                "a.service:5:25: warning: SupplementaryGroups=: this host has no group 'none' \
               (groupadd --system none)",
            ],
        ),
    ]);
}

#[test]
fn environment_files_have_to_be_there() {
    check_lines(&[
        ("EnvironmentFile=/etc/app.env", &[]),
        ("EnvironmentFile=-/etc/none.env", &[]),
        ("EnvironmentFile=/run/app/env", &[]),
        ("EnvironmentFile=/etc/*.env", &[]),
        (
            "EnvironmentFile=/etc/none.env",
            &[
                "a.service:5:17: warning: EnvironmentFile=: there is no /etc/none.env on this host \
               (make it, or write EnvironmentFile=-/etc/none.env if the service can do without)",
            ],
        ),
    ]);
}

#[test]
fn what_others_can_replace_is_said() {
    check_lines(&[
        ("ExecStart=/usr/local/bin/app", &[]),
        (
            "ExecStart=/srv/shared",
            &[
                "a.service:5:11: warning: ExecStart=: /srv/shared can be changed by group 1000 \
               (chmod go-w /srv/shared)",
            ],
        ),
        (
            "ExecStart=/opt/open/app",
            &[
                "a.service:5:11: warning: ExecStart=: /opt/open, on the way to /opt/open/app, can \
               be changed by every user (chmod go-w /opt/open)",
            ],
        ),
        (
            "EnvironmentFile=/etc/open.env",
            &[
                "a.service:5:17: warning: EnvironmentFile=: /etc/open.env can be changed by every \
               user (chmod go-w /etc/open.env)",
            ],
        ),
        (
            "ExecStart=/tmp/app",
            &[
                "a.service:5:11: warning: ExecStart=: every user can put a /tmp/app into /tmp first \
               (use a directory that only root can write to, or RuntimeDirectory=)",
            ],
        ),
    ]);
}

#[test]
fn running_as_root_wants_a_reason() {
    let plain = "[Install]\nWantedBy=multi-user.target\n[Service]\nExecStart=/bin/true\n";
    check(
        &[("a.service", plain)],
        &[
            "a.service:4:11: warning: runs as root, without any restriction (add User=; if it \
           needs root, bound it with NoNewPrivileges=yes or CapabilityBoundingSet=)",
        ],
    );
    for fine in [
        "User=web",
        "User=root",
        "Type=oneshot",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
    ] {
        // An empty set is a restriction, and no assignment.
        let expected = usize::from(fine == "CapabilityBoundingSet=");
        let said = said(&[("a.service", &format!("{plain}{fine}\n"))]);
        assert_eq!(said.len(), expected, "{fine}: {said:?}");
    }
    check_lines(&[
        ("User=nobody\nRuntimeDirectory=a", &[]),
        (
            "User=nobody\nStateDirectory=a",
            &[
                "a.service:5:6: warning: User=nobody: its files can be changed by every other \
               service of nobody (give the service a user of its own)",
            ],
        ),
    ]);
}

#[test]
fn risky_settings_are_said_where_they_stand() {
    check_lines(&[
        ("ExecStart=/bin/sh -c 'echo $$A \"$$B\" $${C}'", &[]),
        ("ExecStart=:/bin/sh -c 'echo ${A}'", &[]),
        ("ExecStart=/bin/true -c ${A}", &[]),
        (
            "ExecStart=/bin/sh -ec 'echo ${A}'",
            &[
                "a.service:5:29: warning: ExecStart=: ${A} is put into the shell's text as it is, \
               not quoted (write \"$$A\": then the shell takes the value, whatever is in it)",
            ],
        ),
        (
            "ExecStart=/bin/sh -c \\\n  'echo \\\n # no\n  ${A}'",
            &[
                "a.service:8:3: warning: ExecStart=: ${A} is put into the shell's text as it is, \
               not quoted (write \"$$A\": then the shell takes the value, whatever is in it)",
            ],
        ),
        (
            "Type=forking",
            &[
                "a.service:5:6: warning: Type=forking without PIDFile=: the main process is guessed \
               (add PIDFile=, or run it in the foreground with Type=exec)",
            ],
        ),
        ("Type=forking\nPIDFile=/run/a.pid", &[]),
        (
            "Restart=always\n[Unit]\nStartLimitIntervalSec=5\n[Service]",
            &[],
        ),
        (
            "Restart=always\nRestartSec=5\n[Unit]\nStartLimitIntervalSec=0\n[Service]",
            &[],
        ),
        (
            "Restart=always\n[Unit]\nStartLimitIntervalSec=0\n[Service]",
            &[
                "a.service:5:9: warning: Restart=always without a start limit: a service that fails \
               at once is restarted without pause (write RestartSec=5s, or take \
               StartLimitIntervalSec=0 out)",
            ],
        ),
        (
            "Environment=DB_PASSWORD_FILE=/etc/x DB_TOKEN=/run/x SECRET=",
            &[],
        ),
        (
            "Environment=A=1 \"DB_PASSWORD=hunter2\"",
            &[
                "a.service:5:18: warning: Environment=: DB_PASSWORD looks like a secret, and git \
               keeps it for ever (put it into an EnvironmentFile= that only root can read, or use \
               LoadCredential=)",
            ],
        ),
    ]);
    let said = said(&[("a.service", &service("ExecStart=/bin/true\nKillMode=none"))]);
    assert!(
        said.iter().any(|line| line
            == "a.service:6:10: warning: KillMode=none: a stop tells no process to end (write \
                KillMode=mixed, or take it out)"),
        "{said:?}"
    );
}

#[test]
fn what_is_required_or_wanted_has_to_be_there() {
    let unit = |lines: &str| format!("[Unit]\n{lines}\n{}", service("ExecStart=/bin/true"));
    for (lines, expected) in [
        ("Requires=network.target dev-sda.device", None),
        ("Wants=network-online.target masked.service", None),
        (
            "Requires=b.service",
            Some(
                "a.service:2:10: Requires=b.service: there is no b.service in this commit (add \
                 it, or write Wants=b.service if a.service can do without)",
            ),
        ),
        (
            "BindsTo=poweroff.target",
            Some(
                "a.service:2:9: BindsTo=poweroff.target: poweroff.target is never reached while \
                 the host runs (add it, or write Wants=poweroff.target if a.service can do without)",
            ),
        ),
        (
            "Wants=network.target b.service",
            Some(
                "a.service:2:22: warning: Wants=b.service: there is no b.service in this commit, \
                 ignoring (add it, or take it out of a.service)",
            ),
        ),
    ] {
        let files = [
            ("a.service", &*unit(lines)),
            ("masked.service", "-> /dev/null"),
        ];
        check(&files, expected.as_slice());
    }
}

#[test]
fn cycles_are_named_edge_by_edge_with_their_lines() {
    let unit = |line: &str| format!("{}[Unit]\n{line}\n", service("ExecStart=/bin/true"));
    check(
        &[
            ("a.service", &unit("After=b.service")),
            ("b.service", &service("ExecStart=/bin/true")),
            (
                "b.service.d/x.conf",
                "[Unit]\nBefore=x.service\nAfter=y.service c.service\n",
            ),
            ("c.service", &unit("Before=z.service\nAfter=a.service")),
        ],
        &[
            "a.service:8:7: ordering cycle: a.service: After=b.service (a.service:8), b.service: \
           After=c.service (b.service.d/x.conf:3), c.service: After=a.service (c.service:9) \
           (remove one of these)",
        ],
    );
}

#[test]
fn conflicts_of_what_runs_are_said() {
    check(
        &[
            (
                "a.service",
                &format!(
                    "{}[Unit]\nConflicts=b.service\n",
                    service("ExecStart=/bin/true")
                ),
            ),
            ("b.service", &service("ExecStart=/bin/true")),
        ],
        &[
            "a.service:8:11: a.service conflicts with b.service, and both are to run (take one of \
           them out of [Install])",
        ],
    );
}

#[test]
fn units_that_nothing_pulls_in_are_said() {
    const IDLE: &str = "[Service]\nType=oneshot\nExecStart=/bin/true\n";
    let target = "[Unit]\nWants=a.service w@1.service\n[Install]\nWantedBy=default.target\n";
    check(
        &[("a.service", IDLE)],
        &[
            "a.service: warning: nothing pulls in a.service: it never starts by itself (add \
           [Install] with WantedBy=multi-user.target)",
        ],
    );
    check(
        &[
            ("a.service", IDLE),
            ("w@.service", IDLE),
            ("x.target", target),
        ],
        &[],
    );
    check(
        &[("w@.service", IDLE), ("x.target", "[Unit]\n")],
        &[
            "w@.service: warning: nothing starts an instance of w@.service (add DefaultInstance= \
             to its [Install], or Wants= of an instance to a target)",
            "x.target: warning: nothing pulls in x.target (add [Install] with \
             WantedBy=default.target)",
        ],
    );
    // Another file speaks of it, in whatever way.
    let other = format!(
        "{}[Unit]\nOnFailure=a.service\n",
        service("ExecStart=/bin/true")
    );
    let said = said(&[("a.service", IDLE), ("b.service", &other)]);
    assert!(
        !said.iter().any(|line| line.contains("nothing pulls")),
        "{said:?}"
    );
}

#[test]
fn templates_speak_once_and_not_of_made_up_names() {
    let template = service("ExecStart=/no/such\nUser=%i");
    let file = [("w@.service", template.as_str())];
    let said_of = |files: &[(&str, &str)]| -> Vec<String> {
        let all = said(files).into_iter();
        all.filter(|line| !line.contains("nothing starts"))
            .collect()
    };
    let missing = "w@.service:5:11: warning: ExecStart=: there is no /no/such on this host \
                   (install it before the push, or mend the path)";
    assert_eq!(said_of(&file), [missing]);
    let instances = [
        file[0],
        ("w@web.service", "-> w@.service"),
        ("w@ldap.service", "-> w@.service"),
    ];
    assert_eq!(said_of(&instances), [missing]);
}

#[test]
fn what_the_host_is_not_to_do_is_told_before() {
    let unit = "[Unit]\nFailureAction=reboot-force\nSuccessAction=exit\n\
                JobTimeoutAction=poweroff\n[Service]\nExecStart=/usr/bin/true\nUser=web\n\
                StartLimitAction=reboot\n[Install]\nWantedBy=default.target\n";
    check(
        &[("a.service", unit)],
        &[
            "a.service:2:15: warning: FailureAction=reboot-force will be refused: this host does \
             not allow reboot (AllowHostActions=reboot in [Manager] of gitproc.conf allows it)",
            "a.service:8:18: warning: StartLimitAction=reboot will be refused: this host does not \
             allow reboot (AllowHostActions=reboot in [Manager] of gitproc.conf allows it)",
        ],
    );
}

#[test]
fn findings_can_be_switched_off_where_they_stand() {
    let bad = service("ExecStart=/no/such\nUser=nosuch\nRestrictFileSystems=ext4");
    let ignore = |words: &str| format!("[X-Gitproc]\nLintIgnore={words}\n");
    let codes = "missing-binary missing-user not-honoured";
    check(&[("a.service", &format!("{bad}{}", ignore(codes)))], &[]);
    check(
        &[("a.service", &bad), ("a.service.d/x.conf", &ignore(codes))],
        &[],
    );
    assert_eq!(said(&[("a.service", &bad)]).len(), 3);
    // An error stays, and so does what a shared drop-in brings to others.
    check(
        &[(
            "a.service",
            &format!(
                "{}{}",
                service("ExecStart=/bin/true\nNice=x"),
                ignore("bad-value")
            ),
        )],
        &["a.service:6:6: Nice=: 'x' is no nice level (-20 to 19)"],
    );
    let all = [
        (
            "a.service",
            &*format!(
                "{}{}",
                service("ExecStart=/bin/true"),
                ignore("not-honoured")
            ),
        ),
        ("service.d/x.conf", "[Service]\nRestrictFileSystems=ext4\n"),
    ];
    assert_eq!(said(&all).len(), 1);
    check(
        &[(
            "a.service",
            &format!("{}{}", service("ExecStart=/bin/true"), ignore("nonsense")),
        )],
        &[
            "a.service:8:12: warning: LintIgnore=: no kind of finding is called 'nonsense' \
           (gitproc verify -o json shows the code of each finding)",
        ],
    );
}
