//! Dependencies: what a target pulls in, in which order, and what can't be.
//!
//! The only file that knows petgraph.
use gitproc_unit::{Code, Diagnostic, Origin, Severity, Unit, UnitKind, UnitName, UnitSet};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Units that `target` pulls in by Requires=, Wants=, BindsTo= and [Install], `target` included.
/// Units that the set does not hold are left out.
pub fn wanted(units: &UnitSet, target: &UnitName) -> BTreeSet<UnitName> {
    let mut found = BTreeSet::new();
    let mut open = vec![target.clone()];
    // Well-known targets of a running host count as reached, so what they want is wanted.
    for (name, unit) in &units.units {
        if matches!(unit.origin, Origin::BuiltIn { reached: true }) {
            open.push(name.clone());
        }
    }
    while let Some(name) = open.pop() {
        let Some(unit) = units.units.get(&name) else {
            continue;
        };
        if !found.insert(name) {
            continue;
        }
        let section = &unit.unit;
        open.extend(section.requires.iter().cloned());
        open.extend(section.wants.iter().cloned());
        open.extend(section.binds_to.iter().cloned());
    }
    found
}

/// What is wrong with the set as a whole: ordering cycles (named edge by edge), requirements on
/// units that do not exist or that can't run, wanted units that conflict. Errors refuse the commit.
pub fn check(units: &UnitSet) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for unit in units.units.values().filter(|unit| !unit.name.is_template()) {
        check_requirements(units, unit, &mut found);
    }
    found.extend(order_cycles(units));
    found.extend(conflicts_of_wanted(units));
    found
}

fn error(unit: &Unit, code: Code, message: String, hint: &str) -> Diagnostic {
    let file = match &unit.origin {
        Origin::Tree { fragment, .. } => fragment.clone(),
        Origin::BuiltIn { .. } => unit.name.to_string(),
    };
    let hint = (!hint.is_empty()).then(|| hint.to_owned());
    Diagnostic {
        file,
        line: 0,
        column: 0,
        severity: Severity::Error,
        code,
        message,
        hint,
    }
}

fn check_requirements(units: &UnitSet, unit: &Unit, found: &mut Vec<Diagnostic>) {
    let section = &unit.unit;
    let kinds = [
        ("Requires", &section.requires),
        ("BindsTo", &section.binds_to),
        ("Requisite", &section.requisite),
    ];
    for (key, names) in kinds {
        for name in names {
            let message = match units.units.get(name) {
                _ if is_host_kind(name.kind()) => continue,
                None => format!("{key}={name}: there is no {name} in this commit"),
                Some(other) => match (&other.origin, name.kind()) {
                    (Origin::BuiltIn { reached: false }, _) => {
                        format!("{key}={name}: {name} is never reached while the host runs")
                    }
                    (_, UnitKind::Service | UnitKind::Target) => continue,
                    (_, kind) => {
                        format!("{key}={name}: {} units are not run yet", kind.suffix())
                    }
                },
            };
            let hint = format!(
                "add it, or write Wants={name} if {} can do without",
                unit.name
            );
            found.push(error(unit, Code::MissingRequirement, message, &hint));
        }
    }
}

/// Pairs of wanted units that exclude each other.
fn conflicts_of_wanted(units: &UnitSet) -> Vec<Diagnostic> {
    let default = UnitName::parse("default.target").expect("a valid name");
    let wanted = wanted(units, &default);
    let mut found = Vec::new();
    for name in &wanted {
        let Some(unit) = units.units.get(name) else {
            continue;
        };
        if matches!(unit.origin, Origin::BuiltIn { .. }) {
            continue;
        }
        for other in unit
            .unit
            .conflicts
            .iter()
            .filter(|other| wanted.contains(*other))
        {
            if *other == *name || is_built_in(units, other) {
                continue;
            }
            let message = format!("{name} conflicts with {other}, and both are to run");
            found.push(error(
                unit,
                Code::Conflict,
                message,
                "take one of them out of [Install]",
            ));
        }
    }
    found
}

fn is_built_in(units: &UnitSet, name: &UnitName) -> bool {
    units
        .units
        .get(name)
        .is_some_and(|unit| matches!(unit.origin, Origin::BuiltIn { .. }))
}

/// Which directive of which unit makes `later` come after `earlier`.
#[derive(Debug, Clone)]
struct Edge<'a> {
    unit: &'a UnitName,
    key: &'static str,
    value: &'a UnitName,
}

/// Ordering cycles among units of the tree. Built-in targets don't count: they are always there.
fn order_cycles(units: &UnitSet) -> Vec<Diagnostic> {
    let mut graph: DiGraph<&UnitName, Edge<'_>> = DiGraph::new();
    let mut nodes: BTreeMap<&UnitName, NodeIndex> = BTreeMap::new();
    for (name, unit) in &units.units {
        if !matches!(unit.origin, Origin::BuiltIn { .. }) && !name.is_template() {
            nodes.insert(name, graph.add_node(name));
        }
    }
    for (name, &node) in &nodes {
        let section = &units.units[*name].unit;
        for other in &section.after {
            if let Some(&earlier) = nodes.get(other) {
                graph.add_edge(
                    node,
                    earlier,
                    Edge {
                        unit: name,
                        key: "After",
                        value: other,
                    },
                );
            }
        }
        for other in &section.before {
            if let Some(&later) = nodes.get(other) {
                graph.add_edge(
                    later,
                    node,
                    Edge {
                        unit: name,
                        key: "Before",
                        value: other,
                    },
                );
            }
        }
    }
    tarjan_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1 || graph.contains_edge(component[0], component[0]))
        .map(|mut component| {
            component.sort_by_key(|node| graph[*node]);
            let edges = shortest_cycle(&graph, &component);
            let words: Vec<String> = edges
                .iter()
                .map(|edge| format!("{}: {}={}", edge.unit, edge.key, edge.value))
                .collect();
            let first = &units.units[graph[component[0]]];
            let message = format!("ordering cycle: {}", words.join(", "));
            error(first, Code::Cycle, message, "remove one of these")
        })
        .collect()
}

/// The edges of a shortest cycle through the first node of a strongly connected component.
fn shortest_cycle<'a>(
    graph: &DiGraph<&'a UnitName, Edge<'a>>,
    component: &[NodeIndex],
) -> Vec<Edge<'a>> {
    let start = component[0];
    let inside: BTreeSet<NodeIndex> = component.iter().copied().collect();
    let mut came_by: BTreeMap<NodeIndex, (NodeIndex, Edge<'a>)> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for edge in graph.edges(node) {
            let next = edge.target();
            if next == start {
                let mut edges = vec![edge.weight().clone()];
                let mut at = node;
                while at != start {
                    let (previous, weight) = &came_by[&at];
                    edges.push(weight.clone());
                    at = *previous;
                }
                edges.reverse();
                return edges;
            }
            if inside.contains(&next) && !came_by.contains_key(&next) {
                came_by.insert(next, (node, edge.weight().clone()));
                open.push_back(next);
            }
        }
    }
    Vec::new()
}

/// Units of kinds that only the host has; their state is not followed.
pub(crate) const fn is_host_kind(kind: UnitKind) -> bool {
    match kind {
        UnitKind::Mount
        | UnitKind::Automount
        | UnitKind::Swap
        | UnitKind::Device
        | UnitKind::Slice
        | UnitKind::Scope => true,
        UnitKind::Service
        | UnitKind::Target
        | UnitKind::Socket
        | UnitKind::Timer
        | UnitKind::Path => false,
    }
}
