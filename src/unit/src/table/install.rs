//! [Install] (systemd.unit(5)). That a unit is in the commit is what enables it.
use super::unit::unit_names;
use super::{Family, Row, Standing};
use crate::name::{UnitKind, UnitName};
use crate::value::ValueError;
use crate::words::{Split, words};

macro_rules! names {
    ($key:literal, $field:ident) => {
        Row::field(Family::Install, $key, "unit names", |draft, cx, value| {
            if value.is_empty() {
                draft.install.$field.clear();
            }
            let (names, wrong) = unit_names(cx, value)?;
            draft.install.$field.extend(names);
            wrong
        })
    };
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        names!("WantedBy", wanted_by),
        names!("RequiredBy", required_by),
        names!("Also", also),
        Row::field(
            Family::Install,
            "Alias",
            "unit names",
            |draft, cx, value| {
                if value.is_empty() {
                    draft.aliases.clear();
                }
                for word in
                    words(value, &Split::NAMES).map_err(|err| ValueError(err.to_string()))?
                {
                    let text = cx.resolve_name(&word)?;
                    let alias =
                        UnitName::parse(&text).map_err(|err| ValueError(err.to_string()))?;
                    if alias.kind() != cx.name.kind() {
                        return Err(ValueError(format!("alias {alias} is another kind of unit")));
                    }
                    draft.aliases.push(alias);
                }
                Ok(())
            },
        ),
        Row::field(
            Family::Install,
            "DefaultInstance",
            "text",
            |draft, cx, value| {
                let instance = cx.resolve(value)?;
                let full = format!("x@{instance}.{}", UnitKind::Service.suffix());
                UnitName::parse(&full).map_err(|_| ValueError::not(&instance, "instance name"))?;
                draft.default_instance = Some(instance).filter(|text| !text.is_empty());
                Ok(())
            },
        ),
        Row::nothing(Family::Install, "X-*", Standing::Owned),
    ]
}
