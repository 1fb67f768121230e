//! Processes of a service on hosts where no cgroup counts them, as far as /proc tells.
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;

/// Rounds of killing; each finds the children that were born during the one before.
const ROUNDS: usize = 50;

/// SIGKILL
const SIGKILL: i32 = 9;

/// The family of a service's main (or control) process: everything below its parent, which is the
/// helper. For people; processes that the helper has inherited are among them.
pub fn family(member: u32) -> Vec<u32> {
    let parents = parents();
    match parents.get(&member) {
        // A parent that is process 1 or the daemon is no helper.
        Some(parent) if *parent > 1 && *parent != std::process::id() => below(*parent, &parents),
        _ => Vec::new(),
    }
}

/// Kills what an invocation has left after its helper died: every process that has its
/// `INVOCATION_ID` in the environment. One that has thrown that away is not found; there is nothing
/// else to know it by.
pub fn kill_left(invocation: &str) -> Vec<String> {
    let mark = format!("INVOCATION_ID={invocation}");
    let mut killed = BTreeSet::new();
    let mut problems = Vec::new();
    for _ in 0..ROUNDS {
        let marked = |pid: &u32| is_marked(*pid, &mark);
        let fresh: Vec<u32> = pids()
            .filter(|pid| *pid != std::process::id() && !killed.contains(pid))
            .filter(marked)
            .collect();
        if fresh.is_empty() {
            break;
        }
        for pid in fresh {
            killed.insert(pid);
            // Held by pidfd, then looked at again: the number may be another's by now.
            if let Ok(process) = gitproc_sys::pidfd::open(pid)
                && is_marked(pid, &mark)
            {
                let sent = gitproc_sys::pidfd::send_signal(process.as_fd(), SIGKILL);
                problems.extend(sent.err().map(|error| error.in_full()));
            }
        }
    }
    problems
}

fn is_marked(pid: u32, mark: &str) -> bool {
    // Of others' processes the environment can't be read; they can't be killed either.
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|byte| *byte == 0)
        .any(|variable| variable == mark.as_bytes())
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The parent of each process that lives.
fn parents() -> BTreeMap<u32, u32> {
    let parent = |pid: u32| {
        let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parent_in(&String::from_utf8_lossy(&text))?))
    };
    pids().filter_map(parent).collect()
}

/// Of a line of /proc/PID/stat; `None` for what has ended.
fn parent_in(stat: &str) -> Option<u32> {
    // The name stands in parentheses and may itself hold any character.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.next()?.parse().ok(),
    }
}

/// Everybody below `top`, sorted.
fn below(top: u32, parents: &BTreeMap<u32, u32>) -> Vec<u32> {
    let mut found = BTreeSet::from([top]);
    loop {
        let before = found.len();
        let children = parents
            .iter()
            .filter(|(_, parent)| found.contains(parent))
            .map(|(pid, _)| *pid);
        let children: Vec<u32> = children.collect();
        found.extend(children);
        if found.len() == before {
            found.remove(&top);
            return found.into_iter().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_family_is_all_that_lives_below_the_helper() {
        let parents = BTreeMap::from([(10, 1), (11, 10), (12, 11), (13, 10), (20, 1), (21, 20)]);
        assert_eq!(below(10, &parents), [11, 12, 13]);
        assert!(below(21, &parents).is_empty());
    }

    #[test]
    fn the_dead_and_odd_names_do_not_count() {
        assert_eq!(parent_in("12 (a) Z 7 (b) S 3 1 1"), Some(3));
        assert_eq!(parent_in("12 (a) Z 3 1 1"), None);
        assert_eq!(parent_in(""), None);
    }

    #[test]
    fn what_a_dead_helper_left_is_known_by_its_invocation_and_others_are_spared() {
        let invocation = format!("{:032x}", std::process::id());
        let start = |id: &str| {
            std::process::Command::new("sleep")
                .arg("1000")
                .env("INVOCATION_ID", id)
                .spawn()
                .expect("sleep is everywhere")
        };
        let (mut left, mut other) = (start(&invocation), start(&format!("{invocation}0")));
        assert_eq!(kill_left(&invocation), Vec::<String>::new());
        assert_eq!(left.wait().expect("ours").signal(), Some(SIGKILL));
        assert!(other.try_wait().expect("ours").is_none(), "it lives");
        other.kill().expect("alive");
        other.wait().expect("ours");
    }
}
