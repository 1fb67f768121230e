//! Users that exist while the host is up, for `DynamicUser=`: a number from systemd's range for each
//! name, the same over restarts of service and daemon.
//!
//! A number is taken by a file of that name, so no two names share one. The next boot begins anew.
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Numbers that systemd hands out (systemd.exec(5), DynamicUser=), and nobody else should.
const FIRST: u32 = 61_184;
const LAST: u32 = 65_519;
/// Where systemd says which of them it has handed out.
const SYSTEMDS: &str = "/run/systemd/dynamic-uid";

/// The numbers of one instance.
#[derive(Debug)]
pub struct DynamicUsers {
    dir: PathBuf,
    /// Services are started side by side.
    one_at_a_time: Mutex<()>,
}

impl DynamicUsers {
    /// Kept in `dir`.
    pub fn new(dir: PathBuf) -> DynamicUsers {
        DynamicUsers {
            dir,
            one_at_a_time: Mutex::new(()),
        }
    }

    /// The number of `name`, for a user and a group; `taken` tells of numbers that somebody else
    /// has. Blocking.
    pub fn number(&self, name: &str, taken: impl Fn(u32) -> bool) -> Result<u32> {
        let _guard = self
            .one_at_a_time
            .lock()
            .map_err(|_| Error::other("another start has failed halfway"))?;
        std::fs::create_dir_all(&self.dir)?;
        if let Some(number) = self.found(name)? {
            return Ok(number);
        }
        let size = LAST - FIRST + 1;
        let first = hash(name) % size;
        for step in 0..size {
            let number = FIRST + (first + step) % size;
            if taken(number) || Path::new(SYSTEMDS).join(number.to_string()).exists() {
                continue;
            }
            match std::fs::File::create_new(self.dir.join(number.to_string())) {
                Ok(mut file) => {
                    file.write_all(name.as_bytes())?;
                    return Ok(number);
                }
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
        Err(Error::other(format!(
            "all {size} dynamic users are taken until the next boot"
        )))
    }

    fn found(&self, name: &str) -> Result<Option<u32>> {
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            let number = entry
                .file_name()
                .to_str()
                .and_then(|text| text.parse().ok());
            let Some(number) = number.filter(|number| (FIRST..=LAST).contains(number)) else {
                continue;
            };
            if std::fs::read_to_string(entry.path())? == name {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

/// 32-bit FNV-1a: the same name gets the same number on each boot, mostly.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn a_name_has_one_number_and_no_two_share_it() {
        let dir = TempDir::new("users");
        let users = DynamicUsers::new(dir.path().join("users"));
        let free = |_| false;
        let web = users.number("web", free).expect("free");
        assert!((FIRST..=LAST).contains(&web));
        let again = DynamicUsers::new(dir.path().join("users"));
        assert_eq!(again.number("web", free).expect("its own"), web);
        // Another that would get the same goes on to the next.
        let other = users.number("other", |number| number == web).expect("free");
        assert_ne!(other, web);
        let mut all = std::collections::BTreeSet::from([web, other]);
        for at in 0..200 {
            let number = users.number(&format!("u{at}"), free).expect("free");
            assert!(all.insert(number), "{number} twice");
        }
    }

    #[test]
    fn what_others_have_is_left_to_them() {
        let dir = TempDir::new("users");
        let users = DynamicUsers::new(dir.path().join("users"));
        assert!(users.number("web", |_| true).is_err());
        let only = users.number("web", |number| number != LAST).expect("one");
        assert_eq!(only, LAST);
    }
}
