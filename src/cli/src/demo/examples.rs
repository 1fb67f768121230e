//! The example units, carried in the program, and what a host may need to have them changed.
use crate::failure::Failure;
use std::fs;
use std::net::TcpListener;
use std::path::Path;

/// Name and text of each file of `units-example/`.
const FILES: [(&str, &str); 5] = [
    (
        "prepare.service",
        include_str!("../../../../units-example/prepare.service"),
    ),
    (
        "queue@.service",
        include_str!("../../../../units-example/queue@.service"),
    ),
    (
        "site.target",
        include_str!("../../../../units-example/site.target"),
    ),
    (
        "web.service",
        include_str!("../../../../units-example/web.service"),
    ),
    (
        "worker.service",
        include_str!("../../../../units-example/worker.service"),
    ),
];

/// The port that the files name.
const PORT: u16 = 18080;
/// Files that name it.
const WITH_PORT: [&str; 2] = ["web.service", "worker.service"];
/// Moves the page to another port.
const PORT_DROP_IN: &str = "10-port.conf";
/// Takes User= away.
const ROOTLESS_DROP_IN: &str = "20-rootless.conf";
/// Files with `User=`.
const WITH_USER: [&str; 4] = [
    "prepare.service",
    "queue@.service",
    "web.service",
    "worker.service",
];

/// The units that run once the examples are deployed.
pub const UNITS: [&str; 6] = [
    "prepare.service",
    "queue@mail.service",
    "queue@thumbnails.service",
    "site.target",
    "web.service",
    "worker.service",
];

/// What had to be moved to fit this host, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where the page is served.
    pub port: u16,
    /// One line per drop-in.
    pub remarks: Vec<String>,
}

/// Writes the files into the clone; drop-ins change what this host can't have as it stands. In a
/// clone that is kept, files that are there are the user's own by now and stay, unless `anew`.
pub fn write(clone: &Path, is_root: bool, anew: bool) -> Result<Written, Failure> {
    for (name, text) in FILES {
        if anew || !clone.join(name).exists() {
            put(clone, name, text)?;
        }
        // What an earlier demo needed may not be so now.
        for drop_in in [PORT_DROP_IN, ROOTLESS_DROP_IN] {
            remove(&clone.join(format!("{name}.d/{drop_in}")))?;
        }
    }
    let mut remarks = Vec::new();
    let port = free_port();
    if port != PORT {
        let text =
            format!("# Port {PORT} was taken on this host.\n[Service]\nEnvironment=PORT={port}\n");
        for name in WITH_PORT {
            put(clone, &format!("{name}.d/{PORT_DROP_IN}"), &text)?;
        }
        remarks.push(format!(
            "port {PORT} is taken here: drop-ins move the page to {port}"
        ));
    }
    if !is_root {
        let text = "# Only a daemon that runs as root can change users.\n[Service]\nUser=\n";
        for name in WITH_USER {
            put(clone, &format!("{name}.d/{ROOTLESS_DROP_IN}"), text)?;
        }
        remarks.push("without root, drop-ins take User= away: services run as you".to_owned());
    }
    Ok(Written { port, remarks })
}

/// Writes one file below `clone`.
pub fn put(clone: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = clone.join(name);
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&path, text))
        .map_err(|error| Failure::caused(format_args!("can't write {}", path.display()), &error))
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::caused(
            format_args!("can't remove {}", path.display()),
            &error,
        )),
        _ => Ok(()),
    }
}

/// The files' own port where it is free, else any that is.
fn free_port() -> u16 {
    let port_of = |listener: TcpListener| listener.local_addr().map(|address| address.port());
    TcpListener::bind(("127.0.0.1", PORT))
        .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))
        .and_then(port_of)
        .unwrap_or(PORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_carried() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../units-example");
        let mut found: Vec<String> = fs::read_dir(directory)
            .expect("it is in the repository")
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        found.sort();
        assert_eq!(found, FILES.map(|(name, _)| name));
    }

    #[test]
    fn drop_ins_name_files_that_need_them() {
        for (name, text) in FILES {
            assert_eq!(
                text.contains("PORT=18080"),
                WITH_PORT.contains(&name),
                "{name}"
            );
            assert_eq!(
                text.contains("\nUser="),
                WITH_USER.contains(&name),
                "{name}"
            );
        }
    }
}
