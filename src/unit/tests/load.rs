//! Whole trees: what becomes of their units, and what is said about them.
mod tree;

use gitproc_unit::{
    ExecRole, HostFacts, Loaded, Origin, ServiceType, TreeEntry, TreeFiles, Unit,
    changed_properties, load, needs_restart, properties, property_text,
};

use tree::{loaded, name, said};

fn unit<'a>(loaded: &'a Loaded, text: &str) -> &'a Unit {
    loaded
        .units
        .units
        .get(&name(text))
        .unwrap_or_else(|| panic!("{text} is not loaded: {:?}", loaded.diagnostics))
}

const WEB: &str = "[Unit]\nDescription=web of %n\nAfter=network.target\n[Service]\nType=notify\nExecStart=/usr/bin/web --port 80\nRestart=always\n[Install]\nWantedBy=multi-user.target\n";

#[test]
fn a_service_is_pulled_in_by_install() {
    let all = loaded(&[
        ("web.service", WEB),
        ("README.md", "hello"),
        ("bin/run.sh", "#!"),
    ]);
    assert_eq!(all.diagnostics, []);
    let web = unit(&all, "web.service");
    assert_eq!(web.unit.description, "web of web.service");
    let service = web.service.as_ref().expect("a service");
    assert_eq!(service.service_type, ServiceType::Notify);
    assert_eq!(
        service.exec[&ExecRole::Start][0].argv,
        ["/usr/bin/web", "--port", "80"]
    );
    for after in ["network.target", "sysinit.target", "basic.target"] {
        assert!(web.unit.after.contains(&name(after)), "{after}");
    }
    let target = unit(&all, "multi-user.target");
    assert!(target.unit.wants.contains(&web.name));
    assert_eq!(target.origin, Origin::BuiltIn { reached: true });
    assert_eq!(
        unit(&all, "shutdown.target").origin,
        Origin::BuiltIn { reached: false }
    );
}

#[test]
fn drop_ins_reset_and_add() {
    let all = loaded(&[
        ("web.service", WEB),
        (
            "web.service.d/10-port.conf",
            "[Service]\nExecStart=\nExecStart=/usr/bin/web --port 8080\n",
        ),
        ("web.service.d/20-gone.conf", "-> /dev/null"),
        ("service.d/20-gone.conf", "[Service]\nNice=5\n"),
        ("service.d/05-all.conf", "[Service]\nNice=3\n"),
    ]);
    assert_eq!(all.diagnostics, []);
    let web = unit(&all, "web.service");
    let service = web.service.as_ref().expect("a service");
    assert_eq!(service.exec[&ExecRole::Start].len(), 1);
    assert_eq!(service.nice, Some(3));
    let Origin::Tree { drop_ins, .. } = &web.origin else {
        panic!("from the tree")
    };
    assert_eq!(
        drop_ins,
        &["service.d/05-all.conf", "web.service.d/10-port.conf"]
    );
}

#[test]
fn instances_come_from_references() {
    let template = "[Service]\nExecStart=/bin/w %i %I\n[Install]\nWantedBy=multi-user.target\nDefaultInstance=main\n";
    let all = loaded(&[
        ("w@.service", template),
        ("w@linked.service", "-> w@.service"),
        (
            "multi-user.target.wants/w@wanted.service",
            "-> ../w@.service",
        ),
        (
            "web.service",
            "[Unit]\nRequires=w@a-b.service w@.service\n[Service]\nExecStart=/bin/web\n",
        ),
        ("w@a-b.service.d/x.conf", "[Service]\nNice=1\n"),
    ]);
    assert_eq!(all.diagnostics, []);
    let argv = |text| {
        unit(&all, text).service.as_ref().expect("a service").exec[&ExecRole::Start][0]
            .argv
            .clone()
    };
    assert_eq!(argv("w@a-b.service"), ["/bin/w", "a-b", "a/b"]);
    assert_eq!(argv("w@web.service"), ["/bin/w", "web", "web"]);
    let wants = &unit(&all, "multi-user.target").unit.wants;
    let wants: Vec<&str> = wants.iter().map(|n| n.as_str()).collect();
    assert_eq!(
        wants,
        ["w@linked.service", "w@main.service", "w@wanted.service"]
    );
    for instance in wants {
        unit(&all, instance);
    }
}

