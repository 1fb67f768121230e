//! `User=`, `Group=` and `SupplementaryGroups=` to numbers, by the host's name services.
//!
//! Done here because the static helper has none. May block (LDAP), so never on the loop.
use crate::dynamic_users::DynamicUsers;
use gitproc_core::protocol::Failure;
use gitproc_core::spec::{ExecStep, Identity, Ids};
use gitproc_core::spec_build::mounts::USER_DATABASES;
use gitproc_unit::ServiceSection;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use std::ffi::CString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Who the service runs as. The failure names the step as systemd does. `dynamic`: where its user
/// comes from if the host has none of that name (`DynamicUser=`).
pub fn resolve(
    service: &ServiceSection,
    dynamic: Option<&DynamicUsers>,
) -> Result<Identity, Failure> {
    match (dynamic, service.user.as_deref()) {
        (Some(dynamic), Some(name)) if find_user(name).is_err() => {
            dynamic_user(service, name, dynamic)
        }
        // One that exists is taken as a dynamic one would be: at home nowhere.
        (Some(_), _) => static_user(service).map(|identity| Identity {
            home: None,
            shell: None,
            ..identity
        }),
        (None, _) => static_user(service),
    }
}

/// A user by number only, with a group of the same number.
fn dynamic_user(
    service: &ServiceSection,
    name: &str,
    dynamic: &DynamicUsers,
) -> Result<Identity, Failure> {
    if !Uid::effective().is_root() {
        let detail = "DynamicUser= needs a daemon that runs as root".to_owned();
        return Err(refused(ExecStep::User, nix::errno::Errno::EPERM, detail));
    }
    let taken = |number| {
        let user = User::from_uid(Uid::from_raw(number));
        let group = Group::from_gid(Gid::from_raw(number));
        !matches!((user, group), (Ok(None), Ok(None)))
    };
    let uid = dynamic.number(name, taken).map_err(|cause| Failure {
        step: ExecStep::User,
        errno: cause.raw_os_error().unwrap_or(0),
        detail: format!("find a number for the dynamic user '{name}': {cause}"),
    })?;
    let gid = match service.group.as_deref() {
        Some(group) if group != name => find_group(group)?.as_raw(),
        _ => uid,
    };
    let listed = service.supplementary_groups.iter();
    let listed = listed.map(|name| Ok(find_group(name)?.as_raw()));
    let mut groups = listed.collect::<Result<Vec<u32>, Failure>>()?;
    groups.push(gid);
    groups.sort_unstable();
    groups.dedup();
    Ok(Identity {
        ids: Some(Ids { uid, gid, groups }),
        user_name: Some(name.to_owned()),
        dynamic: true,
        home: None,
        shell: None,
    })
}

/// The host's user and group databases with one line more, for the service to see. A static program
/// in it needs no name service for that.
pub fn write_databases(dir: &Path, identity: &Identity) -> gitproc_sys::Result<()> {
    let (Some(ids), Some(name)) = (&identity.ids, &identity.user_name) else {
        return Ok(());
    };
    let (uid, gid) = (ids.uid, ids.gid);
    let group = (uid == gid).then(|| format!("{name}:x:{gid}:\n"));
    let lines = [
        Some(format!(
            "{name}:x:{uid}:{gid}:Dynamic User:/:/usr/sbin/nologin\n"
        )),
        group,
    ];
    for ((file, host), line) in USER_DATABASES.into_iter().zip(lines) {
        let mut text = std::fs::read(host).unwrap_or_default();
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
        }
        text.extend(line.unwrap_or_default().into_bytes());
        let path = dir.join(file);
        std::fs::write(&path, text)
            .and_then(|()| std::fs::set_permissions(&path, Permissions::from_mode(0o644)))
            .map_err(|cause| gitproc_sys::Error::new("write", path.display(), cause))?;
    }
    Ok(())
}

fn static_user(service: &ServiceSection) -> Result<Identity, Failure> {
    let user = service.user.as_deref().map(find_user).transpose()?;
    let group = service.group.as_deref().map(find_group).transpose()?;
    let listed = service
        .supplementary_groups
        .iter()
        .map(|name| find_group(name))
        .collect::<Result<Vec<Gid>, Failure>>()?;

    if !Uid::effective().is_root() {
        return rootless(service, user, group, &listed);
    }
    let gid = group
        .or(user.as_ref().map(|user| user.gid))
        .unwrap_or(Gid::from_raw(0));
    // Explicit ids for root's own services too: groups of the shell that started the daemon
    // must not leak into them.
    let mut groups: Vec<u32> = match &user {
        // Of root's group, systemd takes none beside it.
        Some(user) if gid.as_raw() != 0 => groups_of(user, gid)?,
        Some(_) | None => Vec::new(),
    };
    groups.extend(listed.iter().map(|gid| gid.as_raw()));
    groups.sort_unstable();
    groups.dedup();
    let uid = user.as_ref().map_or(0, |user| user.uid.as_raw());
    let ids = Ids {
        uid,
        gid: gid.as_raw(),
        groups,
    };
    Ok(identity(user, Some(ids)))
}

