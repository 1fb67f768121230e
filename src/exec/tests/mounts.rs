//! How the file system of a service differs from the host's, as the service finds it.
#![allow(missing_docs)]
mod common;

use common::{Service, is_root, sh};
use gitproc_core::protocol::ProcessEnd;
use gitproc_core::spec::ExecStep;
use gitproc_unit::{ExecRole, Privileges};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

macro_rules! needs_root {
    ($name:literal) => {
        if !is_root($name) {
            return;
        }
    };
}

/// A fresh directory of the host, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        // Not below /tmp, which services may have for themselves.
        let dir = PathBuf::from(format!("/opt/gitproc-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a fresh name");
        Dir(dir)
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }

    fn dir(&self, name: &str) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(&path).expect("ours");
        path.display().to_string()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("ours");
        path.display().to_string()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Mounts of this process: no test may change them.
fn mounts_here() -> usize {
    let text = std::fs::read_to_string("/proc/self/mountinfo").expect("proc");
    text.lines().count()
}

/// Prints for each place whether it can be written to: `+` or `-`.
fn writable(places: &[&str]) -> String {
    format!(
        "for p in {}; do if ( : >$p/.gitproc-test ) 2>/dev/null; then rm $p/.gitproc-test; \
         printf +; else printf -; fi; done",
        places.join(" ")
    )
}

#[test]
fn the_system_is_read_only_as_far_as_the_unit_says() {
    needs_root!("the_system_is_read_only_as_far_as_the_unit_says");
    let here = mounts_here();
    let places = [
        "/usr", "/boot", "/etc", "/opt", "/tmp", "/var", "/root", "/home", "/dev/shm", "/run",
    ];
    let places: Vec<&str> = places
        .into_iter()
        .filter(|place| std::path::Path::new(place).is_dir())
        .collect();
    let expected = |read_only: &[&str]| -> String {
        let sign = |place: &&str| if read_only.contains(place) { '-' } else { '+' };
        places.iter().map(sign).chain(['\n']).collect()
    };
    for (lines, read_only) in [
        ("", &[][..]),
        ("ProtectSystem=yes", &["/usr", "/boot"]),
        ("ProtectSystem=full", &["/usr", "/boot", "/etc"]),
        (
            "ProtectSystem=strict",
            &["/usr", "/boot", "/etc", "/opt", "/tmp", "/var", "/run"],
        ),
        (
            "ProtectSystem=strict\nReadWritePaths=/opt /var -/nonexistent",
            &["/usr", "/boot", "/etc", "/tmp", "/run"],
        ),
        (
            "ProtectSystem=strict\nPrivateTmp=yes\nProtectHome=read-only",
            &[
                "/usr", "/boot", "/etc", "/opt", "/var", "/root", "/home", "/run",
            ],
        ),
        ("ReadOnlyPaths=/opt", &["/opt"]),
        (
            "ReadOnlyPaths=/\nReadWritePaths=/var",
            &[
                "/usr", "/boot", "/etc", "/opt", "/tmp", "/root", "/home", "/dev/shm", "/run",
            ],
        ),
    ] {
        assert_eq!(
            Service::view(lines, &writable(&places)),
            expected(read_only),
            "{lines}: {places:?}"
        );
    }
    assert_eq!(mounts_here(), here, "mounts of the host have changed");
}

#[test]
fn homes_are_hidden_empty_or_read_only() {
    needs_root!("homes_are_hidden_empty_or_read_only");
    let mark = format!("/root/.gitproc-test-{}", std::process::id());
    std::fs::write(&mark, "x").expect("ours");
    let script = format!(
        "test -e {mark} && echo seen; (: >/root/.gitproc-new) && echo written; ls -A /root | wc -l; \
         stat -c %a /root"
    );
    let looks = |lines: &str| Service::view(lines, &format!("({script}) 2>/dev/null"));
    let open = looks("");
    let read_only = looks("ProtectHome=read-only");
    let hidden = looks("ProtectHome=yes");
    let empty = looks("ProtectHome=tmpfs");
    let _ = std::fs::remove_file("/root/.gitproc-new");
    std::fs::remove_file(&mark).expect("ours");
    assert!(open.starts_with("seen\nwritten\n"), "{open}");
    assert!(
        read_only.starts_with("seen\n") && !read_only.contains("written"),
        "{read_only}"
    );
    assert_eq!(hidden, "0\n0\n");
    assert_eq!(empty, "0\n755\n");
}

