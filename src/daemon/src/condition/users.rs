//! Conditions on the user whom services run as unless they say otherwise: the daemon's own.
use gitproc_unit::value::parse_uid;
use nix::unistd::{Group, Uid, User, getegid, geteuid, getgid, getgroups, getuid};

/// The last uid of system users on Debian (`SYSTEM_UID_MAX`).
const SYSTEM_UID_MAX: u32 = 999;

pub fn user(wanted: &str) -> bool {
    let ours = |wanted: u32| [getuid(), geteuid()].contains(&Uid::from_raw(wanted));
    match (wanted, parse_uid(wanted)) {
        ("@system", _) => [getuid(), geteuid()]
            .iter()
            .any(|uid| uid.as_raw() <= SYSTEM_UID_MAX),
        (_, Ok(uid)) => ours(uid),
        (name, Err(_)) => {
            let found = User::from_name(name).ok().flatten();
            found.is_some_and(|user| ours(user.uid.as_raw()))
        }
    }
}

pub fn group(wanted: &str) -> bool {
    let gid = parse_uid(wanted).ok().or_else(|| {
        let found = Group::from_name(wanted).ok().flatten();
        found.map(|group| group.gid.as_raw())
    });
    let mut own = getgroups().unwrap_or_default();
    own.extend([getgid(), getegid()]);
    gid.is_some_and(|gid| own.iter().any(|own| own.as_raw() == gid))
}
