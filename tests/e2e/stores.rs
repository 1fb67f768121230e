//! `FileDescriptorStoreMax=`: what a service hands over is there again in its next life, whatever
//! happens to the daemon in between; and is gone when nobody is to need it any more.
use crate::instance::{Instance, signal};
use crate::root_or_say_so;
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;

const LOST: &str = "the process that kept its descriptors has died";

/// Builds the service (stores.c) into the instance's root.
fn build(instance: &Instance) -> PathBuf {
    let program = instance.root.join("stores");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/e2e/stores.c");
    let built = Command::new("cc")
        .args(["-Wall", "-Werror", "-o"])
        .args([&program, &source])
        .status();
    assert!(built.expect("a C compiler").success(), "stores.c builds");
    program
}

/// A service with these lines and arguments, and a store for four.
fn unit(program: &Path, lines: &str, arguments: &str) -> String {
    format!(
        "[Service]\nType=notify\nFileDescriptorStoreMax=4\n{lines}\nExecStart={} {arguments}\n\
         [Install]\nWantedBy=multi-user.target\n",
        program.display()
    )
}

impl Instance {
    /// What the latest life of the unit has said that it was given.
    #[track_caller]
    fn was_given(&self, unit: &str, expected: &[&str]) {
        let said = self.run(&["logs", unit, "-o", "cat", "-n", "10000"]);
        let said = said.ok().stdout;
        let last = said.rsplit("life\n").next().unwrap_or_default();
        // Without the remarks of gitproc.
        let lines = last.lines().filter(|line| !line.starts_with("FD"));
        let given: Vec<&str> = lines.collect();
        assert_eq!(given, expected, "{said}\n{}", self.log());
    }

    #[track_caller]
    fn is_remarked(&self, unit: &str, remark: &str) {
        let logs = self.run(&["logs", unit]).ok().stdout;
        assert!(logs.contains(remark), "expected {remark:?} in {logs}");
    }

    fn keepers(&self) -> usize {
        let processes = self.processes();
        let keeps = |command: &&String| command.contains("keep-descriptors");
        processes.values().filter(keeps).count()
    }

    /// Of a.service.
    fn kill_keeper(&self) {
        let mut found = self.processes().into_iter();
        let keeper = found.find(|(_, command)| command.contains("keep-descriptors a.service"));
        signal(keeper.expect("it has a keeper").0, Signal::SIGKILL);
    }

    #[track_caller]
    fn wait_keepers(&self, count: usize) {
        self.wait_for(&format!("{count} keepers"), |i| i.keepers() == count);
    }
}

#[test]
fn what_a_service_stores_is_there_in_its_next_life() {
    if !root_or_say_so("what_a_service_stores_is_there_in_its_next_life") {
        return;
    }
    let mut instance = Instance::start();
    let program = build(&instance);
    let lines = "Restart=always\nRestartSec=100ms\nUser=nobody\nPrivateDevices=yes";
    let text = unit(&program, lines, "memo=one=first memo=two=second");
    instance.push(&[("a.service", &text)]).ok();
    instance.was_given("a", &["given nothing"]);
    assert_eq!(instance.property("a", "NFileDescriptorStore"), "2");
    let status = instance.run(&["status", "a"]).stdout;
    assert!(status.contains("FD Store: 2 (limit: 4)"), "{status}");

    // Those of the second life are new files under the same names.
    instance.run(&["restart", "a"]).ok();
    let (one, two) = ("given one: first", "given two: second");
    instance.was_given("a", &[one, two]);
    assert_eq!(instance.property("a", "NFileDescriptorStore"), "4");

    // A crash, while the daemon is away.
    let pid = instance.main_pid("a");
    instance.kill_daemon();
    signal(pid, Signal::SIGKILL);
    instance.start_daemon();
    instance.wait_for("it is restarted", |i| {
        i.property("a", "NRestarts") == "1" && i.is_active("a")
    });
    instance.was_given("a", &[one, two, one, two]);

    // Another definition of it, by a daemon that has not made the keeper.
    let text = unit(&program, lines, "remove=one");
    instance.push(&[("a.service", &text)]).ok();
    instance.was_given("a", &[one, two, one, two]);
    instance.run(&["restart", "a"]).ok();
    instance.was_given("a", &[two, two]);
    assert_eq!(instance.keepers(), 1);

    // A unit that is down has nothing.
    instance.run(&["stop", "a"]).ok();
    instance.wait_keepers(0);
    instance.run(&["start", "a"]).ok();
    instance.was_given("a", &["given nothing"]);

    // Nor has one that may store nothing any more.
    let text = text.replace("StoreMax=4", "StoreMax=0");
    instance.push(&[("a.service", &text)]).ok();
    instance.wait_keepers(0);
    instance.shutdown();
}

