//! Processes of the service, as /proc shows them here: who lives, whose children, all of them.
use gitproc_sys::{pidfd, signal};
use std::collections::BTreeMap;

/// Rounds of signalling descendants without a pid namespace; each finds what was born during the
/// one before.
const ROUNDS: usize = 50;

/// A line of /proc/<pid>/stat, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    zombie: bool,
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name stands in parentheses and may itself hold any character.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let zombie = matches!(fields.next()?, "Z" | "X");
    Some(Stat {
        parent: fields.next()?.parse().ok()?,
        zombie,
    })
}

fn all() -> BTreeMap<u32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| {
            let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, parse_stat(&String::from_utf8_lossy(&text))?))
        })
        .collect()
}

/// Living processes below this one.
pub(crate) fn descendants() -> Vec<u32> {
    let own = std::process::id();
    let all = all();
    let is_below = |pid: u32| {
        let mut at = pid;
        // Bounded: a parent chain is no longer than the table.
        for _ in 0..all.len() {
            match all.get(&at) {
                Some(stat) if stat.parent == own => return true,
                Some(stat) => at = stat.parent,
                None => return false,
            }
        }
        false
    };
    all.iter()
        .filter(|(pid, stat)| !stat.zombie && is_below(**pid))
        .map(|(pid, _)| *pid)
        .collect()
}

/// Whether `pid` is a living process of the service.
pub(crate) fn is_ours(pid: u32) -> bool {
    pid != std::process::id() && descendants().contains(&pid)
}

/// The only living child of this process, if there is exactly one.
pub(crate) fn only_child() -> Option<u32> {
    let own = std::process::id();
    let mut children = all()
        .into_iter()
        .filter(|(_, stat)| stat.parent == own && !stat.zombie)
        .map(|(pid, _)| pid);
    let first = children.next()?;
    children.next().is_none().then_some(first)
}

/// Signals every process of the service. With a pid namespace the kernel does it at one stroke.
pub(crate) fn signal_all(number: i32, own_namespace: bool) {
    if own_namespace {
        // ESRCH: nobody is there.
        let _ = signal::send(None, number);
        return;
    }
    let mut told = std::collections::BTreeSet::new();
    for _ in 0..ROUNDS {
        let fresh: Vec<u32> = descendants()
            .into_iter()
            .filter(|pid| told.insert(*pid))
            .collect();
        if fresh.is_empty() {
            break;
        }
        for pid in fresh {
            // Held by pidfd, then looked at again: the number may be another's by now.
            if let Ok(process) = pidfd::open(pid)
                && is_ours(pid)
            {
                let _ = pidfd::send_signal(std::os::fd::AsFd::as_fd(&process), number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let stat = parse_stat("12 (a) Z 7 (b) S 3 1 1").expect("a stat line");
        assert_eq!(
            stat,
            Stat {
                parent: 3,
                zombie: false
            }
        );
    }

    #[test]
    fn a_child_is_found_below_its_parent() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat is everywhere");
        assert!(is_ours(child.id()));
        child.kill().expect("alive");
        child.wait().expect("ours");
        assert!(!is_ours(child.id()));
    }
}