/// Without root the ids can't change: a unit may only name who the daemon already is.
fn rootless(
    service: &ServiceSection,
    user: Option<User>,
    group: Option<Gid>,
    listed: &[Gid],
) -> Result<Identity, Failure> {
    let me = Uid::effective();
    if let Some(user) = &user
        && user.uid != me
    {
        let name = service.user.as_deref().unwrap_or_default();
        let detail = format!("User={name} needs a daemon that runs as root");
        return Err(refused(ExecStep::User, nix::errno::Errno::EPERM, detail));
    }
    if group.is_some_and(|gid| gid != Gid::effective()) || !listed.is_empty() {
        let detail = "Group= and SupplementaryGroups= need a daemon that runs as root".to_owned();
        return Err(refused(ExecStep::Group, nix::errno::Errno::EPERM, detail));
    }
    Ok(identity(user, None))
}

fn identity(user: Option<User>, ids: Option<Ids>) -> Identity {
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let user = user.as_ref();
    // What says that there is none is not passed on, as under systemd.
    let home = user.map(|user| text(&user.dir));
    let shell = user.map(|user| text(&user.shell));
    Identity {
        ids,
        user_name: user.map(|user| user.name.clone()),
        dynamic: false,
        home: home.filter(|home| !matches!(home.as_str(), "" | "/")),
        shell: shell.filter(|shell| !is_no_shell(shell)),
    }
}

/// Programs that let nobody in.
fn is_no_shell(shell: &str) -> bool {
    let name = shell
        .strip_prefix("/usr")
        .unwrap_or(shell)
        .trim_start_matches("/sbin/")
        .trim_start_matches("/bin/");
    matches!(name, "" | "nologin" | "false" | "true")
}

fn find_user(name: &str) -> Result<User, Failure> {
    let found = match name.parse::<u32>() {
        // A number need not be in the user database.
        Ok(number) => User::from_uid(Uid::from_raw(number))
            .map(|found| found.or_else(|| Some(nameless(number)))),
        Err(_) => User::from_name(name),
    };
    match found {
        Ok(Some(user)) => Ok(user),
        Ok(None) => {
            let detail = format!("user '{name}' does not exist");
            Err(refused(ExecStep::User, nix::errno::Errno::ESRCH, detail))
        }
        Err(cause) => Err(refused(
            ExecStep::User,
            cause,
            format!("look up user '{name}'"),
        )),
    }
}

/// A numeric user that no database knows.
fn nameless(number: u32) -> User {
    User {
        name: number.to_string(),
        passwd: CString::default(),
        uid: Uid::from_raw(number),
        gid: Gid::from_raw(number),
        gecos: CString::default(),
        dir: "/".into(),
        shell: "/usr/sbin/nologin".into(),
    }
}

fn find_group(name: &str) -> Result<Gid, Failure> {
    if let Ok(number) = name.parse::<u32>() {
        return Ok(Gid::from_raw(number));
    }
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid),
        Ok(None) => {
            let detail = format!("group '{name}' does not exist");
            Err(refused(ExecStep::Group, nix::errno::Errno::ESRCH, detail))
        }
        Err(cause) => Err(refused(
            ExecStep::Group,
            cause,
            format!("look up group '{name}'"),
        )),
    }
}

fn groups_of(user: &User, gid: Gid) -> Result<Vec<u32>, Failure> {
    let detail = || format!("look up the groups of user '{}'", user.name);
    let name = CString::new(user.name.as_str())
        .map_err(|_| refused(ExecStep::Group, nix::errno::Errno::EINVAL, detail()))?;
    getgrouplist(&name, gid)
        .map(|groups| groups.into_iter().map(Gid::as_raw).collect())
        .map_err(|cause| refused(ExecStep::Group, cause, detail()))
}

fn refused(step: ExecStep, errno: nix::errno::Errno, detail: String) -> Failure {
    Failure {
        step,
        errno: errno as i32,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_user_and_an_unknown_group_are_named_with_their_step() {
        let failure = find_user("no-such-user-here").expect_err("nobody is called so");
        assert_eq!(failure.step, ExecStep::User);
        assert_eq!(failure.detail, "user 'no-such-user-here' does not exist");
        let failure = find_group("no-such-group-here").expect_err("none is called so");
        assert_eq!(failure.step, ExecStep::Group);
        assert_eq!(failure.detail, "group 'no-such-group-here' does not exist");
    }

    #[test]
    fn who_can_not_log_in_has_no_shell() {
        for (shell, none) in [
            ("/usr/sbin/nologin", true),
            ("/sbin/nologin", true),
            ("/bin/false", true),
            ("/usr/bin/true", true),
            ("", true),
            ("/bin/bash", false),
            ("/opt/nologin", false),
        ] {
            assert_eq!(is_no_shell(shell), none, "{shell}");
        }
    }

    #[test]
    fn a_number_needs_no_entry_in_the_user_database() {
        assert_eq!(
            find_user("4000001")
                .expect("numbers are taken")
                .uid
                .as_raw(),
            4_000_001
        );
        assert_eq!(
            find_group("4000001").expect("numbers are taken").as_raw(),
            4_000_001
        );
    }
}
