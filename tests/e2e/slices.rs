//! Slices: groups of services with limits of their own, seen in the cgroups of the real kernel.
use crate::instance::{Instance, exists};
use std::path::PathBuf;

const IN_SLICE: &str = "[Service]\nExecStart=/bin/sleep 1000\nSlice=team-web.slice\n\
                        [Install]\nWantedBy=multi-user.target\n";

/// The directory of `team-web.slice` in the hierarchy that limits tasks, wherever a process of it is.
fn slice_dir(pid: u32) -> PathBuf {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("it lives");
    let path = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let end = path.find("/team.slice/team-web.slice/")? + "/team.slice/team-web.slice".len();
        let mounts: &[&str] = match controllers {
            "pids" => &["/sys/fs/cgroup/pids"],
            "" => &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"],
            _ => return None,
        };
        let dirs = mounts
            .iter()
            .map(|mount| PathBuf::from(format!("{mount}{}", &path[..end])));
        dirs.into_iter().find(|dir| exists(dir.join("pids.max")))
    };
    let found = text.lines().find_map(path);
    found.unwrap_or_else(|| panic!("nobody limits the tasks of a slice: {text}"))
}

#[test]
fn slices_nest_and_their_limits_follow_the_commit() {
    if !crate::root_or_say_so("slices") {
        return;
    }
    let slice = |lines: &str| format!("[Slice]\n{lines}\n");
    let mut instance = Instance::with_units(&[
        ("a.service", IN_SLICE),
        ("b.service", IN_SLICE),
        ("team-web.slice", &slice("TasksMax=40")),
    ]);
    let (a, b) = (instance.main_pid("a"), instance.main_pid("b"));
    let dir = slice_dir(a);
    let limit = || std::fs::read_to_string(dir.join("pids.max")).expect("a limit");
    assert_eq!(dir, slice_dir(b));
    assert_eq!(limit(), "40\n");
    let group = instance.property("a", "ControlGroup");
    assert!(
        group.ends_with("/team.slice/team-web.slice/a.service"),
        "{group}"
    );

    // What the slice says changes at once, without a restart.
    let pushed = instance
        .push(&[("team-web.slice", &slice("TasksMax=50"))])
        .ok();
    assert!(!pushed.stderr.contains("not run yet"), "{pushed:?}");
    assert_eq!(limit(), "50\n");
    instance.push(&[("team-web.slice", "")]).ok();
    assert_eq!(limit(), "max\n");
    assert_eq!((instance.main_pid("a"), instance.main_pid("b")), (a, b));

    // A daemon that comes back finds them where they are.
    instance.kill_daemon();
    instance.start_daemon();
    assert_eq!((instance.main_pid("a"), instance.main_pid("b")), (a, b));
    instance
        .push(&[("team.slice", &slice("TasksMax=60")), ("a.service", "")])
        .ok();
    let outer = dir.with_file_name("pids.max");
    assert_eq!(std::fs::read_to_string(outer).expect("a limit"), "60\n");

    // The slice goes with its last service.
    assert!(exists(&dir));
    instance.push(&[("b.service", "")]).ok();
    assert!(!exists(&dir) && !exists(dir.parent().expect("team.slice")));
    instance.shutdown();
}

#[test]
fn a_slice_bounds_its_services_together() {
    if !crate::root_or_say_so("slices") {
        return;
    }
    let script = "i=0; while [ $i -lt 30 ]; do sleep 1000 & i=$((i+1)); done; echo started; wait";
    let unit = format!(
        "[Service]\nExecStart=/bin/sh -c '{script}'\nSlice=team-web.slice\nKillMode=control-group\n"
    );
    let instance = Instance::with_units(&[
        ("team.slice", "[Slice]\nTasksMax=40\n"),
        ("a.service", &unit),
        ("b.service", &unit),
    ]);
    for (unit, said) in [("a", "started"), ("b", "Cannot fork")] {
        instance.run(&["start", unit]).ok();
        instance.wait_for(&format!("{unit} says {said}"), |instance| {
            instance
                .run(&["logs", unit, "-o", "cat"])
                .stdout
                .contains(said)
        });
    }
    instance.shutdown();
}
