//! What is left of an instance: processes, mounts and cgroups. Looks only; removes nothing.
use std::fs;
use std::path::{Path, PathBuf};

/// How deep cgroups of an instance lie below their mount at most: hierarchy, a user's delegated
/// slice and scope, the instance.
const CGROUP_DEPTH_MAX: usize = 8;

/// A process that was seen alive. Its start time tells it from a later one with the same pid.
#[derive(Debug, PartialEq, Eq)]
pub struct Witness {
    pid: u32,
    started: String,
}

impl Witness {
    /// `None` when it is not alive.
    pub fn of(pid: u32) -> Option<Witness> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may have anything in it; state is field 3, start time field 22.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.to_owned();
        (state != "Z").then_some(Witness { pid, started })
    }

    /// Whether it still is.
    pub fn is_alive(&self) -> bool {
        Witness::of(self.pid).as_ref() == Some(self)
    }
}

/// One line for each witness that is still alive.
pub fn survivors(witnesses: &[Witness]) -> impl Iterator<Item = String> {
    let alive = witnesses.iter().filter(|witness| witness.is_alive());
    alive.map(|witness| format!("process {} of a service", witness.pid))
}

/// One line for each thing that should be gone.
pub fn leftovers(root: &Path, instance: &str) -> Vec<String> {
    let mut found = processes(root, instance);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    found.extend(mounts_below(&mounts, root).map(|path| format!("mount {path}")));
    let mut groups = Vec::new();
    cgroups(
        Path::new("/sys/fs/cgroup"),
        instance,
        CGROUP_DEPTH_MAX,
        &mut groups,
    );
    found.extend(
        groups
            .iter()
            .map(|path| format!("cgroup {}", path.display())),
    );
    found
}

/// Processes in the instance's cgroups, or started with its root in their arguments.
fn processes(root: &Path, instance: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let root = root.as_os_str().as_encoded_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        if pid == own || !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        // A process that ends while we look is not left over.
        let Ok(line) = fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        let groups = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let ours = program.ends_with(b"gitproc") || program.ends_with(b"gitproc-exec");
        let named = ours && line.windows(root.len()).any(|window| window == root);
        let zombie = line.is_empty();
        if !zombie && (named || in_cgroup(&groups, instance)) {
            let words = String::from_utf8_lossy(&line).replace('\0', " ");
            found.push(format!("process {pid} {}", words.trim_end()));
        }
    }
    found
}

/// Whether a `/proc/PID/cgroup` names the instance, as a whole component of a path.
fn in_cgroup(groups: &str, instance: &str) -> bool {
    groups.lines().any(|line| {
        let path = line.splitn(3, ':').nth(2).unwrap_or_default();
        path.split('/').any(|component| component == instance)
    })
}

/// Mount points below `root`, of a `/proc/PID/mountinfo`.
fn mounts_below<'a>(mountinfo: &'a str, root: &Path) -> impl Iterator<Item = &'a str> {
    mountinfo
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .filter(move |point| Path::new(point).starts_with(root))
}

fn cgroups(directory: &Path, instance: &str, depth: usize, found: &mut Vec<PathBuf>) {
    if depth == 0 {
        return;
    }
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        match entry.file_name() == instance {
            true => found.push(entry.path()),
            false => cgroups(&entry.path(), instance, depth - 1, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_counts_by_whole_components() {
        let groups = "12:pids:/x\n0::/user/gitproc-0a/web.service/payload\n";
        assert!(in_cgroup(groups, "gitproc-0a"));
        assert!(!in_cgroup(groups, "gitproc-0"));
        assert!(!in_cgroup("", "gitproc-0a"));
    }

    #[test]
    fn a_witness_is_one_process_and_no_other() {
        let own = Witness::of(std::process::id()).expect("this test is alive");
        assert!(own.is_alive());
        let earlier = Witness {
            pid: own.pid,
            started: "1".to_owned(),
        };
        assert!(!earlier.is_alive(), "same pid, another process");
        assert_eq!(survivors(&[earlier]).count(), 0);
        assert_eq!(survivors(&[own]).count(), 1);
    }

    #[test]
    fn mounts_count_below_the_root_only() {
        let table = "1 2 0:1 / / rw - ext4 x rw\n3 1 0:2 / /tmp/demo/run rw - tmpfs t rw\n\
                     4 1 0:3 / /tmp/demonstration rw - tmpfs t rw\n";
        let found: Vec<_> = mounts_below(table, Path::new("/tmp/demo")).collect();
        assert_eq!(found, ["/tmp/demo/run"]);
    }
}