#[test]
fn temporary_directories_are_the_invocations_own() {
    needs_root!("temporary_directories_are_the_invocations_own");
    let mark = format!("/tmp/gitproc-seen-{}", std::process::id());
    std::fs::write(&mark, "x").expect("ours");
    let mut service = Service::of_unit(
        "User=nobody\nPrivateTmp=yes",
        &format!(
            "ls {mark} 2>/dev/null; cat /tmp/before; echo mine >/tmp/a; echo mine >/var/tmp/b"
        ),
    )
    .with(|spec| {
        let before = sh("echo earlier >/tmp/before");
        spec.commands.insert(ExecRole::StartPre, vec![before]);
    })
    .up();
    for role in [ExecRole::StartPre, ExecRole::Start] {
        assert_eq!(service.run_to_end(role).end, ProcessEnd::Exited(0));
    }
    let places = gitproc_core::spec_build::mounts::private_directories(service.spec.invocation);
    let [(tmp, _), (var_tmp, _)] = places;
    assert!(std::path::Path::new(&format!("{tmp}/tmp/a")).exists());
    assert!(std::path::Path::new(&format!("{var_tmp}/tmp/b")).exists());
    let mode = std::fs::metadata(&tmp).expect("made").permissions().mode();
    assert_eq!(mode & 0o7777, 0o700, "others may look in");
    service.quit();
    std::fs::remove_file(&mark).expect("ours");
    assert_eq!(
        service.log(),
        "earlier\n",
        "all commands see the same, and nothing of the host's"
    );
}

#[test]
fn devices_are_pseudo_devices_only() {
    needs_root!("devices_are_pseudo_devices_only");
    let log = Service::view(
        "PrivateDevices=yes",
        "cd /dev; ls; : >/dev/null && head -c 1 /dev/zero | wc -c; test -w /dev/shm && echo shm; \
         (: >new) 2>/dev/null || echo read-only; grep CapBnd /proc/self/status",
    );
    let lines: Vec<&str> = log.lines().collect();
    for name in [
        "null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "fd",
    ] {
        assert!(lines.contains(&name), "{name} in {log}");
    }
    for name in ["vda", "sda", "mem", "kmsg", "loop0", "fuse", "net"] {
        assert!(!lines.contains(&name), "{name} in {log}");
    }
    assert!(log.contains("\n1\nshm\nread-only\n"), "{log}");
    // Nor can it make others.
    let bounding = log.rsplit('\t').next().expect("shown").trim();
    let bounding = u64::from_str_radix(bounding, 16).expect("hexadecimal");
    assert_eq!(bounding & (1 << 27 | 1 << 17), 0, "{log}");
}

#[test]
fn the_kernels_own_files_are_protected() {
    needs_root!("the_kernels_own_files_are_protected");
    let try_write = "for f in /proc/sys/kernel/printk /sys/kernel/profiling /proc/sysrq-trigger; do \
                     test -e $f || continue; (: >>$f) 2>/dev/null && echo $f; done; \
                     head -c 1 /proc/kallsyms | wc -c";
    assert_eq!(Service::view("ProtectKernelTunables=yes", try_write), "0\n");
    assert!(Service::view("", try_write).contains("/proc/sys/kernel/printk"));

    let modules = "ls -A /lib/modules /usr/lib/modules 2>/dev/null | grep -c '^[0-9]'";
    assert_eq!(
        Service::view("ProtectKernelModules=yes", modules).trim(),
        "0"
    );

    let logs = "for f in /proc/kmsg /dev/kmsg; do test -c $f && echo $f; done; true";
    let seen = Service::view("ProtectKernelLogs=yes", "stat -c %a /proc/kmsg");
    assert_eq!(seen.trim(), "0");
    let _ = logs;

    // The first v2 or v1 hierarchy that there is.
    let cgroup = "for d in /sys/fs/cgroup /sys/fs/cgroup/unified; do \
                  mkdir $d/gitproc-test-ro 2>/dev/null && rmdir $d/gitproc-test-ro && echo made; done; true";
    assert_eq!(Service::view("ProtectControlGroups=yes", cgroup), "");
    assert!(Service::view("", cgroup).contains("made"));

    let name = "(: >>/proc/sys/kernel/hostname) 2>/dev/null && echo writable; true";
    assert_eq!(Service::view("ProtectHostname=yes", name), "");
    assert_eq!(Service::view("", name), "writable\n");
}

#[test]
fn processes_are_seen_as_far_as_the_unit_says() {
    needs_root!("processes_are_seen_as_far_as_the_unit_says");
    let script = "test -e /proc/meminfo && echo all; test -d /proc/1 && echo one; \
                  grep ' /proc ' /proc/self/mountinfo | tail -n 1 | grep -o 'hidepid=[a-z]*\\|subset=pid'; true";
    assert_eq!(Service::view("", script), "all\none\n");
    assert_eq!(
        Service::view("ProtectProc=invisible", script),
        "all\none\nhidepid=invisible\n"
    );
    assert_eq!(
        Service::view("User=nobody\nProtectProc=invisible", script),
        "all\nhidepid=invisible\n"
    );
    assert_eq!(Service::view("ProcSubset=pid", script), "one\nsubset=pid\n");
}

