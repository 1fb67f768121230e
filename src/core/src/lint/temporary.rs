//! Programs and files in directories that every user can write to.
use super::paths::deciding;
use super::{Found, Service};
use gitproc_unit::Code;

const DIRECTORIES: [&str; 3] = ["/tmp/", "/var/tmp/", "/dev/shm/"];

pub(super) fn check(service: &Service<'_, '_>, found: &mut Found) {
    let section = service.section;
    let pid_file = section
        .pid_file
        .iter()
        .map(|path| ("PIDFile", path.as_str()));
    for (key, path) in deciding(section).chain(pid_file) {
        let inside = |directory: &&&str| path.starts_with(**directory);
        if let Some(directory) = DIRECTORIES.iter().find(inside) {
            let directory = directory.trim_end_matches('/');
            found.push(service.warn(
                (key, path),
                Code::TemporaryPath,
                format!("{key}=: every user can put a {path} into {directory} first"),
                "use a directory that only root can write to, or RuntimeDirectory=",
            ));
        }
    }
}
