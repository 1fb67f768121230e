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
    let planned = "~ team-web.slice    limit (TasksMax), no restart";
    assert!(pushed.stderr.contains(planned), "{pushed:?}");
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

/// The user makes a group in its own, moves itself there, and is not met there by what is run beside
/// it.
#[test]
fn a_delegated_group_is_the_services_own() {
    if !crate::root_or_say_so("delegation") {
        return;
    }
    let script = "own=$(sed -n 's/^0:://p' /proc/self/cgroup); \
                  for top in /sys/fs/cgroup /sys/fs/cgroup/unified; do \
                  [ -w $top$own/cgroup.procs ] && cd $top$own; done; \
                  mkdir inner && echo $$ >inner/cgroup.procs && mv inner renamed 2>/dev/null; \
                  sed -n 's/^0::/main /p' /proc/self/cgroup; \
                  echo 5 >../cgroup.procs 2>/dev/null && echo escaped; \
                  while :; do sleep 1000; done";
    let beside = "sed -n 's/^0::/beside /p' /proc/self/cgroup";
    let unit = |delegate: &str| {
        format!(
            "[Service]\nUser=nobody\nDelegate={delegate}\nExecStart=:/bin/sh -c \"{script}\"\n\
             ExecReload=:/bin/sh -c \"{beside}\"\n[Install]\nWantedBy=multi-user.target\n"
        )
    };
    let instance =
        Instance::with_units(&[("own.service", &unit("yes")), ("not.service", &unit("no"))]);
    let said = |unit: &str| instance.run(&["logs", unit, "-o", "cat"]).stdout;
    for (name, ends) in [
        (
            "own",
            ["main", "payload/inner", "beside", "payload/.control"],
        ),
        ("not", ["main", "payload", "beside", "payload"]),
    ] {
        instance.wait_for("the script has begun", |_| said(name).contains("main "));
        instance.run(&["reload", name]).ok();
        let text = said(name);
        for pair in ends.chunks(2) {
            let (who, end) = (pair[0], pair[1]);
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("{who} ")));
            let line = line.unwrap_or_else(|| panic!("{who}: {text}"));
            assert!(line.ends_with(&format!("{name}.service/{end}")), "{text}");
        }
        assert!(!text.contains("escaped"), "{text}");
    }
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
