//! Users and groups that this host doesn't know.
use super::{Found, Host, Known, Service};
use gitproc_unit::Code;

pub(super) fn check(service: &Service<'_, '_>, host: &dyn Host, found: &mut Found) {
    let section = service.section;
    // It makes its own.
    if service.is_set("DynamicUser") {
        return;
    }
    let groups = section
        .group
        .iter()
        .map(|name| ("Group", name))
        .chain(
            section
                .supplementary_groups
                .iter()
                .map(|name| ("SupplementaryGroups", name)),
        )
        .map(|(key, name)| (key, name, Code::MissingGroup));
    let users = section.user.iter();
    let users = users.map(|name| ("User", name, Code::MissingUser));
    for (key, name, code) in users.chain(groups) {
        // Numbers need no entry.
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let (known, what, add) = match code {
            Code::MissingUser => (host.user(name), "user", "useradd --system"),
            _ => (host.group(name), "group", "groupadd --system"),
        };
        if known == Known::No && !service.is_made_up(key, name) {
            found.push(service.warn(
                (key, name),
                code,
                format!("{key}=: this host has no {what} '{name}'"),
                &format!("{add} {name}"),
            ));
        }
    }
}
