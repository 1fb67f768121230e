//! How long what a unit has stored is kept (`FileDescriptorStorePreserve=`).
use crate::script::*;
use gitproc_core::api::Verb;
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::snapshot::ActiveState;

fn service(preserve: &str) -> String {
    format!(
        "[Service]\nExecStart=/bin/x\nRestart=always\nRestartSec=1\nFileDescriptorStoreMax=1\n\
         FileDescriptorStorePreserve={preserve}\n"
    )
}

#[test]
fn descriptors_are_kept_as_the_unit_says() {
    for (preserve, while_it_waits, while_it_is_down) in [
        ("no", false, false),
        ("restart", true, false),
        ("yes", true, true),
    ] {
        let text = service(preserve);
        let mut script = Script::of(&[("a.service", &text)]);
        let keeps = |script: &Script| script.engine.keeps_descriptors(&name("a.service"));
        script.comes_up("a.service");
        assert!(keeps(&script), "{preserve}: it runs");
        script.goes_down("a.service", ProcessEnd::Exited(1));
        assert_eq!(keeps(&script), while_it_waits, "{preserve}: it waits");
        script.passes(1_000_000);
        script.comes_up("a.service");
        script.ask(Verb::Stop, "a.service");
        assert!(keeps(&script), "{preserve}: it is being stopped");
        script.goes_down("a.service", ProcessEnd::Killed(15));
        assert_eq!(keeps(&script), while_it_is_down, "{preserve}: it is down");
        script.target(&[]);
        assert!(!keeps(&script), "{preserve}: it is no unit any more");
    }
}

#[test]
fn before_the_first_target_nothing_is_let_go() {
    let script = Script::fresh();
    assert!(script.engine.keeps_descriptors(&name("a.service")));
}

#[test]
fn a_restart_that_waits_for_another_unit_keeps_them() {
    let a = format!("[Unit]\nAfter=b.service\n{}", service("restart"));
    let mut script = Script::of(&[("a.service", &a), ("b.service", SIMPLE)]);
    script.comes_up("b.service");
    script.comes_up("a.service");
    script.ask(Verb::Restart, "a.service");
    script.ask(Verb::Restart, "b.service");
    script.goes_down("a.service", ProcessEnd::Killed(15));
    // It starts after b, which has to come down first.
    script.is("a.service", ActiveState::Inactive, "dead");
    assert!(script.engine.keeps_descriptors(&name("a.service")));
}
