//! Conditions on the user whom services run as unless they say otherwise: the daemon's own.
use nix::unistd::{Group, Uid, User, getegid, geteuid, getgid, getgroups, getuid};

/// The last uid of system users on Debian (`SYSTEM_UID_MAX`).
const SYSTEM_UID_MAX: u32 = 999;
/// What stands for "no id", and its 16-bit ancestor.
const NO_ID: [u32; 2] = [u32::MAX, 0xffff];

pub fn user(wanted: &str) -> bool {
    let ours = |wanted: u32| [getuid(), geteuid()].contains(&Uid::from_raw(wanted));
    match (wanted, id(wanted)) {
        ("@system", _) => [getuid(), geteuid()]
            .iter()
            .any(|uid| uid.as_raw() <= SYSTEM_UID_MAX),
        (_, Some(uid)) => ours(uid),
        (name, None) => {
            let found = User::from_name(name).ok().flatten();
            found.is_some_and(|user| ours(user.uid.as_raw()))
        }
    }
}

pub fn group(wanted: &str) -> bool {
    let gid = id(wanted).or_else(|| {
        let found = Group::from_name(wanted).ok().flatten();
        found.map(|group| group.gid.as_raw())
    });
    let mut own = getgroups().unwrap_or_default();
    own.extend([getgid(), getegid()]);
    gid.is_some_and(|gid| own.iter().any(|own| own.as_raw() == gid))
}

/// A number that may be an id: without sign or leading zeros.
fn id(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|c| c.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number = text.parse().ok().filter(|_| plain)?;
    (!NO_ID.contains(&number)).then_some(number)
}