#[test]
fn links_rename_and_mask() {
    let all = loaded(&[
        ("web.service", WEB),
        ("www.service", "-> web.service"),
        (
            "b.service",
            "[Unit]\nRequires=www.service gone.service\n[Service]\nExecStart=/bin/b\n",
        ),
        ("gone.service", "-> /dev/null"),
        ("graphical.target", "-> /dev/null"),
    ]);
    assert_eq!(all.diagnostics, []);
    assert!(
        unit(&all, "b.service")
            .unit
            .requires
            .contains(&name("web.service"))
    );
    assert!(!all.units.units.contains_key(&name("gone.service")));
    assert!(!all.units.units.contains_key(&name("graphical.target")));
}

#[test]
fn targets_wait_for_what_they_pull_in() {
    let all = loaded(&[
        ("app.target", "[Unit]\nWants=a.service b.service\n"),
        ("a.service", "[Service]\nExecStart=/bin/a\n"),
        (
            "b.service",
            "[Unit]\nAfter=app.target\n[Service]\nExecStart=/bin/b\n",
        ),
    ]);
    let after = &unit(&all, "app.target").unit.after;
    assert!(after.contains(&name("a.service")) && !after.contains(&name("b.service")));
}

#[test]
fn bad_input_is_named_with_its_place() {
    let service = |lines: &str| format!("[Service]\nExecStart=/bin/x\n{lines}\n");
    for (text, expected) in [
        (
            "[Service]\nExecStrat=/bin/x\n".into(),
            "web.service:2:1: unknown key 'ExecStrat' in [Service] (did you mean ExecStart?)",
        ),
        (
            "[Servce]\nExecStart=/bin/x\n".into(),
            "web.service:1: unknown section [Servce] (did you mean [Service]?)",
        ),
        (
            service("[Timer]"),
            "web.service:3: section [Timer] has no place in a .service",
        ),
        (
            service("RestrictFileSystems=ext4"),
            "web.service:3:1: warning: RestrictFileSystems= is not honoured yet",
        ),
        (
            service("Colour=red"),
            "web.service:3:1: warning: unknown key 'Colour' in [Service], ignoring",
        ),
        (
            service("Restart=sometimes"),
            "web.service:3:9: Restart=: 'sometimes' is no known value (one of no, on-success, on-failure, on-abnormal, on-watchdog, on-abort, always)",
        ),
        (
            service("ExecStop=/bin/x \"a"),
            "web.service:3:10: ExecStop=: bad command line: a quote is not closed",
        ),
        (
            service("User=%z"),
            "web.service:3:6: User=: unknown specifier %z; write %% for a %",
        ),
        (
            service("ExecStart=/bin/y"),
            "web.service: service has several ExecStart= lines; only Type=oneshot may",
        ),
        (
            "[Service]\nType=simple\n".into(),
            "web.service: service has no ExecStart=, ExecStop= or SuccessAction=",
        ),
        (
            service("[X-Health]\nHttp=/"),
            "web.service:3: warning: [X-Health] is not honoured yet",
        ),
    ] {
        let said = said(&[("web.service", &text)]);
        assert!(
            said.iter().any(|line| line == expected),
            "wanted {expected}\ngot {said:#?}"
        );
    }
    assert_eq!(
        said(&[("a.socket", "[Socket]\nListenStream=1\n")]),
        ["a.socket: warning: socket units are not run yet, ignoring"]
    );
    assert_eq!(
        said(&[("a.service", "-> /lib/a.service")]),
        ["a.service: links to /lib/a.service, which is no unit of this directory"]
    );
    assert_eq!(
        said(&[
            ("b.service.d/x.conf", "[Service]\nNice=1\n"),
            ("b-.service.d/x.conf", "")
        ]),
        [
            "b.service.d/x.conf: warning: drop-in for b.service, which is not run from this tree, ignoring"
        ]
    );
    let mut bad = TreeFiles::default();
    bad.entries.insert(
        "a.service".into(),
        TreeEntry::Problem("invalid UTF-8 at byte 17".into()),
    );
    let all = load(&bad, &HostFacts::example());
    assert!(all.has_errors());
    assert_eq!(
        all.diagnostics[0].to_string(),
        "a.service: can't be read: invalid UTF-8 at byte 17"
    );
}

