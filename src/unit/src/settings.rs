//! What a unit sets of the directives that no field of the model holds: each as the value of its
//! property. A directive moves from here to a field of its own when code begins to act on it.
use crate::property::PropertyValue;
use crate::table::{Family, RowId, kept};

/// The values that differ from systemd's default, by row of the directive table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(Vec<(RowId, PropertyValue)>);

impl Settings {
    /// The value of a directive, such as `PrivateTmp` of [`Family::Exec`]: its default where the
    /// unit does not say otherwise.
    ///
    /// # Panics
    /// When no row is kept by that name: a slip in the code, not in the input.
    pub fn get(&self, family: Family, key: &str) -> &PropertyValue {
        let (id, default) = kept(family, key).expect("the code names rows that are kept");
        self.by_id(id).unwrap_or(default)
    }

    /// Whether a flag is set.
    pub fn is_true(&self, family: Family, key: &str) -> bool {
        *self.get(family, key) == PropertyValue::Bool(true)
    }

    pub(crate) fn by_id(&self, id: RowId) -> Option<&PropertyValue> {
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.0[at].1)
    }

    /// Those that are set, in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RowId, &PropertyValue)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }

    /// Sets a directive by its name; see [`Settings::get`].
    pub(crate) fn set(&mut self, family: Family, key: &str, value: PropertyValue) {
        let (id, default) = kept(family, key).expect("the code names rows that are kept");
        self.put(id, value, default);
    }

    /// Sets a value; one that equals the default takes the setting away, so that two units that
    /// mean the same are equal.
    pub(crate) fn put(&mut self, id: RowId, value: PropertyValue, default: &PropertyValue) {
        let found = self.0.binary_search_by_key(&id, |(id, _)| *id);
        match (found, value == *default) {
            (Ok(at), true) => {
                self.0.remove(at);
            }
            (Ok(at), false) => self.0[at].1 = value,
            (Err(_), true) => {}
            (Err(at), false) => self.0.insert(at, (id, value)),
        }
    }
}