#[test]
fn paths_are_shown_hidden_and_restricted_one_by_one() {
    needs_root!("paths_are_shown_hidden_and_restricted_one_by_one");
    let here = mounts_here();
    let dir = Dir::new("paths");
    let (a, b) = (dir.dir("a"), dir.dir("b with space"));
    dir.dir("a/inner");
    dir.file("a/file", "in a\n");
    let file = dir.file("single", "single\n");
    let top = dir.path();
    for (lines, script, seen) in [
        (
            format!("InaccessiblePaths={a}"),
            format!("ls {a} | wc -l; stat -c %a {a}; cat {file}"),
            "0\n0\nsingle\n",
        ),
        (
            format!("InaccessiblePaths={file} -/nonexistent"),
            format!("cat {file}; stat -c %a {file}"),
            "0\n",
        ),
        (
            format!("BindPaths={a}:{top}/elsewhere"),
            format!("cat {top}/elsewhere/file; : >{top}/elsewhere/new && echo written"),
            "in a\nwritten\n",
        ),
        (
            format!("BindReadOnlyPaths={a}:\"{b}\""),
            format!("cat '{b}/file'; (: >'{b}/no') 2>/dev/null || echo read-only"),
            "in a\nread-only\n",
        ),
        (
            format!(
                "BindReadOnlyPaths={file}:/etc/gitproc-test-bound\nBindPaths=-/nonexistent:/mnt"
            ),
            "cat /etc/gitproc-test-bound".to_owned(),
            "single\n",
        ),
        (
            format!("TemporaryFileSystem={top}:mode=0711\nBindReadOnlyPaths={a}"),
            format!("ls {top}; stat -c %a {top}; cat {a}/file; : >{top}/x && echo written"),
            "a\n711\nin a\nwritten\n",
        ),
        (
            format!("TemporaryFileSystem={top}:ro"),
            format!("ls {top} | wc -l; (: >{top}/x) 2>/dev/null || echo read-only"),
            "0\nread-only\n",
        ),
        (
            format!("NoExecPaths={top}\nExecPaths={a}"),
            format!(
                "cp /bin/true {a}/t; cp /bin/true {top}/t; {a}/t && echo runs; \
                 {top}/t 2>/dev/null || echo not; rm {a}/t {top}/t"
            ),
            "runs\nnot\n",
        ),
        (
            format!("ReadOnlyPaths={top}\nReadWritePaths={a}\nReadOnlyPaths={a}/inner"),
            writable(&[&top, &a, &format!("{a}/inner")]),
            "-+-\n",
        ),
    ] {
        assert_eq!(Service::view(&lines, &script), seen, "{lines}");
    }
    let _ = std::fs::remove_file("/etc/gitproc-test-bound");
    assert_eq!(mounts_here(), here, "mounts of the host have changed");
}

#[test]
fn a_missing_path_fails_with_systemds_status_and_leaves_nothing() {
    needs_root!("a_missing_path_fails_with_systemds_status_and_leaves_nothing");
    let here = mounts_here();
    for lines in [
        "ReadOnlyPaths=/nonexistent/x",
        "BindPaths=/nonexistent/x:/mnt",
        "RootDirectory=/nonexistent/x",
        "InaccessiblePaths=/nonexistent/x",
    ] {
        let mut service = Service::of_unit(&format!("PrivateTmp=yes\n{lines}"), "true").up();
        let exit = service.run_to_end(ExecRole::Start);
        assert_eq!(exit.end, ProcessEnd::Exited(226), "{lines}");
        let failure = exit.failure.expect("it failed");
        assert_eq!(failure.step, ExecStep::Namespace);
        assert!(failure.detail.contains("/nonexistent/x"), "{failure:?}");
    }
    assert_eq!(mounts_here(), here);
}

