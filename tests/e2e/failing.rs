//! Starts that fail, at each step that a unit can make fail: systemd's status and name, the cause in
//! words, and nothing left behind.
use crate::instance::{Instance, exists};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Name, the line that fails, and how `status` puts it.
const FAILING: [(&str, &str, &str); 18] = [
    ("chdir", "WorkingDirectory=/no/such", "status=200/CHDIR"),
    ("exec", "", "status=203/EXEC"),
    ("stdin", "StandardInput=file:/no/such", "status=208/STDIN"),
    (
        "stdout",
        "StandardOutput=file:/no/such/file",
        "status=209/STDOUT",
    ),
    (
        "stderr",
        "StandardError=append:/no/such/file",
        "status=222/STDERR",
    ),
    ("group", "Group=no-such-group", "status=216/GROUP"),
    (
        "groups",
        "SupplementaryGroups=no-such-group",
        "status=216/GROUP",
    ),
    ("user", "User=no-such-user", "status=217/USER"),
    (
        "network",
        "NetworkNamespacePath=/no/such",
        "status=225/NETWORK",
    ),
    ("ipc", "IPCNamespacePath=/no/such", "status=226/NAMESPACE"),
    (
        "hidden",
        "InaccessiblePaths=/no/such",
        "status=226/NAMESPACE",
    ),
    ("bind", "BindPaths=/no/such:/mnt", "status=226/NAMESPACE"),
    (
        "rootfile",
        "RootDirectory=/etc/passwd\nMountAPIVFS=yes",
        "find /etc/passwd: Not a directory (status=226/NAMESPACE)",
    ),
    ("root", "RootDirectory=/no/such", "status=226/NAMESPACE"),
    (
        "runtime",
        "RuntimeDirectory=OCCUPIED",
        "status=233/RUNTIME_DIRECTORY",
    ),
    (
        "state",
        "StateDirectory=OCCUPIED",
        "status=238/STATE_DIRECTORY",
    ),
    (
        "cache",
        "CacheDirectory=OCCUPIED",
        "status=239/CACHE_DIRECTORY",
    ),
    (
        "secret",
        "LoadCredential=key:/no/such",
        "status=243/CREDENTIALS",
    ),
];

/// systemd reads them before there is a process: nothing has run, for want of resources.
#[test]
fn an_environment_file_that_is_missing_is_a_lack_of_resources() {
    let unit = "[Service]\nType=oneshot\nExecStart=/bin/true\nEnvironmentFile=/no/such\n";
    let instance = Instance::with_units(&[("a.service", unit)]);
    instance.run(&["start", "a"]).fails(
        1,
        "EnvironmentFile=: read environment file /no/such: No such file or directory",
    );
    let shown =
        ["Result", "ExecMainCode", "ExecMainStatus"].map(|name| instance.property("a", name));
    assert_eq!(shown, ["resources", "0", "0"]);
    instance.shutdown();
}

/// What each unit has made before it fails, or would have.
const MAKES: &str = "PrivateTmp=yes\nPrivateNetwork=yes\nPrivateIPC=yes\nProtectSystem=yes\n\
                     SetCredential=a:b\nDelegate=yes\nSlice=failing.slice\nDevicePolicy=closed\n";

/// Directories and mounts of an invocation, of whatever was made of it. (Other tests run beside us.)
fn traces(instance: &Instance, invocation: &str, unit: &str) -> Vec<String> {
    let places = [
        format!("/tmp/gitproc-private-{invocation}"),
        format!("/var/tmp/gitproc-private-{invocation}"),
        format!("/run/credentials/{unit}.service"),
        format!("/run/{unit}"),
        format!("{}/run/gitproc/inv/{invocation}", instance.root.display()),
    ];
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    let mounted = |place: &String| mounts.contains(&format!(" {place}"));
    let left = places.into_iter();
    left.filter(|place| exists(place) || mounted(place))
        .collect()
}

#[test]
fn a_start_that_fails_says_where_and_leaves_nothing() {
    if !crate::root_or_say_so("starts that fail") {
        return;
    }
    let mut instance = Instance::init();
    let occupied = format!("gitproc-occupied-{}", std::process::id());
    let host = ["/run", "/var/lib", "/var/cache"].map(|dir| PathBuf::from(dir).join(&occupied));
    for path in &host {
        std::fs::write(path, "by a file").expect("a file");
    }
    instance.start_daemon();
    let named = |name: &str| format!("gitproc-fails-{name}-{}", std::process::id());
    let units = FAILING.map(|(name, line, _)| {
        let program = if name == "exec" {
            "/no/such"
        } else {
            "/bin/true"
        };
        let line = line.replace("OCCUPIED", &occupied);
        let text = format!(
            "[Service]\nType=exec\nExecStart={program}\n{MAKES}RuntimeDirectory=%N\n{line}\n"
        );
        (format!("{}.service", named(name)), text)
    });
    let files: Vec<(&str, &str)> = units.iter().map(|(n, text)| (&**n, &**text)).collect();
    instance.push(&files).ok();
    for (name, _, status) in FAILING {
        let name = &*named(name);
        instance.run(&["start", name]).fails(1, status);
        let shown = instance.run(&["status", name]).stdout;
        assert!(shown.contains(status), "{name}: {shown}");
        let result = instance.property(name, "Result");
        assert!(
            matches!(&*result, "exit-code" | "resources"),
            "{name}: {result}"
        );
        assert!(
            instance.unit_cgroups(&format!("{name}.service")).is_empty(),
            "{name}"
        );
    }
    assert!(instance.unit_cgroups("failing.slice").is_empty());
    // The daemon's log names each invocation that there was.
    let log = instance.log();
    let invocations = log.lines().filter_map(|line| {
        let (_, rest) = line.split_once("unit=\"")?;
        let (unit, rest) = rest.split_once(".service\"")?;
        let (_, id) = rest.split_once("invocation=")?;
        Some((unit, id.split_whitespace().next()?))
    });
    let invocations: BTreeSet<(&str, &str)> = invocations.collect();
    assert!(invocations.len() >= FAILING.len(), "{log}");
    for (unit, invocation) in invocations {
        assert_eq!(traces(&instance, invocation, unit), [""; 0], "{unit}");
    }
    let daemon = instance.daemon_pid();
    let living = instance.processes();
    let left =
        |(pid, command): &(&u32, &String)| **pid != daemon && !command.contains("git-worker");
    let left: Vec<_> = living.iter().filter(left).collect();
    assert!(left.is_empty(), "{left:?}");
    for path in &host {
        assert!(exists(path), "what was in the way is still there");
        std::fs::remove_file(path).expect("ours");
    }
    instance.shutdown();
}
