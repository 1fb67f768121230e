//! Values of systemd's D-Bus properties, typed as `show -o json` gives them.
use serde::{Deserialize, Serialize};

/// One property value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PropertyValue {
    /// `b`
    Bool(bool),
    /// `t`, `u`, `y`; `u64::MAX` is infinity or unset
    Unsigned(u64),
    /// `i`, `x`
    Signed(i64),
    /// `s`
    Text(String),
    /// `as`, structs and arrays of structs
    List(Vec<PropertyValue>),
}

impl PropertyValue {
    /// Infinity, or "not set".
    pub const INFINITY: PropertyValue = PropertyValue::Unsigned(u64::MAX);

    /// `[]`
    pub const fn empty() -> PropertyValue {
        PropertyValue::List(Vec::new())
    }

    /// `""`
    pub const fn blank() -> PropertyValue {
        PropertyValue::Text(String::new())
    }

    /// The text; `""` of what is none.
    pub fn text(&self) -> &str {
        match self {
            PropertyValue::Text(text) => text,
            PropertyValue::Bool(_)
            | PropertyValue::Unsigned(_)
            | PropertyValue::Signed(_)
            | PropertyValue::List(_) => "",
        }
    }

    /// The items; none of what is no list.
    pub fn items(&self) -> &[PropertyValue] {
        match self {
            PropertyValue::List(items) => items,
            PropertyValue::Bool(_)
            | PropertyValue::Unsigned(_)
            | PropertyValue::Signed(_)
            | PropertyValue::Text(_) => &[],
        }
    }

    /// The bytes of what is a list of them.
    pub fn bytes(&self) -> Vec<u8> {
        crate::table::bytes(self)
    }

    /// The items, to add to; what is no list becomes an empty one.
    pub(crate) fn items_mut(&mut self) -> &mut Vec<PropertyValue> {
        if !matches!(self, PropertyValue::List(_)) {
            *self = PropertyValue::empty();
        }
        match self {
            PropertyValue::List(items) => items,
            PropertyValue::Bool(_)
            | PropertyValue::Unsigned(_)
            | PropertyValue::Signed(_)
            | PropertyValue::Text(_) => unreachable!("made a list above"),
        }
    }
}

impl From<&str> for PropertyValue {
    fn from(text: &str) -> PropertyValue {
        PropertyValue::Text(text.to_owned())
    }
}

/// A list of texts.
pub(crate) fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> PropertyValue {
    let text = |item: T| PropertyValue::Text(item.to_string());
    PropertyValue::List(items.into_iter().map(text).collect())
}
