//! Programs and environment files that others than root can replace: by writing to them, or to a
//! directory on the way.
use super::paths::deciding;
use super::{FileFacts, Found, Host, Look, Service};
use gitproc_unit::Code;

const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
/// In a sticky directory one can't replace the files of others.
const STICKY: u32 = 0o1000;

/// Groups whose members may as well be root: root's own, and Debian's `staff`, which it gives
/// /usr/local to.
const TRUSTED_GROUPS: [u32; 2] = [0, 50];

pub(super) fn check(service: &Service<'_, '_>, host: &dyn Host, found: &mut Found) {
    for (key, path) in deciding(service.section) {
        let look = match path.starts_with('/') {
            true => host.look(path),
            false => host.find(path),
        };
        let Look::Found(facts) = look else { continue };
        let Some((what, whom)) = weak_point(&facts, host) else {
            continue;
        };
        if service.is_made_up(key, path) {
            continue;
        }
        let of = match what == path {
            true => String::new(),
            false => format!(", on the way to {path},"),
        };
        found.push(service.warn(
            (key, path),
            Code::WritableByOthers,
            format!("{key}=: {what}{of} can be changed by {whom}"),
            &format!("chmod go-w {what}"),
        ));
    }
}

/// The first place from the file upwards where somebody else can write, and who.
fn weak_point(facts: &FileFacts, host: &dyn Host) -> Option<(String, String)> {
    let mut at = facts.clone();
    loop {
        if let Some(whom) = writer(&at) {
            return Some((at.real, whom));
        }
        let parent = match at.real.rsplit_once('/')? {
            ("", "") => return None,
            ("", _) => "/",
            (parent, _) => parent,
        };
        match host.look(parent) {
            Look::Found(facts) if facts.real != at.real => at = facts,
            Look::Found(_) | Look::Missing | Look::Unsure => return None,
        }
    }
}

fn writer(facts: &FileFacts) -> Option<String> {
    if facts.directory && facts.mode & STICKY != 0 {
        None
    } else if facts.mode & OTHERS_WRITE != 0 {
        Some("every user".to_owned())
    } else if facts.mode & GROUP_WRITES != 0 && !TRUSTED_GROUPS.contains(&facts.gid) {
        Some(format!("group {}", facts.gid))
    } else {
        None
    }
}
