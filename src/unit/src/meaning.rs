//! What a unit says, as properties; and whether two say the same.
use crate::model::{MeaningHash, Unit};
use crate::property::PropertyValue;
use crate::table::{Row, table};

/// FNV-1a, 128 bits: offset basis and prime. Not against forgery: a commit's author decides what
/// runs anyway.
const FNV_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// The configured properties by systemd's names and types, in the order of the table. Times are
/// µs; `u64::MAX` is infinity. What the unit leaves to the host's defaults is left out.
pub fn properties(unit: &Unit) -> Vec<(&'static str, PropertyValue)> {
    shown(unit, |_| true)
}

/// The same, apart by D-Bus interface: those of every unit ([Unit] and [Install]), and those of
/// services.
pub fn properties_by_interface(unit: &Unit) -> [Vec<(&'static str, PropertyValue)>; 2] {
    let of_services = |row: &Row| row.section == "Service";
    [
        shown(unit, |row| !of_services(row)),
        shown(unit, of_services),
    ]
}

fn shown(unit: &Unit, wanted: impl Fn(&Row) -> bool) -> Vec<(&'static str, PropertyValue)> {
    let rows = table().iter().filter(|row| wanted(row));
    rows.flat_map(|row| &row.shows)
        .filter_map(|(property, show)| Some((*property, show(unit)?)))
        .collect()
}

/// Hash of what needs a restart of the unit's processes when it changes.
pub(crate) fn meaning(unit: &Unit) -> MeaningHash {
    let mut hash = Fnv(FNV_BASIS);
    hash.text(unit.name.kind().suffix());
    for (property, value) in shown(unit, |row| row.restarts) {
        hash.text(property);
        hash.value(&value);
    }
    MeaningHash(hash.0)
}

/// Whether processes of `a` must be restarted to become `b`.
pub fn needs_restart(a: &Unit, b: &Unit) -> bool {
    a.meaning != b.meaning
}

/// The properties in which `a` and `b` differ, each directive's by its main name.
pub fn changed_properties(a: &Unit, b: &Unit) -> Vec<&'static str> {
    let differs = |row: &&Row| row.shows.iter().any(|(_, show)| show(a) != show(b));
    let changed = table().iter().filter(differs);
    changed.map(|row| row.property.as_str()).collect()
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
