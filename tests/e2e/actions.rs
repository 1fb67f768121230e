//! What units ask of the whole host. Its systemctl is a stand-in that only writes down what it is
//! told.
use crate::instance::Instance;
use crate::root_or_say_so;
use std::os::unix::fs::PermissionsExt;

const INSTALL: &str = "[Install]\nWantedBy=default.target\n";

/// An instance whose configuration allows `actions`.
fn allowing(actions: &str) -> Instance {
    let mut instance = Instance::init();
    let bin = instance.root.join("bin");
    std::fs::create_dir(&bin).expect("fresh");
    let told = instance.root.join("told");
    for program in ["systemctl", "reboot", "poweroff"] {
        let script = format!("#!/bin/sh\necho {program} \"$@\" >> {}\n", told.display());
        let path = bin.join(program);
        std::fs::write(&path, script).expect("writable");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("ours");
    }
    let config = instance.root.join("etc/gitproc/gitproc.conf");
    let mut text = std::fs::read_to_string(&config).expect("made by init");
    text.push_str(&format!("\n[Manager]\nAllowHostActions={actions}\n"));
    std::fs::write(&config, text).expect("ours");
    instance.start_daemon();
    instance
}

fn fails_with(lines: &str) -> String {
    format!("[Unit]\n{lines}\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 4'\n{INSTALL}")
}

#[test]
fn a_reboot_that_the_host_allows_is_asked_of_its_init_and_others_are_refused() {
    if !root_or_say_so("a_reboot_that_the_host_allows") {
        return;
    }
    let instance = allowing("reboot");
    let unit = fails_with("FailureAction=poweroff");
    let pushed = instance.push(&[("a.service", &unit)]);
    let warning = "a.service:2:15: warning: FailureAction=poweroff will be refused: this host does \
                   not allow poweroff (AllowHostActions=poweroff in [Manager] of gitproc.conf \
                   allows it)";
    assert!(pushed.stderr.contains(warning), "{}", pushed.stderr);
    instance.wait_for("it is refused", |instance| {
        instance
            .log()
            .contains("a.service: FailureAction=poweroff is refused: AllowHostActions=")
    });
    let unit = fails_with("FailureAction=reboot-force\nRebootArgument=to firmware");
    instance.push(&[("b.service", &unit)]);
    let told = instance.root.join("told");
    instance.wait_for("the init is told", |_| told.exists());
    instance.wait_for("all of it", |_| {
        let told = std::fs::read_to_string(&told).expect("readable");
        told == "systemctl --force --reboot-argument=to firmware reboot\n"
    });
    instance.shutdown();
}

#[test]
fn a_service_may_end_gitproc_in_order_with_its_own_status() {
    if !root_or_say_so("a_service_may_end_gitproc") {
        return;
    }
    let mut instance = allowing("exit");
    let sleep = format!("[Service]\nExecStart=/bin/sleep 1000000\n{INSTALL}");
    instance.push(&[("web.service", &sleep)]).ok();
    instance.wait_active("web.service");
    let unit = fails_with("FailureAction=exit");
    instance.push(&[("a.service", &unit)]);
    instance.daemon_exits(4);
    assert_eq!(instance.processes(), Default::default(), "all is down");
}
