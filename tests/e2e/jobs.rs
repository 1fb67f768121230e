//! Verbs, and reloads and run times of real services.
use crate::instance::Instance;
use crate::root_or_say_so;

const SLEEP: &str = "[Service]\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=default.target\n";

#[test]
fn isolating_a_target_leaves_what_it_pulls_in_and_nothing_else() {
    if !root_or_say_so("isolating_a_target") {
        return;
    }
    let night = "[Unit]\nAllowIsolate=yes\nWants=db.service\n";
    let instance = Instance::with_units(&[
        ("db.service", SLEEP),
        ("web.service", SLEEP),
        ("night.target", night),
    ]);
    instance.wait_active("web.service");
    let db = instance.main_pid("db.service");
    instance
        .run(&["isolate", "web"])
        .fails(1, "AllowIsolate=yes");
    instance.run(&["isolate", "night.target"]).ok();
    instance.wait_for("web is down", |instance| !instance.is_active("web.service"));
    assert_eq!(instance.main_pid("db.service"), db, "db was not touched");
    instance.run(&["try-restart", "web"]).ok();
    assert!(!instance.is_active("web.service"), "it did not run");
    instance.run(&["isolate", "default.target"]).ok();
    instance.wait_active("web.service");
    instance.run(&["try-restart", "db"]).ok();
    assert_ne!(instance.main_pid("db.service"), db, "it ran");
    instance.shutdown();
}

/// Says that it is ready; at each SIGHUP that it reloads, when, and that it is ready again.
const RELOADS: &str = "use Socket; use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC); $|=1; \
    my $path = $ENV{NOTIFY_SOCKET}; $path =~ s/^@/\\0/; my $to = pack_sockaddr_un($path); \
    socket(S, AF_UNIX, SOCK_DGRAM, 0); sub say_so { send(S, $_[0], 0, $to) } \
    $SIG{HUP} = sub { my $now = int(clock_gettime(CLOCK_MONOTONIC) * 1e6); \
    say_so(qq(RELOADING=1\\nMONOTONIC_USEC=$now)); print qq(reloads\\n); \
    say_so(qq(READY=1\\nERRNO=13\\nSTATUS=as the new file says)) }; \
    say_so(qq(READY=1)); sleep 1000 while 1;\n";

#[test]
fn a_reload_waits_until_the_service_has_reloaded() {
    if !root_or_say_so("a_reload_waits") {
        return;
    }
    let instance = Instance::start();
    let script = instance.clone_dir().join("../reloads.pl");
    std::fs::write(&script, RELOADS).expect("writable");
    let unit = format!(
        "[Service]\nType=notify-reload\nExecStart=/usr/bin/perl {}\n\
         [Install]\nWantedBy=default.target\n",
        script.display()
    );
    instance.push(&[("a.service", &unit)]).ok();
    instance.wait_active("a.service");
    let pid = instance.main_pid("a.service");
    instance.run(&["reload", "a"]).ok();
    assert_eq!(
        instance.property("a.service", "StatusText"),
        "as the new file says"
    );
    assert_eq!(instance.property("a.service", "StatusErrno"), "13");
    let shown = instance.run(&["status", "a"]).stdout;
    assert!(shown.contains("Error: 13 (Permission denied)"), "{shown}");
    assert_eq!(instance.property("a.service", "SubState"), "running");
    instance.run(&["reload-or-restart", "a"]).ok();
    assert_eq!(instance.main_pid("a.service"), pid, "it was only reloaded");
    instance.shutdown();
}

#[test]
fn the_time_that_a_service_may_run_goes_on_without_a_daemon() {
    if !root_or_say_so("the_time_that_a_service_may_run") {
        return;
    }
    let unit = "[Service]\nExecStart=/bin/sleep 1000000\nRuntimeMaxSec=4s\n\
                [Install]\nWantedBy=default.target\n";
    let mut instance = Instance::with_units(&[("a.service", unit)]);
    instance.wait_active("a.service");
    instance.kill_daemon();
    instance.start_daemon();
    instance.wait_for("it is ended", |instance| {
        instance.property("a.service", "ActiveState") == "failed"
    });
    assert_eq!(instance.property("a.service", "Result"), "timeout");
    instance.shutdown();
}
