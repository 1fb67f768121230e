//! IPC objects that outlive the processes that made them: System V's, and POSIX shared memory and
//! message queues (sysvipc(7), shm_overview(7), mq_overview(7)).
use crate::error::{Context, Result};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Where the POSIX ones lie.
const POSIX: [&str; 2] = ["/dev/shm", "/dev/mqueue"];

/// A kind of System V object: its table in /proc/sysvipc, and where the owner stands in a line
/// (proc(5); the identifier is always the second column).
struct Kind {
    table: &'static str,
    owner: usize,
    remove: fn(libc::c_int) -> libc::c_int,
}

const KINDS: [Kind; 3] = [
    Kind {
        table: "shm",
        owner: 7,
        // SAFETY: IPC_RMID takes no buffer.
        remove: |id| unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) },
    },
    Kind {
        table: "sem",
        owner: 4,
        // SAFETY: IPC_RMID takes no argument.
        remove: |id| unsafe { libc::semctl(id, 0, libc::IPC_RMID) },
    },
    Kind {
        table: "msg",
        owner: 7,
        // SAFETY: IPC_RMID takes no buffer.
        remove: |id| unsafe { libc::msgctl(id, libc::IPC_RMID, std::ptr::null_mut()) },
    },
];

/// Removes all that `uid` owns. Nothing is done for root, or while a process of that user lives:
/// what it has may be in use. Goes on after a failure, and returns the first.
pub fn remove_owned_by(uid: u32) -> Result<()> {
    if uid == 0 || has_processes(uid) {
        return Ok(());
    }
    let system_v = KINDS.iter().map(|kind| remove_kind(kind, uid));
    let posix = POSIX.iter().map(|dir| remove_files(Path::new(dir), uid));
    let done: Vec<Result<()>> = system_v.chain(posix).collect();
    done.into_iter().collect()
}

/// Whether a process runs as this user (its effective id, as /proc shows it).
fn has_processes(uid: u32) -> bool {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_process = |name: &std::ffi::OsStr| name.as_encoded_bytes()[0].is_ascii_digit();
    let mut processes = entries.filter(|entry| is_process(&entry.file_name()));
    processes.any(|entry| entry.metadata().is_ok_and(|found| found.uid() == uid))
}

/// Identifiers of the table's objects that the user owns.
fn owned(table: &str, owner: usize, uid: u32) -> Vec<libc::c_int> {
    let lines = table.lines().skip(1);
    let id = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let theirs = columns.get(owner)?.parse() == Ok(uid);
        columns.get(1)?.parse().ok().filter(|_| theirs)
    };
    lines.filter_map(id).collect()
}

fn remove_kind(kind: &Kind, uid: u32) -> Result<()> {
    // A kernel without System V objects has no tables.
    let path = format!("/proc/sysvipc/{}", kind.table);
    let table = std::fs::read_to_string(path).unwrap_or_default();
    for id in owned(&table, kind.owner, uid) {
        if (kind.remove)(id) < 0 {
            let cause = std::io::Error::last_os_error();
            // Somebody else was faster.
            if !matches!(cause.raw_os_error(), Some(libc::EINVAL | libc::EIDRM)) {
                return Err(cause).context("remove", format_args!("{} {id}", kind.table));
            }
        }
    }
    Ok(())
}

/// What lies at the top of a directory that all may write; links are removed, not followed.
fn remove_files(dir: &Path, uid: u32) -> Result<()> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries {
        let Ok(found) = entry.metadata() else {
            continue;
        };
        if found.uid() != uid {
            continue;
        }
        let path = entry.path();
        let removed = match found.is_dir() {
            true => std::fs::remove_dir_all(&path),
            false => std::fs::remove_file(&path),
        };
        match removed {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(cause).context("remove", path.display());
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_stand_in_the_tables_of_the_kernel() {
        // proc_pid(5): as Linux 6.1 prints them.
        let shm = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n         0          7   600                   100     1     1      0  4242  4242  4242  4242          0          0 1700000000                     0                     0\n         0          8   600                   100     1     1      0     0     0     0     0          0          0 1700000000                     0                     0\n";
        let sem = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n         0          3   600          1  4242  4242  4242  4242          0 1700000000\n";
        let msg = "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n         0          5   600           0          0     0     0  4242  4242  4242  4242          0          0 1700000000\n";
        for (table, kind, id) in [
            (shm, &KINDS[0], 7),
            (sem, &KINDS[1], 3),
            (msg, &KINDS[2], 5),
        ] {
            assert_eq!(owned(table, kind.owner, 4242), [id], "{}", kind.table);
            assert_eq!(owned(table, kind.owner, 1), []);
        }
    }
}
