//! Values that let through or keep out: namespaces, families, system calls, file systems.
use super::kind::{self, Kind, no_filter, spell_number};
use crate::diagnostic::Severity;
use crate::draft::Context;
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::settings::Setting;
use crate::value::list::room;
use crate::value::{
    AddressFamilies, SyscallAction, SyscallArchitectures, SyscallFilter, ValueError,
    apply_namespaces, format_namespaces,
};
use crate::words::Split;

pub(super) const NAMESPACES: Kind = Kind::By(
    "yes, no, or kinds of namespace; ~ inverts",
    |value, _, text| {
        let mut allowed = match value {
            Unsigned(allowed) => *allowed,
            Bool(_) | Signed(_) | Text(_) | List(_) => u64::MAX,
        };
        apply_namespaces(&mut allowed, text)?;
        *value = Unsigned(allowed);
        Ok(())
    },
    spell_number!(format_namespaces),
);

pub(super) const FAMILIES: Kind = kind::typed!(
    "address families, none; ~ inverts",
    Families,
    AddressFamilies::apply,
    |families: &AddressFamilies| vec![families.to_line()]
);

pub(super) fn no_calls() -> Setting {
    Setting::Calls(Box::default())
}

pub(super) const CALLS: Kind = Kind::Typed(
    "system calls and @groups, with :errno; ~ inverts",
    |value, cx, text| {
        let Setting::Calls(filter) = value else {
            unreachable!("the default of the row is of the same type");
        };
        skipped(cx, "SystemCallFilter", filter.apply(text));
        Ok(())
    },
    kind::spell_typed!(Calls, |filter: &SyscallFilter| filter.to_lines()),
);

pub(super) const LOGGED_CALLS: Kind = Kind::Typed(
    "system calls and @groups; ~ inverts",
    |value, cx, text| {
        let Setting::Calls(filter) = value else {
            unreachable!("the default of the row is of the same type");
        };
        skipped(cx, "SystemCallLog", filter.apply_log(text));
        Ok(())
    },
    kind::spell_typed!(Calls, |filter: &SyscallFilter| filter.to_log_lines()),
);

pub(super) const ARCHITECTURES: Kind = Kind::Typed(
    "architectures, or native",
    |value, cx, text| {
        let Setting::Architectures(set) = value else {
            unreachable!("the default of the row is of the same type");
        };
        skipped(cx, "SystemCallArchitectures", set.apply(text));
        Ok(())
    },
    kind::spell_typed!(Architectures, |set: &SyscallArchitectures| {
        spelling::joined(set.names())
    }),
);

/// Names come and go with kernels: a unit may name more than this version knows.
fn skipped(cx: &mut Context<'_>, key: &str, complaints: Vec<ValueError>) {
    for complaint in complaints {
        let message = format!("{key}=: {complaint}, ignoring");
        cx.report(crate::Code::BadValue, Severity::Warning, message, None);
    }
}

pub(super) const ERROR_NUMBER: Kind = Kind::By(
    "errno, or kill",
    |value, _, text| {
        *value = SyscallAction::parse(text)?.property();
        Ok(())
    },
    |value| vec![SyscallAction::of_property(value).to_string()],
);

/// Groups of file systems, which a kernel that knows them resolves.
const FILE_SYSTEM_GROUPS: &[&str] = &[
    "@basic-api",
    "@anonymous",
    "@application",
    "@auxiliary-block",
    "@common-block",
    "@historical-block",
    "@known",
    "@network",
    "@privileged-api",
    "@security",
    "@temporary",
];

/// `[allowed, [names]]`
pub(super) const FILE_SYSTEMS: Kind = Kind::By(
    "file systems and @groups; ~ inverts",
    |value, _, text| {
        if text.is_empty() {
            *value = no_filter();
            return Ok(());
        }
        let (allow, names) = match text.strip_prefix('~') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        let (first, known) = match std::mem::replace(value, no_filter()) {
            List(items) => match <[PropertyValue; 2]>::try_from(items) {
                Ok([Bool(first), List(known)]) => (first, known),
                Ok(_) | Err(_) => (allow, Vec::new()),
            },
            Bool(_) | Unsigned(_) | Signed(_) | Text(_) => (allow, Vec::new()),
        };
        let first = if known.is_empty() { allow } else { first };
        let mut known = List(known);
        let wrong = kind::each_word(&mut known, names, &Split::LIST, |known, name| {
            if name.starts_with('@') && !FILE_SYSTEM_GROUPS.contains(&name) {
                return Err(ValueError::not(name, "group of file systems"));
            }
            let place = known.binary_search_by(|other| other.text().cmp(name));
            match (place, allow == first) {
                (Err(at), true) => {
                    room(known.len())?;
                    known.insert(at, name.into());
                }
                (Ok(at), false) => {
                    known.remove(at);
                }
                (Ok(_), true) | (Err(_), false) => {}
            }
            Ok(())
        });
        *value = List(vec![Bool(first), known]);
        wrong
    },
    |value| {
        let [Bool(allow), List(names)] = value.items() else {
            return Vec::new();
        };
        let names = names.iter().map(PropertyValue::text);
        let names: Vec<String> = names.map(spelling::listed_name).collect();
        match (*allow, names.is_empty()) {
            // Only taking names back leaves such a list.
            (true, true) => vec!["tmpfs".into(), "~tmpfs".into()],
            (false, true) => Vec::new(),
            (true, false) => vec![names.join(" ")],
            (false, false) => vec![format!("~{}", names.join(" "))],
        }
    },
);
