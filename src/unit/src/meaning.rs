//! What a unit says, as properties; and whether two say the same.
use crate::load::silent;
use crate::model::{MeaningHash, Unit};
use crate::name::UnitKind;
use crate::property::PropertyValue;
use crate::table::{Body, Row, RowId, Shown, by_id, derived, table};
use crate::tree::HostFacts;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// FNV-1a, 128 bits: offset basis and prime. Not against forgery: a commit's author decides what
/// runs anyway.
const FNV_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// The configured properties by systemd's names and types, in the order of the table, with the
/// host's defaults where the unit says nothing. Times are µs; `u64::MAX` is infinity.
pub fn properties(unit: &Unit, facts: &HostFacts) -> Vec<(&'static str, PropertyValue)> {
    let [mut generic, own] = properties_by_interface(unit, facts);
    generic.extend(own);
    generic
}

/// The same, apart by D-Bus interface: those of every unit ([Unit] and [Install]), and those of the
/// unit's kind.
pub fn properties_by_interface(
    unit: &Unit,
    facts: &HostFacts,
) -> [Vec<(&'static str, PropertyValue)>; 2] {
    let own = unit.name.kind().section();
    let mut found = [Vec::new(), Vec::new()];
    for (id, row) in (0..).zip(table()) {
        let generic = row.family.is_generic();
        if !generic && !row.family.sections().contains(&own) {
            continue;
        }
        let list = &mut found[usize::from(!generic)];
        match &row.body {
            Body::Field { shows, .. } => list.extend(shows.iter().filter_map(|shown| {
                let host = || shown.host.map(|host| host(facts));
                Some((shown.property, (shown.show)(unit).or_else(host)?))
            })),
            Body::Kept { default, .. } if !row.property.is_empty() => {
                let value = unit.settings.by_id(id).unwrap_or(default);
                list.push((row.property.as_str(), value.property()));
            }
            Body::Kept { .. } | Body::Alias { .. } | Body::Nothing => {}
        }
    }
    let [mut generic, mut specific] = found;
    derived::add(unit, &mut generic, &mut specific);
    [generic, specific]
}

/// Hash of what needs a restart of the unit's processes when it changes. `given` tells which
/// directives its files have: only these, and those that follow others, can differ from a silent unit's.
pub(crate) fn meaning(unit: &Unit, given: impl Fn(RowId) -> bool) -> MeaningHash {
    let mut hash = Fnv(FNV_BASIS);
    let kind = unit.name.kind();
    hash.text(kind.suffix());
    for Restarting { id, follows, shown } in restarting(kind) {
        if !follows && !given(*id) {
            continue;
        }
        let value = (shown.show)(unit);
        if let (Some(value), true) = (&value, *follows || value != (shown.show)(silent(kind))) {
            hash.text(shown.property);
            hash.value(value);
        }
    }
    for (id, value) in unit.settings.iter() {
        let row = by_id(id);
        if let (true, Body::Kept { kind, .. }) = (row.restarts, &row.body) {
            hash.text(row.key);
            // Not what shows: systemd does not show all of a value.
            kind.write(value).iter().for_each(|line| hash.text(line));
        }
    }
    MeaningHash(hash.0)
}

/// A property of a field of the model that a unit is to be restarted for.
struct Restarting {
    id: RowId,
    /// Its default follows other directives, or the host.
    follows: bool,
    shown: &'static Shown,
}

/// Those of a kind of unit.
fn restarting(kind: UnitKind) -> &'static [Restarting] {
    static RESTARTING: LazyLock<BTreeMap<UnitKind, Vec<Restarting>>> = LazyLock::new(|| {
        let of_kind = |kind: UnitKind| {
            let here = move |(_, row): &(RowId, &Row)| {
                row.restarts && row.family.sections().contains(&kind.section())
            };
            let shown = |(id, row): (RowId, &'static Row)| {
                let shows = match &row.body {
                    Body::Field { shows, .. } => shows.as_slice(),
                    Body::Kept { .. } | Body::Alias { .. } | Body::Nothing => &[],
                };
                // Timers, paths and sockets have lists that several directives fill.
                let follows = kind != UnitKind::Service || !row.follows.is_empty();
                shows
                    .iter()
                    .map(move |shown| Restarting { id, follows, shown })
            };
            let rows = (0..).zip(table());
            (kind, rows.filter(here).flat_map(shown).collect())
        };
        UnitKind::ALL.into_iter().map(of_kind).collect()
    });
    &RESTARTING[&kind]
}

/// Whether processes of `a` must be restarted to become `b`.
pub fn needs_restart(a: &Unit, b: &Unit) -> bool {
    a.meaning != b.meaning
}

/// The properties in which `a` and `b` differ, each directive's by its main name; by the directive's
/// own where systemd shows none.
pub fn changed_properties(a: &Unit, b: &Unit) -> Vec<&'static str> {
    // Most units of a new commit are as before, and showing is dear.
    let same = a.unit == b.unit
        && a.service == b.service
        && a.settings == b.settings
        && a.triggers == b.triggers
        && a.install == b.install;
    if same {
        return Vec::new();
    }
    let differs = |(id, row): &(RowId, &Row)| match &row.body {
        Body::Field { shows, .. } => shows.iter().any(|shown| (shown.show)(a) != (shown.show)(b)),
        Body::Kept { .. } => a.settings.by_id(*id) != b.settings.by_id(*id),
        Body::Alias { .. } | Body::Nothing => false,
    };
    let changed = (0..).zip(table()).filter(differs);
    let name = |(_, row): (RowId, &'static Row)| match row.property.as_str() {
        "" => row.key,
        property => property,
    };
    changed.map(name).collect()
}

struct Fnv(u128);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(FNV_PRIME);
        }
    }

    /// Lengths go in first, so that neighbours can't run together.
    fn text(&mut self, text: &str) {
        self.bytes(&(text.len() as u64).to_le_bytes());
        self.bytes(text.as_bytes());
    }

    fn value(&mut self, value: &PropertyValue) {
        match value {
            PropertyValue::Bool(yes) => self.bytes(&[0, u8::from(*yes)]),
            PropertyValue::Unsigned(number) => {
                self.bytes(&[1]);
                self.bytes(&number.to_le_bytes());
            }
            PropertyValue::Signed(number) => {
                self.bytes(&[2]);
                self.bytes(&number.to_le_bytes());
            }
            PropertyValue::Text(text) => {
                self.bytes(&[3]);
                self.text(text);
            }
            PropertyValue::List(items) => {
                self.bytes(&[4]);
                self.bytes(&(items.len() as u64).to_le_bytes());
                items.iter().for_each(|item| self.value(item));
            }
        }
    }
}

/// The value as `show` prints it after `Name=`.
pub fn property_text(value: &PropertyValue) -> String {
    match value {
        PropertyValue::Bool(true) => "yes".into(),
        PropertyValue::Bool(false) => "no".into(),
        PropertyValue::Unsigned(u64::MAX) => "infinity".into(),
        PropertyValue::Unsigned(number) => number.to_string(),
        PropertyValue::Signed(number) => number.to_string(),
        PropertyValue::Text(text) => text.clone(),
        PropertyValue::List(items) => {
            let nested = |item: &PropertyValue| match item {
                PropertyValue::List(_) => format!("{{ {} }}", property_text(item)),
                other => property_text(other),
            };
            items.iter().map(nested).collect::<Vec<_>>().join(" ")
        }
    }
}
