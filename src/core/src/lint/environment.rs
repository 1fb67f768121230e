//! Environments: secrets that everybody can read, and files that are not there.
use super::{Found, Host, Look, Service};
use gitproc_unit::Code;

/// Parts of names whose values are secrets.
const SECRET: [&str; 7] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "PRIVATE_KEY",
];
/// Ends of names that say where a secret is, which is none.
const PLACES: [&str; 4] = ["_FILE", "_PATH", "_DIR", "_URL"];

/// A secret in a unit file is in git for ever, and in the environment of every child. Its value is
/// not repeated here.
pub(super) fn secrets(service: &Service<'_, '_>, found: &mut Found) {
    for (name, value) in &service.section.environment {
        let upper = name.to_ascii_uppercase();
        let secret = SECRET.iter().any(|part| upper.contains(part))
            && !PLACES.iter().any(|end| upper.ends_with(end));
        if !secret || value.is_empty() || value.starts_with('/') {
            continue;
        }
        found.push(service.warn(
            ("Environment", &format!("{name}=")),
            Code::SecretInEnvironment,
            format!("Environment=: {name} looks like a secret, and git keeps it for ever"),
            "put it into an EnvironmentFile= that only root can read, or use LoadCredential=",
        ));
    }
}

/// An environment file without `-` has to be there. /run is filled while the host runs.
pub(super) fn missing_files(service: &Service<'_, '_>, host: &dyn Host, found: &mut Found) {
    const KEY: &str = "EnvironmentFile";
    for file in &service.section.environment_files {
        let path = file.path.as_str();
        let pattern = path.contains(['*', '?', '[']);
        if file.optional || pattern || path.starts_with("/run/") {
            continue;
        }
        if host.look(path) == Look::Missing && !service.is_made_up(KEY, path) {
            found.push(service.warn(
                (KEY, path),
                Code::MissingFile,
                format!("{KEY}=: there is no {path} on this host"),
                &format!("make it, or write {KEY}=-{path} if the service can do without"),
            ));
        }
    }
}
