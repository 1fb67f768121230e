//! What files of the host say about its system, for specifiers. A file that is missing or can't be
//! read says nothing; whether that is an error is up to who uses it.
use crate::condition::files;
use gitproc_unit::OsRelease;
use gitproc_unit::environment::read_assignments;
use gitproc_unit::value::is_normalized_path;
use std::path::Path;

/// The order of Python's tempfile, which systemd follows.
const TEMPORARY_DIRECTORIES: [&str; 3] = ["TMPDIR", "TEMP", "TMP"];

/// os-release(5), from the first of its two places.
pub fn os_release() -> Option<OsRelease> {
    let text = files::bytes("/etc/os-release").or_else(|| files::bytes("/usr/lib/os-release"))?;
    OsRelease::parse(&text).ok()
}

/// `PRETTY_HOSTNAME=` of machine-info(5), unless it is empty.
pub fn pretty_host_name() -> Option<String> {
    let found = read_assignments(&files::bytes("/etc/machine-info")?).ok()?;
    let pretty = found.into_iter().find(|(key, _)| key == "PRETTY_HOSTNAME");
    pretty.map(|(_, name)| name).filter(|name| !name.is_empty())
}

/// Where the environment wants temporary files, else `usual`.
pub fn temporary_directory(usual: &str) -> String {
    let wanted = TEMPORARY_DIRECTORIES.iter().find_map(|variable| {
        let path = std::env::var(variable).ok()?;
        let sound = path.starts_with('/') && is_normalized_path(&path);
        (sound && Path::new(&path).is_dir()).then_some(path)
    });
    wanted.unwrap_or_else(|| usual.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_as_an_environment_file() {
        let text = b"NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\nX-Y=1\n";
        let expected = OsRelease {
            id: "debian".into(),
            version_id: "12".into(),
            ..OsRelease::default()
        };
        assert_eq!(OsRelease::parse(text), Ok(expected));
    }
}
