//! A repository that breaks takes no service down: what was applied goes on from its own copy.
use crate::instance::{Instance, signal};
use nix::sys::signal::Signal;

const UNITS: [(&str, &str); 2] = [
    (
        "phoenix.service",
        "[Service]\nExecStart=/bin/sleep 1000000\nRestart=always\nRestartSec=10ms\n\
         [Install]\nWantedBy=multi-user.target\n",
    ),
    (
        "plain.service",
        "[Service]\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=multi-user.target\n",
    ),
];

#[test]
fn services_are_adopted_and_supervised_without_a_store() {
    let mut instance = Instance::with_units(&UNITS);
    let (phoenix, plain) = (instance.main_pid("phoenix"), instance.main_pid("plain"));
    instance.kill_daemon();
    // A daemon that finds no copy makes one.
    std::fs::remove_file(instance.root.join("var/lib/gitproc/applied.json")).expect("there");
    instance.start_daemon();
    instance.wait_for("a copy is made", |instance| {
        instance.log().contains("is wanted again")
    });
    instance.kill_daemon();
    let objects = instance.root.join("var/lib/gitproc/store.git/objects");
    let aside = instance.root.join("objects");
    std::fs::rename(&objects, &aside).expect("there");

    instance.start_daemon();
    instance.wait_for("the break is said", |instance| {
        instance
            .log()
            .contains("going on with the copy of generation")
    });
    assert_eq!(instance.main_pid("phoenix"), phoenix, "adopted");
    assert_eq!(instance.main_pid("plain"), plain, "adopted");
    instance.wait_for("the break is shown", |instance| {
        let status = instance.run(&["status"]).ok();
        status.stdout.contains("store")
    });
    // The policy of its unit file holds, not that of a stand-in.
    signal(phoenix, Signal::SIGKILL);
    instance.wait_for("phoenix.service comes back", |instance| {
        ![0, phoenix].contains(&instance.main_pid("phoenix"))
    });
    let cat = instance.run(&["cat", "phoenix"]).ok();
    assert!(cat.stdout.contains("RestartSec=10ms"), "{cat:?}");
    instance.run(&["sync"]).fails(1, "store");

    std::fs::rename(&aside, &objects).expect("there");
    instance
        .push(&[("plain.service", ""), ("new.service", UNITS[1].1)])
        .ok();
    instance.wait_active("new");
    instance.wait_for("plain.service is gone", |instance| {
        instance.main_pid("plain") == 0
    });
    instance.shutdown();
}

#[test]
fn after_a_reboot_with_a_broken_store_services_start_again() {
    let mut instance = Instance::with_units(&UNITS);
    instance.run(&["shutdown"]).ok();
    instance.forget_daemon();
    std::fs::remove_dir_all(instance.root.join("run")).expect("there");
    let main = instance
        .root
        .join("var/lib/gitproc/store.git/refs/heads/main");
    std::fs::write(main, "garbage\n").expect("writable");
    let objects = instance.root.join("var/lib/gitproc/store.git/objects");
    std::fs::remove_dir_all(objects).expect("there");

    instance.start_daemon();
    instance.wait_active("phoenix");
    instance.wait_active("plain");
    instance.shutdown();
}

#[test]
fn a_lost_store_is_made_anew_and_filled_from_the_clone() {
    let instance = Instance::with_units(&UNITS);
    let (phoenix, plain) = (instance.main_pid("phoenix"), instance.main_pid("plain"));
    let store = instance.root.join("var/lib/gitproc/store.git");
    std::fs::remove_dir_all(&store).expect("there");
    instance.run(&["sync"]).fails(1, "init");
    let made = instance.run(&["init"]).ok();
    assert!(made.stdout.contains("fill it from the clone"), "{made:?}");
    instance.run(&["sync"]).fails(1, "no commits");
    instance.git(&["push"]).ok();
    assert_eq!(instance.main_pid("phoenix"), phoenix, "undisturbed");
    assert_eq!(instance.main_pid("plain"), plain, "undisturbed");
    instance.shutdown();
}
