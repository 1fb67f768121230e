//! What a unit asks of the whole host, and this one's configuration doesn't allow.
use super::{Found, Host, Known, Service, warning};
use crate::host_action::{OCCASIONS, asked_by};
use gitproc_unit::Code;

pub(super) fn check(service: &Service<'_, '_>, host: &dyn Host, found: &mut Found) {
    let unit = service.unit;
    for key in OCCASIONS {
        let Some(action) = asked_by(unit, key) else {
            continue;
        };
        if host.may(action.verb) != Known::No {
            continue;
        }
        let sources = &service.case.sources;
        let word = action.word();
        // Where older files have it.
        let place = sources.exact(unit, "Service", key, &word);
        let place = place.unwrap_or_else(|| sources.place(unit, "Unit", key, &word));
        let verb = action.verb.as_str();
        found.push(warning(
            place,
            Code::HostAction,
            format!("{key}={word} will be refused: this host does not allow {verb}"),
            &format!("AllowHostActions={verb} in [Manager] of gitproc.conf allows it"),
        ));
    }
}
