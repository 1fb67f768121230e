//! Conditions and asserts, asked of this host: what is skipped, what fails, and what is said of it.
use crate::instance::Instance;

/// A service that would run for ever, with these lines in [Unit].
fn asking(lines: &str) -> String {
    format!(
        "[Unit]\n{lines}\n[Service]\nExecStart=/bin/sleep 1000000\n\
         [Install]\nWantedBy=multi-user.target\n"
    )
}

#[test]
fn a_condition_that_fails_skips_the_unit_and_says_why() {
    let instance = Instance::start();
    let file = instance.root.join("wanted-file");
    let condition = format!("ConditionPathExists={}", file.display());
    let pushed = instance
        .push(&[
            ("a.service", &asking(&condition)),
            (
                "b.service",
                &asking(
                    "Requires=a.service\nAfter=a.service\nConditionPathExists=|/nowhere\n\
                         ConditionPathExists=|/etc\nConditionPathExists=!/nowhere",
                ),
            ),
        ])
        .ok();
    let why = format!("condition failed: {condition}");
    assert!(
        pushed
            .stderr
            .contains(&format!("a.service: skipped: {why}")),
        "{pushed:?}"
    );
    assert!(pushed.stderr.contains("deployed"), "{pushed:?}");
    assert!(!pushed.stderr.contains("with failures"), "{pushed:?}");
    assert!(
        instance
            .log()
            .contains(&format!("a.service: skipped: {why}"))
    );
    assert!(!instance.is_active("a"));
    assert!(instance.is_active("b"), "what requires it runs");
    let status = instance.run(&["status", "a"]);
    assert!(status.stdout.contains("inactive (dead)"), "{status:?}");
    assert!(status.stdout.contains(&why), "{status:?}");
    let list = instance.run(&["list"]).ok();
    assert!(list.stdout.contains(&why), "{list:?}");

    let show = |unit, property| instance.property(unit, property);
    assert_eq!(show("a", "ConditionResult"), "no");
    assert_eq!(show("b", "ConditionResult"), "yes");
    assert_eq!(show("a", "Result"), "success");
    assert_ne!(show("a", "ConditionTimestampMonotonic"), "0");
    // The last line is asked first, as under systemd.
    assert_eq!(
        show("b", "Conditions"),
        "{ ConditionPathExists no yes /nowhere 1 } { ConditionPathExists yes no /etc 1 } \
         { ConditionPathExists yes no /nowhere -1 }"
    );

    // It is no failure to start it by hand; and once the condition holds, it runs.
    let started = instance.run(&["start", "a"]).ok();
    assert!(
        started
            .stdout
            .contains(&format!("a.service skipped: {why}")),
        "{started:?}"
    );
    std::fs::write(&file, "").expect("the root is ours");
    instance.run(&["start", "a"]).ok();
    assert!(instance.is_active("a"));
    assert_eq!(show("a", "ConditionResult"), "yes");
    instance.shutdown();
}

#[test]
fn a_skipped_unit_is_asked_again_by_the_next_commit_and_after_a_restart_of_the_daemon() {
    let mut instance = Instance::start();
    let (one, two) = (instance.root.join("one"), instance.root.join("two"));
    let unit = |path: &std::path::Path| asking(&format!("ConditionPathExists={}", path.display()));
    let (a, b) = (unit(&one), unit(&two));
    instance.push(&[("a.service", &a), ("b.service", &b)]).ok();
    assert!(!instance.is_active("a"));
    std::fs::write(&one, "").expect("the root is ours");
    instance
        .push(&[("c.service", &asking("ConditionPathExists=/etc"))])
        .ok();
    assert!(
        instance.is_active("a"),
        "another commit, and its condition holds now"
    );
    std::fs::write(&two, "").expect("the root is ours");
    std::fs::remove_file(&one).expect("it is there");
    let pid = instance.main_pid("a");
    instance.kill_daemon();
    instance.start_daemon();
    instance.wait_for("b is asked again", |instance| instance.is_active("b"));
    assert_eq!(instance.main_pid("a"), pid, "what runs is not asked");
    assert_eq!(instance.property("a", "ConditionResult"), "yes");
    instance.shutdown();
}

#[test]
fn an_assert_that_fails_fails_the_start_and_what_requires_it() {
    let instance = Instance::start();
    let pushed = instance.push(&[
        ("a.service", &asking("AssertPathIsDirectory=/etc/passwd")),
        ("b.service", &asking("Requires=a.service\nAfter=a.service")),
        ("c.service", &asking("ConditionMemory=nonsense")),
    ]);
    let why = "assert failed: AssertPathIsDirectory=/etc/passwd";
    assert!(
        pushed.stderr.contains(&format!("a.service: failed: {why}")),
        "{pushed:?}"
    );
    assert!(
        pushed
            .stderr
            .contains("b.service: failed: a.service did not come up"),
        "{pushed:?}"
    );
    assert!(pushed.stderr.contains("with failures"), "{pushed:?}");
    let status = instance.run(&["status", "a"]);
    assert!(
        status.stdout.contains("inactive (dead) (Result: assert)"),
        "{status:?}"
    );
    assert!(status.stdout.contains(why), "{status:?}");
    let started = instance.run(&["start", "a"]);
    assert_eq!(started.code, 1, "{started:?}");
    assert!(started.stderr.contains(why), "{started:?}");
    assert_eq!(instance.property("a", "AssertResult"), "no");
    // What can't be judged counts as failed, and the log says so.
    let status = instance.run(&["status", "c"]);
    assert!(
        status
            .stdout
            .contains("ConditionMemory=nonsense could not be judged"),
        "{status:?}"
    );
    assert!(
        instance.log().contains("'nonsense' is no size"),
        "{}",
        instance.log()
    );
    instance.shutdown();
}
