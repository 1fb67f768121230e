//! Programs that this host doesn't have.
use super::paths::programs;
use super::{Found, Host, Look, Service};
use gitproc_unit::Code;

/// A warning, not an error: the program may be installed between the push and the start. With `-`
/// too, since a command that never works is not what anybody means.
pub(super) fn check(service: &Service<'_, '_>, host: &dyn Host, found: &mut Found) {
    for (key, path) in programs(service.section) {
        let bare = !path.starts_with('/');
        let look = match bare {
            true => host.find(path),
            false => host.look(path),
        };
        let (lack, hint) = match look {
            Look::Unsure => continue,
            Look::Missing if bare => (
                format!("there is no program '{path}' where services look for programs"),
                "install it, or give its whole path",
            ),
            Look::Missing => (
                format!("there is no {path} on this host"),
                "install it before the push, or mend the path",
            ),
            Look::Found(facts) if facts.is_program() => continue,
            Look::Found(facts) if facts.directory => {
                (format!("{path} is a directory"), "name the program inside")
            }
            Look::Found(_) => (format!("{path} can't be executed"), "chmod +x it"),
        };
        if !service.is_made_up(key, path) {
            found.push(service.warn(
                (key, path),
                Code::MissingBinary,
                format!("{key}=: {lack}"),
                hint,
            ));
        }
    }
}