#[test]
fn a_service_can_have_a_root_directory_of_its_own() {
    needs_root!("a_service_can_have_a_root_directory_of_its_own");
    let dir = Dir::new("root");
    let root = dir.dir("root");
    for name in [
        "usr", "etc", "proc", "sys", "dev", "run", "tmp", "work", "bin",
    ] {
        dir.dir(&format!("root/{name}"));
    }
    // A link that leads out of it, and inside leads inside.
    std::os::unix::fs::symlink("/etc", format!("{root}/link")).expect("ours");
    dir.file("root/etc/inside", "inside\n");
    let secret = dir.file("outside", "outside\n");
    let host = dir.dir("host");
    dir.file("host/file", "from the host\n");
    let mut lines = format!(
        "RootDirectory={root}\nBindReadOnlyPaths=/usr {host}:/link/shown\nWorkingDirectory=/work\n\
         InaccessiblePaths=+/work/hidden"
    );
    dir.dir("root/work/hidden");
    for name in ["bin", "lib", "lib64"] {
        match std::fs::read_link(format!("/{name}")) {
            Ok(to) => {
                let _ = std::fs::remove_dir(format!("{root}/{name}"));
                std::os::unix::fs::symlink(to, format!("{root}/{name}")).expect("ours");
            }
            Err(_) if std::path::Path::new(&format!("/{name}")).is_dir() => {
                lines.push_str(&format!("\nBindReadOnlyPaths=/{name}"));
            }
            Err(_) => {}
        }
    }
    let script = format!(
        "pwd; cat /etc/inside; cat /link/shown/file; test -e {secret} || echo safe; \
         test -e /proc/self/status && echo proc; test -c /dev/null && echo dev; \
         stat -c %a /work/hidden; ls -d /.. | head -n 1"
    );
    assert_eq!(
        Service::view(&lines, &script),
        "/work\ninside\nfrom the host\nsafe\nproc\ndev\n0\n/..\n"
    );
}

/// The invocation directory lies below /tmp here, which the service has for itself.
#[test]
fn the_notify_socket_is_within_reach() {
    needs_root!("the_notify_socket_is_within_reach");
    let ready = "perl -MSocket -e 'socket(S,AF_UNIX,SOCK_DGRAM,0); \
                 send(S,\"READY=1\",0,pack(\"S a*\",AF_UNIX,$ENV{NOTIFY_SOCKET})) or die $!;'";
    for lines in [
        "PrivateTmp=yes\nUMask=0077",
        "TemporaryFileSystem=/tmp",
        "InaccessiblePaths=/tmp",
    ] {
        let lines = format!("Type=notify\nNotifyAccess=all\nUser=nobody\n{lines}");
        let mut service = Service::of_unit(&lines, ready).up();
        let exit = service.run_to_end(ExecRole::Start);
        let hidden = lines.contains("Inaccessible");
        assert_eq!(
            exit.end == ProcessEnd::Exited(0),
            !hidden,
            "{lines}: {}",
            service.log()
        );
        assert_eq!(service.reconnect().notified_ready, !hidden, "{lines}");
        service.quit();
        // Who hides it is told so.
        assert_eq!(
            service.remarks().len(),
            usize::from(hidden),
            "{:?}",
            service.remarks()
        );
    }
}

#[test]
fn a_plus_sees_the_host() {
    needs_root!("a_plus_sees_the_host");
    let dir = Dir::new("plus");
    let path = dir.path();
    let service = Service::of_unit(&format!("ReadOnlyPaths={path}"), "").with(|spec| {
        let mut command = sh(&writable(&[&path]));
        command.privileges = Privileges::Full;
        spec.commands.insert(ExecRole::Start, vec![command]);
    });
    assert_eq!(service.up().output(), "+\n");
}

#[test]
fn mounts_of_a_service_spread_as_the_unit_says() {
    needs_root!("mounts_of_a_service_spread_as_the_unit_says");
    let show =
        "grep ' / / ' /proc/self/mountinfo | tail -n 1 | grep -o 'shared\\|master' | sort | xargs";
    for (lines, flags) in [
        ("PrivateMounts=yes", "shared"),
        ("MountFlags=shared", "shared"),
        ("MountFlags=private", ""),
    ] {
        let log = Service::view(lines, show);
        let found = log.trim().replace("master", "");
        assert_eq!(found.trim(), flags, "{lines}: {log}");
    }
    let own = "readlink /proc/self/ns/mnt; readlink /proc/1/ns/mnt";
    let log = Service::view("PrivateMounts=yes", own);
    let lines: Vec<&str> = log.lines().collect();
    assert_ne!(lines[0], lines[1]);
    let log = Service::view("", own);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], lines[1]);
}

#[test]
fn what_is_made_for_a_service_stays_writable() {
    needs_root!("what_is_made_for_a_service_stays_writable");
    let name = format!("gitproc-own-{}", std::process::id());
    let lines = format!(
        "ProtectSystem=strict\nStateDirectory={name}\nRuntimeDirectory={name}\n\
         CacheDirectory={name}\nLogsDirectory={name}"
    );
    let script = writable(&[
        "$STATE_DIRECTORY",
        "$RUNTIME_DIRECTORY",
        "$CACHE_DIRECTORY",
        "$LOGS_DIRECTORY",
        "/var/lib",
    ]);
    let seen = Service::view(&lines, &script);
    for base in ["/var/lib", "/run", "/var/cache", "/var/log"] {
        std::fs::remove_dir_all(format!("{base}/{name}")).expect("made");
    }
    assert_eq!(seen, "++++-\n");
}
