//! Dependencies: what a target pulls in, and orders that go in a circle.
//!
//! The only file that knows petgraph.
use gitproc_unit::{Origin, UnitKind, UnitName, UnitSet};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Units that `target`, by any of its names, pulls in by Requires=, Wants=, BindsTo=, Upholds= and
/// [Install], itself included. Units that the set does not hold are left out.
pub fn wanted(units: &UnitSet, target: &UnitName) -> BTreeSet<UnitName> {
    let mut found = BTreeSet::new();
    let mut open = vec![units.canonical(target).clone()];
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
        open.extend(section.upholds.iter().cloned());
    }
    found
}

/// Which directive of which unit makes one unit come after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge<'a> {
    /// Whose directive.
    pub unit: &'a UnitName,
    /// `After` or `Before`.
    pub key: &'static str,
    /// The other unit.
    pub value: &'a UnitName,
}

/// Ordering cycles among units of the tree, a shortest one for each group of units that can't be
/// put in order, edge by edge. Built-in targets don't count: they are always there.
pub fn order_cycles(units: &UnitSet) -> Vec<Vec<Edge<'_>>> {
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
            shortest_cycle(&graph, &component)
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
                let mut edges = vec![*edge.weight()];
                let mut at = node;
                while at != start {
                    let (previous, weight) = &came_by[&at];
                    edges.push(*weight);
                    at = *previous;
                }
                edges.reverse();
                return edges;
            }
            if inside.contains(&next) && !came_by.contains_key(&next) {
                came_by.insert(next, (node, *edge.weight()));
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
