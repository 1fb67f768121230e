//! [Install] (systemd.unit(5)). That a unit is in the commit is what enables it.
use super::unit::unit_names;
use super::{Row, Standing, bare};
use crate::value::ValueError;
use crate::{UnitKind, UnitName};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        Row::new("Install", "WantedBy", "unit names", |draft, cx, value| {
            if value.is_empty() {
                draft.install.wanted_by.clear();
            }
            draft.install.wanted_by.extend(unit_names(cx, value)?);
            Ok(())
        }),
        Row::new("Install", "RequiredBy", "unit names", |draft, cx, value| {
            if value.is_empty() {
                draft.install.required_by.clear();
            }
            draft.install.required_by.extend(unit_names(cx, value)?);
            Ok(())
        }),
        Row::new("Install", "Alias", "unit names", |draft, cx, value| {
            if value.is_empty() {
                draft.aliases.clear();
            }
            for word in value.split_whitespace() {
                let text = cx.resolve(word)?;
                let alias = UnitName::parse(&text).map_err(|err| ValueError(err.to_string()))?;
                if alias.kind() != cx.name.kind() {
                    return Err(ValueError(format!("alias {alias} is another kind of unit")));
                }
                draft.aliases.push(alias);
            }
            Ok(())
        }),
        Row::new("Install", "DefaultInstance", "text", |draft, cx, value| {
            let instance = cx.resolve(value)?;
            let full = format!("x@{instance}.{}", UnitKind::Service.suffix());
            UnitName::parse(&full).map_err(|_| ValueError::not(&instance, "instance name"))?;
            draft.default_instance = Some(instance).filter(|text| !text.is_empty());
            Ok(())
        }),
    ];
    rows.extend(bare(
        "Install",
        Standing::Meaningless("every unit of the commit is enabled already"),
        "Also",
    ));
    rows.extend(bare("Install", Standing::Owned, "X-*"));
    rows
}
