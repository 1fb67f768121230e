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

/// Writes the files into the clone; drop-ins change what this host can't have as it stands.
pub fn write(clone: &Path, is_root: bool) -> Result<Written, Failure> {
    for (name, text) in FILES {
        put(clone, name, text)?;
    }
    let mut remarks = Vec::new();
    let port = free_port();
    if port != PORT {
        let text =
            format!("# Port {PORT} was taken on this host.\n[Service]\nEnvironment=PORT={port}\n");
        for name in WITH_PORT {
            put(clone, &format!("{name}.d/10-port.conf"), &text)?;
        }
        remarks.push(format!(
            "port {PORT} is taken here: drop-ins move the page to {port}"
        ));
    }
    if !is_root {
        let text = "# Only a daemon that runs as root can change users.\n[Service]\nUser=\n";
        for name in WITH_USER {
            put(clone, &format!("{name}.d/20-rootless.conf"), text)?;
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