#[test]
fn meaning_is_what_needs_a_restart() {
    let base = loaded(&[("web.service", WEB)]);
    let base = unit(&base, "web.service");
    let with = |from: &str, to: &str| {
        let all = loaded(&[("web.service", &WEB.replace(from, to))]);
        let other = unit(&all, "web.service");
        (needs_restart(base, other), changed_properties(base, other))
    };
    assert_eq!(
        with(
            "[Service]\n",
            "# a comment\n[Service]\nNice=0\nRestartSec=100ms\n"
        ),
        (false, vec![])
    );
    assert_eq!(with("web of", "site of"), (false, vec!["Description"]));
    assert_eq!(with("always", "no"), (false, vec!["Restart"]));
    assert_eq!(with("port 80", "port 81"), (true, vec!["ExecStart"]));
    assert_eq!(
        with("[Service]\n", "[Service]\nMemoryMax=1G\n"),
        (true, vec!["MemoryMax"])
    );
}

#[test]
fn properties_have_systemds_names_and_types() {
    let all = loaded(&[(
        "web.service",
        &WEB.replace(
            "Restart=always",
            "RestartSec=2\nLimitNOFILE=4:8\nTimeoutStopSec=0",
        ),
    )]);
    let shown = properties(unit(&all, "web.service"), &HostFacts::example());
    let text = |key| {
        shown
            .iter()
            .find(|(k, _)| *k == key)
            .map(|(_, v)| property_text(v))
    };
    for (key, value) in [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("RestartUSec", "2000000"),
        ("TimeoutStopUSec", "infinity"),
        ("LimitNOFILE", "8"),
        ("LimitNOFILESoft", "4"),
        ("KillSignal", "15"),
        (
            "ExecStart",
            "{ /usr/bin/web { /usr/bin/web --port 80 } no 0 0 0 0 0 0 0 }",
        ),
    ] {
        assert_eq!(text(key).as_deref(), Some(value), "{key}");
    }
}

#[test]
fn what_a_unit_can_not_do_without_is_refused() {
    let with = |line: &str| {
        let text = format!("[Service]\nExecStart=/bin/true\n{line}\n");
        said(&[("a.service", &text)]).join("; ")
    };
    assert_eq!(
        with("RootImage=/srv/x.raw"),
        "a.service:3:1: RootImage= is not honoured yet (images of file systems are not mounted: \
         unpack it, and name the directory by RootDirectory=)"
    );
    assert_eq!(with("RootImage="), "");
}

#[test]
fn links_in_a_circle_are_refused() {
    let files = [("a.service", "-> b.service"), ("b.service", "-> a.service")];
    let both = said(&files).join("; ");
    assert!(both.contains("a.service: links in a circle"), "{both}");
    assert!(both.contains("b.service: links in a circle"), "{both}");
    let own = said(&[("loop.service", "-> loop.service")]).join("; ");
    assert!(own.contains("loop.service: links in a circle"), "{own}");
}

#[test]
fn an_empty_value_that_means_something_counts() {
    let of = |lines: &str| {
        let text = format!("[Service]\nExecStart=/bin/x\n{lines}\n");
        let all = loaded(&[("a.service", &text)]);
        unit(&all, "a.service").clone()
    };
    let (silent, delegates) = (of(""), of("Delegate="));
    assert!(needs_restart(&silent, &delegates), "Delegate= is yes");
    assert!(!needs_restart(
        &silent,
        &of("Environment=A=1\nEnvironment=")
    ));
}

#[test]
fn what_has_no_effect_is_said_however_it_is_kept() {
    for (lines, key) in [
        ("[Service]\nExecStart=/bin/a\nSockets=x.socket\n", "Sockets"),
        (
            "[Service]\nExecStart=/bin/a\nRestrictFileSystems=ext4\n",
            "RestrictFileSystems",
        ),
    ] {
        let said = said(&[
            ("a.service", lines),
            ("b.service", "[Service]\nExecStart=/bin/b\n"),
        ]);
        let wanted = format!("{key}= is not honoured");
        let times = said.iter().filter(|line| line.contains(&wanted)).count();
        assert_eq!(times, 1, "{lines}: {said:#?}");
    }
}
