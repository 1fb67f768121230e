//! The unit-file language: from the bytes of a commit's tree to typed units.
//!
//! Pure: no I/O, no clock, no randomness. What the host must say (its name, its ids) comes in as
//! [`HostFacts`]. One table of directives drives the parser, `show`, the warnings and
//! `docs/units.md`.
#![forbid(unsafe_code)]

mod diagnostic;
mod model;
mod name;
mod property;
mod tree;

pub use diagnostic::{Diagnostic, Severity};
pub use model::*;
pub use name::{UnitKind, UnitName, UnitNameError};
pub use property::PropertyValue;
pub use tree::{HostFacts, TreeEntry, TreeFiles};
