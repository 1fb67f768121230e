//! Values of systemd's D-Bus properties, typed as `show -o json` gives them.
use serde::{Deserialize, Serialize};

/// One property value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PropertyValue {
    /// `b`
    Bool(bool),
    /// `t`, `u`; `u64::MAX` is infinity or unset
    Unsigned(u64),
    /// `i`, `x`
    Signed(i64),
    /// `s`
    Text(String),
    /// `as`, structs and arrays of structs
    List(Vec<PropertyValue>),
}
