//! Orders that go in a circle, named edge by edge with the line that makes each.
use super::{Case, Found, error};
use crate::graph::{Edge, order_cycles};
use gitproc_unit::Code;

/// One finding per cycle, at the first of its edges that stands in a file.
pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for edges in order_cycles(case.units) {
        let place = |edge: &Edge<'_>| {
            let unit = case.units.units.get(edge.unit)?;
            let word = edge.value.as_str();
            case.sources.exact(unit, "Unit", edge.key, word)
        };
        let words: Vec<String> = edges
            .iter()
            .map(|edge| {
                let Edge { unit, key, value } = edge;
                match place(edge) {
                    Some(at) => format!("{unit}: {key}={value} ({}:{})", at.file, at.line),
                    None => format!("{unit}: {key}={value} (implied)"),
                }
            })
            .collect();
        let whole = || {
            let unit = case.units.units.get(edges.first()?.unit)?;
            Some(case.sources.whole(unit))
        };
        let at = edges.iter().find_map(place).or_else(whole);
        found.push(error(
            at.unwrap_or_default(),
            Code::Cycle,
            format!("ordering cycle: {}", words.join(", ")),
            "remove one of these",
        ));
    }
}
