//! Verbs that only look: status, list, show, cat, plan, history.
use super::{Context, now_us};
use crate::args::{ListArgs, ShowArgs};
use crate::failure::{Failure, NOT_ACTIVE};
use crate::output::print;
use crate::render;
use gitproc_core::snapshot::ActiveState;
use gitproc_rpc::api::{
    Cat, Empty, History, HistoryParams, HostStatus, List, ListParams, PlanFor, RevParams, Show,
    Status, UnitRow, UnitStatuses, Units,
};
use gitproc_unit::{PropertyValue, Severity};
use serde::{Serialize, Serializer};
use std::fmt::Write;

/// `status -o json`
#[derive(Serialize)]
struct HostView<'a> {
    #[serde(flatten)]
    host: &'a HostStatus,
    units: &'a [UnitRow],
}

/// `status`
pub fn host(context: &Context) -> Result<u8, Failure> {
    let mut session = context.session()?;
    let host = session.call::<Status>(&Empty {})?;
    let units = session.call::<List>(&ListParams::default())?;
    let view = HostView {
        host: &host,
        units: &units,
    };
    context.output.show(&view, || {
        let palette = context.output.palette;
        let mut text = render::host(&host, now_us(), palette);
        if !units.is_empty() {
            text.push_str(&render::units(&units, palette));
        }
        let command = context.place.command();
        let failed = units
            .iter()
            .find(|row| row.status.active == ActiveState::Failed);
        if let Some(row) = failed {
            let _ = writeln!(text, "next: {command} status {}", row.status.unit);
        } else if host.generation.is_none() {
            let clone = context.place.layout.clone.display();
            let _ = writeln!(text, "next: commit a unit file in {clone}, then git push");
        }
        text
    })?;
    Ok(0)
}

/// `status UNIT…`
pub fn units(context: &Context, units: Vec<String>) -> Result<u8, Failure> {
    let details = context.session()?.call::<UnitStatuses>(&Units { units })?;
    context.output.show(&details, || {
        let one = |detail| render::unit(detail, &context.place.command(), context.output.palette);
        details.iter().map(one).collect::<Vec<_>>().join("\n")
    })?;
    let active = |state| matches!(state, ActiveState::Active | ActiveState::Reloading);
    let all_active = details
        .iter()
        .all(|detail| active(detail.row.status.active));
    Ok(if all_active { 0 } else { NOT_ACTIVE })
}

/// `list`
pub fn list(context: &Context, args: ListArgs) -> Result<u8, Failure> {
    let rows = context.session()?.call::<List>(&ListParams {
        patterns: args.patterns,
        states: args.state,
        all: args.all,
    })?;
    context.output.show(&rows, || match rows.is_empty() {
        true => format!(
            "no such units; all of them: {} list --all\n",
            context.place.command()
        ),
        false => render::units(&rows, context.output.palette),
    })?;
    Ok(0)
}

/// Properties as one JSON object, in their order.
pub struct Properties<'a, N>(pub &'a [(N, PropertyValue)]);

impl<N: AsRef<str>> Serialize for Properties<'_, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.as_ref(), value)))
    }
}

/// `Name=value` lines.
pub fn property_lines<N: AsRef<str>>(properties: &[(N, PropertyValue)]) -> String {
    let line = |(name, value): &(N, PropertyValue)| {
        format!("{}={}\n", name.as_ref(), gitproc_unit::property_text(value))
    };
    properties.iter().map(line).collect()
}

/// Only the properties that were asked for, in the order of asking; all when none were.
pub fn select<N: AsRef<str>>(
    mut properties: Vec<(N, PropertyValue)>,
    wanted: &[String],
) -> Vec<(N, PropertyValue)> {
    if !wanted.is_empty() {
        let place = |name: &str| wanted.iter().position(|wanted| wanted == name);
        properties.retain(|(name, _)| place(name.as_ref()).is_some());
        properties.sort_by_key(|(name, _)| place(name.as_ref()));
    }
    properties
}

/// `show UNIT…`
pub fn show(context: &Context, args: ShowArgs) -> Result<u8, Failure> {
    let shown = context
        .session()?
        .call::<Show>(&Units { units: args.units })?;
    for (index, unit) in shown.into_iter().enumerate() {
        let properties = select(unit.properties, &args.property);
        if context.output.json() {
            context.output.json_line(&Properties(&properties))?;
            continue;
        }
        let gap = if index > 0 { "\n" } else { "" };
        print(&format!("{gap}{}", property_lines(&properties)))?;
    }
    Ok(0)
}

/// `cat UNIT…`
pub fn cat(context: &Context, units: Vec<String>) -> Result<u8, Failure> {
    let shown = context.session()?.call::<Cat>(&Units { units })?;
    context.output.show(&shown, || {
        let mut text = String::new();
        for unit in &shown {
            let commit = unit.commit.as_ref().map_or("", |commit| commit.short());
            for (path, content) in &unit.files {
                let gap = if text.is_empty() { "" } else { "\n" };
                let newline = if content.ends_with('\n') { "" } else { "\n" };
                let _ = write!(text, "{gap}# {path} of {commit}\n{content}{newline}");
            }
            if unit.files.is_empty() {
                let _ = writeln!(text, "# {} is built in", unit.unit);
            }
        }
        text
    })?;
    Ok(0)
}

/// `plan [REV]`
pub fn plan(context: &Context, rev: Option<String>) -> Result<u8, Failure> {
    let view = context.session()?.call::<PlanFor>(&RevParams { rev })?;
    context
        .output
        .show(&view, || render::plan(&view, context.output.palette))?;
    let refused = |diagnostic: &gitproc_unit::Diagnostic| diagnostic.severity == Severity::Error;
    Ok(u8::from(view.diagnostics.iter().any(refused)))
}

/// `history`
pub fn history(context: &Context, limit: Option<usize>) -> Result<u8, Failure> {
    let records = context
        .session()?
        .call::<History>(&HistoryParams { limit })?;
    context.output.show(&records, || match records.is_empty() {
        true => format!(
            "nothing deployed yet; commit a unit file in {}, then git push\n",
            context.place.layout.clone.display()
        ),
        false => {
            let table = render::history(&records, now_us(), context.output.palette);
            format!("{table}next: {} rollback @N\n", context.place.command())
        }
    })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_come_in_the_order_of_asking() {
        let all = || {
            vec![
                ("A", PropertyValue::Bool(true)),
                ("B", PropertyValue::Unsigned(7)),
            ]
        };
        let names = |wanted: &[&str]| -> Vec<&str> {
            let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
            select(all(), &wanted)
                .into_iter()
                .map(|(name, _)| name)
                .collect()
        };
        assert_eq!(names(&[]), ["A", "B"]);
        assert_eq!(names(&["B", "X", "A"]), ["B", "A"]);
        let json = serde_json::to_string(&Properties(&all())).expect("an object");
        assert_eq!(json, r#"{"A":true,"B":7}"#);
    }
}