#[test]
fn a_store_is_kept_as_long_as_its_unit_says() {
    let mut instance = Instance::start();
    let program = build(&instance);
    let unit = |lines: &str| unit(&program, lines, "memo=m=kept");
    let (yes, no) = (
        unit("FileDescriptorStorePreserve=yes"),
        unit("FileDescriptorStorePreserve=no"),
    );
    let files = [("yes.service", yes.as_str()), ("no.service", no.as_str())];
    instance.push(&files).ok();
    instance.run(&["restart", "yes", "no"]).ok();
    instance.was_given("yes", &["given m: kept"]);
    instance.was_given("no", &["given nothing"]);
    instance.run(&["stop", "yes", "no"]).ok();
    instance.wait_keepers(1);
    instance.kill_daemon();
    instance.start_daemon();
    instance.run(&["start", "yes"]).ok();
    instance.was_given("yes", &["given m: kept", "given m: kept"]);
    instance.push(&[("yes.service", "")]).ok();
    instance.wait_keepers(0);
    instance.shutdown();
}

#[test]
fn a_store_has_its_limit_and_lets_go_of_what_is_of_no_use() {
    let instance = Instance::start();
    let program = build(&instance);
    let many = unit(&program, "", "many=m=6");
    let pipes = unit(&program, "", "polled=p unpolled=u memo=bad:name=x");
    let none = unit(&program, "NotifyAccess=main", "memo=m=x").replace("Max=4", "Max=0");
    let files = [
        ("many.service", many.as_str()),
        ("pipes.service", pipes.as_str()),
        ("none.service", none.as_str()),
    ];
    instance.push(&files).ok();
    let full = |max, closed| {
        format!("FDSTORE=1: FileDescriptorStoreMax={max} is reached, closing {closed}")
    };
    instance.is_remarked("many", &full(4, "2 of 6"));
    instance.is_remarked("none", &full(0, "1 of 1"));
    instance.is_remarked("pipes", "FDNAME= is no valid name, taking stored");
    instance.wait_for("the pipe that nobody writes to is forgotten", |i| {
        i.property("pipes", "NFileDescriptorStore") == "2"
    });
    instance.run(&["restart", "pipes"]).ok();
    instance.was_given("pipes", &["given u: (no file)", "given stored: x"]);
    instance.shutdown();
}

/// Also one that an earlier daemon has made, whose end is seen when it is needed.
#[test]
fn a_killed_keeper_is_reported_and_the_service_goes_on() {
    let mut instance = Instance::start();
    let program = build(&instance);
    let text = unit(&program, "", "memo=m=x");
    instance.push(&[("a.service", &text)]).ok();
    let pid = instance.main_pid("a");
    instance.kill_keeper();
    instance.wait_for("the loss is reported", |i| i.log().contains(LOST));
    assert_eq!(instance.main_pid("a"), pid);
    assert_eq!(instance.property("a", "NFileDescriptorStore"), "0");
    instance.run(&["restart", "a"]).ok();
    instance.was_given("a", &["given nothing"]);
    assert_eq!(instance.property("a", "NFileDescriptorStore"), "1");
    instance.kill_daemon();
    instance.start_daemon();
    assert_eq!(instance.property("a", "NFileDescriptorStore"), "1");
    instance.kill_keeper();
    instance.wait_keepers(0);
    instance.run(&["restart", "a"]).ok();
    instance.was_given("a", &["given nothing"]);
    let log = instance.log();
    assert!(log.contains(LOST), "{log}");
    instance.shutdown();
}
